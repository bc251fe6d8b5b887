package solve

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/problem"
	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/geo"
)

// TestGround: two entries have a risk of ground in common exactly where their
// cables come too near, as measured pair by pair.
func TestGround(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		topo := denseTopology(t)
		for e := range topo.Entries { // several in one duct, laid either way
			if other := rapid.SampledFrom(order(2*len(topo.Entries))).Draw(t, "duct"); other < len(topo.Entries) {
				topo.Entries[e].Route = slices.Clone(topo.Entries[other].Route)
				if rapid.Bool().Draw(t, "back") {
					slices.Reverse(topo.Entries[e].Route)
				}
			}
		}
		in := randomIntent(t, topo, "a")
		in.Require.Multiplicity = 2
		in.Require.Separation = rapid.SampledFrom([]topology.Distance{1, 20_000, 50_000}).Draw(t, "separation")
		in.Require.SeparationExcept = rapid.SampledFrom([]topology.Distance{0, 30_000, 60_000}).Draw(t, "except")
		p := problem.Compile(topo, &in, problem.Nothing(topo), 0)
		lines := make([]geo.Line, len(topo.Entries))
		for e := range lines {
			line, _ := geo.Lay(topo.Entries[e].Route)
			lines[e] = line.Outside(discs(topo, &in))
		}
		for a := range lines {
			for b := range a {
				metres, _ := geo.Distance(lines[a], lines[b])
				got := slices.ContainsFunc(p.OnEntry[a], func(r int32) bool { return p.Risk(r).Kind == problem.Ground && slices.Contains(p.OnEntry[b], r) })
				if want := geo.TooNear(metres, in.Require.Separation); got != want {
					t.Fatalf("%s and %s, %v m apart: %v, want %v", topo.Entries[a].Name, topo.Entries[b].Name, metres, got, want)
				}
			}
		}
	})
}

// discs are where cables may be near each other: around the sites of the ends.
func discs(topo *topology.Topology, in *pathspec.Intent) (list []geo.Disc) {
	for _, end := range []string{in.From, in.To} {
		if v, ok := topo.Node(end); ok {
			end = topo.Nodes[v].Site
		}
		for i := range topo.Sites {
			if where, known := topo.Sites[i].Where.Get(); known && topo.Sites[i].Name == end && in.Require.SeparationExcept > 0 {
				list = append(list, geo.Disc{Centre: where, Radius: in.Require.SeparationExcept})
			}
		}
	}
	return list
}
