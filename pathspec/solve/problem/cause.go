package problem

import (
	"math"
	"math/bits"
	"slices"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// Cause says why a link may not be used; several may apply.
type Cause uint8

// The causes.
const (
	Missing  Cause = 1 << iota // a value that a requirement needs is unknown
	Excluded                   // by countries, avoid, a condition or encryption
	Full                       // too little capacity is left
)

// Obstacles says why no path may use a node or a link.
type Obstacles struct {
	Unstated []string // values that a requirement needs and nobody stated
	Excluded []string // requirements that exclude it
	Full     bool     // too little capacity is left
}

// Causes are the same without names.
func (o Obstacles) Causes() (c Cause) {
	if len(o.Unstated) > 0 {
		c |= Missing
	}
	if len(o.Excluded) > 0 {
		c |= Excluded
	}
	if o.Full {
		c |= Full
	}
	return c
}

// AtNode lists what keeps paths off node n.
func (p *Problem) AtNode(in *pathspec.Intent, n int) (o Obstacles) {
	r, node, country := &in.Require, &p.t.Nodes[n], p.t.Country(n)
	if node.Site == "" && (len(r.Avoid.Sites) > 0 || p.several && r.Wants(pathspec.Site) && !Named(p.t, in, n)) {
		o.Unstated = append(o.Unstated, "site")
	}
	if r.Countries.Allow != nil || r.Countries.Deny != nil {
		if country == "" {
			o.Unstated = append(o.Unstated, "country")
		} else if r.Countries.Allow != nil && !slices.Contains(r.Countries.Allow, country) || slices.Contains(r.Countries.Deny, country) {
			o.Excluded = append(o.Excluded, "countries")
		}
	}
	if slices.Contains(r.Avoid.Nodes, node.Name) || slices.Contains(r.Avoid.Sites, node.Site) ||
		slices.Contains(r.Avoid.Operators, node.Operator) {
		o.Excluded = append(o.Excluded, "avoid")
	}
	if !r.Nodes.Node(p.t, n) {
		o.Excluded = append(o.Excluded, "nodes")
	}
	return o
}

// OnLink lists what keeps paths off link l, its ends aside.
func (p *Problem) OnLink(in *pathspec.Intent, l int, reserved Reserved) (o Obstacles) {
	r, link := &in.Require, &p.t.Links[l]
	entry := &p.t.Entries[link.Entry]
	groups, grouped := entry.SRLGs.Get()
	if !grouped && (len(r.Avoid.SRLGs) > 0 || p.several && r.Wants(pathspec.SRLG)) {
		o.Unstated = append(o.Unstated, "srlgs")
	}
	if entry.Operator == "" && (len(r.Avoid.Operators) > 0 || p.several && r.Wants(pathspec.Operator)) {
		o.Unstated = append(o.Unstated, "operator")
	}
	if !link.Delay.Known() && (in.Objective == pathspec.MinDelay || r.MaxDelay > 0 || p.several && r.MaxDelaySpread != nil) {
		o.Unstated = append(o.Unstated, "delay")
	}
	if p.several && r.Separation > 0 && !networkOf(p.t).survey().Known(link.Entry) {
		o.Unstated = append(o.Unstated, "route")
	}
	if slices.Contains(r.Avoid.Links, entry.Name) || slices.Contains(r.Avoid.Operators, entry.Operator) ||
		slices.ContainsFunc(groups, func(g string) bool { return slices.Contains(r.Avoid.SRLGs, g) }) {
		o.Excluded = append(o.Excluded, "avoid")
	}
	if r.Encryption == pathspec.QKD && !entry.QKD {
		o.Excluded = append(o.Excluded, "encryption")
	}
	if r.Encryption == pathspec.QKD && entry.Keyless != "" {
		o.Excluded = append(o.Excluded, "encryption: "+entry.Keyless)
	}
	if !r.Links.Link(p.t, l) {
		o.Excluded = append(o.Excluded, "links")
	}
	if r.Bandwidth > 0 || in.Objective == pathspec.Balance {
		forth, known := link.Capacity.Get()
		back, also := p.t.Links[l^1].Capacity.Get()
		if !known || !also {
			o.Unstated = append(o.Unstated, "capacity")
		} else {
			o.Full = min(forth-reserved[l], back-reserved[l^1]) < r.Bandwidth || in.Objective == pathspec.Balance && min(forth, back) <= 0
		}
	}
	return o
}

// level is the utilisation of link l in ppm, rounded down, once b more is
// reserved on it.
func level(t *topology.Topology, l int, reserved Reserved, b topology.Bandwidth) int64 {
	capacity, known := t.Links[l].Capacity.Get()
	if !known || capacity <= 0 || capacity-reserved[l] < b {
		return math.MaxInt64
	}
	hi, lo := bits.Mul64(uint64(reserved[l]+b), 1e6)
	ppm, _ := bits.Div64(hi, lo, uint64(capacity))
	return int64(ppm)
}
