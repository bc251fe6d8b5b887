package solver

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/keiro-net/keiro/controller/core"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve"
	"github.com/keiro-net/keiro/topology"
)

// mesh is a grid of nodes with ducts of two neighbouring links.
func mesh(width, height int) *topology.Topology {
	r := rand.New(rand.NewPCG(1, 2))
	nodes := make([]topology.Node, width*height)
	for n := range nodes {
		nodes[n].Name = fmt.Sprintf("n%03d", n)
	}
	var entries []topology.Entry
	var links []topology.Link
	add := func(a, b int) {
		e := len(entries)
		l := topology.Link{Entry: e, From: a, To: b, Metric: 1,
			Delay: topology.Declare(topology.Delay(500 + r.IntN(4500))), Capacity: topology.Declare(topology.Bandwidth(40e9))}
		back := l
		back.From, back.To = b, a
		entries = append(entries, topology.Entry{Name: fmt.Sprintf("l%04d", e), A: a, B: b, AInterface: fmt.Sprint("e", e), BInterface: fmt.Sprint("f", e),
			SRLGs: topology.Declare([]string{fmt.Sprint("duct", e/2)})})
		links = append(links, l, back)
	}
	for n := range nodes {
		if n%width+1 < width {
			add(n, n+1)
		}
		if n+width < len(nodes) {
			add(n, n+width)
		}
	}
	return topology.New("mesh", nil, nodes, entries, links)
}

// crowd is n intents of two paths without a common node.
func crowd(t *topology.Topology, n int) (intents []pathspec.Intent) {
	r := rand.New(rand.NewPCG(3, 4))
	for len(intents) < n {
		in := pathspec.Intent{Name: fmt.Sprintf("i%03d", len(intents)), From: t.Nodes[r.IntN(len(t.Nodes))].Name, To: t.Nodes[r.IntN(len(t.Nodes))].Name, Priority: r.IntN(3)}
		in.Require = pathspec.Require{Multiplicity: 2, Disjoint: []pathspec.Kind{pathspec.Link, pathspec.Node}, Bandwidth: 1e9}
		if in.From != in.To && solve.Solve(solve.Input{Topology: t, Intents: []pathspec.Intent{in}, PathsOnly: true}).Intents[0].Status == pathspec.Satisfied {
			intents = append(intents, in)
		}
	}
	return intents
}

// BenchmarkOutage takes a duct of 200 nodes with 200 intents out of use: from
// the event to the decision, Configs compiled. Before is how it was: nothing
// told before all reasons and reserves, from a cold start, 5 s at the most.
func BenchmarkOutage(b *testing.B) {
	topo := mesh(20, 10)
	intents := crowd(topo, 200)
	const limit = 5 * time.Second
	var warm *solve.Engine
	coldly := func(q core.Solve, pathsOnly bool) pathspec.Solution {
		return solve.Solve(solve.Input{Topology: q.Spec.Topology.Without(q.Outage), Intents: q.Spec.Intents, Policy: policy, PathsOnly: pathsOnly,
			Stop: until(time.Now().Add(limit), never)})
	}
	for _, how := range []struct {
		name   string
		answer func(core.Solve) pathspec.Solution
	}{
		{"before", func(q core.Solve) pathspec.Solution { return coldly(q, false) }},
		{"cold", func(q core.Solve) pathspec.Solution { return coldly(q, true) }},
		{"warm", func(q core.Solve) pathspec.Solution { return fail(warm, q.Outage, limit, never) }},
	} {
		b.Run(how.name, func(b *testing.B) {
			r := rand.New(rand.NewPCG(5, 6))
			f := &fleet{core: core.New(core.Params{}), now: time.Unix(0, 0), ask: func(core.Solve) {}, drains: map[core.Drain]bool{}}
			f.declare(topo, intents)
			f.step(core.Started{Spec: f.spec})
			warm = engine(f.spec, topology.Outage{})
			warm.Begin(nil)
			answer := func(find func(core.Solve) pathspec.Solution) time.Duration {
				began := time.Now()
				s := find(f.asked)
				took := time.Since(began)
				f.step(core.Solved{Seq: f.asked.Seq, Solution: s})
				return took
			}
			warmly := func(q core.Solve) pathspec.Solution { return fail(warm, q.Outage, limit, never) }
			answer(warmly)
			least := time.Hour // other work on the machine makes it longer, never shorter
			for b.Loop() {
				cut := core.Drain{Kind: "srlg", Name: fmt.Sprint("duct", r.IntN(len(topo.Entries)/2))}
				f.drain(cut)
				least = min(least, answer(how.answer))
				b.StopTimer()
				f.drain(cut)
				answer(warmly)
				b.StartTimer()
			}
			b.ReportMetric(float64(least.Microseconds())/1000, "least-solving-ms")
		})
	}
}
