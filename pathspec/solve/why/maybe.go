package why

import (
	"slices"

	"github.com/keiro-net/keiro/pathspec/solve/disjoint"
	"github.com/keiro-net/keiro/pathspec/solve/problem"
)

// maybe is a problem with one link more, which takes no time and may lie
// anywhere: a way up from every node, a bridge, and a way down to every node.
// It relaxes the problem with any new link, so that what it does not answer no
// such link does.
type maybe struct {
	disjoint.Problem
	ramps int     // the first entry: up and down of every node in turn, then the bridge
	down  []int16 // of every entry
}

func newMaybe(p *problem.Problem) *maybe {
	n := int32(len(p.Source))
	m := &maybe{ramps: len(p.OnEntry), Problem: disjoint.Problem{
		K: p.K, Links: slices.Clip(p.Links), Closed: slices.Clip(p.Closed), Cost: slices.Clip(p.Cost), Delay: slices.Clip(p.Delay),
		Source: append(slices.Clip(p.Source), false, false), Target: append(slices.Clip(p.Target), false, false),
		MaxDelay: p.MaxDelay, MaxHops: p.MaxHops, MaxCost: p.MaxCost, Spread: disjoint.Never,
		Risks: p.Risks, OnEntry: slices.Clip(p.OnEntry),
		Through: append(slices.Clip(p.Through), nil, nil), AtEnd: append(slices.Clip(p.AtEnd), nil, nil),
	}}
	if p.MaxHops < disjoint.Never {
		m.MaxHops += 2 // three hops are one
	}
	add := func(from, to int32) {
		m.Links = append(m.Links, disjoint.Link{From: from, To: to}, disjoint.Link{From: to, To: from})
		m.Closed = append(m.Closed, false, true)
		m.Cost, m.Delay = append(m.Cost, 0, 0), append(m.Delay, 0, 0)
		m.OnEntry = append(m.OnEntry, []int32{int32(m.Risks)})
		m.Risks++
	}
	for v := range n {
		add(v, n)
		add(n+1, v)
	}
	add(n, n+1)
	m.down = make([]int16, len(m.OnEntry))
	for e := m.ramps; e < len(m.OnEntry)-1; e++ {
		m.down[e] = 1
	}
	m.Prepare()
	return m
}

// does reports whether a link from one of these nodes to one of those may do,
// and the ends of such a link where it tells them.
func (m *maybe) does(h *disjoint.Halt, from, to []int) (a, b int, ok bool) {
	open := func(by int16) {
		for _, v := range from {
			m.down[m.ramps+2*v] += by
		}
		for _, v := range to {
			m.down[m.ramps+2*v+1] += by
		}
	}
	open(-1)
	set := m.Any(h, m.down)
	open(1)
	for _, path := range set {
		for i, l := range path {
			if int(l/2) == len(m.OnEntry)-1 {
				a, b = int(m.Links[path[i-1]].From), int(m.Links[path[i+1]].To)
			}
		}
	}
	return a, b, set != nil
}

// those keeps the nodes from which, or to which, some link may do, and those
// of which it is not known when h stops.
func (m *maybe) those(h *disjoint.Halt, nodes, others []int, forth bool) []int {
	return slices.DeleteFunc(slices.Clone(nodes), func(v int) bool {
		from, to := []int{v}, others
		if !forth {
			from, to = to, from
		}
		_, _, ok := m.does(h, from, to)
		return !ok && !h.Stopped()
	})
}
