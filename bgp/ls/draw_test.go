package ls

import (
	"net/netip"

	"pgregory.net/rapid"
)

// Random objects. They are in the form that decoding gives them: raw TLVs in
// ascending order, delays of 24 bits, rates that a float32 holds.

func draw[V any](t *rapid.T, g *rapid.Generator[V]) V { return g.Draw(t, "") }

func opt[V any](t *rapid.T, g *rapid.Generator[V]) Opt[V] {
	if !draw(t, rapid.Bool()) {
		return Opt[V]{}
	}
	return Some(draw(t, g))
}

// some is a slice of up to n, nil if it is empty.
func some[V any](t *rapid.T, n int, g *rapid.Generator[V]) []V {
	s := draw(t, rapid.SliceOfN(g, 0, n))
	if len(s) == 0 {
		return nil
	}
	return s
}

var (
	byte1  = rapid.Byte()
	word2  = rapid.Uint16()
	word4  = rapid.Uint32()
	word3  = rapid.Map(rapid.Uint32Range(0, 1<<24-1), func(v uint32) Microseconds { return Microseconds(v) })
	v4     = rapid.Map(rapid.SliceOfN(byte1, 4, 4), func(b []byte) netip.Addr { return netip.AddrFrom4([4]byte(b)) })
	v6     = rapid.Map(rapid.SliceOfN(byte1, 16, 16), func(b []byte) netip.Addr { return netip.AddrFrom16([16]byte(b)) })
	name   = rapid.StringOfN(rapid.RuneFrom(nil, printable), 0, 20, -1)
	rates  = rapid.Custom(func(t *rapid.T) BitsPerSecond { return floored(BitsPerSecond(draw(t, rapid.Uint64Range(0, 1<<50)))) })
	words  = rapid.SliceOfN(word4, 1, 5)
	mtIDs  = rapid.Map(word2, func(v uint16) MultiTopologyID { return MultiTopologyID(v) })
	msds   = rapid.Custom(func(t *rapid.T) MSD { return MSD{draw(t, byte1), draw(t, byte1)} })
	linkID = rapid.Custom(func(t *rapid.T) LinkIdentifiers { return LinkIdentifiers{draw(t, word4), draw(t, word4)} })
)

// unknownTLVs draws TLVs of types that nothing here has a meaning for.
func unknownTLVs(t *rapid.T, first uint16) []TLV {
	raw := some(t, 3, rapid.Custom(func(t *rapid.T) TLV {
		return TLV{draw(t, rapid.Uint16Range(first, first+50)), draw(t, rapid.SliceOfN(byte1, 0, 8))}
	}))
	sortTLVs(raw)
	return raw
}

// unknownOrdered draws them for an NLRI, which allows no two that are equal.
func unknownOrdered(t *rapid.T, first uint16) string {
	var b []byte
	for i, tlv := range unknownTLVs(t, first) {
		b = appendRaw(b, TLV{first + uint16(i), tlv.Value})
	}
	return string(b)
}

func drawOrigin(t *rapid.T) Origin {
	return Origin{
		Protocol:   ProtocolID(draw(t, byte1)),
		Identifier: draw(t, rapid.Uint64()),
		RD:         opt(t, rapid.Map(rapid.SliceOfN(byte1, 8, 8), func(b []byte) RouteDistinguisher { return RouteDistinguisher(b) })),
	}
}

func drawNode(t *rapid.T) NodeDescriptor {
	id, _ := NewIGPRouterID(draw(t, rapid.SliceOfN(byte1, 16, 16))[:draw(t, rapid.SampledFrom([]int{4, 6, 7, 8, 16}))])
	return NodeDescriptor{
		AutonomousSystem: opt(t, word4), BGPLSIdentifier: opt(t, word4), OSPFAreaID: opt(t, word4),
		IGPRouterID: id, BGPRouterID: opt(t, word4), Confederation: opt(t, word4),
		Unknown: unknownOrdered(t, 600),
	}
}

func drawPrefix(t *rapid.T) netip.Prefix {
	addr := draw(t, rapid.OneOf(v4, v6))
	p, _ := addr.Prefix(draw(t, rapid.IntRange(0, addr.BitLen())))
	return p
}

func maybe(t *rapid.T, g *rapid.Generator[netip.Addr]) netip.Addr { return opt(t, g).Value }

