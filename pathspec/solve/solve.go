// Package solve finds path sets: jointly, deterministically and with a reason
// where there is none. It is pure; its answers are verified by pathspec.Check,
// with which it shares no code. It never guesses: what it has not proven is
// `unknown`. The controller and the command line call it.
//
// An intent becomes a problem in numbers: find k paths over open links of
// which no two have a risk in common, whatever the kind of the risk. Package
// disjoint solves that; this one knows what the numbers mean.
package solve

import (
	"slices"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/disjoint"
	"github.com/keiro-net/keiro/topology"
)

// Input is a question: what exists and what is wanted, in file order.
type Input struct {
	Topology *topology.Topology
	Intents  []pathspec.Intent
	// Stop is asked now and then; true ends the search, and what is not
	// proven by then is `unknown`. nil never stops.
	Stop func() bool
	// Spent tells how much of the time limit has passed, from 0 to 1. At 1 the
	// search ends as if stopped; until then every intent has its share. nil: no
	// limit.
	Spent func() float64
	// PathsOnly leaves out reserves, and reasons but for their code.
	PathsOnly bool
	// NoReserve leaves out reserves, and finds reasons all the same.
	NoReserve bool
	Policy
}

// Solve answers every intent. Equal inputs give equal answers as long as
// neither Stop nor a share of the time limit ends a search for good: one that
// was too short is made up for as long as there is time left.
//
// Intents are admitted by priority, then in file order, each with the best
// paths in the capacity that those before it leave; what Policy says goes on
// from there. Paths come first, for all intents; reserves and reasons after
// that, so that a stop costs those.
func Solve(in Input) pathspec.Solution {
	in.Topology = ordered(in.Topology)
	of, end := in.detail(), forPaths
	if of == paths {
		end = 1
	}
	r := newRun(in.Topology, in.Intents, in.Policy, in.stopped())
	if in.Policy.shared() {
		r.memory = newMemory(len(in.Intents)) // else nobody is asked twice
	}
	if c := in.clock(); c == nil {
		r.walk()
	} else {
		r = r.share(c, end)
	}
	return r.solution(of)
}

func (in *Input) detail() detail {
	switch {
	case in.PathsOnly:
		return paths
	case in.NoReserve:
		return reasons
	}
	return everything
}

// stopped is Stop with the end of the time limit.
func (in *Input) stopped() func() bool {
	stop, spent := in.Stop, in.Spent
	if spent == nil {
		return stop
	}
	return func() bool { return stop != nil && stop() || spent() >= 1 }
}

func (in *Input) clock() *clock {
	if in.Spent == nil {
		return nil
	}
	return &clock{spent: in.Spent, stop: in.stopped()}
}

// Explain adds to answers what PathsOnly left out of them: reserves, reasons
// and the new link. They must be those to the same question, in its order, by
// Solve or by Engine.Fail, and stay what they are. What the time limit cuts
// short is said to be so: reasons in words, reserves by a bound.
func Explain(in Input, answers pathspec.Solution) pathspec.Solution {
	r := newRun(ordered(in.Topology), in.Intents, in.Policy, in.stopped())
	r.clock = in.clock()
	for i := range r.now {
		r.now[i].Answer = answers.Intents[i]
		r.now[i].set, _ = r.read(&answers.Intents[i])
	}
	s := r.told(in.detail())
	s.Joint = answers.Joint
	return s
}

func uses(a *pathspec.Answer, link string) bool {
	return slices.ContainsFunc(a.Paths, func(p pathspec.Path) bool { return slices.Contains(p.Links, link) })
}

// question is one intent and what those before it took.
type question struct {
	t        *topology.Topology
	in       *pathspec.Intent
	reserved []topology.Bandwidth // of every link
	halt     *disjoint.Halt
	holders  func(link string) []string // names of the intents that have reserved on it
	down     []bool                     // of every entry: out of service; nil: none is
}

// answer finds the paths, and returns the problem that it solved. Reserve and the reason of an infeasible intent are
// left out.
func (q *question) answer() (pathspec.Answer, []disjoint.Path, *problem) {
	a := pathspec.Answer{Name: q.in.Name, Status: pathspec.Undecided, Paths: []pathspec.Path{}}
	p := compile(q.t, q.in, q.reserved, 0).without(q.down)
	set, cost := p.best(q.halt)
	switch {
	case set != nil:
		a = q.satisfied(p, set)
		if a.Optimal, a.Cost = !q.halt.Stopped(), cost; !a.Optimal && p.level == nil {
			a.Bound = p.Proven
		}
	case q.halt.Stopped():
		a.Why = reason(pathspec.WhyTimeLimit, "the time limit passed before an answer was proven: allow more time, or ask for less at once")
	default:
		a.Status = pathspec.Infeasible
	}
	return a, set, p
}

// satisfied is the answer that a set is, but for its cost and whether it is
// optimal.
func (q *question) satisfied(p *problem, set []disjoint.Path) pathspec.Answer {
	p.order(set)
	a := pathspec.Answer{Name: q.in.Name, Status: pathspec.Satisfied, Paths: []pathspec.Path{}}
	for _, links := range set {
		a.Paths = append(a.Paths, q.path(links))
	}
	a.Margin = q.margin(set)
	return a
}

func (q *question) path(links disjoint.Path) pathspec.Path {
	p := pathspec.Path{BandwidthBPS: int64(q.in.Require.Bandwidth), Nodes: []string{q.t.Nodes[q.t.Links[links[0]].From].Name}}
	var delay topology.Delay
	known := true
	for _, l := range links {
		link := &q.t.Links[l]
		p.Nodes = append(p.Nodes, q.t.Nodes[link.To].Name)
		p.Links = append(p.Links, q.t.Entries[link.Entry].Name)
		p.Metric += link.Metric
		d, ok := link.Delay.Get()
		delay, known = delay+d, known && ok
	}
	if known {
		us := int64(delay)
		p.DelayUS = &us
	}
	return p
}

// reason is a Why that names nothing.
func reason(code, message string) *pathspec.Why {
	return &pathspec.Why{Code: code, Message: message, Cut: []string{}, Relaxations: []pathspec.Relaxation{}}
}
