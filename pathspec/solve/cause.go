package solve

import (
	"math"
	"math/bits"
	"slices"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// cause says why a link may not be used; several may apply.
type cause uint8

const (
	missing  cause = 1 << iota // a value that a requirement needs is unknown
	excluded                   // by countries, avoid, a condition or encryption
	full                       // too little capacity is left
)

// obstacles says why no path may use a node or a link.
type obstacles struct {
	unstated []string // values that a requirement needs and nobody stated
	excluded []string // requirements that exclude it
	full     bool     // too little capacity is left
}

func (o obstacles) causes() (c cause) {
	if len(o.unstated) > 0 {
		c |= missing
	}
	if len(o.excluded) > 0 {
		c |= excluded
	}
	if o.full {
		c |= full
	}
	return c
}

// atNode lists what keeps paths off node n.
func (p *problem) atNode(in *pathspec.Intent, n int) (o obstacles) {
	r, node, country := &in.Require, &p.t.Nodes[n], p.t.Country(n)
	if node.Site == "" && (len(r.Avoid.Sites) > 0 || p.several && r.Wants(pathspec.Site) && !named(p.t, in, n)) {
		o.unstated = append(o.unstated, "site")
	}
	if r.Countries.Allow != nil || r.Countries.Deny != nil {
		if country == "" {
			o.unstated = append(o.unstated, "country")
		} else if r.Countries.Allow != nil && !slices.Contains(r.Countries.Allow, country) || slices.Contains(r.Countries.Deny, country) {
			o.excluded = append(o.excluded, "countries")
		}
	}
	if slices.Contains(r.Avoid.Nodes, node.Name) || slices.Contains(r.Avoid.Sites, node.Site) ||
		slices.Contains(r.Avoid.Operators, node.Operator) {
		o.excluded = append(o.excluded, "avoid")
	}
	if !r.Nodes.Node(p.t, n) {
		o.excluded = append(o.excluded, "nodes")
	}
	return o
}

// onLink lists what keeps paths off link l, its ends aside.
func (p *problem) onLink(in *pathspec.Intent, l int, reserved []topology.Bandwidth) (o obstacles) {
	r, link := &in.Require, &p.t.Links[l]
	entry := &p.t.Entries[link.Entry]
	groups, grouped := entry.SRLGs.Get()
	if !grouped && (len(r.Avoid.SRLGs) > 0 || p.several && r.Wants(pathspec.SRLG)) {
		o.unstated = append(o.unstated, "srlgs")
	}
	if entry.Operator == "" && (len(r.Avoid.Operators) > 0 || p.several && r.Wants(pathspec.Operator)) {
		o.unstated = append(o.unstated, "operator")
	}
	if !link.Delay.Known() && (in.Objective == pathspec.MinDelay || r.MaxDelay > 0 || p.several && r.MaxDelaySpread != nil) {
		o.unstated = append(o.unstated, "delay")
	}
	if p.several && r.Separation > 0 && !networkOf(p.t).survey().Known(link.Entry) {
		o.unstated = append(o.unstated, "route")
	}
	if slices.Contains(r.Avoid.Links, entry.Name) || slices.Contains(r.Avoid.Operators, entry.Operator) ||
		slices.ContainsFunc(groups, func(g string) bool { return slices.Contains(r.Avoid.SRLGs, g) }) {
		o.excluded = append(o.excluded, "avoid")
	}
	if r.Encryption == pathspec.QKD && !entry.QKD {
		o.excluded = append(o.excluded, "encryption")
	}
	if !r.Links.Link(p.t, l) {
		o.excluded = append(o.excluded, "links")
	}
	if r.Bandwidth > 0 || in.Objective == pathspec.Balance {
		forth, known := link.Capacity.Get()
		back, also := p.t.Links[l^1].Capacity.Get()
		if !known || !also {
			o.unstated = append(o.unstated, "capacity")
		} else {
			o.full = min(forth-reserved[l], back-reserved[l^1]) < r.Bandwidth || in.Objective == pathspec.Balance && min(forth, back) <= 0
		}
	}
	return o
}

// level is the utilisation of link l in ppm, rounded down, once b more is
// reserved on it.
func level(t *topology.Topology, l int, reserved []topology.Bandwidth, b topology.Bandwidth) int64 {
	capacity, known := t.Links[l].Capacity.Get()
	if !known || capacity <= 0 || capacity-reserved[l] < b {
		return math.MaxInt64
	}
	hi, lo := bits.Mul64(uint64(reserved[l]+b), 1e6)
	ppm, _ := bits.Div64(hi, lo, uint64(capacity))
	return int64(ppm)
}
