package ls

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// IGPRouterID is what an IGP calls a router (RFC 9552 section 5.2.1.4). By its
// length it is an OSPF router ID or an IPv4 address (4 octets), an IS-IS system
// ID (6), an IS-IS pseudonode (7), an OSPF one (8) or an IPv6 address (16). The
// zero value is none.
type IGPRouterID struct {
	octets [16]byte
	length uint8
}

// NewIGPRouterID returns the router ID of these octets. It is not ok for a
// length that no protocol uses.
func NewIGPRouterID(octets []byte) (id IGPRouterID, ok bool) {
	switch len(octets) {
	case 4, 6, 7, 8, 16:
		id.length = uint8(copy(id.octets[:], octets))
		return id, true
	}
	return IGPRouterID{}, false
}

// Len is the number of octets.
func (r IGPRouterID) Len() int { return int(r.length) }

// Bytes returns a copy of the octets.
func (r IGPRouterID) Bytes() []byte { return append([]byte(nil), r.octets[:r.length]...) }

// Pseudonode reports whether this is no router but the LAN between several. An
// IS-IS pseudonode has a number other than 0.
func (r IGPRouterID) Pseudonode() bool { return r.length == 7 && r.octets[6] != 0 || r.length == 8 }

// Router is the router that speaks for a pseudonode, and for any other router ID
// that ID.
func (r IGPRouterID) Router() IGPRouterID {
	switch r.length {
	case 7:
		r, _ = NewIGPRouterID(r.octets[:6])
	case 8:
		r, _ = NewIGPRouterID(r.octets[:4])
	}
	return r
}

// String is the form that the protocol's own tools print, such as
// 1921.6825.2240, 0000.0000.0014.03, 10.0.0.1 or 10.1.4.1:10.1.1.2. The last
// four octets of an OSPFv3 pseudonode are an interface ID all the same.
func (r IGPRouterID) String() string {
	o := r.octets
	switch r.length {
	case 0:
		return "none"
	case 6, 7:
		s := fmt.Sprintf("%x.%x.%x", o[0:2], o[2:4], o[4:6])
		if r.length == 7 {
			s += fmt.Sprintf(".%02x", o[6])
		}
		return s
	case 8:
		return netip.AddrFrom4([4]byte(o[:4])).String() + ":" + netip.AddrFrom4([4]byte(o[4:8])).String()
	case 4:
		return netip.AddrFrom4([4]byte(o[:4])).String()
	}
	return netip.AddrFrom16(o).String()
}

func dotted(v uint32) string {
	return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, v))).String()
}
