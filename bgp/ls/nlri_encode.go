package ls

import (
	"encoding/binary"
	"fmt"
	"math"
)

// AppendNLRI appends an NLRI as DecodeNLRIs reads it, without a path identifier.
// What DecodeNLRIs returned comes out as the same octets. An NLRI that would
// not be read back as it is given, because it lacks what it needs, holds an
// address of the wrong family or unknown TLVs that are no TLVs, is an error.
func AppendNLRI(b []byte, n NLRI) ([]byte, error) {
	out, start := open(b, uint16(n.Type()))
	out = closeTLV(n.appendBody(out), start)
	if size := len(out) - start - header; size > math.MaxUint16 {
		return b, fmt.Errorf("a %v NLRI takes %d octets, and at most %d fit", n.Type(), size, math.MaxUint16)
	}
	back, faults := DecodeNLRIs(out[start:], Family{VPN: distinguished(n)})
	if len(faults) > 0 {
		return b, fmt.Errorf("this NLRI cannot be sent: %w", faults[0])
	}
	if len(back) != 1 || back[0].NLRI != n {
		return b, fmt.Errorf("this %v NLRI cannot be sent: it would be read as another one", n.Type())
	}
	return out, nil
}

func distinguished(n NLRI) bool {
	switch n := n.(type) {
	case Node:
		return n.RD.Known
	case Link:
		return n.RD.Known
	case Prefix:
		return n.RD.Known
	case SRv6SID:
		return n.RD.Known
	case Opaque:
		return n.RD.Known
	}
	return false
}

func (o Origin) appendTo(b []byte) []byte {
	b = appendRD(b, o.RD)
	return binary.BigEndian.AppendUint64(append(b, byte(o.Protocol)), o.Identifier)
}

func appendRD(b []byte, rd Opt[RouteDistinguisher]) []byte {
	if v, ok := rd.Get(); ok {
		b = append(b, v[:]...)
	}
	return b
}

func (n Node) appendBody(b []byte) []byte {
	return appendOrdered(n.appendTo(b), &n, nodeFields, n.Unknown)
}

func (l Link) appendBody(b []byte) []byte {
	return appendOrdered(l.appendTo(b), &l, linkNLRIFields, l.Unknown)
}

func (p Prefix) appendBody(b []byte) []byte {
	fields := ipv6PrefixFields
	if p.Type() == IPv4PrefixType {
		fields = ipv4PrefixFields
	}
	return appendOrdered(p.appendTo(b), &p, fields, p.Unknown)
}

func (s SRv6SID) appendBody(b []byte) []byte {
	return appendOrdered(s.appendTo(b), &s, srv6SIDNLRIFields, s.Unknown)
}

func (o Opaque) appendBody(b []byte) []byte {
	return append(appendRD(b, o.RD), o.Body...)
}
