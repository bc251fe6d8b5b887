package solve

import (
	"cmp"
	"slices"
	"sort"
)

// best returns the cheapest set and its cost; nil where there is none. Where
// halt stopped it, neither is proven.
func (p *problem) best(h *halt) ([]path, int64) {
	if p.balance {
		return p.levelled(h)
	}
	set := newSearch(p, h).run()
	return set, p.total(set)
}

// feasible returns some set, or nil. Entries that are down are not used.
func (p *problem) feasible(h *halt, down []int16) []path {
	s := newSearch(p, h)
	s.any, s.down = true, down
	return s.run()
}

// levelled finds the least utilisation that the set needs, and at that the
// set with the fewest hops.
func (p *problem) levelled(h *halt) ([]path, int64) {
	var levels []int64
	for l := range p.level {
		if p.blocked[l] == 0 {
			levels = append(levels, p.level[l])
		}
	}
	slices.Sort(levels)
	levels = slices.Compact(levels)
	set := p.guided().feasible(h, nil)
	if set == nil {
		return nil, 0
	}
	i := sort.Search(len(levels), func(i int) bool {
		if levels[i] >= p.highest(set) {
			return true
		}
		lower := p.below(levels[i]).guided().feasible(h, nil)
		if lower != nil {
			set = lower
		}
		return lower != nil
	})
	if !h.stopped {
		if best := newSearch(p.below(levels[i]), h).run(); best != nil {
			set = best
		}
	}
	return set, p.highest(set)
}

// highest is the utilisation of the fullest link of a set.
func (p *problem) highest(set []path) (level int64) {
	for _, q := range set {
		for _, l := range q {
			level = max(level, p.level[l])
		}
	}
	return level
}

// order sorts the paths by cost, then hops, then the names of their links.
func (p *problem) order(set []path) {
	cost := p.costOf
	if p.balance {
		cost = func(q path) int64 { return p.highest([]path{q}) }
	}
	slices.SortFunc(set, func(a, b path) int {
		return cmp.Or(cmp.Compare(cost(a), cost(b)), cmp.Compare(len(a), len(b)), slices.CompareFunc(a, b, func(l, m int32) int {
			return cmp.Compare(p.t.Entries[p.t.Links[l].Entry].Name, p.t.Entries[p.t.Links[m].Entry].Name)
		}))
	})
}
