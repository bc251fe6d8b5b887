package steer

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// maxWays of a policy: a few are a backup, and more only cost the kernel. Those of
// all policies, and their names, must fit into a report, which a session with the
// controller has room for 4 MiB of.
const (
	maxWays    = 100
	maxAllWays = 10_000
	maxName    = 100
)

// unprobed is why no path that BGP said is probed.
const unprobed = "BGP says no way back"

// policy makes that of a group. The active candidate path comes first, and those
// that are valid too are its backup. Traffic is shared among the segment lists of
// the active path (RFC 9256 section 2.11), and then they are their own backup.
func (d *decision) policy(k key, g *group) nodecfg.Policy {
	c := d.choose(k)
	p := nodecfg.Policy{Intent: d.free(c.name, k.String()), ID: k.id(), Traffic: g.traffic}
	use := c.valid
	if len(use) > 0 && len(use[0].lists) > 1 {
		use, p.Mode = use[:1], nodecfg.Spread
	}
	weights, asked := scaled(use), asked(p.Traffic)
	for _, v := range use {
		for i, l := range v.lists {
			switch {
			case len(p.Paths) == maxWays:
				d.fault(k.String(), "it has more than %d ways, and those behind are not used", maxWays)
				return p
			case d.ways == maxAllWays && len(p.Paths) > 0:
				d.fault(k.String(), "all policies have %d ways, and more than one of this are not used", maxAllWays)
				return p
			}
			name := v.Name
			if name == "" || len(name) > maxName {
				name = fmt.Sprintf("%s/%d", p.Intent, v.Distinguisher)
			}
			if len(v.lists) > 1 {
				name = fmt.Sprintf("%s/%d", name, i)
			}
			path := nodecfg.Path{Link: l.link.Name, Segments: l.segments, Decap: g.decap, Unprobed: unprobed}
			if slices.ContainsFunc(p.Paths, func(q nodecfg.Path) bool { return q.Link == path.Link && slices.Equal(q.Segments, path.Segments) }) {
				continue // the same way once more
			}
			if p.Mode == nodecfg.Spread {
				path.Weight = weights[i]
			}
			path.Name = "path" // valid whatever it is called
			if err := d.check(asked, path); err != nil {
				d.fault(v.NLRI.String(), "segment list %d is not valid: %v", i+1, err)
				continue
			}
			path.Name = d.free(name, fmt.Sprintf("%s@%d", name, v.Distinguisher))
			p.Paths = append(p.Paths, path)
			d.ways = min(d.ways+1, maxAllWays)
		}
	}
	if len(use) > 0 && len(p.Paths) == 0 {
		d.fault(k.String(), "its traffic is answered with unreachable: none of its segment lists is valid")
	}
	if len(p.Paths) == 0 {
		p.Mode = nodecfg.Failover
	}
	return p
}

// asked is of each family the first selector: what a path must be for it, it must be
// for all.
func asked(traffic []nodecfg.Selector) (first []nodecfg.Selector) {
	for _, s := range traffic {
		if !slices.ContainsFunc(first, func(f nodecfg.Selector) bool { return f.To.Addr().Is4() == s.To.Addr().Is4() }) {
			first = append(first, s)
		}
	}
	return first
}

// check asks the Config's own rules for a path.
func (d *decision) check(traffic []nodecfg.Selector, path nodecfg.Path) error {
	p := nodecfg.Policy{Intent: "intent", ID: 1, Traffic: traffic, Paths: []nodecfg.Path{path}}
	if path.Weight > 0 {
		p.Mode = nodecfg.Spread
	}
	alone := nodecfg.Config{Revision: 1, Node: d.cfg.Node, Locator: d.cfg.Locator, Links: d.cfg.Links, Policies: []nodecfg.Policy{p}}
	return alone.Validate()
}

// maxTries bounds how often the whole Config is looked at.
const maxTries = 64

// sound takes in policies that the Config stays valid with. Those with which it would
// not, though each path by itself is right, are fenced: a Config is never refused for
// what BGP says.
func (d *decision) sound(done, more []nodecfg.Policy) []nodecfg.Policy {
	if len(more) == 0 {
		return done
	}
	merged := *d.cfg
	merged.Policies = slices.Concat(d.cfg.Policies, done, more)
	d.tries++
	err := merged.Validate()
	switch n := len(more) / 2; {
	case err == nil:
		return append(done, more...)
	case n > 0 && d.tries < maxTries:
		return d.sound(d.sound(done, more[:n]), more[n:])
	}
	for _, p := range more {
		if len(p.Paths) > 0 {
			d.fault(fmt.Sprintf("policy of color %d", nodecfg.ColorBase+int(p.ID)), "its traffic is answered with unreachable, as it does not go with the config: %v", err)
		}
		p.Paths, p.Mode = nil, nodecfg.Failover
		done = append(done, p)
	}
	return done
}

// free is a name that nobody has yet, the first one if it can be.
func (d *decision) free(name, otherwise string) string {
	if name == "" || len(name) > maxName || d.names[name] {
		name = otherwise
	}
	for d.names[name] {
		d.alike[otherwise]++ // where thousands are called the same, not all are tried again
		name = fmt.Sprintf("%s#%d", otherwise, d.alike[otherwise]+1)
	}
	d.names[name] = true
	return name
}

// scaled are the weights of the active path's lists, as many as Linux can tell apart.
func scaled(use []candidate) []int {
	if len(use) == 0 {
		return nil
	}
	most := uint64(0)
	for _, l := range use[0].lists {
		most = max(most, uint64(l.weight))
	}
	out := make([]int, len(use[0].lists))
	for i, l := range use[0].lists {
		out[i] = int(l.weight)
		if most > nodecfg.MaxWeight {
			out[i] = int(max(1, uint64(l.weight)*nodecfg.MaxWeight/most))
		}
	}
	return out
}

// routed reports whether packets to a prefix go further than a link.
func routed(p netip.Prefix) bool {
	a := p.Addr()
	if a.Is4In6() || a.IsMulticast() || a.IsLoopback() || a.IsLinkLocalUnicast() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return false
	}
	// of IPv6 nothing begins with eight bits of zero, but for the default route
	return a.Is4() || p.Bits() == 0 || a.As16()[0] != 0
}
