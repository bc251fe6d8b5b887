package declare

import (
	"os"
	"testing"

	"github.com/keiro-net/keiro/controller/core"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/gate"
	"github.com/keiro-net/keiro/topology"
)

// TestErosion: a topology in which a duct holds more than before takes an
// intent's second path; an intent that changes with it is nobody's loss; and
// what is down already is nothing that the change takes.
func TestErosion(t *testing.T) {
	data, err := os.ReadFile("../../examples/jp12.topology.yaml")
	if err != nil {
		t.Fatal(err)
	}
	parse := func() *topology.Topology {
		topo, err := topology.Parse("jp12", data)
		if err != nil {
			t.Fatal(err)
		}
		return topo
	}
	two := pathspec.Intent{Name: "two", From: "tyo1", To: "osa1"}
	two.Require = pathspec.Require{Multiplicity: 2, Disjoint: []pathspec.Kind{pathspec.Link, pathspec.SRLG}}
	one := two
	one.Require = pathspec.Require{Multiplicity: 1}
	old := State{Spec: core.Spec{Topology: parse(), Intents: []pathspec.Intent{two}}}
	narrow := parse()
	for _, name := range []string{"tyo1--nag1", "hcj1--nno1"} {
		e, _ := narrow.Entry(name)
		narrow.Entries[e].SRLGs = topology.Declare([]string{"one-duct"})
	}
	routers := parse() // who tells the nodes of their paths is no matter of paths
	for n := range routers.Nodes {
		routers.Nodes[n].NoAgent, routers.Nodes[n].Steering = n%2 == 0, topology.ByBGP
	}
	for _, c := range []struct {
		what     string
		next     core.Spec
		down     string
		findings int
	}{
		{"the same", core.Spec{Topology: parse(), Intents: old.Intents}, "", 0},
		{"routers without an agent", core.Spec{Topology: routers, Intents: old.Intents}, "", 0},
		{"one duct", core.Spec{Topology: narrow, Intents: old.Intents}, "", 1},
		{"one duct, and less is asked", core.Spec{Topology: narrow, Intents: []pathspec.Intent{one}}, "", 0},
		{"one duct, when there is but one path", core.Spec{Topology: narrow, Intents: old.Intents}, "tyo1--nag1", 0},
	} {
		out := topology.Outage{Entries: map[string]bool{c.down: true}}
		findings := old.Erosion(State{Spec: c.next}, out, func() bool { return false })
		if len(findings) != c.findings {
			t.Errorf("%s: %+v", c.what, findings)
		}
		for _, f := range findings {
			if f.Intent != "two" || f.Verdict != gate.Degraded {
				t.Errorf("%s: %+v", c.what, f)
			}
		}
	}
}
