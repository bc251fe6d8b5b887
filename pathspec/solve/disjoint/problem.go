// Package disjoint finds the cheapest set of k paths of which no two have a
// risk in common. It is pure, and knows nodes, links and risks as numbers only:
// what they are called, and why a link is closed, is the business of
// pathspec/solve, its only caller. It never guesses: an answer is optimal, or
// proven not to exist, or the caller's Halt has stopped.
package disjoint

import (
	"cmp"
	"slices"
)

// Problem is the question. The fields are set by the caller; Prepare derives
// the rest.
//
// Links come in pairs: l and l^1 are the two directions of entry l/2. Every
// entry carries a risk of its own, so that no two paths share it.
type Problem struct {
	K              int
	Links          []Link
	Source, Target []bool  // of every node; none is both
	Closed         []bool  // of every link
	Cost, Delay    []int64 // of every link, none negative

	MaxDelay int64 // of every path; Never: no bound
	Spread   int64 // of delay, between two paths; Never: no bound
	MaxHops  int64 // of every path; Never: no bound
	MaxCost  int64 // what follows of these for the cost of a path; Never: nothing

	Risks   int
	OnEntry [][]int32 // risks of every entry; the first is its own
	Through [][]int32 // risks of every node that a path passes through
	AtEnd   [][]int32 // risks of every node that a path starts or ends at: some of Through

	enter                   [][]int32 // risks of every node that a path has for certain when it comes there
	out                     [][]int32 // open links by their head, best first
	toCost, toDelay, toHops []int64   // least from every node to a target
	flow                    *flow
	guided                  *Problem // see guide
}

// Link leads from one node to another.
type Link struct {
	From, To int32
}

// Path is a sequence of links.
type Path []int32

// Never is no bound: more than any path can reach.
const Never = int64(1) << 60

// Closing is the same problem with fewer links, prepared.
func (p *Problem) Closing(closed func(l int) bool) *Problem {
	q := *p
	q.Closed = slices.Clone(p.Closed)
	for l := range q.Closed {
		q.Closed[l] = q.Closed[l] || closed(l)
	}
	q.Prepare()
	return &q
}

// guide is the same problem with the cost that leads soonest to a set within
// the bounds; it serves where any set will do.
func (p *Problem) guide() *Problem {
	if p.guided == nil {
		q := *p
		switch {
		case p.MaxDelay < Never || p.Spread < Never:
			q.Cost, q.MaxCost = p.Delay, p.MaxDelay
			q.Prepare()
		case p.MaxHops < Never:
			q.Cost, q.MaxCost = slices.Repeat([]int64{1}, len(p.Cost)), p.MaxHops
			q.Prepare()
		}
		p.guided = &q
	}
	return p.guided
}

// Prepare derives what follows from the open links and their costs: the least
// distances, and the links in the order in which to try them.
func (p *Problem) Prepare() {
	p.guided = nil
	p.enter = slices.Clone(p.Through)
	for n := range p.enter {
		if p.Source[n] || p.Target[n] {
			p.enter[n] = p.AtEnd[n]
		}
	}
	open := make([][]int32, len(p.Source)) // by head
	into := make([][]int32, len(p.Source)) // by tail
	for l, link := range p.Links {
		if !p.Closed[l] {
			open[link.From] = append(open[link.From], int32(l))
			into[link.To] = append(into[link.To], int32(l))
		}
	}
	none := make([]int64, len(p.Source)) // the least that a path without bound may take
	p.toCost = p.distances(p.Target, into, p.Cost, true)
	p.toDelay, p.toHops = none, none
	fromDelay, fromHops := none, none
	if p.MaxDelay < Never || p.Spread < Never {
		p.toDelay = p.distances(p.Target, into, p.Delay, true)
		fromDelay = p.distances(p.Source, open, p.Delay, false)
	}
	if p.MaxHops < Never {
		hop := slices.Repeat([]int64{1}, len(p.Links))
		p.toHops = p.distances(p.Target, into, hop, true)
		fromHops = p.distances(p.Source, open, hop, false)
	}
	p.out = open
	via := func(l int32) int64 { return p.Cost[l] + p.toCost[p.Links[l].To] }
	for n := range p.out {
		p.out[n] = slices.DeleteFunc(p.out[n], func(l int32) bool {
			to := p.Links[l].To
			return via(l) >= Never || fromDelay[n]+p.Delay[l]+p.toDelay[to] > p.MaxDelay || fromHops[n]+1+p.toHops[to] > p.MaxHops
		})
		slices.SortStableFunc(p.out[n], func(a, b int32) int { return cmp.Compare(via(a), via(b)) })
	}
	p.flow = newFlow(p)
}

// distances is Dijkstra's algorithm from the marked nodes, against the links
// where back.
func (p *Problem) distances(from []bool, adjacent [][]int32, cost []int64, back bool) []int64 {
	dist := slices.Repeat([]int64{Never}, len(from))
	var q queue
	for n, ok := range from {
		if ok {
			dist[n] = 0
			q.push(0, int32(n))
		}
	}
	for len(q) > 0 {
		d, n := q.pop()
		if d > dist[n] {
			continue
		}
		for _, l := range adjacent[n] {
			next := p.Links[l].To
			if back {
				next = p.Links[l].From
			}
			if d+cost[l] < dist[next] {
				dist[next] = d + cost[l]
				q.push(dist[next], next)
			}
		}
	}
	return dist
}
