package solve

import (
	"encoding/json"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// answers is what a topology and intents are answered with, as bytes.
func answers(t testing.TB, topo *topology.Topology, intents ...pathspec.Intent) string {
	t.Helper()
	s := Solve(Input{Topology: topo, Intents: intents})
	data, err := json.MarshalIndent(s.Intents, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestShuffled: in whatever order sites, nodes and links stand in the file,
// the answer has the same bytes. Ties are broken by name.
func TestShuffled(t *testing.T) {
	for _, d := range ducts(t) {
		topo := load(t, d.topology)
		want := answers(t, topo, d.intent)
		rapid.Check(t, func(rt *rapid.T) {
			if got := answers(t, reordered(rt, topo), d.intent); got != want {
				rt.Fatalf("%s: in another order %s\nnot %s", d.name, got, want)
			}
		})
	}
	rapid.Check(t, func(rt *rapid.T) {
		topo := randomTopology(rt)
		intents := []pathspec.Intent{randomIntent(rt, topo, "a"), randomIntent(rt, topo, "b")}
		if got, want := answers(t, reordered(rt, topo), intents...), answers(t, topo, intents...); got != want {
			rt.Fatalf("in another order %s\nnot %s", got, want)
		}
	})
}

// reordered is a topology with everything in another order, lists of groups
// included.
func reordered(t *rapid.T, topo *topology.Topology) *topology.Topology {
	s := shuffled(t, topo)
	s.Sites = slices.Clone(s.Sites)
	for i, from := range rapid.Permutation(order(len(s.Sites))).Draw(t, "order of sites") {
		s.Sites[i] = topo.Sites[from]
	}
	for e := range s.Entries {
		if groups, ok := s.Entries[e].SRLGs.Get(); ok {
			groups = slices.Clone(groups)
			slices.Reverse(groups)
			s.Entries[e].SRLGs = topology.Declare(groups)
		}
	}
	return topology.New(s.Name, s.Sites, s.Nodes, s.Entries, s.Links)
}

// TestHundredRuns: equal input, equal bytes, on networks with everything in them.
func TestHundredRuns(t *testing.T) {
	for seed := range uint64(10) {
		topo, in := mixed(seed)
		want := runs(t, topo, in)
		for range 99 {
			if got := runs(t, topo, in); got != want {
				t.Fatalf("two answers to one question:\n%s\n%s", want, got)
			}
		}
	}
}

// runs is the answer with its paths only: reserves and reasons take long, and
// TestDeterminism has them.
func runs(t *testing.T, topo *topology.Topology, in pathspec.Intent) string {
	t.Helper()
	data, err := json.Marshal(Solve(Input{Topology: topo, Intents: []pathspec.Intent{in}, PathsOnly: true}))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
