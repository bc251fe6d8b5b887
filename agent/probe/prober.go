package probe

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/probe/gauge"
	"github.com/keiro-net/keiro/agent/probe/stamp"
	"github.com/keiro-net/keiro/agent/probe/wire"
)

// Prober probes the paths of one node. Its methods may be called from several
// goroutines.
type Prober struct {
	log     *slog.Logger
	changes chan struct{} // one slot: some path's state changed
	wake    chan struct{} // one slot: Set was called
	tracer  *tracer

	reflector *reflector

	mu       sync.Mutex // of all below
	wire     *wire.Socket
	queue    []*path       // whose probes are queued at wire
	tests    *tests        // to the agents at the tails
	seal     *stamp.Sealer // of probes, with a key that never leaves the process
	clock    clock
	wall     wallClock
	planned  time.Duration // how long the last round meant to sleep
	home     netip.Addr
	homeless trouble       // with home
	interval time.Duration // 0: nothing is probed
	paths    []*path       // sorted by name
	ssids    map[uint16]*path
	lastSSID uint16
	counters Counters
	closed   bool
}

// Counters count packets since New.
type Counters struct {
	Sent     uint64
	Answered uint64
	Lost     uint64 // unanswered in time, or refused by the kernel
	Late     uint64 // authentic, but not awaited any more
	Refused  uint64 // not authentic: nothing that this Prober sent
}

// path is one path under probe.
type path struct {
	name    string
	link    string      // interface
	packet  wire.Packet // not valid: cannot be probed
	ssid    uint16
	by      *wire.Exit // nil: to be found
	due     time.Time
	judge   judge
	bounds  bounds
	test    *test // nil: there is no agent at the tail to measure with
	changed time.Time
	trouble trouble // with sending
	told    verdicts
}

// verdicts are whether a path that is up keeps its bounds.
type verdicts struct{ delay, loss string }

// New opens the sockets, in the network namespace of the calling thread. It
// needs CAP_NET_RAW. Run does the work, Close ends it.
func New(log *slog.Logger) (*Prober, error) {
	p := &Prober{
		log: log, seal: newSealer(), reflector: newReflector(log),
		changes: make(chan struct{}, 1), wake: make(chan struct{}, 1),
		ssids: map[uint16]*path{},
	}
	var err error
	if p.wire, err = wire.Open(); err != nil {
		return nil, err
	}
	if p.tests, err = newTests(); err != nil {
		p.wire.Close()
		return nil, err
	}
	if p.tracer, err = newTracer(); err != nil {
		p.wire.Close()
		p.tests.wire.Close()
		return nil, err
	}
	p.wall.look(time.Now())
	p.reflector.open()
	return p, nil
}

// newSealer has a key that is never the same twice.
func newSealer() *stamp.Sealer {
	key := make([]byte, sha256.Size)
	rand.Read(key) // never fails: crypto/rand
	return stamp.NewSealer(key)
}

// Close closes the sockets. Run, if it still runs, sends no more.
func (p *Prober) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.closed = true
		p.wire.Close()
		p.tests.wire.Close()
		p.reflector.close()
		p.tracer.close()
	}
}

// Changes has a value after any path's state changed; see States.
func (p *Prober) Changes() <-chan struct{} { return p.changes }

// States are those of all paths of the last Set, sorted by name. Active is for
// the caller to fill.
func (p *Prober) States() []nodecfg.PathState {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.wall.of(time.Now())
	states := make([]nodecfg.PathState, 0, len(p.paths))
	for _, path := range p.paths {
		s := nodecfg.PathState{Name: path.name, State: path.judge.state, Changed: path.changed}
		if s.State == nodecfg.Down {
			s.Cause = nodecfg.DownByProbe
		}
		if path.judge.rtt.known {
			s.RTTUS = max(path.judge.rtt.smoothed.Microseconds(), 1)
		}
		if s.State == nodecfg.Up {
			path.measured(&s, now)
		}
		states = append(states, s)
	}
	return states
}

// measured adds what is known of the path beside that it is up.
func (p *path) measured(s *nodecfg.PathState, now time.Duration) {
	s.There, s.Back, s.Delay, s.Loss = p.result(now)
}

