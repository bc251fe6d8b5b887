// Package admit answers many intents on one network together: who has which
// capacity. It admits by priority, lets intents of one priority make room for
// each other, keeps what stands, shares the time between them, and remembers
// what it has found. It never searches for paths itself, which package problem
// does for one intent at a time, and knows no change of a network: what a run
// keeps of another one it is told (Follow). The package solve calls it.
package admit

import (
	"cmp"
	"iter"
	"slices"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/disjoint"
	"github.com/keiro-net/keiro/pathspec/solve/problem"
	"github.com/keiro-net/keiro/topology"
)

// Found is the answer to an intent, in words and in numbers.
type Found struct {
	pathspec.Answer
	Set []disjoint.Path
}

// Proven reports that the answer is a claim of proof.
func (f *Found) Proven() bool { return f.Optimal || f.Status == pathspec.Infeasible }

// Run answers all intents of one network, once.
type Run struct {
	t       *topology.Topology
	intents []pathspec.Intent
	policy  Policy
	order   []int  // intents by priority, then in file order
	down    []bool // of every entry: out of service; nil: none is
	halt    *disjoint.Halt

	reserved problem.Reserved // by all that have been answered
	first    []Found          // first come, first served, within a priority
	now      []Found          // after those of a priority made room for each other
	standing map[string]*pathspec.Answer
	stood    []*Found             // of every intent: its standing set, where it still meets the intent by itself
	kept     int                  // standing sets that would not be chosen today
	spent    int                  // moves by choice
	memory   *Memory              // answers that were found; may be nil
	room     []topology.Bandwidth // see room
	clock    *Clock               // shares the time; nil: nobody says how much there is
	hurried  bool                 // some turn was too short for what it was for
	past     *past                // the run before this one; nil: this is the first
	keep     Keep                 // what is kept of it; nil: this is the second round of it
}

// Keep returns the answer of an intent where it is known without a search, from
// a run before. then is what that one had reserved when it answered the
// intent, now what this one has.
type Keep func(i int, then, now problem.Reserved) (Found, bool)

// New begins a run: intents on a topology in the order of names
// (problem.Ordered). stop may be nil.
func New(t *topology.Topology, intents []pathspec.Intent, policy Policy, stop func() bool) *Run {
	r := &Run{
		t: t, intents: intents, policy: policy, order: make([]int, len(intents)), halt: disjoint.NewHalt(stop),
		reserved: problem.Nothing(t), room: room(t),
		first: make([]Found, len(intents)), now: make([]Found, len(intents)), stood: make([]*Found, len(intents)),
	}
	for i := range r.order {
		r.order[i] = i
	}
	slices.SortStableFunc(r.order, func(a, b int) int { return cmp.Compare(intents[b].Priority, intents[a].Priority) })
	if policy.Standing != nil {
		r.standing = make(map[string]*pathspec.Answer, len(policy.Standing.Intents))
		for i := range policy.Standing.Intents {
			r.standing[policy.Standing.Intents[i].Name] = &policy.Standing.Intents[i]
		}
	}
	return r
}

// Remember makes the run recall answers, and remember what it finds.
func (r *Run) Remember(m *Memory) { r.memory = m }

// Lose takes entries out of service.
func (r *Run) Lose(down []bool) { r.down = down }

// Follow makes the run keep what it can of another one, of the same intents.
func (r *Run) Follow(before *Run, keep Keep) { r.past, r.keep = newPast(before), keep }

// First is the answer of an intent by first come, first served.
func (r *Run) First(i int) *Found { return &r.first[i] }

// Halt ends what is still to be found and told.
func (r *Run) Halt() *disjoint.Halt { return r.halt }

// Resume gives another end to what is still to be told.
func (r *Run) Resume(stop func() bool) { r.halt = disjoint.NewHalt(stop) }

// Walk finds paths for every intent, one priority after another.
func (r *Run) Walk() {
	for equals := range r.priorities() {
		for _, i := range equals {
			r.first[i] = r.serve(i)
			r.book(i, r.first[i].Set, 1)
			r.now[i] = r.first[i]
			if r.past != nil {
				r.past.passed(i)
			}
		}
		if r.policy.Shared() {
			r.turn(r.talks(equals))
			r.negotiate(equals)
		}
		if r.past != nil {
			r.past.settled(equals)
		}
	}
	if r.keep != nil {
		r.past, r.keep = nil, nil // else every run would hold on to all before it
	}
}

// priorities lists the intents of one priority after another.
func (r *Run) priorities() iter.Seq[[]int] {
	return func(yield func([]int) bool) {
		for start := 0; start < len(r.order); {
			end := start + 1
			for end < len(r.order) && r.intents[r.order[end]].Priority == r.intents[r.order[start]].Priority {
				end++
			}
			if !yield(r.order[start:end]) {
				return
			}
			start = end
		}
	}
}

// serve answers an intent, first come, first served.
func (r *Run) serve(i int) Found {
	switch {
	case r.keep != nil:
		if f, ok := r.keep(i, r.past.then, r.reserved); ok {
			return f
		}
	case r.past != nil:
		return r.past.reconsider(r, i)
	}
	r.turn(1)
	return r.find(i)
}

// talks is how many turns the negotiation of one priority has.
func (r *Run) talks(equals []int) int {
	if r.past != nil {
		return 1
	}
	return len(equals) // about as long as finding them
}

// find answers an intent in the capacity that is left now.
func (r *Run) find(i int) Found {
	f, _ := r.ask(i, r.reserved, r.halt)
	return f
}

// book reserves the bandwidth of an intent on a set, sign times.
func (r *Run) book(i int, set []disjoint.Path, sign topology.Bandwidth) {
	r.reserved.Book(&r.intents[i], set, sign)
}
