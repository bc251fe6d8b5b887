package helper

import (
	"encoding/binary"

	"golang.zx2c4.com/wireguard/tun"
)

// summed is a tun whose reader gets the checksums that IPv6 demands. The
// kernel leaves checksums to the reader, and wireguard-go writes a computed
// sum of 0 as 0, where RFC 8200 section 8.1 wants 0xffff and lets receivers
// drop the packet: of random datagrams that is one in 65,536.
type summed struct{ tun.Device }

// Read implements tun.Device.
func (d summed) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	n, err := d.Device.Read(bufs, sizes, offset)
	for i := range n {
		mend(bufs[i][offset : offset+sizes[i]])
	}
	return n, err
}

const (
	ipv6Header = 40
	udpHeader  = 8
	udp        = 17
	sumAt      = ipv6Header + 6
)

// mend writes 0xffff for a checksum of 0 in a UDP datagram over IPv6 where
// that is the sum. Where it is not, the sender wants none (RFC 6935).
func mend(p []byte) {
	if len(p) < ipv6Header+udpHeader || p[0]>>4 != 6 || p[6] != udp || p[sumAt] != 0 || p[sumAt+1] != 0 {
		return
	}
	length := binary.BigEndian.Uint16(p[4:])
	if int(length) != len(p)-ipv6Header {
		return
	}
	sum := uint64(length) + udp // and the addresses: the pseudo-header
	for b := p[8:]; len(b) > 0; b = b[min(2, len(b)):] {
		if len(b) == 1 {
			sum += uint64(b[0]) << 8
			break
		}
		sum += uint64(binary.BigEndian.Uint16(b))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	if sum == 0xffff {
		p[sumAt], p[sumAt+1] = 0xff, 0xff
	}
}