// result is what both kinds of packets say.
func (p *path) result(now time.Duration) (there, back nodecfg.Measured, delay, loss string) {
	delay, loss = p.bounds.delay.Verdict(), p.bounds.loss()
	if p.test != nil {
		var d, l string
		there, back, d, l = p.test.sender.Result(now)
		delay, loss = gauge.Join(delay, d), gauge.Join(loss, l)
	}
	return there, back, delay, loss
}

// Counters are those of all paths together, past ones included.
func (p *Prober) Counters() Counters {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.counters
}

// Set makes the policies' paths of cfg the ones to probe. A path keeps its
// state if its name and the way it takes, there and back, are the same.
func (p *Prober) Set(cfg *nodecfg.Config) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.home = nodecfg.Loopback(cfg.Locator)
	p.tests.set(cfg)
	p.reflector.set(cfg)
	p.interval = max(cfg.Probe.Interval, 0)
	old := make(map[string]*path, len(p.paths))
	for _, path := range p.paths {
		old[path.name] = path
	}
	p.paths = nil
	clear(p.ssids)
	for _, policy := range cfg.Policies {
		for i := range policy.Paths {
			want := &policy.Paths[i]
			path := p.keepOrMake(old, cfg, want, now)
			path.bounds.set(want.MaxDelay, want.MaxLossPPM)
			path.test = p.tests.keepOrMake(path.test, cfg, want)
			p.paths = append(p.paths, path)
		}
	}
	slices.SortFunc(p.paths, func(a, b *path) int { return cmp.Compare(a.name, b.name) })
	for i, path := range p.paths {
		if path.ssid == 0 {
			path.ssid = p.freeSSID()
		}
		p.ssids[path.ssid] = path
		path.judge.interval = p.interval
		path.judge.lost, path.judge.back = max(cfg.Probe.Lost, 1), max(cfg.Probe.Back, 1)
		due := now.Add(p.interval * time.Duration(i) / time.Duration(len(p.paths)))
		if path.due.IsZero() || due.Before(path.due) {
			path.due = due
		}
		path.test.begin(path.ssid, now.Add(p.tests.interval*time.Duration(i)/time.Duration(len(p.paths))))
		if p.interval == 0 {
			p.update(path, now, func(j *judge) { *j = judge{state: nodecfg.CannotTell} })
		}
	}
	notify(p.wake)
}

// keepOrMake finds the path among the old ones, or makes it anew. What cannot
// be probed stays unknown, and the log says why.
func (p *Prober) keepOrMake(old map[string]*path, cfg *nodecfg.Config, want *nodecfg.Path, now time.Time) *path {
	made := &path{name: want.Name, changed: now, judge: judge{state: nodecfg.CannotTell}}
	link, packet, err := loop(cfg, want, p.wire.Port())
	if err != nil && want.Unprobed == "" { // else whoever made the path knows
		p.log.Warn("path cannot be probed", "path", want.Name, "error", err)
	}
	made.link, made.packet = link.Interface, packet
	if o := old[want.Name]; o != nil && o.link == made.link && o.packet.SameWay(made.packet) {
		return o
	}
	return made
}

// freeSSID is an identifier that no path has. Numbers come round only after
// 65,535 paths, by when nothing old is under way.
func (p *Prober) freeSSID() uint16 {
	for range 1 << 16 {
		p.lastSSID++
		if p.lastSSID != 0 && p.ssids[p.lastSSID] == nil {
			return p.lastSSID
		}
	}
	return 0
}

// loop is a packet down the path and back, and the link it leaves by.
func loop(cfg *nodecfg.Config, path *nodecfg.Path, port uint16) (nodecfg.Link, wire.Packet, error) {
	i := slices.IndexFunc(cfg.Links, func(l nodecfg.Link) bool { return l.Name == path.Link })
	if i < 0 {
		return nodecfg.Link{}, wire.Packet{}, fmt.Errorf("it begins with link %q, which this node does not have", path.Link)
	}
	if len(path.Return) == 0 {
		return nodecfg.Link{}, wire.Packet{}, errors.New(cmp.Or(path.Unprobed, "no SIDs lead back"))
	}
	sids := slices.Concat(path.Segments, path.Return, []netip.Addr{nodecfg.EndDT6(cfg.Locator)})
	home := nodecfg.Loopback(cfg.Locator)
	packet, err := wire.New(wire.Spec{Source: home, To: home, SIDs: sids, From: port, At: port, Size: stamp.Len})
	return cfg.Links[i], packet, err
}
