package disjoint

import (
	"math/rand/v2"
	"slices"
	"testing"
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

// TestTree: what the branch and bound proves is so.
func TestTree(t *testing.T) {
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
