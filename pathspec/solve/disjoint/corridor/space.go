// Package corridor holds the part of a network that a better set of paths can
// lie in, packed for searches, and the search for the cheapest path where a
// path pays once for each of its risks. It chooses no corridor and no prices:
// pathspec/solve/disjoint cuts the corridors, and the searches below it
// (auction, ownership) read them.
package corridor

import (
	"slices"

	"github.com/keiro-net/keiro/pathspec/solve/flow"
)

// Never is no bound: more than any path can reach.
const Never = flow.Never

// Path is a sequence of links of the network.
type Path []int32

// Network is what a corridor is a part of. Links come in pairs: l and l^1 are
// the two directions of entry l/2.
type Network struct {
	Finder         *flow.Finder // over the links
	Links          []flow.Link
	Source, Target []bool  // of every node; none is both
	Cost, Delay    []int64 // of every link, none negative
	MaxDelay       int64   // of every path; Never: no bound
	MaxHops        int64   // of every path; Never: no bound
	Risks          int
	OnEntry        [][]int32 // risks of every entry
	OnNode         [][]int32 // risks of every node that a path has for certain when it comes there
}

// Space is a corridor: nodes, arcs and risks that a better set can have,
// numbered anew from 0 and packed for the inner loop of a search. Its callers
// do not change it.
type Space struct {
	Of       *Network
	Link     []int32 // of every arc, its link in the network
	From, To []int32 // nodes of every arc
	First    []int32 // of every node: where the arcs that leave it begin
	Cost     []int64 // of every arc
	Delay    []int64
	Entrance []int32 // nodes where a path may begin
	Exit     []bool  // of every node: a path may end there
	Into     Lists   // arcs that lead to every node
	Node     []int32 // of every node, its number in the network

	// An arc has the risks of its entry, of the node it leads to, and of the
	// node it begins at where a path begins there.
	Risk   []int32 // of every risk, its number in the network
	OfArc  Lists   // risks of every arc
	OfRisk Lists   // arcs of every risk
	Once   []bool  // of every risk: a path has one arc of it at the most

	ToDelay []int64 // of every node: least delay to an exit; nil: no bound
	ToHops  []int64 // likewise
}

// Lists are many lists in one.
type Lists struct {
	first []int32
	items []int32
}

// At is list i.
func (l *Lists) At(i int32) []int32 { return l.items[l.first[i]:l.first[i+1]] }

func (l *Lists) add(items []int32) {
	if l.first == nil {
		l.first = []int32{0}
	}
	l.items = append(l.items, items...)
	l.first = append(l.first, int32(len(l.items)))
}

// New packs the given links of a network, which are in order of their heads.
func New(p *Network, links []int32) *Space {
	n := len(links)
	s := &Space{
		Of: p, Link: links, From: make([]int32, 0, n), To: make([]int32, 0, n),
		Cost: make([]int64, 0, n), Delay: make([]int64, 0, n),
	}
	s.OfArc.items, s.OfRisk.items = make([]int32, 0, 4*n), make([]int32, 0, 4*n)
	number := make([]int32, len(p.Source)) // 1 + number of a node
	node := func(v int32) int32 {
		if number[v] == 0 {
			s.Node = append(s.Node, v)
			number[v] = int32(len(s.Node))
		}
		return number[v] - 1
	}
	for _, l := range links {
		node(p.Links[l].From) // first: arcs of a node are together
	}
	risk := make([]int32, p.Risks)
	var have []int32
	for a, l := range links {
		link := p.Links[l]
		from, to := node(link.From), node(link.To)
		s.From, s.To = append(s.From, from), append(s.To, to)
		s.Cost, s.Delay = append(s.Cost, p.Cost[l]), append(s.Delay, p.Delay[l])
		for int(from) >= len(s.First) {
			s.First = append(s.First, int32(a))
		}
		have = append(append(have[:0], p.OnEntry[l/2]...), p.OnNode[link.To]...)
		if p.Source[link.From] {
			have = append(have, p.OnNode[link.From]...)
		}
		slices.Sort(have)
		have = slices.Compact(have)
		for i, r := range have {
			if risk[r] == 0 {
				s.Risk = append(s.Risk, r)
				risk[r] = int32(len(s.Risk))
			}
			have[i] = risk[r] - 1
		}
		s.OfArc.add(have)
	}
	for len(s.First) <= len(s.Node) {
		s.First = append(s.First, int32(len(links)))
	}
	s.Exit = make([]bool, len(s.Node))
	for v, n := range s.Node {
		s.Exit[v] = p.Target[n]
		if p.Source[n] {
			s.Entrance = append(s.Entrance, int32(v))
		}
	}
	s.members()
	into := make([][]int32, len(s.Node))
	for a, v := range s.To {
		into[v] = append(into[v], int32(a))
	}
	for _, arcs := range into {
		s.Into.add(arcs)
	}
	if p.MaxDelay < Never {
		s.ToDelay = s.remain(func(a int32) int64 { return s.Delay[a] })
	}
	if p.MaxHops < Never {
		s.ToHops = s.remain(func(int32) int64 { return 1 })
	}
	return s
}

