// Package service reads and writes colored routes: IPv4 and IPv6 unicast routes
// whose next hop and color (RFC 9012 section 4.3, RFC 9830 section 3) name the SR
// Policy that carries their traffic, so that a headend steers a prefix over a path
// that Keiro chose (RFC 9256 section 8.4). Their SRv6 Service SID (RFC 9252) says where
// the tail takes that traffic out of the tunnel.
//
// It makes and reads messages of bgp/message. It does no I/O, keeps nothing
// and does not know whether the policy exists: a headend whose policy is missing or invalid
// routes such a prefix by its next hop alone. The BGP speaker calls it, and so do
// its tests.
package service

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/bgp/route"
)

// Route is a colored route.
type Route struct {
	Prefix netip.Prefix
	// NextHop is the endpoint of the policy. An IPv6 one carries IPv4 routes too,
	// to a peer that takes them (RFC 8950).
	NextHop netip.Addr
	// Colors, the greatest first: a headend takes the first for which it has a
	// valid policy (RFC 9256 section 8.4.1).
	Colors []route.Color
	// LocalPref is sent to peers of our own AS; unknown is
	// [route.DefaultLocalPref].
	LocalPref ls.Opt[uint32]
	// NoExport keeps the route within the AS of the headend, NoAdvertise at the
	// headend (RFC 1997).
	NoExport, NoAdvertise bool
	// SID is where the tail takes the traffic out of the tunnel; unknown: the route
	// does not say, and the headend has to know.
	SID ls.Opt[SID]
}

// Family is that of the prefix.
func (r Route) Family() message.Family { return family(r.Prefix) }

func family(p netip.Prefix) message.Family {
	if p.Addr().Is4() {
		return message.IPv4Unicast
	}
	return message.IPv6Unicast
}

// Announce returns the UPDATE that announces the route. A route without a color is an
// error, as no policy would carry it. Errors name the prefix.
func (r Route) Announce(s route.Session) (message.Update, error) {
	u, err := r.announce(s)
	if err != nil {
		return message.Update{}, fmt.Errorf("the route %v cannot be announced: %w", r.Prefix, err)
	}
	return u, nil
}

func (r Route) announce(s route.Session) (message.Update, error) {
	if !r.Prefix.IsValid() || r.Prefix != r.Prefix.Masked() {
		return message.Update{}, errors.New("it is no prefix, or has bits behind its length")
	}
	if len(r.Colors) == 0 {
		return message.Update{}, errors.New("it has no color, so no SR Policy would carry it")
	}
	a := route.Attributes{NextHop: r.NextHop, LocalPref: r.LocalPref}
	for _, c := range r.Colors {
		if c.Only > route.AnyEndpoint {
			return message.Update{}, fmt.Errorf("color-only type %d is reserved", c.Only)
		}
		a.ExtendedCommunities = append(a.ExtendedCommunities, c.ExtendedCommunity())
	}
	if r.NoExport {
		a.Communities = append(a.Communities, route.NoExport)
	}
	if r.NoAdvertise {
		a.Communities = append(a.Communities, route.NoAdvertise)
	}
	if sid, known := r.SID.Get(); known {
		var err error
		if a.PrefixSID, err = sid.octets(); err != nil {
			return message.Update{}, err
		}
	}
	return route.Announce(s, r.Family(), message.AppendPrefix(nil, r.Prefix), a)
}

// Withdraw returns the UPDATE that withdraws the route of a prefix.
func Withdraw(p netip.Prefix) message.Update {
	return route.Withdraw(family(p), message.AppendPrefix(nil, p))
}

// Parse reads the colored routes that an UPDATE announces, and the prefixes that it
// takes the colored route from: it withdraws them, or announces them without a color, or
// spoiled: message.ParseUpdate has found that their routes are withdrawn. An error is a
// [*message.Fault]: with DisableFamily there are no lists; with TreatAsWithdraw the
// Service SID is malformed and the routes are among the withdrawn already.
func Parse(u *message.Update, spoiled bool) (routes []Route, without []netip.Prefix, err error) {
	gone := []message.Unreach{{Family: message.IPv4Unicast, NLRI: u.Withdrawn}}
	if u.Unreach != nil {
		gone = append(gone, *u.Unreach)
	}
	for _, n := range gone {
		if without, err = appendPrefixes(without, n.Family, n.NLRI); err != nil {
			return nil, nil, err
		}
	}
	p := parser{without: without, spoiled: spoiled}
	// The NLRIs of RFC 4271 and those of RFC 4760 have a next hop each.
	classic, multi := message.Update{Attributes: u.Attributes}, message.Update{Attributes: u.Attributes, Reach: u.Reach}
	if err = p.parse(&classic, message.IPv4Unicast, u.NLRI); err == nil && u.Reach != nil {
		err = p.parse(&multi, u.Reach.Family, u.Reach.NLRI)
	}
	if err != nil {
		return nil, nil, err
	}
	if p.malformed != "" {
		err = &message.Fault{Action: message.TreatAsWithdraw, Type: message.PrefixSIDType, Subcode: message.OptionalAttributeError, Reason: p.malformed}
	}
	return p.routes, p.without, err
}

type parser struct {
	spoiled   bool
	routes    []Route
	without   []netip.Prefix
	malformed string // why the Service SID is
}

func (p *parser) parse(u *message.Update, f message.Family, nlris []byte) error {
	list, err := appendPrefixes(nil, f, nlris)
	if err != nil || len(list) == 0 {
		return err
	}
	a := route.Read(u)
	var sid ls.Opt[SID]
	sid, p.malformed = parseSID(a.PrefixSID) // the same of both kinds of NLRIs
	colors := a.Colors()
	if len(colors) == 0 || p.spoiled || p.malformed != "" {
		p.without = append(p.without, list...)
		return nil
	}
	for _, prefix := range list {
		p.routes = append(p.routes, Route{prefix, a.NextHop, colors, a.LocalPref, a.Has(route.NoExport), a.Has(route.NoAdvertise), sid})
	}
	return nil
}

// appendPrefixes appends those of the unicast families.
func appendPrefixes(all []netip.Prefix, f message.Family, nlris []byte) ([]netip.Prefix, error) {
	if f != message.IPv4Unicast && f != message.IPv6Unicast {
		return all, nil
	}
	list, err := message.ParsePrefixes(nlris, f)
	return append(all, list...), err
}
