package solve

import (
	"slices"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/admit"
	"github.com/keiro-net/keiro/pathspec/solve/disjoint"
	"github.com/keiro-net/keiro/pathspec/solve/problem"
	"github.com/keiro-net/keiro/topology"
)

// Stands says of every intent whether it can be met on what an outage leaves,
// as Fail does, and leaves out by which paths and at which cost. Where no link
// can be full nobody is in anybody's way: then any set will do. One that was
// found for another outage and that this one spares needs no search, and one
// that loses a path is mended first. The engine itself does not change.
func (e *Engine) Stands(o topology.Outage, stop func() bool) []pathspec.Status {
	all := make([]pathspec.Status, len(e.intents))
	if !e.ample {
		for i, a := range e.Fail(o, stop).Intents {
			all[i] = a.Status
		}
		return all
	}
	base := e.whole(stop)
	if e.sets == nil {
		e.sets = make([][][]disjoint.Path, len(e.intents))
	}
	down := make([]int16, len(e.t.Entries))
	for d := range down {
		if o.Takes(e.t, d) {
			down[d] = 1
		}
	}
	for i := range all {
		all[i] = e.stands(base, i, down)
	}
	return all
}

// mostSets bounds what is kept of one intent.
const mostSets = 256

// stands says it of one intent that nobody is in the way of.
func (e *Engine) stands(base *admit.Run, i int, down []int16) pathspec.Status {
	spared := func(set []disjoint.Path) bool {
		return !slices.ContainsFunc(set, func(p disjoint.Path) bool {
			return slices.ContainsFunc(p, func(l int32) bool { return down[l/2] > 0 })
		})
	}
	first := base.First(i)
	switch {
	case first.Status == pathspec.Infeasible:
		return pathspec.Infeasible // less is no help
	case first.Set != nil && spared(first.Set), slices.ContainsFunc(e.sets[i], spared):
		return pathspec.Satisfied
	}
	p := problem.Compile(e.t, &e.intents[i], problem.Nothing(e.t), 0)
	var set []disjoint.Path
	if first.Set != nil {
		set = p.Mend(first.Set, down)
	}
	for n := 0; set == nil && n < len(e.sets[i]); n++ {
		set = p.Mend(e.sets[i][n], down)
	}
	if set == nil {
		set = p.Any(base.Halt(), down)
	}
	switch {
	case set != nil:
		if len(e.sets[i]) < mostSets {
			e.sets[i] = append(e.sets[i], set)
		}
		return pathspec.Satisfied
	case base.Halt().Stopped():
		return pathspec.Undecided
	}
	return pathspec.Infeasible
}
