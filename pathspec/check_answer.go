package pathspec

import (
	"cmp"
	"math"
	"math/bits"
	"slices"

	"github.com/keiro-net/keiro/topology"
)

// answer checks the answer of one intent and reserves its bandwidth.
func (c *checker) answer(in *Intent, a *Answer) {
	if a.Status != Satisfied {
		c.refusal(in, a)
		return
	}
	if a.Why != nil {
		c.fail(in.Name, -1, RuleStatus, "satisfied, yet says why not")
	}
	if len(a.Paths) != in.Require.Multiplicity {
		c.fail(in.Name, -1, RuleMultiplicity, "%d paths, not %d", len(a.Paths), in.Require.Multiplicity)
		return
	}
	walks := make([]walk, len(a.Paths))
	for i := range a.Paths {
		var ok bool
		if walks[i], ok = c.walk(in, i, &a.Paths[i]); !ok {
			return // what follows is about paths that exist
		}
	}
	for i, w := range walks {
		c.require(in, i, w)
		c.stated(in, i, w, &a.Paths[i])
	}
	c.disjoint(in, walks)
	c.separation(in, walks)
	c.spread(in, walks)
	c.reserve(in, walks)
	c.cost(in, walks, a)
	c.margin(in, walks, a)
}

func (c *checker) refusal(in *Intent, a *Answer) {
	switch a.Status {
	case Undecided:
		c.fail(in.Name, -1, RuleUndecided, "the answer is `unknown`")
	case Infeasible:
		c.fail(in.Name, -1, RuleUnproven, "the answer is `infeasible`, which is a claim about all paths")
	default:
		c.fail(in.Name, -1, RuleStatus, "%q is no status", a.Status)
	}
	if a.Why == nil {
		c.fail(in.Name, -1, RuleStatus, "%s, but does not say why", a.Status)
	}
	if len(a.Paths) > 0 || a.Optimal || a.Cost != 0 || a.Bound != 0 || a.Margin != nil || a.Reserve != nil {
		c.fail(in.Name, -1, RuleStatus, "%s, yet gives paths, a cost, a margin or a reserve", a.Status)
	}
}

// stated checks what the answer says of path i.
func (c *checker) stated(in *Intent, i int, w walk, p *Path) {
	if delay, _, ok := c.delay(w); ok != (p.DelayUS != nil) || ok && int64(delay) != *p.DelayUS {
		c.fail(in.Name, i, RuleStated, "delay_us is not that of the links")
	}
	if m := c.metric(w); m != p.Metric {
		c.fail(in.Name, i, RuleStated, "metric is %d, not %d", m, p.Metric)
	}
	if p.BandwidthBPS != int64(in.Require.Bandwidth) {
		c.fail(in.Name, i, RuleStated, "bandwidth_bps is %d, not %d", p.BandwidthBPS, int64(in.Require.Bandwidth))
	}
}

// reserve books the bandwidth of every path on both directions of its links.
func (c *checker) reserve(in *Intent, walks []walk) {
	b := in.Require.Bandwidth
	if b == 0 {
		return
	}
	for i, w := range walks {
		for _, l := range w.links {
			for _, d := range []int{l, l ^ 1} {
				capacity, ok := c.t.Links[d].Capacity.Get()
				switch {
				case !ok:
					c.lacks(true, in.Name, i, RuleBandwidth, "the capacity of %s is unknown", c.direction(d))
				case b > capacity-c.reserved[d]:
					c.fail(in.Name, i, RuleBandwidth, "%s has %s left of %s, not %s", c.direction(d), capacity-c.reserved[d], capacity, b)
				default:
					c.reserved[d] += b
				}
			}
		}
	}
}

// cost recomputes the cost of the set and the order of its paths.
func (c *checker) cost(in *Intent, walks []walk, a *Answer) {
	costs := make([]int64, len(walks))
	var total int64
	for i, w := range walks {
		var ok bool
		if costs[i], ok = c.costOf(in, w); !ok {
			c.fail(in.Name, i, RuleObjective, "a link of it has no value for the objective %s", in.Objective)
			return
		}
		if in.Objective == Balance {
			total = max(total, costs[i])
		} else {
			total += costs[i]
		}
	}
	if a.Bound != 0 && (a.Optimal || a.Bound > a.Cost) {
		c.fail(in.Name, -1, RuleCost, "a bound of %d does not go with the cost %d", a.Bound, a.Cost)
	}
	if total != a.Cost {
		c.fail(in.Name, -1, RuleCost, "the cost is %d, not %d", total, a.Cost)
	}
	for i := 1; i < len(walks); i++ {
		p, q := a.Paths[i-1], a.Paths[i]
		if cmp.Or(cmp.Compare(costs[i-1], costs[i]), cmp.Compare(len(p.Links), len(q.Links)), slices.Compare(p.Links, q.Links)) > 0 {
			c.fail(in.Name, i, RuleOrder, "belongs before the path before it: cost, then hops, then names of links")
		}
	}
}

// costOf is the cost of one path; for Balance the highest utilisation of its
// links in ppm, with all that is reserved on them by now. False: unknown.
func (c *checker) costOf(in *Intent, w walk) (cost int64, ok bool) {
	switch in.Objective {
	case MinDelay:
		delay, _, ok := c.delay(w)
		return int64(delay), ok
	case MinMetric:
		return c.metric(w), true
	case MinHops:
		return int64(len(w.links)), true
	}
	for _, l := range w.links {
		for _, d := range []int{l, l ^ 1} {
			capacity, known := c.t.Links[d].Capacity.Get()
			if !known || capacity <= 0 {
				return 0, false
			}
			cost = max(cost, ppm(c.reserved[d], capacity))
		}
	}
	return cost, true
}

// ppm is a/b in parts per million, rounded down.
func ppm(a, b topology.Bandwidth) int64 {
	hi, lo := bits.Mul64(uint64(a), 1e6)
	if hi >= uint64(b) {
		return math.MaxInt64
	}
	q, _ := bits.Div64(hi, lo, uint64(b))
	return int64(q)
}
