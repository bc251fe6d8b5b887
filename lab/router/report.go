package router

import (
	"encoding/binary"
	"net/netip"

	"github.com/osrg/gobgp/v4/pkg/packet/bgp"

	"github.com/keiro-net/keiro/lab/router/rib"
)

// standing is what has become of a candidate path.
type standing struct {
	rib.Candidate
	valid, active, dropping bool
}

// What RFC 9857 has and gobgp does not, by section: NLRI type 5 of protocol 9 (3),
// its descriptor (4), state (5.3), name (5.4), segment list (5.7) and segment (5.7.1).
const (
	nlriCandidatePath bgp.LsNLRIType   = 5
	segmentRouting    bgp.LsProtocolID = 9

	tlvDescriptor  = 554
	tlvState       = 1202
	tlvPathName    = 1203
	tlvSegmentList = 1205
	tlvSegment     = 1206

	originBGP   = 2
	endpointV6  = 0x80
	isActive    = 1 << 14
	isEvaluated = 1 << 12
	isValid     = 1 << 11
	isDropping  = 1 << 5
	// A segment list of SRv6, explicit, not to be verified, whose first SID
	// resolves; a segment with a SID, explicit.
	listFlags    = 1<<15 | 1<<14 | 1<<12
	listResolved = 1 << 11
	segmentFlags = 1<<15 | 1<<14
	segmentB     = 2
)

// report says by BGP-LS what has become of candidate paths (RFC 9857), so that who
// sent them can compare.
func (cfg *Config) report(paths []standing) ([]object, error) {
	s := &sayer{cfg: cfg}
	for _, p := range paths {
		s.say(nlriCandidatePath, &candidateNLRI{head: s.headend(), descriptor: p.descriptor(cfg)}, p.attribute()...)
	}
	return s.objects, s.err
}

// headend names this router by its BGP Identifier.
func (s *sayer) headend() *bgp.LsTLVNodeDescriptor {
	d := bgp.NewLsTLVNodeDescriptor(&bgp.LsNodeDescriptor{Asn: s.cfg.AS, BGPRouterID: s.cfg.RouterID}, bgp.LS_TLV_LOCAL_NODE_DESC)
	return &d
}

// descriptor is TLV 554. Who signaled the path is named by AS and address; all
// speakers of the lab are of one AS, and that is what is known of them.
func (p *standing) descriptor(cfg *Config) *rawTLV {
	b := []byte{originBGP, 0, 0, 0}
	if p.Endpoint.Is6() {
		b[1] = endpointV6
	}
	b = append(b, p.Endpoint.AsSlice()...)
	b = binary.BigEndian.AppendUint32(b, p.Color)
	b = binary.BigEndian.AppendUint32(b, cfg.AS)
	b = append(b, netip.IPv4Unspecified().AsSlice()...)
	return raw(tlvDescriptor, binary.BigEndian.AppendUint32(b, p.Distinguisher))
}

func (p *standing) attribute() []bgp.LsTLVInterface {
	flags := uint16(isEvaluated)
	for flag, set := range map[uint16]bool{isValid: p.valid, isActive: p.active || p.dropping, isDropping: p.dropping} {
		if set {
			flags |= flag
		}
	}
	state := binary.BigEndian.AppendUint16([]byte{p.Priority, 0}, flags)
	tlvs := []bgp.LsTLVInterface{raw(tlvState, binary.BigEndian.AppendUint32(state, p.Preference))}
	if p.Name != "" {
		tlvs = append(tlvs, raw(tlvPathName, []byte(p.Name)))
	}
	for i, l := range p.Lists {
		// Of several one is used, and that must not look like all.
		tlvs = append(tlvs, raw(tlvSegmentList, list(l, p.valid && i == taken(p.Lists))))
	}
	return tlvs
}

func list(l rib.SegmentList, resolved bool) []byte {
	flags := uint16(listFlags)
	if resolved {
		flags |= listResolved
	}
	b := binary.BigEndian.AppendUint16(nil, flags)
	b = append(b, make([]byte, 6)...) // reserved, topology, algorithm, reserved
	b = binary.BigEndian.AppendUint32(b, l.Weight)
	for _, sid := range l.Segments {
		s := binary.BigEndian.AppendUint16([]byte{segmentB, 0}, segmentFlags)
		s = append(append(s, sid.AsSlice()...), 0) // and its algorithm
		b = binary.BigEndian.AppendUint16(b, tlvSegment)
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
	}
	return b
}

// candidateNLRI is an NLRI that gobgp does not know.
type candidateNLRI struct {
	head       *bgp.LsTLVNodeDescriptor
	descriptor *rawTLV
}

// DecodeFromBytes implements bgp.LsNLRIInterface. Nobody sends one here.
func (n *candidateNLRI) DecodeFromBytes([]byte) error { return nil }

// Serialize implements bgp.LsNLRIInterface.
func (n *candidateNLRI) Serialize() ([]byte, error) {
	head, err := n.head.Serialize()
	if err != nil {
		return nil, err
	}
	descriptor, err := n.descriptor.Serialize()
	if err != nil {
		return nil, err
	}
	nlri := bgp.LsNLRI{NLRIType: nlriCandidatePath, ProtocolID: segmentRouting}
	return nlri.Serialize(append(head, descriptor...))
}

// Len implements bgp.LsNLRIInterface.
func (n *candidateNLRI) Len() int {
	b, _ := n.Serialize() // it has been serialized before
	return len(b)
}

// Type implements bgp.LsNLRIInterface.
func (n *candidateNLRI) Type() bgp.LsNLRIType { return nlriCandidatePath }

// String implements bgp.LsNLRIInterface.
func (n *candidateNLRI) String() string { return "SR_POLICY_CANDIDATE_PATH " + n.descriptor.String() }
