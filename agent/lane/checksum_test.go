package lane_test

import (
	"encoding/binary"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/internal/testnet"
)

// A datagram over IPv6 whose checksum is 0 when computed arrives, though no
// receiver takes a 0: whoever computes it must write 0xffff.
func TestChecksumOfZero(t *testing.T) {
	kinds(t, func(t *testing.T, a, b *end) {
		share(t, a, b)
		far := b.UDP(netip.AddrPortFrom(b.inner, 9))
		near := a.UDP(netip.AddrPortFrom(a.inner, 0))
		from, to := near.LocalAddr().(*net.UDPAddr).AddrPort(), far.LocalAddr().(*net.UDPAddr).AddrPort()

		// The two bytes that bring the sum over pseudo-header, header and
		// themselves to 0xffff.
		const length, udp = 10, 17
		sum := uint32(length + udp + length)
		for _, ap := range []netip.AddrPort{from, to} {
			ip := ap.Addr().As16()
			for i := 0; i < len(ip); i += 2 {
				sum += uint32(binary.BigEndian.Uint16(ip[i:]))
			}
			sum += uint32(ap.Port())
		}
		for sum > 0xffff {
			sum = sum>>16 + sum&0xffff
		}
		word := binary.BigEndian.AppendUint16(nil, ^uint16(sum))

		// Just one: of several at once the far end may compute the sum anew.
		if _, err := near.WriteToUDPAddrPort(word, to); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 64)
		b.must(far.SetReadDeadline(time.Now().Add(testnet.Deadline)))
		if n, err := far.Read(buf); err != nil || string(buf[:n]) != string(word) {
			t.Errorf("read %x, %v, want %x", buf[:n], err, word)
		}
	})
}
