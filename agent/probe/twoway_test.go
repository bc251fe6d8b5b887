package probe

import (
	"bytes"
	"log/slog"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/probe/stamp"
)

var testKey = nodecfg.TestKey(bytes.Repeat([]byte{7}, nodecfg.TestKeyLen))

// tests makes cfg, of the first node, measure to all tails.
func (w *world) tests(cfg *nodecfg.Config, interval time.Duration) {
	cfg.Probe.Measure = interval
	for _, n := range w.nodes[1:] {
		cfg.Testers = append(cfg.Testers, nodecfg.Tester{Node: n.name, Locator: n.locator, Key: testKey})
	}
}

// reflector is a prober on the last node, which has no paths of its own.
func (w *world) reflector(head *nodecfg.Config) *Prober {
	w.t.Helper()
	n := w.nodes[len(w.nodes)-1]
	var p *Prober
	n.in(func() (err error) {
		p, err = New(slog.New(slog.NewTextHandler(w.t.Output(), nil)))
		return err
	})
	w.t.Cleanup(p.Close)
	cfg := &nodecfg.Config{Node: n.name, Locator: n.locator, Testers: []nodecfg.Tester{{Node: head.Node, Locator: head.Locator, Key: testKey}}}
	for _, l := range n.links {
		cfg.Links = append(cfg.Links, nodecfg.Link{
			Name: l.peer.name, Interface: l.dev.Attrs().Name, Peer: l.peer.name,
			ID: l.id, PeerID: l.far.id, PeerLocator: l.peer.locator,
		})
	}
	p.Set(cfg)
	return p
}

// twoWay is a headend that measures a path over three links, the middle one of
// which is bent.
func twoWay(t *testing.T, maxDelay time.Duration, maxLoss int64) (r *relay, head, tail *Prober) {
	t.Parallel()
	w := newWorld(t, 4, [2]int{0, 1}, [2]int{1, 2}, [2]int{2, 3})
	r = w.bend(1, 2)
	p := w.prober()
	path := w.path("gold/0", 0, 1, 2, 3)
	path.MaxDelay, path.MaxLossPPM = maxDelay, maxLoss
	cfg := w.config(path)
	w.tests(cfg, nodecfg.MinMeasure)
	p.Set(cfg)
	start(t, p)
	tail = w.reflector(cfg)
	start(t, tail)
	return r, p, tail
}

// TestLossPerDirection: what a link loses one way is found in that direction of
// the path, and in no other.
func TestLossPerDirection(t *testing.T) {
	r, p, _ := twoWay(t, 0, 1000)
	measured := func(there, back bool) func() bool {
		return func() bool {
			s := stateOf(t, p, "gold/0")
			return s.There.Packets > 100 && s.Back.Packets > 100 && (s.There.LossPPM > 20_000) == there && (s.Back.LossPPM > 20_000) == back &&
				(there || s.There.LossPPM == 0) && (back || s.Back.LossPPM == 0)
		}
	}
	eventually(t, "no loss", measured(false, false))
	// A link has other frames too, so one of 11 is not always the same one.
	r.every[0].Store(11)
	eventually(t, "loss there", measured(true, false))
	eventually(t, "beyond", func() bool { return stateOf(t, p, "gold/0").Loss == nodecfg.Beyond })
	r.every[0].Store(0)
	eventually(t, "no loss again", measured(false, false))
	r.every[1].Store(11)
	eventually(t, "loss back", measured(false, true))
	if s := stateOf(t, p, "gold/0"); s.State != nodecfg.Up || s.There.Synced || s.Back.DelayUS != 0 || s.Delay != "" {
		t.Errorf("%+v", s)
	}
}

// TestDelayGrows: a round trip of more than both directions may take is found,
// though no two clocks are known to agree; and so is that it is over.
func TestDelayGrows(t *testing.T) {
	r, p, _ := twoWay(t, 25*time.Millisecond, 0)
	delay := func(want string) func() bool {
		return func() bool { return stateOf(t, p, "gold/0").Delay == want }
	}
	eventually(t, "within", delay(nodecfg.Within))
	r.delay[0].Store(int64(60 * time.Millisecond)) // more than both directions may take
	eventually(t, "beyond", delay(nodecfg.Beyond))
	r.delay[0].Store(0)
	eventually(t, "within again", delay(nodecfg.Within))
	for len(p.Changes()) > 0 {
		<-p.Changes()
	}
	r.delay[1].Store(int64(60 * time.Millisecond))
	select { // whoever waits is told
	case <-p.Changes():
	case <-time.After(patience):
		t.Error("a bound was passed and nobody was told")
	}
	r.delay[1].Store(0)
	eventually(t, "within at last", delay(nodecfg.Within))
	if s := stateOf(t, p, "gold/0"); s.Loss != "" || s.State != nodecfg.Up {
		t.Errorf("%+v", s)
	}
}

// TestOneWayDelay: where both clocks are known, 5 ms more in one direction are
// told of that direction, and are beyond a bound that the round trip keeps.
func TestOneWayDelay(t *testing.T) {
	r, p, tail := twoWay(t, 30*time.Millisecond, 0)
	synced := func() stamp.Estimate { return stamp.Synced(10 * time.Microsecond) } // it is one clock
	p.mu.Lock()
	p.wall.adjtimex = synced
	p.mu.Unlock()
	eventually(t, "its own word is not enough", func() bool { s := stateOf(t, p, "gold/0"); return s.There.Packets > 20 && !s.There.Synced })
	far := tail.reflector
	far.mu.Lock()
	far.wall.adjtimex = synced
	far.mu.Unlock()
	var before nodecfg.PathState
	eventually(t, "one-way delays", func() bool {
		before = stateOf(t, p, "gold/0")
		return before.There.Synced && before.Back.Synced && before.There.DelayUS > 0
	})
	r.delay[1].Store(int64(5 * time.Millisecond))
	eventually(t, "5 ms more back, none there", func() bool {
		s := stateOf(t, p, "gold/0")
		return s.Back.DelayUS >= before.Back.DelayUS+4500 && s.There.DelayUS < before.There.DelayUS+4500
	})
	r.delay[1].Store(int64(35 * time.Millisecond))
	eventually(t, "beyond", func() bool { return stateOf(t, p, "gold/0").Delay == nodecfg.Beyond })
}

// TestTestersGone: without a key there is nothing to be said, and with another
// one neither.
func TestTestersGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2, [2]int{0, 1})
	p := w.prober()
	cfg := w.config(w.path("gold/0", 0, 1))
	w.tests(cfg, nodecfg.MinMeasure)
	p.Set(cfg)
	start(t, p)
	far := w.reflector(cfg)
	start(t, far)
	eventually(t, "measured", func() bool { return stateOf(t, p, "gold/0").There.Packets > 0 })
	other := *cfg
	other.Testers = []nodecfg.Tester{{Node: cfg.Testers[0].Node, Locator: cfg.Testers[0].Locator, Key: bytes.Repeat([]byte{8}, nodecfg.TestKeyLen)}}
	p.Set(&other)
	refused := func() uint64 {
		far.reflector.mu.Lock()
		defer far.reflector.mu.Unlock()
		return far.reflector.decide.Counters.Refused
	}
	before := refused()
	eventually(t, "refused", func() bool { return refused() > before+10 })
	if s := stateOf(t, p, "gold/0"); s.There.Packets != 0 || s.State != nodecfg.Up {
		t.Errorf("%+v", s)
	}
	p.Set(cfg)
	eventually(t, "measured again", func() bool { return stateOf(t, p, "gold/0").There.Packets > 0 })
}
