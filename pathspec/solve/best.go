package solve

import (
	"cmp"
	"slices"
	"sort"

	"github.com/keiro-net/keiro/pathspec/solve/disjoint"
)

// best returns the cheapest set and its cost; nil where there is none. Where
// h stopped, neither is proven.
func (p *problem) best(h *disjoint.Halt) ([]disjoint.Path, int64) {
	if p.level != nil {
		return p.levelled(h)
	}
	set := p.Best(h)
	return set, p.Total(set)
}

// levelled finds the least utilisation that the set needs, and at that the
// set with the fewest hops.
func (p *problem) levelled(h *disjoint.Halt) ([]disjoint.Path, int64) {
	var levels []int64
	for l := range p.level {
		if !p.Closed[l] {
			levels = append(levels, p.level[l])
		}
	}
	slices.Sort(levels)
	levels = slices.Compact(levels)
	set := p.Any(h, nil)
	if set == nil {
		return nil, 0
	}
	i := sort.Search(len(levels), func(i int) bool {
		if levels[i] >= p.highest(set) {
			return true
		}
		lower := p.below(levels[i]).Any(h, nil)
		if lower != nil {
			set = lower
		}
		return lower != nil
	})
	if !h.Stopped() {
		if best := p.below(levels[i]).Best(h); best != nil {
			set = best
		}
	}
	return set, p.highest(set)
}

// below is the same problem without links above a utilisation.
func (p *problem) below(level int64) *disjoint.Problem {
	return p.Closing(func(l int) bool { return p.level[l] > level })
}

// highest is the utilisation of the fullest link of a set.
func (p *problem) highest(set []disjoint.Path) (level int64) {
	for _, q := range set {
		for _, l := range q {
			level = max(level, p.level[l])
		}
	}
	return level
}

// order sorts the paths by cost, then hops, then the names of their links.
func (p *problem) order(set []disjoint.Path) {
	cost := p.CostOf
	if p.level != nil {
		cost = func(q disjoint.Path) int64 { return p.highest([]disjoint.Path{q}) }
	}
	slices.SortFunc(set, func(a, b disjoint.Path) int {
		return cmp.Or(cmp.Compare(cost(a), cost(b)), cmp.Compare(len(a), len(b)), slices.CompareFunc(a, b, func(l, m int32) int {
			return cmp.Compare(p.t.Entries[p.t.Links[l].Entry].Name, p.t.Entries[p.t.Links[m].Entry].Name)
		}))
	})
}
