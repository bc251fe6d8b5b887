package srpolicy

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/bgp/route"
)

// Route is a candidate path on its way to headends.
type Route struct {
	CandidatePath
	// Headends that the path is for, by BGP Identifier: its route targets. The
	// others do not use it.
	Headends []netip.Addr
	// Direct: the session leads to the headend itself, which must not pass the
	// path on (NO_ADVERTISE, RFC 9830 section 4.1). Without it a route reflector
	// may be between, and there must be a headend above.
	Direct bool
	// NextHop; invalid is our end of the session. No headend resolves it.
	NextHop netip.Addr
}

// Announce returns the UPDATE that announces the path. Announced again with the same
// NLRI it replaces what was. A path that no headend would have to accept, and one that
// fits into no message of the session ([message.ErrTooLong]), is an error that names
// it.
func (r Route) Announce(s route.Session) (message.Update, error) {
	u, err := r.announce(s)
	if err != nil {
		return message.Update{}, fmt.Errorf("%v cannot be announced: %w", r.NLRI, err)
	}
	return u, nil
}

func (r Route) announce(s route.Session) (u message.Update, err error) {
	if !r.Endpoint.IsValid() || r.Endpoint.Zone() != "" {
		return u, fmt.Errorf("the endpoint %v is no address of a node", r.Endpoint)
	}
	a := route.Attributes{NextHop: r.NextHop}
	if !a.NextHop.IsValid() {
		a.NextHop = s.LocalAddress.Unmap().WithZone("")
	}
	if r.Direct {
		a.Communities = []route.Community{route.NoAdvertise}
	} else if len(r.Headends) == 0 {
		return u, errors.New("it is for no headend: name one, or announce it on a direct session (RFC 9830 section 4.2.1)")
	}
	for _, h := range r.Headends {
		// RFC 9830 section 4.2.2: as a BGP Identifier, which is not zero.
		if !h.Is4() || h.IsUnspecified() {
			return u, fmt.Errorf("the headend %v is no BGP Identifier", h)
		}
		a.ExtendedCommunities = append(a.ExtendedCommunities, route.RouteTarget(h))
	}
	if a.Tunnel, err = AppendTunnel(nil, r.Tunnel); err != nil {
		return u, err
	}
	return route.Announce(s, r.Family(), AppendNLRI(nil, r.NLRI), a)
}

// Withdraw returns the UPDATE that withdraws a candidate path that was announced.
func Withdraw(n NLRI) message.Update {
	return route.Withdraw(n.Family(), AppendNLRI(nil, n))
}

// Parse reads the candidate paths that an UPDATE announces and those that it withdraws,
// of SR Policy families. What is not valid by RFC 9830 section 4.2.1 is withdrawn, as
// are all paths if spoiled: message.ParseUpdate has found that their routes are. With a
// fault DisableFamily neither list may be used.
func Parse(u *message.Update, spoiled bool) (paths []CandidatePath, withdrawn []NLRI, faults []*message.Fault) {
	note := func(f *message.Fault) bool {
		if f != nil {
			faults = append(faults, f)
		}
		return f != nil
	}
	if u.Unreach != nil && isPolicy(u.Unreach.Family) {
		list, f := ParseNLRIs(u.Unreach.NLRI, u.Unreach.Family)
		note(f)
		withdrawn = list
	}
	if u.Reach == nil || !isPolicy(u.Reach.Family) {
		return nil, withdrawn, faults
	}
	names, f := ParseNLRIs(u.Reach.NLRI, u.Reach.Family)
	note(f)
	a := route.Read(u)
	if len(a.RouteTargets()) == 0 && !a.Has(route.NoAdvertise) {
		spoiled = note(&message.Fault{Action: message.TreatAsWithdraw, Type: message.ExtendedCommunitiesType,
			Reason: "names no headend of an SR Policy, and there is no NO_ADVERTISE"})
	}
	tunnel, f := ParseTunnel(a.Tunnel)
	if spoiled = note(f) || spoiled; spoiled {
		return nil, append(withdrawn, names...), faults
	}
	for _, n := range names {
		paths = append(paths, CandidatePath{n, tunnel})
	}
	return paths, withdrawn, faults
}

func isPolicy(f message.Family) bool { return f == message.IPv4SRPolicy || f == message.IPv6SRPolicy }

// Usable says whether a headend with this BGP Identifier is to use a path that came
// with these attributes (RFC 9830 section 4.2.2), and if not, why.
func (c CandidatePath) Usable(a route.Attributes, identifier netip.Addr) error {
	if targets := a.RouteTargets(); len(targets) > 0 {
		mine := false
		for _, t := range targets {
			mine = mine || t == identifier && !t.IsUnspecified()
		}
		if !mine {
			return fmt.Errorf("%v is for other headends, not for %v", c.NLRI, identifier)
		}
	}
	if types := c.Unsupported(); len(types) > 0 {
		return fmt.Errorf("%v has sub-TLVs that are not supported, the first of type %d", c.NLRI, types[0])
	}
	return nil
}
