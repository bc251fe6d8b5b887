package solve

import (
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// Engine answers the same intents again and again while the network changes.
// It keeps what it compiled and found, so that a change costs what it touches.
type Engine struct {
	t       *topology.Topology
	intents []pathspec.Intent
}

// NewEngine makes an engine for a network and its intents, in file order.
func NewEngine(t *topology.Topology, intents []pathspec.Intent) *Engine {
	return &Engine{t: t, intents: intents}
}

// Solve answers every intent on the whole network, as Solve does.
func (e *Engine) Solve(stop func() bool) pathspec.Solution {
	return Solve(Input{Topology: e.t, Intents: e.intents, Stop: stop})
}

// Fail answers every intent on what an outage leaves: paths only, without
// reserves and reasons. Intents that the outage does not touch keep the answer
// of Solve. The engine itself does not change.
func (e *Engine) Fail(o topology.Outage, stop func() bool) pathspec.Solution {
	return Solve(Input{Topology: e.t.Without(o), Intents: e.intents, Stop: stop, PathsOnly: true})
}
