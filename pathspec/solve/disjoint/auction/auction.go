// Package auction bounds from below what a set of paths in a corridor costs,
// and mostly finds the best one: by a linear program over the paths that
// matter, which proposes prices of risks, and the search for the cheapest path
// at these prices. The program computes in floating point and only proposes;
// bounds and costs are integers. pathspec/solve/disjoint calls it. It never
// guesses: what it cannot close within its limits of work, it leaves open.
package auction

import (
	"cmp"
	"math"
	"slices"

	"github.com/keiro-net/keiro/pathspec/solve/disjoint/corridor"
	"github.com/keiro-net/keiro/pathspec/solve/disjoint/halt"
)

// Never is no bound: more than any path can reach.
const Never = corridor.Never

// fareScale is the part of the unit of cost in which prices are counted here.
const fareScale = 64

// limits of the work on one bound.
const (
	bids     = 400
	packMost = 2_000_000
)

// auction moves the prices of risks, which a path pays once, until nothing is
// gained: K times the cheapest path, less all prices, bounds every set of the
// space from below.
type auction struct {
	*corridor.Space
	k      int
	found  *corridor.Best
	halt   *halt.Halt
	fare   *corridor.Fare
	master *master
	risks  []int32 // that ever had a price
	best   []int64 // prices of the best bound, of every risk
	wish   []int64
	bound  int64 // scaled
	least  int64 // scaled: the cheapest path at the best prices
	spent  bool  // the last bid came to no end
}

// Run bounds the sets of k paths in a corridor, and betters the best where it
// can; open: there may be better ones left. The sets known are the first that
// are looked at. No set of the corridor costs less than floor.
func Run(s *corridor.Space, k int, best *corridor.Best, h *halt.Halt, prices []corridor.Price, known []corridor.Path) (floor int64, open bool) {
	if len(s.Link) == 0 {
		return 0, false
	}
	top := best.Limit
	if top >= Never {
		top = 1
		for _, c := range s.Cost {
			top += c
		}
	}
	if top >= 1<<34 {
		return 0, true
	}
	b := newAuction(s, k, best, h)
	open = b.from(prices, known, top)
	b.count()
	if b.bound > math.MinInt64 {
		floor = (b.bound + fareScale - 1) / fareScale
	}
	return floor, open
}

func newAuction(s *corridor.Space, k int, best *corridor.Best, h *halt.Halt) *auction {
	n := len(s.Risk)
	return &auction{
		Space: s, k: k, found: best, halt: h, fare: corridor.NewFare(s, h, fareScale), master: newMaster(k),
		best: make([]int64, n), wish: make([]int64, n), bound: math.MinInt64,
	}
}

// from starts with the given prices and paths; false where nothing better is
// left.
func (b *auction) from(prices []corridor.Price, known []corridor.Path, top int64) (open bool) {
	for _, p := range prices {
		if b.best[p.Risk] += p.Price * fareScale; !slices.Contains(b.risks, p.Risk) {
			b.risks = append(b.risks, p.Risk)
		}
	}
	b.seed(known)
	if b.bid(b.best); b.bound == math.MinInt64 || b.halt.Stopped() {
		return true
	}
	gap := max(1, float64(top)-float64(b.bound)/fareScale)
	b.master.dear, b.master.fine = float64(top)/float64(b.k)+2*gap, gap/2
	return b.run(top) && b.rest(top)
}

// goal is the greatest bound that leaves a better set than top.
func (b *auction) goal(top int64) int64 { return (min(top, b.found.Limit) - 1) * fareScale }

// run bids until the bound meets the best set or the program over all paths
// has its optimum; false where nothing better is left.
func (b *auction) run(top int64) (open bool) {
	mixed := make([]int64, len(b.Risk))
	for range bids {
		if b.bound > b.goal(top) {
			return false
		}
		cost, prices, ok := b.master.optimum()
		if !ok || b.halt.Now() {
			return true
		}
		if set := b.master.whole(); set != nil {
			b.sell(set)
		}
		if cost*fareScale > float64(b.bound+fareScale/8) {
			b.wishes(prices)
			if b.approach(mixed) {
				continue
			}
			if b.spent || b.halt.Stopped() {
				return true
			}
		}
		if !b.master.short() || b.master.fine > 64*float64(top) { // the optimum
			return b.bound <= b.goal(top)
		}
		b.master.dear, b.master.fine = 2*b.master.dear, 4*b.master.fine
	}
	return true
}

