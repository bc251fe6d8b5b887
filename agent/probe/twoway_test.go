package probe

import (
	"bytes"
	"log/slog"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/nodecfg"
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

// TestTwoWay: over a way of three links packets are counted in each direction.
func TestTwoWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 4, [2]int{0, 1}, [2]int{1, 2}, [2]int{2, 3})
	p := w.prober()
	path := w.path("gold/0", 0, 1, 2, 3)
	path.MaxDelay, path.MaxLossPPM = time.Second, 400_000 // of which a third is more than all
	cfg := w.config(path)
	w.tests(cfg, 10*time.Millisecond)
	p.Set(cfg)
	start(t, p)
	start(t, w.reflector(cfg))
	eventually(t, "both directions measured", func() bool {
		s := stateOf(t, p, "gold/0")
		return s.There.Packets >= 100 && s.Back.Packets >= 100
	})
	s := stateOf(t, p, "gold/0")
	if s.There.LossPPM != 0 || s.Back.LossPPM != 0 || s.There.Synced || s.Back.DelayUS != 0 || s.There.VariationUS <= 0 {
		t.Errorf("%+v", s)
	}
	if s.Delay != nodecfg.Within || s.Loss != nodecfg.Within {
		t.Errorf("delay %q, loss %q", s.Delay, s.Loss)
	}
	_ = netlink.Route{}
	_ = unix.RTN_BLACKHOLE
}
