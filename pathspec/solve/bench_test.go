package solve

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// mesh is a grid of nodes in which one link in four is missing, with random
// delays and ducts of two or three neighbouring links.
func mesh(width, height int) *topology.Topology {
	r := rand.New(rand.NewPCG(1, 2))
	var nodes []topology.Node
	var entries []topology.Entry
	var links []topology.Link
	join := func(a, b, duct int) {
		e := len(entries)
		delay := topology.Declare(topology.Delay(100 + r.IntN(1000)))
		entries = append(entries, topology.Entry{
			Name: fmt.Sprintf("n%d--n%d", a, b), A: a, B: b, SRLGs: topology.Declare([]string{fmt.Sprint("duct", duct)}),
		})
		links = append(links, topology.Link{Entry: e, From: a, To: b, Metric: 1, Delay: delay},
			topology.Link{Entry: e, From: b, To: a, Metric: 1, Delay: delay})
	}
	for y := range height {
		for x := range width {
			n := y*width + x
			nodes = append(nodes, topology.Node{Name: fmt.Sprint("n", n)})
			if x > 0 && r.IntN(4) > 0 {
				join(n-1, n, n/2)
			}
			if y > 0 && r.IntN(4) > 0 {
				join(n-width, n, n/3)
			}
		}
	}
	return topology.New("mesh", nil, nodes, entries, links)
}

func BenchmarkSolve(b *testing.B) {
	for _, size := range []struct{ width, height int }{{8, 6}, {50, 34}} {
		t := mesh(size.width, size.height)
		for _, kinds := range [][]pathspec.Kind{{pathspec.Link}, {pathspec.Link, pathspec.Node}, {pathspec.Link, pathspec.SRLG}} {
			if len(t.Nodes) > 100 && kinds[len(kinds)-1] == pathspec.SRLG {
				continue // may take any time at this size
			}
			b.Run(fmt.Sprintf("nodes=%d/disjoint=%v", len(t.Nodes), kinds), func(b *testing.B) {
				r := rand.New(rand.NewPCG(3, 4))
				satisfied := 0
				for b.Loop() {
					from, to := r.IntN(len(t.Nodes)), r.IntN(len(t.Nodes)-1)
					if to >= from {
						to++
					}
					in := pathspec.Intent{Name: "a", From: t.Nodes[from].Name, To: t.Nodes[to].Name}
					in.Require = pathspec.Require{Multiplicity: 2, Disjoint: kinds}
					if Solve(Input{Topology: t, Intents: []pathspec.Intent{in}}).Intents[0].Status == pathspec.Satisfied {
						satisfied++
					}
				}
				b.ReportMetric(100*float64(satisfied)/float64(b.N), "%satisfied")
			})
		}
	}
}
