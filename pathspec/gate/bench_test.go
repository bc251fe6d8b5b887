package gate

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// grid is 20 by 10 nodes with random delays, and ducts of two neighbouring
// links.
func grid(capacity topology.Bandwidth) *topology.Topology {
	const width, height = 20, 10
	r := rand.New(rand.NewPCG(1, 2))
	var nodes []topology.Node
	var entries []topology.Entry
	var links []topology.Link
	join := func(a, b int) {
		e := len(entries)
		delay := topology.Declare(topology.Delay(100 + r.IntN(1000)))
		entries = append(entries, topology.Entry{
			Name: fmt.Sprintf("n%d--n%d", a, b), A: a, B: b, SRLGs: topology.Declare([]string{fmt.Sprint("duct", e/2)}),
		})
		link := topology.Link{Entry: e, From: a, To: b, Metric: 1, Delay: delay, Capacity: topology.Declare(capacity)}
		back := link
		back.From, back.To = b, a
		links = append(links, link, back)
	}
	for y := range height {
		for x := range width {
			n := y*width + x
			nodes = append(nodes, topology.Node{Name: fmt.Sprint("n", n)})
			if x > 0 && r.IntN(8) > 0 {
				join(n-1, n)
			}
			if y > 0 && r.IntN(8) > 0 {
				join(n-width, n)
			}
		}
	}
	return topology.New("grid", nil, nodes, entries, links)
}

// gateInput is 200 intents of 0.1 Gbps, half of them of two paths, and a change
// of one delay.
func gateInput(b *testing.B, capacity topology.Bandwidth) Input {
	r := rand.New(rand.NewPCG(3, 4))
	in := Input{Before: grid(capacity), Failures: "srlg"}
	after := grid(capacity)
	for _, l := range []int{200, 201} {
		after.Links[l].Delay = topology.Declare(topology.Delay(1500))
	}
	in.After = after
	for i := range 200 {
		from, to := r.IntN(200), r.IntN(199)
		if to >= from {
			to++
		}
		x := pathspec.Intent{Name: fmt.Sprint("i", i), From: fmt.Sprint("n", from), To: fmt.Sprint("n", to)}
		x.Require = pathspec.Require{Multiplicity: 1 + i%2, Disjoint: []pathspec.Kind{pathspec.Link, pathspec.SRLG}, Bandwidth: 1e8}
		if i%2 == 0 {
			x.Require.Disjoint = nil
		}
		in.Intents = append(in.Intents, x)
	}
	if err := pathspec.Validate(in.Before, in.Intents); err != nil {
		b.Fatal(err)
	}
	return in
}

// BenchmarkGate: design section 8 wants under 2 s for 200 intents and every
// single SRLG failure of 200 nodes. With 100 Gbps no link can be full; with
// 4 Gbps some are, and intents are in each other's way.
func BenchmarkGate(b *testing.B) {
	for _, capacity := range []topology.Bandwidth{100e9, 4e9} {
		in := gateInput(b, capacity)
		for _, kind := range []string{"none", "srlg"} {
			b.Run(fmt.Sprintf("capacity=%v/failures=%s", capacity, kind), func(b *testing.B) {
				in.Failures = kind
				for b.Loop() {
					p := Evaluate(in)
					b.ReportMetric(float64(p.Failures.Tried), "failures")
					b.ReportMetric(float64(len(p.Findings)), "findings")
				}
			})
		}
	}
}
