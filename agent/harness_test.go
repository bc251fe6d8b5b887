package agent

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/floor"
	"github.com/keiro-net/keiro/agent/internal/testnet"
	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/rtnl"
)

// prober is a Prober whose answers the test gives.
type prober struct {
	changes chan struct{}
	mu      sync.Mutex
	states  []nodecfg.PathState
	set     *nodecfg.Config
}

func newProber() *prober { return &prober{changes: make(chan struct{}, 1)} }

func (p *prober) Changes() <-chan struct{} { return p.changes }

func (p *prober) Set(cfg *nodecfg.Config) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.set = cfg
}

func (p *prober) States() []nodecfg.PathState {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.states
}

func (p *prober) Trace(_ context.Context, cfg *nodecfg.Config, req nodecfg.TraceRequest) nodecfg.TraceResult {
	r := nodecfg.TraceResult{ID: req.ID}
	for _, path := range cfg.Policies[0].Paths {
		r.Paths = append(r.Paths, nodecfg.TracePath{Name: path.Name})
	}
	return r
}

// say makes the prober find paths down.
func (p *prober) say(down ...string) {
	p.mu.Lock()
	p.states = nil
	for _, name := range down {
		p.states = append(p.states, nodecfg.PathState{Name: name, State: nodecfg.Down, Cause: nodecfg.DownByProbe})
	}
	p.mu.Unlock()
	p.changes <- struct{}{}
}

// lanes are Lanes whose answers the test gives: those that are open.
type lanes struct {
	changes chan struct{}
	mu      sync.Mutex
	states  []nodecfg.LaneState
	onSet   func() // nil: nothing
}

func newLanes() *lanes { return &lanes{changes: make(chan struct{}, 1)} }

func (l *lanes) Changes() <-chan struct{} { return l.changes }

func (l *lanes) Set(*nodecfg.Config, map[string]time.Time) {
	if l.onSet != nil {
		l.onSet()
	}
}

func (l *lanes) States() []nodecfg.LaneState {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.states
}

func (l *lanes) Drifts() ([]nodecfg.Drift, uint64) { return nil, 0 }

func (l *lanes) Keying() *nodecfg.Keying { return nil }

func (l *lanes) Rotate(r nodecfg.RotateRequest) nodecfg.RotateResult {
	return nodecfg.RotateResult{ID: r.ID, Pairs: 1}
}

// say opens lanes and closes all others.
func (l *lanes) say(open ...string) {
	l.mu.Lock()
	l.states = nil
	for _, name := range open {
		l.states = append(l.states, nodecfg.LaneState{Name: name, Open: true, Level: "pq", Epoch: 1})
	}
	l.mu.Unlock()
	l.changes <- struct{}{}
}

// counted is a Kernel that counts the operations.
type counted struct {
	*rtnl.Handle
	ops atomic.Int32
}

func (c *counted) Apply(op nodecfg.Op) error {
	c.ops.Add(1)
	return c.Handle.Apply(op)
}

// running is an agent under test.
type running struct {
	t      testing.TB
	kernel *counted
	prober *prober
	lanes  *lanes
	in     chan nodecfg.ToAgent
	begun  chan struct{}
	orders chan floor.Order
	out    chan nodecfg.FromAgent
	stop   func()
}

// start runs an agent for a node, with a state directory.
func start(t testing.TB, n *node, dir string) *running {
	t.Helper()
	k := &counted{Handle: n.kernel}
	a := startWith(t, n, dir, k)
	a.kernel = k
	return a
}

func startWith(t testing.TB, n *node, dir string, k Kernel) *running {
	t.Helper()
	return startLanes(t, n, dir, k, nil)
}

// startLanes is startWith where onSet runs when lanes are set.
func startLanes(t testing.TB, n *node, dir string, k Kernel, onSet func()) *running {
	t.Helper()
	return startRoutes(t, n, dir, k, onSet, nil)
}

// startRoutes is startLanes with policies by BGP.
func startRoutes(t testing.TB, n *node, dir string, k Kernel, onSet func(), routes Routes) *running {
	t.Helper()
	return startOptions(t, n, dir, k, func(o *Options) { o.Lanes.(*lanes).onSet, o.Routes = onSet, routes })
}

// startOptions is start where more is said.
func startOptions(t testing.TB, n *node, dir string, k Kernel, say func(*Options)) *running {
	t.Helper()
	a := &running{t: t, prober: newProber(), lanes: newLanes(),
		in: make(chan nodecfg.ToAgent), begun: make(chan struct{}), orders: make(chan floor.Order), out: make(chan nodecfg.FromAgent, 1000)}
	o := Options{Node: n.cfg.Node, Dir: dir, Kernel: k, Prober: a.prober, Lanes: a.lanes,
		In: a.in, Out: a.out, Begun: a.begun, Orders: a.orders, Log: slog.New(slog.DiscardHandler)}
	say(&o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() {
		done <- Run(ctx, o)
	}()
	a.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(a.stop)
	return a
}

// report waits for a Report of which want holds.
func (a *running) report(what string, want func(*nodecfg.Report) bool) *nodecfg.Report {
	a.t.Helper()
	var last *nodecfg.Report
	deadline := time.After(testnet.Deadline)
	for {
		select {
		case m := <-a.out:
			if m.Report != nil && want(m.Report) {
				return m.Report
			}
			if m.Report != nil {
				last = m.Report
			}
		case <-deadline:
			a.t.Fatalf("no report: %s; the last one is %+v", what, last)
		}
	}
}

func reached(r *nodecfg.Report) bool { return r.Reached }

func active(path string) func(*nodecfg.Report) bool {
	return func(r *nodecfg.Report) bool {
		for _, p := range r.Paths {
			if p.Active && p.Name == path {
				return true
			}
		}
		return false
	}
}
