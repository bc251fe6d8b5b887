package disjoint

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/keiro-net/keiro/pathspec/solve/disjoint/auction"
)

// tangle is a random problem full of shared risks, in which the flow is seldom
// an answer.
func tangle(r *rand.Rand) *Problem {
	nodes := 5 + r.IntN(4)
	entries := nodes + r.IntN(9)
	p := &Problem{
		K: 2 + r.IntN(3), Source: make([]bool, nodes), Target: make([]bool, nodes),
		MaxDelay: Never, Spread: Never, MaxHops: Never, MaxCost: Never,
		Through: make([][]int32, nodes), AtEnd: make([][]int32, nodes),
	}
	p.Source[0], p.Target[1] = true, true
	shared := 3 + r.IntN(6)
	for e := range entries {
		a := int32(r.IntN(nodes))
		b := (a + 1 + int32(r.IntN(nodes-1))) % int32(nodes)
		switch e % 4 { // the ends have many links
		case 0:
			a, b = 0, 1+int32(r.IntN(nodes-1))
		case 1:
			a, b = 1, 2+int32(r.IntN(nodes-2))
		}
		p.Links = append(p.Links, Link{From: a, To: b}, Link{From: b, To: a})
		risks := []int32{int32(e)}
		for range r.IntN(3) {
			if g := int32(entries + r.IntN(shared)); !slices.Contains(risks, g) {
				risks = append(risks, g)
			}
		}
		p.OnEntry = append(p.OnEntry, risks)
		cost := int64(1 + r.IntN(12))
		p.Cost = append(p.Cost, cost, cost)
		p.Delay = append(p.Delay, int64(1+r.IntN(9)), int64(1+r.IntN(9)))
		p.Closed = append(p.Closed, false, false)
	}
	p.Risks = entries + shared
	if r.IntN(3) == 0 {
		p.MaxDelay = int64(8 + r.IntN(12))
	}
	if r.IntN(4) == 0 {
		p.MaxHops = int64(2 + r.IntN(3))
	}
	p.Prepare()
	return p
}

// naive is the least cost of a set, by trying all sets of simple paths; Never
// where there is none.
func (p *Problem) naive() int64 {
	var all []Path
	var walk func(v int32, nodes []int32, q Path)
	walk = func(v int32, nodes []int32, q Path) {
		if p.Target[v] {
			if p.holds([]Path{q}) {
				all = append(all, slices.Clone(q))
			}
			return
		}
		for l, link := range p.Links {
			if link.From == v && !slices.Contains(nodes, link.To) {
				walk(link.To, append(nodes, link.To), append(q, int32(l)))
			}
		}
	}
	walk(0, []int32{0}, nil)
	apart := make([][]bool, len(all))
	for i := range all {
		apart[i] = make([]bool, i)
		for j := range i {
			apart[i][j] = p.holds([]Path{all[i], all[j]})
		}
	}
	best := Never
	var grow func(first int, chosen []int, cost int64)
	grow = func(first int, chosen []int, cost int64) {
		if cost >= best {
			return
		}
		if len(chosen) == p.K {
			best = cost
			return
		}
		for i := first; i < len(all); i++ {
			if !slices.ContainsFunc(chosen, func(j int) bool { return !apart[i][j] }) {
				grow(i+1, append(slices.Clone(chosen), i), cost+p.CostOf(all[i]))
			}
		}
	}
	grow(0, nil, 0)
	return best
}

// TestBest: what is proven is so.
func TestBest(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	beyond, sets := 0, 0 // the flow; where there is a set
	for n := range 6000 {
		p := tangle(r)
		want := p.naive()
		set := p.Best(NewHalt(nil))
		got := Never
		if set != nil {
			got = p.Total(set)
		}
		if got != want || p.Proven != want || set != nil && !p.holds(set) {
			t.Fatalf("problem %d: %v costs %d, proven %d; the least is %d: %+v", n, set, got, p.Proven, want, p)
		}
		if any := p.Any(NewHalt(nil), nil); (any != nil) != (set != nil) || any != nil && !p.holds(any) {
			t.Fatalf("problem %d: some set %v, the best %v", n, any, set)
		}
		if flow, ok := newRelaxation(p).paths(p.K, make([]int8, p.Risks), nil); ok && want < Never {
			sets++
			if p.Total(flow) < want {
				beyond++
			}
		}
	}
	if sets < 500 || beyond < 200 {
		t.Errorf("%d sets, %d of them dearer than the flow: too easy", sets, beyond)
	}
}

// TestAuction: no set costs less than the bound, and what is said to be closed
// has no better set.
func TestAuction(t *testing.T) {
	r := rand.New(rand.NewPCG(31, 32))
	sets, closed, above := 0, 0, 0 // where there is a set; closed; bounded above the flow
	for n := range 3000 {
		p := tangle(r)
		w := newWidening(p, NewHalt(nil), false)
		q, ok := w.query(nil)
		if !ok {
			continue
		}
		least, ok := w.finder.Run(q)
		if !ok {
			continue
		}
		c, _ := w.corridor(least, Never/8)
		want := p.naive()
		floor, open := auction.Run(c, p.K, &w.best, w.halt, w.dual(c), nil)
		if floor > want {
			t.Fatalf("problem %d: bound %d, the best set costs %d", n, floor, want)
		}
		if set := w.best.Set; set != nil && (!p.holds(set) || p.Total(set) != w.best.Limit) {
			t.Fatalf("problem %d: %v is no set of cost %d", n, set, w.best.Limit)
		}
		if !open && (w.best.Set == nil) != (want == Never) || !open && want < Never && w.best.Limit != want {
			t.Fatalf("problem %d: %d is said to be the best, %d is", n, w.best.Limit, want)
		}
		if !open {
			closed++
		}
		if want < Never {
			sets++
			if floor > least {
				above++
			}
		}
	}
	if sets < 500 || closed < 1000 || above < 200 {
		t.Errorf("%d sets, %d closed, %d bounded above the flow: too easy", sets, closed, above)
	}
}

// TestOwnership: in a corridor of all links, what the search finds is the best.
func TestOwnership(t *testing.T) {
	r := rand.New(rand.NewPCG(41, 42))
	sets := 0
	for n := range 3000 {
		p := tangle(r)
		w := newWidening(p, NewHalt(nil), false)
		q, ok := w.query(nil)
		if !ok {
			continue
		}
		least, ok := w.finder.Run(q)
		if !ok {
			continue
		}
		c, _ := w.corridor(least, Never/8)
		w.bound = least
		w.tree(c).Search()
		want := p.naive()
		if want < Never {
			sets++
		}
		if (w.best.Set == nil) != (want == Never) || want < Never && (w.best.Limit != want || !p.holds(w.best.Set) || p.Total(w.best.Set) != want) {
			t.Fatalf("problem %d: %v costs %d, the best %d", n, w.best.Set, w.best.Limit, want)
		}
	}
	if sets < 500 {
		t.Errorf("%d sets: too easy", sets)
	}
}
