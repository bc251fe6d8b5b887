package steer

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"

	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/bgp/rib"
	"github.com/keiro-net/keiro/bgp/route"
	"github.com/keiro-net/keiro/bgp/service"
	"github.com/keiro-net/keiro/bgp/srpolicy"
)

// maxTunnel bounds a candidate path, in octets of its Tunnel Encapsulation
// attribute: a segment of 16 octets may cost 26 there, and what is decoded more.
const maxTunnel = 16 << 10

// read makes of an object what it is for this node; nil: nothing.
func (t *Table) read(p *peer, o rib.Object) *said {
	if !slices.Contains(p.Families, o.Name.Family) {
		return nil
	}
	u := message.Update{Attributes: o.Attributes}
	a := route.Read(&u)
	if targets := a.RouteTargets(); len(targets) > 0 && !slices.Contains(targets, t.o.Identifier) {
		return nil // for other headends (RFC 9830 section 4.2.2)
	}
	if o.Policy.Endpoint.IsValid() {
		return t.readPath(p, o.Policy, &u, a)
	}
	u.Reach = &message.Reach{Family: o.Name.Family, NextHop: o.NextHop.AsSlice(), NLRI: message.AppendPrefix(nil, o.Prefix)}
	routes, _, err := service.Parse(&u, false)
	switch {
	case err != nil:
		return &said{wrong: err.Error()}
	case len(routes) == 0:
		return nil // it has no color
	}
	return &said{route: &Route{Route: routes[0], Addressed: len(a.RouteTargets()) > 0 || a.Has(route.NoAdvertise), Peer: p.Name}}
}

func (t *Table) readPath(p *peer, n srpolicy.NLRI, u *message.Update, a route.Attributes) *said {
	if len(a.Tunnel) > maxTunnel {
		return &said{wrong: fmt.Sprintf("its Tunnel Encapsulation attribute has %d octets, more than %d", len(a.Tunnel), maxTunnel)}
	}
	tunnel, fault := srpolicy.ParseTunnel(a.Tunnel)
	if fault != nil {
		return &said{wrong: fault.Error()}
	}
	path := &Path{CandidatePath: srpolicy.CandidatePath{NLRI: n, Tunnel: tunnel}, Originator: p.originator(u), Peer: p.Name}
	if err := path.Usable(a, t.o.Identifier); err != nil {
		return &said{wrong: err.Error()}
	}
	return &said{path: path}
}

// originator is the first AS of the path and the first speaker in it, as far as
// it is told: without AS_PATH and ORIGINATOR_ID (RFC 4456) it is the peer itself.
func (p *peer) originator(u *message.Update) Originator {
	o := p.id
	if path, _ := u.Attribute(message.ASPathType); len(path) >= 6 {
		o.AS = binary.BigEndian.Uint32(path[len(path)-4:])
	}
	if id, _ := u.Attribute(message.OriginatorIDType); len(id) == 4 {
		o.Node = netip.AddrFrom4([4]byte(id))
	}
	return o
}
