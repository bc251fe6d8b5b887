package core

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestRandomWalk does anything in any order. After every step the invariants
// hold; and once everybody has done what was asked and time has passed, the
// fleet is as a fresh controller would have it.
func TestRandomWalk(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := newStage(t)
		s.fail = rt.Fatalf
		s.do([]string{"start", "square.yaml", "two.yaml"})
		links := []string{"a--b", "b--d", "a--c", "c--d", "b--c"}
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			node := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(rt, "node")
			link := rapid.SampledFrom(links).Draw(rt, "link")
			a := s.agents[node]
			connected := a != nil && a.connected
			switch rapid.IntRange(0, 10).Draw(rt, "what") {
			case 0:
				s.do([]string{"connect", node})
			case 1:
				if connected {
					s.do([]string{"disconnect", node})
				}
			case 2, 3:
				if connected {
					s.do([]string{"obey", node})
				}
			case 4:
				if connected && at(link, node) {
					s.do([]string{"down", link, node})
				}
			case 5:
				if connected && at(link, node) {
					s.do([]string{"up", link, node})
				}
			case 6:
				s.do([]string{"solve"})
			case 7:
				s.do([]string{"wait", rapid.SampledFrom([]string{"20ms", "3s", "10s"}).Draw(rt, "time")})
			case 8:
				s.do([]string{rapid.SampledFrom([]string{"drain", "undrain"}).Draw(rt, "drain"), "link", link})
			case 9:
				s.do([]string{"spec", rapid.SampledFrom([]string{"square.yaml", "pruned.yaml"}).Draw(rt, "topology"), "two.yaml"})
			case 10:
				s.do([]string{"restart"})
			}
		}
		s.settle()
		for _, i := range s.core.View(s.now).Intents {
			for _, c := range i.Conditions {
				if c.Type == Installed && c.Status != yes && i.Answer.Status == "satisfied" {
					rt.Fatalf("intent %s is not installed in the end: %s: %s", i.Spec.Name, c.Reason, c.Message)
				}
			}
		}
		if len(s.core.retired) > 0 {
			rt.Fatalf("links that have left are kept for ever: %v", s.core.retired)
		}
		for name, a := range s.agents {
			if a.cfg.Revision != a.obeys {
				rt.Fatalf("node %s is still told something", name)
			}
		}
	})
}

func at(link, node string) bool { return link[:1] == node || link[len(link)-1:] == node }

// settle lets everybody come, everything be repaired and all be done.
func (s *stage) settle() {
	s.do([]string{"connect", "all"})
	for name, a := range s.agents {
		clear(a.down)
		s.report(name)
	}
	s.drains = nil
	s.step(Drained{})
	for range 8 {
		s.now = s.now.Add(20 * time.Second)
		s.step(Tick{})
		s.do([]string{"solve"})
		s.do([]string{"obey", "all"})
	}
}
