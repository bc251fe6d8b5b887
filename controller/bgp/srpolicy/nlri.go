package srpolicy

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/keiro-net/keiro/controller/bgp/update"
)

// AppendNLRI appends an NLRI behind its length in bits (RFC 9830 section 2.1).
// The endpoint must be valid.
func AppendNLRI(b []byte, n NLRI) []byte {
	b = append(b, byte(64+n.Endpoint.BitLen()))
	b = binary.BigEndian.AppendUint32(b, n.Distinguisher)
	b = binary.BigEndian.AppendUint32(b, n.Color)
	return append(b, n.Endpoint.AsSlice()...)
}

// DecodeNLRIs reads the NLRIs of an MP_REACH_NLRI or an MP_UNREACH_NLRI. None, in
// an MP_UNREACH_NLRI, are the End-of-RIB marker (RFC 4724 section 2). Where a
// fault is DisableFamily the list ends before it and must not be used.
func DecodeNLRIs(b []byte, f update.Family) ([]NLRI, update.Faults) {
	var (
		list   []NLRI
		faults update.Faults
		want   = 96
	)
	if f.AFI == update.IPv6SRPolicy.AFI {
		want = 192
	}
	for at := 0; at < len(b); {
		size := int(b[at])
		end := at + 1 + size/8
		if size%8 != 0 || end > len(b) {
			faults.Add(update.Fault{Action: update.DisableFamily, Offset: at, Reason: fmt.Sprintf("has a length of %d bits, which leads to no next one", size)})
			break
		}
		v := b[at+1 : end]
		if size != want {
			// The key cannot be told, so there is nothing to withdraw.
			faults.Add(update.Fault{Action: update.TreatAsWithdraw, Offset: at, Reason: fmt.Sprintf("has a length of %d bits, want %d", size, want)})
		} else {
			endpoint, _ := netip.AddrFromSlice(v[8:])
			list = append(list, NLRI{binary.BigEndian.Uint32(v), binary.BigEndian.Uint32(v[4:]), endpoint})
		}
		at = end
	}
	return list, faults
}
