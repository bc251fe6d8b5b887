package report

import (
	"fmt"
	"net/netip"

	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/srpolicy"
)

// CandidatePathType is the BGP-LS NLRI of a candidate path (RFC 9857 section 3),
// which package ls keeps as it came.
const CandidatePathType ls.NLRIType = 5

// State is what a headend, or a PCE for it, reports of a candidate path (RFC 9857).
type State struct {
	// NLRI names the path within its headend and protocol of origin. Its
	// distinguisher is the discriminator.
	srpolicy.NLRI
	Origin         ls.Origin
	Headend        ls.NodeDescriptor
	ProtocolOrigin ProtocolOrigin
	// OriginatorAS and Originator are who signaled the path to the headend.
	OriginatorAS uint32
	Originator   netip.Addr

	// Status is TLV 1202.
	Status ls.Opt[Status]
	// BindingSIDs are TLVs 1212, and 1201 of an SRv6 SID, which is deprecated.
	BindingSIDs []BindingSID
	// SegmentLists are TLVs 1205.
	SegmentLists []SegmentList
	// Name of the candidate path (TLV 1203) and of its policy (TLV 1213).
	Name, PolicyName string
	// Raw are the TLVs without a meaning here, and those that are wrong.
	Raw []ls.TLV
	// Partial: a TLV that Installed asks for was wrong, so what is here may be
	// only a part.
	Partial bool
}

// ProtocolOrigin is what brought a candidate path to its headend (RFC 9857 section
// 8.4). A headend reports 1 to 3; 10 to 30 are what RFC 9256 section 2.3 ranks
// them by, and come from a PCE.
type ProtocolOrigin uint8

// The origins.
const (
	OriginPCEP          ProtocolOrigin = 1
	OriginBGP           ProtocolOrigin = 2
	OriginConfiguration ProtocolOrigin = 3
)

// Kind is the origin without who reports it.
func (p ProtocolOrigin) Kind() ProtocolOrigin {
	if p == 10 || p == 20 || p == 30 {
		return p / 10
	}
	return p
}

func (p ProtocolOrigin) String() string {
	switch p.Kind() {
	case OriginPCEP:
		return "PCEP"
	case OriginBGP:
		return "BGP"
	case OriginConfiguration:
		return "configuration"
	}
	return fmt.Sprintf("protocol origin %d", uint8(p))
}

// Status is the state of a candidate path (RFC 9857 section 5.3).
type Status struct {
	Priority   uint8
	Flags      StatusFlags
	Preference uint32
}

// StatusFlags are flags of TLV 1202.
type StatusFlags uint16

// The flags of RFC 9857 section 5.3.
const (
	// AdminShut: the path is shut by its operator.
	AdminShut StatusFlags = 1 << 15
	// Active: it is the path of its policy that is in the forwarding plane.
	Active StatusFlags = 1 << 14
	// Backup: it protects the active path (RFC 9256 section 9.3).
	Backup StatusFlags = 1 << 13
	// Evaluated: whether it is valid was looked at; else Valid says nothing.
	Evaluated StatusFlags = 1 << 12
	// Valid: it has at least one valid segment list.
	Valid           StatusFlags = 1 << 11
	OnDemand        StatusFlags = 1 << 10
	Delegated       StatusFlags = 1 << 9
	Provisioned     StatusFlags = 1 << 8
	DropUponInvalid StatusFlags = 1 << 7
	Transit         StatusFlags = 1 << 6
	// Dropping: it is active, invalid, and drops its traffic (RFC 9256 section
	// 8.2).
	Dropping StatusFlags = 1 << 5
)

// BindingSID is an SRv6 binding SID as the headend has it (RFC 9857 section
// 5.2).
type BindingSID struct {
	// Allocated: SID is in use, else it says nothing.
	Allocated bool
	// Unavailable: Specified could not be had.
	Unavailable bool
	// Fallback: SID was allocated because Specified could not be had.
	Fallback bool
	SID      netip.Addr
	// Specified is what was asked for; :: is nothing.
	Specified netip.Addr
	Endpoint  Endpoint
}

// Endpoint is what a SID does and how it is divided (RFC 9514 sections 7.1
// and 8).
type Endpoint struct {
	Behavior  ls.Opt[uint16]
	Structure ls.Opt[ls.SIDStructure]
}

// SegmentList is a segment list as the headend has it (RFC 9857 section 5.7).
type SegmentList struct {
	Flags         ListFlags
	MultiTopology uint16
	Algorithm     uint8
	Weight        uint32
	Segments      []Segment
	// Raw are sub-TLVs that are no segments, as they came: metrics, bandwidth and
	// the identifier of the list.
	Raw []ls.TLV
}

// ListFlags are flags of TLV 1205.
type ListFlags uint16

// The flags of RFC 9857 section 5.7.
const (
	ListSRv6     ListFlags = 1 << 15
	ListExplicit ListFlags = 1 << 14
	ListComputed ListFlags = 1 << 13
	// ListVerified: its verification succeeded, or was not asked for.
	ListVerified ListFlags = 1 << 12
	// ListResolved: its first segment leads somewhere.
	ListResolved  ListFlags = 1 << 11
	ListFailed    ListFlags = 1 << 10
	ListAlgorithm ListFlags = 1 << 9
	ListTopology  ListFlags = 1 << 8
	// ListRemoved: a monitor, as BFD is, took it out of the forwarding plane.
	ListRemoved ListFlags = 1 << 7
)

// Segment is a segment of a reported list (RFC 9857 section 5.7.1).
type Segment struct {
	// Type: 1 is A of RFC 9256 section 4, and so on to 11, K.
	Type  uint8
	Flags SegmentFlags
	// SID is not valid where the headend has none, or one of SR-MPLS.
	SID      netip.Addr
	Endpoint Endpoint
}

// SegmentFlags are flags of sub-TLV 1206.
type SegmentFlags uint16

// The flags of RFC 9857 section 5.7.1.
const (
	SegmentSID       SegmentFlags = 1 << 15
	SegmentExplicit  SegmentFlags = 1 << 14
	SegmentVerified  SegmentFlags = 1 << 13
	SegmentResolved  SegmentFlags = 1 << 12
	SegmentAlgorithm SegmentFlags = 1 << 11
)
