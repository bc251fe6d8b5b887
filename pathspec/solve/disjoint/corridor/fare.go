package corridor

import (
	"cmp"
	"math/bits"
	"slices"

	"github.com/keiro-net/keiro/pathspec/solve/disjoint/halt"
	"github.com/keiro-net/keiro/pathspec/solve/flow"
)

// Limits of the work of one search.
const (
	pathsMost  = 5_000
	labelsMost = 20_000
)

// Fare finds the cheapest path where every risk has a price that a path pays
// once, however many of its arcs have the risk. A label of the search remembers
// which of the prices it has paid that it may meet again.
//
// The nodes are in two halves, those nearer to an entrance and those nearer to
// an exit. A first search goes from the exits and counts what is to be paid in
// their half; it guides the second one, from the entrances.
type Fare struct {
	*Space
	halt   *halt.Halt
	scale  int64
	near   []bool  // of every node: it is nearer to an exit
	Price  []int64 // of every risk
	Priced []int32 // risks that have a price

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

// NewFare is for prices in the given part of the unit of cost.
func NewFare(s *Space, h *halt.Halt, scale int64) *Fare {
	nodes := len(s.Node)
	f := &Fare{
		Space: s, halt: h, scale: scale, near: make([]bool, nodes), Price: make([]int64, len(s.Risk)),
		weight: make([]int64, len(s.Link)), bit: make([][2]uint64, len(s.Link)), mark: make([][2]uint64, len(s.Risk)), plain: make([]int64, nodes),
		half: labels{at: make([]int32, nodes)}, labels: labels{at: make([]int32, nodes)},
	}
	behind, ahead := make([]int64, nodes), make([]int64, nodes)
	length := func(a int32) int64 { return s.Cost[a] }
	f.work += s.Distances(behind, &f.queue, false, length) + s.Distances(ahead, &f.queue, true, length)
	far := int64(0)
	for v := range f.near {
		if f.near[v] = ahead[v] < behind[v]; f.near[v] && ahead[v] < Never {
			far = max(far, ahead[v])
		}
	}
	f.away = make([]int64, nodes)
	dist := make([]int64, len(s.Of.Source))
	var targets []int32
	for v, ok := range s.Of.Target {
		if ok {
			targets = append(targets, int32(v))
		}
	}
	s.Of.Finder.Distances(dist, targets, s.Of.Cost, nil, false, far)
	for v, n := range s.Node {
		f.away[v] = min(dist[n], far) * scale
	}
	return f
}

// Set changes the prices to those of the given risks. Prices for which there
// is no room become 0. paid is their sum.
func (f *Fare) Set(risks []int32, price []int64) (paid int64) {
	for _, r := range f.Priced {
		f.Price[r], f.mark[r] = 0, [2]uint64{}
	}
	f.Priced = f.Priced[:0]
	for a := range f.weight {
		f.weight[a], f.bit[a] = f.Cost[a]*f.scale, [2]uint64{}
	}
	f.used, f.early, f.late = [2]int{}, 0, 0
	for _, r := range risks {
		if p := price[r]; p > 0 && f.charge(r, p) {
			f.Price[r] = p
			f.Priced = append(f.Priced, r)
			paid += p
		}
	}
	return paid
}

func (f *Fare) charge(r int32, p int64) bool {
	arcs := f.OfRisk.At(r)
	if f.Once[r] {
		for _, a := range arcs {
			f.weight[a] += p
		}
		return true
	}
	ends, starts := true, true // all its arcs are in that half
	for _, a := range arcs {
		ends = ends && f.near[f.From[a]] && f.near[f.To[a]]
		starts = starts && !f.near[f.From[a]] && !f.near[f.To[a]]
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
func (f *Fare) sum(side int, set uint64) (total int64) {
	for ; set != 0; set &= set - 1 {
		total += f.part[side][bits.TrailingZeros64(set)]
	}
	return total
}

// Cheapest returns the cheapest path that costs less than limit, and what no
// path costs less than: limit where there is none.
func (f *Fare) Cheapest(limit int64, bounded bool) (path []int32, least int64, ok bool) {
	if !f.begin(limit) {
		return nil, 0, false
	}
	s := &f.labels
	for _, v := range f.Entrance {
		f.place(ticket{node: v, via: -1, before: -1}, limit, bounded)
	}
	for len(f.queue) > 0 {
		e := f.queue.Pop()
		w := s.all[e.Vertex]
		if f.work++; f.work&1023 == 0 && f.halt.Now() || len(s.all) > labelsMost {
			return nil, 0, false
		}
		if f.Exit[w.node] {
			return s.path(e.Vertex), w.cost, true
		}
		for a := f.First[w.node]; a < f.First[w.node+1]; a++ {
			f.place(f.onward(&w, a, e.Vertex), limit, bounded)
		}
	}
	return nil, limit, true
}

// All returns the paths that cost less than limit, in order of their cost;
// false where there are too many. It may return some that cost more.
func (f *Fare) All(limit int64) (paths [][]int32, ok bool) {
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
		if left := f.left(&w); left < Never && w.cost+left < limit && f.bounds(&w) {
			f.queue.Push(flow.Entry{Dist: w.cost + left, Vertex: int32(len(s.all))})
			s.all = append(s.all, w)
		}
	}
	for _, v := range f.Entrance {
		place(ticket{node: v, via: -1, before: -1})
	}
	for len(f.queue) > 0 {
		e := f.queue.Pop()
		w := s.all[e.Vertex]
		if f.work++; f.work&1023 == 0 && f.halt.Now() || len(s.all) > 40*pathsMost || len(paths) > pathsMost {
			return nil, false
		}
		if f.Exit[w.node] {
			paths = append(paths, s.path(e.Vertex))
			continue
		}
		for a := f.First[w.node]; a < f.First[w.node+1]; a++ {
			place(f.onward(&w, a, e.Vertex))
		}
	}
	return paths, true
}

// begin makes the guide of a search for paths that cost less than limit.
func (f *Fare) begin(limit int64) bool {
	f.work += f.Distances(f.plain, &f.queue, false, func(a int32) int64 { return f.weight[a] })
	f.remember()
	ok := f.spread(limit)
	f.labels.clear()
	f.queue = f.queue[:0]
	return ok
}

// onward goes over an arc.
func (f *Fare) onward(w *ticket, a, number int32) ticket {
	n := ticket{
		cost: w.cost + f.weight[a] + f.sum(0, f.bit[a][0]&^w.paid[0]) + f.sum(1, f.bit[a][1]&^w.paid[1]),
		paid: [2]uint64{w.paid[0] | f.bit[a][0], w.paid[1] | f.bit[a][1]}, delay: w.delay + f.Delay[a], hops: w.hops + 1,
		node: f.To[a], via: a, before: number,
	}
	if f.near[n.node] { // who comes back pays nothing: too little is still a bound
		n.paid[0] |= f.early
	}
	return n
}

// bounds reports whether a label may lead to a path within the bounds.
func (f *Fare) bounds(w *ticket) bool {
	return (f.ToDelay == nil || w.delay+f.ToDelay[w.node] <= f.Of.MaxDelay) && (f.ToHops == nil || int64(w.hops)+f.ToHops[w.node] <= f.Of.MaxHops)
}

// left is the least that a label still costs.
func (f *Fare) left(w *ticket) int64 {
	left := Never
	for i := f.half.at[w.node]; i >= 0; i = f.half.all[i].next {
		o := &f.half.all[i]
		left = min(left, o.cost-f.sum(1, w.paid[1]&o.paid[0]))
	}
	return left
}

// place keeps a label that may lead to the cheapest path.
func (f *Fare) place(w ticket, limit int64, bounded bool) {
	if bounded && !f.bounds(&w) {
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
func (f *Fare) remember() {
	f.again = f.again[:0]
	for _, r := range f.Priced {
		if f.mark[r][1] == 0 {
			continue
		}
		by := Never
		for _, a := range f.OfRisk.At(r) {
			by = min(by, f.plain[f.From[a]]+f.weight[a]-f.away[f.To[a]])
		}
		f.again = append(f.again, again{by, f.mark[r][1]})
	}
	slices.SortFunc(f.again, func(a, b again) int { return cmp.Compare(a.by, b.by) })
	for i := len(f.again) - 2; i >= 0; i-- {
		f.again[i].bits |= f.again[i+1].bits
	}
}

// gone are the bits of prices that a way to a node does not meet again.
func (f *Fare) gone(v int32, cost, limit int64) uint64 {
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
func (f *Fare) spread(limit int64) bool {
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
	for v, exit := range f.Exit {
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
		for _, a := range f.Into.At(w.node) {
			n := ticket{cost: w.cost + f.weight[a] + f.sum(1, f.bit[a][1]&^w.paid[1]), node: f.From[a], via: a, before: e.Vertex}
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

// Work is how many nodes the searches settled since it was last asked.
func (f *Fare) Work() (settled int) {
	settled, f.work = f.work, 0
	return settled
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
