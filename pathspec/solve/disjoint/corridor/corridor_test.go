package corridor

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/keiro-net/keiro/pathspec/solve/disjoint/halt"
	"github.com/keiro-net/keiro/pathspec/solve/flow"
)

// network is one of so many nodes, without links, from node 0.
func network(nodes int) *Network {
	p := &Network{
		Source: make([]bool, nodes), Target: make([]bool, nodes), OnNode: make([][]int32, nodes),
		MaxDelay: Never, MaxHops: Never,
	}
	p.Source[0] = true
	return p
}

// tangle is a small network full of shared risks.
func tangle(r *rand.Rand) *Network {
	nodes := 5 + r.IntN(4)
	entries := nodes + r.IntN(9)
	shared := 3 + r.IntN(6)
	p := network(nodes)
	p.Target[1] = true
	for e := range entries {
		a := int32(r.IntN(nodes))
		b := (a + 1 + int32(r.IntN(nodes-1))) % int32(nodes)
		risks := []int32{int32(e)}
		for range r.IntN(3) {
			if g := int32(entries + r.IntN(shared)); !slices.Contains(risks, g) {
				risks = append(risks, g)
			}
		}
		p.Links = append(p.Links, flow.Link{From: a, To: b}, flow.Link{From: b, To: a})
		p.OnEntry = append(p.OnEntry, risks)
		cost := int64(1 + r.IntN(12))
		p.Cost = append(p.Cost, cost, cost)
		p.Delay = append(p.Delay, int64(1+r.IntN(9)), int64(1+r.IntN(9)))
	}
	p.Risks = entries + shared
	if r.IntN(3) == 0 {
		p.MaxDelay = int64(8 + r.IntN(12))
	}
	if r.IntN(4) == 0 {
		p.MaxHops = int64(2 + r.IntN(3))
	}
	return p
}

// whole is the corridor of all links that a path may take.
func whole(p *Network) *Space {
	p.Finder = flow.NewFinder(flow.NewGraph(len(p.Source), p.Links))
	var links []int32
	for v := range p.Source {
		for l, link := range p.Links {
			if link.From == int32(v) && !p.Target[v] && !p.Source[link.To] {
				links = append(links, int32(l))
			}
		}
	}
	return New(p, links)
}

// ladder is a long network where links near each other share
// risks.
func ladder(r *rand.Rand) *Network {
	const columns = 7
	p := network(2 * columns)
	p.Target[2*columns-1] = true
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
		p.Links = append(p.Links, flow.Link{From: a, To: b}, flow.Link{From: b, To: a})
		p.Cost, p.Delay = append(p.Cost, cost, cost), append(p.Delay, cost, cost)
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
	return p
}

// every lists the simple paths of a corridor within the bounds.
func (s *Space) every() (paths [][]int32) {
	var walk func(v int32, nodes, path []int32)
	walk = func(v int32, nodes, path []int32) {
		if s.Exit[v] {
			if s.Within(path) {
				paths = append(paths, slices.Clone(path))
			}
			return
		}
		for a := s.First[v]; a < s.First[v+1]; a++ {
			if to := s.To[a]; !slices.Contains(nodes, to) {
				walk(to, append(nodes, to), append(path, a))
			}
		}
	}
	for _, v := range s.Entrance {
		walk(v, []int32{v}, nil)
	}
	return paths
}

// TestFare: the cheapest path where every risk is paid once, and all paths
// that cost less than a limit, against all paths.
func TestFare(t *testing.T) {
	const scale = 64
	r := rand.New(rand.NewPCG(21, 22))
	some, twice := 0, 0 // there is a path; the cheapest has a priced risk on two arcs
	for n := range 1500 {
		p := tangle(r)
		if n%4 == 0 {
			p = ladder(r)
		}
		s := whole(p)
		f := NewFare(s, halt.New(nil), scale)
		var risks []int32
		price := make([]int64, len(s.Risk))
		for i := range price {
			risks = append(risks, int32(i))
			if r.IntN(2) == 0 {
				price[i] = int64(r.IntN(10 * scale))
			}
		}
		f.Set(risks, price)
		want, limit := Never, int64(r.IntN(60*scale))
		under := 0
		for _, path := range s.every() {
			cost, _ := f.naive(path)
			want = min(want, cost)
			if cost < limit {
				under++
			}
		}
		path, least, ok := f.Cheapest(Never, true)
		if !ok || least != want || (path != nil) != (want < Never) {
			t.Fatalf("network %d: %v costs %d, the least is %d", n, path, least, want)
		}
		if path != nil {
			some++
			cost, again := f.naive(path)
			if cost != want {
				t.Fatalf("network %d: %v is said to cost %d and costs %d", n, path, want, cost)
			}
			if again {
				twice++
			}
			if _, least, _ = f.Cheapest(want+1+int64(r.IntN(3*scale)), true); least != want {
				t.Fatalf("network %d: %d is the least under a limit, %d is", n, least, want)
			}
			if path, least, _ = f.Cheapest(want, true); path != nil || least != want {
				t.Fatalf("network %d: %v costs less than the least, %d", n, path, want)
			}
		}
		all, ok := f.All(limit)
		if !ok {
			t.Fatalf("network %d: too many paths", n)
		}
		got := 0
		for _, path := range all {
			if cost, _ := f.naive(path); cost < limit && s.Within(path) {
				got++
			}
		}
		if got != under {
			t.Fatalf("network %d: %d paths under %d, there are %d", n, got, limit, under)
		}
	}
	if some < 700 || twice < 50 {
		t.Errorf("%d networks with a path, %d paths that have a risk twice: too easy", some, twice)
	}
}

// naive is what a path costs, and whether it has a priced risk on two arcs.
func (f *Fare) naive(path []int32) (cost int64, twice bool) {
	paid := map[int32]bool{}
	for _, a := range path {
		cost += f.Cost[a] * f.scale
		for _, r := range f.OfArc.At(a) {
			if !paid[r] {
				cost += f.Price[r]
			}
			twice = twice || paid[r] && f.Price[r] > 0
			paid[r] = true
		}
	}
	return cost, twice
}

// TestOnce: a risk that is said to be on one arc of a path at the most is.
func TestOnce(t *testing.T) {
	r := rand.New(rand.NewPCG(23, 24))
	once, several := 0, 0
	for n := range 2000 {
		s := whole(tangle(r))
		for _, path := range s.every() {
			arcs := make([]int, len(s.Risk))
			for _, a := range path {
				for _, risk := range s.OfArc.At(a) {
					if arcs[risk]++; arcs[risk] > 1 && s.Once[risk] {
						t.Fatalf("network %d: %v has risk %d twice", n, path, risk)
					}
				}
			}
		}
		for risk := range s.Risk {
			switch {
			case !s.Once[risk]:
				several++
			case len(s.OfRisk.At(int32(risk))) > 2:
				once++
			}
		}
	}
	if once < 50 || several < 500 {
		t.Errorf("%d risks of several entries once, %d not: too easy", once, several)
	}
}
