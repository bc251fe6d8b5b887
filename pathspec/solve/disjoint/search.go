package disjoint

import (
	"slices"

	"github.com/keiro-net/keiro/pathspec/solve/flow"
)

// search is a depth-first branch and bound, for paths that must not differ much
// in delay: then a longer way may do where a shorter one does not, and no
// price tells. It builds the paths of a set one
// after another, link by link from the source, and asks at every step for
// the cheapest completion of the present path and the cheapest flow for the
// paths behind it. Where these are a set already, there is no better one in
// the branch; where there are none, or they cost too much, there is nothing in
// it. Without loss of generality no path costs less than the one before it.
//
// Memory is bounded by the size of the problem.
type search struct {
	*Problem
	halt *Halt
	any  bool    // the first set will do
	down []int16 // of every entry: how many failures take it; nil: none

	owner   []int8  // of every risk: 1 + number of the path that has it; 0: free
	trail   []int32 // risks in the order in which they were taken
	done    []Path
	present Path   // the path being built
	visited []bool // nodes of it
	dist    []int64
	via     []int32
	queue   flow.Queue
	flow    *relaxation

	best  []Path
	bound int64 // a set must cost less
}

func newSearch(p *Problem, h *Halt) *search {
	p.deepen()
	return &search{
		Problem: p, halt: h, flow: newRelaxation(p), owner: make([]int8, p.Risks), visited: make([]bool, len(p.Source)),
		dist: make([]int64, len(p.Source)), via: make([]int32, len(p.Source)), bound: Never,
	}
}

// run searches and returns the best set found. Where halt did not stop it,
// that set is optimal, and nil means that there is none.
func (s *search) run() []Path {
	s.rest(0)
	return s.best
}

func (s *search) over() bool {
	s.halt.Work(s.flow.work())
	return s.any && s.best != nil || s.halt.Now()
}

// offer keeps a set if it is one and is better than the best.
func (s *search) offer(set []Path) bool {
	if !s.holds(set) {
		return false
	}
	if cost := s.Total(set); cost < s.bound {
		s.bound, s.best = cost, nil
		for _, q := range set {
			s.best = append(s.best, slices.Clone(q))
		}
	}
	return true
}

// rest looks for the paths behind those that are done, which cost base.
func (s *search) rest(base int64) {
	if s.over() {
		return
	}
	if len(s.done) == s.K {
		s.offer(s.done)
		return
	}
	relaxed, ok := s.flow.paths(s.K-len(s.done), s.owner, s.down)
	if !ok || s.tooDear(relaxed) || base+s.Total(relaxed) >= s.bound {
		return
	}
	if s.offer(slices.Concat(s.done, relaxed)) {
		return
	}
	if len(s.done) == 0 && s.K > 1 && s.separator(s.K-1) != nil {
		return
	}
	for n, ok := range s.Source {
		mark := len(s.trail)
		if ok && s.take(s.AtEnd[n]) {
			s.present = nil
			s.visited[n] = true
			s.extend(int32(n), base, 0, 0)
			s.visited[n] = false
		}
		s.undo(mark)
	}
}

// extend continues the present path, which costs cost and has come to node n.
func (s *search) extend(n int32, base, cost, delay int64) {
	if s.over() {
		return
	}
	if s.Target[n] && len(s.present) > 0 {
		s.finish(base, cost, delay) // and go on: a longer path may be nearer to the others
	}
	if !s.promising(n, base, cost) {
		return
	}
	behind := len(s.present)
	mark := len(s.trail)
	if behind > 0 && !s.take(s.Through[n]) {
		s.undo(mark)
		return
	}
	_, latest := s.window()
	for _, l := range s.out[n] {
		to := s.Links[l].To
		after := delay + s.Delay[l]
		if s.visited[to] || after+s.toDelay[to] > latest || int64(behind)+1+s.toHops[to] > s.MaxHops || !s.open(l) {
			continue
		}
		mark := len(s.trail)
		if s.take(s.OnEntry[l/2]) && s.take(s.enter[to]) {
			s.present = append(s.present[:behind], l)
			s.visited[to] = true
			s.extend(to, base, cost+s.Cost[l], after)
			s.visited[to] = false
		}
		s.undo(mark)
	}
	s.present = s.present[:behind]
	s.undo(mark)
}

