package problem

import (
	"cmp"
	"slices"
	"sort"

	"github.com/keiro-net/keiro/pathspec/solve/disjoint"
)

// Cheapest returns the cheapest set and its cost; nil where there is none. Where
// h stopped, neither is proven.
func (p *Problem) Cheapest(h *disjoint.Halt) ([]disjoint.Path, int64) {
	if p.level != nil {
		return p.levelled(h)
	}
	set := p.Best(h)
	return set, p.Total(set)
}

// levelled finds the least utilisation that the set needs, and at that the
// set with the fewest hops.
func (p *Problem) levelled(h *disjoint.Halt) ([]disjoint.Path, int64) {
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
func (p *Problem) below(level int64) *disjoint.Problem {
	return p.Closing(func(l int) bool { return p.level[l] > level })
}

// highest is the utilisation of the fullest link of a set.
func (p *Problem) highest(set []disjoint.Path) (level int64) {
	for _, q := range set {
		for _, l := range q {
			level = max(level, p.level[l])
		}
	}
	return level
}

// Order sorts the paths by cost, then hops, then the names of their links.
func (p *Problem) Order(set []disjoint.Path) {
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

// CostOfSet is the cost of a set: of all its paths, or of its fullest link
// where the objective is balance.
func (p *Problem) CostOfSet(set []disjoint.Path) int64 {
	if p.level != nil {
		return p.highest(set)
	}
	return p.Total(set)
}

// Balances reports whether a cost is a utilisation, and not a sum.
func (p *Problem) Balances() bool { return p.level != nil }

// Dear reports whether costs may be too great to be multiplied.
func (p *Problem) Dear(by int64) bool {
	var sum int64
	for l := range p.Cost {
		if !p.Closed[l] {
			sum += p.Cost[l] / by
		}
	}
	return sum >= disjoint.Never/by/16
}

// soleWork bounds the search for the proof.
const soleWork = 200_000

// Sole reports whether no set but the cheapest one is as cheap, as far as that
// is proven. It makes the links of the set a little dearer: then any other set
// of the same cost is cheaper. The problem is used up.
func (p *Problem) Sole(set []disjoint.Path, cost int64, halt *disjoint.Halt) bool {
	links := slices.Concat(set...)
	scale := int64(len(links) + 1)
	own := make([]int64, len(p.Cost))
	for _, l := range links {
		own[l] = 1
	}
	p.Reprice(func(l int) int64 { return p.Cost[l]*scale + own[l] })
	if p.Dear(scale) {
		return false
	}
	p.MaxCost = disjoint.Never
	p.Prepare()
	h := halt.Allow(soleWork)
	best := p.Best(h)
	return !h.Stopped() && p.Total(best) == cost*scale+int64(len(links))
}
