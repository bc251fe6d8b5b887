package admit

import (
	"slices"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/disjoint"
	"github.com/keiro-net/keiro/pathspec/solve/problem"
	"github.com/keiro-net/keiro/pathspec/solve/why"
)

// settle makes the answers true of the capacity that all others leave in the
// end: whoever finds better there moves, where free to, or is not said to be
// optimal.
func (n *negotiation) settle(free bool) {
	for calm := false; !calm; {
		calm = true
		n.left -= len(n.equals)
		n.extend(len(n.equals))
		for _, i := range n.equals {
			n.turn(1)
			was := n.now[i]
			if !n.first[i].Proven() {
				n.now[i].Bound = 0 // others may have made room; what is open is not asked for again
				continue
			}
			if was.Status == pathspec.Satisfied && n.intents[i].Objective == pathspec.Balance {
				continue // see restate
			}
			n.undo = nil
			n.again(i)
			switch f := &n.now[i]; {
			case sameSet(f.Set, was.Set):
			case was.Status != pathspec.Satisfied && f.Status == pathspec.Satisfied:
			case free && n.left > 0 && f.Optimal && f.Cost < was.Cost && n.moves() <= n.policy.MaxMoves:
				calm = false // what it left may be of use to others
			default:
				optimal := f.Optimal && f.Cost == was.Cost
				n.rollback(0)
				n.now[i].Optimal = optimal
			}
		}
	}
	n.undo = nil
}

// restate corrects the costs of balance, which count what those before have
// reserved: others may have moved since.
func (n *negotiation) restate() {
	before := slices.Clone(n.reserved)
	for _, i := range n.all {
		before.Book(&n.intents[i], n.now[i].Set, -1)
	}
	first := slices.Clone(before)
	for _, i := range n.all {
		if f := &n.now[i]; f.Status == pathspec.Satisfied && n.intents[i].Objective == pathspec.Balance &&
			!(sameSet(f.Set, n.first[i].Set) && slices.Equal(before, first)) {
			n.now[i] = n.state(i, f.Set, before)
		}
		before.Book(&n.intents[i], n.now[i].Set, 1)
		first.Book(&n.intents[i], n.first[i].Set, 1)
	}
}

// state is the answer that a set is in the capacity that is left, without a
// claim to be optimal.
func (r *Run) state(i int, set []disjoint.Path, reserved problem.Reserved) Found {
	p := problem.Compile(r.t, &r.intents[i], reserved, 0)
	q := &question{Question: why.Question{Topology: r.t, Intent: &r.intents[i], Reserved: reserved, Halt: r.halt}}
	set = slices.Clone(set)
	a := q.satisfied(p, set)
	a.Cost = p.CostOfSet(set)
	return Found{a, set}
}
