package route

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"
)

// Community is one of RFC 1997.
type Community uint32

// The communities that say where a route may go (RFC 1997).
const (
	NoExport    Community = 0xffffff01
	NoAdvertise Community = 0xffffff02
)

// ExtendedCommunity is one of RFC 4360, as it is sent.
type ExtendedCommunity [8]byte

// Color is a Color extended community (RFC 9012 section 4.3).
type Color struct {
	// Value is the color of the SR Policies that the route may be steered into.
	Value uint32
	// Only is how far the endpoint of such a policy may be from the next hop.
	Only ColorOnly
}

// ColorOnly is the CO field of a Color extended community (RFC 9830 section 3,
// RFC 9256 section 8.8.1).
type ColorOnly uint8

// The types of color-only steering. Type 3 is reserved and reads as type 0.
const (
	// SpecificEndpoint: the policy's endpoint is the next hop.
	SpecificEndpoint ColorOnly = iota
	// NullEndpoint: or else it is the null endpoint of any family.
	NullEndpoint
	// AnyEndpoint: or else it is any.
	AnyEndpoint
)

// ExtendedCommunity writes a color.
func (c Color) ExtendedCommunity() ExtendedCommunity {
	e := ExtendedCommunity{0x03, 0x0b, byte(c.Only) << 6}
	binary.BigEndian.PutUint32(e[4:], c.Value)
	return e
}

// Color reads a color, if it is one. Unassigned flags say nothing.
func (e ExtendedCommunity) Color() (Color, bool) {
	if e[0] != 0x03 || e[1] != 0x0b {
		return Color{}, false
	}
	only := ColorOnly(e[2] >> 6)
	if only > AnyEndpoint {
		only = SpecificEndpoint
	}
	return Color{binary.BigEndian.Uint32(e[4:]), only}, true
}

// RouteTarget is the Route Target in IPv4-address format (RFC 4360 section 4)
// that names a headend by its BGP Identifier (RFC 9830 section 4.1).
func RouteTarget(identifier netip.Addr) ExtendedCommunity {
	e := ExtendedCommunity{0x01, 0x02}
	copy(e[2:6], identifier.AsSlice())
	return e
}

// RouteTarget reads the BGP Identifier that a route target in IPv4-address
// format names, if it is one. Its local administrator says nothing here.
func (e ExtendedCommunity) RouteTarget() (netip.Addr, bool) {
	if e[0] != 0x01 || e[1] != 0x02 {
		return netip.Addr{}, false
	}
	return netip.AddrFrom4([4]byte(e[2:6])), true
}

// Colors are those of a route, the greatest value first: of several policies
// that would do, the first is used (RFC 9256 section 8.4.1).
func (a Attributes) Colors() []Color {
	var colors []Color
	for _, e := range a.ExtendedCommunities {
		if c, ok := e.Color(); ok {
			colors = append(colors, c)
		}
	}
	slices.SortStableFunc(colors, func(a, b Color) int { return cmp.Compare(b.Value, a.Value) })
	return colors
}

// RouteTargets are the BGP Identifiers of the headends that a route is for.
func (a Attributes) RouteTargets() []netip.Addr {
	var targets []netip.Addr
	for _, e := range a.ExtendedCommunities {
		if t, ok := e.RouteTarget(); ok {
			targets = append(targets, t)
		}
	}
	return targets
}

// Has reports whether the route has the community.
func (a Attributes) Has(c Community) bool { return slices.Contains(a.Communities, c) }
