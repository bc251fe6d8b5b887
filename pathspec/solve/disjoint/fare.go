package disjoint

import (
	"cmp"
	"math/bits"
	"slices"

	"github.com/keiro-net/keiro/pathspec/solve/flow"
)

// fare finds the cheapest path where every risk has a price that a path pays
// once, however many of its arcs have the risk. A label of the search remembers
// which of the prices it has paid that it may meet again.
//
// The nodes are in two halves, those nearer to an entrance and those nearer to
// an exit. A first search goes from the exits and counts what is to be paid in
// their half; it guides the second one, from the entrances.
type fare struct {
	*space
	scale  int64
	near   []bool // of every node: it is nearer to an exit
	price  []int64
	priced []int32 // risks

	weight []int64     // of every arc: scaled cost, and prices that are not met again
	bit    [][2]uint64 // of every arc: prices that may be; those of the exits' half second
	mark   [][2]uint64 // of every risk: its bit
	part   [2][64]int64
	used   [2]int
	early  uint64 // bits of prices that are met in the entrances' half only

	late uint64 // bits of prices of the exits' half

	away   []int64 // of every node: what it costs at the least to get there from an exit
	plain  []int64 // of every node: least weight from an entrance
	again  []again // by what
	half   labels  // of the search from the exits
	labels labels
	queue  flow.Queue
	work   int
}

// again says how a path meets risks once more before a place: with a way to
// node v that costs d, it does only where by + away[v] + d is below the limit.
type again struct {
	by   int64
	bits uint64 // of this risk and all after it
}

// ticket is a label: a way to or from a node, what it costs and what it has paid for.
type ticket struct {
	cost         int64
	paid         [2]uint64 // from the exits: first what was paid, second what is not to be paid any more
	delay        int64
	hops         int32
	node, via    int32
	before, next int32 // label before on the way; next label of the node
}

func newFare(t *tree, scale int64) *fare {
	s := t.space
	nodes := len(s.original)
	f := &fare{
		space: s, scale: scale, near: make([]bool, nodes), price: make([]int64, len(s.risk)),
		weight: make([]int64, len(s.link)), bit: make([][2]uint64, len(s.link)), mark: make([][2]uint64, len(s.risk)), plain: make([]int64, nodes),
		half: labels{at: make([]int32, nodes)}, labels: labels{at: make([]int32, nodes)},
	}
	behind, ahead := make([]int64, nodes), make([]int64, nodes)
	length := func(a int32) int64 { return s.cost[a] }
	f.work += s.distances(behind, &f.queue, false, length) + s.distances(ahead, &f.queue, true, length)
	far := int64(0)
	for v := range f.near {
		if f.near[v] = ahead[v] < behind[v]; f.near[v] && ahead[v] < Never {
			far = max(far, ahead[v])
		}
	}
	f.away = make([]int64, nodes)
	dist := make([]int64, len(t.Source))
	t.finder.Distances(dist, ends(t.Target), t.Cost, nil, false, far)
	for v, n := range s.original {
		f.away[v] = min(dist[n], far) * scale
	}
	return f
}

// set changes the prices to those of the given risks. Prices for which there
// is no room become 0. paid is their sum.
func (f *fare) set(risks []int32, price []int64) (paid int64) {
	for _, r := range f.priced {
		f.price[r], f.mark[r] = 0, [2]uint64{}
	}
	f.priced = f.priced[:0]
	for a := range f.weight {
		f.weight[a], f.bit[a] = f.cost[a]*f.scale, [2]uint64{}
	}
	f.used, f.early, f.late = [2]int{}, 0, 0
	for _, r := range risks {
		if p := price[r]; p > 0 && f.charge(r, p) {
			f.price[r] = p
			f.priced = append(f.priced, r)
			paid += p
		}
	}
	return paid
}

func (f *fare) charge(r int32, p int64) bool {
	arcs := f.ofRisk.at(r)
	if f.once[r] {
		for _, a := range arcs {
			f.weight[a] += p
		}
		return true
	}
	ends, starts := true, true // all its arcs are in that half
	for _, a := range arcs {
		ends = ends && f.near[f.from[a]] && f.near[f.to[a]]
		starts = starts && !f.near[f.from[a]] && !f.near[f.to[a]]
	}
	side := 0
	if ends {
		side = 1
	}
	if f.used[side] == 64 {
		return false
	}
	bit := uint64(1) << f.used[side]
	f.part[side][f.used[side]] = p
	f.used[side]++
	f.mark[r][side] = bit
	for _, a := range arcs {
		f.bit[a][side] |= bit
	}
	if starts {
		f.early |= bit
	}
	if ends {
		f.late |= bit
	}
	return true
}