// approach bids on the way to the wishes, and there if need be; false where
// that brings no new path.
func (b *auction) approach(mixed []int64) bool {
	defer b.count()
	for part := int64(4); part > 0; part /= 2 {
		for _, r := range b.risks {
			mixed[r] = ((10-part)*b.best[r] + part*b.wish[r]) / 10
		}
		if b.bid(mixed) {
			return true
		}
		if !b.spent {
			break
		}
	}
	return !b.halt.Stopped() && b.bid(b.wish)
}

func (b *auction) count() {
	b.halt.Work(b.fare.Work())
}

// wishes takes over the prices of the program.
func (b *auction) wishes(prices []float64) {
	for _, r := range b.risks {
		b.wish[r] = 0
	}
	for row := 1; row < len(prices); row++ {
		r := b.master.risks[row]
		b.wish[r] = int64(max(0, 0.5-prices[row]*fareScale))
		if !slices.Contains(b.risks, r) {
			b.risks = append(b.risks, r)
		}
	}
}

// seed takes known paths as the first columns, if the corridor has them.
func (b *auction) seed(known []corridor.Path) {
	arc := make(map[int32]int32, len(b.Link))
	for a, l := range b.Link {
		arc[l] = int32(a)
	}
	for _, q := range known {
		arcs := make([]int32, 0, len(q))
		for _, l := range q {
			if a, ok := arc[l]; ok {
				arcs = append(arcs, a)
			}
		}
		if len(arcs) == len(q) && b.Within(arcs) {
			b.master.add(b.columnOf(arcs))
		}
	}
}

// bid looks for the cheapest path at prices; false where that is no new one.
func (b *auction) bid(price []int64) (fresh bool) {
	paid := b.fare.Set(b.risks, price)
	limit := Never
	for i := range b.master.columns {
		limit = min(limit, b.fareOf(&b.master.columns[i]))
	}
	path, least, ok := b.fare.Cheapest(limit, false)
	if path != nil && !b.Within(path) {
		path, least, ok = b.fare.Cheapest(limit, true)
	}
	if b.spent = !ok; !ok {
		return false
	}
	if path != nil {
		fresh = b.master.add(b.columnOf(path))
	}
	bound := Never
	if least < Never {
		bound = least*int64(b.k) - paid
	}
	if bound > b.bound {
		b.bound, b.least = bound, least
		for _, r := range b.risks {
			b.best[r] = b.fare.Price[r]
		}
	}
	return fresh
}

// fareOf is what a path costs at the present prices.
func (b *auction) fareOf(c *column) int64 {
	fare := int64(c.cost) * fareScale
	for _, r := range c.risks {
		fare += b.fare.Price[r]
	}
	return fare
}

// sell keeps a set of paths.
func (b *auction) sell(set []*column) {
	for _, c := range set {
		if !b.Within(c.arcs) {
			return
		}
	}
	set = slices.Clone(set)
	slices.SortFunc(set, func(x, y *column) int { return cmp.Or(cmp.Compare(x.cost, y.cost), slices.Compare(x.arcs, y.arcs)) })
	paths := make([][]int32, len(set))
	for i, c := range set {
		paths[i] = c.arcs
	}
	b.found.Offer(b.Space, paths)
}

