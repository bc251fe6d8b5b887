// Package service reads and writes colored routes: IPv4 and IPv6 unicast routes
// whose next hop and color (RFC 9012 section 4.3, RFC 9830 section 3) name the SR
// Policy that carries their traffic, so that a headend steers a prefix over a path
// that Keiro chose (RFC 9256 section 8.4).
//
// It works on octets and returns values. It does no I/O, keeps nothing and does not
// know whether the policy exists: a headend whose policy is missing or invalid
// routes such a prefix by its next hop alone. The BGP speaker calls it, and so do
// its tests.
package service

import (
	"fmt"
	"net/netip"

	"github.com/keiro-net/keiro/controller/bgp/ls"
	"github.com/keiro-net/keiro/controller/bgp/update"
)

// Route is a colored route.
type Route struct {
	Prefix netip.Prefix
	// NextHop is the endpoint of the policy. An IPv6 one carries IPv4 routes too,
	// to a peer that takes them (RFC 8950).
	NextHop netip.Addr
	// Colors, the greatest first: a headend takes the first for which it has a
	// valid policy (RFC 9256 section 8.4.1).
	Colors []update.Color
	// LocalPref is sent to peers of our own AS; unknown is
	// [update.DefaultLocalPref].
	LocalPref ls.Opt[uint32]
	// NoExport keeps the route within the AS of the headend, NoAdvertise at the
	// headend (RFC 1997).
	NoExport, NoAdvertise bool
}

// Family is that of the prefix.
func (r Route) Family() update.Family { return family(r.Prefix) }

func family(p netip.Prefix) update.Family {
	if p.Addr().Is4() {
		return update.IPv4Unicast
	}
	return update.IPv6Unicast
}

// Announce returns the body of the UPDATE that announces the route, what follows
// the header of the message. A route without a color is an error, as no policy
// would carry it.
func (r Route) Announce(s update.Session) ([]byte, error) {
	nlri, err := appendPrefix(nil, r.Prefix)
	if err != nil {
		return nil, err
	}
	if len(r.Colors) == 0 {
		return nil, fmt.Errorf("the route %v cannot be announced: it has no color, so no SR Policy would carry it", r.Prefix)
	}
	a := update.Attributes{NextHop: r.NextHop, LocalPref: r.LocalPref}
	for _, c := range r.Colors {
		if c.Only > update.AnyEndpoint {
			return nil, fmt.Errorf("the route %v cannot be announced: color-only type %d is reserved", r.Prefix, c.Only)
		}
		a.ExtendedCommunities = append(a.ExtendedCommunities, c.ExtendedCommunity())
	}
	if r.NoExport {
		a.Communities = append(a.Communities, update.NoExport)
	}
	if r.NoAdvertise {
		a.Communities = append(a.Communities, update.NoAdvertise)
	}
	b, err := update.Announce(s, r.Family(), nlri, a)
	if err != nil {
		return nil, fmt.Errorf("the route %v cannot be announced: %w", r.Prefix, err)
	}
	return b, nil
}

// Withdraw returns the body of the UPDATE that withdraws the route of a prefix.
func Withdraw(s update.Session, p netip.Prefix) ([]byte, error) {
	nlri, err := appendPrefix(nil, p)
	if err != nil {
		return nil, err
	}
	return update.Withdraw(s, family(p), nlri)
}

// appendPrefix appends a prefix as RFC 4271 section 4.3 has it.
func appendPrefix(b []byte, p netip.Prefix) ([]byte, error) {
	if !p.IsValid() || p != p.Masked() {
		return b, fmt.Errorf("%v is no prefix that can be announced: it has bits behind its length, or none at all", p)
	}
	b = append(b, byte(p.Bits()))
	return append(b, p.Addr().AsSlice()[:(p.Bits()+7)/8]...), nil
}

// DecodePrefixes reads unicast NLRIs. Where a fault is DisableFamily the list ends
// before it and must not be used. Bits behind a prefix's length say nothing.
func DecodePrefixes(b []byte, f update.Family) ([]netip.Prefix, update.Faults) {
	var list []netip.Prefix
	var faults update.Faults
	bits := 32
	if f.AFI == update.IPv6Unicast.AFI {
		bits = 128
	}
	for at := 0; at < len(b); {
		size := int(b[at])
		end := at + 1 + (size+7)/8
		if size > bits || end > len(b) {
			faults.Add(update.Fault{Action: update.DisableFamily, Offset: at, Reason: fmt.Sprintf("has a length of %d bits, which is too much", size)})
			break
		}
		var octets [16]byte
		copy(octets[:], b[at+1:end])
		addr := netip.AddrFrom16(octets)
		if bits == 32 {
			addr = netip.AddrFrom4([4]byte(octets[:]))
		}
		list = append(list, netip.PrefixFrom(addr, size).Masked())
		at = end
	}
	return list, faults
}

// Decode reads the colored routes that an UPDATE announces, from its NLRIs and its
// attributes. Routes without a color are in others: they replace, for the same
// prefix, what was colored before.
func Decode(f update.Family, nlris []byte, a update.Attributes) (routes []Route, others []netip.Prefix, faults update.Faults) {
	prefixes, faults := DecodePrefixes(nlris, f)
	colors := a.Colors()
	if len(colors) == 0 {
		return nil, prefixes, faults
	}
	for _, p := range prefixes {
		routes = append(routes, Route{p, a.NextHop, colors, a.LocalPref, a.Has(update.NoExport), a.Has(update.NoAdvertise)})
	}
	return routes, nil, faults
}
