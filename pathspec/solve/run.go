package solve

import (
	"cmp"
	"iter"
	"slices"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/disjoint"
	"github.com/keiro-net/keiro/topology"
)

// found is the answer to an intent, in words and in numbers.
type found struct {
	pathspec.Answer
	set []disjoint.Path
}

// proven reports that the answer is a claim of proof.
func (f *found) proven() bool { return f.Optimal || f.Status == pathspec.Infeasible }

// run answers all intents of one network.
type run struct {
	t       *topology.Topology
	intents []pathspec.Intent
	policy  Policy
	order   []int  // intents by priority, then in file order
	down    []bool // of every entry: out of service; nil: none is
	halt    *disjoint.Halt

	reserved  []topology.Bandwidth // of every link, by all that have been answered
	first     []found              // first come, first served, within a priority
	now       []found              // after those of a priority made room for each other
	standing  map[string]*pathspec.Answer
	stood     []*found             // of every intent: its standing set, where it still meets the intent by itself
	untouched []bool               // intents whose first answer is that of the run before
	kept      int                  // standing sets that would not be chosen today
	spent     int                  // moves by choice
	memory    *memory              // answers that were found; may be nil
	room      []topology.Bandwidth // see room
	warm      *warm                // what is known of a network before a change; nil: nothing
	clock     *clock               // shares the time; nil: nobody says how much there is
	hurried   bool                 // some turn was too short for what it was for
	prior     *prior               // the round before this one; nil: this is the first
}