// rest looks through what the bound leaves: each path of a better set costs
// at most that much more than the cheapest path; false where all was seen.
func (b *auction) rest(top int64) (open bool) {
	b.fare.Set(b.risks, b.best)
	p := &packing{auction: b, used: make([]bool, len(b.Risk)), slack: b.goal(top) - b.bound}
	for i := range b.master.columns {
		p.take(b.master.columns[i])
	}
	if p.search(); p.work > packMost {
		return true
	}
	for part := int64(64); ; part = max(1, part/4) {
		p.slack = (b.goal(top) - b.bound) / part
		if p.slack < 0 {
			return false
		}
		paths, ok := b.fare.All(b.least + p.slack + 1)
		if !ok {
			return true
		}
		p.columns, p.extra = p.columns[:0], p.extra[:0]
		for _, path := range paths {
			p.take(b.columnOf(path))
		}
		found := p.search()
		if b.halt.Stopped() || p.work > packMost {
			return true
		}
		if found || part == 1 {
			return false
		}
	}
}

// packing looks for K paths that share no risk: how much such a set costs
// more than the bound is what its paths cost more than the cheapest, and the
// prices of the risks that it leaves.
type packing struct {
	*auction
	columns []column
	extra   []int64 // of every path: what it costs more than the cheapest
	used    []bool  // of every risk
	chosen  []*column
	slack   int64
	work    int // paths looked at
}

func (p *packing) take(c column) {
	if p.Within(c.arcs) {
		p.columns = append(p.columns, c)
		p.extra = append(p.extra, p.fareOf(&p.columns[len(p.columns)-1])-p.least)
	}
}

// search looks for a set that costs at most slack more than the bound.
func (p *packing) search() bool {
	order := make([]int32, 0, len(p.columns))
	for i, extra := range p.extra {
		if extra <= p.slack {
			order = append(order, int32(i))
		}
	}
	slices.SortStableFunc(order, func(i, j int32) int { return cmp.Compare(p.extra[i], p.extra[j]) })
	found := p.found.Limit
	p.pack(order, 0)
	return p.found.Limit < found
}

// pack adds a path of the given ones, which are in order of their extra cost.
func (p *packing) pack(from []int32, extra int64) {
	missing := int64(p.k - len(p.chosen))
	if missing == 0 {
		p.sell(p.chosen)
		p.slack = min(p.slack, p.goal(Never)-p.bound)
		return
	}
	try := from
	if r := p.needed(from, extra); r >= 0 {
		try = nil
		for _, i := range from {
			if _, ok := slices.BinarySearch(p.columns[i].risks, r); ok {
				try = append(try, i)
			}
		}
	}
	done := map[int32]bool{}
	for _, i := range try {
		if p.work > packMost || p.halt.Now() || extra+p.extra[i] > p.slack {
			return
		}
		done[i] = true
		c := &p.columns[i]
		for _, r := range c.risks {
			p.used[r] = true
		}
		var left []int32
		for _, j := range from {
			if extra+p.extra[i]+p.extra[j] > p.slack {
				break
			}
			if !done[j] && !slices.ContainsFunc(p.columns[j].risks, func(r int32) bool { return p.used[r] }) {
				left = append(left, j)
			}
		}
		p.work += len(from)
		p.halt.Work(len(from) / 8)
		if len(left) >= int(missing)-1 {
			p.chosen = append(p.chosen, c)
			p.pack(left, extra+p.extra[i])
			p.chosen = p.chosen[:len(p.chosen)-1]
		}
		for _, r := range c.risks {
			p.used[r] = false
		}
	}
}

// needed is a risk that a set must have, as it costs too much to leave it:
// the one that the fewest paths have. -1: there is none.
func (p *packing) needed(from []int32, extra int64) (needed int32) {
	needed = -1
	fewest := len(from)
	for _, r := range p.fare.Priced {
		if p.used[r] || extra+p.fare.Price[r] <= p.slack {
			continue
		}
		have := 0
		for _, i := range from {
			if _, ok := slices.BinarySearch(p.columns[i].risks, r); ok {
				have++
			}
		}
		if have < fewest {
			needed, fewest = r, have
		}
	}
	return needed
}

func (b *auction) columnOf(path []int32) column {
	c := column{arcs: path, cost: float64(b.CostOf(path))}
	for _, a := range path {
		c.risks = append(c.risks, b.OfArc.At(a)...)
	}
	slices.Sort(c.risks)
	c.risks = slices.Compact(c.risks)
	return c
}
