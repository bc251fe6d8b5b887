package core

import (
	"reflect"
	"slices"
	"strings"
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
		if rapid.Bool().Draw(rt, "bgp") {
			s.configure("rr", "rr2")
		}
		s.do([]string{"start", "square.yaml", rapid.SampledFrom([]string{"two.yaml", "two-c.yaml", "lanes.yaml"}).Draw(rt, "intents")})
		s.do([]string{"enrol", rapid.SampledFrom(lives).Draw(rt, "life"), "all"})
		s.do([]string{"connect", "all"})
		s.do([]string{"solve"})
		s.do([]string{"obey", "all"})
		s.do([]string{"obey", "all"})
		// A cable that gets another name, and a controller that dies while
		// links retire, break before they make. All the rest must not.
		topologies := []string{"square.yaml", "pruned.yaml"}
		if s.rough = rapid.Bool().Draw(rt, "rough"); s.rough {
			topologies = append(topologies, "moved.yaml")
		}
		links := []string{"a--b", "b--d", "a--c", "c--d", "b--c"}
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			node := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(rt, "node")
			link := rapid.SampledFrom(links).Draw(rt, "link")
			a := s.agents[node]
			connected := a != nil && a.connected
			switch what := rapid.IntRange(0, 17).Draw(rt, "what"); what {
			default:
				s.agentDoes(rt, what, node, link)
			case 6:
				s.do([]string{"solve"})
			case 7:
				s.do([]string{"wait", rapid.SampledFrom([]string{"20ms", "3s", "10s"}).Draw(rt, "time")})
			case 8:
				s.do([]string{rapid.SampledFrom([]string{"drain", "undrain"}).Draw(rt, "drain"), "link", link})
			case 9:
				s.do([]string{"spec", rapid.SampledFrom(topologies).Draw(rt, "topology"),
					rapid.SampledFrom([]string{"two.yaml", "two-b.yaml", "two-c.yaml", "lanes.yaml"}).Draw(rt, "intents")})
			case 10:
				if s.rough || len(s.core.retired) == 0 {
					s.do([]string{"restart"})
				}
			case 11:
				s.do([]string{"explain"})
			case 12:
				s.do([]string{"enrol", rapid.SampledFrom(lives).Draw(rt, "life"), node})
			case 13, 14:
				if connected {
					line := rapid.SampledFrom([]string{
						"lane N P gold/0 open 1", "lane N P gold/0 closed", "lane N P gold/1 open 2", "lane N P gold/1 draining 3", "lane N P gold/1 closed 3 classic",
						"lane N P gold/0 gone", "keyalarm N KeyStale P gold/0 on", "keyalarm N DiskFailed P - on", "store N P low 3", "store N P none", "floor N gold pq fenced",
					}).Draw(rt, "keys")
					peer := "d"
					if node == "d" {
						peer = "a"
					}
					s.doKeys(strings.Fields(strings.NewReplacer(" N ", " "+node+" ", " P ", " "+peer+" ").Replace(line)))
				}
			case 15:
				s.do([]string{"revoke", node})
			case 16, 17:
				if len(s.bgp) > 0 {
					peer := rapid.SampledFrom([]string{"rr", "rr2"}).Draw(rt, "peer")
					s.do(append([]string{"bgp", peer}, strings.Fields(rapid.SampledFrom(heard).Draw(rt, "heard"))...))
					if rapid.Bool().Draw(rt, "learn") {
						s.do([]string{"learn"})
					}
				}
			}
		}
		s.settle()
		for _, a := range s.core.View(s.now).Alarms {
			if len(a.Nodes) > 0 || a.Name == Revoked || strings.HasPrefix(a.Key, routerAlarm) {
				rt.Fatalf("an alarm that is never over: %+v", a)
			}
		}
		satisfied := true // what stands for an intent that is not is history
		for _, i := range s.core.View(s.now).Intents {
			satisfied = satisfied && i.Answer.Status == "satisfied"
			if i.Answer.Pending {
				rt.Fatalf("intent %s is not explained in the end", i.Spec.Name)
			}
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
		fresh.fail = rt.Fatalf
		fresh.spec, fresh.agents = s.spec, map[string]*fakeAgent{}
		for name, a := range s.agents {
			fresh.agent(name).peer = a.peer
		}
		if len(s.bgp) > 0 {
			fresh.configure("rr", "rr2")
		}
		fresh.step(Started{Spec: s.spec, BGP: fresh.bgp})
		fresh.settle()
		for name, a := range s.agents {
			was := *a.cfg
			was.Revision = fresh.agents[name].cfg.Revision
			if satisfied && !reflect.DeepEqual(&was, fresh.agents[name].cfg) {
				rt.Fatalf("node %s:\n%s\na fresh controller would have it:\n%s", name, policies(a.cfg), policies(fresh.agents[name].cfg))
			}
			if a.cfg.Revision != a.obeys {
				rt.Fatalf("node %s is still told something", name)
			}
		}
	})
}

// lives of agents, each with an identity of its own.
var lives = []string{"none", "one", "two"}

// heard is what peers may say.
var heard = []string{
	"up", "up", "end", "lost", "node l2 1 name=a", "node l2 2 name=b", "node l2 2 name=b flags=overload", "node l2 4 name=d", "gone node l2 4",
	"link l2 1 2 te=1 bw=1G", "link l2 2 1 te=1 bw=1G", "link l2 1 2 te=5 bw=1G delay=900-9000", "gone link l2 1 2",
	"link l2 2 4 te=1 bw=1G", "link l2 4 2 te=1 bw=1G", "gone link l2 4 2",
}

func at(link, node string) bool { return link[:1] == node || link[3:4] == node }

// settle lets everybody come, everything be repaired and all be done.
func (s *stage) settle() {
	for name, a := range s.agents {
		if a.peer == nil {
			s.do([]string{"enrol", "last", name})
		}
	}
	s.do([]string{"connect", "all"})
	for name, a := range s.agents {
		clear(a.down)
		if a.keys != nil {
			a.keys.alarms = nil
			for peer, st := range a.keys.stores {
				st.State, st.Known = "enough", true
				a.keys.stores[peer] = st
			}
			clear(a.keys.floors)
			for n, l := range a.keys.lanes {
				l.Open, l.Epoch, l.Level = true, 9, "pq"
				a.keys.lanes[n] = l
			}
		}
		s.report(name)
	}
	s.drains = nil
	s.step(Drained{})
	for _, p := range slices.Clone(s.bgp) {
		s.do([]string{"bgp", p.Name, "up"})
		s.do([]string{"feed", s.feed, p.Name})
		s.do([]string{"bgp", p.Name, "end"})
	}
	if len(s.bgp) > 0 {
		s.do([]string{"learn"})
	}
	for range 8 {
		s.now = s.now.Add(20 * time.Second)
		s.step(Tick{})
		s.do([]string{"solve"})
		s.do([]string{"explain"})
		s.do([]string{"obey", "all"})
	}
}
