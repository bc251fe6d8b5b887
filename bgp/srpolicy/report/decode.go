package report

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/srpolicy"
)

// The TLVs and sub-TLVs of RFC 9857 section 8.3 that are read, and those of RFC
// 9552 and RFC 9514 within them.
const (
	localIPv4RouterIDTLV = 1028
	localIPv6RouterIDTLV = 1029
	descriptorTLV        = 554
	bindingTLV           = 1201
	statusTLV            = 1202
	nameTLV              = 1203
	listTLV              = 1205
	segmentTLV           = 1206
	srv6BindingTLV       = 1212
	policyNameTLV        = 1213
	behaviorTLV          = 1250
	sidStructureTLV      = 1252
)

// Flags of TLVs 554 and 1201.
const (
	endpointV6   byte   = 1 << 7  // E
	originatorV6 byte   = 1 << 6  // O
	bindingSRv6  uint16 = 1 << 15 // D
)

// Decode reads an NLRI of type CandidatePathType and the TLVs of the BGP-LS
// attribute that came with it. Not ok is a fault DiscardNLRI. A TLV that is wrong
// says nothing, and the state is Partial where that matters.
func Decode(o ls.Opaque, attribute []ls.TLV) (s State, faults ls.Faults, ok bool) {
	r := &report{}
	if !r.nlri(o) {
		return State{}, r.faults, false
	}
	for _, tlv := range attribute {
		known, why := r.tlv(tlv)
		if why != "" {
			r.fault(ls.Fault{Action: ls.IgnoreTLV, Attribute: true, TLV: tlv.Type, Reason: why})
			r.state.Partial = true
		}
		if why != "" || !known {
			r.state.Raw = append(r.state.Raw, tlv)
		}
	}
	return r.state, r.faults, true
}

type report struct {
	state  State
	faults ls.Faults
}

func (r *report) fault(f ls.Fault) {
	f.Object = CandidatePathType
	if len(r.faults) == ls.MaxFaults {
		r.faults[ls.MaxFaults-1].More++
		return
	}
	r.faults = append(r.faults, &f)
}

// nlri reads what names the path. But for its descriptor it is made as a Node NLRI
// is (RFC 9857 section 3), and so it is read.
func (r *report) nlri(o ls.Opaque) bool {
	b := binary.BigEndian.AppendUint16(nil, uint16(ls.NodeType))
	if o.NLRIType != CandidatePathType || len(o.Body) > 1<<16-1 {
		r.fault(ls.Fault{Action: ls.DiscardNLRI, Reason: fmt.Sprintf("is a %v NLRI of %d octets", o.NLRIType, len(o.Body))})
		return false
	}
	b = append(binary.BigEndian.AppendUint16(b, uint16(len(o.Body))), o.Body...)
	routes, faults := ls.DecodeNLRIs(b, ls.Family{})
	for _, f := range faults {
		r.fault(*f)
	}
	if len(routes) != 1 {
		return false
	}
	node, isNode := routes[0].NLRI.(ls.Node)
	if !isNode {
		return false
	}
	r.state.Origin, r.state.Headend = node.Origin, node.Local
	r.state.Origin.RD = o.RD
	const names = 4 + 1 + 8 // header, Protocol-ID, Identifier
	for at := names; at < len(b); {
		tlv, rest, _ := split(b[at:]) // whole, as DecodeNLRIs has looked
		if tlv.Type == descriptorTLV {
			why := r.state.describe(tlv.Value)
			if why != "" {
				r.fault(ls.Fault{Action: ls.DiscardNLRI, TLV: descriptorTLV, Offset: at, Reason: why})
			}
			return why == ""
		}
		at = len(b) - len(rest)
	}
	r.fault(ls.Fault{Action: ls.DiscardNLRI, TLV: descriptorTLV, Reason: "is missing"})
	return false
}

