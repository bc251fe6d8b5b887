// Package sight says what somebody sees who taps a cable: which headers of a
// packet lie open, whatever carries them, and whether that breaks a promise: a
// packet of an encrypted intent in the clear, or a lane's off its path. It is
// pure. Tests of the lab call it.
package sight

import (
	"encoding/binary"
	"net/netip"
)

// Header is an IP header that lies open.
type Header struct {
	From, To netip.Addr
	Proto    uint8  // what follows it and its extensions
	Port     uint16 // destination, of UDP; 0 where it is not to be seen
	Quoted   bool   // in the error of a router, which goes its own way
}

const (
	// maxHeaders bounds what is looked through, as a hostile packet may nest
	// as deep as it is long; the lab nests three.
	maxHeaders = 8
	// maxExtensions bounds the extension headers of one of them.
	maxExtensions = 8
)

// IP protocol numbers.
const (
	hopByHop  = 0
	icmp4     = 1
	ipv4      = 4
	udp       = 17
	ipv6      = 41
	routing   = 43
	fragment  = 44
	auth      = 51
	icmp6     = 58
	destOpts  = 60
	ethernet  = 14
	fragment8 = 8 // bytes of a fragment header
)

// Dissect returns the IP headers of an Ethernet frame that lie open, the
// outermost first, those inside of IP in IP, with or without segment routing
// header (RFC 8754), and those that an ICMP error quotes. whole is false where
// there may be more: the frame is cut short, or nested too deep.
func Dissect(frame []byte) (headers []Header, whole bool) {
	proto, b, whole := unwrap(frame)
	if b == nil {
		return nil, whole
	}
	quoted := false
	for len(headers) < maxHeaders {
		h := Header{Quoted: quoted}
		var rest []byte
		var ok, first bool
		if proto == ipv4 {
			h.From, h.To, h.Proto, rest, first, ok = parse4(b)
		} else {
			h.From, h.To, h.Proto, rest, first, ok = parse6(b)
		}
		if !h.From.IsValid() {
			// Of what a router quotes the end may be missing.
			return headers, quoted
		}
		if ok && first && h.Proto == udp && len(rest) >= 4 {
			h.Port = binary.BigEndian.Uint16(rest[2:])
		}
		headers = append(headers, h)
		switch {
		case !ok:
			return headers, quoted
		case !first: // the rest of a fragment has no header
			return headers, true
		case h.Proto == ipv4 || h.Proto == ipv6:
			proto, b = h.Proto, rest
		case (h.Proto == icmp4 || h.Proto == icmp6) && isError(h.Proto, rest) && !quoted:
			proto, b, quoted = version(rest[8:]), rest[8:], true
		default:
			return headers, true
		}
	}
	return headers, false
}

// unwrap returns the IP packet of a frame; nil where there is none.
func unwrap(frame []byte) (proto uint8, packet []byte, whole bool) {
	if len(frame) < ethernet {
		return 0, nil, false
	}
	kind, b := binary.BigEndian.Uint16(frame[12:]), frame[ethernet:]
	for kind == 0x8100 || kind == 0x88a8 { // VLAN tags, IEEE 802.1Q
		if len(b) < 4 {
			return 0, nil, false
		}
		kind, b = binary.BigEndian.Uint16(b[2:]), b[4:]
	}
	switch kind {
	case 0x0800:
		return ipv4, b, true
	case 0x86dd:
		return ipv6, b, true
	}
	return 0, nil, true
}

// isError: the message quotes the packet that it is about.
func isError(proto uint8, b []byte) bool {
	if len(b) < 8 {
		return false
	}
	if proto == icmp6 {
		return b[0] < 128 // RFC 4443 section 2.1
	}
	return b[0] == 3 || b[0] == 4 || b[0] == 5 || b[0] == 11 || b[0] == 12
}

func version(b []byte) uint8 {
	if len(b) > 0 && b[0]>>4 == 4 {
		return ipv4
	}
	return ipv6
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
		case hopByHop, routing, destOpts:
			if len(rest) >= 2 {
				length = 8 + 8*int(rest[1])
			}
		case auth:
			if len(rest) >= 2 {
				length = 8 + 4*int(rest[1])
			}
		case fragment:
			length = fragment8
		default:
			return from, to, proto, rest, true, true
		}
		if length == 0 || length > len(rest) {
			return from, to, proto, nil, false, false
		}
		if proto == fragment && binary.BigEndian.Uint16(rest[2:])&0xfff8 != 0 {
			return from, to, rest[0], rest[length:], false, true
		}
		proto, rest = rest[0], rest[length:]
	}
	return from, to, proto, nil, false, false
}
