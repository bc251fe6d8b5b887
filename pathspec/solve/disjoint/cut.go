package disjoint

import (
	"cmp"
	"slices"
)

// cutWork bounds the search for a cut, which is a short cut and an explanation.
const cutWork = 1_000_000

// Cut explains why there are no K paths: it returns a least set of risks such
// that there is no path without any of them, or at least no set of so many
// paths: of K, less one for each of the risks. As a risk is on one path at the
// most, that is a proof. nil: none was found. It is the least where the work
// allowed was enough, and blocks in any case.
func (p *Problem) Cut(h *Halt) (risks []int32, without int) {
	if p.K < 2 {
		return nil, 0
	}
	most := p.K - 1
	if risks = p.crossed(); risks != nil {
		most = len(risks) - 1
	}
	if risks == nil || !p.simple() {
		if fewer := p.cutter(1, h, nil).least(most); fewer != nil {
			risks = fewer
		}
	}
	if risks != nil && p.cutter(1, h, nil).blocks(risks) {
		return risks, 1
	}
	// Not every path, but every set of several.
	for size := 1; size < p.K-1; size++ {
		c := p.cutter(p.K-size, h, nil)
		if c.some() != nil && c.hit(size) {
			return c.cut, p.K - size
		}
	}
	return nil, 0
}

// separator returns a least set of at most most risks such that every path
// has one of them; nil where none was found. As a risk is on one path at the
// most, a separator of fewer than k risks proves that there are no k paths.
func (s *search) separator(most int) []int32 { return s.cutter(1, s.halt, s.down).least(most) }

// crossed returns as many risks as there are paths without a common entry or
// node, of which every path has one (Menger 1927); nil where there are K.
func (p *Problem) crossed() []int32 {
	r := newRelaxation(p)
	if _, ok := r.paths(p.K, make([]int8, p.Risks), nil); ok {
		return nil
	}
	return r.leastCut()
}

// simple reports whether entries and nodes are all that the paths may share,
// and nothing bounds them: then no fewer risks cross all paths than there are
// disjoint ones.
func (p *Problem) simple() bool {
	several := func(risks []int32) bool { return len(risks) > 1 }
	return p.MaxDelay >= Never && p.MaxHops >= Never && p.MaxCost >= Never &&
		!slices.ContainsFunc(p.OnEntry, several) && !slices.ContainsFunc(p.Through, several) && p.ownNodes()
}

// ownNodes reports whether no two nodes have a risk in common.
func (p *Problem) ownNodes() bool {
	seen := make([]bool, p.Risks)
	for _, risks := range p.Through {
		for _, r := range risks {
			if seen[r] {
				return false
			}
			seen[r] = true
		}
	}
	return true
}

// cutter looks for a set of risks that hits all sets of k paths: it takes one
// that is not hit so far, and tries each of its risks.
//
// To hit a risk is to close what cannot be used without it. A path that goes
// through another node of its end's site has that node's risks without it; but
// what is left of the path from there is a path, and is hit too.
type cutter struct {
	*Problem // for k paths
	halt     *Halt
	down     []int16 // of every entry: how many risks or failures close it
	cut      []int32
	covers   map[int32][]int32 // entries that every risk closes, sorted
}

func (p *Problem) cutter(k int, h *Halt, down []int16) *cutter {
	q := *p
	q.K = k
	if k == 1 {
		q.Spread = Never
	}
	c := &cutter{
		Problem: q.Closing(func(int) bool { return false }),
		halt:    h.Allow(cutWork), down: make([]int16, len(p.OnEntry)), covers: map[int32][]int32{},
	}
	copy(c.down, down)
	return c
}

func (c *cutter) some() []Path { return c.Any(c.halt, c.down) }

// least looks for at most most risks, as few as possible.
func (c *cutter) least(most int) []int32 {
	for size := 1; size <= most; size++ {
		if c.hit(size) {
			return c.cut
		}
	}
	return nil
}

// blocks reports whether it is proven that no paths are left without risks.
func (c *cutter) blocks(risks []int32) bool {
	for _, r := range risks {
		c.close(r, 1)
	}
	return c.some() == nil && !c.halt.Stopped()
}

func (c *cutter) hit(size int) bool {
	set := c.some()
	if set == nil {
		return !c.halt.Stopped()
	}
	if len(c.cut) == size {
		return false
	}
	for _, r := range c.candidates(set) {
		c.close(r, 1)
		c.cut = append(c.cut, r)
		if c.hit(size) {
			return true
		}
		c.cut = c.cut[:len(c.cut)-1]
		c.close(r, -1)
	}
	return false
}

func (c *cutter) close(r int32, by int16) {
	if c.covers[r] == nil {
		c.covers[r] = c.Closes(r)
	}
	for _, e := range c.covers[r] {
		c.down[e] += by
	}
}

// candidates lists the risks of a set, those that close most first, without
// those that close nothing that another does not close too.
func (c *cutter) candidates(set []Path) []int32 {
	var risks []int32
	for _, q := range set {
		risks = append(risks, c.risksOf(q)...)
	}
	slices.Sort(risks)
	risks = slices.Compact(risks)
	for _, r := range risks {
		if c.covers[r] == nil {
			c.covers[r] = c.Closes(r)
		}
	}
	slices.SortStableFunc(risks, func(a, b int32) int { return cmp.Compare(len(c.covers[b]), len(c.covers[a])) })
	var widest []int32
	for _, r := range risks {
		if !slices.ContainsFunc(widest, func(w int32) bool { return within(c.covers[r], c.covers[w]) }) {
			widest = append(widest, r)
		}
	}
	return widest
}

// Closes lists the entries that no path can use without risk r, in order.
func (p *Problem) Closes(r int32) (entries []int32) {
	has := func(n int32) bool {
		if p.Source[n] || p.Target[n] {
			return slices.Contains(p.AtEnd[n], r)
		}
		return slices.Contains(p.Through[n], r)
	}
	for e := range p.OnEntry {
		if link := p.Links[2*e]; slices.Contains(p.OnEntry[e], r) || has(link.From) || has(link.To) {
			entries = append(entries, int32(e))
		}
	}
	return entries
}

// within reports whether all of a is in b; both are sorted.
func within(a, b []int32) bool {
	for _, x := range a {
		if _, ok := slices.BinarySearch(b, x); !ok {
			return false
		}
	}
	return true
}
