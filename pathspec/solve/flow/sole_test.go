package flow

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// cheapest lists the sets that cost least, by the links that they have.
func cheapest(g *Graph, q *Query) (all [][]int32) {
	least := naive(g, q)
	for _, s := range everySet(g, q) {
		slices.Sort(s.links)
		if s.cost == least && !slices.ContainsFunc(all, func(o []int32) bool { return slices.Equal(o, s.links) }) {
			all = append(all, s.links)
		}
	}
	return all
}

// TestSole: what is said to be the only cheapest set is, and stays so when
// links are opened that are said to open nothing. Where there is no set,
// there still is none. Without free links the reverse holds as well.
func TestSole(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 1))
	sole, none, opened := 0, 0, 0
	for round := range 6000 {
		nodes := 3 + r.IntN(4)
		g, cost := random(r, nodes, 2+r.IntN(9))
		free := round%2 == 0
		for l := range cost {
			if !free {
				cost[l] = 1 + cost[l]%5
			}
		}
		q := &Query{K: 1 + r.IntN(3), From: []int32{0}, To: []int32{1}, Cost: cost, Shut: make([]bool, len(cost))}
		if r.IntN(2) == 0 {
			q.Narrow = make([]bool, nodes)
			for v := 2; v < nodes; v++ {
				q.Narrow[v] = r.IntN(2) == 0
			}
		}
		for e := range len(cost) / 2 {
			q.Shut[2*e] = r.IntN(5) == 0
			q.Shut[2*e+1] = q.Shut[2*e]
		}
		f := NewFinder(g)
		_, ok := f.Run(q)
		is := cheapest(g, q)
		if ok && (f.Sole() && len(is) != 1 || !free && len(is) == 1 && !f.Sole()) {
			t.Fatalf("%+v on %v: sole %v, there are %v", q, g.Links, f.Sole(), is)
		}
		more := *q
		more.Shut = slices.Clone(q.Shut)
		for e := range len(cost) / 2 {
			if q.Shut[2*e] && !f.Opens(int32(2*e), 0) && !f.Opens(int32(2*e+1), 0) {
				more.Shut[2*e], more.Shut[2*e+1] = false, false
				opened++
			}
		}
		now := cheapest(g, &more)
		switch {
		case !ok:
			none++
			if len(now) > 0 {
				t.Fatalf("%+v on %v: opening %v makes %v", q, g.Links, more.Shut, now)
			}
		case f.Sole():
			sole++
			if !slices.EqualFunc(is, now, slices.Equal[[]int32]) {
				t.Fatalf("%+v on %v: opening %v makes %v of %v", q, g.Links, more.Shut, now, is)
			}
		}
	}
	if sole < 1000 || none < 1000 || opened < 500 {
		t.Errorf("only %d sole, %d without a set, %d links opened", sole, none, opened)
	}
}
