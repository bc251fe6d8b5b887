package nodecfg

import (
	"fmt"
	"net/netip"
	"slices"
)

// A router without an agent has SIDs and addresses of its own making, which the
// controller has learned. A headend beside it cannot pin the first link of a
// path by an Ingress block, since the router has none; instead it leads the
// path's first SID over that link by a route to this one address. So a SID can
// be the first one over one link of a node only.

// neighbor is the address of the peer's interface.
func (l *Link) neighbor() netip.Addr {
	if l.PeerAddress.IsValid() {
		return l.PeerAddress
	}
	return Adjacency(l.PeerLocator, l.PeerID)
}

// pinned are the SIDs that only a route of their own leads over the path's link.
func (p *Path) pinned(l Link) []netip.Addr {
	if !l.PeerAddress.IsValid() {
		return nil
	}
	return p.FirstSIDs()
}

// FirstSIDs are the SIDs that packets and probes of a path begin with.
func (p *Path) FirstSIDs() []netip.Addr {
	if len(p.Segments) > 0 {
		return p.Segments[:1]
	}
	var sids []netip.Addr
	for _, sid := range append([]netip.Addr{p.Decap.IPv4, p.Decap.IPv6}, p.Return[:min(1, len(p.Return))]...) {
		if sid.IsValid() && !slices.Contains(sids, sid) {
			sids = append(sids, sid)
		}
	}
	return sids
}

// decap is the SID that decapsulates packets to a destination at the tail.
func (p *Path) decap(to netip.Prefix) netip.Addr {
	is4 := to.Addr().Is4()
	switch {
	case p.foreign() && is4:
		return p.Decap.IPv4
	case p.foreign():
		return p.Decap.IPv6
	case is4:
		return EndDX4(p.Tail)
	}
	return EndDT6(p.Tail)
}

// foreign says whether the tail has other SIDs than an agent makes.
func (p *Path) foreign() bool { return p.Decap != Decap{} }

// neighborRoutes checks that the addresses which only a route of their own
// leads over a link, of neighbours and first SIDs, each lead over one, and take
// nothing away from the node, from neighbours with an agent or from lanes.
func (v *validator) neighborRoutes(c *Config) {
	type route struct{ what, link string }
	routes := make(map[netip.Addr]route)
	owners := map[netip.Prefix]string{c.Locator: "the node"} // of locators
	for _, l := range c.Links {
		if !l.PeerAddress.IsValid() {
			owners[l.PeerLocator] = l.Peer
		}
	}
	for i := range c.Policies {
		for _, p := range c.Policies[i].Paths {
			if p.Lane != nil {
				owners[p.Tail] = p.Lane.Peer
			}
		}
	}
	add := func(at string, a netip.Addr, r route) {
		if first, ok := routes[a]; ok {
			v.check(first == r, "%s: %s %s, over link %s, is already the %s over link %s", at, r.what, a, r.link, first.what, first.link)
			return
		}
		routes[a] = r
		if owner, ok := owners[netip.PrefixFrom(a, 48).Masked()]; ok {
			v.check(false, "%s: %s %s is in the locator of %s", at, r.what, a, owner)
		}
	}
	for i, l := range c.Links {
		if l.PeerAddress.IsValid() {
			add(fmt.Sprintf("links[%d] %s", i, l.Name), l.PeerAddress, route{"peerAddress", l.Name})
		}
	}
	for i := range c.Policies {
		for j := range c.Policies[i].Paths {
			p := &c.Policies[i].Paths[j]
			for _, sid := range p.pinned(v.links[p.Link]) {
				add(fmt.Sprintf("policies[%d] %s: paths[%d] %s", i, c.Policies[i].Intent, j, p.Name), sid, route{"first SID", p.Link})
			}
		}
	}
}

// router checks the peer of a link that has no agent.
func (v *validator) router(at string, c *Config, l Link) {
	v.check(isUnicast6(l.PeerAddress) && l.PeerAddress.Zone() == "", "%s: peerAddress %s is no IPv6 unicast address, or link-local", at, l.PeerAddress)
	v.check(l.PeerID == 0, "%s: peerId %d of a router without an agent, which numbers no links", at, l.PeerID)
	v.foreignLocator(at+": peerLocator", c, l.PeerLocator)
}

// foreignLocator checks one that nobody of ours has assigned; it need not be
// known.
func (v *validator) foreignLocator(at string, c *Config, p netip.Prefix) {
	if p == (netip.Prefix{}) {
		return
	}
	v.check(isPrefix(p) && p.Addr().Is6() && p.Bits() > 0, "%s: %s is no IPv6 prefix", at, p)
	v.check(!p.Overlaps(c.Locator), "%s: %s overlaps the node's own", at, p)
}

// foreignTail checks a path to a tail that has SIDs of its own.
func (v *validator) foreignTail(at string, c *Config, p *Path) {
	v.foreignLocator(at+": tail", c, p.Tail)
	for _, sid := range []netip.Addr{p.Decap.IPv4, p.Decap.IPv6} {
		v.check(!sid.IsValid() || isUnicast6(sid) && sid.Zone() == "", "%s: decap: SID %s is no IPv6 unicast address", at, sid)
	}
	v.check(p.Lane == nil, "%s: lane: its other end is an agent, which needs no decap", at)
}
