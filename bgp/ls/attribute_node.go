package ls

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// NodeAttribute is what is said of a node.
type NodeAttribute struct {
	// Topologies are those that the node can be reached in, with the bits of
	// RFC 5120 section 7.1.
	Topologies []MultiTopologyID // TLV 263
	MSDs       []MSD             // TLV 266
	Flags      Opt[NodeFlags]    // TLV 1024
	// Name is empty for none.
	Name string // TLV 1026
	// Areas are IS-IS area identifiers (ISO 10589).
	Areas            [][]byte              // TLV 1027
	IPv4RouterIDs    []netip.Addr          // TLV 1028
	IPv6RouterIDs    []netip.Addr          // TLV 1029
	SRAlgorithms     []uint8               // TLV 1035, RFC 9085 section 2.1.3
	SRv6Capabilities Opt[SRv6Capabilities] // TLV 1038
	// FlexAlgorithms are the definitions that this node advertises.
	FlexAlgorithms []FlexAlgorithmDefinition // TLV 1039
	Raw            []TLV                     // all others, ascending
}

// NodeFlags are the Node Flag Bits (RFC 9552 section 5.3.1.1).
type NodeFlags uint8

// The flags of RFC 9552 section 5.3.1.1. No path may cross an Overload node.
const (
	Overload NodeFlags = 1 << 7 // IS-IS
	Attached NodeFlags = 1 << 6 // IS-IS
	External NodeFlags = 1 << 5 // OSPF, an AS boundary router
	ABR      NodeFlags = 1 << 4 // OSPF
	Router   NodeFlags = 1 << 3 // OSPFv3, R-bit: clear means no transit
	V6       NodeFlags = 1 << 2 // OSPFv3
)

// SRv6Capabilities are the flags of RFC 9514 section 3.1.
type SRv6Capabilities uint16

// OAM is the O-flag of RFC 9352 section 2 and RFC 9513 section 2: the node
// supports the O-flag of the SRH (RFC 9259).
const OAM SRv6Capabilities = 1 << 14

// MSD is a Maximum SID Depth of a type (IANA, IGP MSD-Types; RFC 8814).
type MSD struct {
	Type, Value uint8
}

// The MSD types that bound a SID list (RFC 8491, RFC 8662, RFC 9352 section 4).
const (
	MSDBaseMPLSImposition uint8 = 1
	MSDERLD               uint8 = 2
	MSDMaxSegmentsLeft    uint8 = 41
	MSDMaxEndPop          uint8 = 42
	MSDMaxHEncaps         uint8 = 44
	MSDMaxEndD            uint8 = 45
)

var msdList = codec[[]MSD]{
	func(_ *decoder, v []byte, _ int) ([]MSD, reason) {
		if len(v) == 0 || len(v)%2 != 0 {
			return nil, wrongSize(len(v), "a multiple of 2, and at least 2")
		}
		msds := make([]MSD, len(v)/2)
		for i := range msds {
			msds[i] = MSD{v[2*i], v[2*i+1]}
		}
		return msds, ""
	},
	func(b []byte, msds []MSD) []byte {
		for _, m := range msds {
			b = append(b, m.Type, m.Value)
		}
		return b
	},
}

var topologyList = codec[[]MultiTopologyID]{
	func(_ *decoder, v []byte, _ int) ([]MultiTopologyID, reason) {
		if len(v) == 0 || len(v)%2 != 0 {
			return nil, wrongSize(len(v), "a multiple of 2, and at least 2")
		}
		ids := make([]MultiTopologyID, len(v)/2)
		for i := range ids {
			ids[i] = MultiTopologyID(binary.BigEndian.Uint16(v[2*i:]))
		}
		return ids, ""
	},
	func(b []byte, ids []MultiTopologyID) []byte {
		for _, id := range ids {
			b = binary.BigEndian.AppendUint16(b, uint16(id))
		}
		return b
	},
}

// srv6Capabilities has two reserved octets behind the flags.
var srv6Capabilities = sized(4, "4",
	func(v []byte) (SRv6Capabilities, reason) { return SRv6Capabilities(binary.BigEndian.Uint16(v)), "" },
	func(b []byte, c SRv6Capabilities) []byte {
		return append(binary.BigEndian.AppendUint16(b, uint16(c)), 0, 0)
	})

var nodeAttributeFields = table([]field[NodeAttribute]{
	list(263, topologyList, func(a *NodeAttribute) *[]MultiTopologyID { return &a.Topologies }),
	list(266, msdList, func(a *NodeAttribute) *[]MSD { return &a.MSDs }),
	one(1024, octet[NodeFlags](), func(a *NodeAttribute) *Opt[NodeFlags] { return &a.Flags }),
	plain(1026, text, func(a *NodeAttribute) *string { return &a.Name }),
	many(1027, octets, func(a *NodeAttribute) *[][]byte { return &a.Areas }),
	many(1028, ipv4, func(a *NodeAttribute) *[]netip.Addr { return &a.IPv4RouterIDs }),
	many(1029, ipv6, func(a *NodeAttribute) *[]netip.Addr { return &a.IPv6RouterIDs }),
	list(1035, octets, func(a *NodeAttribute) *[]uint8 { return &a.SRAlgorithms }),
	one(1038, srv6Capabilities, func(a *NodeAttribute) *Opt[SRv6Capabilities] { return &a.SRv6Capabilities }),
	many(1039, flexAlgorithmDefinition, func(a *NodeAttribute) *[]FlexAlgorithmDefinition { return &a.FlexAlgorithms }),
})

// MSDOf returns the MSD of a type.
func MSDOf(msds []MSD, t uint8) (uint8, bool) {
	i := slices.IndexFunc(msds, func(m MSD) bool { return m.Type == t })
	if i < 0 {
		return 0, false
	}
	return msds[i].Value, true
}