// sum adds up prices.
func (f *fare) sum(side int, set uint64) (total int64) {
	for ; set != 0; set &= set - 1 {
		total += f.part[side][bits.TrailingZeros64(set)]
	}
	return total
}

// cheapest returns the cheapest path that costs less than limit, and what no
// path costs less than: limit where there is none.
func (f *fare) cheapest(limit int64, t *tree, bounded bool) (path []int32, least int64, ok bool) {
	if !f.begin(limit) {
		return nil, 0, false
	}
	s := &f.labels
	for _, v := range f.entrance {
		f.place(ticket{node: v, via: -1, before: -1}, limit, t, bounded)
	}
	for len(f.queue) > 0 {
		e := f.queue.Pop()
		w := s.all[e.Vertex]
		if f.work++; f.work&1023 == 0 && t.halt.now() || len(s.all) > labelsMost {
			return nil, 0, false
		}
		if f.exit[w.node] {
			return s.path(e.Vertex), w.cost, true
		}
		for a := f.first[w.node]; a < f.first[w.node+1]; a++ {
			f.place(f.onward(&w, a, e.Vertex), limit, t, bounded)
		}
	}
	return nil, limit, true
}

// all returns the paths that cost less than limit, in order of their cost;
// false where there are too many. It may return some that cost more.
func (f *fare) all(limit int64, t *tree) (paths [][]int32, ok bool) {
	if !f.begin(limit) {
		return nil, false
	}
	s := &f.labels
	place := func(w ticket) {
		for n := w.before; n >= 0; n = s.all[n].before {
			if s.all[n].node == w.node {
				return
			}
		}
		if left := f.left(&w); left < Never && w.cost+left < limit && f.bounds(&w, t) {
			f.queue.Push(flow.Entry{Dist: w.cost + left, Vertex: int32(len(s.all))})
			s.all = append(s.all, w)
		}
	}
	for _, v := range f.entrance {
		place(ticket{node: v, via: -1, before: -1})
	}
	for len(f.queue) > 0 {
		e := f.queue.Pop()
		w := s.all[e.Vertex]
		if f.work++; f.work&1023 == 0 && t.halt.now() || len(s.all) > 40*pathsMost || len(paths) > pathsMost {
			return nil, false
		}
		if f.exit[w.node] {
			paths = append(paths, s.path(e.Vertex))
			continue
		}
		for a := f.first[w.node]; a < f.first[w.node+1]; a++ {
			place(f.onward(&w, a, e.Vertex))
		}
	}
	return paths, true
}

// begin makes the guide of a search for paths that cost less than limit.
func (f *fare) begin(limit int64) bool {
	f.work += f.distances(f.plain, &f.queue, false, func(a int32) int64 { return f.weight[a] })
	f.remember()
	ok := f.spread(limit)
	f.labels.clear()
	f.queue = f.queue[:0]
	return ok
}

// onward goes over an arc.
func (f *fare) onward(w *ticket, a, number int32) ticket {
	n := ticket{
		cost: w.cost + f.weight[a] + f.sum(0, f.bit[a][0]&^w.paid[0]) + f.sum(1, f.bit[a][1]&^w.paid[1]),
		paid: [2]uint64{w.paid[0] | f.bit[a][0], w.paid[1] | f.bit[a][1]}, delay: w.delay + f.delay[a], hops: w.hops + 1,
		node: f.to[a], via: a, before: number,
	}
	if f.near[n.node] { // who comes back pays nothing: too little is still a bound
		n.paid[0] |= f.early
	}
	return n
}

// bounds reports whether a label may lead to a path within the bounds.
func (f *fare) bounds(w *ticket, t *tree) bool {
	return (f.toDelay == nil || w.delay+f.toDelay[w.node] <= t.MaxDelay) && (f.toHops == nil || int64(w.hops)+f.toHops[w.node] <= t.MaxHops)
}

