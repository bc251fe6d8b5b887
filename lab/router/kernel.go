package router

import (
	"net/netip"
	"slices"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// port is an interface of a link, as the kernel has it.
type port struct {
	up      bool // administratively, with carrier, and with an address
	address netip.Addr
}

// neighbor is the other address of the /127 (RFC 6164).
func (p port) neighbor() netip.Addr {
	b := p.address.As16()
	b[15] ^= 1
	return netip.AddrFrom16(b)
}

// ports are the interfaces of a Config's links, in their order.
type ports []port

// Metrics of routes. That of steered ones is less than what iproute2 gives a
// route that says nothing.
const (
	mainMetric  = 1024
	steerMetric = 100
)

// desired are the kernel objects of a router: its own SIDs, and what it steers.
// The node's own SIDs are there once a link, as routes of rising metric, for Linux
// ignores the encapsulation of routes over lo.
func (cfg *Config) desired(at ports, steered []steering) nodecfg.State {
	s := nodecfg.StateOf(
		nodecfg.Sysctl{Name: "net/ipv4/conf/all/forwarding", Value: "1"},
		nodecfg.Sysctl{Name: "net/ipv6/conf/all/forwarding", Value: "1"},
		nodecfg.Sysctl{Name: "net/ipv4/conf/all/rp_filter", Value: "0"},
		nodecfg.Addr{Addr: host(cfg.Loopback()), Dev: "lo"},
		nodecfg.TunSrc{Addr: cfg.Loopback()},
		// What is no SID ends here, not in a default route.
		nodecfg.Route{Table: nodecfg.MainTable, To: cfg.Locator, Metric: mainMetric, Type: nodecfg.Unreachable},
	)
	for i, l := range cfg.Links {
		for _, o := range cfg.link(i, l.Interface, at[i]) {
			s.Add(o)
		}
	}
	for _, r := range cfg.Routes {
		if at[r.Link].address.IsValid() {
			s.Add(nodecfg.Route{Table: nodecfg.MainTable, To: r.To, Metric: mainMetric, Via: at[r.Link].neighbor(), Dev: cfg.Links[r.Link].Interface, Src: cfg.Loopback()})
		}
	}
	for _, x := range steered {
		if x.drop {
			s.Add(nodecfg.Route{Table: nodecfg.MainTable, To: x.to, Metric: steerMetric, Type: nodecfg.Unreachable})
			continue
		}
		dev := cfg.Links[x.link].Interface
		first := x.segments[0]
		// Encapsulated packets are routed anew, by their first SID: over
		// exactly this link.
		s.Add(nodecfg.Route{Table: nodecfg.MainTable, To: host(first), Metric: steerMetric, Via: at[x.link].neighbor(), Dev: dev})
		s.Add(nodecfg.Route{Table: nodecfg.MainTable, To: x.to, Metric: steerMetric, Dev: dev,
			Encap: nodecfg.Seg6{Mode: nodecfg.ModeEncapRed, Segments: nodecfg.SegmentsOf(x.segments...)}})
	}
	return s
}

func (cfg *Config) link(i int, dev string, at port) []nodecfg.Object {
	objects := []nodecfg.Object{
		nodecfg.Sysctl{Name: "net/ipv4/conf/" + dev + "/rp_filter", Value: "0"},
		nodecfg.Sysctl{Name: "net/ipv4/conf/" + dev + "/ignore_routes_with_linkdown", Value: "1"},
		nodecfg.Sysctl{Name: "net/ipv6/conf/" + dev + "/ignore_routes_with_linkdown", Value: "1"},
		nodecfg.Sysctl{Name: "net/ipv6/conf/" + dev + "/keep_addr_on_down", Value: "1"},
	}
	if !at.address.IsValid() {
		return objects
	}
	local := func(sid netip.Addr, metric uint32, behavior nodecfg.Seg6Local) {
		behavior.Count = true
		objects = append(objects, nodecfg.Route{Table: nodecfg.MainTable, To: host(sid), Metric: metric, Dev: dev, Encap: behavior})
	}
	own := uint32(mainMetric + i + 1)
	local(cfg.endX(i), mainMetric, nodecfg.Seg6Local{Action: "End.X", NextHop: at.neighbor()})
	local(cfg.sid(functEnd), own, nodecfg.Seg6Local{Action: "End"})
	local(cfg.sid(functEndDT6), own, nodecfg.Seg6Local{Action: "End.DT6"})
	// Linux has End.DT4 with a VRF only. To this next hop End.DX4 does the same:
	// it looks the inner destination up.
	local(cfg.sid(functEndDT4), own, nodecfg.Seg6Local{Action: "End.DX4", NextHop: netip.IPv4Unspecified()})
	return objects
}

// inOrder sorts a plan so that a route that encapsulates comes after the way
// to its first SID, and goes before it.
func inOrder(ops []nodecfg.Op) {
	rank := func(op nodecfg.Op) int {
		r, _ := op.Object.(nodecfg.Route)
		_, encapsulates := r.Encap.(nodecfg.Seg6)
		switch {
		case op.Verb != nodecfg.Delete && !encapsulates:
			return 0
		case op.Verb != nodecfg.Delete:
			return 1
		case encapsulates:
			return 2
		}
		return 3
	}
	slices.SortStableFunc(ops, func(a, b nodecfg.Op) int { return rank(a) - rank(b) })
}

func host(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }
