package srpolicy

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/keiro-net/keiro/controller/bgp/update"
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

// Announce returns the body of the UPDATE that announces the path, what follows
// the header of the message. Announced again with the same NLRI it replaces what
// was. A path that no headend would have to accept, and one that does not fit into
// a message ([update.TooLong]), is an error that names it.
func (r Route) Announce(s update.Session) ([]byte, error) {
	b, err := r.announce(s)
	if err != nil {
		return nil, fmt.Errorf("%v cannot be announced: %w", r.NLRI, err)
	}
	return b, nil
}

func (r Route) announce(s update.Session) ([]byte, error) {
	if err := r.NLRI.check(); err != nil {
		return nil, err
	}
	a := update.Attributes{NextHop: r.NextHop}
	if !a.NextHop.IsValid() {
		a.NextHop = s.LocalAddress.Unmap().WithZone("")
	}
	if r.Direct {
		a.Communities = []update.Community{update.NoAdvertise}
	} else if len(r.Headends) == 0 {
		return nil, errors.New("it is for no headend: name one, or announce it on a direct session (RFC 9830 section 4.2.1)")
	}
	for _, h := range r.Headends {
		// RFC 9830 section 4.2.2: as a BGP Identifier, which is not zero.
		if !h.Is4() || h.IsUnspecified() {
			return nil, fmt.Errorf("the headend %v is no BGP Identifier", h)
		}
		a.ExtendedCommunities = append(a.ExtendedCommunities, update.RouteTarget(h))
	}
	var err error
	if a.TunnelEncapsulation, err = AppendTunnel(nil, r.Tunnel); err != nil {
		return nil, err
	}
	return update.Announce(s, r.Family(), AppendNLRI(nil, r.NLRI), a)
}

// Withdraw returns the body of the UPDATE that withdraws a candidate path.
func Withdraw(s update.Session, n NLRI) ([]byte, error) {
	if err := n.check(); err != nil {
		return nil, fmt.Errorf("%v cannot be withdrawn: %w", n, err)
	}
	return update.Withdraw(s, n.Family(), AppendNLRI(nil, n))
}

func (n NLRI) check() error {
	if !n.Endpoint.IsValid() || n.Endpoint.Zone() != "" {
		return fmt.Errorf("the endpoint %v is no address of a node", n.Endpoint)
	}
	return nil
}

// Decode reads the candidate paths that an UPDATE announces, from its NLRIs and its
// attributes. What is not valid by RFC 9830 section 4.2.1 is withdrawn: paths whose
// names could be told are in withdrawn. Where a fault is DisableFamily neither list
// may be used.
func Decode(f update.Family, nlris []byte, a update.Attributes) (paths []CandidatePath, withdrawn []NLRI, faults update.Faults) {
	names, faults := DecodeNLRIs(nlris, f)
	// A skipped NLRI spoils no other, a fault of an attribute all of them.
	spoiled := false
	if len(a.RouteTargets()) == 0 && !a.Has(update.NoAdvertise) {
		spoiled = true
		faults.Add(update.Fault{Action: update.TreatAsWithdraw, Attribute: update.ExtendedCommunities,
			Reason: "names no headend, and there is no NO_ADVERTISE"})
	}
	tunnel, wrong := DecodeTunnel(a.TunnelEncapsulation)
	for _, w := range wrong {
		spoiled = true
		faults.Add(*w)
	}
	if spoiled {
		return nil, names, faults
	}
	for _, n := range names {
		paths = append(paths, CandidatePath{n, tunnel})
	}
	return paths, nil, faults
}

// Usable says whether a headend with this BGP Identifier is to use a path that came
// with these attributes (RFC 9830 section 4.2.2), and if not, why.
func (c CandidatePath) Usable(a update.Attributes, identifier netip.Addr) error {
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
