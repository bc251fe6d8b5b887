package admit

import (
	"slices"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/disjoint"
	"github.com/keiro-net/keiro/pathspec/solve/problem"
	"github.com/keiro-net/keiro/topology"
)

// Policy says how intents share the network. The zero value is first come,
// first served.
type Policy struct {
	// Joint lets intents of one priority make room for each other. One that is
	// infeasible for want of bandwidth is admitted where others can be re-routed
	// (rip-up and re-route), and intents are re-routed where that makes the sum
	// of their costs less. No status and no cost of a higher priority changes,
	// and no intent is given up for another. With Joint, `optimal` and
	// `infeasible` are relative to the capacity that all other satisfied intents
	// of the same or higher priority leave.
	Joint bool
	// MaxMoves is how many intents may leave a path set by choice: the standing
	// one, or else the one of first come, first served. Those that must, because
	// it broke or because an intent of higher priority, or before them, took its
	// capacity, do not count against it.
	MaxMoves int
	// Standing is the last solution; nil: nothing stands. A set of it stays
	// while it meets its intent and fits in beside all others, unless another
	// costs less by more than KeepMargin percent of its cost.
	Standing   *pathspec.Solution
	KeepMargin int
}

// The policy where nobody states another.
const (
	DefaultMaxMoves   = 16
	DefaultKeepMargin = 10
)

// The bounds of the work that goes into a better joint solution: sets found
// for each intent, on average, and intents that move so that one can.
const (
	jointWork  = 4
	jointDepth = 3
	jointTries = 4
	jointMoves = 8
)

// negotiation is between intents of one priority. Those of higher priority
// are settled, those of lower not yet there.
type negotiation struct {
	*Run
	all    []int // in file order
	equals []int // those that reserve bandwidth
	left   int   // sets that may still be looked for
	firm   []int // those whose answer is open: they stay where they are
	undo   []replaced
}

// replaced is an answer that was replaced.
type replaced struct {
	intent int
	was    Found
}

// negotiate improves on first come, first served, and keeps what stands.
func (r *Run) negotiate(all []int) {
	n := &negotiation{Run: r, all: all, left: jointWork*len(all) + 64}
	balance := false
	for _, i := range all {
		balance = balance || r.intents[i].Objective == pathspec.Balance
		if r.intents[i].Require.Bandwidth > 0 {
			n.equals = append(n.equals, i)
			if !r.first[i].Proven() {
				n.firm = append(n.firm, i)
			}
		}
	}
	if r.policy.Joint && r.policy.MaxMoves > 0 && len(n.equals) > 1 && n.scarce() {
		for _, i := range n.equals {
			if r.now[i].Status == pathspec.Infeasible {
				n.attempt(i, n.admit)
			}
		}
		for range 2 {
			for _, i := range n.equals {
				// What moves changes the cost of balance, which is not worth finding out.
				if r.now[i].Status == pathspec.Satisfied && !balance && !slices.Contains(n.firm, i) {
					n.attempt(i, n.improve)
				}
			}
		}
	}
	moved := n.moves()
	won, kept := 0, false
	if r.policy.Standing != nil {
		won, kept = n.hold(moved)
	}
	if kept || moved > r.spent || n.admitted() {
		n.settle(!kept)
		n.restate()
	}
	if !kept {
		moved = n.moves()
	}
	r.spent = moved + won
}

// scarce reports whether some link could not carry one more of the intents.
func (n *negotiation) scarce() bool {
	var most topology.Bandwidth
	for _, i := range n.equals {
		most = max(most, n.intents[i].Require.Bandwidth)
	}
	return n.short(most)
}

// short reports whether a link that is in use has less than b left.
func (r *Run) short(b topology.Bandwidth) bool {
	for l := 0; l < len(r.t.Links); l += 2 {
		if r.reserved[l] > 0 && r.reserved.Free(r.t, int32(l)) < b {
			return true
		}
	}
	return false
}

