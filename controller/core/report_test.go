package core

import (
	"strings"
	"testing"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

func down(link string) []nodecfg.LinkState { return []nodecfg.LinkState{{Name: link}} }

// An agent is believed about the links of its node and about no others.
func TestForeignReports(t *testing.T) {
	s := newStage(t)
	s.do([]string{"start", "square.yaml", "two.yaml"})
	s.do([]string{"connect", "all"})
	for _, r := range []nodecfg.Report{
		{Node: "c", Links: down("a--b")},
		{Node: "c", Links: down("invented")},
		{Node: "z", Links: down("a--b")},
	} {
		if got := strings.Join(s.step(Reported{r}), "\n"); strings.Contains(got, "LinkDown") {
			t.Errorf("node %s was believed about %s: %s", r.Node, r.Links[0].Name, got)
		}
	}
	if len(s.core.links) > 0 && s.core.links["invented"] != nil {
		t.Error("an invented link is remembered")
	}
}

// An agent with an old config may come before anything is declared.
func TestReportWithoutTopology(t *testing.T) {
	s := newStage(t)
	s.step(Started{})
	s.step(AgentConnected{Node: "a"})
	s.step(Reported{nodecfg.Report{Node: "a", Revision: 7, Links: down("a--b")}})
	s.do([]string{"wait", "1h"})
	s.step(AgentDisconnected{"a"})
	if len(s.core.nodes) != 0 {
		t.Errorf("nodes of no topology are remembered: %v", s.core.nodes)
	}
}

// What an agent would refuse is not sent, and the intent says why.
func TestRefusal(t *testing.T) {
	s := newStage(t)
	s.do([]string{"start", "square.yaml", "two.yaml"})
	s.core.params.Probe.Interval = -1
	s.core.dirty = true
	for _, effect := range s.do([]string{"connect", "all"}) {
		if strings.HasPrefix(effect, "push") {
			t.Errorf("a Config that its agent must refuse: %s", effect)
		}
	}
	s.do([]string{"solve"})
	if got := strings.Join(s.do([]string{"conditions"}), "\n"); !strings.Contains(got, "probe") {
		t.Errorf("nobody says why:\n%s", got)
	}
}

// An agent that lost everything has confirmed nothing, whatever it did before.
func TestAgentLostEverything(t *testing.T) {
	s := installed(t)
	s.agents["b"].obeys = 0
	s.do([]string{"disconnect", "b"})
	s.do([]string{"connect", "b"})
	if s.core.nodes["b"].confirmed() {
		t.Error("node b is taken for confirmed at revision 0")
	}
	s.do([]string{"obey", "b"})
	if !s.core.nodes["b"].confirmed() {
		t.Error("node b obeyed and is not confirmed")
	}
}

// The word of a headend counts when it has confirmed what it was told: before,
// a path of that name may be another one.
func TestHealthOfTheNewPaths(t *testing.T) {
	s := installed(t)
	s.tellUp()
	if got := s.health("one"); got != yes {
		t.Fatalf("all probes return: Healthy is %s", got)
	}
	s.do([]string{"spec", "square.yaml", "two-b.yaml"}) // one must avoid b now
	s.do([]string{"solve"})
	s.tellUp()
	if got := s.health("one"); got != maybe {
		t.Errorf("the headends tell of the path before: Healthy is %s", got)
	}
	s.do([]string{"obey", "all"})
	s.tellUp()
	if got := s.health("one"); got != yes {
		t.Errorf("the headends tell of the new path: Healthy is %s", got)
	}
}

// Why a path carries nothing is in the condition: a closed lane is another
// thing than lost probes.
func TestWhyUnhealthy(t *testing.T) {
	for cause, want := range map[string][2]string{
		nodecfg.DownByLane + ": no key": {"LaneClosed", "(lane: no key)"},
		nodecfg.DownByProbe:             {"ProbesLost", "(probe)"},
	} {
		s := installed(t)
		s.tell(nodecfg.PathState{State: nodecfg.Down, Cause: cause})
		c := s.condition("one", Healthy)
		if c.Status != no || c.Reason != want[0] || !strings.Contains(c.Message, want[1]) {
			t.Errorf("%s: %+v", cause, c)
		}
	}
}

// installed is a fleet in which all is as declared.
func installed(t *testing.T) *stage {
	s := newStage(t)
	for _, words := range []string{"start square.yaml two.yaml", "connect all", "solve", "obey all", "obey all"} {
		s.do(strings.Fields(words))
	}
	return s
}

// tellUp lets both headends say that all paths they obey are up.
func (s *stage) tellUp() { s.tell(nodecfg.PathState{State: nodecfg.Up}) }

// tell lets both headends say so of all paths they obey.
func (s *stage) tell(state nodecfg.PathState) {
	for _, node := range []string{"a", "d"} {
		a := s.agents[node]
		r := nodecfg.Report{Node: node, Revision: a.obeys, Reached: true}
		for _, p := range a.did.Policies {
			for _, path := range p.Paths {
				state.Name = path.Name
				r.Paths = append(r.Paths, state)
			}
		}
		s.step(Reported{r})
	}
}

func (s *stage) health(intent string) string { return s.condition(intent, Healthy).Status }

func (s *stage) condition(intent, kind string) Condition {
	for _, i := range s.core.View(s.now).Intents {
		for _, c := range i.Conditions {
			if i.Spec.Name == intent && c.Type == kind {
				return c
			}
		}
	}
	return Condition{}
}
