// Package problem states one intent on one topology in numbers: open links, k
// paths, and risks of which at most one path of a set may have each. It keeps
// with every topology the numbers that all intents on it have in common, and it
// alone knows which requirement closes which link, and why. It finds the
// cheapest set of one problem by package disjoint, which knows the numbers
// only. It never weighs one intent against another: what others have reserved
// is an argument. The packages admit, survive and why call it, and the engine.
package problem

import (
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/disjoint"
	"github.com/keiro-net/keiro/pathspec/solve/flow"
	"github.com/keiro-net/keiro/topology"
)

// Problem is one intent on one topology, stated in numbers.
type Problem struct {
	*disjoint.Problem
	t       *topology.Topology
	several bool    // more than one path: they must be disjoint
	level   []int64 // of every link: utilisation in ppm if this intent takes it; nil unless the objective is balance
	risks   []Risk  // by number
}

// Risk is a thing that at most one path of a set may have.
type Risk struct {
	Kind pathspec.Kind
	Name string
}

func (r Risk) String() string {
	if r.Kind == Ground {
		return "ground:" + r.Name
	}
	return r.Kind.String() + ":" + r.Name
}

// Compile states an intent as a problem. reserved is what other intents took
// of every link. Causes in ignore close no link.
func Compile(t *topology.Topology, in *pathspec.Intent, reserved Reserved, ignore Cause) *Problem {
	r, n := &in.Require, networkOf(t)
	p := &Problem{
		t: t, several: r.Multiplicity > 1,
		Problem: &disjoint.Problem{
			K: r.Multiplicity, Links: n.graph.Links, Finder: flow.NewFinder(n.graph), Closed: make([]bool, len(t.Links)),
			Source: Ends(t, in.From), Target: Ends(t, in.To), Cost: n.one, Delay: n.delay,
			MaxDelay: disjoint.Never, Spread: disjoint.Never, MaxHops: disjoint.Never, MaxCost: disjoint.Never,
		},
	}
	// A path has a link, so an end that is named is not the other end as well.
	if n, ok := t.Node(in.From); ok {
		p.Target[n] = false
	}
	if n, ok := t.Node(in.To); ok {
		p.Source[n] = false
	}
	switch in.Objective {
	case pathspec.MinDelay:
		p.Cost = n.delay
	case pathspec.MinMetric:
		p.Cost = n.metric
	}
	p.bounds(in)
	n.assign(p, in)
	n.separate(p, in)
	p.close(n, in, reserved, ignore)
	if in.Objective == pathspec.Balance {
		p.level = make([]int64, len(t.Links))
		for l := range t.Links {
			p.level[l] = max(level(t, l, reserved, r.Bandwidth), level(t, l^1, reserved, r.Bandwidth))
		}
	}
	p.Prepare()
	return p
}

// Reprice gives every link another cost. Those of the network belong to all
// intents on it and are never changed in place: TestSharedCosts.
func (p *Problem) Reprice(of func(l int) int64) {
	cost := make([]int64, len(p.Cost))
	for l := range cost {
		cost[l] = of(l)
	}
	p.Cost = cost
}

// close shuts the links that no path may have.
func (p *Problem) close(n *network, in *pathspec.Intent, reserved Reserved, ignore Cause) {
	nodes := make([]Cause, len(p.t.Nodes))
	if choosyOfNodes(p, in) {
		for v := range p.t.Nodes {
			nodes[v] = p.AtNode(in, v).Causes()
		}
	}
	choosy := choosyOfLinks(p, n, in)
	for l, link := range p.Links {
		blocked := nodes[link.From] | nodes[link.To]
		if choosy {
			blocked |= p.OnLink(in, l, reserved).Causes()
		}
		p.Closed[l] = blocked&^ignore != 0
	}
}

// choosyOfNodes reports whether the intent may exclude a node.
func choosyOfNodes(p *Problem, in *pathspec.Intent) bool {
	r := &in.Require
	return r.Countries.Allow != nil || r.Countries.Deny != nil || r.Nodes != nil || len(r.Avoid.Nodes) > 0 ||
		len(r.Avoid.Sites) > 0 || len(r.Avoid.Operators) > 0 || p.several && r.Wants(pathspec.Site)
}

// choosyOfLinks reports whether the intent may exclude a link, its ends aside.
func choosyOfLinks(p *Problem, n *network, in *pathspec.Intent) bool {
	r := &in.Require
	return p.several && r.Separation > 0 || r.Links != nil || r.Encryption == pathspec.QKD || r.Bandwidth > 0 || in.Objective == pathspec.Balance ||
		len(r.Avoid.Links) > 0 || len(r.Avoid.SRLGs) > 0 || len(r.Avoid.Operators) > 0 ||
		n.unknown.delay || p.several && (r.Wants(pathspec.SRLG) && n.unknown.groups || r.Wants(pathspec.Operator) && n.unknown.operator)
}

func (p *Problem) bounds(in *pathspec.Intent) {
	r := &in.Require
	if r.MaxDelay > 0 {
		p.MaxDelay = int64(r.MaxDelay)
	}
	if r.MaxDelaySpread != nil && p.several {
		p.Spread = int64(*r.MaxDelaySpread)
	}
	if r.MaxHops > 0 {
		p.MaxHops = int64(r.MaxHops)
	}
	switch in.Objective {
	case pathspec.MinDelay:
		p.MaxCost = p.MaxDelay
	case pathspec.MinHops, pathspec.Balance:
		p.MaxCost = p.MaxHops
	}
}

// Ends marks the nodes that an end of an intent names.
func Ends(t *topology.Topology, name string) []bool {
	marks := make([]bool, len(t.Nodes))
	if n, ok := t.Node(name); ok {
		marks[n] = true
		return marks
	}
	for n := range t.Nodes {
		marks[n] = name != "" && t.Nodes[n].Site == name
	}
	return marks
}

// Named reports whether the intent names node n as one of its ends.
func Named(t *topology.Topology, in *pathspec.Intent, n int) bool {
	return t.Nodes[n].Name == in.From || t.Nodes[n].Name == in.To
}

// Without is the problem with entries out of service; nil: none is.
func (p *Problem) Without(down []bool) *Problem {
	if down == nil {
		return p
	}
	return p.closing(func(l int) bool { return down[l/2] })
}

// Only is the problem on no links but some.
func (p *Problem) Only(links map[int32]bool) *Problem {
	return p.closing(func(l int) bool { return !links[int32(l)] })
}

func (p *Problem) closing(shut func(l int) bool) *Problem {
	left := *p
	left.Problem = p.Closing(shut)
	return &left
}

// Risk is a risk by its number.
func (p *Problem) Risk(r int32) Risk { return p.risks[r] }
