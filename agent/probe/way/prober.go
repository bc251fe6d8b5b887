package way

import (
	"cmp"
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// tick is the least time between two rounds: probes of many paths leave and
// come home together.
const tick = 50 * time.Millisecond

// Prober proves the way of the paths of one node. Its methods may be called
// from several goroutines.
type Prober struct {
	log     *slog.Logger
	changes chan struct{} // one slot
	wake    chan struct{} // one slot: Set was called

	mu      sync.Mutex // of all below
	wire    *wire
	seal    *sealer
	home    netip.Addr
	slow    time.Duration // least time between two probes of a path; 0: none are sent
	paths   map[uint32]*path
	next    uint32 // number of a path; none is ever given twice
	names   names
	running map[string]bool // interfaces, as this round found them
	trouble trouble         // that keeps all probes from leaving
}

// Way is what is known of the way of one path.
type Way struct {
	Way       string // nodecfg.Proven, nodecfg.Deviates, or "": cannot tell
	Deviation string // where packets went instead
}

// path is one path under proof.
type path struct {
	name   string
	device string
	packet packet
	want   want
	judge  judge
	due    time.Time
	sent   []probe // awaited, the oldest first
	number uint32  // of the next probe
	// trouble keeps those of this path from leaving: no reason to send none of others.
	trouble trouble
}

type probe struct {
	number uint32
	at     time.Time
}

// New opens the sockets, in the network namespace of the calling thread. It
// needs CAP_NET_RAW. Run does the work, Close ends it.
func New(log *slog.Logger) (*Prober, error) {
	w, err := newWire()
	if err != nil {
		return nil, err
	}
	return &Prober{
		log: log, wire: w, seal: newSealer(), paths: map[uint32]*path{}, running: map[string]bool{},
		changes: make(chan struct{}, 1), wake: make(chan struct{}, 1),
	}, nil
}

// Close closes the sockets. Run, if it still runs, sends no more.
func (p *Prober) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wire.close()
}

// Changes has a value after Ways says something new.
func (p *Prober) Changes() <-chan struct{} { return p.changes }

// Ways are those of the paths of the last Set, by name; of others nobody can
// tell.
func (p *Prober) Ways() map[string]Way {
	p.mu.Lock()
	defer p.mu.Unlock()
	ways := make(map[string]Way, len(p.paths))
	for _, path := range p.paths {
		if f := path.judge.finding; f.way != "" {
			ways[path.name] = Way{f.way, f.deviation}
		}
	}
	return ways
}

// Set makes the paths of cfg's policies the ones to prove, if it has paths
// probed at all. A path keeps its proof if its name and the way that it takes
// are the same.
func (p *Prober) Set(cfg *nodecfg.Config) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.home, p.names = nodecfg.Loopback(cfg.Locator), namesOf(cfg)
	p.slow = 0
	if cfg.Probe.Interval > 0 {
		p.slow = max(cfg.Probe.Interval, again)
	}
	old := make(map[string]uint32, len(p.paths))
	for number, path := range p.paths {
		old[path.name] = number
	}
	kept := make(map[uint32]*path)
	now := time.Now()
	var fresh []*path
	for i := range cfg.Policies {
		for j := range cfg.Policies[i].Paths {
			made := p.make(cfg, &cfg.Policies[i].Paths[j])
			if made == nil || p.slow == 0 {
				continue
			}
			number, ok := old[made.name]
			if o := p.paths[number]; ok && o.device == made.device && o.packet.sameWay(made.packet) && slices.Equal(o.want.there, made.want.there) {
				kept[number] = o
				continue
			}
			p.next++
			kept[p.next] = made
			fresh = append(fresh, made)
		}
	}
	for i, path := range fresh { // spread, so that not all are due together
		path.due = now.Add(every * time.Duration(i) / time.Duration(len(fresh)))
	}
	for number, path := range p.paths {
		if path.judge.way != "" && kept[number] == nil {
			notify(p.changes)
		}
	}
	p.paths = kept
	notify(p.wake)
}

