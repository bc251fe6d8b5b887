package update

import (
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"

	"github.com/keiro-net/keiro/controller/bgp/ls"
)

// The path attributes that are written or read (IANA, BGP Path Attributes).
const (
	Origin              uint8 = 1
	ASPath              uint8 = 2
	NextHop             uint8 = 3
	LocalPref           uint8 = 5
	Communities         uint8 = 8
	MPReachNLRI         uint8 = 14
	MPUnreachNLRI       uint8 = 15
	ExtendedCommunities uint8 = 16
	AS4Path             uint8 = 17
	TunnelEncapsulation uint8 = 23
)

// DefaultLocalPref is what is sent to a peer of our AS for a route without a
// local preference, which must be there (RFC 4271 section 5.1.5).
const DefaultLocalPref = 100

// Attributes are the path attributes of a route, without its NLRIs.
type Attributes struct {
	NextHop             netip.Addr
	LocalPref           ls.Opt[uint32] // iBGP only
	Communities         []Community
	ExtendedCommunities []ExtendedCommunity
	// TunnelEncapsulation is the value of attribute 23, empty for none.
	TunnelEncapsulation []byte
}

// Announce returns the body of an UPDATE that announces NLRIs of a family: what
// follows the header of the message. IPv4 unicast NLRIs go where RFC 4271 has
// them, unless their next hop is an IPv6 address.
func Announce(s Session, f Family, nlris []byte, a Attributes) ([]byte, error) {
	if !a.NextHop.IsValid() {
		return nil, fmt.Errorf("a route of %v without a next hop cannot be announced", f)
	}
	classic := f == IPv4Unicast && a.NextHop.Is4()
	if f == IPv4Unicast && !classic && !s.ExtendedNextHop {
		return nil, fmt.Errorf("an IPv4 route with the next hop %v cannot be announced: the peer did not announce extended next hops (RFC 8950)", a.NextHop)
	}
	if f == IPv6Unicast && a.NextHop.Is4() {
		return nil, fmt.Errorf("an IPv6 route with the next hop %v cannot be announced: an IPv6 next hop is needed", a.NextHop)
	}
	b := []byte{0, 0, 0, 0} // no withdrawn routes; the length of the attributes follows below
	if !classic {
		// RFC 7606 section 5.1: ahead of all others.
		b = appendAttribute(b, optional, MPReachNLRI, appendReach(nil, f, a.NextHop, nlris))
	}
	b = appendAttribute(b, wellKnown, Origin, []byte{0}) // IGP
	b = appendASPath(b, s)
	if classic {
		b = appendAttribute(b, wellKnown, NextHop, a.NextHop.AsSlice())
	}
	if !s.External {
		b = appendAttribute(b, wellKnown, LocalPref, binary.BigEndian.AppendUint32(nil, localPref(a)))
	}
	if len(a.Communities) > 0 {
		var v []byte
		for _, c := range a.Communities {
			v = binary.BigEndian.AppendUint32(v, uint32(c))
		}
		b = appendAttribute(b, optional|transitive, Communities, v)
	}
	if len(a.ExtendedCommunities) > 0 {
		var v []byte
		for _, e := range a.ExtendedCommunities {
			v = append(v, e[:]...)
		}
		b = appendAttribute(b, optional|transitive, ExtendedCommunities, v)
	}
	if !s.FourOctetAS && s.External && s.LocalAS > math.MaxUint16 {
		b = appendAttribute(b, optional|transitive, AS4Path, binary.BigEndian.AppendUint32([]byte{asSequence, 1}, s.LocalAS))
	}
	if len(a.TunnelEncapsulation) > 0 {
		b = appendAttribute(b, optional|transitive, TunnelEncapsulation, a.TunnelEncapsulation)
	}
	attributes := len(b) - 4
	if classic {
		b = append(b, nlris...)
	}
	return finish(b, attributes, s)
}

// Withdraw returns the body of an UPDATE that withdraws NLRIs of a family. None
// at all are the End-of-RIB marker (RFC 4724 section 2).
func Withdraw(s Session, f Family, nlris []byte) ([]byte, error) {
	if f == IPv4Unicast {
		if 4+len(nlris) > s.Limit() {
			return nil, &TooLong{4 + len(nlris), s.Limit()}
		}
		b := binary.BigEndian.AppendUint16(nil, uint16(len(nlris)))
		return append(append(b, nlris...), 0, 0), nil
	}
	// RFC 4760 section 4: such an UPDATE needs no other attribute.
	v := append(binary.BigEndian.AppendUint16(nil, f.AFI), f.SAFI)
	b := appendAttribute([]byte{0, 0, 0, 0}, optional, MPUnreachNLRI, append(v, nlris...))
	return finish(b, len(b)-4, s)
}

func finish(b []byte, attributes int, s Session) ([]byte, error) {
	if len(b) > s.Limit() {
		return nil, &TooLong{len(b), s.Limit()}
	}
	binary.BigEndian.PutUint16(b[2:], uint16(attributes))
	return b, nil
}

func localPref(a Attributes) uint32 {
	if v, ok := a.LocalPref.Get(); ok {
		return v
	}
	return DefaultLocalPref
}

// appendReach appends the value of MP_REACH_NLRI (RFC 4760 section 3).
func appendReach(b []byte, f Family, nextHop netip.Addr, nlris []byte) []byte {
	b = append(binary.BigEndian.AppendUint16(b, f.AFI), f.SAFI)
	b = append(append(b, byte(nextHop.BitLen()/8)), nextHop.AsSlice()...)
	return append(append(b, 0), nlris...)
}

const (
	asSequence = 2
	asTrans    = 23456 // RFC 6793 section 9
)

// appendASPath appends an AS_PATH that is empty, or is our own AS.
func appendASPath(b []byte, s Session) []byte {
	var v []byte
	switch {
	case !s.External:
	case s.FourOctetAS:
		v = binary.BigEndian.AppendUint32([]byte{asSequence, 1}, s.LocalAS)
	case s.LocalAS > math.MaxUint16:
		v = binary.BigEndian.AppendUint16([]byte{asSequence, 1}, asTrans)
	default:
		v = binary.BigEndian.AppendUint16([]byte{asSequence, 1}, uint16(s.LocalAS))
	}
	return appendAttribute(b, wellKnown, ASPath, v)
}

// The flags of path attributes (RFC 4271 section 4.3).
const (
	optional   byte = 0x80
	transitive byte = 0x40
	extended   byte = 0x10
	wellKnown       = transitive
)

// appendAttribute appends a path attribute. A value too long for its length
// makes the whole too long, which finish finds.
func appendAttribute(b []byte, flags, attribute byte, v []byte) []byte {
	if len(v) > math.MaxUint8 {
		b = binary.BigEndian.AppendUint16(append(b, flags|extended, attribute), uint16(len(v)))
	} else {
		b = append(b, flags, attribute, byte(len(v)))
	}
	return append(b, v...)
}
