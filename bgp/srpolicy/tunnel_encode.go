package srpolicy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/netip"

	"github.com/keiro-net/keiro/bgp/ls"
)

// tunnelType is that of SR Policies (RFC 9830 section 2.2).
const tunnelType = 15

// The sub-TLVs of the tunnel (RFC 9830 section 6.5, RFC 9012 section 14.3) and
// of a segment list (RFC 9830 section 6.6).
const (
	prefixSIDSubTLV  = 11 // the last of RFC 9012
	preferenceSubTLV = 12
	bindingSubTLV    = 13
	enlpSubTLV       = 14
	prioritySubTLV   = 15
	srv6BindSubTLV   = 20
	listSubTLV       = 128
	nameSubTLV       = 129
	policySubTLV     = 130

	segmentA = 1
	weight   = 9
	segmentB = 13
)

// Flags of the sub-TLVs. Where a behavior and a structure follow is told by
// another bit in a binding SID (RFC 9830 section 2.4.3) than in a segment (RFC 9830
// section 2.4.4.2.3).
const (
	specifiedOnly   byte = 0x80
	dropUponInvalid byte = 0x40
	bindingEndpoint byte = 0x20
	verify          byte = 0x80
	segmentEndpoint byte = 0x10
)

// AppendTunnel appends the value of a Tunnel Encapsulation attribute (RFC 9012
// section 2) with one TLV, of an SR Policy. What would not be read back as it is
// given is an error.
func AppendTunnel(b []byte, t Tunnel) ([]byte, error) {
	if err := t.check(); err != nil {
		return b, err
	}
	start := len(b)
	b = append(b, 0, tunnelType, 0, 0)
	if v, ok := t.Preference.Get(); ok {
		b = binary.BigEndian.AppendUint32(append(b, preferenceSubTLV, 6, 0, 0), v)
	}
	if v, ok := t.BindingSID.Get(); ok {
		b = appendSubTLV(b, SubTLV{bindingSubTLV, v.octets()})
	}
	for _, s := range t.SRv6BindingSIDs {
		b = appendSubTLV(b, SubTLV{srv6BindSubTLV, sidOctets(s.octet(), bindingEndpoint, s.SID, s.Endpoint)})
	}
	if v, ok := t.ENLP.Get(); ok {
		b = append(b, enlpSubTLV, 3, 0, 0, byte(v))
	}
	if v, ok := t.Priority.Get(); ok {
		b = append(b, prioritySubTLV, 2, v, 0)
	}
	for _, l := range t.SegmentLists {
		v := []byte{0}
		if w, ok := l.Weight.Get(); ok {
			v = binary.BigEndian.AppendUint32(append(v, weight, 6, 0, 0), w)
		}
		for _, s := range l.Segments {
			v = appendSubTLV(v, s.subTLV())
		}
		if len(v) > math.MaxUint16 {
			return b[:start], fmt.Errorf("a segment list takes %d octets, and at most %d fit", len(v), math.MaxUint16)
		}
		b = appendSubTLV(b, SubTLV{listSubTLV, v})
	}
	b = appendName(b, nameSubTLV, t.Name)
	b = appendName(b, policySubTLV, t.PolicyName)
	for _, o := range t.Others {
		b = appendSubTLV(b, o)
	}
	size := len(b) - start - 4
	if size > math.MaxUint16 {
		return b[:start], fmt.Errorf("the segment lists take %d octets, and at most %d fit", size, math.MaxUint16)
	}
	binary.BigEndian.PutUint16(b[start+2:], uint16(size))
	return b, nil
}

