package ownership

import (
	"math/bits"
	"slices"

	"github.com/keiro-net/keiro/pathspec/solve/flow"
)

// router finds the cheapest path of one member of a set: by A*, with the least
// weight to an exit, whoever owns what, as the guide. Of equally cheap ones it prefers that with the
// fewest risks that other members have at present.
type router struct {
	dist  []int64
	tie   []int32
	via   []int32 // arc that leads to every node
	touch []int32
	queue flow.Queue
	found []int32
	marks []mark // see bounded
	first []int32
	work  int
}

func newRouter(nodes int) *router {
	r := &router{dist: make([]int64, nodes), tie: make([]int32, nodes), via: make([]int32, nodes), first: make([]int32, nodes)}
	for v := range nodes {
		r.dist[v], r.first[v] = Never, -1
	}
	return r
}

// route finds the cheapest path of member m, at most most, in prices; false
// where there is none. The path is good until the next call.
func (t *Tree) route(m int, most int64) (path []int32, weight int64, ok bool) {
	s, r := t.Space, t.router
	if !t.guided {
		t.router.work += t.Space.Distances(t.guide, &t.router.queue, true, func(a int32) int64 { return t.weight[a] })
		t.guided = true
	}
	for _, v := range r.touch {
		r.dist[v] = Never
	}
	r.touch, r.queue = r.touch[:0], r.queue[:0]
	for _, v := range s.Entrance {
		t.reach(v, 0, 0, -1, most)
	}
	end := int32(-1)
	others := ^(uint8(1) << m)
	for len(r.queue) > 0 {
		e := r.queue.Pop()
		v := e.Vertex
		d := r.dist[v]
		if e.Dist > d+t.guide[v] || e.Tie > r.tie[v] {
			continue
		}
		r.work++
		if s.Exit[v] {
			end, weight = v, d
			break
		}
		for a := s.First[v]; a < s.First[v+1]; a++ {
			if t.forbidden[m][a] > 0 {
				continue
			}
			met := t.met(a, others)
			t.reach(s.To[a], d+t.weight[a]+t.press*int64(met), e.Tie+met, a, most)
		}
	}
	if end < 0 {
		return nil, 0, false
	}
	r.found = r.found[:0]
	for v := end; r.via[v] >= 0; v = s.From[r.via[v]] {
		r.found = append(r.found, r.via[v])
	}
	slices.Reverse(r.found)
	if t.Within(r.found) {
		return r.found, weight, true
	}
	return t.bounded(m, most)
}

// met counts the risks of an arc that other members have.
func (t *Tree) met(a int32, others uint8) (n int32) {
	for _, risk := range t.OfArc.At(a) {
		n += int32(bits.OnesCount8(t.users[risk] & others))
	}
	return n
}

func (t *Tree) reach(v int32, d int64, tie, via int32, most int64) {
	r := t.router
	left := t.guide[v]
	if left >= Never || d+left > most {
		return
	}
	if d > r.dist[v] || d == r.dist[v] && tie >= r.tie[v] {
		return
	}
	if r.dist[v] == Never {
		r.touch = append(r.touch, v)
	}
	r.dist[v], r.tie[v], r.via[v] = d, tie, via
	r.queue.Push(flow.Entry{Dist: d + left, Tie: tie, Vertex: v})
}

// mark is a way to a node that no other is better than in all of weight, delay
// and hops.
type mark struct {
	weight, delay int64
	hops          int32
	node, via     int32
	before, next  int32 // mark before on the way; next mark of the node
}

// bounded is route where bounds cut the cheapest path off: the search keeps
// all ways to a node that may still turn out best (Handler and Zang, Networks
// 10, 1980; label setting).
func (t *Tree) bounded(m int, most int64) (path []int32, weight int64, ok bool) {
	s, r := t.Space, t.router
	r.marks, r.queue = r.marks[:0], r.queue[:0]
	defer func() {
		for i := range r.marks {
			r.first[r.marks[i].node] = -1
		}
	}()
	for _, v := range s.Entrance {
		t.place(mark{node: v, via: -1, before: -1}, most)
	}
	for len(r.queue) > 0 {
		e := r.queue.Pop()
		at := r.marks[e.Vertex]
		if r.work++; r.work&1023 == 0 && t.halt.Now() {
			return nil, 0, false
		}
		if s.Exit[at.node] {
			r.found = r.found[:0]
			for w := at; w.before >= 0; w = r.marks[w.before] {
				r.found = append(r.found, w.via)
			}
			slices.Reverse(r.found)
			return r.found, at.weight, true
		}
		for a := s.First[at.node]; a < s.First[at.node+1]; a++ {
			if t.forbidden[m][a] == 0 {
				t.place(mark{
					weight: at.weight + t.weight[a] + t.press*int64(t.met(a, ^(uint8(1)<<m))), delay: at.delay + s.Delay[a], hops: at.hops + 1,
					node: s.To[a], via: a, before: e.Vertex,
				}, most)
			}
		}
	}
	return nil, 0, false
}

// place keeps a mark that may lead to an answer.
func (t *Tree) place(w mark, most int64) {
	s, r := t.Space, t.router
	left := t.guide[w.node]
	if left >= Never || w.weight+left > most ||
		s.ToDelay != nil && w.delay+s.ToDelay[w.node] > s.Of.MaxDelay ||
		s.ToHops != nil && int64(w.hops)+s.ToHops[w.node] > s.Of.MaxHops {
		return
	}
	for i := r.first[w.node]; i >= 0; i = r.marks[i].next {
		if o := &r.marks[i]; o.weight <= w.weight && o.delay <= w.delay && (s.ToHops == nil || o.hops <= w.hops) {
			return
		}
	}
	w.next = r.first[w.node]
	r.first[w.node] = int32(len(r.marks))
	r.queue.Push(flow.Entry{Dist: w.weight + left, Vertex: int32(len(r.marks))})
	r.marks = append(r.marks, w)
}
