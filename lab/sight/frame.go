package sight

import (
	"encoding/binary"
	"net/netip"

	"github.com/keiro-net/keiro/agent/sample/headers"
)

// UDP makes a frame of an IPv6 packet with UDP to a port, addressed to no
// machine at all: for tests of whoever looks at cables. Whoever gets it drops
// it.
func UDP(from, to netip.Addr, port uint16, payload []byte) []byte {
	b := make([]byte, headers.Ethernet, headers.Ethernet+48+len(payload))
	binary.BigEndian.PutUint16(b[12:], 0x86dd)
	b = append(b, 0x60, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(8+len(payload)))
	b = append(b, headers.UDP, 64)
	b = append(append(b, from.AsSlice()...), to.AsSlice()...)
	b = binary.BigEndian.AppendUint16(b, port)
	b = binary.BigEndian.AppendUint16(b, port)
	b = binary.BigEndian.AppendUint16(b, uint16(8+len(payload)))
	b = append(b, 0, 0)
	return append(b, payload...)
}
