package core

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// TestRandomHeadends does anything in any order to a fleet whose headends are told by
// BGP. After every step the invariants hold; and in the end the headends have what a
// fresh controller would tell them, and nothing else.
func TestRandomHeadends(t *testing.T) {
	feed := []string{
		"gone sid l2 4 5f00:9:4:d46::", "sid l2 4 5f00:9:4:d47:: behavior=20", "gone sid l2 4 5f00:9:4:d47::", "gone sid l2 4 5f00:9:4::", "gone node l2 4",
		"gone link l2 4 192.0.2.2 if=2001:db8:1::2 nb=2001:db8:1::1", "gone link l2 4 192.0.2.3 if=2001:db8:2::2 nb=2001:db8:2::1",
		"link l2 4 192.0.2.2 if=2001:db8:1::2 nb=2001:db8:1::1 te=1 bw=1G delay=900-1000 endx=5f00:9:4:f2::", "lost", "up", "end",
		"node l2 4 name=d te=192.0.2.44,2001:db8::44",
	}
	intents := []string{"colored.yaml", "colored-gold.yaml", "colored-spread.yaml", "colored-block.yaml", "colored-refused.yaml"}
	settle := func(s *stage) {
		s.learn("up", "gone sid l2 4 5f00:9:4:d47::")
		s.settle()
	}
	rapid.Check(t, func(rt *rapid.T) {
		s := startLearned(t, rt, "headends.yaml", "headends.feed", intents)
		guarded := guard{}
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			guarded.look(s)
			node := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "node")
			link := rapid.SampledFrom([]string{"a--b", "b--d", "a--c", "c--d", "b--c"}).Draw(rt, "link")
			switch what := rapid.IntRange(0, 12).Draw(rt, "what"); what {
			default:
				s.agentDoes(rt, what, node, link)
			case 6, 7:
				s.do([]string{"solve"})
			case 8:
				s.do([]string{"wait", rapid.SampledFrom([]string{"20ms", "500ms", "1s", "3s", "10s"}).Draw(rt, "time")})
			case 9:
				s.do([]string{rapid.SampledFrom([]string{"drain", "undrain"}).Draw(rt, "drain"), "link", link})
			case 10:
				if rapid.Bool().Draw(rt, "restart") && len(s.core.retired) == 0 {
					s.do([]string{"restart"})
					clear(guarded) // who was about to change its steering is forgotten
					break
				}
				s.do([]string{"spec", rapid.SampledFrom([]string{"headends.yaml", "headends.yaml", "headends-agent.yaml", "headends-pruned.yaml"}).Draw(rt, "topology"), rapid.SampledFrom(intents).Draw(rt, "intents")})
			case 11:
				s.learn(rapid.SampledFrom(feed).Draw(rt, "feed"))
			case 12:
				head := rapid.SampledFrom([]string{"a", "d"}).Draw(rt, "head")
				s.do([]string{"says", head, rapid.SampledFrom([]string{"active", "valid", "invalid", "gone"}).Draw(rt, "says"),
					rapid.SampledFrom([]string{"gold/0", "gold/1", "gold", "one/0", "gold/fence"}).Draw(rt, "path")})
			}
		}
		settle(s)
		satisfied := true // what stands for an intent that is not is history
		for _, i := range s.core.View(s.now).Intents {
			satisfied = satisfied && i.Answer.Status == "satisfied"
		}
		if len(s.core.retired) > 0 {
			rt.Fatalf("links that have left are kept for ever: %v", s.core.retired)
		}
		if s.saidAll != 1 {
			rt.Fatalf("all was announced %d times", s.saidAll)
		}
		fresh := newStage(t)
		fresh.fail, fresh.feed = rt.Fatalf, "headends.feed"
		fresh.spec = s.spec
		for name, a := range s.agents {
			fresh.agent(name).peer = a.peer
		}
		fresh.configure("rr")
		fresh.step(Started{Spec: s.spec, BGP: fresh.bgp})
		settle(fresh)
		for node, h := range s.headends {
			want := fresh.headend(node)
			if satisfied && !(reflect.DeepEqual(h.paths, want.paths) && reflect.DeepEqual(h.routes, want.routes)) {
				told, _ := s.doHeadend([]string{"told"})
				should, _ := fresh.doHeadend([]string{"told"})
				rt.Fatalf("a fresh controller would have it otherwise:\n%s\nit is:\n%s", strings.Join(should, "\n"), strings.Join(told, "\n"))
			}
			if slices.Contains(slices.Collect(maps.Values(h.stale)), true) {
				rt.Fatalf("%s still has what a controller before this one said: %v", node, h.stale)
			}
		}
	})
}

// guard are the intents whose packets are held to their paths at node a, by its agent or
// by a route, so that they must be for as long as the intents are there.
type guard map[string]bool

func (g guard) look(s *stage) {
	there := map[string]bool{}
	for _, i := range s.core.intents {
		name, key := i.spec.Name, fmt.Sprint(i.spec.Name, i.spec.Traffic)
		there[key] = true
		a, h := s.agents["a"], s.core.headends["a"]
		if h != nil && h.of(name).refused != "" {
			delete(g, key)
			continue
		}
		held := a != nil && a.did != nil && slices.ContainsFunc(a.did.Policies, func(p nodecfg.Policy) bool { return p.Intent == name })
		_, routed := s.headend("a").routes[i.spec.Traffic[0].To]
		routed = routed && !s.headend("a").stale[i.spec.Traffic[0].To] // a fresh controller may not know the endpoint
		if g[key] && !held && !routed {
			s.fail("packets of intent %s may leave their paths at a", name)
		}
		g[key] = held || routed
	}
	maps.DeleteFunc(g, func(key string, _ bool) bool { return !there[key] })
}
