package nodecfg

import (
	"fmt"
	"net/netip"
	"slices"
)

// A lane's outer packets go from one address to another that nothing else
// uses, so that a route to the one is a path for just this lane. Lose the
// path and a fence ends them: they take no other way.

// MaxLaneID bounds the lanes of a fleet, since a lane has one number at both
// ends: their ports begin below the range from
// which Linux takes ephemeral ones.
const MaxLaneID = 0x3fff

const (
	functLane = 0x0010   // the lane's number is the last 16 bits
	lanePort  = 0x4000   // + number: 16385 to 32767
	keyPort   = lanePort // number 0 is no lane's
	// laneOverhead is what WireGuard adds: IPv6 header, UDP header, its own
	// header of 16 bytes and tag of 16. It pads no packet beyond the MTU.
	laneOverhead = 40 + 8 + 16 + 16
	// safeLaneMTU is for a path whose MTU nobody knows.
	safeLaneMTU = minMTU6
)

// LaneInterface is the name of the interface of a lane.
func LaneInterface(id uint16) string { return fmt.Sprint(LanePrefix, id) }

// LanePrefix begins the names of the interfaces of lanes.
const LanePrefix = "kr-w"

// LaneAddr is where a lane's outer packets go from and to.
func LaneAddr(locator netip.Prefix, id uint16) netip.Addr { return sid(locator, functLane, id) }

// LanePort is the UDP port that a lane listens on.
func LanePort(id uint16) uint16 { return lanePort + id }

// KeyAddr is where an agent agrees with others on the keys of their lanes, by
// UDP: outside of every lane, so that no key is needed to agree on one.
func KeyAddr(locator netip.Prefix) netip.AddrPort {
	return netip.AddrPortFrom(Loopback(locator), keyPort)
}

// LaneMTU is the MTU of a lane's interface on a path that carries packets of
// pathMTU bytes; 0: not known. Less than 1,280 is no use to IPv6.
func LaneMTU(pathMTU int) int {
	if pathMTU == 0 {
		return safeLaneMTU
	}
	return pathMTU - laneOverhead
}

// HasLanes reports whether any path has a lane.
func (c *Config) HasLanes() bool {
	return slices.ContainsFunc(c.Policies, func(p Policy) bool {
		return slices.ContainsFunc(p.Paths, func(p Path) bool { return p.Lane != nil })
	})
}

// outer returns what steers the outer packets of a lane onto its path, also
// when the path is left out: WireGuard's handshakes are to find it ready when
// it is taken again.
func (c *Config) outer(p *Path, dev string) []Object {
	return []Object{
		Addr{host(LaneAddr(c.Locator, p.Lane.ID)), "lo"},
		Route{Table: MainTable, To: host(LaneAddr(p.Tail, p.Lane.ID)), Metric: fenceMetric, Type: Unreachable},
		c.way(p, dev),
	}
}

// carries is what the interface of a lane that may carry packets needs.
// Packets come by one lane that their answers would not go by, so that reverse
// path filtering would drop them.
func (l *Lane) carries() []Object {
	dev := LaneInterface(l.ID)
	return []Object{
		LinkUp{dev},
		Sysctl{"net/ipv4/conf/" + dev + "/forwarding", "1"},
		Sysctl{"net/ipv4/conf/" + dev + "/rp_filter", "0"},
	}
}

// way is the route of a lane's outer packets.
func (c *Config) way(p *Path, dev string) Route {
	segs := SegmentsOf(p.Segments...) + SegmentsOf(EndDT6(p.Tail))
	r := Route{Table: MainTable, To: host(LaneAddr(p.Tail, p.Lane.ID)), Metric: mainMetric, Dev: dev,
		Src: LaneAddr(c.Locator, p.Lane.ID), Encap: Seg6{Mode: ModeEncapRed, Segments: segs}}
	if p.MTU > 0 {
		r.MTU = p.MTU + headroom(len(segs)/16)
	}
	return r
}
