package update

import (
	"fmt"
	"net/netip"
)

// Family is what NLRIs are of: an AFI and a SAFI (IANA, Address Family Numbers
// and SAFI Parameters).
type Family struct {
	AFI  uint16
	SAFI uint8
}

// The families that Keiro originates routes of.
var (
	IPv4Unicast  = Family{1, 1}
	IPv6Unicast  = Family{2, 1}
	IPv4SRPolicy = Family{1, 73} // RFC 9830 section 2.1
	IPv6SRPolicy = Family{2, 73}
)

func (f Family) String() string {
	switch f {
	case IPv4Unicast:
		return "ipv4-unicast"
	case IPv6Unicast:
		return "ipv6-unicast"
	case IPv4SRPolicy:
		return "ipv4-sr-policy"
	case IPv6SRPolicy:
		return "ipv6-sr-policy"
	}
	return fmt.Sprintf("afi-%d-safi-%d", f.AFI, f.SAFI)
}

// Session is what the octets of an UPDATE depend on beside its route. All of
// it was negotiated, or is configured, when a session is up.
type Session struct {
	// External: the peer is in another AS (eBGP).
	External bool
	// LocalAS is our own AS number.
	LocalAS uint32
	// FourOctetAS: both ends announced the capability of RFC 6793.
	FourOctetAS bool
	// ExtendedMessage: both ends announced the capability of RFC 8654.
	ExtendedMessage bool
	// ExtendedNextHop: the peer takes IPv4 unicast routes with an IPv6 next hop
	// (RFC 8950).
	ExtendedNextHop bool
	// LocalAddress is our end of the session, the next hop of routes that are
	// about no next hop, as SR Policies are.
	LocalAddress netip.Addr
}

// Limit is how many octets the body of an UPDATE may have: the message without
// its header of 19 (RFC 4271 section 4.1, RFC 8654 section 4).
func (s Session) Limit() int {
	if s.ExtendedMessage {
		return 65535 - 19
	}
	return 4096 - 19
}

// TooLong is the error of an UPDATE that fits into no message of the session.
type TooLong struct {
	Size, Limit int // octets of the body
}

func (e *TooLong) Error() string {
	why := "the peer takes no extended messages (RFC 8654)"
	if e.Limit > 4096 {
		why = "no BGP message is longer"
	}
	return fmt.Sprintf("the UPDATE has %d octets behind its header and at most %d fit: %s", e.Size, e.Limit, why)
}
