package solve

import (
	"container/heap"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/admit"
	"github.com/keiro-net/keiro/pathspec/solve/disjoint"
	"github.com/keiro-net/keiro/pathspec/solve/problem"
	"github.com/keiro-net/keiro/topology"
)

// detours bounds from below what a set costs that uses a given link. Where
// that is more than an intent pays now, the link cannot help it.
type detours struct {
	engine *Engine
	t      *topology.Topology
	out    [][]int32 // links by their tail; nil: not needed yet
	into   [][]int32 // links by their head
	known  map[detour]*reach
}

type detour struct {
	node      int
	objective pathspec.Objective
}

// reach is the least cost from a node to all, and from all to it.
type reach struct{ to, from []int64 }

// unknownFloor is the floor of an intent for which it was not computed.
const unknownFloor = int64(-1)

// mostDetours bounds the entries for which it pays to look: beyond, all are
// taken to help.
const mostDetours = 64

func newDetours(e *Engine, t *topology.Topology) *detours {
	return &detours{engine: e, t: t, known: map[detour]*reach{}}
}

// exclude reports whether every set that uses entry n costs at least so much,
// where an answer can only be beaten by its cost.
func (d *detours) exclude(i int, was *admit.Found, n int32, cost int64) bool {
	in := &d.engine.intents[i]
	return was.Optimal && in.Objective != pathspec.Balance && was.Status == pathspec.Satisfied && d.bound(i, n) >= cost
}

// bound is the least that a set costs which uses entry n.
func (d *detours) bound(i int, n int32) int64 {
	in := &d.engine.intents[i]
	a := d.reach(d.t.Entries[n].A, in.Objective)
	b := d.reach(d.t.Entries[n].B, in.Objective)
	forth, back := d.cost(2*n, in.Objective), d.cost(2*n+1, in.Objective)
	by := min(least(d.t, in.From, a.from)+forth+least(d.t, in.To, b.to), least(d.t, in.From, b.from)+back+least(d.t, in.To, a.to))
	others := int64(in.Require.Multiplicity - 1)
	floor := int64(0)
	if others > 0 {
		floor = d.floor(i, by)
	}
	return min(by, disjoint.Never) + others*min(floor, disjoint.Never/8)
}

// floor is less than or equal to what any path of an intent costs. Links that
// were lost since it was computed do not make it wrong; those that came may.
func (d *detours) floor(i int, by int64) int64 {
	floor := &d.engine.floor[i]
	if *floor == unknownFloor {
		*floor = disjoint.Never
		in := &d.engine.intents[i]
		for n, ok := range problem.Ends(d.t, in.From) {
			if ok {
				*floor = min(*floor, least(d.t, in.To, d.reach(n, in.Objective).to))
			}
		}
	}
	*floor = min(*floor, by)
	return *floor
}

// least is the least value at an end of an intent.
func least(t *topology.Topology, end string, values []int64) int64 {
	if n, ok := t.Node(end); ok {
		return values[n]
	}
	best := disjoint.Never
	for n := range t.Nodes {
		if t.Nodes[n].Site == end {
			best = min(best, values[n])
		}
	}
	return best
}

func (d *detours) cost(l int32, o pathspec.Objective) int64 {
	switch o {
	case pathspec.MinDelay:
		if delay, known := d.t.Links[l].Delay.Get(); known {
			return int64(delay)
		}
		return disjoint.Never
	case pathspec.MinMetric:
		return d.t.Links[l].Metric
	}
	return 1
}

// reach computes the least costs at a node, over all links whatever an intent
// requires of them.
func (d *detours) reach(n int, o pathspec.Objective) *reach {
	key := detour{n, o}
	if r, ok := d.known[key]; ok {
		return r
	}
	if d.out == nil {
		d.out, d.into = make([][]int32, len(d.t.Nodes)), make([][]int32, len(d.t.Nodes))
		for l := range d.t.Links {
			link := &d.t.Links[l]
			d.out[link.From] = append(d.out[link.From], int32(l))
			d.into[link.To] = append(d.into[link.To], int32(l))
		}
	}
	r := &reach{
		to:   d.distances(n, o, d.out, func(l int32) int { return d.t.Links[l].To }),
		from: d.distances(n, o, d.into, func(l int32) int { return d.t.Links[l].From }),
	}
	d.known[key] = r
	return r
}

func (d *detours) distances(n int, o pathspec.Objective, adjacent [][]int32, next func(l int32) int) []int64 {
	dist := make([]int64, len(d.t.Nodes))
	for v := range dist {
		dist[v] = disjoint.Never
	}
	dist[n] = 0
	q := &visits{{0, n}}
	for q.Len() > 0 {
		at := heap.Pop(q).(visit)
		if at.dist > dist[at.node] {
			continue
		}
		for _, l := range adjacent[at.node] {
			if to, far := next(l), at.dist+d.cost(l, o); far < dist[to] {
				dist[to] = far
				heap.Push(q, visit{far, to})
			}
		}
	}
	return dist
}

type visit struct {
	dist int64
	node int
}

type visits []visit

func (q visits) Len() int           { return len(q) }
func (q visits) Less(i, j int) bool { return q[i].dist < q[j].dist }
func (q visits) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *visits) Push(x any)        { *q = append(*q, x.(visit)) }
func (q *visits) Pop() any {
	old := *q
	x := old[len(old)-1]
	*q = old[:len(old)-1]
	return x
}
