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
	s.step(AgentConnected{"a"})
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
