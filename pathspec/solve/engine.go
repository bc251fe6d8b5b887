package solve

import (
	"maps"
	"reflect"
	"slices"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/admit"
	"github.com/keiro-net/keiro/pathspec/solve/disjoint"
	"github.com/keiro-net/keiro/pathspec/solve/problem"
	"github.com/keiro-net/keiro/topology"
)

// Engine answers the same intents again and again while the network changes.
// It keeps what it found, so that a change costs what it touches. Its answers
// have the status and the cost of a cold run; where sets of equal cost are to
// choose from and nobody else is affected, the paths may be others.
//
// An Engine is for one goroutine at a time.
type Engine struct {
	t       *topology.Topology
	intents []pathspec.Intent
	policy  Policy
	memory  *admit.Memory
	base    *admit.Run          // on t; nil: not yet
	open    bool                // base was stopped
	ample   bool                // no link of t can be full, whoever uses it, and nobody looks at utilisation
	floor   []int64             // of every intent: see detours
	sets    [][][]disjoint.Path // of every intent: sets that were found on t, whatever they cost; see Stands
}

// NewEngine makes an engine for a network and its intents, in file order.
func NewEngine(t *topology.Topology, intents []pathspec.Intent) *Engine {
	t = problem.Ordered(t)
	e := &Engine{t: t, intents: intents, floor: slices.Repeat([]int64{unknownFloor}, len(intents))}
	e.ample, e.memory = ample(t, intents), admit.NewMemory(len(intents))
	return e
}

// Share makes the engine answer by a policy; without, it is first come, first
// served.
func (e *Engine) Share(p Policy) {
	e.policy, e.base = p, nil
}

// Solve answers every intent on the whole network, as Solve does.
func (e *Engine) Solve(stop func() bool) pathspec.Solution {
	return e.whole(stop).Solution(admit.Everything)
}

// whole is the run on the whole network. One that was stopped goes on from
// what it has proven.
func (e *Engine) whole(stop func() bool) *admit.Run {
	if e.base != nil && (!e.open || stop != nil && stop()) {
		e.base.Resume(stop)
		return e.base
	}
	r, w := admit.New(e.t, e.intents, e.policy, stop), newWarm(e, e.t)
	r.Remember(e.memory)
	if e.base != nil {
		r.Follow(e.base, w.keep)
	}
	r.Walk()
	e.move(r, w)
	return r
}

// Begin answers on the whole network, as far as stop lets it come. Later calls
// go on from there. Without it the first of them begins.
func (e *Engine) Begin(stop func() bool) { e.whole(stop) }

// Fail answers every intent on what an outage leaves: paths only, without
// reserves and reasons. Intents that the outage does not touch keep the answer
// of Solve. The engine itself does not change. An outage that makes links
// Keyless is one for NewEngine, of what it leaves.
func (e *Engine) Fail(o topology.Outage, stop func() bool) pathspec.Solution {
	base := e.whole(stop)
	r, w := admit.New(e.t, e.intents, e.policy, stop), newWarm(e, e.t)
	w.down = make([]bool, len(e.t.Entries))
	for d := range w.down {
		w.down[d] = o.Takes(e.t, d)
	}
	r.Lose(w.down)
	r.Remember(e.memory)
	r.Follow(base, w.keep)
	r.Walk()
	return r.Solution(admit.Paths)
}

// Change answers every intent on the network as it is now: paths only, as Fail
// does. Only intents that the change touches are computed. From then on this
// is the whole network; Solve gives reserves and reasons on it.
func (e *Engine) Change(t *topology.Topology, stop func() bool) pathspec.Solution {
	t = problem.Ordered(t)
	base, w := e.whole(stop), newWarm(e, t)
	if base.Halt().Stopped() || !sameNodes(e.t, t) {
		e.memory = admit.NewMemory(len(e.intents))
		e.move(nil, w)
		return e.whole(stop).Solution(admit.Paths)
	}
	w.differ()
	r, memory, was := admit.New(t, e.intents, e.policy, stop), e.memory.Follow(w.past()), e.ample
	r.Remember(memory)
	r.Follow(base, w.keep)
	e.ample = ample(t, e.intents)
	r.Walk()
	if r.Halt().Stopped() {
		e.ample, e.floor = was, slices.Repeat([]int64{unknownFloor}, len(e.intents))
		return r.Solution(admit.Paths)
	}
	e.memory = memory
	e.move(r, w)
	return r.Solution(admit.Paths)
}

// move goes on to the network after a change. What is known of answers that
// were kept is kept.
func (e *Engine) move(r *admit.Run, w *warm) {
	e.t, e.base, e.open, e.ample, e.sets = w.t, r, r != nil && r.Halt().Stopped(), ample(w.t, e.intents), nil
	for i, kept := range w.kept {
		if !kept {
			e.floor[i] = unknownFloor
		}
	}
}

// sameNodes reports whether nothing but links differs.
func sameNodes(t, u *topology.Topology) bool {
	return slices.Equal(t.Sites, u.Sites) && slices.EqualFunc(t.Nodes, u.Nodes, func(a, b topology.Node) bool {
		labels := maps.Equal(a.Labels, b.Labels)
		a.Labels, b.Labels = nil, nil
		return labels && reflect.DeepEqual(a, b)
	})
}

// ample reports whether all intents together fit on any link, and none of them
// looks at how much is reserved.
func ample(t *topology.Topology, intents []pathspec.Intent) bool {
	var sum topology.Bandwidth
	for i := range intents {
		if intents[i].Objective == pathspec.Balance {
			return false
		}
		sum += intents[i].Require.Bandwidth
	}
	for l := range t.Links {
		if capacity, known := t.Links[l].Capacity.Get(); known && capacity < sum {
			return false
		}
	}
	return true
}
