package srpolicy

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"

	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/message"
)

// ParseTunnel reads the value of the Tunnel Encapsulation attribute of an SR Policy.
// The fault, if there is one, is TreatAsWithdraw (RFC 9830 section 5): the tunnel must
// not be used. It is the first of the value.
func ParseTunnel(b []byte) (Tunnel, *message.Fault) {
	p := parser{}
	found := false
	for at := 0; at < len(b) && p.fault == nil; {
		if len(b)-at < 4 || len(b)-at < 4+int(binary.BigEndian.Uint16(b[at+2:])) {
			p.wrong("a tunnel at octet %d overruns its attribute", at)
			break
		}
		end := at + 4 + int(binary.BigEndian.Uint16(b[at+2:]))
		switch of := binary.BigEndian.Uint16(b[at:]); {
		case of != tunnelType: // RFC 9830 section 2.2
			p.wrong("a tunnel at octet %d is of type %d, want %d, SR Policy", at, of, tunnelType)
		case found:
			p.wrong("a tunnel at octet %d is a second one", at)
		default:
			found = true
			p.subTLVs(b[at+4:end], at+4, p.tunnelSubTLV)
		}
		at = end
	}
	if !found {
		p.wrong("there is no tunnel of type %d, SR Policy", tunnelType)
	}
	return p.tunnel, p.fault
}

type parser struct {
	tunnel Tunnel
	fault  *message.Fault
}

// wrong keeps the first fault.
func (p *parser) wrong(format string, args ...any) {
	if p.fault == nil {
		p.fault = &message.Fault{Action: message.TreatAsWithdraw, Type: message.TunnelEncapsulationType,
			Subcode: message.OptionalAttributeError, Reason: "is malformed: " + fmt.Sprintf(format, args...)}
	}
}

// subTLVs takes sub-TLVs apart (RFC 9012 section 2). Each returns what is wrong with
// it. The offset is that of b.
func (p *parser) subTLVs(b []byte, at int, each func(s SubTLV, at int) (why string)) {
	for len(b) > 0 && p.fault == nil {
		header, size := 2, 0
		if b[0] >= 128 {
			header = 3
		}
		if len(b) >= header {
			size = int(b[1])
			if header == 3 {
				size = int(binary.BigEndian.Uint16(b[1:]))
			}
		}
		if len(b) < header+size {
			p.wrong("sub-TLV %d at octet %d overruns what it is in", b[0], at)
			return
		}
		if why := each(SubTLV{b[0], b[header : header+size]}, at+header); why != "" {
			p.wrong("sub-TLV %d at octet %d %s", b[0], at, why)
		}
		b, at = b[header+size:], at+header+size
	}
}

// tunnelSubTLV reads a sub-TLV of the tunnel. Of those of which there may be one
// the first counts (RFC 9830 section 2.4), and yet all of them must be well formed.
func (p *parser) tunnelSubTLV(s SubTLV, at int) string {
	t, v := &p.tunnel, s.Value
	switch s.Type {
	case preferenceSubTLV:
		if len(v) != 6 {
			return sizes(v, "6")
		}
		first(&t.Preference, binary.BigEndian.Uint32(v[2:]))
	case bindingSubTLV:
		return p.bindingSID(v)
	case srv6BindSubTLV:
		sid, endpoint, why := readSID(v, bindingEndpoint)
		if why != "" {
			return why
		}
		t.SRv6BindingSIDs = append(t.SRv6BindingSIDs, SRv6BindingSID{bindingFlags(v[0]), sid, endpoint})
	case enlpSubTLV:
		if len(v) != 3 {
			return sizes(v, "3")
		}
		// RFC 9830 section 2.4.5: one with another value is ignored.
		if e := ENLP(v[2]); e >= PushIPv4 && e <= DoNotPush {
			first(&t.ENLP, e)
		}
	case prioritySubTLV:
		if len(v) != 2 {
			return sizes(v, "2")
		}
		first(&t.Priority, v[0])
	case listSubTLV:
		if len(v) < 1 {
			return sizes(v, "at least 1")
		}
		list := SegmentList{}
		p.subTLVs(v[1:], at+1, list.read)
		t.SegmentLists = append(t.SegmentLists, list)
	case nameSubTLV:
		return readName(&t.Name, v)
	case policySubTLV:
		return readName(&t.PolicyName, v)
	default:
		t.Others = append(t.Others, SubTLV{s.Type, bytes.Clone(v)})
	}
	return ""
}

