package probe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// batch is the least time between two rounds: probes of many paths that are
// due within it leave together.
const batch = time.Millisecond

// Prober probes the paths of one node. Its methods may be called from several
// goroutines.
type Prober struct {
	log     *slog.Logger
	changes chan struct{} // one slot: some path's state changed
	wake    chan struct{} // one slot: Set was called
	tracer  *tracer

	mu       sync.Mutex // of all below
	wire     *wire
	seal     *sealer
	clock    clock
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
	link    string // interface
	packet  packet // nil: cannot be probed
	ssid    uint16
	by      *exit // nil: to be found
	due     time.Time
	judge   judge
	changed time.Time
	trouble trouble // with sending
}

// New opens the sockets, in the network namespace of the calling thread. It
// needs CAP_NET_RAW. Run does the work, Close ends it.
func New(log *slog.Logger) (*Prober, error) {
	w, err := newWire()
	if err != nil {
		return nil, err
	}
	t, err := newTracer()
	if err != nil {
		w.close()
		return nil, err
	}
	return &Prober{
		log: log, tracer: t, wire: w, seal: newSealer(),
		changes: make(chan struct{}, 1), wake: make(chan struct{}, 1),
		ssids: map[uint16]*path{},
	}, nil
}

// Close closes the sockets. Run, if it still runs, sends no more.
func (p *Prober) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.closed = true
		p.wire.close()
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
	states := make([]nodecfg.PathState, 0, len(p.paths))
	for _, path := range p.paths {
		s := nodecfg.PathState{Name: path.name, State: path.judge.state, Changed: path.changed}
		if s.State == nodecfg.Down {
			s.Cause = nodecfg.DownByProbe
		}
		if path.judge.rtt.known {
			s.RTTUS = max(path.judge.rtt.smoothed.Microseconds(), 1)
		}
		states = append(states, s)
	}
	return states
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
	p.interval = max(cfg.Probe.Interval, 0)
	old := make(map[string]*path, len(p.paths))
	for _, path := range p.paths {
		old[path.name] = path
	}
	p.paths = nil
	clear(p.ssids)
	for _, policy := range cfg.Policies {
		for i := range policy.Paths {
			p.paths = append(p.paths, p.keepOrMake(old, cfg, &policy.Paths[i], now))
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
	link, packet, err := loop(cfg, want, p.wire.port)
	if err != nil && want.Unprobed == "" { // else whoever made the path knows
		p.log.Warn("path cannot be probed", "path", want.Name, "error", err)
	}
	made.link, made.packet = link.Interface, packet
	if o := old[want.Name]; o != nil && o.link == made.link && o.packet.sameWay(made.packet) {
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
func loop(cfg *nodecfg.Config, path *nodecfg.Path, port uint16) (nodecfg.Link, packet, error) {
	i := slices.IndexFunc(cfg.Links, func(l nodecfg.Link) bool { return l.Name == path.Link })
	if i < 0 {
		return nodecfg.Link{}, nil, fmt.Errorf("it begins with link %q, which this node does not have", path.Link)
	}
	if len(path.Return) == 0 {
		return nodecfg.Link{}, nil, errors.New(cmp.Or(path.Unprobed, "no SIDs lead back"))
	}
	sids := slices.Concat(path.Segments, path.Return, []netip.Addr{nodecfg.EndDT6(cfg.Locator)})
	packet, err := newPacket(nodecfg.Loopback(cfg.Locator), port, sids)
	return cfg.Links[i], packet, err
}

// Run probes until ctx ends, and returns its error then. It is to be called
// once.
func (p *Prober) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.wake:
		case <-timer.C:
		}
		next, err := p.round(time.Now())
		if err != nil {
			return err
		}
		timer.Stop()
		if next > 0 {
			timer.Reset(next)
		}
	}
}

var errClosed = errors.New("prober is closed")

// round takes in what came home, judges what did not, sends what is due, and
// says when it is to be called again; 0: not before the next Set.
func (p *Prober) round(now time.Time) (time.Duration, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return 0, errClosed
	}
	// First the answers: none that came before now may be called lost.
	p.wire.receive(p.wire.udp, func(b []byte, _ netip.Addr, at time.Time) { p.take(b, at, now) })
	lived := p.clock.advance(now, p.planned, p.interval)
	if p.interval == 0 || len(p.paths) == 0 {
		p.planned = 0
		return 0, nil
	}
	home := p.settle()
	next := p.interval
	for _, path := range p.paths {
		p.update(path, now, func(j *judge) { p.counters.Lost += uint64(j.expire(lived)) })
		if wait := path.due.Sub(now); wait > 0 {
			next = min(next, wait)
		} else {
			// Without an address of our own nothing could come home, which
			// would say nothing of the path.
			if home && path.packet != nil {
				p.update(path, now, func(*judge) { p.probe(path, lived) })
			}
			// Rounds that were missed are not made up for.
			path.due = path.due.Add(p.interval * (1 + now.Sub(path.due)/p.interval))
			next = min(next, path.due.Sub(now))
		}
		if at, ok := path.judge.deadline(); ok {
			next = min(next, at-lived)
		}
	}
	p.planned = max(next, batch)
	return p.planned, nil
}

// settle says whether probes can come home.
func (p *Prober) settle() bool {
	err := p.wire.settle(p.home)
	p.homeless.note(p.log, err, "nothing is probed")
	return err == nil
}

// take judges a packet that came to the port.
func (p *Prober) take(b []byte, at, now time.Time) {
	st, ok := p.seal.open(b)
	path := p.ssids[st.ssid]
	switch {
	case !ok:
		p.counters.Refused++
	case path == nil:
		p.counters.Late++
	default:
		p.update(path, now, func(j *judge) {
			if j.answer(st.sequence, ntpOf(at).sub(st.sent)) {
				p.counters.Answered++
			} else {
				p.counters.Late++
			}
		})
	}
}

// probe sends one probe.
func (p *Prober) probe(path *path, lived time.Duration) {
	err := p.send(path)
	switch {
	case err == nil:
		p.counters.Sent++
		path.judge.leave(lived)
	case passing(err):
	default:
		path.by = nil // the interface may be another one by now
		p.counters.Lost++
		path.judge.refuse()
	}
	path.trouble.note(p.log, err, "probe not sent", "path", path.name, "interface", path.link)
}

func (p *Prober) send(path *path) (err error) {
	if path.by == nil {
		if path.by, err = p.wire.exit(path.packet.firstSID(), path.link); err != nil {
			return err
		}
	}
	path.packet.load(p.seal, stamp{sequence: path.judge.next, sent: ntpOf(time.Now()), ssid: path.ssid})
	return p.wire.send(path.packet, path.by)
}

// update lets do change a path's judge and tells the world if its state is
// another one then.
func (p *Prober) update(path *path, now time.Time, do func(*judge)) {
	before := path.judge.state
	do(&path.judge)
	if after := path.judge.state; after != before {
		path.changed = now
		p.log.Info("path changed", "path", path.name, "from", string(before), "to", string(after), "rtt", path.judge.rtt.smoothed)
		notify(p.changes)
	}
}

// trouble is logged when it begins or becomes another, not at every packet.
type trouble string

func (t *trouble) note(log *slog.Logger, err error, msg string, args ...any) {
	now := trouble("")
	if err != nil {
		now = trouble(err.Error())
	}
	if now != *t && err != nil {
		log.Warn(msg, append(args, "error", err)...)
	}
	*t = now
}

func notify(slot chan<- struct{}) {
	select {
	case slot <- struct{}{}:
	default:
	}
}
