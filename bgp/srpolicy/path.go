package srpolicy

import (
	"fmt"
	"net/netip"

	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/message"
)

// NLRI names a candidate path (RFC 9830 section 2.1). It is a map key, and what to
// announce and withdraw a path by.
type NLRI struct {
	// Distinguisher tells candidate paths of one policy apart. It is the path's
	// discriminator (RFC 9256 section 2.5).
	Distinguisher uint32
	Color         uint32
	// Endpoint, of the family's kind; the unspecified address is the null
	// endpoint (RFC 9256 section 2.1).
	Endpoint netip.Addr
}

// Family is that of the endpoint.
func (n NLRI) Family() message.Family {
	if n.Endpoint.Is4() {
		return message.IPv4SRPolicy
	}
	return message.IPv6SRPolicy
}

func (n NLRI) String() string {
	return fmt.Sprintf("SR Policy color %d endpoint %v distinguisher %d", n.Color, n.Endpoint, n.Distinguisher)
}

// CandidatePath is one way for a headend to reach an endpoint (RFC 9256 section
// 2.2).
type CandidatePath struct {
	NLRI
	Tunnel
}

// Tunnel is what the Tunnel Encapsulation attribute says of a candidate path
// (RFC 9830 section 2.4).
type Tunnel struct {
	// Preference: of the valid paths of a policy the one with the greatest is
	// active. Unknown is 100 (RFC 9256 section 2.7).
	Preference ls.Opt[uint32]
	// BindingSID is sub-TLV 13. For an SRv6 SID RFC 9830 section 2.4.2 wants
	// SRv6BindingSIDs instead.
	BindingSID ls.Opt[BindingSID]
	// SRv6BindingSIDs are sub-TLVs 20.
	SRv6BindingSIDs []SRv6BindingSID
	// Priority is the order in which policies are computed again, the least
	// first. Unknown is 128 (RFC 9256 section 2.12).
	Priority ls.Opt[uint8]
	// ENLP says which Explicit NULL label to push. It is of SR-MPLS only.
	ENLP ls.Opt[ENLP]
	// Name of the candidate path and of its policy, at most 255 octets; empty is
	// none.
	Name, PolicyName string
	// SegmentLists share the traffic of the path by their weights.
	SegmentLists []SegmentList
	// Others are sub-TLVs without a meaning here, as they came.
	Others []SubTLV
}

// BindingSID is the SID, or label, that stands for the policy (RFC 9830 section
// 2.4.2). Label and SID exclude each other; with neither it is only flags.
type BindingSID struct {
	BindingSIDFlags
	Label ls.Opt[uint32] // of 20 bits
	SID   netip.Addr     // SRv6
}

// SRv6BindingSID is an SRv6 SID that stands for the policy (RFC 9830 section
// 2.4.3). The SID :: leaves it to the headend which one.
type SRv6BindingSID struct {
	BindingSIDFlags
	SID      netip.Addr
	Endpoint ls.Opt[Endpoint]
}

// BindingSIDFlags are the S-Flag and the I-Flag.
type BindingSIDFlags struct {
	// SpecifiedOnly: the path is not valid with another binding SID (RFC 9256
	// section 6.2.3).
	SpecifiedOnly bool
	// DropUponInvalid: traffic is dropped while no path of the policy is valid
	// (RFC 9256 section 8.2).
	DropUponInvalid bool
}

// Endpoint is what an SRv6 SID does where it ends, and how it is divided (RFC
// 9830 section 2.4.4.2.4).
type Endpoint struct {
	Behavior  uint16 // IANA, SRv6 Endpoint Behaviors
	Structure ls.SIDStructure
}

// ENLP is an Explicit NULL Label Policy (RFC 9830 section 2.4.5).
type ENLP uint8

// The policies.
const (
	PushIPv4   ENLP = 1 // on unlabeled IPv4 packets
	PushIPv6   ENLP = 2 // on unlabeled IPv6 packets
	PushBoth   ENLP = 3
	DoNotPush  ENLP = 4
	maxNameLen      = 255 // RFC 9830 sections 2.4.7 and 2.4.8
)

// SegmentList is an explicit path (RFC 9830 section 2.4.4).
type SegmentList struct {
	// Weight is its share of the traffic. Unknown is 1 (RFC 9256 section 2.11).
	Weight   ls.Opt[uint32]
	Segments []Segment
}

// Segment is a step of a segment list: an SRv6 SID (RFC 9830 section 2.4.4.2.2),
// or something else, without a meaning here.
type Segment struct {
	SID netip.Addr
	// Verify: the headend has to verify the SID (the V-Flag, RFC 9256 section
	// 5.1).
	Verify   bool
	Endpoint ls.Opt[Endpoint]
	// Other is a sub-TLV of the segment list of another type than B, as it came.
	// Then the rest is zero.
	Other SubTLV
}

// SubTLV is one that is not decoded. Type 0 is none.
type SubTLV struct {
	Type  uint8
	Value []byte
}

// Unsupported are the types of the sub-TLVs without a meaning here, of the tunnel
// and of its segment lists. A headend SHOULD NOT use such a path (RFC 9830 section
// 4.2.2). Those that RFC 9012 has for other tunnels do not count: they are to be
// ignored (RFC 9830 section 2.3).
func (t Tunnel) Unsupported() (types []uint8) {
	for _, o := range t.Others {
		if o.Type > prefixSIDSubTLV {
			types = append(types, o.Type)
		}
	}
	for _, l := range t.SegmentLists {
		for _, s := range l.Segments {
			if s.Other.Type != 0 {
				types = append(types, s.Other.Type)
			}
		}
	}
	return types
}