func (p *parser) bindingSID(v []byte) string {
	if len(v) != 2 && len(v) != 6 && len(v) != 18 {
		return sizes(v, "2, 6 or 18")
	}
	s := BindingSID{BindingSIDFlags: bindingFlags(v[0])}
	switch len(v) {
	case 6: // RFC 9830 section 2.4.2: the bits behind the label are ignored
		s.Label = ls.Some(binary.BigEndian.Uint32(v[2:]) >> 12)
	case 18:
		s.SID = netip.AddrFrom16([16]byte(v[2:]))
	}
	first(&p.tunnel.BindingSID, s)
	return ""
}

// read reads a sub-TLV of a segment list. Of those without a meaning the order
// counts, as most are segments.
func (l *SegmentList) read(s SubTLV, _ int) string {
	switch v := s.Value; s.Type {
	case weight:
		if len(v) != 6 {
			return sizes(v, "6")
		}
		first(&l.Weight, binary.BigEndian.Uint32(v[2:]))
	case segmentB:
		sid, endpoint, why := readSID(v, segmentEndpoint)
		if why != "" {
			return why
		}
		l.Segments = append(l.Segments, Segment{SID: sid, Verify: v[0]&verify != 0, Endpoint: endpoint})
	case 0:
		return "is of the reserved type"
	default:
		if s.Type == segmentA && len(v) != 6 {
			return sizes(v, "6")
		}
		l.Segments = append(l.Segments, Segment{Other: SubTLV{s.Type, bytes.Clone(v)}})
	}
	return ""
}

// readSID reads an SRv6 SID behind flags. Behavior and structure are there if the
// octets are: there are speakers that send them without the flag present. With the
// flag and without the octets it is malformed.
func readSID(v []byte, present byte) (sid netip.Addr, endpoint ls.Opt[Endpoint], why string) {
	if len(v) != 18 && len(v) != 26 {
		return sid, endpoint, sizes(v, "18 or 26")
	}
	sid = netip.AddrFrom16([16]byte(v[2:]))
	if len(v) == 18 {
		if v[0]&present != 0 {
			why = "has 18 octets and a flag for 26"
		}
		return sid, endpoint, why
	}
	e := Endpoint{binary.BigEndian.Uint16(v[18:]), ls.SIDStructure{LocatorBlock: v[22], LocatorNode: v[23], Function: v[24], Argument: v[25]}}
	if bits(e.Structure) > 128 {
		why = fmt.Sprintf("divides a SID into %d bits", bits(e.Structure))
	}
	return sid, ls.Some(e), why
}

func bindingFlags(o byte) BindingSIDFlags {
	return BindingSIDFlags{SpecifiedOnly: o&specifiedOnly != 0, DropUponInvalid: o&dropUponInvalid != 0}
}

// readName reads a name, which ends on terminals: of one that is not printable
// ASCII, or is too long, nothing is known. That is no fault: a name is no syntax.
func readName(name *string, v []byte) string {
	if len(v) < 1 {
		return sizes(v, "at least 1")
	}
	if *name == "" && IsName(string(v[1:])) {
		*name = string(v[1:])
	}
	return ""
}

// IsName reports whether a name of a path or a policy can be sent, and is fit to be
// shown: at most 255 octets (RFC 9830 sections 2.4.7 and 2.4.8), of printable ASCII.
// An empty one is none.
func IsName(name string) bool {
	return len(name) <= maxNameLen && !strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r > '~' })
}

func first[V any](o *ls.Opt[V], v V) {
	if !o.Known {
		*o = ls.Some(v)
	}
}

func sizes(v []byte, want string) string { return fmt.Sprintf("has %d octets, want %s", len(v), want) }
