// Package headers says which IP headers of a frame lie open to whoever sees it,
// whatever carries them. It is pure, of our own for two packets deep are all
// that is looked for, and keeps to bounds of its own whatever comes. Package
// sample asks it, and lab/sight, which taps cables in tests.
package headers

import (
	"encoding/binary"
	"net/netip"
)

// Header is an IP header that lies open.
type Header struct {
	From, To netip.Addr
	Proto    uint8  // what follows it and its extensions
	FromPort uint16 // of UDP and TCP; 0 where it is not to be seen
	Port     uint16 // destination, likewise
	Quoted   bool   // in the error of a router, which goes its own way
}

const (
	maxHeaders = 8
	// maxExtensions bounds the extension headers of one of them.
	maxExtensions = 8
)

// IP protocol numbers.
const (
	HopByHop = 0
	ICMP4    = 1
	IPv4     = 4
	TCP      = 6
	UDP      = 17
	IPv6     = 41
	Routing  = 43
	Fragment = 44
	Auth     = 51
	ICMP6    = 58
	DestOpts = 60
)

// Bytes of an Ethernet header, and of a fragment header.
const (
	Ethernet  = 14
	fragment8 = 8
)

// Max bounds what is looked through, as a hostile packet may nest as deep as it
// is long; Keiro's nest three.
const Max = maxHeaders

// Dissect returns the IP headers of an Ethernet frame that lie open, see Packet.
func Dissect(frame []byte) (headers []Header, whole bool) {
	proto, b, whole := unwrap(frame)
	if b == nil {
		return nil, whole
	}
	return Packet(proto, b)
}

// Packet returns the IP headers of a packet of IPv4 or IPv6 (its protocol
// number) that lie open, the outermost first, those inside of IP in IP, with or
// without segment routing header (RFC 8754), and those that an ICMP error
// quotes. whole is false where there may be more: the packet is cut short, or
// nested too deep.
func Packet(proto uint8, b []byte) (headers []Header, whole bool) {
	quoted := false
	for len(headers) < maxHeaders {
		h := Header{Quoted: quoted}
		var rest []byte
		var ok, first bool
		if proto == IPv4 {
			h.From, h.To, h.Proto, rest, first, ok = parse4(b)
		} else {
			h.From, h.To, h.Proto, rest, first, ok = parse6(b)
		}
		if !h.From.IsValid() {
			// Of what a router quotes the end may be missing.
			return headers, quoted
		}
		if ok && first && (h.Proto == UDP || h.Proto == TCP) && len(rest) >= 4 {
			h.FromPort, h.Port = binary.BigEndian.Uint16(rest), binary.BigEndian.Uint16(rest[2:])
		}
		headers = append(headers, h)
		switch {
		case !ok:
			return headers, quoted
		case !first: // the rest of a Fragment has no header
			return headers, true
		case h.Proto == IPv4 || h.Proto == IPv6:
			proto, b = h.Proto, rest
		case (h.Proto == ICMP4 || h.Proto == ICMP6) && isError(h.Proto, rest) && !quoted:
			proto, b, quoted = version(rest[8:]), rest[8:], true
		default:
			return headers, true
		}
	}
	return headers, false
}

// unwrap returns the IP packet of a frame; nil where there is none.
func unwrap(frame []byte) (proto uint8, packet []byte, whole bool) {
	if len(frame) < Ethernet {
		return 0, nil, false
	}
	kind, b := binary.BigEndian.Uint16(frame[12:]), frame[Ethernet:]
	for kind == 0x8100 || kind == 0x88a8 { // VLAN tags, IEEE 802.1Q
		if len(b) < 4 {
			return 0, nil, false
		}
		kind, b = binary.BigEndian.Uint16(b[2:]), b[4:]
	}
	switch kind {
	case 0x0800:
		return IPv4, b, true
	case 0x86dd:
		return IPv6, b, true
	}
	return 0, nil, true
}

// isError: the message quotes the packet that it is about.
func isError(proto uint8, b []byte) bool {
	if len(b) < 8 {
		return false
	}
	if proto == ICMP6 {
		return b[0] < 128 // RFC 4443 section 2.1
	}
	return b[0] == 3 || b[0] == 4 || b[0] == 5 || b[0] == 11 || b[0] == 12
}

func version(b []byte) uint8 {
	if len(b) > 0 && b[0]>>4 == 4 {
		return IPv4
	}
	return IPv6
}

// parse4 reads an IPv4 header, RFC 791. Where it is whole ok is true; first is
// false in all fragments but the first.
func parse4(b []byte) (from, to netip.Addr, proto uint8, rest []byte, first, ok bool) {
	if len(b) < 20 || b[0]>>4 != 4 {
		return
	}
	from, to = netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20]))
	length := int(b[0]&0xf) * 4
	if length < 20 || length > len(b) {
		return
	}
	return from, to, b[9], b[length:], binary.BigEndian.Uint16(b[6:])&0x1fff == 0, true
}

// parse6 reads an IPv6 header, RFC 8200, and the extensions after it.
func parse6(b []byte) (from, to netip.Addr, proto uint8, rest []byte, first, ok bool) {
	if len(b) < 40 || b[0]>>4 != 6 {
		return
	}
	from, to = netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40]))
	proto, rest = b[6], b[40:]
	for range maxExtensions {
		length := 0
		switch proto {
		case HopByHop, Routing, DestOpts:
			if len(rest) >= 2 {
				length = 8 + 8*int(rest[1])
			}
		case Auth:
			if len(rest) >= 2 {
				length = 8 + 4*int(rest[1])
			}
		case Fragment:
			length = fragment8
		default:
			return from, to, proto, rest, true, true
		}
		if length == 0 || length > len(rest) {
			return from, to, proto, nil, false, false
		}
		if proto == Fragment && binary.BigEndian.Uint16(rest[2:])&0xfff8 != 0 {
			return from, to, rest[0], rest[length:], false, true
		}
		proto, rest = rest[0], rest[length:]
	}
	return from, to, proto, nil, false, false
}
