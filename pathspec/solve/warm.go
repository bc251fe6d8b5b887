package solve

import (
	"slices"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/admit"
	"github.com/keiro-net/keiro/pathspec/solve/disjoint"
	"github.com/keiro-net/keiro/pathspec/solve/problem"
	"github.com/keiro-net/keiro/topology"
)

// warm is what an engine knows of a change: which answers of before hold after
// it.
type warm struct {
	engine  *Engine
	was, t  *topology.Topology // before and now
	detours *detours
	down    []bool       // of every entry: out of service; nil: none is
	to      []int32      // of every entry before: what it is now; -1: gone; nil: the same
	from    []int32      // of every entry now: what it was; -1: new; nil: the same
	became  []difference // of every entry before; nil: see down
	better  []int32      // entries now that may help somebody
	kept    []bool       // of every intent: it has its answer of before
}

func newWarm(e *Engine, t *topology.Topology) *warm {
	return &warm{engine: e, was: e.t, t: t, detours: newDetours(e, t), kept: make([]bool, len(e.intents))}
}

// differ compares the networks before and after a change, of the same nodes.
func (w *warm) differ() {
	w.to, w.from = make([]int32, len(w.was.Entries)), slices.Repeat([]int32{-1}, len(w.t.Entries))
	w.became = make([]difference, len(w.was.Entries))
	for old := range w.was.Entries {
		now, ok := w.t.Entry(w.was.Entries[old].Name)
		if !ok {
			w.to[old], w.became[old] = -1, gone
			continue
		}
		w.to[old], w.from[now] = int32(now), int32(old)
		w.became[old] = compare(w.was, old, w.t, now)
		if w.became[old] != 0 {
			w.better = append(w.better, int32(now))
		}
	}
	for now, old := range w.from {
		if old < 0 {
			w.better = append(w.better, int32(now))
		}
	}
}

// now is what a link of before is now; -1: gone.
func (w *warm) now(l int32) int32 {
	if w.to == nil {
		return l
	}
	if e := w.to[l/2]; e >= 0 {
		return 2*e + l&1
	}
	return -1
}

// difference is what became of entry e of the run before.
func (w *warm) difference(e int32) difference {
	switch {
	case w.became != nil:
		return w.became[e]
	case w.down != nil && w.down[e]:
		return gone
	}
	return 0
}

// keep returns the answer of the run before where a cold run gives the same
// status and the same cost. Where others may be in the way of an intent they
// would have to leave it the same choice as well; that is what the memory is
// for.
func (w *warm) keep(i int, then, now problem.Reserved) (admit.Found, bool) {
	in, was := &w.engine.intents[i], w.engine.base.First(i)
	if in.Require.Bandwidth > 0 && !w.engine.ample || !was.Proven() || w.lost(in, was, now) || w.gained(i, was, then, now) ||
		in.Objective == pathspec.Balance && was.Status == pathspec.Satisfied && w.level(then, now) {
		return admit.Found{}, false
	}
	w.kept[i] = true
	return admit.Found{Answer: was.Answer, Set: w.renumber(was.Set)}, true
}

// lost reports whether a link of an answer is gone, worse or full.
func (w *warm) lost(in *pathspec.Intent, was *admit.Found, now problem.Reserved) bool {
	b := in.Require.Bandwidth
	return slices.ContainsFunc(slices.Concat(was.Set...), func(l int32) bool {
		return w.now(l) < 0 || hurts(in, w.difference(l/2)) || b > 0 && now.Free(w.t, w.now(l)) < b
	})
}

// gained reports whether a link that an intent does not use may serve it
// better than before.
func (w *warm) gained(i int, was *admit.Found, then, now problem.Reserved) bool {
	in := &w.engine.intents[i]
	b := in.Require.Bandwidth
	return slices.ContainsFunc(w.better, func(n int32) bool {
		old := w.from[n]
		return (old < 0 || helps(in, w.became[old]) || b > 0 && then.Free(w.was, 2*old) < b && now.Free(w.t, 2*n) >= b) &&
			(len(w.better) > mostDetours || !w.detours.exclude(i, was, n, was.Cost))
	})
}

// level reports whether what is reserved somewhere is another.
func (w *warm) level(then, now problem.Reserved) bool {
	for l := int32(0); l < int32(len(then)); l += 2 {
		if n := w.now(l); n >= 0 && then[l] != now[n] {
			return true
		}
	}
	return false
}

// renumber states a set in links as they are now; none of them is gone.
func (w *warm) renumber(set []disjoint.Path) (now []disjoint.Path) {
	if w.to == nil {
		return set
	}
	for _, p := range set {
		q := make(disjoint.Path, len(p))
		for h, l := range p {
			q[h] = w.now(l)
		}
		now = append(now, q)
	}
	return now
}

// past is the change as the memory follows it.
func (w *warm) past() *admit.Move {
	return &admit.Move{
		Entries: len(w.t.Entries), Now: w.to, Set: w.renumber,
		Hurts: func(i int, e int32) bool { return hurts(&w.engine.intents[i], w.became[e]) },
		Tempts: func(i int, was *admit.Found) (some []int32) {
			for _, n := range w.better {
				if old := w.from[n]; (old < 0 || helps(&w.engine.intents[i], w.became[old])) &&
					(len(w.better) > mostDetours || !w.detours.exclude(i, was, n, was.Cost+1)) {
					some = append(some, n)
				}
			}
			return some
		},
	}
}
