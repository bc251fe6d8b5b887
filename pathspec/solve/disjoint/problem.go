// Package disjoint finds the cheapest set of k paths of which no two have a
// risk in common. It is pure, and knows nodes, links and risks as numbers only:
// what they are called, and why a link is closed, is the business of
// pathspec/solve/problem, which states problems in these numbers; the other
// rooms of pathspec/solve read and vary them. A flow answers what it can; what
// is left is searched in corridors of the network (auction, ownership), or,
// where paths must not differ in delay, depth first. It never guesses: an
// answer is optimal, or proven not to exist, or the caller's Halt has stopped.
package disjoint

import (
	"cmp"
	"slices"

	"github.com/keiro-net/keiro/pathspec/solve/disjoint/corridor"
	"github.com/keiro-net/keiro/pathspec/solve/disjoint/halt"
	"github.com/keiro-net/keiro/pathspec/solve/flow"
)

// Problem is the question. The fields are set by the caller; Prepare derives
// the rest.
//
// Links come in pairs: l and l^1 are the two directions of entry l/2. Every
// entry carries a risk of its own, so that no two paths share it.
type Problem struct {
	K              int
	Links          []Link
	Finder         *flow.Finder // over Links, shared by all problems on one network; nil: Prepare makes one
	Source, Target []bool       // of every node; none is both
	Closed         []bool       // of every link
	Cost, Delay    []int64      // of every link, none negative

	MaxDelay int64 // of every path; Never: no bound
	Spread   int64 // of delay, between two paths; Never: no bound
	MaxHops  int64 // of every path; Never: no bound
	MaxCost  int64 // what follows of these for the cost of a path; Never: nothing

	Risks   int
	OnEntry [][]int32 // risks of every entry; the first is its own
	Through [][]int32 // risks of every node that a path passes through
	AtEnd   [][]int32 // risks of every node that a path starts or ends at: some of Through

	// Proven: no set costs less. Best sets it; Never where there is no set.
	Proven int64

	enter                   [][]int32 // risks of every node that a path has for certain when it comes there
	out                     [][]int32 // open links by their head, best first
	toCost, toDelay, toHops []int64   // least from every node to a target
	deep                    bool
	guided                  *Problem // see guide
	plain                   bool     // the flow answered the last Best
	over                    int64    // what that answer costs more than the flow; Never: not known
}

// Link leads from one node to another.
type Link = flow.Link

// Path is a sequence of links.
type Path = corridor.Path

// Halt ends a search.
type Halt = halt.Halt

// NewHalt asks stop now and then; nil never stops.
func NewHalt(stop func() bool) *Halt { return halt.New(stop) }

// Never is no bound: more than any path can reach.
const Never = flow.Never

// Best returns the cheapest set, or the best that was found until h stopped;
// nil where there is none, or none was found.
func (p *Problem) Best(h *Halt) []Path {
	p.plain, p.over = false, Never
	if p.Spread < Never {
		s := newSearch(p, h)
		set := s.run()
		p.Proven = 0
		switch {
		case h.Stopped():
		case set == nil:
			p.Proven = Never
		default:
			p.Proven = p.Total(set)
		}
		return set
	}
	w := newWidening(p, h, false)
	set := w.run(nil)
	p.Proven, p.plain = w.bound, w.plain && !h.Stopped()
	switch {
	case p.plain:
		p.over = 0
	case set != nil:
		p.over = p.Total(set) - w.ground
	}
	return set
}

// Any returns some set; nil where there is none, or h stopped before one was
// found. down says of every entry how many failures take it; nil is none.
func (p *Problem) Any(h *Halt, down []int16) []Path {
	g := p.guide()
	if g.Spread < Never {
		s := newSearch(g, h)
		s.any, s.down = true, down
		return s.run()
	}
	return newWidening(g, h, true).run(down)
}

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

// Prepare derives what follows from the risks and the links. It is to be
// called again after either has changed.
func (p *Problem) Prepare() {
	p.guided, p.deep = nil, false
	if p.Finder == nil {
		p.Finder = flow.NewFinder(flow.NewGraph(len(p.Source), p.Links))
	}
	p.enter = slices.Clone(p.Through)
	for n := range p.enter {
		if p.Source[n] || p.Target[n] {
			p.enter[n] = p.AtEnd[n]
		}
	}
}

// deepen derives what the depth-first search needs: the least distances, and
// the links in the order in which to try them.
func (p *Problem) deepen() {
	if p.deep {
		return
	}
	p.deep = true
	open := make([][]int32, len(p.Source)) // by head
	for l, link := range p.Links {
		if !p.Closed[l] {
			open[link.From] = append(open[link.From], int32(l))
		}
	}
	from, to := ends(p.Source), ends(p.Target)
	distances := func(of []int32, cost []int64, back bool) []int64 {
		dist := make([]int64, len(p.Source))
		p.Finder.Distances(dist, of, cost, p.Closed, back, Never-1)
		return dist
	}
	p.toCost = distances(to, p.Cost, true)
	p.toDelay = distances(to, p.Delay, true)
	fromDelay := distances(from, p.Delay, false)
	p.toHops = make([]int64, len(p.Source)) // 0: the least that a path without bound may take
	fromHops := p.toHops
	if p.MaxHops < Never {
		p.toHops, fromHops = distances(to, nil, true), distances(from, nil, false)
	}
	p.Finder.Settled = 0 // not work of the search
	p.out = open
	via := func(l int32) int64 { return p.Cost[l] + p.toCost[p.Links[l].To] }
	for n := range p.out {
		p.out[n] = slices.DeleteFunc(p.out[n], func(l int32) bool {
			to := p.Links[l].To
			return via(l) >= Never || fromDelay[n]+p.Delay[l]+p.toDelay[to] > p.MaxDelay || fromHops[n]+1+p.toHops[to] > p.MaxHops
		})
		slices.SortStableFunc(p.out[n], func(a, b int32) int { return cmp.Compare(via(a), via(b)) })
	}
}
