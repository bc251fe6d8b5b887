package flow

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestProofs: on graphs that are too large to list all sets, every answer
// comes with its proof. A set costs what the dual says; where there is none,
// a cut of fewer links and nodes than paths leaves no way.
func TestProofs(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 2))
	found, cut := 0, 0
	for range 2000 {
		nodes := 10 + r.IntN(60)
		g, cost := random(r, nodes, nodes+r.IntN(2*nodes))
		q := &Query{K: 1 + r.IntN(4), From: []int32{0}, To: []int32{1}, Cost: cost, Shut: make([]bool, len(cost)), Narrow: make([]bool, nodes)}
		if r.IntN(2) == 0 {
			q.From, q.To = []int32{0, 2}, []int32{1, 3, 4}
		}
		for l := range q.Shut {
			q.Shut[l] = r.IntN(8) == 0
		}
		for v := range q.Narrow {
			q.Narrow[v] = r.IntN(3) == 0
		}
		f := NewFinder(g)
		f.Run(&Query{K: 2, From: []int32{1}, To: []int32{2}, Cost: cost}) // must leave nothing behind
		if sum, ok := f.Run(q); ok {
			found++
			f.checkDual(t, sum)
			f.checkPaths(t, sum)
			continue
		}
		cut++
		links, narrow := f.Cut()
		if len(links)+len(narrow) >= q.K {
			t.Fatalf("%+v on %v: a cut of %v and %v does not prove that there are no %d paths", q, g.Links, links, narrow, q.K)
		}
		for l, link := range g.Links {
			q.Shut[l] = q.Shut[l] || slices.Contains(links, int32(l)) || slices.Contains(narrow, link.To) || slices.Contains(narrow, link.From)
		}
		if sum, ok := f.Run(&Query{K: 1, From: q.From, To: q.To, Cost: cost, Shut: q.Shut}); ok {
			t.Fatalf("%+v on %v: a path of %d is left by the cut of %v and %v", q, g.Links, sum, links, narrow)
		}
	}
	if found < 500 || cut < 300 {
		t.Errorf("only %d sets and %d cuts", found, cut)
	}
}

// checkPaths: the paths lead from a source to a target, are open and disjoint,
// and cost what was said.
func (f *Finder) checkPaths(t *testing.T, cost int64) {
	t.Helper()
	entries, passed := map[int32]bool{}, map[int32]bool{}
	pass := func(v int32) {
		if f.narrow(v) && passed[v] {
			t.Fatalf("two paths pass node %d", v)
		}
		passed[v] = true
	}
	paths := f.Paths()
	for _, p := range paths {
		at := f.Links[p[0]].From
		if !slices.Contains(f.q.From, at) {
			t.Fatalf("path %v begins at %d", p, at)
		}
		pass(at)
		for _, l := range p {
			if f.Links[l].From != at || f.q.Shut[l] || entries[l/2] {
				t.Fatalf("path %v cannot have link %d", p, l)
			}
			entries[l/2], at = true, f.Links[l].To
			pass(at)
			cost -= f.q.Cost[l]
		}
		if !slices.Contains(f.q.To, at) {
			t.Fatalf("path %v ends at %d", p, at)
		}
	}
	if len(paths) != f.q.K || cost != 0 {
		t.Fatalf("%d paths, of %d less than was said", len(paths), cost)
	}
}