// finish takes the present path as done and looks for those behind it.
func (s *search) finish(base, cost, delay int64) {
	if earliest, latest := s.window(); delay < earliest || delay > latest {
		return
	}
	present := s.present
	s.done = append(s.done, slices.Clone(present))
	visited := s.visited
	s.visited = make([]bool, len(visited))
	s.rest(base + cost)
	s.visited, s.present = visited, present
	s.done = s.done[:len(s.done)-1]
}

// promising reports whether the branch may hold a better set than the best.
func (s *search) promising(n int32, base, cost int64) bool {
	completion, ok := s.complete(n)
	if !ok {
		return false
	}
	cost += s.CostOf(completion)
	if cost > s.MaxCost {
		return false
	}
	missing := int64(s.K - len(s.done))
	var relaxed []Path
	if missing > 1 {
		if relaxed, ok = s.flow.paths(int(missing)-1, s.owner, s.down); !ok || s.tooDear(relaxed) {
			return false
		}
	}
	if base+max(cost+s.Total(relaxed), missing*cost) >= s.bound {
		return false
	}
	whole := slices.Concat(s.present, completion)
	return !s.offer(slices.Concat(s.done, []Path{whole}, relaxed))
}

// tooDear reports whether a cheapest set costs more than any within the bounds.
func (s *search) tooDear(relaxed []Path) bool {
	return s.MaxCost < Never && s.Total(relaxed) > s.MaxCost*int64(len(relaxed))
}

// complete returns the cheapest way for the present path from node n to a
// target.
func (s *search) complete(n int32) (Path, bool) {
	for v := range s.dist {
		s.dist[v] = Never
	}
	s.dist[n] = 0
	s.queue = s.queue[:0]
	s.queue.Push(flow.Entry{Dist: s.toCost[n], Vertex: n})
	for len(s.queue) > 0 {
		e := s.queue.Pop()
		v := e.Vertex
		if e.Dist > s.dist[v]+s.toCost[v] {
			continue
		}
		s.halt.Work(1)
		if s.Target[v] && v != n {
			var back Path
			for at := v; at != n; at = s.Links[s.via[at]].From {
				back = append(back, s.via[at])
			}
			slices.Reverse(back)
			return back, true
		}
		for _, l := range s.out[v] {
			to := s.Links[l].To
			if next := s.dist[v] + s.Cost[l]; !s.visited[to] && next < s.dist[to] && s.open(l) {
				s.dist[to], s.via[to] = next, l
				s.queue.Push(flow.Entry{Dist: next + s.toCost[to], Vertex: to})
			}
		}
	}
	return nil, false
}

// open reports whether the present path may take link l: no other path has
// any of its risks.
func (s *search) open(l int32) bool {
	return (s.down == nil || s.down[l/2] == 0) && s.free(s.OnEntry[l/2]) && s.free(s.enter[s.Links[l].To])
}

func (s *search) free(risks []int32) bool {
	self := int8(len(s.done) + 1)
	for _, r := range risks {
		if o := s.owner[r]; o != 0 && o != self {
			return false
		}
	}
	return true
}

// take gives risks to the present path; false where another path has one. The
// caller undoes it in either case.
func (s *search) take(risks []int32) bool {
	if !s.free(risks) {
		return false
	}
	for _, r := range risks {
		if s.owner[r] == 0 {
			s.owner[r] = int8(len(s.done) + 1)
			s.trail = append(s.trail, r)
		}
	}
	return true
}

func (s *search) undo(mark int) {
	for _, r := range s.trail[mark:] {
		s.owner[r] = 0
	}
	s.trail = s.trail[:mark]
}
