package compile

import (
	"container/heap"

	"github.com/keiro-net/keiro/topology"
)

// nextHops computes the plain routes of the managed underlay: for every node
// the entry on its way of least metric to every other node, by Dijkstra from
// each destination over the links turned around. Ties go to the entry that
// stands first in the file. Links that Obstacle has something against are not
// used.
//
// Routers without an agent have the routes of their IGP, which knows nothing of
// nodes with one: they lead to other routers, and over routers only.
func (in *Input) nextHops() [][]int {
	t := in.Topology
	next := make([][]int, len(t.Nodes))
	for n := range next {
		next[n] = make([]int, len(t.Nodes))
	}
	into := make([][]int, len(t.Nodes)) // links by the node they lead to
	for l := range t.Links {
		link := &t.Links[l]
		if t.Nodes[link.From].NoAgent && !t.Nodes[link.To].NoAgent {
			continue
		}
		if in.unplugged(link.Entry) == "" && !in.Outage.Takes(t, link.Entry) {
			into[link.To] = append(into[link.To], l)
		}
	}
	tree := make([]int, len(t.Nodes))
	for m := range t.Nodes {
		towards(t, into, m, tree)
		for n := range next {
			next[n][m] = tree[n]
		}
	}
	return next
}

// towards fills tree with the entry by which each node begins its way to dst,
// -1 where it has none or is dst.
func towards(t *topology.Topology, into [][]int, dst int, tree []int) {
	dist := make([]int64, len(t.Nodes))
	for n := range dist {
		dist[n], tree[n] = -1, -1
	}
	dist[dst] = 0
	queue := &nodeQueue{{node: dst}}
	for queue.Len() > 0 {
		at := heap.Pop(queue).(queued)
		if at.dist > dist[at.node] {
			continue
		}
		for _, l := range into[at.node] {
			link := &t.Links[l]
			d := at.dist + max(link.Metric, 1) // a metric of 0 could make a loop
			switch from := link.From; {
			case dist[from] < 0 || d < dist[from]:
				dist[from], tree[from] = d, link.Entry
				heap.Push(queue, queued{node: from, dist: d})
			case d == dist[from] && from != dst && link.Entry < tree[from]:
				tree[from] = link.Entry
			}
		}
	}
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
