package disjoint

import (
	"math/bits"
	"slices"

	"github.com/keiro-net/keiro/pathspec/solve/flow"
)

// toll is a price on arcs of one risk of which no path within the limit has
// two. So a path pays it once at the most, as the risk's multiplier in the
// Lagrangian wants it.
type toll struct {
	risk  int32
	arcs  []int32
	price int64
	users uint8 // members, as bits, whose paths pay
}

// The arcs of a risk that are looked at for tolls, and the tolls of a risk.
const (
	tollArcs = 48
	tollsMax = 8
)

// tollFor returns a toll that at least two members would pay whose paths have
// risk r; -1: there is none.
func (t *tree) tollFor(r int32) int32 {
	for _, i := range t.tollsOf[r] {
		if u := t.tolls[i].users; u&(u-1) != 0 {
			return i
		}
	}
	if len(t.tollsOf[r]) == tollsMax {
		return -1
	}
	arcs := t.ofRisk.at(r)
	if !t.once[r] {
		arcs = t.apart(r)
	}
	if len(arcs) < 2 {
		return -1
	}
	i := t.addToll(r, arcs)
	if u := t.tolls[i].users; u&(u-1) == 0 {
		return -1
	}
	return i
}

func (t *tree) addToll(r int32, arcs []int32) int32 {
	i := int32(len(t.tolls))
	t.tolls = append(t.tolls, toll{risk: r, arcs: arcs})
	t.tollsOf[r] = append(t.tollsOf[r], i)
	for _, a := range arcs {
		t.tollsOn[a] = append(t.tollsOn[a], i)
	}
	for m := range t.members {
		for _, a := range t.pathOf(m) {
			if slices.Contains(arcs, a) {
				t.tolls[i].users |= 1 << m
			}
		}
	}
	return i
}

// charge changes the price of a toll.
func (t *tree) charge(i int32, by int64) {
	if by == 0 {
		return
	}
	t.guided = false
	c := &t.tolls[i]
	if c.price == 0 {
		t.priced = append(t.priced, i)
	}
	c.price += by
	t.paid += by
	for _, a := range c.arcs {
		t.weight[a] += by
	}
	if c.price == 0 {
		t.priced = slices.DeleteFunc(t.priced, func(p int32) bool { return p == i })
	}
}

// apart picks arcs of a risk, those that members have first, of which no path
// within the limit has two.
func (t *tree) apart(r int32) (chosen []int32) {
	arcs := t.ofRisk.at(r)
	var wanted []int32
	for m := range t.members {
		for _, a := range t.pathOf(m) {
			if t.users[r]>>m&1 == 1 && slices.Contains(arcs, a) {
				wanted = append(wanted, a)
				break
			}
		}
	}
	wanted = append(wanted, arcs[:min(tollArcs, len(arcs))]...)
	for _, a := range wanted {
		if !slices.ContainsFunc(chosen, func(b int32) bool { return a == b || t.together(r, a, b) || t.together(r, b, a) }) {
			chosen = append(chosen, a)
		}
	}
	return chosen
}

// together reports whether a path within the limit can have arc a and, later,
// arc b of risk r.
func (t *tree) together(r, a, b int32) bool {
	s := t.space
	if s.from[a] == s.from[b] || s.to[a] == s.to[b] || s.link[a] == s.link[b]^1 {
		return false
	}
	key := [2]int32{r, a}
	reached, ok := t.reached[key]
	if !ok {
		reached = t.reachable(r, a)
		t.reached[key] = reached
	}
	return reached[slices.Index(s.ofRisk.at(r), b)] <= s.slack
}

// reachable is the least excess of a path that has arc a and, later, each arc
// of risk r.
func (t *tree) reachable(r, a int32) []int64 {
	s, dist := t.space, t.router.dist // all of it is Never between two routes
	for _, v := range t.router.touch {
		dist[v] = Never
	}
	touch, q := t.router.touch[:0], t.router.queue[:0]
	reach := func(v int32, d int64) {
		if d+s.ahead[v] > s.slack || d >= dist[v] {
			return
		}
		if dist[v] == Never {
			touch = append(touch, v)
		}
		dist[v] = d
		q.Push(flow.Entry{Dist: d, Vertex: v})
	}
	reach(s.to[a], s.behind[s.from[a]]+s.excess[a])
	for len(q) > 0 {
		e := q.Pop()
		if e.Dist > dist[e.Vertex] {
			continue
		}
		t.halt.work++
		for next := s.first[e.Vertex]; next < s.first[e.Vertex+1]; next++ {
			reach(s.to[next], e.Dist+s.excess[next])
		}
	}
	arcs := s.ofRisk.at(r)
	all := make([]int64, len(arcs))
	for i, b := range arcs {
		all[i] = min(Never, dist[s.from[b]]+s.excess[b]+s.ahead[s.to[b]])
	}
	t.router.touch, t.router.queue = touch, q
	return all
}

// fix closes the arcs that no set below the limit has: with them, the least
// bound of the present prices reaches it.
func (t *tree) fix() {
	if t.limit >= Never {
		return
	}
	s := t.space
	nodes := len(s.original)
	behind, ahead := make([]int64, nodes), make([]int64, nodes)
	t.sweep(behind, false)
	t.sweep(ahead, true)
	least := Never
	for v, exit := range s.exit {
		if exit {
			least = min(least, behind[v])
		}
	}
	rest := least*int64(t.K-1) - t.paid
	for a := range s.link {
		if through := behind[s.from[a]] + t.weight[a] + ahead[s.to[a]]; through >= Never || t.round(rest+through) >= t.limit {
			t.shut[a] = true
		}
	}
}

// sweep is the least weight from an entrance to every node, or to an exit,
// whoever owns what.
func (t *tree) sweep(dist []int64, back bool) {
	t.router.work += t.space.distances(dist, &t.router.queue, back, func(a int32) int64 {
		if t.shut[a] {
			return Never
		}
		return t.weight[a]
	})
}

// payers is how many members pay a toll.
func (t *tree) payers(i int32) int { return bits.OnesCount8(t.tolls[i].users) }
