package ls

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// EndX is an SRv6 SID of an adjacency (RFC 9514 section 4.1).
type EndX struct {
	// Behavior is an SRv6 Endpoint Behavior (RFC 8986 section 10.2).
	Behavior  uint16
	Flags     SIDFlags
	Algorithm uint8
	Weight    uint8
	SID       netip.Addr
	Structure Opt[SIDStructure] // sub-TLV 1252
	Raw       []TLV             // other sub-TLVs, ascending
}

// LANEndX is the SRv6 SID of an adjacency over a LAN, to a router that is not
// the designated one (RFC 9514 section 4.2).
type LANEndX struct {
	// Neighbor is a system ID in IS-IS, a router ID in OSPFv3.
	Neighbor IGPRouterID
	EndX
}

// SIDFlags are the flags of an adjacency's or a peer's SID (RFC 9352 section
// 8.1, RFC 9513 section 9.1, RFC 9514 section 7.2).
type SIDFlags uint8

// The flags, the same in all three.
const (
	// Backup: the SID may be protected by fast reroute, hence leave its link.
	Backup SIDFlags = 1 << 7
	// Set: the SID stands for a set of adjacencies or of peers.
	Set SIDFlags = 1 << 6
	// Persistent: the SID outlives a restart.
	Persistent SIDFlags = 1 << 5
)

// SIDStructure is how a SID is divided, in bits (RFC 9514 section 8).
type SIDStructure struct {
	LocatorBlock, LocatorNode, Function, Argument uint8
}

// The behaviours (IANA, SRv6 Endpoint Behaviors) that a path begins and ends
// with. Those in between are IsEnd and IsEndX.
const (
	BehaviorEnd     uint16 = 1
	BehaviorEndX    uint16 = 5
	BehaviorEndDT6  uint16 = 18
	BehaviorEndDT4  uint16 = 19
	BehaviorEndDT46 uint16 = 20
	BehaviorUN      uint16 = 43 // End with NEXT-CSID (RFC 9800)
	BehaviorUA      uint16 = 52 // End.X with NEXT-CSID (RFC 9800)
	BehaviorUDT6    uint16 = 62 // End.DT6 with NEXT-CSID (RFC 9800)
	BehaviorUDT4    uint16 = 63
	BehaviorUDT46   uint16 = 64
)

// EndDT is the behaviour End.DT6, End.DT4 or End.DT46 that a behaviour is with or
// without NEXT-CSID: the last SID of a list is used alike. 0: it is none of them.
func EndDT(behavior uint16) uint16 {
	switch behavior {
	case BehaviorEndDT6, BehaviorUDT6:
		return BehaviorEndDT6
	case BehaviorEndDT4, BehaviorUDT4:
		return BehaviorEndDT4
	case BehaviorEndDT46, BehaviorUDT46:
		return BehaviorEndDT46
	}
	return 0
}

// IsEnd reports whether a behaviour is End of any flavor: RFC 8986 section 10.2
// and, with NEXT-CSID, RFC 9800.
func IsEnd(behavior uint16) bool {
	return behavior >= 1 && behavior <= 4 || behavior >= 28 && behavior <= 31 || NextCSID(behavior) && behavior <= 50
}

// IsEndX reports whether a behaviour is End.X of any flavor.
func IsEndX(behavior uint16) bool {
	return behavior >= 5 && behavior <= 8 || behavior >= 32 && behavior <= 35 || NextCSID(behavior) && behavior >= 52
}

// NextCSID reports whether a behaviour is End or End.X with NEXT-CSID: the SID
// shares its 128 bits with others (RFC 9800 section 4.1).
func NextCSID(behavior uint16) bool {
	return behavior >= 43 && behavior <= 50 || behavior >= 52 && behavior <= 59
}

var sidStructure = sized(4, "4",
	func(v []byte) (SIDStructure, reason) {
		if bits := int(v[0]) + int(v[1]) + int(v[2]) + int(v[3]); bits > 128 {
			return SIDStructure{}, reason(fmt.Sprintf("divides a SID into %d bits", bits))
		}
		return SIDStructure{v[0], v[1], v[2], v[3]}, ""
	},
	func(b []byte, s SIDStructure) []byte {
		return append(b, s.LocatorBlock, s.LocatorNode, s.Function, s.Argument)
	})

var endXFields = table([]field[EndX]{
	one(1252, sidStructure, func(e *EndX) *Opt[SIDStructure] { return &e.Structure }),
})

// readEndX reads an End.X with a neighbor of so many octets before its SID.
func readEndX(d *decoder, v []byte, at, neighbor int) (l LANEndX, why reason) {
	const fixed = 6 // behavior, flags, algorithm, weight, reserved
	end := fixed + neighbor + 16
	if len(v) < end {
		return l, wrongSize(len(v), fmt.Sprintf("at least %d", end))
	}
	l.Behavior, l.Flags, l.Algorithm, l.Weight = binary.BigEndian.Uint16(v), SIDFlags(v[2]), v[3], v[4]
	l.Neighbor, _ = NewIGPRouterID(v[fixed : fixed+neighbor])
	l.SID = netip.AddrFrom16([16]byte(v[fixed+neighbor:]))
	var ok bool
	if l.Raw, ok = readTLVs(d, &l.EndX, endXFields, v[end:], at+end); !ok {
		return l, reported
	}
	return l, ""
}

func appendEndX(b []byte, l LANEndX) []byte {
	b = binary.BigEndian.AppendUint16(b, l.Behavior)
	b = append(b, byte(l.Flags), l.Algorithm, l.Weight, 0)
	b = append(b, l.Neighbor.octets[:l.Neighbor.length]...)
	b = appendAddr(b, l.SID)
	return appendTLVs(b, &l.EndX, endXFields, l.Raw)
}

var endX = codec[EndX]{
	func(d *decoder, v []byte, at int) (EndX, reason) {
		l, why := readEndX(d, v, at, 0)
		return l.EndX, why
	},
	func(b []byte, e EndX) []byte { return appendEndX(b, LANEndX{EndX: e}) },
}

func lanEndX(neighbor int) codec[LANEndX] {
	return codec[LANEndX]{
		func(d *decoder, v []byte, at int) (LANEndX, reason) { return readEndX(d, v, at, neighbor) },
		appendEndX,
	}
}
