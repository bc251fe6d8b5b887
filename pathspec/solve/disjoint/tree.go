package disjoint

import (
	"math/bits"
	"slices"

	"github.com/keiro-net/keiro/pathspec/solve/flow"
)

// tree is a branch and bound over who may have which risk.
//
// The root is the flow: k cheapest paths that share no link, and no node that
// has a risk. Where they share another risk, the search goes on in the
// corridor of links that a set can have which costs little more, and widens it
// until a set is found or no link is left out.
//
// There the program over paths (bind) mostly finds the best set and the proof.
// What it leaves open is searched:
//
// In the corridor each member of the set has a cheapest path of its own.
// Members are kept apart by prices on risks (Lagrangian relaxation; Fisher,
// Management Science 27, 1981): the sum of the paths at these prices, less the
// prices, is never above the cost of a set. Prices start as the dual of the
// flow and follow the subgradient. Where two members still have one risk, the
// search branches over whose it is: nobody else may have it then. A member
// that owns nothing is like any other that owns nothing, so one of them stands
// for all. Memory is bounded by the corridor and the depth.
type tree struct {
	*Problem
	halt   *Halt
	any    bool // the first set will do
	finder *flow.Finder
	*space
	router    *router
	scale     int64      // prices are in this part of the unit of cost
	forbidden [][]uint16 // of every member and arc: how many of its risks others own
	guide     []int64    // of every node: least weight to an exit
	guided    bool       // guide is that of the present weights
	sold      []bool     // of every risk: a member owns it
	users     []uint8    // of every risk: the members, as bits, whose paths have it
	price     []int64    // of every risk: what an arc of it costs beside; 0 where a path may have two
	priced    []int32    // risks that have a price
	weight    []int64    // of every arc: scaled cost and prices
	paid      int64      // sum of all prices
	press     int64      // what a risk that another member has costs beside; see negotiate
	members   []member
	arena     []int32 // arcs of the members' paths
	owned     []int32 // of every member: how many risks it owns

	limit   int64 // a set must cost less
	best    []Path
	relaxed []Path // the flow
	ground  int64  // cost of the flow; Never: there is none
	plain   bool   // the flow is the answer
	bound   int64  // no set costs less than that
	floor   int64  // nor does one of the space cost less than that
}

// member is one path of the set that is sought.
type member struct {
	from, to int32 // arcs in the arena
	weight   int64
	stale    bool // it may not have this path any more, or there may be a cheaper one
}

func (t *tree) pathOf(m int) []int32 { return t.arena[t.members[m].from:t.members[m].to] }

// run returns the cheapest set; nil where there is none.
func (t *tree) run(down []int16) []Path {
	if t.halt.now() {
		return nil
	}
	q, ok := t.query(down)
	if !ok {
		t.bound = Never
		return nil
	}
	least, ok := t.finder.Run(q)
	t.count()
	t.plain, t.ground = !ok, Never
	if !ok {
		t.bound = Never
		return nil
	}
	t.bound, t.ground = least, least
	t.relaxed = make([]Path, 0, t.K)
	for _, q := range t.finder.Paths() {
		t.relaxed = append(t.relaxed, slices.Clone(Path(q)))
	}
	if t.plain = t.holds(t.relaxed); t.plain {
		t.best = t.relaxed
		return t.best
	}
	t.deepenFrom(least)
	if !t.halt.Stopped() && !t.any {
		t.bound = Never
		if t.best != nil {
			t.bound = t.Total(t.best)
		}
	}
	return t.best
}

// deepenFrom searches wider and wider corridors above the cost of the flow. A
// set that is found in one is the best, as the corridor has all that are as
// cheap.
func (t *tree) deepenFrom(least int64) {
	slack, growth := least/int64(16*t.K)+1, int64(4)
	if t.any {
		slack, growth = least/8+1, 8
	}
	for stage := 1; ; stage++ {
		more := t.corridor(least, slack)
		if t.any || t.bind() {
			t.seek()
		}
		beyond := Never
		if more {
			beyond = least + slack + 1
		}
		t.bound = max(t.bound, min(t.floor, beyond))
		if !more || t.halt.Stopped() || t.best != nil && (t.any || t.Total(t.best) <= least+slack) {
			return
		}
		t.bound = beyond
		if stage == 1 {
			t.negotiate(least)
		}
		slack *= growth
		if t.best != nil {
			slack = min(slack, t.Total(t.best)-least)
		}
	}
}

// corridor takes the search to the sets that cost at most slack more than the
// flow; more: there are dearer ones.
func (t *tree) corridor(least, slack int64) (more bool) {
	links, more := t.finder.Corridor(slack)
	t.count()
	t.prepare(links)
	t.limit = least + slack + 1
	if !more {
		t.limit = Never
	}
	if t.best != nil {
		t.limit = min(t.limit, t.Total(t.best))
	}
	return more
}

// count adds the work of the finder to that of the halt.
func (t *tree) count() {
	t.halt.work += t.finder.Settled
	t.finder.Settled = 0
	t.halt.now()
}

// query states the relaxation; false where bounds leave no link.
func (t *tree) query(down []int16) (*flow.Query, bool) {
	q := &flow.Query{K: t.K, From: ends(t.Source), To: ends(t.Target), Cost: t.Cost, Shut: t.Closed, Narrow: t.narrow()}
	if down != nil {
		q.Shut = slices.Clone(q.Shut)
		for l := range q.Shut {
			q.Shut[l] = q.Shut[l] || down[l/2] > 0
		}
	}
	if len(q.From) == 0 || len(q.To) == 0 {
		return nil, false
	}
	if t.MaxDelay < Never {
		q.Shut = t.trim(q, t.Delay, t.MaxDelay)
	}
	if t.MaxHops < Never {
		q.Shut = t.trim(q, nil, t.MaxHops)
	}
	return q, true
}

