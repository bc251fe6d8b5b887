package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
)

// Lengths and numbers of IPv6 (RFC 8200), SRH (RFC 8754 section 2), UDP.
const (
	IPv6Len      = 40
	SRHLen       = 8 // without segments
	UDPLen       = 8
	sidLen       = 16
	ProtoIPv6    = 41
	ProtoRouting = 43
	ProtoUDP     = 17
	routingSRH   = 4
	// networkControl is class selector 6 (RFC 4594 section 3.1), so that
	// queues that honour it do not let traffic push probes out.
	networkControl = 48 << 2
	// FullHops is the hop limit of packets that are to come through.
	FullHops = 64
	// MaxSegments leaves the packet of a probe within the 1,280 bytes that
	// every IPv6 link carries, and a quotation of it in an ICMPv6 error whole.
	MaxSegments = 60
	maxPacket   = 1280 // RFC 8200 section 5
)

// Spec says what a Packet is made of.
type Spec struct {
	Source   netip.Addr   // of the outer header, and of the inner one
	To       netip.Addr   // of the inner header
	SIDs     []netip.Addr // to be visited in order; the last must decapsulate at To's node
	From, At uint16       // UDP ports of source and destination
	Size     int          // bytes of UDP payload
}

// Packet is a probe as it goes on the wire: IPv6, a reduced SRH (RFC 8986
// section 5.2; none where there is one SID), and inside it IPv6, UDP and a
// payload.
type Packet struct {
	b       []byte
	payload int    // bytes, at the end of b
	sum     uint64 // over all that the UDP checksum covers but the payload
}

// New makes a packet with a payload of zeros. It refuses more SIDs than
// MaxSegments, addresses that are none, and what no IPv6 link must carry.
func New(s Spec) (Packet, error) {
	if len(s.SIDs) < 1 || len(s.SIDs) > MaxSegments {
		return Packet{}, fmt.Errorf("list of %d SIDs: from 1 to %d can be probed", len(s.SIDs), MaxSegments)
	}
	for _, a := range append([]netip.Addr{s.Source, s.To}, s.SIDs...) {
		if !a.Is6() || a.Is4In6() || a.IsUnspecified() {
			return Packet{}, fmt.Errorf("%v is no IPv6 address", a)
		}
	}
	inner := IPv6Len + UDPLen + s.Size
	routing := 0
	if len(s.SIDs) > 1 {
		routing = SRHLen + sidLen*(len(s.SIDs)-1)
	}
	p := Packet{b: make([]byte, IPv6Len+routing+inner), payload: s.Size}
	if len(p.b) > maxPacket {
		return Packet{}, fmt.Errorf("%d SIDs make a test packet of %d bytes: %d at most", len(s.SIDs), len(p.b), maxPacket)
	}
	next := byte(ProtoIPv6)
	if routing > 0 {
		next = ProtoRouting
		putRouting(p.b[IPv6Len:], s.SIDs[1:])
	}
	putIPv6(p.b, next, routing+inner, s.Source, s.SIDs[0])
	putIPv6(p.b[IPv6Len+routing:], ProtoUDP, UDPLen+s.Size, s.Source, s.To)
	udp := p.UDP()
	binary.BigEndian.PutUint16(udp[0:], s.From)
	binary.BigEndian.PutUint16(udp[2:], s.At)
	binary.BigEndian.PutUint16(udp[4:], uint16(UDPLen+s.Size))
	// The pseudo-header of RFC 8200 section 8.1 is the addresses, which stand
	// before the UDP header, and two numbers.
	p.sum = add(uint64(len(udp)+ProtoUDP), p.b[len(p.b)-len(udp)-2*sidLen:len(p.b)-s.Size])
	return p, nil
}

// Raw is a packet of the caller's own making, to be sent as it is.
func Raw(b []byte) Packet { return Packet{b: b} }

func putRouting(b []byte, sids []netip.Addr) {
	b[0] = ProtoIPv6
	b[1] = byte((SRHLen+sidLen*len(sids))/8 - 1)
	b[2] = routingSRH
	b[3] = byte(len(sids))     // segments left
	b[4] = byte(len(sids) - 1) // last entry
	for i, sid := range sids {
		copy(b[SRHLen+sidLen*(len(sids)-1-i):], sid.AsSlice())
	}
}

func putIPv6(b []byte, next byte, length int, src, dst netip.Addr) {
	binary.BigEndian.PutUint32(b, 6<<28|networkControl<<20)
	binary.BigEndian.PutUint16(b[4:], uint16(length))
	b[6] = next
	b[7] = FullHops
	copy(b[8:], src.AsSlice())
	copy(b[24:], dst.AsSlice())
}

// Valid says whether there is a packet.
func (p Packet) Valid() bool { return len(p.b) > 0 }

// Bytes are those that go on the wire.
func (p Packet) Bytes() []byte { return p.b }

// UDP is the UDP header and the payload.
func (p Packet) UDP() []byte { return p.b[len(p.b)-p.payload-UDPLen:] }

// Payload is what is inside UDP, to be written by the caller. Seal must follow.
func (p Packet) Payload() []byte { return p.b[len(p.b)-p.payload:] }

// Seal makes the UDP checksum right.
func (p Packet) Seal() {
	sum := add(p.sum, p.Payload())
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	check := ^uint16(sum)
	if check == 0 {
		check = 0xffff // RFC 8200 section 8.1
	}
	binary.BigEndian.PutUint16(p.UDP()[6:], check)
}

// add adds to a sum of RFC 1071 the bytes of b, whose place in the packet is
// even. Four bytes at a time are as good as two, modulo 2^16 - 1; 64 bits take
// the carries of any packet.
func add(sum uint64, b []byte) uint64 {
	for ; len(b) >= 4; b = b[4:] {
		sum += uint64(binary.BigEndian.Uint32(b))
	}
	if len(b) >= 2 {
		sum += uint64(binary.BigEndian.Uint16(b))
		b = b[2:]
	}
	if len(b) == 1 {
		sum += uint64(b[0]) << 8
	}
	return sum
}

// Limit sets how many nodes the packet may pass: the outer hop limit.
func (p Packet) Limit(hops uint8) { p.b[7] = hops }

// From sets the outer source, to which errors about the packet go.
func (p Packet) From(a netip.Addr) { copy(p.b[8:24], a.AsSlice()) }

// FirstSID is where the packet goes first.
func (p Packet) FirstSID() netip.Addr { return netip.AddrFrom16([16]byte(p.b[24:IPv6Len])) }

// SameWay says whether both have the same source and visit the same SIDs.
func (p Packet) SameWay(q Packet) bool {
	return len(p.b) == len(q.b) && (len(p.b) == 0 || bytes.Equal(p.route(), q.route()))
}

// route is what tells the way: source, first SID and SRH.
func (p Packet) route() []byte { return p.b[8 : len(p.b)-p.payload-UDPLen-IPv6Len] }
