package solve

import (
	"slices"

	"github.com/keiro-net/keiro/pathspec/solve/disjoint"
	"github.com/keiro-net/keiro/topology"
)

// package budget: what intents mean to each other and what a change means to
// them needs the compiled problem, its reasons and its answers at every step;
// the search for the paths of one intent has a package of its own.

// warm is a run before a change, and what it knows of the run after it.
type warm struct {
	base    *run
	engine  *Engine
	detours *detours
	to      []int32      // of every entry before: what it is now; -1: gone; nil: the same
	from    []int32      // of every entry now: what it was; -1: new; nil: the same
	became  []difference // of every entry before; nil: see down of the run
	better  []int32      // entries now that may help somebody

	none     []topology.Bandwidth
	reserved []topology.Bandwidth // in the run before, at the same turn, of every link as it was
	unlike   []int32              // links now of which what is left may differ
	marked   []bool
}

func (w *warm) now(l int32) int32 {
	if w.to == nil {
		return l
	}
	if e := w.to[l/2]; e >= 0 {
		return 2*e + l&1
	}
	return -1
}

func (w *warm) then(l int32) int32 {
	if w.from == nil {
		return l
	}
	if e := w.from[l/2]; e >= 0 {
		return 2*e + l&1
	}
	return -1
}

func (w *warm) mark(l int32) {
	if l >= 0 && !w.marked[l/2] {
		w.marked[l/2] = true
		w.unlike = append(w.unlike, l&^1)
	}
}

// difference is what became of entry e of the run before.
func (w *warm) difference(r *run, e int32) difference {
	switch {
	case w.became != nil:
		return w.became[e]
	case r.down != nil && r.down[e]:
		return gone
	}
	return 0
}

// keep returns the answer of the run before where that still is the answer.
func (w *warm) keep(r *run, i int) (found, bool) {
	in, was := &r.intents[i], &w.base.first[i]
	b := in.Require.Bandwidth
	f := found{Answer: was.Answer, set: was.set}
	var e effect
	if f.set, e.lost = w.renumber(was.set); !e.lost {
		e.lost = slices.ContainsFunc(slices.Concat(was.set...), func(l int32) bool {
			return hurts(in, w.difference(r, l/2)) || b > 0 && free(r.t, r.reserved, w.now(l)) < b
		})
	}
	if e.lost {
		return found{}, false
	}
	for _, n := range w.better {
		if old := w.then(2 * n); old < 0 || helps(in, w.became[old/2]) {
			e.gained = e.gained || w.helpful(i, was, n)
		}
	}
	for _, l := range w.unlike {
		e.level = true
		if b == 0 || r.down != nil && r.down[l/2] {
			continue
		}
		old := w.then(l)
		switch {
		case old < 0 || free(w.base.t, w.reserved, old) >= b || free(r.t, r.reserved, l) < b:
		case free(w.base.t, w.none, old) < b: // it was too small even when empty
			e.gained = e.gained || w.helpful(i, was, l/2)
		default:
			e.freed = true
		}
	}
	if touched(in, was, e, b == 0 || w.engine.ample, func() bool { return w.engine.sole(i) }) {
		return found{}, false
	}
	return f, true
}

// helpful reports whether a set with entry n may be better than an answer.
func (w *warm) helpful(i int, was *found, n int32) bool {
	return len(w.better) > mostDetours || !w.detours.exclude(i, was, n)
}

// renumber states a set in links as they are now; gone where one is gone.
func (w *warm) renumber(set []disjoint.Path) (now []disjoint.Path, gone bool) {
	if w.to == nil {
		return set, false
	}
	for _, p := range set {
		q := make(disjoint.Path, len(p))
		for h, l := range p {
			q[h] = w.now(l)
			gone = gone || q[h] < 0
		}
		now = append(now, q)
	}
	return now, gone
}

// passed follows both runs past intent i: what it reserved before, and now.
func (w *warm) passed(r *run, i int) {
	w.replace(r, i, nil, w.base.first[i].set)
	if same, _ := w.renumber(w.base.first[i].set); !sameSet(same, r.first[i].set) {
		w.differ(r, i, w.base.first[i].set, r.first[i].set)
	}
}

// settled follows both runs past the end of a priority.
func (w *warm) settled(r *run, equals []int) {
	for _, i := range equals {
		first, last := w.base.first[i].set, w.base.now[i].set
		if !sameSet(first, last) {
			w.replace(r, i, first, last)
			w.differ(r, i, append(slices.Clone(first), last...), nil)
		}
		if !sameSet(r.first[i].set, r.now[i].set) {
			w.differ(r, i, nil, append(slices.Clone(r.first[i].set), r.now[i].set...))
		}
	}
}

// replace follows what the run before reserved.
func (w *warm) replace(r *run, i int, old, set []disjoint.Path) {
	before := &run{intents: r.intents, reserved: w.reserved}
	before.book(i, old, -1)
	before.book(i, set, 1)
}

// differ notes links on which the two runs may have reserved different sums.
func (w *warm) differ(r *run, i int, before, now []disjoint.Path) {
	if r.intents[i].Require.Bandwidth == 0 {
		return
	}
	for _, l := range slices.Concat(before...) {
		w.mark(w.now(l))
	}
	for _, l := range slices.Concat(now...) {
		w.mark(l)
	}
}