// members inverts ofArc and finds out which risks a path has once at most:
// all their arcs lead to one node, or from one, or are both directions of one
// entry.
func (s *Space) members() {
	members := make([][]int32, len(s.Risk))
	for a := range s.Link {
		for _, r := range s.OfArc.At(int32(a)) {
			members[r] = append(members[r], int32(a))
		}
	}
	s.Once = make([]bool, len(s.Risk))
	for r, arcs := range members {
		sameHead, sameTail, sameEntry := true, true, true
		for _, a := range arcs {
			sameHead = sameHead && s.From[a] == s.From[arcs[0]]
			sameTail = sameTail && s.To[a] == s.To[arcs[0]]
			sameEntry = sameEntry && s.Link[a]/2 == s.Link[arcs[0]]/2
		}
		s.Once[r] = sameHead || sameTail || sameEntry
		s.OfRisk.add(arcs)
	}
}

// Distances is Dijkstra's algorithm from the entrances to every node, or from
// it to the exits, over arcs of the given length, Never for those that are not
// to be used. It returns how many nodes it settled.
func (s *Space) Distances(dist []int64, q *flow.Queue, back bool, length func(a int32) int64) (settled int) {
	for v := range dist {
		dist[v] = Never
	}
	*q = (*q)[:0]
	reach := func(v int32, d int64) {
		if d < dist[v] {
			dist[v] = d
			q.Push(flow.Entry{Dist: d, Vertex: v})
		}
	}
	if back {
		for v, exit := range s.Exit {
			if exit {
				reach(int32(v), 0)
			}
		}
	} else {
		for _, v := range s.Entrance {
			reach(v, 0)
		}
	}
	for len(*q) > 0 {
		e := q.Pop()
		if e.Dist > dist[e.Vertex] {
			continue
		}
		settled++
		if back {
			for _, a := range s.Into.At(e.Vertex) {
				reach(s.From[a], e.Dist+length(a))
			}
		} else {
			for a := s.First[e.Vertex]; a < s.First[e.Vertex+1]; a++ {
				reach(s.To[a], e.Dist+length(a))
			}
		}
	}
	return settled
}

// remain is what is left of a bound's measure from every node.
func (s *Space) remain(length func(a int32) int64) []int64 {
	var q flow.Queue
	dist := make([]int64, len(s.Node))
	s.Distances(dist, &q, true, length)
	return dist
}

// Links translates a path into links of the network.
func (s *Space) Links(arcs []int32) Path {
	links := make(Path, len(arcs))
	for i, a := range arcs {
		links[i] = s.Link[a]
	}
	return links
}

// CostOf is the cost of a path of arcs.
func (s *Space) CostOf(arcs []int32) (cost int64) {
	for _, a := range arcs {
		cost += s.Cost[a]
	}
	return cost
}

// Within reports whether a path of arcs keeps the bounds.
func (s *Space) Within(arcs []int32) bool {
	if int64(len(arcs)) > s.Of.MaxHops {
		return false
	}
	var delay int64
	for _, a := range arcs {
		delay += s.Delay[a]
	}
	return delay <= s.Of.MaxDelay
}

// Best is the best set so far.
type Best struct {
	Limit int64  // a set must cost less
	Set   []Path // nil: none so far
}

// Offer keeps a set of paths of arcs, if it is better.
func (b *Best) Offer(s *Space, set [][]int32) (cost int64) {
	for _, arcs := range set {
		cost += s.CostOf(arcs)
	}
	if cost < b.Limit {
		b.Limit, b.Set = cost, nil
		for _, arcs := range set {
			b.Set = append(b.Set, s.Links(arcs))
		}
	}
	return cost
}

// Price is what a risk costs beside.
type Price struct {
	Risk  int32
	Price int64
}
