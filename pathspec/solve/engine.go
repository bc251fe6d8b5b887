package solve

import (
	"maps"
	"reflect"
	"slices"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/disjoint"
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
	memory  *memory
	base    *run   // on t; nil: not yet
	open    bool   // base was stopped
	ample   bool   // no link of t can be full, whoever uses it, and nobody looks at utilisation
	unique  []int8 // of every intent: its answer in base is certain to be the only one: 1, not: -1, not asked: 0
	floor   []int64
	sets    [][][]disjoint.Path // of every intent: sets that were found on t, whatever they cost; see Stands
}

// NewEngine makes an engine for a network and its intents, in file order.
func NewEngine(t *topology.Topology, intents []pathspec.Intent) *Engine {
	t = ordered(t)
	e := &Engine{t: t, intents: intents, unique: make([]int8, len(intents)), floor: slices.Repeat([]int64{unknownFloor}, len(intents))}
	e.ample, e.memory = ample(t, intents), newMemory(len(intents))
	return e
}

// Share makes the engine answer by a policy; without, it is first come, first
// served.
func (e *Engine) Share(p Policy) {
	e.policy, e.base = p, nil
}

// Solve answers every intent on the whole network, as Solve does.
func (e *Engine) Solve(stop func() bool) pathspec.Solution {
	return e.whole(stop).solution(everything)
}

// whole is the run on the whole network. One that was stopped goes on from
// what it has proven.
func (e *Engine) whole(stop func() bool) *run {
	if e.base != nil && (!e.open || stop != nil && stop()) {
		e.base.halt = disjoint.NewHalt(stop)
		return e.base
	}
	r := newRun(e.t, e.intents, e.policy, stop)
	r.memory = e.memory
	if e.base != nil {
		r.warm = newWarm(e, e.base, e.t)
	}
	r.walk()
	e.move(e.t, r)
	return r
}

// Begin answers on the whole network, as far as stop lets it come. Later calls
// go on from there. Without it the first of them begins.
func (e *Engine) Begin(stop func() bool) { e.whole(stop) }

// Warm computes what makes later answers fast, for when there is time.
func (e *Engine) Warm(stop func() bool) {
	r := e.whole(stop)
	for i := range e.intents {
		if !r.halt.Stopped() && r.first[i].Status == pathspec.Satisfied && e.intents[i].Require.Bandwidth > 0 && !e.ample {
			e.sole(i)
		}
	}
}

// Fail answers every intent on what an outage leaves: paths only, without
// reserves and reasons. Intents that the outage does not touch keep the answer
// of Solve. The engine itself does not change.
func (e *Engine) Fail(o topology.Outage, stop func() bool) pathspec.Solution {
	base := e.whole(stop)
	r := newRun(e.t, e.intents, e.policy, stop)
	r.down = make([]bool, len(e.t.Entries))
	for d := range r.down {
		r.down[d] = o.Takes(e.t, d)
	}
	r.warm, r.memory = newWarm(e, base, e.t), e.memory
	r.walk()
	return r.solution(paths)
}

// Change answers every intent on the network as it is now: paths only, as Fail
// does. Only intents that the change touches are computed. From then on this
// is the whole network; Solve gives reserves and reasons on it.
func (e *Engine) Change(t *topology.Topology, stop func() bool) pathspec.Solution {
	t = ordered(t)
	base := e.whole(stop)
	if base.halt.Stopped() || !sameNodes(e.t, t) {
		e.memory = newMemory(len(e.intents))
		e.move(t, nil)
		return e.whole(stop).solution(paths)
	}
	w := newWarm(e, base, t)
	w.to, w.from = make([]int32, len(e.t.Entries)), slices.Repeat([]int32{-1}, len(t.Entries))
	w.became = make([]difference, len(e.t.Entries))
	for old := range e.t.Entries {
		now, ok := t.Entry(e.t.Entries[old].Name)
		if !ok {
			w.to[old], w.became[old] = -1, gone
			continue
		}
		w.to[old], w.from[now] = int32(now), int32(old)
		w.became[old] = compare(e.t, old, t, now)
		if w.became[old]&resized != 0 {
			w.mark(int32(2 * now))
		}
		if w.became[old] != 0 {
			w.better = append(w.better, int32(now))
		}
	}
	for now, old := range w.from {
		if old < 0 {
			w.better = append(w.better, int32(now))
		}
	}
	r := newRun(t, e.intents, e.policy, stop)
	r.warm, r.memory = w, e.memory.follow(w, t)
	was := e.ample
	e.ample = ample(t, e.intents)
	r.walk()
	if r.halt.Stopped() {
		e.ample, e.floor = was, slices.Repeat([]int64{unknownFloor}, len(e.intents))
		return r.solution(paths)
	}
	e.memory = r.memory
	e.move(t, r)
	return r.solution(paths)
}

// move goes on to a network. What is known of answers that were kept is kept.
func (e *Engine) move(t *topology.Topology, r *run) {
	if r != nil {
		r.warm, e.open = nil, r.halt.Stopped()
	}
	e.t, e.base, e.ample, e.sets = t, r, ample(t, e.intents), nil
	for i := range e.unique {
		if r == nil || !r.untouched[i] {
			e.unique[i], e.floor[i] = 0, unknownFloor
		}
	}
}

func newWarm(e *Engine, base *run, t *topology.Topology) *warm {
	return &warm{
		base: base, engine: e, detours: newDetours(e, t), marked: make([]bool, len(t.Entries)),
		none: make([]topology.Bandwidth, len(base.t.Links)), reserved: make([]topology.Bandwidth, len(base.t.Links)),
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

// sole reports whether the intent, alone on the network, has no other set of
// at most the cost of its answer. Then it has none when others are there or
// something fails, as long as that set is left.
func (e *Engine) sole(i int) bool {
	if e.unique[i] == 0 {
		e.unique[i] = -1
		if e.proveSole(i) {
			e.unique[i] = 1
		} else if e.base.halt.Stopped() {
			e.unique[i] = 0
			return false
		}
	}
	return e.unique[i] > 0
}

// soleWork bounds the search for the proof.
const soleWork = 200_000

// proveSole makes the links of the set a little dearer: then any other set
// of the same cost is cheaper.
func (e *Engine) proveSole(i int) bool {
	f := &e.base.first[i]
	p := compile(e.t, &e.intents[i], make([]topology.Bandwidth, len(e.t.Links)), 0)
	return p.level == nil && f.Optimal && p.sole(f, e.base.halt)
}

// sole is proveSole for the cheapest set of a problem, which is used up.
func (p *problem) sole(f *found, halt *disjoint.Halt) bool {
	links := slices.Concat(f.set...)
	scale := int64(len(links) + 1)
	own := make([]int64, len(p.Cost))
	for _, l := range links {
		own[l] = 1
	}
	p.price(func(l int) int64 { return p.Cost[l]*scale + own[l] })
	if dear(p, scale) {
		return false
	}
	p.MaxCost = disjoint.Never
	p.Prepare()
	h := halt.Allow(soleWork)
	set := p.Best(h)
	return !h.Stopped() && p.Total(set) == f.Cost*scale+int64(len(links))
}
