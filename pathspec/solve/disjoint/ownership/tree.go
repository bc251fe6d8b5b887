// Package ownership searches a corridor for the best set of paths, by a branch
// and bound over who may have which risk. It comes to an end whatever the
// corridor, if its halt lets it; pathspec/solve/disjoint calls it for what the
// program over paths leaves open, and where any set will do. It knows neither
// flows nor other corridors.
package ownership

import (
	"math/bits"
	"slices"

	"github.com/keiro-net/keiro/pathspec/solve/disjoint/corridor"
	"github.com/keiro-net/keiro/pathspec/solve/disjoint/halt"
)

// Never is no bound: more than any path can reach.
const Never = corridor.Never

// Tree is the search. Each member of the set has a cheapest path of its own.
// Members are kept apart by prices on risks (Lagrangian relaxation; Fisher,
// Management Science 27, 1981): the sum of the paths at these prices, less the
// prices, is never above the cost of a set. Prices start as the caller says
// and follow the subgradient. Where two members still have one risk, the
// search branches over whose it is: nobody else may have it then. A member
// that owns nothing is like any other that owns nothing, so one of them stands
// for all. Memory is bounded by the corridor and the depth.
type Tree struct {
	*corridor.Space
	k         int
	best      *corridor.Best
	halt      *halt.Halt
	any       bool // the first set will do
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
	press     int64      // what a risk that another member has costs beside; see Negotiate
	members   []member
	arena     []int32 // arcs of the members' paths
	owned     []int32 // of every member: how many risks it owns
}

// member is one path of the set that is sought.
type member struct {
	from, to int32 // arcs in the arena
	weight   int64
	stale    bool // it may not have this path any more, or there may be a cheaper one
}

// New is a search for k paths, at most 8, that cost less than best, which it
// betters. The prices are of risks that a path has once at the most. top is
// about what a set costs.
func New(s *corridor.Space, k int, best *corridor.Best, h *halt.Halt, prices []corridor.Price, top int64) *Tree {
	t := &Tree{Space: s, k: k, best: best, halt: h, router: newRouter(len(s.Node)), scale: 1}
	if top < 1<<40 {
		t.scale = 32
	}
	arcs := len(s.Link)
	t.forbidden = make([][]uint16, k)
	for m := range t.forbidden {
		t.forbidden[m] = make([]uint16, arcs)
	}
	t.guide = make([]int64, len(s.Node))
	t.sold, t.users = make([]bool, len(s.Risk)), make([]uint8, len(s.Risk))
	t.price, t.weight = make([]int64, len(s.Risk)), make([]int64, arcs)
	for a := range t.weight {
		t.weight[a] = s.Cost[a] * t.scale
	}
	t.members, t.owned = make([]member, k), make([]int32, k)
	for m := range t.members {
		t.members[m].stale = true
	}
	for _, p := range prices {
		t.charge(p.Risk, p.Price*t.scale)
	}
	return t
}

// Search betters the best set until there is no better one in the corridor.
func (t *Tree) Search() {
	if len(t.Link) > 0 {
		t.visit(true)
	}
}

// Some is Search that ends at the first set.
func (t *Tree) Some() {
	t.any = true
	t.Search()
}

func (t *Tree) pathOf(m int) []int32 { return t.arena[t.members[m].from:t.members[m].to] }

// note tells which member's path has which risks, or that it has not any more.
func (t *Tree) note(m int, have bool) {
	bit := uint8(1) << m
	for _, a := range t.pathOf(m) {
		for _, r := range t.OfArc.At(a) {
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
func (t *Tree) settle() bool {
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
func (t *Tree) move(m int, most int64) bool {
	t.note(m, false)
	path, weight, ok := t.route(m, most)
	t.halt.Work(t.router.work)
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
func (t *Tree) allowance(m int) int64 {
	if t.best.Limit >= Never {
		return Never
	}
	left := t.best.Limit*t.scale + t.paid - 1
	for o := range t.members {
		if o != m && !t.members[o].stale {
			left -= t.members[o].weight
		}
	}
	return left
}

// least is the bound of the present prices and owners on the cost of a set.
func (t *Tree) least() int64 { return t.round(-t.paid + t.sum()) }

func (t *Tree) sum() (weight int64) {
	for m := range t.members {
		weight += t.members[m].weight
	}
	return weight
}

// round gives a scaled bound as a cost.
func (t *Tree) round(scaled int64) int64 { return (scaled + t.scale - 1) / t.scale }

// offer keeps the members' paths as a set, where no two have one risk.
func (t *Tree) offer() (cost int64) {
	set := make([][]int32, t.k)
	for m := range t.members {
		set[m] = t.pathOf(m)
	}
	return t.best.Offer(t.Space, set)
}

// contested lists the risks that several members have, each once.
func (t *Tree) contested() (risks []int32) {
	for m := range t.members {
		for _, a := range t.pathOf(m) {
			for _, r := range t.OfArc.At(a) {
				if u := t.users[r]; u&(u-1) != 0 && bits.TrailingZeros8(u) == m && !slices.Contains(risks, r) {
					risks = append(risks, r)
				}
			}
		}
	}
	return risks
}
