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
	"cmp"
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
	// PathsOnly leaves out reserves, and reasons but for their code.
	PathsOnly bool
	// NoReserve leaves out reserves, and finds reasons all the same.
	NoReserve bool
}

// Solve answers every intent. Equal inputs give equal answers as long as Stop
// does not end the search.
//
// Intents are admitted by priority, then in file order, each with the best
// paths in the capacity that those before it leave. Paths come first, for all
// intents; reserves and reasons after that, so that a stop costs those.
func Solve(in Input) pathspec.Solution {
	in.Topology = inNameOrder(in.Topology)
	halt := disjoint.NewHalt(in.Stop)
	order := make([]int, len(in.Intents))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(in.Intents[b].Priority, in.Intents[a].Priority) })

	answers := make([]pathspec.Answer, len(in.Intents))
	sets := make([][]disjoint.Path, len(in.Intents))
	each := func(step func(i int, q *question)) {
		reserved := make([]topology.Bandwidth, len(in.Topology.Links))
		for turn, i := range order {
			intent := &in.Intents[i]
			step(i, &question{in.Topology, intent, reserved, halt, func(link string) (holders []string) {
				for _, j := range order[:turn] {
					if in.Intents[j].Require.Bandwidth > 0 && uses(&answers[j], link) {
						holders = append(holders, in.Intents[j].Name)
					}
				}
				return holders
			}})
			for _, l := range slices.Concat(sets[i]...) {
				reserved[l] += intent.Require.Bandwidth
				reserved[l^1] += intent.Require.Bandwidth
			}
		}
	}
	each(func(i int, q *question) { answers[i], sets[i] = q.answer() })
	var wanted wishes
	each(func(i int, q *question) {
		switch {
		case in.PathsOnly && answers[i].Status == pathspec.Infeasible:
			answers[i].Why = reason(pathspec.WhyNotSought, "no set of paths meets the requirement; why was not asked")
		case in.PathsOnly, in.NoReserve && answers[i].Status == pathspec.Satisfied:
		case answers[i].Status == pathspec.Satisfied:
			answers[i].Reserve = q.reserve(sets[i])
		case answers[i].Status == pathspec.Infeasible:
			answers[i].Why = q.why(&wanted)
		}
	})
	return pathspec.Solution{APIVersion: "keiro/v1", Kind: "Solution", Topology: in.Topology.Name, Intents: answers, NewLink: wanted.best()}
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
}

// answer finds the paths. Reserve and the reason of an infeasible intent are
// left out.
func (q *question) answer() (pathspec.Answer, []disjoint.Path) {
	a := pathspec.Answer{Name: q.in.Name, Status: pathspec.Undecided, Paths: []pathspec.Path{}}
	if q.in.Require.Separation > 0 && q.in.Require.Multiplicity > 1 {
		a.Why = reason(pathspec.WhySeparation, "the distance between cables is not computed: ask for disjoint: [srlg] or [site] instead of separation")
		return a, nil
	}
	p := compile(q.t, q.in, q.reserved, 0)
	set, cost := p.best(q.halt)
	switch {
	case set != nil:
		p.order(set)
		a.Status, a.Optimal, a.Cost = pathspec.Satisfied, !q.halt.Stopped(), cost
		for _, links := range set {
			a.Paths = append(a.Paths, q.path(links))
		}
		a.Margin = q.margin(set)
	case q.halt.Stopped():
		a.Why = reason(pathspec.WhyTimeLimit, "the time limit passed before an answer was proven: allow more time, or ask for less at once")
	default:
		a.Status = pathspec.Infeasible
	}
	return a, set
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