// make is a path to be proven, nil where that cannot be.
func (p *Prober) make(cfg *nodecfg.Config, of *nodecfg.Path) *path {
	w := wantOf(cfg, of)
	known := slices.ContainsFunc(w.there, func(a nodecfg.Arrival) bool { return a.OAMLink != 0 })
	i := slices.IndexFunc(cfg.Links, func(l nodecfg.Link) bool { return l.Name == of.Link })
	if !known || i < 0 || len(of.Return) == 0 {
		return nil
	}
	packet, err := newPacket(p.home, slices.Concat(of.Segments, of.Return), len(w.there))
	if err != nil {
		p.log.Info("the way of a path cannot be proven", "path", of.Name, "error", err)
		return nil
	}
	return &path{name: of.Name, device: cfg.Links[i].Interface, packet: packet, want: w}
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
		timer.Stop()
		if p.round(time.Now()) {
			timer.Reset(tick)
		}
	}
}

// round takes in what came home, judges what did not, sends what is due, and
// says whether there is more to do.
func (p *Prober) round(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.paths) == 0 || p.wire.send < 0 {
		return false
	}
	clear(p.running)
	err := p.wire.settle(p.home)
	// First the answers: none that came before now may be called lost.
	if err == nil {
		p.wire.in(p.take)
	}
	for number, path := range p.paths {
		for len(path.sent) > 0 && now.Sub(path.sent[0].at) >= patience {
			path.sent = path.sent[1:]
			p.add(path, finding{})
		}
		switch {
		case !path.due.After(now) && err == nil:
			p.probe(number, path, now)
		case path.judge.doubtful() && len(path.judge.last) > 0:
			path.due = earlier(path.due, path.lastSent().Add(max(again, p.slow)))
		}
	}
	p.trouble.note(p.log, err, "no way is proven")
	return true
}

// lastSent is when the last probe left that is awaited, else long ago.
func (q *path) lastSent() time.Time {
	if len(q.sent) == 0 {
		return q.due.Add(-max(every, again))
	}
	return q.sent[len(q.sent)-1].at
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// probe sends one probe. Where the path's own link is down nothing could be
// said of the way, and what was is over.
func (p *Prober) probe(number uint32, path *path, now time.Time) {
	path.due = now.Add(max(every, p.slow))
	running, known := p.running[path.device]
	if !known {
		running = p.wire.running(path.device)
		p.running[path.device] = running
	}
	if !running {
		path.sent = nil
		before := path.judge.finding
		path.judge = judge{}
		p.told(path, before)
		return
	}
	path.packet.load(p.seal, token{number, path.number})
	err := p.wire.out(path.packet)
	if err == nil {
		path.sent = append(path.sent, probe{path.number, now})
	} else {
		p.add(path, finding{})
	}
	path.number++
	path.trouble.note(p.log, err, "the way of a path is not proven", "path", path.name)
}

// take judges a packet that came home.
func (p *Prober) take(b, options []byte, hops int) {
	t, ok := parseTest(p.seal, b)
	path := p.paths[t.path]
	if !ok || path == nil {
		return
	}
	i := slices.IndexFunc(path.sent, func(s probe) bool { return s.number == t.number })
	if i < 0 {
		return // late, or the second time
	}
	path.sent = slices.Delete(path.sent, i, i+1)
	entries, ok := parseTrace(options)
	if !ok {
		hops = 0
	}
	p.add(path, path.want.compare(entries, hops, p.names))
}

// add has a path judged anew.
func (p *Prober) add(path *path, f finding) {
	before := path.judge.finding
	path.judge.add(f)
	p.told(path, before)
}

// told tells the world if the judge says another thing than before.
func (p *Prober) told(path *path, before finding) {
	after := path.judge.finding
	if after == before {
		return
	}
	log := p.log.Info
	if after.way == nodecfg.Deviates {
		log = p.log.Warn
	}
	log("way of a path", "path", path.name, "from", cmp.Or(before.way, "unknown"), "to", cmp.Or(after.way, "unknown"), "deviation", after.deviation)
	notify(p.changes)
}

// trouble is logged when it begins or becomes another, not at every probe.
type trouble string

func (t *trouble) note(log *slog.Logger, err error, msg string, args ...any) {
	now := trouble("")
	if err != nil {
		now = trouble(err.Error())
	}
	if now != *t && err != nil {
		log.Info(msg, append(args, "error", err)...)
	}
	*t = now
}

func notify(slot chan<- struct{}) {
	select {
	case slot <- struct{}{}:
	default:
	}
}
