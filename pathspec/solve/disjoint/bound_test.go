package disjoint

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// corridorOf is a search in all of the problem, with a random set of prices;
// nil where there is no flow.
func corridorOf(p *Problem, r *rand.Rand) (*tree, *auction) {
	t := newTree(p, NewHalt(nil), false)
	q, ok := t.query(nil)
	if !ok {
		return nil, nil
	}
	least, ok := t.finder.Run(q)
	if !ok {
		return nil, nil
	}
	t.bound = least
	t.corridor(least, Never/8)
	a := &auction{tree: t, fare: newFare(t, fareScale), best: make([]int64, len(t.risk)), wish: make([]int64, len(t.risk))}
	for n := range t.risk {
		a.risks = append(a.risks, int32(n))
		if r.IntN(2) == 0 {
			a.wish[n] = int64(r.IntN(10 * fareScale))
		}
	}
	return t, a
}

// ladder is a problem on a long network, where links near each other share
// risks.
func ladder(r *rand.Rand) *Problem {
	const columns = 7
	p := &Problem{
		K: 2, Source: make([]bool, 2*columns), Target: make([]bool, 2*columns),
		MaxDelay: Never, Spread: Never, MaxHops: Never, MaxCost: Never,
		Through: make([][]int32, 2*columns), AtEnd: make([][]int32, 2*columns),
	}
	p.Source[0], p.Target[2*columns-1] = true, true
	const entries = 5*(columns-1) + 1
	link := func(a, b int32) {
		risks := []int32{int32(len(p.OnEntry))}
		for range r.IntN(3) {
			if g := entries + a/2 + int32(r.IntN(3)); !slices.Contains(risks, g) {
				risks = append(risks, g)
			}
		}
		cost := int64(1 + r.IntN(12))
		p.OnEntry = append(p.OnEntry, risks)
		p.Links = append(p.Links, Link{From: a, To: b}, Link{From: b, To: a})
		p.Cost, p.Delay = append(p.Cost, cost, cost), append(p.Delay, cost, cost)
		p.Closed = append(p.Closed, false, false)
	}
	for v := int32(0); v < 2*columns-2; v += 2 {
		link(v, v+1)
		for _, to := range [4][2]int32{{v, v + 2}, {v + 1, v + 3}, {v, v + 3}, {v + 1, v + 2}} {
			if r.IntN(5) > 0 {
				link(to[0], to[1])
			}
		}
	}
	link(2*columns-2, 2*columns-1)
	p.Risks = entries + columns + 3
	p.Prepare()
	return p
}

// every lists the simple paths of a space within the bounds.
func (s *space) every(t *tree) (paths [][]int32) {
	var walk func(v int32, nodes, path []int32)
	walk = func(v int32, nodes, path []int32) {
		if s.exit[v] {
			if t.within(path) {
				paths = append(paths, slices.Clone(path))
			}
			return
		}
		for a := s.first[v]; a < s.first[v+1]; a++ {
			if to := s.to[a]; !slices.Contains(nodes, to) {
				walk(to, append(nodes, to), append(path, a))
			}
		}
	}
	for _, v := range s.entrance {
		walk(v, []int32{v}, nil)
	}
	return paths
}

// TestFare: the cheapest path where every risk is paid once, and all paths
// that cost less than a limit, against all paths.
func TestFare(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 22))
	twice := 0 // the cheapest path has a priced risk on two arcs
	for n := range 4000 {
		p := tangle(r)
		if n%4 == 0 {
			p = ladder(r)
		}
		search, a := corridorOf(p, r)
		if a == nil {
			continue
		}
		a.fare.set(a.risks, a.wish)
		want, limit := Never, int64(r.IntN(60*fareScale))
		under := 0
		for _, path := range search.every(search) {
			c := search.columnOf(path)
			fare := a.fareOf(&c)
			want = min(want, fare)
			if fare < limit {
				under++
			}
		}
		path, least, ok := a.fare.cheapest(Never, search, true)
		if !ok || least != want || (path != nil) != (want < Never) {
			t.Fatalf("problem %d: %v costs %d, the least is %d", n, path, least, want)
		}
		if path != nil {
			c := search.columnOf(path)
			if got := a.fareOf(&c); got != want {
				t.Fatalf("problem %d: %v is said to cost %d and costs %d", n, path, want, got)
			}
			if a.double(path) {
				twice++
			}
			if _, least, _ = a.fare.cheapest(want+1+int64(r.IntN(3*fareScale)), search, true); least != want {
				t.Fatalf("problem %d: %d is the least under a limit, %d is", n, least, want)
			}
			if path, least, _ = a.fare.cheapest(want, search, true); path != nil || least != want {
				t.Fatalf("problem %d: %v costs less than the least, %d", n, path, want)
			}
		}
		all, ok := a.fare.all(limit, search)
		if !ok {
			t.Fatalf("problem %d: too many paths", n)
		}
		got := 0
		for _, path := range all {
			if c := search.columnOf(path); a.fareOf(&c) < limit && search.within(path) {
				got++
			}
		}
		if got != under {
			t.Fatalf("problem %d: %d paths under %d, there are %d", n, got, limit, under)
		}
	}
	if twice < 50 {
		t.Errorf("%d paths have a risk twice: too easy", twice)
	}
}

// double reports whether a path has a priced risk on two arcs.
func (b *auction) double(path []int32) bool {
	seen := map[int32]bool{}
	for _, arc := range path {
		for _, r := range b.ofArc.at(arc) {
			if seen[r] && b.fare.price[r] > 0 {
				return true
			}
			seen[r] = true
		}
	}
	return false
}

// TestBind: no set costs less than the bound, and what is said to be closed
// has no better set.
func TestBind(t *testing.T) {
	r := rand.New(rand.NewPCG(31, 32))
	sets, closed, above := 0, 0, 0 // where there is a set; closed; bounded above the flow
	for n := range 3000 {
		p := tangle(r)
		search, a := corridorOf(p, r)
		if a == nil {
			continue
		}
		want := p.naive()
		open := search.bind()
		if search.floor > want {
			t.Fatalf("problem %d: bound %d, the best set costs %d", n, search.floor, want)
		}
		if set := search.best; set != nil && (!p.holds(set) || p.Total(set) != search.limit) {
			t.Fatalf("problem %d: %v is no set of cost %d", n, set, search.limit)
		}
		if !open && (search.best == nil) != (want == Never) || !open && want < Never && search.limit != want {
			t.Fatalf("problem %d: %d is said to be the best, %d is", n, search.limit, want)
		}
		if !open {
			closed++
		}
		if want < Never {
			sets++
			if search.floor > search.bound {
				above++
			}
		}
	}
	if sets < 500 || closed < 1000 || above < 200 {
		t.Errorf("%d sets, %d closed, %d bounded above the flow: too easy", sets, closed, above)
	}
}
