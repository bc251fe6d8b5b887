package admit

import (
	"slices"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/problem"
)

// past is a run before this one, as this one follows it: the first of two
// rounds, or the answers before a change.
type past struct {
	*Run
	then problem.Reserved // at this point of the run before
}

func newPast(r *Run) *past { return &past{r, problem.Nothing(r.t)} }

// reconsider answers an intent in the second of two rounds.
func (p *past) reconsider(r *Run, i int) Found {
	f, ok := p.still(r, i)
	if p.first[i].Proven() && !ok {
		r.extend(openTurns)
	}
	if ok {
		return f
	}
	r.turn(openTurns)
	return p.better(r, i, r.find(i))
}

// still returns the answer of the first round where it is proven and the
// question is the same.
func (p *past) still(r *Run, i int) (Found, bool) {
	was := p.first[i]
	return was, was.Proven() && p.same(r, i)
}

// same reports whether an intent has the same choice in both rounds.
func (p *past) same(r *Run, i int) bool {
	b := r.intents[i].Require.Bandwidth
	if r.intents[i].Objective == pathspec.Balance {
		return slices.Equal(p.then, r.reserved)
	}
	for l := 0; b > 0 && l < len(p.then); l += 2 {
		if (p.then.Free(r.t, int32(l)) < b) != (r.reserved.Free(r.t, int32(l)) < b) {
			return false
		}
	}
	return true
}

// better chooses between the answer of the second round and that of the first.
func (p *past) better(r *Run, i int, now Found) Found {
	was, same := p.first[i], p.same(r, i)
	if now.Proven() {
		return now
	}
	if b := r.intents[i].Require.Bandwidth; !same && (was.Set == nil || b > 0 && slices.ContainsFunc(slices.Concat(was.Set...), func(l int32) bool {
		return r.reserved.Free(r.t, l) < b
	})) {
		return now
	}
	bound := now.Bound
	if same {
		bound = max(bound, was.Bound)
	} else {
		was = r.state(i, was.Set, r.reserved)
	}
	if now.Set != nil && (was.Set == nil || now.Cost < was.Cost) {
		was = now
	}
	was.Bound = bound
	return was
}

// passed follows it past an intent.
func (p *past) passed(i int) {
	p.then.Book(&p.intents[i], p.first[i].Set, 1)
}

// settled follows it past a priority.
func (p *past) settled(equals []int) {
	for _, i := range equals {
		p.then.Book(&p.intents[i], p.first[i].Set, -1)
		p.then.Book(&p.intents[i], p.now[i].Set, 1)
	}
}
