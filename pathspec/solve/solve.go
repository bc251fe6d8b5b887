// Package solve finds path sets: jointly, deterministically and with a reason
// where there is none. It is pure; its answers are verified by pathspec.Check,
// with which it shares no code. It never guesses: what it has not proven is
// `unknown`. The controller and the command line call it.
//
// Behind this door are rooms, each of which knows only those below it: admit
// (many intents together), why and survive (what is told besides the paths),
// problem (one intent in numbers), disjoint and flow (the search). The warm
// engine is here: what a change of the network means to answers that are known.
package solve

import (
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/admit"
	"github.com/keiro-net/keiro/pathspec/solve/problem"
	"github.com/keiro-net/keiro/topology"
)

// Input is a question: what exists and what is wanted, in file order.
type Input struct {
	Topology *topology.Topology
	Intents  []pathspec.Intent
	// Stop is asked now and then; true ends the search, and what is not
	// proven by then is `unknown`. nil never stops.
	Stop func() bool
	// Spent tells how much of the time limit has passed, from 0 to 1. At 1 the
	// search ends as if stopped; until then every intent has its share. nil: no
	// limit.
	Spent func() float64
	// PathsOnly leaves out reserves, and reasons but for their code.
	PathsOnly bool
	// NoReserve leaves out reserves, and finds reasons all the same.
	NoReserve bool
	Policy
}

// Policy says how intents share the network. The zero value is first come,
// first served.
type Policy = admit.Policy

// The policy where nobody states another.
const (
	DefaultMaxMoves   = admit.DefaultMaxMoves
	DefaultKeepMargin = admit.DefaultKeepMargin
)

// Solve answers every intent. Equal inputs give equal answers as long as
// neither Stop nor a share of the time limit ends a search for good: one that
// was too short is made up for as long as there is time left.
//
// Intents are admitted by priority, then in file order, each with the best
// paths in the capacity that those before it leave; what Policy says goes on
// from there. Paths come first, for all intents; reserves and reasons after
// that, so that a stop costs those.
func Solve(in Input) pathspec.Solution {
	r, of := in.run(), in.detail()
	if in.Policy.Shared() {
		r.Remember(admit.NewMemory(len(in.Intents))) // else nobody is asked twice
	}
	if c := in.clock(); c == nil {
		r.Walk()
	} else {
		r = r.Share(c, of)
	}
	return r.Solution(of)
}

// Explain adds to answers what PathsOnly left out of them: reserves, reasons
// and the new link. They must be those to the same question, in its order, by
// Solve or by Engine.Fail, and stay what they are. What the time limit cuts
// short is said to be so: reasons in words, reserves by a bound.
func Explain(in Input, answers pathspec.Solution) pathspec.Solution {
	return in.run().Tell(answers, in.clock(), in.detail())
}

func (in *Input) run() *admit.Run {
	return admit.New(problem.Ordered(in.Topology), in.Intents, in.Policy, in.stopped())
}

func (in *Input) detail() admit.Detail {
	switch {
	case in.PathsOnly:
		return admit.Paths
	case in.NoReserve:
		return admit.Reasons
	}
	return admit.Everything
}

// stopped is Stop with the end of the time limit.
func (in *Input) stopped() func() bool {
	stop, spent := in.Stop, in.Spent
	if spent == nil {
		return stop
	}
	return func() bool { return stop != nil && stop() || spent() >= 1 }
}

func (in *Input) clock() *admit.Clock {
	if in.Spent == nil {
		return nil
	}
	return admit.NewClock(in.Spent, in.stopped())
}