func newRun(t *topology.Topology, intents []pathspec.Intent, policy Policy, stop func() bool) *run {
	r := &run{
		t: t, intents: intents, policy: policy, order: make([]int, len(intents)), halt: disjoint.NewHalt(stop),
		reserved: make([]topology.Bandwidth, len(t.Links)), room: room(t),
		first: make([]found, len(intents)), now: make([]found, len(intents)), stood: make([]*found, len(intents)), untouched: make([]bool, len(intents)),
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

// walk finds paths for every intent, one priority after another.
func (r *run) walk() {
	for equals := range r.priorities() {
		for _, i := range equals {
			r.first[i], r.untouched[i] = r.serve(i)
			r.book(i, r.first[i].set, 1)
			r.now[i] = r.first[i]
			if r.warm != nil {
				r.warm.passed(r, i)
			}
			if r.prior != nil {
				r.prior.passed(i)
			}
		}
		if r.policy.shared() {
			r.turn(r.talks(equals))
			r.negotiate(equals)
		}
		if r.warm != nil {
			r.warm.settled(r, equals)
		}
		if r.prior != nil {
			r.prior.settled(equals)
		}
	}
}

// priorities lists the intents of one priority after another.
func (r *run) priorities() iter.Seq[[]int] {
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

// serve answers an intent, first come, first served; kept: as before.
func (r *run) serve(i int) (f found, kept bool) {
	turns := 1
	switch {
	case r.warm != nil && (r.intents[i].Require.Bandwidth == 0 || r.warm.engine.ample):
		f, kept = r.warm.keep(r, i) // any set of equal cost will do; others are remembered
	case r.prior != nil:
		f, kept = r.prior.keep(r, i)
		if turns = openTurns; r.prior.first[i].proven() && !kept {
			r.extend(turns)
		}
	}
	if kept {
		return f, true
	}
	r.turn(turns)
	if f = r.find(i); r.prior != nil {
		f = r.prior.better(r, i, f)
	}
	return f, false
}

// talks is how many turns the negotiation of one priority has.
func (r *run) talks(equals []int) int {
	if r.prior != nil {
		return 1
	}
	return len(equals) // about as long as finding them
}

// find answers an intent in the capacity that is left now.
func (r *run) find(i int) found {
	f, _ := r.ask(i, r.reserved, r.halt)
	return f
}

// book reserves the bandwidth of an intent on a set, sign times.
func (r *run) book(i int, set []disjoint.Path, sign topology.Bandwidth) {
	b := sign * r.intents[i].Require.Bandwidth
	if b == 0 {
		return
	}
	for _, p := range set {
		for _, l := range p {
			r.reserved[l] += b
			r.reserved[l^1] += b
		}
	}
}

// free is what a link has left, the less of its two directions; less than
// nothing where a capacity is unknown.
func free(t *topology.Topology, reserved []topology.Bandwidth, l int32) topology.Bandwidth {
	forth, known := t.Links[l].Capacity.Get()
	back, also := t.Links[l^1].Capacity.Get()
	if !known || !also {
		return -1
	}
	return min(forth-reserved[l], back-reserved[l^1])
}

// detail is how much of an answer is asked for; each has what is before it.
type detail uint8

const (
	paths      detail = iota // and codes of reasons
	reasons                  // why there are none
	everything               // and reserves
)

// solution states the answers, and how good they are together.
func (r *run) solution(of detail) pathspec.Solution {
	s := r.told(of)
	if r.policy.shared() {
		s.Joint = r.report(&s)
	}
	return s
}

// told states the answers.
func (r *run) told(of detail) pathspec.Solution {
	s := pathspec.Solution{APIVersion: "keiro/v1", Kind: "Solution", Topology: r.t.Name, Intents: make([]pathspec.Answer, len(r.intents))}
	for i := range r.now {
		s.Intents[i] = r.now[i].Answer
		s.Intents[i].Reserve = nil
		if a := &s.Intents[i]; a.Optimal || a.Bound > a.Cost {
			a.Bound = 0
		}
	}
	r.explain(&s, of)
	return s
}

// explain adds reasons and reserves. What had too short a turn has another
// one, in what is left when all had theirs.
func (r *run) explain(s *pathspec.Solution, of detail) {
	var wanted wishes
	open := slices.Repeat([]bool{true}, len(r.intents))
	rest := len(open)
	for round := range 2 {
		if r.clock != nil {
			now := r.clock.spent()
			r.clock.start(now+(1-now)/float64(2-round), rest+1)
			if rest == 1 {
				r.clock.until = 1
			}
		}
		rest = 0
		r.each(func(i int, q *question) {
			if !open[i] {
				return
			}
			r.turn(1)
			q.halt = r.halt
			r.detail(i, q, &s.Intents[i], of, &wanted)
			if open[i] = r.clock != nil && q.halt.Stopped(); open[i] {
				rest++
			}
		})
		if rest == 0 {
			break
		}
	}
	if r.clock != nil {
		r.clock.start(1, 1)
	}
	r.turn(1)
	s.NewLink = wanted.best(r.halt)
}

// detail adds the reason or the reserve of one answer.
func (r *run) detail(i int, q *question, a *pathspec.Answer, of detail, wanted *wishes) {
	switch {
	case a.Status == pathspec.Infeasible && of == paths:
		a.Why = reason(pathspec.WhyNotSought, "no set of paths meets the requirement; why was not asked")
	case a.Status == pathspec.Infeasible:
		a.Why = q.why(wanted)
	case a.Status == pathspec.Satisfied && of == everything && r.now[i].set != nil:
		a.Reserve = q.reserve(r.now[i].set)
	}
	if a.Status == pathspec.Infeasible {
		r.preempted(i, q, a.Why)
	}
}

// each calls a step for every intent, in the capacity that others leave to it:
// those before it, and with Policy.Joint all others of its priority as well.
func (r *run) each(step func(i int, q *question)) {
	left := &run{intents: r.intents, reserved: make([]topology.Bandwidth, len(r.t.Links))}
	for start := 0; start < len(r.order); {
		end := start + 1
		for r.policy.shared() && end < len(r.order) && r.intents[r.order[end]].Priority == r.intents[r.order[start]].Priority {
			end++
		}
		for _, i := range r.order[start+1 : end] {
			left.book(i, r.now[i].set, 1)
		}
		for n, i := range r.order[start:end] {
			if n > 0 {
				left.book(i, r.now[i].set, -1)
			}
			step(i, &question{t: r.t, in: &r.intents[i], reserved: left.reserved, halt: r.halt, holders: func(link string) []string {
				return r.holders(r.order[:end], i, link)
			}})
			left.book(i, r.now[i].set, 1)
		}
		start = end
	}
}

// holders names those of some intents, but for i, that have reserved on a link.
func (r *run) holders(some []int, i int, link string) (names []string) {
	for _, j := range some {
		if j != i && r.intents[j].Require.Bandwidth > 0 && uses(&r.now[j].Answer, link) {
			names = append(names, r.intents[j].Name)
		}
	}
	return names
}

// without is the problem with entries out of service.
func (p *problem) without(down []bool) *problem {
	if down == nil {
		return p
	}
	left := *p
	left.Problem = p.Closing(func(l int) bool { return down[l/2] })
	return &left
}