// describe reads the SR Policy Candidate Path Descriptor (RFC 9857 section 4).
func (s *State) describe(v []byte) string {
	if len(v) < 4 {
		return sizes(v, "24, 36 or 48")
	}
	endpoint, originator := addrSize(v[1]&endpointV6 != 0), addrSize(v[1]&originatorV6 != 0)
	if len(v) != 16+endpoint+originator {
		return sizes(v, fmt.Sprint(16+endpoint+originator))
	}
	s.ProtocolOrigin = ProtocolOrigin(v[0])
	v = v[4:]
	s.Endpoint, _ = netip.AddrFromSlice(v[:endpoint])
	v = v[endpoint:]
	s.Color, s.OriginatorAS = binary.BigEndian.Uint32(v), binary.BigEndian.Uint32(v[4:])
	v = v[8:]
	s.Originator, _ = netip.AddrFromSlice(v[:originator])
	s.Distinguisher = binary.BigEndian.Uint32(v[originator:])
	return ""
}

// RouterIDs are the addresses by which the headend is named (TLVs 1028 and 1029,
// RFC 9857 section 3). Its BGP Identifier is in its descriptor.
func (s State) RouterIDs() (addrs []netip.Addr) {
	for rest := []byte(s.Headend.Unknown); len(rest) > 0; {
		tlv, after, whole := split(rest)
		if !whole {
			break
		}
		v := tlv.Value
		if tlv.Type == localIPv4RouterIDTLV && len(v) == 4 || tlv.Type == localIPv6RouterIDTLV && len(v) == 16 {
			a, _ := netip.AddrFromSlice(v)
			addrs = append(addrs, a)
		}
		rest = after
	}
	return addrs
}

func addrSize(v6 bool) int {
	if v6 {
		return 16
	}
	return 4
}

// tlv reads a TLV of the attribute. Of those of which there may be one the first
// counts (RFC 9857 section 5).
func (r *report) tlv(tlv ls.TLV) (known bool, why string) {
	s, v := &r.state, tlv.Value
	switch tlv.Type {
	case statusTLV:
		if len(v) != 8 {
			return true, sizes(v, "8")
		}
		first(&s.Status, Status{v[0], StatusFlags(binary.BigEndian.Uint16(v[2:])), binary.BigEndian.Uint32(v[4:])})
	case bindingTLV:
		if len(v) < 4 || binary.BigEndian.Uint16(v)&bindingSRv6 == 0 {
			return false, "" // a label
		}
		if len(v) != 36 {
			return true, sizes(v, "36")
		}
		flags := binary.BigEndian.Uint16(v)
		// Beside D are the flags of TLV 1212 and, before F, one of SR-MPLS.
		s.BindingSIDs = append(s.BindingSIDs, bindingSID(flags<<1&0xc000|flags<<2&0x2000, v))
	case srv6BindingTLV:
		if len(v) < 36 {
			return true, sizes(v, "at least 36")
		}
		b := bindingSID(binary.BigEndian.Uint16(v), v)
		if b.Endpoint, why = readEndpoint(v[36:]); why != "" {
			return true, why
		}
		s.BindingSIDs = append(s.BindingSIDs, b)
	case listTLV:
		l, why := readList(v)
		if why != "" {
			return true, why
		}
		s.SegmentLists = append(s.SegmentLists, l)
	case nameTLV:
		firstName(&s.Name, v)
	case policyNameTLV:
		firstName(&s.PolicyName, v)
	default:
		return false, ""
	}
	return true, ""
}

func firstName(name *string, v []byte) {
	if *name == "" && srpolicy.IsName(string(v)) {
		*name = string(v)
	}
}

// bindingSID reads the fixed part, with the flags of TLV 1212.
func bindingSID(flags uint16, v []byte) BindingSID {
	return BindingSID{
		Allocated: flags&0x8000 != 0, Unavailable: flags&0x4000 != 0, Fallback: flags&0x2000 != 0,
		SID: netip.AddrFrom16([16]byte(v[4:])), Specified: netip.AddrFrom16([16]byte(v[20:])),
	}
}

