package disjoint

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// bundle is k paths over parallel entries from node 0 to node 1, each with the
// given risks beside its own; entry e costs e+1.
func bundle(k int, risks ...[]int32) *Problem {
	p := &Problem{
		K: k, Source: []bool{true, false}, Target: []bool{false, true},
		MaxDelay: Never, Spread: Never, MaxHops: Never, MaxCost: Never,
		Through: make([][]int32, 2), AtEnd: make([][]int32, 2), Risks: 100,
	}
	for e, shared := range risks {
		p.OnEntry = append(p.OnEntry, append([]int32{int32(50 + e)}, shared...))
		p.Links = append(p.Links, Link{From: 0, To: 1}, Link{From: 1, To: 0})
		p.Closed = append(p.Closed, false, false)
		p.Cost = append(p.Cost, int64(e+1), int64(e+1))
		p.Delay = append(p.Delay, int64(e+1), int64(e+1))
	}
	p.Prepare()
	return p
}

func TestBundle(t *testing.T) {
	triangle := [][]int32{{1, 3}, {1, 2}, {2, 3}} // any two share a risk
	for _, c := range []struct {
		what    string
		problem *Problem
		set     string // links
		cut     string
		without int
	}{
		{"one of three", bundle(1, triangle...), "[[0]]", "[]", 0},
		{"links only", bundle(2, nil, nil, nil), "[[0] [2]]", "[]", 0},
		{"too few links", bundle(3, nil, nil), "[]", "[50 51]", 1},
		{"the cheapest is in the way of all", bundle(2, []int32{1, 2}, []int32{1}, []int32{2}), "[[2] [4]]", "[]", 0},
		{"one risk on all", bundle(2, []int32{7}, []int32{7}, []int32{7}), "[]", "[7]", 1},
		{"no one risk is to blame", bundle(2, triangle...), "[]", "[]", 0},
		{"every two have the one with risk 9", bundle(3, append(triangle, []int32{9})...), "[]", "[9]", 2},
	} {
		t.Run(c.what, func(t *testing.T) {
			h := NewHalt(nil)
			if set := c.problem.Best(h); fmt.Sprint(set) != c.set {
				t.Errorf("%v, want %s", set, c.set)
			}
			if c.set != "[]" {
				return
			}
			cut, without := c.problem.Cut(h)
			slices.Sort(cut)
			if fmt.Sprint(cut) != c.cut || without != c.without {
				t.Errorf("cut %v without %d, want %s without %d", cut, without, c.cut, c.without)
			}
		})
	}
}

// TestSpread: the cheapest set is too far apart, and the next one is not.
func TestSpread(t *testing.T) {
	p := bundle(2, nil, []int32{1}, []int32{1}, []int32{1})
	p.Delay = []int64{1, 1, 9, 9, 7, 7, 3, 3}
	p.Spread = 2
	p.Prepare()
	if set := p.Best(NewHalt(nil)); fmt.Sprint(set) != "[[0] [6]]" {
		t.Errorf("%v", set)
	}
	p.Spread = 1
	p.Prepare()
	if set := p.Best(NewHalt(nil)); set != nil {
		t.Errorf("%v", set)
	}
}

// TestHalt: an allowance ends a search, and only that.
func TestHalt(t *testing.T) {
	p := bundle(2, []int32{1, 2}, []int32{1}, []int32{2})
	h := NewHalt(nil)
	allowed := h.Allow(1)
	if p.Best(allowed); !allowed.Stopped() || h.Stopped() {
		t.Errorf("allowance stopped: %v, the search it is part of: %v", allowed.Stopped(), h.Stopped())
	}
	asked := 0
	h = NewHalt(func() bool { asked++; return asked == 2 })
	if set := p.Best(h); set != nil || !h.Stopped() {
		t.Errorf("%v, stopped: %v", set, h.Stopped())
	}
	if set := p.Any(h, nil); set != nil {
		t.Errorf("%v, after a stop", set)
	}
}

// TestDown: what is down is not used, however often it fails.
func TestDown(t *testing.T) {
	p := bundle(1, nil, nil)
	if set := p.Any(NewHalt(nil), []int16{2, 0}); fmt.Sprint(set) != "[[2]]" {
		t.Errorf("%v", set)
	}
	if set := p.Any(NewHalt(nil), []int16{1, 1}); set != nil {
		t.Errorf("%v", set)
	}
}

// TestCutAllowance: a cutter that had to stop has found nothing.
func TestCutAllowance(t *testing.T) {
	p := bundle(2, []int32{1}, []int32{2}, nil)
	c := p.cutter(1, NewHalt(nil), nil)
	c.halt = NewHalt(nil).Allow(1)
	if c.hit(1) {
		t.Errorf("cut %v", c.cut)
	}
}

// TestFlow: in graphs full of links that cost nothing, where a flow may run in
// circles, what comes out is disjoint simple paths.
func TestFlow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const nodes = 7
		p := &Problem{
			K: 3, Source: make([]bool, nodes), Target: make([]bool, nodes),
			MaxDelay: Never, Spread: Never, MaxHops: Never, MaxCost: Never,
			Through: make([][]int32, nodes), AtEnd: make([][]int32, nodes),
		}
		p.Source[0], p.Target[1] = true, true
		for e := range rapid.IntRange(6, 16).Draw(t, "entries") {
			a := rapid.SampledFrom([]int32{0, 1, 2, 3, 4, 5, 6}).Draw(t, "a")
			b := (a + rapid.SampledFrom([]int32{1, 2, 3, 4, 5, 6}).Draw(t, "b")) % nodes
			p.Links = append(p.Links, Link{From: a, To: b}, Link{From: b, To: a})
			p.OnEntry = append(p.OnEntry, []int32{int32(e)})
			for range 2 {
				p.Closed = append(p.Closed, false)
				p.Cost = append(p.Cost, rapid.SampledFrom([]int64{0, 0, 1}).Draw(t, "cost"))
			}
		}
		p.Delay, p.Risks = p.Cost, len(p.OnEntry)
		p.Prepare()
		set, ok := newRelaxation(p).paths(p.K, make([]int8, p.Risks), nil)
		if !ok {
			return
		}
		used := map[int32]bool{}
		for _, path := range set {
			at, passed := int32(0), []int32{0}
			for _, l := range path {
				if p.Links[l].From != at || used[l/2] || slices.Contains(passed, p.Links[l].To) {
					t.Fatalf("%v: link %d does not fit", set, l)
				}
				used[l/2] = true
				at = p.Links[l].To
				passed = append(passed, at)
			}
			if at != 1 {
				t.Errorf("%v does not end at the target", path)
			}
		}
	})
}
