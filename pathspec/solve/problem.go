package solve

import (
	"cmp"
	"slices"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// problem is one intent on one topology, in integers: k paths from a source
// to a target over open links, of which no two have a risk in common.
type problem struct {
	t *topology.Topology
	k int

	source, target []bool  // of every node
	fixed          []bool  // of every node: it is an end by its own name
	blocked        []cause // of every link; 0 is open
	cost, delay    []int64 // of every link; an unknown delay is 0
	level          []int64 // of every link: utilisation in ppm if this intent takes it; nil unless Balance
	balance        bool

	maxDelay, spread int64 // never where there is no bound
	maxHops          int64

	risks    []risk
	onEntry  [][]int32 // risks of every link entry
	through  [][]int32 // risks of every node that a path passes through
	atEnd    [][]int32 // risks of every node that a path starts or ends at
	enter    [][]int32 // those of the two that a path has for certain when it comes to a node
	nodeKind bool

	out                     [][]int32 // open links by their head, best first
	toCost, toDelay, toHops []int64   // least from every node to a target
	fromDelay, fromHops     []int64
	flow                    *flow
}

// risk is a thing that at most one path of a set may have.
type risk struct {
	kind pathspec.Kind
	name string
}

func (r risk) String() string { return r.kind.String() + ":" + r.name }

// cause says why a link may not be used; several may apply.
type cause uint8

const (
	missing  cause = 1 << iota // a value that a requirement needs is unknown
	excluded                   // by countries, avoid, a condition or encryption
	full                       // too little capacity is left
)

const never = int64(1) << 60 // more than any sum of costs

// compile states an intent as a problem. reserved is what other intents took
// of every link. Causes in ignore close no link.
func compile(t *topology.Topology, in *pathspec.Intent, reserved []topology.Bandwidth, ignore cause) *problem {
	r := &in.Require
	p := &problem{
		t: t, k: r.Multiplicity,
		source: ends(t, in.From), target: ends(t, in.To), fixed: make([]bool, len(t.Nodes)),
		blocked: make([]cause, len(t.Links)), cost: make([]int64, len(t.Links)), delay: make([]int64, len(t.Links)),
		maxDelay: never, spread: never, maxHops: never,
		balance: in.Objective == pathspec.Balance,
	}
	// A path has a link, so an end that is named is not the other end as well.
	if n, ok := t.Node(in.From); ok {
		p.fixed[n], p.target[n] = true, false
	}
	if n, ok := t.Node(in.To); ok {
		p.fixed[n], p.source[n] = true, false
	}
	if r.MaxDelay > 0 {
		p.maxDelay = int64(r.MaxDelay)
	}
	if r.MaxDelaySpread != nil && p.k > 1 {
		p.spread = int64(*r.MaxDelaySpread)
	}
	if r.MaxHops > 0 {
		p.maxHops = int64(r.MaxHops)
	}
	p.assignRisks(in)
	nodes := make([]cause, len(t.Nodes))
	for n := range t.Nodes {
		o := p.atNode(in, n)
		nodes[n] = o.causes()
	}
	for l := range t.Links {
		link := &t.Links[l]
		o := p.onLink(in, l, reserved)
		p.blocked[l] = (nodes[link.From] | nodes[link.To] | o.causes()) &^ ignore
		d, _ := link.Delay.Get()
		p.delay[l] = int64(d)
		switch in.Objective {
		case pathspec.MinDelay:
			p.cost[l] = int64(d)
		case pathspec.MinMetric:
			p.cost[l] = link.Metric
		default:
			p.cost[l] = 1
		}
	}
	if p.balance {
		p.level = make([]int64, len(t.Links))
		for l := range t.Links {
			p.level[l] = max(level(t, l, reserved, r.Bandwidth), level(t, l^1, reserved, r.Bandwidth))
		}
	}
	p.prepare()
	return p
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

// guided is the same problem with the cost that leads soonest to a set within
// the bounds; it serves where any set will do.
func (p *problem) guided() *problem {
	q := *p
	switch {
	case p.maxDelay < never || p.spread < never:
		q.cost = p.delay
	case p.maxHops < never:
		q.cost = slices.Repeat([]int64{1}, len(p.cost))
	default:
		return p
	}
	q.prepare()
	return &q
}

// below is the same problem without links above a utilisation.
func (p *problem) below(level int64) *problem {
	q := *p
	q.blocked = slices.Clone(p.blocked)
	for l := range q.blocked {
		if p.level[l] > level {
			q.blocked[l] |= full
		}
	}
	q.prepare()
	return &q
}

// prepare computes what follows from the open links and their costs: the
// least distances, and the links in the order in which to try them.
func (p *problem) prepare() {
	open := make([][]int32, len(p.t.Nodes)) // by head
	into := make([][]int32, len(p.t.Nodes)) // by tail
	for l := range p.t.Links {
		if p.blocked[l] == 0 {
			link := &p.t.Links[l]
			open[link.From] = append(open[link.From], int32(l))
			into[link.To] = append(into[link.To], int32(l))
		}
	}
	none := make([]int64, len(p.t.Nodes)) // the least that a path without bound may take
	p.toCost = p.distances(p.target, into, p.cost, true)
	p.toDelay, p.fromDelay, p.toHops, p.fromHops = none, none, none, none
	if p.maxDelay < never || p.spread < never {
		p.toDelay = p.distances(p.target, into, p.delay, true)
		p.fromDelay = p.distances(p.source, open, p.delay, false)
	}
	if p.maxHops < never {
		hop := slices.Repeat([]int64{1}, len(p.t.Links))
		p.toHops = p.distances(p.target, into, hop, true)
		p.fromHops = p.distances(p.source, open, hop, false)
	}
	p.out = open
	via := func(l int32) int64 { return p.cost[l] + p.toCost[p.t.Links[l].To] }
	for n := range p.out {
		p.out[n] = slices.DeleteFunc(p.out[n], func(l int32) bool {
			to := p.t.Links[l].To
			return via(l) >= never || p.fromDelay[n]+p.delay[l]+p.toDelay[to] > p.maxDelay ||
				p.fromHops[n]+1+p.toHops[to] > p.maxHops
		})
		slices.SortStableFunc(p.out[n], func(a, b int32) int { return cmp.Compare(via(a), via(b)) })
	}
	p.flow = newFlow(p)
}

// distances is Dijkstra's algorithm from the marked nodes, against the links
// where back.
func (p *problem) distances(from []bool, adjacent [][]int32, cost []int64, back bool) []int64 {
	dist := slices.Repeat([]int64{never}, len(p.t.Nodes))
	var q queue
	for n, ok := range from {
		if ok {
			dist[n] = 0
			q.push(0, int32(n))
		}
	}
	for len(q) > 0 {
		d, n := q.pop()
		if d > dist[n] {
			continue
		}
		for _, l := range adjacent[n] {
			next := p.t.Links[l].To
			if back {
				next = p.t.Links[l].From
			}
			if d+cost[l] < dist[next] {
				dist[next] = d + cost[l]
				q.push(dist[next], int32(next))
			}
		}
	}
	return dist
}
