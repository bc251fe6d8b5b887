package admit

import (
	"slices"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/problem"
	"github.com/keiro-net/keiro/pathspec/solve/survive"
	"github.com/keiro-net/keiro/pathspec/solve/why"
)

// Detail is how much of an answer is asked for; each has what is before it.
type Detail uint8

// What is asked for.
const (
	Paths      Detail = iota // and codes of reasons
	Reasons                  // why there are none
	Everything               // and reserves
)

// Solution states the answers, and how good they are together.
func (r *Run) Solution(of Detail) pathspec.Solution {
	s := r.told(of)
	if r.policy.Shared() {
		s.Joint = r.report(&s)
	}
	return s
}

// told states the answers.
func (r *Run) told(of Detail) pathspec.Solution {
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
func (r *Run) explain(s *pathspec.Solution, of Detail) {
	var wanted why.Wishes
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
			q.Halt = r.halt
			r.detail(i, q, &s.Intents[i], of, &wanted)
			if open[i] = r.clock != nil && q.Halt.Stopped(); open[i] {
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
	s.NewLink = wanted.Best(r.halt)
}

// detail adds the reason or the reserve of one answer.
func (r *Run) detail(i int, q *question, a *pathspec.Answer, of Detail, wanted *why.Wishes) {
	switch {
	case a.Status == pathspec.Infeasible && of == Paths:
		a.Why = why.Reason(pathspec.WhyNotSought, "no set of paths meets the requirement; why was not asked")
	case a.Status == pathspec.Infeasible:
		a.Why = q.Why(wanted)
	case a.Status == pathspec.Satisfied && of == Everything && r.now[i].Set != nil:
		a.Reserve = survive.Reserve(q.Topology, q.Intent, q.Reserved, r.now[i].Set, q.Halt)
	}
	if a.Status == pathspec.Infeasible {
		r.preempted(i, q, a.Why)
	}
}

// each calls a step for every intent, in the capacity that others leave to it:
// those before it, and with Policy.Joint all others of its priority as well.
func (r *Run) each(step func(i int, q *question)) {
	left := problem.Nothing(r.t)
	for start := 0; start < len(r.order); {
		end := start + 1
		for r.policy.Shared() && end < len(r.order) && r.intents[r.order[end]].Priority == r.intents[r.order[start]].Priority {
			end++
		}
		for _, i := range r.order[start+1 : end] {
			left.Book(&r.intents[i], r.now[i].Set, 1)
		}
		for n, i := range r.order[start:end] {
			if n > 0 {
				left.Book(&r.intents[i], r.now[i].Set, -1)
			}
			step(i, &question{Question: why.Question{Topology: r.t, Intent: &r.intents[i], Reserved: left, Halt: r.halt, Holders: func(link string) []string {
				return r.holders(r.order[:end], i, link)
			}}})
			left.Book(&r.intents[i], r.now[i].Set, 1)
		}
		start = end
	}
}

// holders names those of some intents, but for i, that have reserved on a link.
func (r *Run) holders(some []int, i int, link string) (names []string) {
	for _, j := range some {
		if j != i && r.intents[j].Require.Bandwidth > 0 && uses(&r.now[j].Answer, link) {
			names = append(names, r.intents[j].Name)
		}
	}
	return names
}

func uses(a *pathspec.Answer, link string) bool {
	return slices.ContainsFunc(a.Paths, func(p pathspec.Path) bool { return slices.Contains(p.Links, link) })
}

// Tell adds to answers what Paths left out of them: reasons, the new link and
// reserves. They must be those to the questions of this run, which then need
// not walk. The clock may be nil.
func (r *Run) Tell(answers pathspec.Solution, c *Clock, of Detail) pathspec.Solution {
	r.clock = c
	for i := range r.now {
		r.now[i].Answer = answers.Intents[i]
		r.now[i].Set, _ = r.read(&answers.Intents[i])
	}
	s := r.told(of)
	s.Joint = answers.Joint
	return s
}
