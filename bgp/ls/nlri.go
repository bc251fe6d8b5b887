package ls

import (
	"fmt"
	"net/netip"
)

// NLRIType is a type of Link-State NLRI (IANA, BGP-LS NLRI-Types).
type NLRIType uint16

// The types of RFC 9552 section 5.2 and RFC 9514 section 6. All others are
// [Opaque].
const (
	NodeType       NLRIType = 1
	LinkType       NLRIType = 2
	IPv4PrefixType NLRIType = 3
	IPv6PrefixType NLRIType = 4
	SRv6SIDType    NLRIType = 6
)

func (t NLRIType) String() string {
	switch t {
	case NodeType:
		return "node"
	case LinkType:
		return "link"
	case IPv4PrefixType:
		return "IPv4 prefix"
	case IPv6PrefixType:
		return "IPv6 prefix"
	case SRv6SIDType:
		return "SRv6 SID"
	}
	return fmt.Sprintf("type %d", uint16(t))
}

// ProtocolID is where an object was learned from (IANA, BGP-LS Protocol-IDs).
type ProtocolID uint8

// The protocols of RFC 9552 section 5.2 and RFC 9086 section 4.
const (
	ISISLevel1 ProtocolID = 1
	ISISLevel2 ProtocolID = 2
	OSPFv2     ProtocolID = 3
	Direct     ProtocolID = 4
	Static     ProtocolID = 5
	OSPFv3     ProtocolID = 6
	BGP        ProtocolID = 7
)

func (p ProtocolID) String() string {
	names := [...]string{"", "isis-l1", "isis-l2", "ospfv2", "direct", "static", "ospfv3", "bgp"}
	if p == 0 || int(p) >= len(names) {
		return fmt.Sprintf("protocol-%d", uint8(p))
	}
	return names[p]
}

// RouteDistinguisher is that of SAFI 72 (RFC 4364 section 4.2), as it is sent.
type RouteDistinguisher [8]byte

// Origin is what NLRIs of all types begin with. Objects of different origins
// are different objects, though they may describe one thing.
type Origin struct {
	// RD is known in SAFI 72, and only there.
	RD       Opt[RouteDistinguisher]
	Protocol ProtocolID
	// Identifier is the BGP-LS Instance-ID (RFC 9552 section 5.2): all speakers
	// of one IGP instance send the same.
	Identifier uint64
}

// NLRI identifies an object: a [Node], [Link], [Prefix], [SRv6SID] or [Opaque].
// It is a map key. Two are equal if and only if they are the same on the wire.
type NLRI interface {
	Type() NLRIType
	// String is for people and logs; it does not tell all objects apart.
	String() string
	appendBody(b []byte) []byte
}

// Node is a Node NLRI (RFC 9552 section 5.2).
type Node struct {
	Origin
	Local NodeDescriptor
	// Unknown are TLVs without a meaning here, in wire format.
	Unknown string
}

// Link is a Link NLRI (RFC 9552 section 5.2): one direction of a link, as its local node
// tells it.
type Link struct {
	Origin
	Local, Remote NodeDescriptor
	LinkDescriptor
}

// Prefix is an IPv4 or IPv6 Topology Prefix NLRI (RFC 9552 section 5.2). In RFC 9514 it
// stands for a locator as well.
type Prefix struct {
	Origin
	Local NodeDescriptor
	PrefixDescriptor
}

// SRv6SID is an SRv6 SID NLRI (RFC 9514 section 6): a SID of a node that is no
// adjacency's.
type SRv6SID struct {
	Origin
	Local NodeDescriptor
	SRv6SIDDescriptor
}

// Opaque is an NLRI of a type without a meaning here. RFC 9552 section 5.2
// wants it kept.
type Opaque struct {
	RD       Opt[RouteDistinguisher]
	NLRIType NLRIType
	// Body is what follows the length and the route distinguisher.
	Body string
}

// Type is NodeType.
func (Node) Type() NLRIType { return NodeType }

// Type is LinkType.
func (Link) Type() NLRIType { return LinkType }

// Type is IPv4PrefixType or IPv6PrefixType.
func (p Prefix) Type() NLRIType {
	if p.Prefix.Addr().Is4() {
		return IPv4PrefixType
	}
	return IPv6PrefixType
}

// Type is SRv6SIDType.
func (SRv6SID) Type() NLRIType { return SRv6SIDType }

// Type is the type that has no meaning here.
func (o Opaque) Type() NLRIType { return o.NLRIType }

// NodeDescriptor names a node (RFC 9552 section 5.2.1.4; the BGP ones RFC 9086
// section 4.2).
type NodeDescriptor struct {
	AutonomousSystem Opt[uint32] // TLV 512
	BGPLSIdentifier  Opt[uint32] // TLV 513, deprecated
	OSPFAreaID       Opt[uint32] // TLV 514
	IGPRouterID      IGPRouterID // TLV 515, zero for none
	BGPRouterID      Opt[uint32] // TLV 516
	Confederation    Opt[uint32] // TLV 517, Member-AS
	Unknown          string      // other TLVs, in wire format
}

// LinkDescriptor tells the links between two nodes apart (RFC 9552 section
// 5.2.2). An address that is not Valid is none. Of a TLV that is there several
// times the least is here, the others are in Unknown.
type LinkDescriptor struct {
	Identifiers   Opt[LinkIdentifiers] // TLV 258
	IPv4Interface netip.Addr           // TLV 259
	IPv4Neighbor  netip.Addr           // TLV 260
	IPv6Interface netip.Addr           // TLV 261
	IPv6Neighbor  netip.Addr           // TLV 262
	MultiTopology Opt[MultiTopologyID] // TLV 263
	Unknown       string               // other TLVs, in wire format
}

// LinkIdentifiers are the Link Local/Remote Identifiers (RFC 5307 section 1.1).
// A remote one of 0 is unknown.
type LinkIdentifiers struct{ Local, Remote uint32 }

// MultiTopologyID is a topology with its four reserved bits (RFC 9552 section
// 5.2.2.1), which an NLRI must be sent back with.
type MultiTopologyID uint16

// ID is the topology without the reserved bits (RFC 5120, RFC 4915). IS-IS has
// its IPv6 unicast topology under 2.
func (m MultiTopologyID) ID() uint16 { return uint16(m) & 0xfff }

// PrefixDescriptor tells the prefixes of a node apart (RFC 9552 section 5.2.3).
type PrefixDescriptor struct {
	MultiTopology Opt[MultiTopologyID] // TLV 263
	OSPFRouteType Opt[OSPFRouteType]   // TLV 264
	Prefix        netip.Prefix         // TLV 265
	Unknown       string               // other TLVs, in wire format
}

// OSPFRouteType is how a prefix came into OSPF (RFC 9552 section 5.2.3.1).
type OSPFRouteType uint8

// The route types of RFC 9552 section 5.2.3.1.
const (
	IntraArea OSPFRouteType = 1
	InterArea OSPFRouteType = 2
	External1 OSPFRouteType = 3
	External2 OSPFRouteType = 4
	NSSA1     OSPFRouteType = 5
	NSSA2     OSPFRouteType = 6
)

// SRv6SIDDescriptor tells the SIDs of a node apart (RFC 9514 section 6).
type SRv6SIDDescriptor struct {
	MultiTopology Opt[MultiTopologyID] // TLV 263
	SID           netip.Addr           // TLV 518
	Unknown       string               // other TLVs, in wire format
}
