// Package flow finds cheapest sets of paths that share no link, nor a node
// where that is asked for, and shortest distances. These are the polynomial
// part of every question about disjoint paths (Suurballe, Networks 4, 1974;
// Ahuja, Magnanti, Orlin: Network Flows, 1993, section 9.7). It is pure, knows
// numbers only, and a warm Finder allocates nothing. It knows no shared risks
// and no bounds; pathspec/solve/disjoint does, and calls it.
package flow

// Never is no bound: more than any path can cost.
const Never = int64(1) << 60

// Link leads from one node to another. Links come in pairs: l and l^1 are the
// two directions of one entry.
type Link struct {
	From, To int32
}

// Graph is what does not change between questions: the links that leave every
// node, side by side in memory.
type Graph struct {
	Links []Link
	first []int32 // of every node, and one more: where its arcs begin
	arcs  []arc   // by node, then number of the link
}

// arc is a link as its head sees it.
type arc struct {
	to, link int32
}

// NewGraph indexes links between nodes 0 to nodes-1. A link that leads from a
// node to itself is on no path.
func NewGraph(nodes int, links []Link) *Graph {
	g := &Graph{Links: links, first: make([]int32, nodes+1)}
	for _, l := range links {
		if l.From != l.To {
			g.first[l.From+1]++
		}
	}
	for n := range nodes {
		g.first[n+1] += g.first[n]
	}
	g.arcs = make([]arc, g.first[nodes])
	next := make([]int32, nodes)
	copy(next, g.first)
	for l, link := range links {
		if link.From != link.To {
			g.arcs[next[link.From]] = arc{link.To, int32(l)}
			next[link.From]++
		}
	}
	return g
}

// Nodes is the number of nodes.
func (g *Graph) Nodes() int { return len(g.first) - 1 }

func (g *Graph) leaving(n int32) []arc { return g.arcs[g.first[n]:g.first[n+1]] }