var anyNLRI = rapid.Custom(func(t *rapid.T) NLRI {
	o := drawOrigin(t)
	switch draw(t, rapid.IntRange(0, 4)) {
	case 0:
		return Node{Origin: o, Local: drawNode(t), Unknown: unknownOrdered(t, 700)}
	case 1:
		return Link{Origin: o, Local: drawNode(t), Remote: drawNode(t), LinkDescriptor: LinkDescriptor{
			Identifiers: opt(t, linkID), MultiTopology: opt(t, mtIDs),
			IPv4Interface: maybe(t, v4), IPv4Neighbor: maybe(t, v4),
			IPv6Interface: maybe(t, v6), IPv6Neighbor: maybe(t, v6),
			Unknown: unknownOrdered(t, 700),
		}}
	case 2:
		return Prefix{Origin: o, Local: drawNode(t), PrefixDescriptor: PrefixDescriptor{
			MultiTopology: opt(t, mtIDs), Prefix: drawPrefix(t), Unknown: unknownOrdered(t, 700),
			OSPFRouteType: opt(t, rapid.Map(byte1, func(b byte) OSPFRouteType { return OSPFRouteType(b) })),
		}}
	case 3:
		return SRv6SID{Origin: o, Local: drawNode(t), SRv6SIDDescriptor: SRv6SIDDescriptor{
			MultiTopology: opt(t, mtIDs), SID: draw(t, v6), Unknown: unknownOrdered(t, 700),
		}}
	}
	return Opaque{o.RD, NLRIType(draw(t, rapid.Uint16Range(7, 70))), string(draw(t, rapid.SliceOfN(byte1, 0, 20)))}
})

func drawTE(t *rapid.T) TEAttributes {
	minMax := opt(t, rapid.Custom(func(t *rapid.T) MinMaxDelay {
		a, b := draw(t, word3), draw(t, word3)
		return MinMaxDelay{min(a, b), max(a, b), draw(t, rapid.Bool())}
	}))
	return TEAttributes{
		AdminGroup: opt(t, word4), TEDefaultMetric: opt(t, word4), SRLGs: opt(t, words).Value,
		Delay:       opt(t, rapid.Custom(func(t *rapid.T) Delay { return Delay{draw(t, word3), draw(t, rapid.Bool())} })),
		MinMaxDelay: minMax, DelayVariation: opt(t, word3),
		Loss:              opt(t, rapid.Custom(func(t *rapid.T) LinkLoss { return LinkLoss{Loss(draw(t, word3)), draw(t, rapid.Bool())} })),
		ResidualBandwidth: opt(t, rates), AvailableBandwidth: opt(t, rates), UtilizedBandwidth: opt(t, rates),
		ExtendedAdminGroup: opt(t, words).Value,
	}
}

func drawMask(t *rapid.T) ApplicationMask {
	return readMask(draw(t, rapid.SliceOfN(byte1, 8, 8))[:4*draw(t, rapid.IntRange(0, 2))])
}

var structures = rapid.Custom(func(t *rapid.T) SIDStructure {
	part := rapid.Map(rapid.IntRange(0, 32), func(v int) uint8 { return uint8(v) })
	return SIDStructure{draw(t, part), draw(t, part), draw(t, part), draw(t, part)}
})

var endXs = rapid.Custom(func(t *rapid.T) EndX {
	return EndX{
		draw(t, word2), SIDFlags(draw(t, byte1)), draw(t, byte1), draw(t, byte1), draw(t, v6),
		opt(t, structures), unknownTLVs(t, 2000),
	}
})

func lanEndXs(neighbor int) *rapid.Generator[LANEndX] {
	return rapid.Custom(func(t *rapid.T) LANEndX {
		id, _ := NewIGPRouterID(draw(t, rapid.SliceOfN(byte1, neighbor, neighbor)))
		return LANEndX{id, draw(t, endXs)}
	})
}

