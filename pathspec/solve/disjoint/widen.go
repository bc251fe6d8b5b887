package disjoint

import (
	"slices"

	"github.com/keiro-net/keiro/pathspec/solve/disjoint/auction"
	"github.com/keiro-net/keiro/pathspec/solve/disjoint/corridor"
	"github.com/keiro-net/keiro/pathspec/solve/disjoint/ownership"
	"github.com/keiro-net/keiro/pathspec/solve/flow"
)

// widening searches wider and wider corridors.
//
// It starts with the flow: k cheapest paths that share no link, and no node that
// has a risk. Where they share another risk, the search goes on in the
// corridor of links that a set can have which costs little more, and widens it
// until a set is found or no link is left out.
//
// There the program over paths (auction) mostly finds the best set and the
// proof. What it leaves open is searched by who owns a risk (ownership).
type widening struct {
	*Problem
	halt   *Halt
	any    bool // the first set will do
	finder *flow.Finder

	best    corridor.Best
	relaxed []Path // the flow
	ground  int64  // cost of the flow; Never: there is none
	plain   bool   // the flow is the answer
	bound   int64  // no set costs less than that
}

func newWidening(p *Problem, h *Halt, any bool) *widening {
	return &widening{Problem: p, halt: h, any: any, finder: p.Finder}
}

// run returns the cheapest set; nil where there is none.
func (w *widening) run(down []int16) []Path {
	if w.halt.Now() {
		return nil
	}
	q, ok := w.query(down)
	if !ok {
		w.bound = Never
		return nil
	}
	least, ok := w.finder.Run(q)
	w.count()
	w.plain, w.ground = !ok, Never
	if !ok {
		w.bound = Never
		return nil
	}
	w.bound, w.ground = least, least
	w.relaxed = make([]Path, 0, w.K)
	for _, q := range w.finder.Paths() {
		w.relaxed = append(w.relaxed, slices.Clone(Path(q)))
	}
	if w.plain = w.holds(w.relaxed); w.plain {
		w.best.Set = w.relaxed
		return w.best.Set
	}
	w.widen(least)
	if !w.halt.Stopped() && !w.any {
		w.bound = Never
		if w.best.Set != nil {
			w.bound = w.Total(w.best.Set)
		}
	}
	return w.best.Set
}

// widen searches wider and wider corridors above the cost of the flow. A
// set that is found in one is the best, as the corridor has all that are as
// cheap.
func (w *widening) widen(least int64) {
	slack, growth := least/int64(16*w.K)+1, int64(4)
	if w.any {
		slack, growth = least/8+1, 8
	}
	for stage := 1; ; stage++ {
		c, more := w.corridor(least, slack)
		floor := w.search(c)
		beyond := Never
		if more {
			beyond = least + slack + 1
		}
		w.bound = max(w.bound, min(floor, beyond))
		if !more || w.halt.Stopped() || w.best.Set != nil && (w.any || w.Total(w.best.Set) <= least+slack) {
			return
		}
		w.bound = beyond
		if stage == 1 {
			c, _ := w.corridor(least, least/2+1)
			w.tree(c).Negotiate(least, w.any)
		}
		slack *= growth
		if w.best.Set != nil {
			slack = min(slack, w.Total(w.best.Set)-least)
		}
	}
}

// search searches one corridor. No set of it costs less than floor.
func (w *widening) search(c *corridor.Space) (floor int64) {
	if w.any {
		w.tree(c).Some()
		return 0
	}
	floor, open := auction.Run(c, w.K, &w.best, w.halt, w.dual(c), slices.Concat(w.best.Set, w.relaxed))
	if open {
		w.tree(c).Search()
	}
	return floor
}

func (w *widening) tree(c *corridor.Space) *ownership.Tree {
	return ownership.New(c, w.K, &w.best, w.halt, w.dual(c), w.bound)
}

// corridor is that of the sets that cost at most slack more than the flow;
// more: there are dearer ones.
func (w *widening) corridor(least, slack int64) (c *corridor.Space, more bool) {
	links, more := w.finder.Corridor(slack)
	w.count()
	w.best.Limit = Never
	if more {
		w.best.Limit = least + slack + 1
	}
	if w.best.Set != nil {
		w.best.Limit = min(w.best.Limit, w.Total(w.best.Set))
	}
	return corridor.New(&corridor.Network{
		Finder: w.finder, Links: w.Links, Source: w.Source, Target: w.Target, Cost: w.Cost, Delay: w.Delay,
		MaxDelay: w.MaxDelay, MaxHops: w.MaxHops, Risks: w.Risks, OnEntry: w.OnEntry, OnNode: w.enter,
	}, links), more
}

// dual is what risks cost by the prices of the flow. The price of a link or
// node is that of one of its risks that a path has once at the most.
func (w *widening) dual(c *corridor.Space) (prices []corridor.Price) {
	inherit := func(a int32, wanted []int32, price int64) {
		for _, r := range c.OfArc.At(a) {
			if c.Once[r] && slices.Contains(wanted, c.Risk[r]) {
				prices = append(prices, corridor.Price{Risk: r, Price: price})
				return
			}
		}
	}
	for a, l := range c.Link {
		if p := w.finder.LinkPrice(l); p > 0 {
			inherit(int32(a), w.OnEntry[l/2][:1], p)
		}
	}
	charged := make([]bool, len(c.Node))
	for a := range c.Link {
		for _, v := range [2]int32{c.From[a], c.To[a]} {
			n := c.Node[v]
			if p := w.finder.NodePrice(n); p > 0 && !charged[v] && (v == c.To[a] || w.Source[n]) {
				charged[v] = true
				inherit(int32(a), w.enter[n], p)
			}
		}
	}
	return prices
}

// count adds the work of the finder to that of the halt.
func (w *widening) count() {
	w.halt.Work(w.finder.Settled)
	w.finder.Settled = 0
	w.halt.Now()
}

// query states the relaxation; false where bounds leave no link.
func (w *widening) query(down []int16) (*flow.Query, bool) {
	q := &flow.Query{K: w.K, From: ends(w.Source), To: ends(w.Target), Cost: w.Cost, Shut: w.Closed, Narrow: w.narrow()}
	if down != nil {
		q.Shut = slices.Clone(q.Shut)
		for l := range q.Shut {
			q.Shut[l] = q.Shut[l] || down[l/2] > 0
		}
	}
	if len(q.From) == 0 || len(q.To) == 0 {
		return nil, false
	}
	if w.MaxDelay < Never {
		q.Shut = w.trim(q, w.Delay, w.MaxDelay)
	}
	if w.MaxHops < Never {
		q.Shut = w.trim(q, nil, w.MaxHops)
	}
	return q, true
}

// trim shuts the links that are on no path within a bound.
func (w *widening) trim(q *flow.Query, length []int64, limit int64) []bool {
	behind, ahead := make([]int64, len(w.Source)), make([]int64, len(w.Source))
	w.finder.Distances(behind, q.From, length, q.Shut, false, limit)
	w.finder.Distances(ahead, q.To, length, q.Shut, true, limit)
	shut := slices.Clone(q.Shut)
	for l, link := range w.Links {
		by := int64(1)
		if length != nil {
			by = length[l]
		}
		shut[l] = shut[l] || behind[link.From]+by+ahead[link.To] > limit
	}
	return shut
}
