package solve

import (
	"cmp"
	"slices"
)

// maxOracles bounds the search for a separator, which is a short cut and an
// explanation, never needed for a proof.
const maxOracles = 5000

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
	for size := 1; size < s.k-1; size++ {
		c := s.cutter(s.k - size)
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
	cut     []int32
	covers  map[int32][]int32 // entries that every risk closes, sorted
	oracles int
}

func (s *search) cutter(k int) *cutter {
	p := *s.guided()
	p.k = k
	if k == 1 {
		p.spread = never
	}
	c := &cutter{search: newSearch(&p, s.halt), covers: map[int32][]int32{}}
	c.any, c.down = true, s.down
	return c
}

func (c *cutter) hit(size int) bool {
	if c.oracles++; c.oracles > maxOracles || c.halt.now() {
		return false
	}
	c.best, c.bound = nil, never
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
func (c *cutter) candidates(set []path) []int32 {
	var risks []int32
	for _, q := range set {
		risks = append(risks, c.risksOf(q)...)
	}
	slices.Sort(risks)
	risks = slices.Compact(risks)
	for _, r := range risks {
		if c.covers[r] == nil {
			c.covers[r] = c.closes(r)
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

// closes lists the entries that no path can use without risk r.
func (p *problem) closes(r int32) (entries []int32) {
	for e := range p.t.Entries {
		entry := &p.t.Entries[e]
		if slices.Contains(p.onEntry[e], r) || slices.Contains(p.enter[entry.A], r) || slices.Contains(p.enter[entry.B], r) {
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

// leastCut returns the links and nodes of a least cut, after the flow has
// found too few paths: fewer than were asked for.
func (f *flow) leastCut(p *problem) (cut []int32) {
	for e := 0; e < len(f.edges); e += 2 {
		from, to := f.edges[e+1].to, f.edges[e].to
		if f.room[e] > 0 || f.room[e+1] == 0 || !f.reached(from) || f.reached(to) {
			continue
		}
		item, risks := f.edges[e].item, []int32(nil)
		switch f.edges[e].kind {
		case linkEdge:
			risks = p.onEntry[p.t.Links[item].Entry]
		case nodeEdge:
			risks = p.atEnd[item]
		}
		if len(risks) > 0 {
			cut = append(cut, risks[0]) // its own name comes first
		}
	}
	return cut
}

func compareRisks(a, b risk) int {
	return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.name, b.name))
}