// readList reads the value of TLV 1205.
func readList(v []byte) (l SegmentList, why string) {
	if len(v) < 12 {
		return l, sizes(v, "at least 12")
	}
	l.Flags, l.MultiTopology = ListFlags(binary.BigEndian.Uint16(v)), binary.BigEndian.Uint16(v[4:])
	l.Algorithm, l.Weight = v[6], binary.BigEndian.Uint32(v[8:])
	for rest := v[12:]; len(rest) > 0; {
		tlv, after, whole := split(rest)
		if !whole {
			return l, "has a sub-TLV that overruns it"
		}
		if rest = after; tlv.Type != segmentTLV {
			l.Raw = append(l.Raw, ls.TLV{Type: tlv.Type, Value: append([]byte(nil), tlv.Value...)})
			continue
		}
		s, why := readSegment(tlv.Value)
		if why != "" {
			return l, fmt.Sprintf("has a segment, number %d, that %s", len(l.Segments)+1, why)
		}
		l.Segments = append(l.Segments, s)
	}
	return l, ""
}

// descriptors are the sizes of what describes an SRv6 segment behind its SID, by
// type: B, I, J and K (RFC 9857 section 5.7.1.1).
var descriptors = map[uint8]int{2: 1, 9: 1 + 16, 10: 16 + 4 + 16 + 4, 11: 16 + 16}

// readSegment reads the value of sub-TLV 1206. The SID is there in any case, and
// has a meaning with the flag.
func readSegment(v []byte) (s Segment, why string) {
	if len(v) < 4 {
		return s, sizes(v, "at least 4")
	}
	s.Type, s.Flags = v[0], SegmentFlags(binary.BigEndian.Uint16(v[2:]))
	described, srv6 := descriptors[s.Type]
	if !srv6 {
		return s, ""
	}
	end := 4 + 16 + described
	if len(v) < end {
		return s, sizes(v, fmt.Sprintf("at least %d", end))
	}
	if s.Flags&SegmentSID != 0 {
		s.SID = netip.AddrFrom16([16]byte(v[4:]))
	}
	s.Endpoint, why = readEndpoint(v[end:])
	return s, why
}

// readEndpoint reads sub-TLVs of RFC 9514. Others say nothing.
func readEndpoint(b []byte) (e Endpoint, why string) {
	for len(b) > 0 {
		tlv, rest, whole := split(b)
		if !whole {
			return e, "has a sub-TLV that overruns it"
		}
		switch v := tlv.Value; {
		case tlv.Type == behaviorTLV && len(v) == 4:
			first(&e.Behavior, binary.BigEndian.Uint16(v))
		case tlv.Type == sidStructureTLV && len(v) == 4:
			first(&e.Structure, ls.SIDStructure{LocatorBlock: v[0], LocatorNode: v[1], Function: v[2], Argument: v[3]})
		case tlv.Type == behaviorTLV || tlv.Type == sidStructureTLV:
			return e, fmt.Sprintf("has a sub-TLV %d of %d octets, want 4", tlv.Type, len(v))
		}
		b = rest
	}
	return e, ""
}

// split takes the first TLV off b. It is not whole if b does not hold it.
func split(b []byte) (tlv ls.TLV, rest []byte, whole bool) {
	if len(b) < 4 || len(b) < 4+int(binary.BigEndian.Uint16(b[2:])) {
		return ls.TLV{}, nil, false
	}
	end := 4 + int(binary.BigEndian.Uint16(b[2:]))
	return ls.TLV{Type: binary.BigEndian.Uint16(b), Value: b[4:end]}, b[end:], true
}

func first[V any](o *ls.Opt[V], v V) {
	if !o.Known {
		*o = ls.Some(v)
	}
}

func sizes(v []byte, want string) string { return fmt.Sprintf("has %d octets, want %s", len(v), want) }
