package message

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// Family is an address family: AFI and SAFI (RFC 4760).
type Family struct {
	AFI  uint16
	SAFI uint8
}

// The families that Keiro has a use for (IANA, Address Family Numbers and
// SAFI Values).
var (
	IPv4Unicast  = Family{1, 1}
	IPv6Unicast  = Family{2, 1}
	VPNv4        = Family{1, 128} // RFC 4364
	VPNv6        = Family{2, 128} // RFC 4659
	IPv4SRPolicy = Family{1, 73}  // RFC 9830
	IPv6SRPolicy = Family{2, 73}
	LinkState    = Family{16388, 71} // RFC 9552
	LinkStateVPN = Family{16388, 72}
)

// familyNames are what routers call them.
var familyNames = map[Family]string{
	IPv4Unicast: "ipv4-unicast", IPv6Unicast: "ipv6-unicast", VPNv4: "vpnv4-unicast", VPNv6: "vpnv6-unicast",
	IPv4SRPolicy: "ipv4-srpolicy", IPv6SRPolicy: "ipv6-srpolicy", LinkState: "link-state", LinkStateVPN: "link-state-vpn",
}

func (f Family) String() string {
	if name := familyNames[f]; name != "" {
		return name
	}
	return fmt.Sprintf("afi %d safi %d", f.AFI, f.SAFI)
}

// MarshalText writes the family by its name.
func (f Family) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads the name of one of the families above.
func (f *Family) UnmarshalText(text []byte) error {
	known := make([]string, 0, len(familyNames))
	for _, family := range []Family{IPv4Unicast, IPv6Unicast, VPNv4, VPNv6, IPv4SRPolicy, IPv6SRPolicy, LinkState, LinkStateVPN} {
		if familyNames[family] == string(text) {
			*f = family
			return nil
		}
		known = append(known, familyNames[family])
	}
	return fmt.Errorf("unknown address family %q; known are %s", text, strings.Join(known, ", "))
}

// Known reports whether the family is one of those above.
func (f Family) Known() bool { return familyNames[f] != "" }

// vpn: next hops of the family begin with a route distinguisher of zero
// (RFC 4364 section 4.3.2).
func (f Family) vpn() bool { return f.SAFI == 128 || f.SAFI == 72 }

func (f Family) octets() []byte {
	return append(binary.BigEndian.AppendUint16(nil, f.AFI), f.SAFI)
}
