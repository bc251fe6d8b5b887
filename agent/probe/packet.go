package probe

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
)

// Lengths and numbers of IPv6 (RFC 8200), SRH (RFC 8754 section 2), UDP.
const (
	ipv6Len      = 40
	srhLen       = 8 // without segments
	udpLen       = 8
	sidLen       = 16
	protoIPv6    = 41
	protoRouting = 43
	protoUDP     = 17
	routingSRH   = 4
	// networkControl is class selector 6 (RFC 4594 section 3.1), so that
	// queues that honour it do not let traffic push probes out.
	networkControl = 48 << 2
	fullHops       = 64
	// maxSegments leaves the packet within the 1,280 bytes that every IPv6
	// link carries, and a quotation of it in an ICMPv6 error whole.
	maxSegments = 60
)

// packet is a probe as it goes on the wire: IPv6, a reduced SRH (RFC 8986
// section 5.2), and inside it IPv6, UDP and a test packet from home to home.
type packet []byte

// newPacket makes a probe that visits the SIDs in order; the last must
// decapsulate at home.
func newPacket(home netip.Addr, port uint16, sids []netip.Addr) (packet, error) {
	if len(sids) < 2 || len(sids) > maxSegments {
		return nil, fmt.Errorf("list of %d SIDs: from 2 to %d can be probed", len(sids), maxSegments)
	}
	for _, sid := range append([]netip.Addr{home}, sids...) {
		if !sid.Is6() || sid.Is4In6() || sid.IsUnspecified() {
			return nil, fmt.Errorf("%v is no IPv6 address", sid)
		}
	}
	const inner = ipv6Len + udpLen + stampLen
	routing := srhLen + sidLen*(len(sids)-1)
	p := make(packet, ipv6Len+routing+inner)
	putIPv6(p, protoRouting, routing+inner, home, sids[0])

	srh := p[ipv6Len:]
	srh[0] = protoIPv6
	srh[1] = byte(routing/8 - 1)
	srh[2] = routingSRH
	srh[3] = byte(len(sids) - 1) // segments left
	srh[4] = byte(len(sids) - 2) // last entry
	for i, sid := range sids[1:] {
		at := srhLen + sidLen*(len(sids)-2-i)
		copy(srh[at:], sid.AsSlice())
	}

	putIPv6(srh[routing:], protoUDP, udpLen+stampLen, home, home)
	udp := p.udp()
	binary.BigEndian.PutUint16(udp[0:], port)
	binary.BigEndian.PutUint16(udp[2:], port)
	binary.BigEndian.PutUint16(udp[4:], udpLen+stampLen)
	return p, nil
}

func putIPv6(b []byte, next byte, length int, src, dst netip.Addr) {
	binary.BigEndian.PutUint32(b, 6<<28|networkControl<<20)
	binary.BigEndian.PutUint16(b[4:], uint16(length))
	b[6] = next
	b[7] = fullHops
	copy(b[8:], src.AsSlice())
	copy(b[24:], dst.AsSlice())
}

// limit sets how many nodes the packet may pass: the outer hop limit.
func (p packet) limit(hops uint8) { p[7] = hops }

// from sets the outer source, to which errors about the packet go.
func (p packet) from(a netip.Addr) { copy(p[8:24], a.AsSlice()) }

// load puts a test packet in and makes the UDP checksum right, which is what
// changes from one probe of a path to the next.
func (p packet) load(s *sealer, st stamp) {
	udp := p.udp()
	s.seal(udp[udpLen:], st)
	udp[6], udp[7] = 0, 0
	sum := checksum(p[len(p)-stampLen-udpLen-32:], len(udp)+protoUDP)
	if sum == 0 {
		sum = 0xffff // RFC 8200 section 8.1
	}
	binary.BigEndian.PutUint16(udp[6:], sum)
}

func (p packet) udp() []byte { return p[len(p)-stampLen-udpLen:] }

// checksum is that of RFC 1071 over b, of even length, beginning with initial.
// The pseudo-header of RFC 8200 section 8.1 is the addresses, which stand
// before the UDP header, and two numbers.
func checksum(b []byte, initial int) uint16 {
	sum := uint64(initial)
	for ; len(b) >= 2; b = b[2:] {
		sum += uint64(binary.BigEndian.Uint16(b))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

func (p packet) firstSID() netip.Addr { return netip.AddrFrom16([16]byte(p[24:ipv6Len])) }

// sameWay says whether both visit the same SIDs.
func (p packet) sameWay(q packet) bool {
	return len(p) == len(q) && (len(p) == 0 || bytes.Equal(p.route(), q.route()))
}

// route is what tells the way: source, first SID and SRH.
func (p packet) route() []byte { return p[8 : len(p)-stampLen-udpLen-ipv6Len] }
