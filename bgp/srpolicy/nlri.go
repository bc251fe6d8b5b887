package srpolicy

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/keiro-net/keiro/bgp/message"
)

// AppendNLRI appends an NLRI behind its length in bits (RFC 9830 section 2.1).
// The endpoint must be valid.
func AppendNLRI(b []byte, n NLRI) []byte {
	b = append(b, byte(64+n.Endpoint.BitLen()))
	b = binary.BigEndian.AppendUint32(b, n.Distinguisher)
	b = binary.BigEndian.AppendUint32(b, n.Color)
	return append(b, n.Endpoint.AsSlice()...)
}

// ParseNLRIs reads the NLRIs of an SR Policy family. A fault TreatAsWithdraw has cost
// the list those that it speaks of, whose names cannot be told; with DisableFamily
// nothing of the list may be believed (RFC 9830 section 5).
func ParseNLRIs(b []byte, f message.Family) ([]NLRI, *message.Fault) {
	var (
		list    []NLRI
		skipped *message.Fault
		want    = 96
	)
	if f.AFI == message.IPv6SRPolicy.AFI {
		want = 192
	}
	for at := 0; at < len(b); {
		size := int(b[at])
		end := at + 1 + size/8
		if size%8 != 0 || end > len(b) {
			return nil, &message.Fault{Action: message.DisableFamily, Family: f, Subcode: message.InvalidNetworkField,
				Reason: fmt.Sprintf("an NLRI of %v at octet %d, of %d bits, leads to no next one", f, at, size)}
		}
		switch v := b[at+1 : end]; {
		case size == want:
			endpoint, _ := netip.AddrFromSlice(v[8:])
			list = append(list, NLRI{binary.BigEndian.Uint32(v), binary.BigEndian.Uint32(v[4:]), endpoint})
		case skipped == nil:
			skipped = &message.Fault{Action: message.TreatAsWithdraw, Family: f, Subcode: message.InvalidNetworkField,
				Reason: fmt.Sprintf("an NLRI of %v at octet %d has %d bits, not %d, and is skipped, as others like it are", f, at, size, want)}
		}
		at = end
	}
	return list, skipped
}
