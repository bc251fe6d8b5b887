package ls

import (
	"fmt"
	"math"
)

// Attribute is what the BGP-LS Attribute (RFC 9552 section 5.3) says of objects
// of one NLRI type: a [*NodeAttribute], [*LinkAttribute], [*PrefixAttribute],
// [*SRv6SIDAttribute] or [*OpaqueAttribute].
type Attribute interface {
	appendTo(b []byte) []byte
}

// OpaqueAttribute is the attribute of an NLRI type without a meaning here.
type OpaqueAttribute struct {
	Raw []TLV
}

// DecodeAttribute reads the value of path attribute 29 for NLRIs of one type.
// The TLVs without a meaning for that type are kept. With a fault
// DiscardAttribute the attribute is nil: the objects exist, and nothing is known
// of them, not even what was before. An UPDATE that has no such attribute says
// the same: a speaker on the way has discarded it (RFC 9552 section 8.2.2).
func DecodeAttribute(b []byte, of NLRIType) (Attribute, Faults) {
	var faults Faults
	d := &decoder{object: Fault{Object: of, Attribute: true}, faults: &faults}
	var (
		a  Attribute
		ok bool
	)
	switch of {
	case NodeType:
		n := &NodeAttribute{}
		n.Raw, ok = readTLVs(d, n, nodeAttributeFields, b, 0)
		a = n
	case LinkType:
		l := &LinkAttribute{}
		l.Raw, ok = readTLVs(d, l, linkAttributeFields, b, 0)
		a = l
	case IPv4PrefixType, IPv6PrefixType:
		p := &PrefixAttribute{}
		p.Raw, ok = readTLVs(d, p, prefixAttributeFields, b, 0)
		a = p
	case SRv6SIDType:
		s := &SRv6SIDAttribute{}
		s.Raw, ok = readTLVs(d, s, srv6SIDAttributeFields, b, 0)
		a = s
	default:
		o := &OpaqueAttribute{}
		o.Raw, ok = readTLVs(d, o, nil, b, 0)
		a = o
	}
	if !ok {
		return nil, faults
	}
	return a, faults
}

// AppendAttribute appends the value of path attribute 29, TLVs in ascending
// order, equal attributes as equal octets. More than 65,535 octets are an error.
func AppendAttribute(b []byte, a Attribute) ([]byte, error) {
	out := a.appendTo(b)
	if size := len(out) - len(b); size > math.MaxUint16 {
		return b, fmt.Errorf("a BGP-LS attribute takes %d octets, and at most %d fit", size, math.MaxUint16)
	}
	return out, nil
}

func (a *NodeAttribute) appendTo(b []byte) []byte {
	return appendTLVs(b, a, nodeAttributeFields, a.Raw)
}

func (a *LinkAttribute) appendTo(b []byte) []byte {
	return appendTLVs(b, a, linkAttributeFields, a.Raw)
}

func (a *PrefixAttribute) appendTo(b []byte) []byte {
	return appendTLVs(b, a, prefixAttributeFields, a.Raw)
}

func (a *SRv6SIDAttribute) appendTo(b []byte) []byte {
	return appendTLVs(b, a, srv6SIDAttributeFields, a.Raw)
}

func (a *OpaqueAttribute) appendTo(b []byte) []byte { return appendTLVs(b, a, nil, a.Raw) }
