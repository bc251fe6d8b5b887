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
// most, that is a proof. nil: none was found.
func (p *Problem) Cut(h *Halt) (risks []int32, without int) {
	if p.K < 2 {
		return nil, 0
	}
	s := newSearch(p, h)
	most := p.K - 1
	if _, ok := s.flow.paths(p.K, s.owner, nil); !ok {
		risks = s.flow.leastCut()
		most = len(risks) - 1
	}
	if fewer := s.separator(most); fewer != nil {
		risks = fewer
	}
	if len(risks) > 0 {
		return risks, 1
	}
	risks = s.bottleneck()
	return risks, p.K - len(risks)
}

// separator returns a least set of at most most risks such that every path
// has one of them; nil where none was found. As a risk is on one path at the
// most, a separator of fewer than k risks proves that there are no k paths.
func (s *search) separator(most int) []int32 {
	c := s.cutter(1)
	for size := 1; size <= most; size++ {
		if c.hit(size) {
			return c.cut
		}
	}
	return nil
}

// bottleneck returns a least set of risks of which every set of k paths, less
// one for each of the risks, has one; nil where none was found. That proves
// that there are no k paths, too.
func (s *search) bottleneck() []int32 {
	for size := 1; size < s.K-1; size++ {
		c := s.cutter(s.K - size)
		if c.run() != nil && c.hit(size) {
			return c.cut
		}
	}
	return nil
}

// cutter looks for a set of risks that hits all sets of k paths: it takes one
// that is not hit so far, and tries each of its risks.
type cutter struct {
	*search
	cut    []int32
	covers map[int32][]int32 // entries that every risk closes, sorted
}

func (s *search) cutter(k int) *cutter {
	p := *s.guide()
	p.K = k
	if k == 1 {
		p.Spread = Never
	}
	c := &cutter{search: newSearch(&p, s.halt.Allow(cutWork)), covers: map[int32][]int32{}}
	c.any, c.down = true, s.down
	return c
}

func (c *cutter) hit(size int) bool {
	c.best, c.bound = nil, Never
	set := c.run()
	if set == nil {
		return !c.halt.stopped
	}
	if len(c.cut) == size {
		return false
	}
	for _, r := range c.candidates(set) {
		c.owner[r] = nobody
		c.cut = append(c.cut, r)
		if c.hit(size) {
			return true
		}
		c.cut = c.cut[:len(c.cut)-1]
		c.owner[r] = 0
	}
	return false
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
	for e := range p.OnEntry {
		link := p.Links[2*e]
		if slices.Contains(p.OnEntry[e], r) || slices.Contains(p.enter[link.From], r) || slices.Contains(p.enter[link.To], r) {
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
