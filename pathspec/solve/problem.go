package solve

import (
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/disjoint"
	"github.com/keiro-net/keiro/pathspec/solve/flow"
	"github.com/keiro-net/keiro/topology"
)

// problem is one intent on one topology, stated in numbers.
type problem struct {
	*disjoint.Problem
	t       *topology.Topology
	several bool    // more than one path: they must be disjoint
	level   []int64 // of every link: utilisation in ppm if this intent takes it; nil unless the objective is balance
	risks   []risk  // by number
}

// risk is a thing that at most one path of a set may have.
type risk struct {
	kind pathspec.Kind
	name string
}

func (r risk) String() string {
	if r.kind == ground {
		return "ground:" + r.name
	}
	return r.kind.String() + ":" + r.name
}

// compile states an intent as a problem. reserved is what other intents took
// of every link. Causes in ignore close no link.
func compile(t *topology.Topology, in *pathspec.Intent, reserved []topology.Bandwidth, ignore cause) *problem {
	r, n := &in.Require, networkOf(t)
	p := &problem{
		t: t, several: r.Multiplicity > 1,
		Problem: &disjoint.Problem{
			K: r.Multiplicity, Links: n.graph.Links, Finder: flow.NewFinder(n.graph), Closed: make([]bool, len(t.Links)),
			Source: ends(t, in.From), Target: ends(t, in.To), Cost: n.one, Delay: n.delay,
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

// price gives every link another cost. Those of the network belong to all
// intents on it and are never changed in place: TestSharedCosts.
func (p *problem) price(of func(l int) int64) {
	cost := make([]int64, len(p.Cost))
	for l := range cost {
		cost[l] = of(l)
	}
	p.Cost = cost
}

// close shuts the links that no path may have.
func (p *problem) close(n *network, in *pathspec.Intent, reserved []topology.Bandwidth, ignore cause) {
	nodes := make([]cause, len(p.t.Nodes))
	if choosyOfNodes(p, in) {
		for v := range p.t.Nodes {
			nodes[v] = p.atNode(in, v).causes()
		}
	}
	choosy := choosyOfLinks(p, n, in)
	for l, link := range p.Links {
		blocked := nodes[link.From] | nodes[link.To]
		if choosy {
			blocked |= p.onLink(in, l, reserved).causes()
		}
		p.Closed[l] = blocked&^ignore != 0
	}
}

// choosyOfNodes reports whether the intent may exclude a node.
func choosyOfNodes(p *problem, in *pathspec.Intent) bool {
	r := &in.Require
	return r.Countries.Allow != nil || r.Countries.Deny != nil || r.Nodes != nil || len(r.Avoid.Nodes) > 0 ||
		len(r.Avoid.Sites) > 0 || len(r.Avoid.Operators) > 0 || p.several && r.Wants(pathspec.Site)
}

// choosyOfLinks reports whether the intent may exclude a link, its ends aside.
func choosyOfLinks(p *problem, n *network, in *pathspec.Intent) bool {
	r := &in.Require
	return p.several && r.Separation > 0 || r.Links != nil || r.Encryption == pathspec.QKD || r.Bandwidth > 0 || in.Objective == pathspec.Balance ||
		len(r.Avoid.Links) > 0 || len(r.Avoid.SRLGs) > 0 || len(r.Avoid.Operators) > 0 ||
		n.unknown.delay || p.several && (r.Wants(pathspec.SRLG) && n.unknown.groups || r.Wants(pathspec.Operator) && n.unknown.operator)
}

func (p *problem) bounds(in *pathspec.Intent) {
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

// ends marks the nodes that an end of an intent names.
func ends(t *topology.Topology, name string) []bool {
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

// named reports whether the intent names node n as one of its ends.
func named(t *topology.Topology, in *pathspec.Intent, n int) bool {
	return t.Nodes[n].Name == in.From || t.Nodes[n].Name == in.To
}
