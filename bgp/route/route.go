package route

import (
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
	"slices"

	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/message"
)

// Session is what an UPDATE depends on beside its route. All of it was negotiated, or
// is configured, when a session is up.
type Session struct {
	// External: the peer is in another AS (eBGP).
	External bool
	// LocalAS is our own AS number. Every peer takes four octets of it (RFC 6793).
	LocalAS uint32
	// Extended: both ends announced extended messages (RFC 8654).
	Extended bool
	// ExtendedNextHop: the peer takes IPv4 unicast routes with an IPv6 next hop
	// (RFC 8950).
	ExtendedNextHop bool
	// LocalAddress is our end of the session, the next hop of routes that are
	// about no next hop, as SR Policies are.
	LocalAddress netip.Addr
}

// DefaultLocalPref is what is sent to a peer of our AS for a route without a local
// preference, which must be there (RFC 4271 section 5.1.5).
const DefaultLocalPref = 100

// Attributes are what the path attributes of a route say.
type Attributes struct {
	NextHop             netip.Addr
	LocalPref           ls.Opt[uint32] // iBGP only
	Communities         []Community
	ExtendedCommunities []ExtendedCommunity
	// Tunnel is the value of the Tunnel Encapsulation attribute, empty for none.
	Tunnel []byte
	// PrefixSID is the value of the BGP Prefix-SID attribute (RFC 8669, RFC 9252),
	// empty for none.
	PrefixSID []byte
}

// Announce returns the UPDATE that announces NLRIs of a family. IPv4 unicast NLRIs go
// where RFC 4271 has them, unless their next hop is an IPv6 address. An UPDATE that
// fits into no message of the session is a [message.ErrTooLong].
func Announce(s Session, f message.Family, nlris []byte, a Attributes) (message.Update, error) {
	if !a.NextHop.IsValid() {
		return message.Update{}, fmt.Errorf("a route of %v needs a next hop", f)
	}
	if f == message.IPv6Unicast && a.NextHop.Is4() {
		return message.Update{}, fmt.Errorf("the next hop %v is of IPv4, and the route of IPv6", a.NextHop)
	}
	var u message.Update
	u.Attributes = append(u.Attributes, message.Origin())
	if s.External {
		u.Attributes = append(u.Attributes, message.ASPath(s.LocalAS))
	} else {
		u.Attributes = append(u.Attributes, message.ASPath())
	}
	switch {
	case f != message.IPv4Unicast || a.NextHop.Is6() && s.ExtendedNextHop:
		u.Reach = &message.Reach{Family: f, NextHop: a.NextHop.AsSlice(), NLRI: nlris}
	case a.NextHop.Is4():
		u.NLRI = nlris
		u.Attributes = append(u.Attributes, message.Attribute{Flags: message.Transitive, Type: message.NextHopType, Value: a.NextHop.AsSlice()})
	default:
		return message.Update{}, fmt.Errorf("the peer takes no IPv4 routes with an IPv6 next hop, as %v is (RFC 8950)", a.NextHop)
	}
	if !s.External {
		u.Attributes = append(u.Attributes, message.LocalPref(localPref(a)))
	}
	var v []byte
	for _, c := range a.Communities {
		v = binary.BigEndian.AppendUint32(v, uint32(c))
	}
	u.Attributes = appendOptional(u.Attributes, message.CommunitiesType, v)
	u.Attributes = appendOptional(u.Attributes, message.ExtendedCommunitiesType, octets(a.ExtendedCommunities))
	u.Attributes = appendOptional(u.Attributes, message.TunnelEncapsulationType, a.Tunnel)
	u.Attributes = appendOptional(u.Attributes, message.PrefixSIDType, a.PrefixSID)
	return u, s.fits(u)
}

// Withdraw returns the UPDATE that withdraws NLRIs of a family. None at all are the
// End-of-RIB marker (RFC 4724 section 2).
func Withdraw(f message.Family, nlris []byte) message.Update {
	if f == message.IPv4Unicast {
		return message.Update{Withdrawn: nlris}
	}
	return message.Update{Unreach: &message.Unreach{Family: f, NLRI: nlris}}
}

func (s Session) fits(u message.Update) error {
	limit, why := message.MaxLen, "the peer takes no extended messages (RFC 8654)"
	if s.Extended {
		limit, why = message.MaxExtended, "no message is longer"
	}
	b, err := message.AppendUpdate(nil, u, math.MaxInt)
	if err == nil && len(b) > limit {
		return fmt.Errorf("%w: it takes %d octets and at most %d fit, as %s", message.ErrTooLong, len(b), limit, why)
	}
	return err
}

func localPref(a Attributes) uint32 {
	if v, ok := a.LocalPref.Get(); ok {
		return v
	}
	return DefaultLocalPref
}

func octets(list []ExtendedCommunity) (b []byte) {
	for _, e := range list {
		b = append(b, e[:]...)
	}
	return b
}

// appendOptional appends an attribute that other ASes may pass on, if there is
// something to say.
func appendOptional(list []message.Attribute, of message.AttributeType, v []byte) []message.Attribute {
	if len(v) == 0 {
		return list
	}
	return append(list, message.Attribute{Flags: message.Optional | message.Transitive, Type: of, Value: v})
}

// Read reads what the path attributes of an UPDATE say. Their sizes are those that
// [message.ParseUpdate] lets pass.
func Read(u *message.Update) (a Attributes) {
	if u.Reach != nil {
		a.NextHop = u.Reach.Addr()
	} else if v, ok := u.Attribute(message.NextHopType); ok {
		a.NextHop, _ = netip.AddrFromSlice(v)
	}
	if v, ok := u.Attribute(message.LocalPrefType); ok {
		a.LocalPref = ls.Some(binary.BigEndian.Uint32(v))
	}
	v, _ := u.Attribute(message.CommunitiesType)
	for c := range slices.Chunk(v, 4) {
		a.Communities = append(a.Communities, Community(binary.BigEndian.Uint32(c)))
	}
	v, _ = u.Attribute(message.ExtendedCommunitiesType)
	for e := range slices.Chunk(v, 8) {
		a.ExtendedCommunities = append(a.ExtendedCommunities, ExtendedCommunity(e))
	}
	a.Tunnel, _ = u.Attribute(message.TunnelEncapsulationType)
	a.PrefixSID, _ = u.Attribute(message.PrefixSIDType)
	return a
}
