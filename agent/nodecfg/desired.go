package nodecfg

import (
	"net/netip"
	"slices"
)

// Metrics of the routes that Keiro makes; the lower one is taken first.
const (
	mainMetric   = 1024 // what iproute2 gives an IPv6 route that says nothing
	spreadMetric = 99
	pathMetric   = 100 // + index of the path
	fenceMetric  = 4000000
)

// Desired returns the kernel objects that follow from a valid Config. Paths
// in leftOut get no route (see LeftOut); their policies keep table, fence and
// rules.
func (c *Config) Desired(leftOut map[string]bool) State {
	s := make(State)
	for _, o := range c.sysctls() {
		s.Add(o)
	}
	loopback := Loopback(c.Locator)
	s.Add(LinkUp{"lo"})
	for _, o := range c.oam() {
		s.Add(o)
	}
	s.Add(Addr{host(loopback), "lo"})
	s.Add(TunSrc{loopback})
	// What is not said below ends here, not in the default route, from which
	// it would come back.
	s.Add(Route{Table: MainTable, To: c.Locator, Metric: mainMetric, Type: Unreachable})
	links := make(map[string]Link, len(c.Links))
	for _, l := range c.Links {
		links[l.Name] = l
		for _, o := range c.link(l) {
			s.Add(o)
		}
	}
	for _, u := range c.Underlay {
		l := links[u.Link]
		s.Add(Route{Table: MainTable, To: u.To, Metric: mainMetric,
			Via: l.neighbor(), Dev: l.Interface})
	}
	for i := range c.Policies {
		p := &c.Policies[i]
		for _, t := range p.Traffic {
			s.Add(Route{Table: p.table(), To: anywhere(t.To), Metric: fenceMetric, Type: Unreachable})
		}
		for _, r := range p.rules() {
			s.Add(r)
		}
		device := func(link string) string { return links[link].Interface }
		for _, path := range p.Paths {
			for _, sid := range path.pinned(links[path.Link]) {
				s.Add(Route{Table: MainTable, To: host(sid), Metric: mainMetric,
					Via: links[path.Link].PeerAddress, Dev: device(path.Link)})
			}
			if path.Lane == nil {
				continue
			}
			for _, o := range c.outer(&path, device(path.Link)) {
				s.Add(o)
			}
			if !leftOut[path.Name] {
				for _, o := range path.Lane.carries() {
					s.Add(o)
				}
			}
		}
		for _, r := range p.ways(leftOut, device) {
			s.Add(r)
		}
	}
	return s
}

// sysctls of the node. Linux takes the greater rp_filter of "all" and the
// interface, and lets packets through that a path brings another way than
// their answers would go only where both are 0.
func (c *Config) sysctls() []Object {
	on := []Object{
		Sysctl{"net/ipv4/conf/all/forwarding", "1"},
		Sysctl{"net/ipv6/conf/all/forwarding", "1"},
		Sysctl{"net/ipv4/conf/all/rp_filter", "0"},
		Sysctl{"net/ipv6/conf/lo/disable_ipv6", "0"},
	}
	dev := []string{"all", "default"}
	for _, l := range c.Links {
		dev = append(dev, l.Interface)
		on = append(on,
			Sysctl{"net/ipv4/conf/" + l.Interface + "/forwarding", "1"},
			Sysctl{"net/ipv4/conf/" + l.Interface + "/rp_filter", "0"},
			Sysctl{"net/ipv6/conf/" + l.Interface + "/disable_ipv6", "0"},
			Sysctl{"net/ipv6/conf/" + l.Interface + "/keep_addr_on_down", "1"},
			Sysctl{"net/ipv6/conf/" + l.Interface + "/accept_dad", "0"}) // else no neighbour is found for 2 s
	}
	for _, d := range dev {
		on = append(on,
			Sysctl{"net/ipv4/conf/" + d + "/ignore_routes_with_linkdown", "1"},
			Sysctl{"net/ipv6/conf/" + d + "/ignore_routes_with_linkdown", "1"})
	}
	if slices.ContainsFunc(c.Policies, func(p Policy) bool { return p.Mode == Spread }) {
		on = append(on, hashSysctls...)
	}
	return on
}

// link returns the objects of one link. The node's own SIDs are there once a
// link, as routes of rising metric: Linux ignores the encapsulation of routes
// over "lo", and by ignore_routes_with_linkdown any link with carrier keeps
// the SID alive. Without one no packet could arrive anyway.
//
// End.DT6 looks where the rules say (table 0), not into the table main only:
// Linux has the node's own addresses in the table local.
func (c *Config) link(l Link) []Object {
	var (
		peer  = l.neighbor()
		own   = mainMetric + uint32(l.ID)
		table = uint32(MainTable)
		end   = Seg6Local{Action: "End", Count: true}
	)
	local := func(sid netip.Addr, metric uint32, behavior Seg6Local) Route {
		return Route{Table: table, To: host(sid), Metric: metric, Dev: l.Interface, Encap: behavior}
	}
	objects := []Object{
		LinkUp{l.Interface},
		Addr{host(Adjacency(c.Locator, l.ID)), l.Interface},
		Route{Table: table, To: host(peer), Metric: mainMetric, Dev: l.Interface},
		local(IngressEnd(c.Locator, l.ID), mainMetric, end),
		local(EndX(c.Locator, l.ID), mainMetric, Seg6Local{Action: "End.X", NextHop: peer, Count: true}),
		local(End(c.Locator), own, end),
		local(EndDX4(c.Locator), own, Seg6Local{Action: "End.DX4", NextHop: netip.IPv4Unspecified(), Count: true}),
		local(EndDT6(c.Locator), own, Seg6Local{Action: "End.DT6", Count: true}),
	}
	if l.PeerAddress.IsValid() {
		return objects // it has no Ingress
	}
	return append(objects, Route{Table: table, To: Ingress(l.PeerLocator, l.PeerID), Metric: mainMetric, Via: peer, Dev: l.Interface})
}

func (p *Policy) rules() []Rule {
	rules := make([]Rule, 0, len(p.Traffic))
	for _, t := range p.Traffic {
		rules = append(rules, Rule{From: t.From, To: t.To, Table: p.table(), Pref: t.RulePref()})
	}
	return rules
}

// routes returns the routes of path i, one a destination of the traffic.
func (p *Policy) routes(i int, dev string) []Route {
	path := &p.Paths[i]
	var routes []Route
	for _, t := range p.Traffic {
		if slices.ContainsFunc(routes, func(r Route) bool { return r.To == t.To }) {
			continue
		}
		if path.Lane != nil {
			routes = append(routes, Route{Table: p.table(), To: t.To, Metric: pathMetric + uint32(i), Dev: LaneInterface(path.Lane.ID)})
			continue
		}
		segs := SegmentsOf(path.Segments...) + SegmentsOf(path.decap(t.To))
		r := Route{Table: p.table(), To: t.To, Metric: pathMetric + uint32(i), Dev: dev,
			Encap: Seg6{Mode: ModeEncapRed, Segments: segs}}
		if path.MTU > 0 {
			r.MTU = path.MTU + headroom(len(segs)/16)
		}
		routes = append(routes, r)
	}
	return routes
}

// headroom is what Linux takes off the MTU of a route that encapsulates: an
// IPv6 header and an SRH with all SIDs, though the reduced one has a SID less.
func headroom(segments int) int { return 40 + 8 + 16*segments }

func host(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }

// anywhere is the default destination of a prefix's family.
func anywhere(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4() {
		return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	}
	return netip.PrefixFrom(netip.IPv6Unspecified(), 0)
}
