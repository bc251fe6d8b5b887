package admit

import (
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/disjoint"
	"github.com/keiro-net/keiro/pathspec/solve/problem"
	"github.com/keiro-net/keiro/pathspec/solve/survive"
	"github.com/keiro-net/keiro/pathspec/solve/why"
	"github.com/keiro-net/keiro/topology"
)

// question is one intent and what those before it took.
type question struct {
	why.Question
	down []bool // of every entry: out of service; nil: none is
}

// answer finds the paths, and returns the problem that it solved. Reserve and the reason of an infeasible intent are
// left out.
func (q *question) answer() (pathspec.Answer, []disjoint.Path, *problem.Problem) {
	a := pathspec.Answer{Name: q.Intent.Name, Status: pathspec.Undecided, Paths: []pathspec.Path{}}
	p := problem.Compile(q.Topology, q.Intent, q.Reserved, 0).Without(q.down)
	set, cost := p.Cheapest(q.Halt)
	switch {
	case set != nil:
		a = q.satisfied(p, set)
		if a.Optimal, a.Cost = !q.Halt.Stopped(), cost; !a.Optimal && !p.Balances() {
			a.Bound = p.Proven
		}
	case q.Halt.Stopped():
		a.Why = why.Reason(pathspec.WhyTimeLimit, "the time limit passed before an answer was proven: allow more time, or ask for less at once")
	default:
		a.Status = pathspec.Infeasible
	}
	return a, set, p
}

// satisfied is the answer that a set is, but for its cost and whether it is
// optimal.
func (q *question) satisfied(p *problem.Problem, set []disjoint.Path) pathspec.Answer {
	p.Order(set)
	a := pathspec.Answer{Name: q.Intent.Name, Status: pathspec.Satisfied, Paths: []pathspec.Path{}}
	for _, links := range set {
		a.Paths = append(a.Paths, q.path(links))
	}
	a.Margin = survive.Margin(q.Topology, q.Intent, set)
	return a
}

func (q *question) path(links disjoint.Path) pathspec.Path {
	p := pathspec.Path{BandwidthBPS: int64(q.Intent.Require.Bandwidth), Nodes: []string{q.Topology.Nodes[q.Topology.Links[links[0]].From].Name}}
	var delay topology.Delay
	known := true
	for _, l := range links {
		link := &q.Topology.Links[l]
		p.Nodes = append(p.Nodes, q.Topology.Nodes[link.To].Name)
		p.Links = append(p.Links, q.Topology.Entries[link.Entry].Name)
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