// trim shuts the links that are on no path within a bound.
func (t *tree) trim(q *flow.Query, length []int64, limit int64) []bool {
	behind, ahead := make([]int64, len(t.Source)), make([]int64, len(t.Source))
	t.finder.Distances(behind, q.From, length, q.Shut, false, limit)
	t.finder.Distances(ahead, q.To, length, q.Shut, true, limit)
	shut := slices.Clone(q.Shut)
	for l, link := range t.Links {
		by := int64(1)
		if length != nil {
			by = length[l]
		}
		shut[l] = shut[l] || behind[link.From]+by+ahead[link.To] > limit
	}
	return shut
}

// prepare sets out the search in a corridor: nothing is owned, and prices are
// the dual of the flow.
func (t *tree) prepare(links []int32) {
	s := newSpace(t.Problem, links)
	t.space, t.router = s, newRouter(len(s.original))
	t.scale = 1
	if top := t.bound; top < 1<<40 {
		t.scale = 32
	}
	arcs := len(s.link)
	t.forbidden = make([][]uint16, t.K)
	for m := range t.forbidden {
		t.forbidden[m] = make([]uint16, arcs)
	}
	t.guide, t.guided = make([]int64, len(s.original)), false
	t.sold, t.users = make([]bool, len(s.risk)), make([]uint8, len(s.risk))
	t.price, t.priced, t.paid = make([]int64, len(s.risk)), nil, 0
	t.weight = make([]int64, arcs)
	for a := range t.weight {
		t.weight[a] = s.cost[a] * t.scale
	}
	t.members, t.owned, t.arena = make([]member, t.K), make([]int32, t.K), t.arena[:0]
	for m := range t.members {
		t.members[m].stale = true
	}
	for a, l := range s.link {
		if p := t.finder.LinkPrice(l); p > 0 {
			t.inherit(int32(a), t.OnEntry[l/2][:1], p*t.scale)
		}
	}
	charged := make([]bool, len(s.original))
	for a := range s.link {
		for _, v := range [2]int32{s.from[a], s.to[a]} {
			n := s.original[v]
			if p := t.finder.NodePrice(n); p > 0 && !charged[v] && (v == s.to[a] || t.Source[n]) {
				charged[v] = true
				t.inherit(int32(a), t.Problem.enter[n], p*t.scale)
			}
		}
	}
}

// inherit lets a risk of an arc take over the price of a link or node: one of
// the wanted that a path has once at the most.
func (t *tree) inherit(a int32, wanted []int32, price int64) {
	for _, r := range t.ofArc.at(a) {
		if t.once[r] && slices.Contains(wanted, t.risk[r]) {
			t.charge(r, price)
			return
		}
	}
}

// note tells which member's path has which risks, or that it has not any more.
func (t *tree) note(m int, have bool) {
	bit := uint8(1) << m
	for _, a := range t.pathOf(m) {
		for _, r := range t.ofArc.at(a) {
			if have {
				t.users[r] |= bit
			} else {
				t.users[r] &^= bit
			}
		}
	}
}

// settle gives every member that needs one a new path; false where one has
// none, or all together cost too much.
func (t *tree) settle() bool {
	for m := range t.members {
		if t.members[m].stale {
			t.note(m, false)
			t.members[m].to = t.members[m].from
		}
	}
	for m := range t.members {
		if t.members[m].stale && !t.move(m, t.allowance(m)) {
			return false
		}
	}
	return true
}

// move gives a member its cheapest path; false where that costs more than most.
func (t *tree) move(m int, most int64) bool {
	t.note(m, false)
	path, weight, ok := t.route(m, most)
	t.halt.work += t.router.work
	t.router.work = 0
	if !ok {
		t.members[m].to = t.members[m].from
		return false
	}
	from := int32(len(t.arena))
	t.arena = append(t.arena, path...)
	t.members[m] = member{from, int32(len(t.arena)), weight, false}
	t.note(m, true)
	return true
}

// allowance is the most that the path of a member may cost at present prices.
func (t *tree) allowance(m int) int64 {
	if t.limit >= Never {
		return Never
	}
	left := t.limit*t.scale + t.paid - 1
	for o := range t.members {
		if o != m && !t.members[o].stale {
			left -= t.members[o].weight
		}
	}
	return left
}

// least is the bound of the present prices and owners on the cost of a set.
func (t *tree) least() int64 { return t.round(-t.paid + t.sum()) }

func (t *tree) sum() (weight int64) {
	for m := range t.members {
		weight += t.members[m].weight
	}
	return weight
}

// round gives a scaled bound as a cost.
func (t *tree) round(scaled int64) int64 { return (scaled + t.scale - 1) / t.scale }

// offer keeps the members' paths as a set, where no two have one risk.
func (t *tree) offer() (cost int64) {
	for m := range t.members {
		cost += t.costOf(t.pathOf(m))
	}
	if cost < t.limit {
		t.limit, t.best = cost, nil
		for m := range t.members {
			t.best = append(t.best, t.path(t.pathOf(m)))
		}
	}
	return cost
}

// contested lists the risks that several members have, each once.
func (t *tree) contested() (risks []int32) {
	for m := range t.members {
		for _, a := range t.pathOf(m) {
			for _, r := range t.ofArc.at(a) {
				if u := t.users[r]; u&(u-1) != 0 && bits.TrailingZeros8(u) == m && !slices.Contains(risks, r) {
					risks = append(risks, r)
				}
			}
		}
	}
	return risks
}

func newTree(p *Problem, h *Halt, any bool) *tree {
	return &tree{Problem: p, halt: h, any: any, finder: p.Finder}
}
