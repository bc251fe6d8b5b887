package compile

import (
	"container/heap"

	"github.com/keiro-net/keiro/topology"
)

// nextHops computes the plain routes of the managed underlay: for every node with
// an agent the entry on its way of least metric to every other node, by Dijkstra.
// Ties go to the entry that stands first in the file. Links that Obstacle has
// something against are not used.
//
// Routers without an agent have the routes of their IGP, which knows nothing of
// nodes with one: they lead to other routers, and over routers only. Of as many
// of them as there may be nothing is computed.
func (in *Input) nextHops() [][]int {
	t := in.Topology
	next := make([][]int, len(t.Nodes))
	var out [][]int // links by the node they lead from
	for n := range t.Nodes {
		if t.Nodes[n].NoAgent {
			continue
		}
		if out == nil {
			out = in.passable()
		}
		next[n] = from(t, out, n)
	}
	return next
}

// passable are the links that routes may take, by the node they lead from.
func (in *Input) passable() [][]int {
	t := in.Topology
	out := make([][]int, len(t.Nodes))
	for l := range t.Links {
		link := &t.Links[l]
		if t.Nodes[link.From].NoAgent && !t.Nodes[link.To].NoAgent {
			continue
		}
		if in.unplugged(link.Entry) == "" && !in.Outage.Takes(t, link.Entry) {
			out[link.From] = append(out[link.From], l)
		}
	}
	return out
}

// from returns the entry by which the way from src to each node begins, -1 where
// there is none or it is src. Of ways of one metric the one with the least entry
// counts: it is known when the node's turn comes, as each link costs something.
func from(t *topology.Topology, out [][]int, src int) []int {
	first, dist := make([]int, len(t.Nodes)), make([]int64, len(t.Nodes))
	for n := range dist {
		dist[n], first[n] = -1, -1
	}
	dist[src] = 0
	queue := &nodeQueue{{node: src}}
	for queue.Len() > 0 {
		at := heap.Pop(queue).(queued)
		if at.dist > dist[at.node] {
			continue
		}
		for _, l := range out[at.node] {
			link := &t.Links[l]
			begins, d := first[at.node], at.dist+max(link.Metric, 1) // a metric of 0 could make a loop
			if at.node == src {
				begins = link.Entry
			}
			switch to := link.To; {
			case dist[to] < 0 || d < dist[to]:
				dist[to], first[to] = d, begins
				heap.Push(queue, queued{node: to, dist: d})
			case d == dist[to] && to != src && begins < first[to]:
				first[to] = begins
			}
		}
	}
	return first
}

type queued struct {
	node int
	dist int64
}

type nodeQueue []queued

func (q nodeQueue) Len() int { return len(q) }
func (q nodeQueue) Less(i, j int) bool {
	if q[i].dist != q[j].dist {
		return q[i].dist < q[j].dist
	}
	return q[i].node < q[j].node
}
func (q nodeQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *nodeQueue) Push(x any)   { *q = append(*q, x.(queued)) }
func (q *nodeQueue) Pop() any {
	old := *q
	last := old[len(old)-1]
	*q = old[:len(old)-1]
	return last
}