// left is the least that a label still costs.
func (f *fare) left(w *ticket) int64 {
	left := Never
	for i := f.half.at[w.node]; i >= 0; i = f.half.all[i].next {
		o := &f.half.all[i]
		left = min(left, o.cost-f.sum(1, w.paid[1]&o.paid[0]))
	}
	return left
}

// place keeps a label that may lead to the cheapest path.
func (f *fare) place(w ticket, limit int64, t *tree, bounded bool) {
	if bounded && !f.bounds(&w, t) {
		return
	}
	s := &f.labels
	for i := s.at[w.node]; i >= 0; i = s.all[i].next {
		o := &s.all[i]
		if o.cost <= w.cost && (!bounded || o.delay <= w.delay && o.hops <= w.hops) &&
			o.cost+f.sum(0, w.paid[0]&^o.paid[0])+f.sum(1, w.paid[1]&^o.paid[1]) <= w.cost {
			return
		}
	}
	if left := f.left(&w); left < Never && w.cost+left < limit {
		f.queue.Push(flow.Entry{Dist: w.cost + left, Vertex: s.add(w)})
	}
}

// remember finds out where the prices of the exits' half are met again.
func (f *fare) remember() {
	f.again = f.again[:0]
	for _, r := range f.priced {
		if f.mark[r][1] == 0 {
			continue
		}
		by := Never
		for _, a := range f.ofRisk.at(r) {
			by = min(by, f.plain[f.from[a]]+f.weight[a]-f.away[f.to[a]])
		}
		f.again = append(f.again, again{by, f.mark[r][1]})
	}
	slices.SortFunc(f.again, func(a, b again) int { return cmp.Compare(a.by, b.by) })
	for i := len(f.again) - 2; i >= 0; i-- {
		f.again[i].bits |= f.again[i+1].bits
	}
}

// gone are the bits of prices that a way to a node does not meet again.
func (f *fare) gone(v int32, cost, limit int64) uint64 {
	for i := range f.again {
		if f.again[i].by+f.away[v]+cost >= limit {
			return f.again[i].bits
		}
	}
	return 0
}

// spread finds the ways from all nodes to the exits of which one may be the
// end of a path that costs less than limit. They pay what is to be paid in the
// exits' half and what is not met again.
func (f *fare) spread(limit int64) bool {
	s := &f.half
	s.clear()
	f.queue = f.queue[:0]
	place := func(w ticket) {
		if w.cost+f.plain[w.node] >= limit {
			return
		}
		for i := s.at[w.node]; i >= 0; i = s.all[i].next {
			if o := &s.all[i]; o.cost <= w.cost && o.cost+f.sum(1, w.paid[1]&^o.paid[1]) <= w.cost {
				return
			}
		}
		f.queue.Push(flow.Entry{Dist: w.cost + f.plain[w.node], Vertex: s.add(w)})
	}
	for v, exit := range f.exit {
		if exit {
			place(ticket{node: int32(v), via: -1, before: -1})
		}
	}
	for len(f.queue) > 0 {
		e := f.queue.Pop()
		w := s.all[e.Vertex]
		if f.work++; len(s.all) > labelsMost {
			return false
		}
		for _, a := range f.into.at(w.node) {
			n := ticket{cost: w.cost + f.weight[a] + f.sum(1, f.bit[a][1]&^w.paid[1]), node: f.from[a], via: a, before: e.Vertex}
			n.paid[0] = w.paid[0] | f.bit[a][1]
			n.paid[1] = w.paid[1] | f.bit[a][1] | f.gone(n.node, n.cost, limit)
			if !f.near[n.node] {
				n.paid = [2]uint64{f.late, f.late} // as above
			}
			place(n)
		}
	}
	return true
}

// labels are tickets by node.
type labels struct {
	all []ticket
	at  []int32 // of every node: its last; -1: none
}

func (s *labels) clear() {
	s.all = s.all[:0]
	for v := range s.at {
		s.at[v] = -1
	}
}

func (s *labels) add(w ticket) (number int32) {
	number = int32(len(s.all))
	w.next = s.at[w.node]
	s.at[w.node] = number
	s.all = append(s.all, w)
	return number
}

// path lists the arcs that lead to a label.
func (s *labels) path(number int32) (arcs []int32) {
	for w := &s.all[number]; w.before >= 0; w = &s.all[w.before] {
		arcs = append(arcs, w.via)
	}
	slices.Reverse(arcs)
	return arcs
}
