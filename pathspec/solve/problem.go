package solve

import (
	"slices"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/disjoint"
	"github.com/keiro-net/keiro/topology"
)

// problem is one intent on one topology, stated in numbers.
type problem struct {
	*disjoint.Problem
	t       *topology.Topology
	several bool    // more than one path: they must be disjoint
	blocked []cause // of every link; 0 is open
	level   []int64 // of every link: utilisation in ppm if this intent takes it; nil unless the objective is balance
	risks   []risk  // by number
}

// risk is a thing that at most one path of a set may have.
type risk struct {
	kind pathspec.Kind
	name string
}

func (r risk) String() string { return r.kind.String() + ":" + r.name }

// compile states an intent as a problem. reserved is what other intents took
// of every link. Causes in ignore close no link.
func compile(t *topology.Topology, in *pathspec.Intent, reserved []topology.Bandwidth, ignore cause) *problem {
	r := &in.Require
	p := &problem{
		t: t, several: r.Multiplicity > 1, blocked: make([]cause, len(t.Links)),
		Problem: &disjoint.Problem{
			K: r.Multiplicity, Links: make([]disjoint.Link, len(t.Links)), Closed: make([]bool, len(t.Links)),
			Source: ends(t, in.From), Target: ends(t, in.To),
			Cost: make([]int64, len(t.Links)), Delay: make([]int64, len(t.Links)),
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
	p.bounds(in)
	p.assignRisks(in)
	nodes := make([]cause, len(t.Nodes))
	for n := range t.Nodes {
		nodes[n] = p.atNode(in, n).causes()
	}
	for l := range t.Links {
		link := &t.Links[l]
		p.Links[l] = disjoint.Link{From: int32(link.From), To: int32(link.To)}
		p.blocked[l] = (nodes[link.From] | nodes[link.To] | p.onLink(in, l, reserved).causes()) &^ ignore
		p.Closed[l] = p.blocked[l] != 0
		delay, _ := link.Delay.Get()
		p.Delay[l] = int64(delay)
		switch in.Objective {
		case pathspec.MinDelay:
			p.Cost[l] = int64(delay)
		case pathspec.MinMetric:
			p.Cost[l] = link.Metric
		default:
			p.Cost[l] = 1
		}
	}
	if in.Objective == pathspec.Balance {
		p.level = make([]int64, len(t.Links))
		for l := range t.Links {
			p.level[l] = max(level(t, l, reserved, r.Bandwidth), level(t, l^1, reserved, r.Bandwidth))
		}
	}
	p.Prepare()
	return p
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

// assignRisks numbers the risks of the kinds that the paths must be disjoint
// in. What the design excepts at the ends is no risk.
func (p *problem) assignRisks(in *pathspec.Intent) {
	p.OnEntry = make([][]int32, len(p.t.Entries))
	p.Through = make([][]int32, len(p.t.Nodes))
	p.AtEnd = make([][]int32, len(p.t.Nodes))
	if !p.several {
		return
	}
	r := &in.Require
	number := map[risk]int32{}
	add := func(list *[]int32, kind pathspec.Kind, name string) {
		key := risk{kind, name}
		id, ok := number[key]
		if !ok {
			id = int32(len(p.risks))
			number[key] = id
			p.risks = append(p.risks, key)
		}
		if !slices.Contains(*list, id) {
			*list = append(*list, id)
		}
	}
	for e := range p.t.Entries {
		entry, list := &p.t.Entries[e], &p.OnEntry[e]
		add(list, pathspec.Link, entry.Name) // every kind implies it
		if groups, _ := entry.SRLGs.Get(); r.Wants(pathspec.SRLG) {
			for _, g := range groups {
				add(list, pathspec.SRLG, g)
			}
		}
		if r.Wants(pathspec.Operator) && entry.Operator != "" {
			add(list, pathspec.Operator, entry.Operator)
		}
	}
	excepted := map[string]bool{siteOf(p.t, in.From): true, siteOf(p.t, in.To): true}
	for n := range p.t.Nodes {
		node, list := &p.t.Nodes[n], &p.AtEnd[n]
		if named(p.t, in, n) {
			continue
		}
		if r.Wants(pathspec.Node) {
			add(list, pathspec.Node, node.Name)
		}
		if r.Wants(pathspec.Site) && node.Site != "" && !excepted[node.Site] {
			add(list, pathspec.Site, node.Site)
		}
		p.Through[n] = slices.Clone(*list)
		if r.Wants(pathspec.Operator) && node.Operator != "" {
			add(&p.Through[n], pathspec.Operator, node.Operator)
		}
	}
	p.Risks = len(p.risks)
}

// siteOf is the site of an end: its own name, or where the named node is.
func siteOf(t *topology.Topology, end string) string {
	if n, ok := t.Node(end); ok {
		return t.Nodes[n].Site
	}
	return end
}
