package core

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestRandomRouters does anything in any order to agents between which there are
// routers without one. After every step the invariants hold: no agent is told what
// it must refuse, and no two of an agent's links begin with one SID. In the end the
// agents have what a fresh controller would tell them, over the SIDs that routers
// say last.
func TestRandomRouters(t *testing.T) {
	feed := []string{
		"gone link l2 2 3 if=2001:db8:23::2", "gone link l2 2 1 if=2001:db8:12::2", "gone link l2 3 4 if=2001:db8:34::3",
		"link l2 2 4 if=2001:db8:24::2 te=1 bw=1G", "link l2 2 4 if=2001:db8:24::2 te=1 bw=1G endx=2001:db8:b:dd::", "link l2 2 4 if=2001:db8:24::2 te=1 bw=1G endx=5f00:0:2:4001::",
		"link l2 2 4 if=2001:db8:24::2 te=1 bw=1G endx=2001:db8:12::2", "link l2 2 4 if=2001:db8:24::2 te=1 bw=1G delay=90000-90000 endx=2001:db8:b:d::",
		"node l2 2 name=b flags=overload", "node l2 2 name=b", "prefix l2 2 5f00:0:1::/48 locator=0", "gone prefix l2 2 5f00:0:1::/48", "lost", "up", "end",
	}
	intents := []string{"two.yaml", "two-b.yaml", "two-c.yaml", "spread.yaml"}
	settle := func(s *stage) {
		s.learn("up", "gone prefix l2 2 5f00:0:1::/48")
		s.settle()
	}
	rapid.Check(t, func(rt *rapid.T) {
		s := startLearned(t, rt, "mixed.yaml", "mixed.feed", intents)
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			node := rapid.SampledFrom([]string{"a", "d"}).Draw(rt, "node")
			link := rapid.SampledFrom([]string{"a--b", "b--d", "a--c", "c--d", "b--c", "a--b#2", "a--d"}).Draw(rt, "link")
			switch what := rapid.IntRange(0, 11).Draw(rt, "what"); what {
			default:
				s.agentDoes(rt, what, node, link)
			case 6, 7:
				s.do([]string{"solve"})
			case 8:
				s.do([]string{"wait", rapid.SampledFrom([]string{"20ms", "3s", "10s"}).Draw(rt, "time")})
			case 9:
				s.do([]string{rapid.SampledFrom([]string{"drain", "undrain"}).Draw(rt, "drain"), "link", link})
			case 10:
				if rapid.Bool().Draw(rt, "restart") && len(s.core.retired) == 0 {
					s.do([]string{"restart"})
					break
				}
				s.do([]string{"spec", rapid.SampledFrom([]string{"mixed.yaml", "mixed.yaml", "mixed-pruned.yaml"}).Draw(rt, "topology"), rapid.SampledFrom(intents).Draw(rt, "intents")})
			case 11:
				s.learn(rapid.SampledFrom(feed).Draw(rt, "feed"))
			}
		}
		settle(s)
		satisfied := true // what stands for an intent that is not is history
		for _, i := range s.core.View(s.now).Intents {
			satisfied = satisfied && i.Answer.Status == "satisfied"
			for _, c := range i.Conditions {
				if c.Type == Installed && c.Status != yes && i.Answer.Status == "satisfied" {
					rt.Fatalf("intent %s is not installed in the end: %s: %s", i.Spec.Name, c.Reason, c.Message)
				}
			}
		}
		if len(s.core.retired) > 0 {
			rt.Fatalf("links that have left are kept for ever: %v", s.core.retired)
		}
		fresh := newStage(t)
		fresh.fail, fresh.feed, fresh.spec = rt.Fatalf, s.feed, s.spec
		for name, a := range s.agents {
			fresh.agent(name).peer = a.peer
		}
		fresh.configure("rr")
		fresh.step(Started{Spec: s.spec, BGP: slices.Clone(fresh.bgp)})
		settle(fresh)
		for name, a := range s.agents {
			was := *a.cfg
			was.Revision = fresh.agents[name].cfg.Revision
			if satisfied && !reflect.DeepEqual(&was, fresh.agents[name].cfg) {
				rt.Fatalf("node %s:\n%s\na fresh controller would have it:\n%s", name, strings.Join(segments(a.cfg), "\n"), strings.Join(segments(fresh.agents[name].cfg), "\n"))
			}
		}
	})
}
