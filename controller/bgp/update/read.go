package update

import (
	"encoding/binary"
	"fmt"
	"iter"
	"net/netip"
	"slices"

	"github.com/keiro-net/keiro/controller/bgp/ls"
)

// Read reads path attributes, which attribute returns by type: its value, and
// whether it is there. Of MP_REACH_NLRI it reads what precedes the NLRIs, and
// returns those; other NLRIs are no attribute's. What is not there is a fault
// only for the next hop, without which no route can be used.
//
// With a fault TreatAsWithdraw the routes of the UPDATE are to be withdrawn; with
// DisableFamily its NLRIs are unknown. It does not judge ORIGIN and AS_PATH, nor
// flags of attributes: whoever divided the message has.
func Read(s Session, attribute func(uint8) ([]byte, bool)) (a Attributes, f Family, nlris []byte, faults Faults) {
	f = IPv4Unicast
	if v, ok := attribute(MPReachNLRI); ok {
		var why string
		if f, a.NextHop, nlris, why = readReach(v); why != "" {
			faults.Add(Fault{Action: DisableFamily, Attribute: MPReachNLRI, Reason: why})
		}
	} else if v, ok := attribute(NextHop); ok && len(v) == 4 { // RFC 7606 section 7.3
		a.NextHop = netip.AddrFrom4([4]byte(v))
	} else {
		faults.Add(Fault{Action: TreatAsWithdraw, Attribute: NextHop, Reason: fmt.Sprintf("has %d octets, want 4", len(v))})
	}
	// RFC 7606 section 7.5: from another AS it is discarded whatever it is.
	if v, ok := attribute(LocalPref); ok && !s.External {
		if len(v) != 4 {
			faults.Add(Fault{Action: TreatAsWithdraw, Attribute: LocalPref, Reason: fmt.Sprintf("has %d octets, want 4", len(v))})
		} else {
			a.LocalPref = ls.Some(binary.BigEndian.Uint32(v))
		}
	}
	for v := range elements(attribute, Communities, 4, &faults) { // RFC 7606 section 7.8
		a.Communities = append(a.Communities, Community(binary.BigEndian.Uint32(v)))
	}
	for v := range elements(attribute, ExtendedCommunities, 8, &faults) { // RFC 7606 section 7.14
		a.ExtendedCommunities = append(a.ExtendedCommunities, ExtendedCommunity(v))
	}
	if v, ok := attribute(TunnelEncapsulation); ok {
		a.TunnelEncapsulation = slices.Clone(v)
	}
	return a, f, nlris, faults
}

// elements are those of an attribute that is a list of at least one of n octets.
func elements(attribute func(uint8) ([]byte, bool), of uint8, n int, faults *Faults) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		v, ok := attribute(of)
		if !ok {
			return
		}
		if len(v) == 0 || len(v)%n != 0 {
			faults.Add(Fault{Action: TreatAsWithdraw, Attribute: of, Reason: fmt.Sprintf("has %d octets, want a multiple of %d", len(v), n)})
			return
		}
		for e := range slices.Chunk(v, n) {
			if !yield(e) {
				return
			}
		}
	}
}

// readReach reads the value of MP_REACH_NLRI (RFC 4760 section 3). Of a next hop
// of 32 octets, global and link-local (RFC 2545 section 3), the first counts.
func readReach(v []byte) (f Family, nextHop netip.Addr, nlris []byte, why string) {
	if len(v) < 5 || len(v) < 5+int(v[3]) {
		return f, nextHop, nil, "ends within its next hop"
	}
	f = Family{binary.BigEndian.Uint16(v), v[2]}
	hop, nlris := v[4:][:v[3]], v[5+int(v[3]):]
	switch len(hop) {
	case 4:
		nextHop = netip.AddrFrom4([4]byte(hop))
	case 16, 32:
		nextHop = netip.AddrFrom16([16]byte(hop))
	default:
		return f, nextHop, nil, fmt.Sprintf("has a next hop of %d octets, want 4, 16 or 32", len(hop))
	}
	return f, nextHop, slices.Clone(nlris), ""
}
