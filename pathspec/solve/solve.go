// Package solve finds path sets: jointly, deterministically and with a reason
// where there is none. It is pure; its answers are verified by pathspec.Check.
package solve

import (
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// Input is a question: what exists and what is wanted, in file order.
type Input struct {
	Topology *topology.Topology
	Intents  []pathspec.Intent
	// Stop is asked now and then; true ends the search, and what is not
	// proven by then is `unknown`. nil never stops.
	Stop func() bool
}

// Solve answers every intent. Equal inputs give equal answers as long as Stop
// does not end the search.
func Solve(in Input) pathspec.Solution { panic("see the solver") }
