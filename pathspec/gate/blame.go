package gate

import (
	"slices"
)

// The bounds of the search for whom to blame. Up to maxSingles changes are
// reverted one by one; more are halved. What is not found within maxTrials
// topologies and failures tried, for the whole plan, is blamed on a set that
// may not be the least.
const (
	maxSingles = 32
	maxTrials  = 500
)

// blamer reverts changes and looks whether that restores what degraded.
type blamer struct {
	*gate
	changes []Change
	worlds  map[string]*world // by what is reverted; nil where that contradicts itself
	from    int               // trials before the search
}

// blame fills in the causes of what degrades.
func (g *gate) blame(plan *Plan) {
	b := &blamer{gate: g, changes: plan.Changes, worlds: map[string]*world{}, from: g.trials}
	for i := range plan.Findings {
		if f := &plan.Findings[i]; f.Verdict == Degraded {
			f.Blame = b.least(f)
		}
	}
}

func (b *blamer) exhausted() bool { return b.trials-b.from >= maxTrials || b.Stop() }

// least finds which changes to revert. Reverting all of them restores what
// held before, so there is always an answer.
func (b *blamer) least(f *Finding) *Blame {
	n := len(b.changes)
	blame := &Blame{}
	if n <= maxSingles {
		for i := range n {
			if !b.exhausted() && b.restores(f, []int{i}) {
				blame.Sets = append(blame.Sets, b.ids([]int{i}))
			}
		}
	}
	if len(blame.Sets) == 0 {
		blame.Sets = [][]string{b.ids(b.reduce(f, n))}
	}
	blame.Least = !b.exhausted()
	return blame
}

// reduce leaves changes out of the set of all, halves first, as long as what
// remains restores the characteristic.
func (b *blamer) reduce(f *Finding, n int) []int {
	set := make([]int, n)
	for i := range set {
		set[i] = i
	}
	for size := (n + 1) / 2; ; size = (size + 1) / 2 {
		smaller := false
		for at := 0; at < len(set) && !b.exhausted(); {
			rest := slices.Delete(slices.Clone(set), at, min(at+size, len(set)))
			if len(rest) > 0 && b.restores(f, rest) {
				set, smaller = rest, true
			} else {
				at += size
			}
		}
		if size <= 1 && !smaller || b.exhausted() {
			return set
		}
	}
}

// restores reports whether reverting a set of changes makes up for a finding.
func (b *blamer) restores(f *Finding, reverted []int) bool {
	w := b.without(reverted)
	return w != nil && f.restored(w)
}

// without is the world after, less some changes.
func (b *blamer) without(reverted []int) *world {
	key := make([]byte, len(b.changes))
	for _, i := range reverted {
		key[i] = 1
	}
	if w, known := b.worlds[string(key)]; known {
		return w
	}
	b.trials++
	off := func(i int) bool { return key[i] == 1 }
	edits := len(b.diff.Changes)
	t := b.After
	if slices.Contains(key[:edits], 1) {
		var err error
		if t, err = b.diff.Revert(off); err != nil {
			b.worlds[string(key)] = nil
			return nil
		}
	}
	intents := edits + len(b.Drains)
	w := b.world(b.drained(t, func(drain int) bool { return off(edits + drain) }), func(change int) bool { return off(intents + change) })
	b.worlds[string(key)] = w
	return w
}

func (b *blamer) ids(set []int) []string {
	ids := make([]string, len(set))
	for k, i := range set {
		ids[k] = b.changes[i].ID
	}
	return ids
}
