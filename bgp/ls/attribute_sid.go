package ls

import "encoding/binary"

// SRv6SIDAttribute is what is said of an SRv6 SID.
type SRv6SIDAttribute struct {
	EndpointBehavior Opt[EndpointBehavior] // TLV 1250
	// PeerNodes is one of a PeerNode SID, several of a PeerSet SID.
	PeerNodes []PeerNode        // TLV 1251
	Structure Opt[SIDStructure] // TLV 1252
	Raw       []TLV             // all others, ascending
}

// EndpointBehavior is what the node does with a packet for the SID (RFC 9514
// section 7.1).
type EndpointBehavior struct {
	Behavior  uint16 // RFC 8986 section 10.2
	Flags     uint8
	Algorithm uint8
}

// PeerNode is the BGP peer, or one of the set, that an EPE SID leads to (RFC
// 9514 section 7.2).
type PeerNode struct {
	Flags         SIDFlags
	Weight        uint8
	AS            uint32
	BGPIdentifier uint32
}

var endpointBehavior = sized(4, "4",
	func(v []byte) (EndpointBehavior, reason) {
		return EndpointBehavior{binary.BigEndian.Uint16(v), v[2], v[3]}, ""
	},
	func(b []byte, e EndpointBehavior) []byte {
		return append(binary.BigEndian.AppendUint16(b, e.Behavior), e.Flags, e.Algorithm)
	})

var peerNode = sized(12, "12",
	func(v []byte) (PeerNode, reason) {
		return PeerNode{SIDFlags(v[0]), v[1], binary.BigEndian.Uint32(v[4:]), binary.BigEndian.Uint32(v[8:])}, ""
	},
	func(b []byte, p PeerNode) []byte {
		b = binary.BigEndian.AppendUint32(append(b, byte(p.Flags), p.Weight, 0, 0), p.AS)
		return binary.BigEndian.AppendUint32(b, p.BGPIdentifier)
	})

var srv6SIDAttributeFields = table([]field[SRv6SIDAttribute]{
	one(1250, endpointBehavior, func(a *SRv6SIDAttribute) *Opt[EndpointBehavior] { return &a.EndpointBehavior }),
	many(1251, peerNode, func(a *SRv6SIDAttribute) *[]PeerNode { return &a.PeerNodes }),
	one(1252, sidStructure, func(a *SRv6SIDAttribute) *Opt[SIDStructure] { return &a.Structure }),
})