// attempt keeps what an action did if it says so and all of it is proven.
func (n *negotiation) attempt(i int, action func(i int) bool) {
	if n.left <= 0 || n.halt.Stopped() {
		return
	}
	if !action(i) || n.halt.Stopped() || n.moves() > n.policy.MaxMoves {
		n.rollback(0)
	}
	n.undo = nil
}

// moves counts the intents that left the set they were first served, with
// those of higher priority that moved by choice.
func (n *negotiation) moves() int {
	count := n.spent
	for _, i := range n.equals {
		if n.first[i].Status == pathspec.Satisfied && !sameSet(n.first[i].Set, n.now[i].Set) {
			count++
		}
	}
	return count
}

// sameSet reports whether two sets have the same paths; their order follows
// the costs, which others may change where the objective is balance.
func sameSet(a, b []disjoint.Path) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(p disjoint.Path) bool {
		return !slices.ContainsFunc(b, func(q disjoint.Path) bool { return slices.Equal(p, q) })
	})
}

// put replaces the answer of an intent.
func (n *negotiation) put(i int, f Found) {
	n.undo = append(n.undo, replaced{i, n.now[i]})
	n.book(i, n.now[i].Set, -1)
	n.now[i] = f
	n.book(i, f.Set, 1)
}

// rollback takes back what was put since there were so many changes.
func (n *negotiation) rollback(to int) {
	for len(n.undo) > to {
		last := n.undo[len(n.undo)-1]
		n.undo = n.undo[:len(n.undo)-1]
		n.book(last.intent, n.now[last.intent].Set, -1)
		n.now[last.intent] = last.was
		n.book(last.intent, last.was.Set, 1)
	}
}

// again looks for the best set of an intent in what all others leave.
func (n *negotiation) again(i int) bool {
	n.left--
	n.book(i, n.now[i].Set, -1)
	f := n.find(i)
	n.book(i, n.now[i].Set, 1)
	n.put(i, f)
	return f.Status == pathspec.Satisfied
}

// admit makes room for an intent that found none.
func (n *negotiation) admit(i int) bool { return n.force(i, n.firm, jointDepth) }

// force takes the set of an intent that disturbs the fewest links, and
// re-routes those who are disturbed, who may disturb others in turn. Those in
// fixed stay where they are.
func (n *negotiation) force(i int, fixed []int, depth int) bool {
	start := len(n.undo)
	fixed = append(slices.Clone(fixed), i)
	for range jointTries {
		set := n.lure(i, fixed, true)
		if set == nil {
			return false
		}
		stuck, ok := n.displace(i, set, fixed, depth)
		if ok {
			return true
		}
		n.rollback(start)
		if stuck < 0 {
			return false
		}
		fixed = append(fixed, stuck)
	}
	return false
}

// displace gives an intent a set and re-routes those that had its capacity.
// Where that fails it says whose fault it is; -1: nobody's.
func (n *negotiation) displace(i int, set []disjoint.Path, fixed []int, depth int) (stuck int, ok bool) {
	n.put(i, Found{Set: set})
	victims := n.victims(set, fixed)
	if len(victims) > jointMoves {
		return -1, false
	}
	for _, v := range victims {
		n.put(v, Found{Answer: n.now[v].Answer})
	}
	for at, v := range victims {
		switch {
		case n.left <= 0 || n.halt.Stopped():
			return -1, false
		case n.again(v):
		case depth == 0 || !n.force(v, append(slices.Clone(fixed), victims[:at]...), depth-1):
			return v, false
		}
	}
	return -1, n.again(i)
}

