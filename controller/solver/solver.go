// Package solver answers the questions of controller/core beside its loop:
// paths first, and then why there are none and what more the network would
// stand. It keeps one warm engine for what is declared, so that an outage
// costs what it touches. It decides nothing, and it never tells a reason of a
// world that has gone by. The controller calls it.
package solver

import (
	"context"
	"log/slog"
	"maps"
	"time"

	"github.com/keiro-net/keiro/controller/core"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve"
	"github.com/keiro-net/keiro/topology"
)

// policy is how the intents of a controller share the network. What stands is
// no part of it: paths return after a repair, so that they follow from what is
// declared and what is down, and from nothing else. For the same reason every
// outage is answered from the whole network, never from the outage before, and
// by a restarted controller as by one that has seen it all.
var policy = solve.Policy{Joint: true, MaxMoves: solve.DefaultMaxMoves}

// Solver answers one question at a time; Run owns it.
type Solver struct {
	time      time.Duration
	tell      func(core.Event)
	log       *slog.Logger
	questions chan core.Solve // the Core asks no second one before it has its paths

	engine  *solve.Engine
	spec    core.Spec         // that engine is for
	keyless map[string]string // likewise
}

// New makes a solver. Paths take it limit at most, and reasons and reserves as
// long again: what is not proven then is unknown. It hands what it finds to
// tell, from Run.
func New(limit time.Duration, tell func(core.Event), log *slog.Logger) *Solver {
	return &Solver{time: limit, tell: tell, log: log, questions: make(chan core.Solve, 1)}
}

// Ask takes a question, and ends the search for the reasons of the one before.
// It never waits, as long as the one before has its paths.
func (s *Solver) Ask(q core.Solve) { s.questions <- q }

// Run answers until ctx ends.
func (s *Solver) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case q := <-s.questions:
			s.answer(ctx, q)
		}
	}
}

func (s *Solver) answer(ctx context.Context, q core.Solve) {
	began := time.Now()
	// One generation has another topology when routers say something else.
	if s.engine == nil || s.spec.Generation != q.Spec.Generation || s.spec.Topology != q.Spec.Topology || !sameLinks(s.keyless, q.Outage.Keyless) {
		s.spec, s.keyless, s.engine = q.Spec, q.Outage.Keyless, engine(q.Spec, q.Outage)
	}
	paths := fail(s.engine, q.Outage, s.time, func() bool { return ctx.Err() != nil })
	if ctx.Err() != nil {
		return // what was cut short is no answer
	}
	s.log.Debug("paths found", "question", q.Seq, "intents", len(q.Spec.Intents), "elapsed", time.Since(began))
	s.tell(core.Solved{Seq: q.Seq, Solution: paths})

	overtaken := func() bool { return ctx.Err() != nil || len(s.questions) > 0 }
	began = time.Now()
	explained := explain(q.Spec, q.Outage, paths, s.time, overtaken)
	if overtaken() {
		return
	}
	s.log.Debug("reasons found", "question", q.Seq, "elapsed", time.Since(began))
	s.tell(core.Explained{Seq: q.Seq, Solution: explained})
	// The whole network may have been cut short; for the next outage it goes on.
	s.engine.Begin(until(time.Now().Add(s.time), overtaken))
}

// sameLinks compares the links alone: why they have no keys is for people, and
// no reason to begin anew.
func sameLinks(a, b map[string]string) bool {
	return maps.EqualFunc(a, b, func(string, string) bool { return true })
}

// Answer is what a Solver would tell of a spec in what an outage leaves, each
// of paths and reasons within the limit.
func Answer(spec core.Spec, out topology.Outage, limit time.Duration, over func() bool) pathspec.Solution {
	return explain(spec, out, fail(engine(spec, out), out, limit, over), limit, over)
}

// engine is for what is declared, whatever carries no traffic. Links without
// QKD keys are rare enough to begin anew for them.
func engine(spec core.Spec, out topology.Outage) *solve.Engine {
	e := solve.NewEngine(spec.Topology.Without(topology.Outage{Keyless: out.Keyless}), spec.Intents)
	e.Share(policy)
	return e
}

// fail finds the paths. The whole network has half the time, where it was not
// solved before: what is proven on it by then need not be proven again.
func fail(e *solve.Engine, out topology.Outage, limit time.Duration, over func() bool) pathspec.Solution {
	began := time.Now()
	e.Begin(until(began.Add(limit/2), over))
	return e.Fail(out, until(began.Add(limit), over))
}

func explain(spec core.Spec, out topology.Outage, paths pathspec.Solution, limit time.Duration, over func() bool) pathspec.Solution {
	began := time.Now()
	return solve.Explain(solve.Input{
		Topology: spec.Topology.Without(out), Intents: spec.Intents, Policy: policy, Stop: over,
		Spent: func() float64 { return float64(time.Since(began)) / float64(limit) },
	}, paths)
}

// until is over at a time, or before.
func until(deadline time.Time, over func() bool) func() bool {
	return func() bool { return over() || time.Now().After(deadline) }
}
