package solve

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/problem"
	"github.com/keiro-net/keiro/topology"
)

var update = flag.Bool("update", false, "rewrite testdata/why.txt")

// TestWhy compares what an operator reads about each question that has no
// answer with testdata/why.txt.
func TestWhy(t *testing.T) {
	var text strings.Builder
	tell := func(name string, why *pathspec.Why) {
		fmt.Fprintf(&text, "%s: %s %q\n  %s\n", name, why.Code, why.Cut, why.Message)
		for _, r := range why.Relaxations {
			fmt.Fprintf(&text, "  %s (cost %d)\n", r.Change, r.Cost)
		}
		text.WriteString("\n")
	}
	for _, d := range ducts(t) {
		if d.infeasible {
			tell(d.name, checked(t, load(t, d.topology), d.intent)[0].Why)
		}
	}
	for _, name := range []string{"jp12", "jp25"} {
		best := mostCured(t, name)
		fmt.Fprintf(&text, "%s: a new link %s--%s, %d m, %d us, cures %s\n\n", name, best.A, best.B, *best.DistanceM, *best.DelayUS, strings.Join(best.Cures, ", "))
	}
	for _, c := range blocked {
		topo := load(t, "jp12")
		intents := []pathspec.Intent{
			{Name: "first", From: "tyo1", To: "osa1", Priority: 1, Require: pathspec.Require{Multiplicity: 1, Bandwidth: 800e6}},
			{Name: c.name, From: "tyo1", To: "osa1", Require: pathspec.Require{Multiplicity: 1}},
		}
		c.change(topo, &intents[1])
		a := checked(t, topo, intents...)[1]
		if a.Why == nil {
			t.Errorf("%s: %s", c.name, a.Status)
			continue
		}
		tell(c.name, a.Why)
	}
	if *update {
		if err := os.WriteFile("testdata/why.txt", []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/why.txt")
	if err != nil {
		t.Fatal(err)
	}
	if text.String() != string(want) {
		t.Errorf("testdata/why.txt has changed; see with -update and git diff. Now:\n%s", text.String())
	}
}

// blocked makes a way from tyo1 to osa1 impossible, each for another reason.
var blocked = []struct {
	name   string
	change func(t *topology.Topology, in *pathspec.Intent)
}{
	{"nowhere", func(t *topology.Topology, in *pathspec.Intent) { in.To = "moon" }},
	{"nowhere on the map", func(t *topology.Topology, in *pathspec.Intent) {
		in.Require.MaxHops = 1
		for i := range t.Sites {
			t.Sites[i].Where = topology.Attr[topology.Point]{}
		}
	}},
	{"thick", func(_ *topology.Topology, in *pathspec.Intent) { in.Require.Bandwidth = 500e6 }},
	{"thick and fast", func(_ *topology.Topology, in *pathspec.Intent) {
		in.Require.Bandwidth, in.Require.MaxDelay = 350e6, 5000
	}},
	{"thick pair", func(_ *topology.Topology, in *pathspec.Intent) {
		in.Require.Multiplicity, in.Require.Bandwidth = 2, 300e6
		in.Require.Disjoint = []pathspec.Kind{pathspec.Link}
	}},
	{"unstated delays", func(t *topology.Topology, in *pathspec.Intent) {
		for _, name := range []string{"tyo1--nag1", "hcj1--nno1"} {
			e, _ := t.Entry(name)
			t.Links[2*e].Delay = topology.Attr[topology.Delay]{}
		}
	}},
	{"unstated groups", func(t *topology.Topology, in *pathspec.Intent) {
		in.Require.Multiplicity, in.Require.Disjoint = 2, []pathspec.Kind{pathspec.Link, pathspec.SRLG}
		e, _ := t.Entry("hcj1--nno1")
		t.Entries[e].SRLGs = topology.Attr[[]string]{}
	}},
	{"few hops", func(_ *topology.Topology, in *pathspec.Intent) { in.Require.MaxHops = 1 }},
	{"few hops, little time", func(_ *topology.Topology, in *pathspec.Intent) {
		in.Require.Multiplicity, in.Require.Disjoint = 2, []pathspec.Kind{pathspec.Link}
		in.From, in.To = "tyo1", "hkt1"
		in.Require.MaxHops, in.Require.MaxDelay = 6, 10_000
	}},
	{"elsewhere", func(_ *topology.Topology, in *pathspec.Intent) { in.Require.Countries.Deny = []string{"JP", "KR"} }},
	{"abroad", func(_ *topology.Topology, in *pathspec.Intent) { in.Require.Countries.Allow = []string{"KR"} }},
	{"around", func(_ *topology.Topology, in *pathspec.Intent) {
		in.Require.Avoid = pathspec.Avoid{Nodes: []string{"nno1"}, Operators: []string{"delta", "alpha"}}
	}},
	{"one way round", func(_ *topology.Topology, in *pathspec.Intent) {
		in.Require.Avoid = pathspec.Avoid{Nodes: []string{"nno1"}, SRLGs: []string{"tokaido-duct"}}
	}},
	{"quantum", func(t *topology.Topology, in *pathspec.Intent) {
		in.Require.Encryption = pathspec.QKD
		for e := range t.Entries {
			t.Entries[e].QKD = false
		}
	}},
	{"without keys", func(t *topology.Topology, in *pathspec.Intent) {
		in.Require.Encryption = pathspec.QKD
		for _, name := range []string{"tyo1--nag1", "knz1--osa1"} {
			e, _ := t.Entry(name)
			t.Entries[e].Keyless = "the store of QKD keys at an end is low"
		}
	}},
	{"short links", func(_ *topology.Topology, in *pathspec.Intent) {
		p, err := pathspec.CompileLinks("link.delay_us < 1000")
		if err != nil {
			panic(err)
		}
		in.Require.Links = p
	}},
}

// mostCured is the link that cures most of the ducts, which all other links
// are compared with.
func mostCured(t *testing.T, name string) *pathspec.NewLink {
	topo := load(t, name)
	var intents []pathspec.Intent
	for _, d := range ducts(t) {
		if d.topology == name && d.infeasible {
			intents = append(intents, d.intent)
		}
	}
	best := Solve(Input{Topology: topo, Intents: intents}).NewLink
	topo = problem.Ordered(topo)
	var most []string
	var first span
	for a := range topo.Nodes {
		for b := range a {
			s := newSpan(topo, b, a)
			var cured []string
			for i := range intents {
				if s.cures(&intents[i]) {
					cured = append(cured, intents[i].Name)
				}
			}
			if len(cured) > len(most) || len(cured) == len(most) && len(cured) > 0 && bySpan(s, first) < 0 {
				most, first = cured, s
			}
		}
	}
	if got, want := best.A+"--"+best.B, first.name; got != want || !slices.Equal(best.Cures, most) {
		t.Errorf("%s: %s cures %q, but %s cures %q", name, got, best.Cures, want, most)
	}
	return best
}

// TestAllPairs counts, over all pairs of nodes, how many disjoint paths there
// are at most. The numbers come from enumeration by other means.
func TestAllPairs(t *testing.T) {
	for _, c := range []struct {
		topology string
		kinds    []pathspec.Kind
		pairs    string // with 1, 2, 3, 4, 5 paths
	}{
		{"jp12", []pathspec.Kind{pathspec.Link}, "[0 59 7 0 0]"},
		{"jp12", []pathspec.Kind{pathspec.Link, pathspec.Node}, "[0 61 5 0 0]"},
		{"jp12", []pathspec.Kind{pathspec.Link, pathspec.SRLG}, "[11 52 3 0 0]"},
		{"jp12", []pathspec.Kind{pathspec.Link, pathspec.Node, pathspec.SRLG}, "[11 52 3 0 0]"},
		{"jp12", []pathspec.Kind{pathspec.Link, pathspec.Operator}, "[45 21 0 0 0]"},
		{"jp25", []pathspec.Kind{pathspec.Link}, "[0 174 98 27 1]"},
		{"jp25", []pathspec.Kind{pathspec.Link, pathspec.Node}, "[0 227 54 19 0]"},
		{"jp25", []pathspec.Kind{pathspec.Link, pathspec.SRLG}, "[69 162 48 21 0]"},
		{"jp25", []pathspec.Kind{pathspec.Link, pathspec.Node, pathspec.SRLG}, "[69 172 50 9 0]"},
		{"jp25", []pathspec.Kind{pathspec.Link, pathspec.Operator}, "[159 137 4 0 0]"},
	} {
		topo := load(t, c.topology)
		var pairs [5]int
		for a := range topo.Nodes {
			for b := range a {
				most := 0
				for k := 1; k <= 6; k++ {
					in := pathspec.Intent{From: topo.Nodes[a].Name, To: topo.Nodes[b].Name}
					in.Require = pathspec.Require{Multiplicity: k, Disjoint: c.kinds}
					if ask(topo, &in).Status == pathspec.Satisfied {
						most = k
					}
				}
				pairs[most-1]++
			}
		}
		if got := fmt.Sprint(pairs); got != c.pairs {
			t.Errorf("%s %v: %s, want %s", c.topology, c.kinds, got, c.pairs)
		}
	}
}