// victims are those who must leave the links of a set that are overbooked,
// the last to be admitted first.
func (n *negotiation) victims(set []disjoint.Path, fixed []int) (victims []int) {
	gone := map[int32]topology.Bandwidth{} // by what victims leave, of every entry
	for _, l := range slices.Concat(set...) {
		for at := len(n.equals) - 1; at >= 0 && n.reserved.Free(n.t, l)+gone[l/2] < 0; at-- {
			v := n.equals[at]
			if slices.Contains(fixed, v) || slices.Contains(victims, v) || !slices.Contains(slices.Concat(n.now[v].Set...), l) &&
				!slices.Contains(slices.Concat(n.now[v].Set...), l^1) {
				continue
			}
			victims = append(victims, v)
			for _, own := range slices.Concat(n.now[v].Set...) {
				gone[own/2] += n.intents[v].Require.Bandwidth
			}
		}
	}
	slices.SortFunc(victims, func(a, b int) int { return slices.Index(n.equals, a) - slices.Index(n.equals, b) })
	return victims
}

// lure finds a set for an intent as if those who are not fixed would make
// room: the one that disturbs the fewest links where shy, else the cheapest.
func (n *negotiation) lure(i int, fixed []int, shy bool) []disjoint.Path {
	n.left--
	n.book(i, n.now[i].Set, -1)
	defer n.book(i, n.now[i].Set, 1)
	hard := slices.Clone(n.reserved)
	for _, v := range n.equals {
		if v != i && !slices.Contains(fixed, v) {
			hard.Book(&n.intents[v], n.now[v].Set, -1)
		}
	}
	if !shy {
		if f, lasting := n.ask(i, hard, n.halt); lasting {
			return f.Set // the cheapest, whomever it disturbs
		}
	}
	p := problem.Compile(n.t, &n.intents[i], hard, 0).Without(n.down)
	const weight = 1 << 20 // more links than a set has, and far less than a cost may be
	p.Reprice(func(l int) int64 {
		disturbed := int64(0)
		if n.reserved.Free(n.t, int32(l)) < n.intents[i].Require.Bandwidth {
			disturbed = 1
		}
		if shy {
			return min(p.Cost[l], weight) + disturbed*weight*weight
		}
		return p.Cost[l]*weight + disturbed
	})
	if !shy && p.Dear(weight) || len(n.t.Nodes) > weight/16 {
		return nil
	}
	p.MaxCost = disjoint.Never
	p.Prepare()
	return p.Best(n.halt)
}

// improve gives an intent its cheapest set and re-routes those in its way,
// where that makes the sum of their costs less.
func (n *negotiation) improve(i int) bool {
	if !n.tight(i) {
		return false // it has what it would have alone
	}
	fixed := append(slices.Clone(n.firm), i)
	set := n.lure(i, fixed, false)
	if set == nil || n.halt.Stopped() || sameSet(set, n.now[i].Set) {
		return false
	}
	if _, ok := n.displace(i, set, fixed, 0); !ok {
		return false
	}
	return n.cheaper()
}

// tight reports whether a link that others use is full for an intent.
func (n *negotiation) tight(i int) bool {
	n.book(i, n.now[i].Set, -1)
	defer n.book(i, n.now[i].Set, 1)
	return n.short(n.intents[i].Require.Bandwidth)
}

// cheaper compares the sums of the costs before and after, for each objective:
// costs of different objectives do not add up.
func (n *negotiation) cheaper() bool {
	var sums [4]int64
	seen := map[int]bool{}
	for _, c := range n.undo {
		if i := c.intent; !seen[i] {
			seen[i] = true
			if n.now[i].Status != pathspec.Satisfied {
				return false
			}
			sums[n.intents[i].Objective] += n.now[i].Cost - c.was.Cost
		}
	}
	less := false
	for _, sum := range sums {
		if sum > 0 {
			return false
		}
		less = less || sum < 0
	}
	return less
}

func (n *negotiation) admitted() bool {
	return slices.ContainsFunc(n.equals, func(i int) bool {
		return n.now[i].Status == pathspec.Satisfied && n.first[i].Status != pathspec.Satisfied
	})
}
