package disjoint

import (
	"slices"

	"github.com/keiro-net/keiro/pathspec/solve/flow"
)

// space is the part of a problem that a better set can lie in, numbered anew
// and packed: what a search reads in its inner loop.
type space struct {
	link     []int32 // of every arc, its link in the problem
	from, to []int32 // nodes of every arc
	first    []int32 // of every node: where the arcs that leave it begin
	cost     []int64 // of every arc
	delay    []int64
	entrance []int32 // nodes where a path may begin
	exit     []bool  // of every node: a path may end there
	into     lists   // arcs that lead to every node

	// Risks, numbered from 0. An arc has those of its entry, of the node it
	// leads to, and of the node it begins at where a path begins there.
	risk     []int32 // of the problem
	ofArc    lists   // risks of every arc
	ofRisk   lists   // arcs of every risk
	once     []bool  // of every risk: a path has one arc of it at the most
	toDelay  []int64
	toHops   []int64
	original []int32 // node of the problem
}

// lists are many lists in one.
type lists struct {
	first []int32
	items []int32
}

func (l *lists) at(i int32) []int32 { return l.items[l.first[i]:l.first[i+1]] }

func (l *lists) add(items []int32) {
	if l.first == nil {
		l.first = []int32{0}
	}
	l.items = append(l.items, items...)
	l.first = append(l.first, int32(len(l.items)))
}

// newSpace packs the given links of a problem, which are in order of their
// heads.
func newSpace(p *Problem, links []int32) *space {
	n := len(links)
	s := &space{
		link: links, from: make([]int32, 0, n), to: make([]int32, 0, n),
		cost: make([]int64, 0, n), delay: make([]int64, 0, n),
	}
	s.ofArc.items, s.ofRisk.items = make([]int32, 0, 4*n), make([]int32, 0, 4*n)
	number := make([]int32, len(p.Source)) // 1 + number of a node
	node := func(v int32) int32 {
		if number[v] == 0 {
			s.original = append(s.original, v)
			number[v] = int32(len(s.original))
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
		s.from, s.to = append(s.from, from), append(s.to, to)
		s.cost, s.delay = append(s.cost, p.Cost[l]), append(s.delay, p.Delay[l])
		for int(from) >= len(s.first) {
			s.first = append(s.first, int32(a))
		}
		have = append(append(have[:0], p.OnEntry[l/2]...), p.enter[link.To]...)
		if p.Source[link.From] {
			have = append(have, p.enter[link.From]...)
		}
		slices.Sort(have)
		have = slices.Compact(have)
		for i, r := range have {
			if risk[r] == 0 {
				s.risk = append(s.risk, r)
				risk[r] = int32(len(s.risk))
			}
			have[i] = risk[r] - 1
		}
		s.ofArc.add(have)
	}
	for len(s.first) <= len(s.original) {
		s.first = append(s.first, int32(len(links)))
	}
	s.exit = make([]bool, len(s.original))
	for v, n := range s.original {
		s.exit[v] = p.Target[n]
		if p.Source[n] {
			s.entrance = append(s.entrance, int32(v))
		}
	}
	s.members()
	into := make([][]int32, len(s.original))
	for a, v := range s.to {
		into[v] = append(into[v], int32(a))
	}
	for _, arcs := range into {
		s.into.add(arcs)
	}
	if p.MaxDelay < Never {
		s.toDelay = s.remain(func(a int32) int64 { return s.delay[a] })
	}
	if p.MaxHops < Never {
		s.toHops = s.remain(func(int32) int64 { return 1 })
	}
	return s
}

// members inverts ofArc and finds out which risks a path has once at most:
// all their arcs lead to one node, or from one, or are both directions of one
// entry.
func (s *space) members() {
	members := make([][]int32, len(s.risk))
	for a := range s.link {
		for _, r := range s.ofArc.at(int32(a)) {
			members[r] = append(members[r], int32(a))
		}
	}
	s.once = make([]bool, len(s.risk))
	for r, arcs := range members {
		sameHead, sameTail, sameEntry := true, true, true
		for _, a := range arcs {
			sameHead = sameHead && s.from[a] == s.from[arcs[0]]
			sameTail = sameTail && s.to[a] == s.to[arcs[0]]
			sameEntry = sameEntry && s.link[a]/2 == s.link[arcs[0]]/2
		}
		s.once[r] = sameHead || sameTail || sameEntry
		s.ofRisk.add(arcs)
	}
}

// distances is Dijkstra's algorithm from the entrances to every node, or from
// it to the exits, over arcs of the given length, Never for those that are not
// to be used. It returns how many nodes it settled.
func (s *space) distances(dist []int64, q *flow.Queue, back bool, length func(a int32) int64) (settled int) {
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
		for v, exit := range s.exit {
			if exit {
				reach(int32(v), 0)
			}
		}
	} else {
		for _, v := range s.entrance {
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
			for _, a := range s.into.at(e.Vertex) {
				reach(s.from[a], e.Dist+length(a))
			}
		} else {
			for a := s.first[e.Vertex]; a < s.first[e.Vertex+1]; a++ {
				reach(s.to[a], e.Dist+length(a))
			}
		}
	}
	return settled
}

// remain is what is left of a bound's measure from every node.
func (s *space) remain(length func(a int32) int64) []int64 {
	var q flow.Queue
	dist := make([]int64, len(s.original))
	s.distances(dist, &q, true, length)
	return dist
}

// path translates arcs into links of the problem.
func (s *space) path(arcs []int32) Path {
	links := make(Path, len(arcs))
	for i, a := range arcs {
		links[i] = s.link[a]
	}
	return links
}

func (s *space) costOf(arcs []int32) (cost int64) {
	for _, a := range arcs {
		cost += s.cost[a]
	}
	return cost
}
