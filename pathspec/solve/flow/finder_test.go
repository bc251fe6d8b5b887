package flow

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func random(r *rand.Rand, nodes, entries int) (*Graph, []int64) {
	var links []Link
	var cost []int64
	for range entries {
		a, b, c := int32(r.IntN(nodes)), int32(r.IntN(nodes)), int64(r.IntN(20))
		links = append(links, Link{a, b}, Link{b, a})
		cost = append(cost, c, c+int64(r.IntN(3)))
	}
	return NewGraph(nodes, links), cost
}

// pathSet is a set of disjoint paths, as one list of links.
type pathSet struct {
	links []int32
	cost  int64
}

// everySet lists all sets that answer a query.
func everySet(g *Graph, q *Query) (sets []pathSet) {
	var all []pathSet
	var walk func(v int32, nodes, links []int32, cost int64)
	walk = func(v int32, nodes, links []int32, cost int64) {
		if slices.Contains(q.To, v) && len(links) > 0 {
			all = append(all, pathSet{slices.Clone(links), cost})
			return
		}
		for _, a := range g.leaving(v) {
			if !slices.Contains(nodes, a.to) && (q.Shut == nil || !q.Shut[a.link]) {
				walk(a.to, append(nodes, a.to), append(links, a.link), cost+q.Cost[a.link])
			}
		}
	}
	for _, s := range q.From {
		walk(s, []int32{s}, nil, 0)
	}
	narrow := func(v int32) bool { return q.Narrow != nil && q.Narrow[v] }
	share := func(a, b []int32) bool {
		for i, l := range a {
			for j, m := range b {
				x, y := g.Links[l], g.Links[m]
				if l/2 == m/2 || narrow(x.To) && x.To == y.To ||
					i == 0 && narrow(x.From) && (x.From == y.To || x.From == y.From) || j == 0 && narrow(y.From) && y.From == x.To {
					return true
				}
			}
		}
		return false
	}
	var grow func(first int, chosen []pathSet)
	grow = func(first int, chosen []pathSet) {
		if len(chosen) == q.K {
			var s pathSet
			for _, p := range chosen {
				s.links, s.cost = append(s.links, p.links...), s.cost+p.cost
			}
			sets = append(sets, s)
			return
		}
		for i := first; i < len(all); i++ {
			if !slices.ContainsFunc(chosen, func(p pathSet) bool { return share(p.links, all[i].links) }) {
				grow(i+1, append(slices.Clone(chosen), all[i]))
			}
		}
	}
	grow(0, nil)
	return sets
}

func naive(g *Graph, q *Query) int64 {
	best := Never
	for _, s := range everySet(g, q) {
		best = min(best, s.cost)
	}
	return best
}

func TestRunAgainstNaive(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	found := 0
	for range 3000 {
		nodes := 3 + r.IntN(4)
		g, cost := random(r, nodes, 2+r.IntN(9))
		q := &Query{K: 1 + r.IntN(3), From: []int32{0}, To: []int32{1}, Cost: cost}
		if nodes > 4 && r.IntN(3) == 0 {
			q.From, q.To = []int32{0, 2}, []int32{1, 3}
		}
		if r.IntN(2) == 0 {
			q.Narrow = make([]bool, nodes)
			for v := range q.Narrow {
				q.Narrow[v] = r.IntN(2) == 0
			}
			if len(q.From) == 1 {
				q.Narrow[0], q.Narrow[1] = false, false
			}
		}
		if r.IntN(3) == 0 {
			q.Shut = make([]bool, len(cost))
			for l := range q.Shut {
				q.Shut[l] = r.IntN(5) == 0
			}
		}
		f := NewFinder(g)
		f.Run(&Query{K: 2, From: []int32{1}, To: []int32{2}, Cost: cost}) // must leave nothing behind
		got, ok := f.Run(q)
		want := naive(g, q)
		if ok != (want < Never) || ok && got != want {
			t.Fatalf("%+v on %v: %d %v, want %d", q, g.Links, got, ok, want)
		}
		if !ok {
			continue
		}
		found++
		var sum int64
		paths := f.Paths()
		for _, p := range paths {
			for _, l := range p {
				sum += cost[l]
			}
		}
		if len(paths) != q.K || sum != got {
			t.Fatalf("%+v on %v: paths %v cost %d, want %d", q, g.Links, paths, sum, got)
		}
		f.checkDual(t, got)
	}
	if found < 500 {
		t.Errorf("only %d of 3000 have an answer", found)
	}
}

// checkDual: prices are a proof that no set is cheaper.
func (f *Finder) checkDual(t *testing.T, cost int64) {
	t.Helper()
	dual := f.pathPrice() * int64(f.q.K)
	for l := range f.Links {
		if p := f.LinkPrice(int32(l)); p > 0 {
			dual -= p
		}
	}
	for v := range f.Nodes() {
		if p := f.NodePrice(int32(v)); p > 0 {
			dual -= p
		}
	}
	if dual != cost {
		t.Fatalf("dual %d, cost %d", dual, cost)
	}
	for l, link := range f.Links {
		if link.From != link.To && (f.q.Shut == nil || !f.q.Shut[l]) && !f.source[link.To] && !f.target[link.From] &&
			f.reduced(int32(l))+f.LinkPrice(int32(l)) < 0 {
			t.Fatalf("link %d can be had for less than its price", l)
		}
	}
}

// TestWarmAllocatesNothing: the second run on a finder needs no memory.
func TestWarmAllocatesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	g, cost := random(r, 500, 1500)
	f := NewFinder(g)
	q := &Query{K: 2, From: []int32{0}, To: []int32{1}, Cost: cost}
	again := func() {
		if _, ok := f.Run(q); ok {
			f.Paths()
		}
	}
	again()
	if n := testing.AllocsPerRun(20, again); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestCorridor: a set that costs at most slack more has all its links in the
// corridor.
func TestCorridor(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 9))
	for range 500 {
		nodes := 4 + r.IntN(3)
		g, cost := random(r, nodes, 4+r.IntN(8))
		q := &Query{K: 1 + r.IntN(2), From: []int32{0}, To: []int32{1}, Cost: cost, Narrow: make([]bool, nodes)}
		for v := 2; v < nodes; v++ {
			q.Narrow[v] = r.IntN(3) == 0
		}
		f := NewFinder(g)
		least, ok := f.Run(q)
		if !ok {
			continue
		}
		slack := int64(r.IntN(15))
		links, _ := f.Corridor(slack)
		for l := range g.Links {
			if slices.Contains(links, int32(l)) {
				continue
			}
			// Sets that must use l: none of them is so cheap.
			if with := through(g, q, int32(l)); with <= least+slack {
				t.Fatalf("%+v on %v: link %d is on a set of cost %d, least %d, slack %d", q, g.Links, l, with, least, slack)
			}
		}
	}
}

// through is the cost of the cheapest set that has link l.
func through(g *Graph, q *Query, l int32) int64 {
	best := Never
	for _, s := range everySet(g, q) {
		if slices.Contains(s.links, l) {
			best = min(best, s.cost)
		}
	}
	return best
}
