package agent

import (
	"bytes"
	"net/netip"
	"os/exec"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/internal/testnet"
	"github.com/keiro-net/keiro/agent/needs"
	"github.com/keiro-net/keiro/agent/nodecfg"
)

// TestMeasuredPerDirection: both agents of a path measure it, each direction by
// itself. Packets that one node drops as they come in are found where they are
// lost, seen from either end, and found beyond what the path may lose.
func TestMeasuredPerDirection(t *testing.T) {
	needs.Program(t, "nft", "to drop packets of one direction")
	w := newTriangle(t)
	agents := map[string]*running{}
	for _, n := range []*node{w.a, w.b} {
		peer := map[*node]*node{w.a: w.b, w.b: w.a}[n]
		n.cfg.Revision++
		n.cfg.Probe = nodecfg.Probe{Interval: 10 * time.Millisecond, Lost: 3, Back: 3, Measure: nodecfg.MinMeasure}
		n.cfg.Testers = []nodecfg.Tester{{Node: peer.cfg.Node, Locator: peer.cfg.Locator, Key: bytes.Repeat([]byte{5}, nodecfg.TestKeyLen)}}
		direct, detour, on := n.linkTo(peer), n.linkTo(w.c), peer.linkTo(w.c)
		for i := range n.cfg.Policies[0].Paths {
			p := &n.cfg.Policies[0].Paths[i]
			p.MaxLossPPM, p.Tail = 5000, peer.cfg.Locator
			p.Hops, p.Return = []string{n.cfg.Node, peer.cfg.Node}, []netip.Addr{nodecfg.EndX(peer.cfg.Locator, direct.PeerID)}
			if i == 1 {
				p.Hops = []string{n.cfg.Node, w.c.cfg.Node, peer.cfg.Node}
				p.Return = []netip.Addr{nodecfg.EndX(peer.cfg.Locator, on.ID), nodecfg.EndX(w.c.cfg.Locator, detour.PeerID)}
			}
		}
		agents[n.cfg.Node] = startProbing(t, n)
		agents[n.cfg.Node].in <- nodecfg.ToAgent{Config: n.cfg}
	}
	direct := func(r *nodecfg.Report) nodecfg.PathState { return r.Paths[0] }
	for name, a := range agents { // the verdict is news, and brings the numbers
		a.report(name+" measures", func(r *nodecfg.Report) bool {
			return len(r.Paths) == 2 && direct(r).Loss == nodecfg.Within && direct(r).There.Packets > 0 && direct(r).Back.Packets > 0
		})
	}
	w.b.Do(func() error {
		for _, rule := range []string{
			"add table netdev loss",
			"add chain netdev loss in { type filter hook ingress device eth1 priority 0; }",
			"add rule netdev loss in meta l4proto != ipv6-icmp numgen inc mod 7 == 0 drop",
		} {
			if out, err := exec.Command("nft", rule).CombinedOutput(); err != nil {
				t.Fatalf("nft %s: %v: %s", rule, err, out)
			}
		}
		return nil
	})
	lossy := func(there bool) func(*nodecfg.Report) bool {
		return func(r *nodecfg.Report) bool {
			if len(r.Paths) == 0 {
				return false
			}
			s := direct(r)
			t.Logf("%s: %+v, %+v, %q", r.Node, s.There, s.Back, s.Loss)
			hurt, whole := s.There, s.Back
			if !there {
				hurt, whole = whole, hurt
			}
			return s.Loss == nodecfg.Beyond && hurt.LossPPM > 50_000 && whole.LossPPM < 10_000 && r.Paths[1].Loss != nodecfg.Beyond
		}
	}
	for _, there := range []bool{true, false} {
		a := agents[map[bool]string{true: "a", false: "b"}[there]]
		a.report("the loss is beyond", func(r *nodecfg.Report) bool { return len(r.Paths) > 0 && direct(r).Loss == nodecfg.Beyond })
		// The numbers come with the next refresh at the latest.
		deadline := time.After(refresh + testnet.Deadline)
		for found := false; !found; {
			select {
			case m := <-a.out:
				found = m.Report != nil && lossy(there)(m.Report)
			case <-deadline:
				t.Fatalf("the loss is not found there (%v)", there)
			}
		}
	}
}

// TestMeasuredIsTimes: new numbers are told with the round trips, what follows
// from them at once.
func TestMeasuredIsTimes(t *testing.T) {
	report := func(edit func(*nodecfg.PathState)) *nodecfg.Report {
		s := nodecfg.PathState{Name: "gold/0", State: nodecfg.Up}
		edit(&s)
		return &nodecfg.Report{Paths: []nodecfg.PathState{s}}
	}
	before := report(func(*nodecfg.PathState) {})
	for name, c := range map[string]struct {
		edit func(*nodecfg.PathState)
		news bool
	}{
		"there":   {func(s *nodecfg.PathState) { s.There.LossPPM = 5 }, false},
		"back":    {func(s *nodecfg.PathState) { s.Back.Packets = 5 }, false},
		"delay":   {func(s *nodecfg.PathState) { s.Delay = nodecfg.Beyond }, true},
		"loss":    {func(s *nodecfg.PathState) { s.Loss = nodecfg.Within }, true},
		"nothing": {func(*nodecfg.PathState) {}, false},
	} {
		after := report(c.edit)
		if same(before, after, false) == c.news {
			t.Errorf("%s: news %v", name, !c.news)
		}
		if same(before, after, true) != (name == "nothing") {
			t.Errorf("%s: with times: same %v", name, same(before, after, true))
		}
	}
}