func (t Tunnel) check() error {
	for _, name := range []string{t.Name, t.PolicyName} {
		if !IsName(name) {
			return fmt.Errorf("the name %q is not of printable ASCII, or has more than %d octets", name, maxNameLen)
		}
	}
	if v, ok := t.ENLP.Get(); ok && (v < PushIPv4 || v > DoNotPush) {
		return fmt.Errorf("%d is no explicit NULL label policy", v)
	}
	if v, ok := t.BindingSID.Get(); ok {
		label, labeled := v.Label.Get()
		switch {
		case labeled && v.SID.IsValid():
			return errors.New("a binding SID is both a label and an SRv6 SID")
		case labeled && (label < 16 || label >= 1<<20):
			return fmt.Errorf("the binding SID %d is not between 16 and %d", label, 1<<20-1)
		case v.SID.IsValid():
			if err := checkSID("binding SID", v.SID, ls.Opt[Endpoint]{}); err != nil {
				return err
			}
		}
	}
	for _, s := range t.SRv6BindingSIDs {
		if err := checkSID("binding SID", s.SID, s.Endpoint); err != nil {
			return err
		}
	}
	for _, l := range t.SegmentLists {
		for _, s := range l.Segments {
			if s.Other.Type == 0 {
				if err := checkSID("segment", s.SID, s.Endpoint); err != nil {
					return err
				}
			} else if err := s.Other.check(segmentB, weight); err != nil {
				return err
			} else if s.Other.Type == segmentA && len(s.Other.Value) != 6 {
				return fmt.Errorf("a segment of type A has %d octets, want 6", len(s.Other.Value))
			}
		}
	}
	for _, o := range t.Others {
		err := o.check(preferenceSubTLV, bindingSubTLV, enlpSubTLV, prioritySubTLV, srv6BindSubTLV, listSubTLV, nameSubTLV, policySubTLV)
		if err != nil {
			return err
		}
	}
	return nil
}

func checkSID(what string, sid netip.Addr, endpoint ls.Opt[Endpoint]) error {
	if !sid.Is6() || sid.Zone() != "" {
		return fmt.Errorf("the %s %v is no SRv6 SID", what, sid)
	}
	if e, ok := endpoint.Get(); ok && bits(e.Structure) > 128 {
		return fmt.Errorf("the %s %v is divided into %d bits", what, sid, bits(e.Structure))
	}
	return nil
}

func bits(s ls.SIDStructure) int {
	return int(s.LocatorBlock) + int(s.LocatorNode) + int(s.Function) + int(s.Argument)
}

// check refuses what would be read as something else.
func (s SubTLV) check(known ...uint8) error {
	limit := math.MaxUint16
	if s.Type < 128 {
		limit = math.MaxUint8
	}
	if len(s.Value) > limit {
		return fmt.Errorf("sub-TLV %d has %d octets, and at most %d fit", s.Type, len(s.Value), limit)
	}
	for _, k := range known {
		if s.Type == k {
			return fmt.Errorf("sub-TLV %d is one with a meaning and cannot be sent as one without", s.Type)
		}
	}
	return nil
}

func (f BindingSIDFlags) octet() (o byte) {
	if f.SpecifiedOnly {
		o |= specifiedOnly
	}
	if f.DropUponInvalid {
		o |= dropUponInvalid
	}
	return o
}

func (s BindingSID) octets() []byte {
	b := []byte{s.octet(), 0}
	if label, ok := s.Label.Get(); ok {
		return binary.BigEndian.AppendUint32(b, label<<12)
	}
	return append(b, s.SID.AsSlice()...)
}

func (s Segment) subTLV() SubTLV {
	if s.Other.Type != 0 {
		return s.Other
	}
	flags := byte(0)
	if s.Verify {
		flags = verify
	}
	return SubTLV{segmentB, sidOctets(flags, segmentEndpoint, s.SID, s.Endpoint)}
}

// sidOctets is an SRv6 SID behind flags, of which present says that behavior and
// structure follow.
func sidOctets(flags, present byte, sid netip.Addr, endpoint ls.Opt[Endpoint]) []byte {
	e, ok := endpoint.Get()
	if ok {
		flags |= present
	}
	b := append([]byte{flags, 0}, sid.AsSlice()...)
	if ok {
		b = binary.BigEndian.AppendUint16(b, e.Behavior)
		b = append(b, 0, 0, e.Structure.LocatorBlock, e.Structure.LocatorNode, e.Structure.Function, e.Structure.Argument)
	}
	return b
}

func appendName(b []byte, subTLV uint8, name string) []byte {
	if name == "" {
		return b
	}
	return appendSubTLV(b, SubTLV{subTLV, append([]byte{0}, name...)})
}

// appendSubTLV appends a sub-TLV, whose length takes two octets from type 128 on
// (RFC 9012 section 2).
func appendSubTLV(b []byte, s SubTLV) []byte {
	b = append(b, s.Type)
	if s.Type >= 128 {
		b = binary.BigEndian.AppendUint16(b, uint16(len(s.Value)))
	} else {
		b = append(b, byte(len(s.Value)))
	}
	return append(b, s.Value...)
}
