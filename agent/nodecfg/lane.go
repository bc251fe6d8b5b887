package nodecfg

import (
	"fmt"
	"net/netip"
)

// A lane's outer packets go from one address to another that nothing else
// uses, so that a route to the one is a path for just this lane. Lose the
// path and a fence ends them: they take no other way.

// MaxLaneID bounds the lanes of a fleet, since a lane has one number at both
// ends: their ports begin below the range from
// which Linux takes ephemeral ones.
const MaxLaneID = 0x3fff

const (
	functLane = 0x0010 // the lane's number is the last 16 bits
	lanePort  = 0x4000 // + number: 16385 to 32767
	// laneOverhead is what WireGuard adds: IPv6 header, UDP header, its own
	// header of 16 bytes and tag of 16. It pads no packet beyond the MTU.
	laneOverhead = 40 + 8 + 16 + 16
	// safeLaneMTU is for a path whose MTU nobody knows.
	safeLaneMTU = minMTU6
)

// LaneInterface is the name of the interface of a lane.
func LaneInterface(id uint16) string { return fmt.Sprintf("kr-w%d", id) }

// LaneAddr is where a lane's outer packets go from and to.
func LaneAddr(locator netip.Prefix, id uint16) netip.Addr { return sid(locator, functLane, id) }

// LanePort is the UDP port that a lane listens on.
func LanePort(id uint16) uint16 { return lanePort + id }

// LaneMTU is the MTU of a lane's interface on a path that carries packets of
// pathMTU bytes; 0: not known. Less than 1,280 is no use to IPv6.
func LaneMTU(pathMTU int) int {
	if pathMTU == 0 {
		return safeLaneMTU
	}
	return pathMTU - laneOverhead
}

// outer returns what steers the outer packets of a lane onto its path:
// always the fence, and the way itself unless the path is left out.
func (c *Config) outer(p *Path, dev string, leftOut bool) []Object {
	own := LaneAddr(c.Locator, p.Lane.ID)
	far := host(LaneAddr(p.Tail, p.Lane.ID))
	objects := []Object{
		Addr{host(own), "lo"},
		Route{Table: MainTable, To: far, Metric: fenceMetric, Type: Unreachable},
		Sysctl{"net/ipv4/conf/" + LaneInterface(p.Lane.ID) + "/rp_filter", "0"},
	}
	if !leftOut {
		objects = append(objects, c.way(p, dev))
	}
	return objects
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