// anyAttribute draws an attribute, and the type of NLRI that it is of.
var anyAttribute = rapid.Custom(func(t *rapid.T) drawn {
	raw := unknownTLVs(t, 2000)
	switch draw(t, rapid.IntRange(0, 4)) {
	case 0:
		return drawn{NodeType, &NodeAttribute{
			Topologies: some(t, 3, mtIDs), MSDs: some(t, 3, msds), Name: draw(t, name),
			Flags:         opt(t, rapid.Map(byte1, func(b byte) NodeFlags { return NodeFlags(b) })),
			Areas:         some(t, 2, rapid.SliceOfN(byte1, 1, 13)),
			IPv4RouterIDs: some(t, 2, v4), IPv6RouterIDs: some(t, 2, v6), SRAlgorithms: some(t, 3, byte1),
			SRv6Capabilities: opt(t, rapid.Map(word2, func(v uint16) SRv6Capabilities { return SRv6Capabilities(v) })),
			FlexAlgorithms: some(t, 2, rapid.Custom(func(t *rapid.T) FlexAlgorithmDefinition {
				return FlexAlgorithmDefinition{
					draw(t, rapid.ByteRange(128, 255)), draw(t, byte1), draw(t, byte1), draw(t, byte1),
					opt(t, words).Value, opt(t, words).Value, opt(t, words).Value, some(t, 2, byte1), opt(t, words).Value,
					unknownTLVs(t, 2000),
				}
			})),
			Raw: raw,
		}}
	case 1:
		return drawn{LinkType, &LinkAttribute{
			Identifiers: opt(t, linkID), MSDs: some(t, 3, msds), Name: draw(t, name),
			LocalIPv4RouterIDs: some(t, 2, v4), LocalIPv6RouterIDs: some(t, 2, v6),
			RemoteIPv4RouterIDs: some(t, 2, v4), RemoteIPv6RouterIDs: some(t, 2, v6),
			MaxBandwidth: opt(t, rates), ReservableBandwidth: opt(t, rates),
			UnreservedBandwidth: opt(t, rapid.Map(rapid.SliceOfN(rates, 8, 8), func(r []BitsPerSecond) [8]BitsPerSecond { return [8]BitsPerSecond(r) })),
			IGPMetric: opt(t, rapid.Custom(func(t *rapid.T) IGPMetric {
				octets := draw(t, rapid.ByteRange(1, 3))
				return IGPMetric{draw(t, word4) & [4]uint32{0, 0x3f, 0xffff, 0xffffff}[octets], octets}
			})),
			EndX: some(t, 3, endXs), ISISLANEndX: some(t, 2, lanEndXs(6)), OSPFv3LANEndX: some(t, 2, lanEndXs(4)),
			TEAttributes: drawTE(t),
			Applications: some(t, 2, rapid.Custom(func(t *rapid.T) ApplicationAttributes {
				return ApplicationAttributes{drawMask(t), drawMask(t), drawTE(t), unknownTLVs(t, 2000)}
			})),
			Raw: raw,
		}}
	case 2:
		return drawn{IPv6PrefixType, &PrefixAttribute{
			FlexAlgorithmMetrics: some(t, 2, rapid.Custom(func(t *rapid.T) FlexAlgorithmMetric {
				return FlexAlgorithmMetric{draw(t, byte1), draw(t, byte1), draw(t, word4)}
			})),
			Flags: opt(t, rapid.Map(byte1, func(b byte) IGPFlags { return IGPFlags(b) })), Metric: opt(t, word4),
			Locator: opt(t, rapid.Custom(func(t *rapid.T) SRv6Locator {
				return SRv6Locator{draw(t, byte1), draw(t, byte1), draw(t, word4), unknownTLVs(t, 2000)}
			})),
			AttributeFlags: some(t, 2, byte1), Raw: raw,
		}}
	case 3:
		return drawn{SRv6SIDType, &SRv6SIDAttribute{
			EndpointBehavior: opt(t, rapid.Custom(func(t *rapid.T) EndpointBehavior {
				return EndpointBehavior{draw(t, word2), draw(t, byte1), draw(t, byte1)}
			})),
			PeerNodes: some(t, 2, rapid.Custom(func(t *rapid.T) PeerNode {
				return PeerNode{SIDFlags(draw(t, byte1)), draw(t, byte1), draw(t, word4), draw(t, word4)}
			})),
			Structure: opt(t, structures), Raw: raw,
		}}
	}
	return drawn{99, &OpaqueAttribute{raw}}
})

type drawn struct {
	of NLRIType
	a  Attribute
}
