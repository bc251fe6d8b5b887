package routers

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/keiro-net/keiro/bgp/file"
	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/bgp/rib"
	"github.com/keiro-net/keiro/bgp/route"
	"github.com/keiro-net/keiro/bgp/service"
	"github.com/keiro-net/keiro/bgp/srpolicy"
	"github.com/keiro-net/keiro/controller/core"
)

// outbox is what is announced to each peer, and for which headends: what is one
// NLRI for several of them is withdrawn with the last.
type outbox struct {
	as    uint32
	peers []file.Peer
	said  map[string]map[name]map[string]item // by peer, route and headend
}

// name is a route of a peer.
type name struct {
	family message.Family
	nlri   string
}

// item is a route for one headend.
type item struct {
	routerID netip.Addr
	policy   *srpolicy.CandidatePath // or
	service  *service.Route
}

func newOutbox(f *file.File) *outbox {
	o := &outbox{as: f.Speaker.AS, peers: f.Peers, said: map[string]map[name]map[string]item{}}
	for _, p := range f.Peers {
		o.said[p.Name] = map[name]map[string]item{}
	}
	return o
}

// leading are the peers over which a headend is told: its own session, else
// those that reflect.
func (o *outbox) leading(node string) (peers []*file.Peer, direct bool) {
	for i := range o.peers {
		if o.peers[i].Node == node {
			peers = append(peers, &o.peers[i])
		}
	}
	if len(peers) > 0 {
		return peers, true
	}
	for i := range o.peers {
		if o.peers[i].Reflects() {
			peers = append(peers, &o.peers[i])
		}
	}
	return peers, false
}

// UntoldError is why a headend is not told all of an Announce.
type UntoldError struct {
	core.NotTold
	error
}

// Announce says to a headend what it is to have. An UntoldError says what it will not
// be told, and why; the rest is.
func (r *Routers) Announce(e core.Announce) error {
	u := &UntoldError{NotTold: core.NotTold{Node: e.Node, Policies: map[srpolicy.NLRI]string{}, Services: map[netip.Prefix]string{}}}
	if u.error = r.announce(e, u); u.error == nil {
		return nil
	}
	return u
}

func (r *Routers) announce(e core.Announce, u *UntoldError) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	peers, direct := r.out.leading(e.Node)
	none := func(format string, args ...any) error {
		err := fmt.Errorf(format, args...)
		for i := range e.Policies {
			u.Policies[e.Policies[i].NLRI] = err.Error()
		}
		for i := range e.Services {
			u.Services[e.Services[i].Prefix] = err.Error()
		}
		return err
	}
	switch {
	case len(peers) == 0:
		return none("node %s cannot be told its paths by BGP: no peer in the BGP file is it (node: %s), and none reflects SR Policies", e.Node, e.Node)
	case !direct && !e.RouterID.IsValid():
		return none("node %s cannot be told its paths over a route reflector: its BGP Identifier is not known; give it a routerID in the topology, or a session of its own in the BGP file", e.Node)
	}
	var bad []error
	for _, p := range peers {
		for i := range e.Policies {
			n := name{e.Policies[i].Family(), string(srpolicy.AppendNLRI(nil, e.Policies[i].NLRI))}
			if err := r.say(p, n, e.Node, item{routerID: e.RouterID, policy: &e.Policies[i]}); err != nil {
				u.Policies[e.Policies[i].NLRI], bad = err.Error(), append(bad, err)
			}
		}
		for i := range e.Services {
			n := name{e.Services[i].Family(), string(message.AppendPrefix(nil, e.Services[i].Prefix))}
			if err := r.say(p, n, e.Node, item{routerID: e.RouterID, service: &e.Services[i]}); err != nil {
				u.Services[e.Services[i].Prefix], bad = err.Error(), append(bad, err)
			}
		}
	}
	return errors.Join(bad...)
}

// Withdraw takes back what was announced to a headend.
func (r *Routers) Withdraw(e core.Withdraw) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var bad []error
	for i := range r.out.peers {
		p := &r.out.peers[i]
		for _, prefix := range e.Services {
			f := message.IPv6Unicast
			if prefix.Addr().Is4() {
				f = message.IPv4Unicast
			}
			bad = append(bad, r.unsay(p, name{f, string(message.AppendPrefix(nil, prefix))}, e.Node))
		}
		for _, n := range e.Policies {
			bad = append(bad, r.unsay(p, name{n.Family(), string(srpolicy.AppendNLRI(nil, n))}, e.Node))
		}
	}
	return errors.Join(bad...)
}

// AnnouncedAll says that all headends have been announced what they are to have
// at first.
func (r *Routers) AnnouncedAll() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var bad []error
	for _, p := range r.out.peers {
		for _, f := range p.Families {
			if !isLinkState(f) {
				bad = append(bad, r.speaker.Complete(p.Name, f))
			}
		}
	}
	return errors.Join(bad...)
}

func (r *Routers) say(p *file.Peer, n name, node string, it item) error {
	routes := r.out.said[p.Name]
	items := maps.Clone(routes[n])
	if items == nil {
		items = map[string]item{}
	}
	items[node] = it
	route, err := r.out.route(p, n, items)
	if err == nil {
		err = r.speaker.Announce(p.Name, route)
	}
	if err != nil {
		return fmt.Errorf("node %s is not told over peer %s: %w", node, p.Name, err)
	}
	routes[n] = items
	return nil
}

func (r *Routers) unsay(p *file.Peer, n name, node string) error {
	routes := r.out.said[p.Name]
	if _, said := routes[n][node]; !said {
		return nil
	}
	items := maps.Clone(routes[n])
	delete(items, node)
	if len(items) == 0 {
		delete(routes, n)
		return r.speaker.Withdraw(p.Name, n.family, []byte(n.nlri))
	}
	routes[n] = items
	route, err := r.out.route(p, n, items)
	if err != nil {
		return err
	}
	return r.speaker.Announce(p.Name, route)
}

// route makes one route of what is to be said of it to some headends. A coloured
// route of several has the colours of all: each takes the one for which it has a
// policy (RFC 9256 section 8.4.1). But it has one next hop and one service SID.
func (o *outbox) route(p *file.Peer, n name, items map[string]item) (rib.Route, error) {
	nodes := slices.Sorted(maps.Keys(items))
	// What a session adds of its own, the Adj-RIB-Out does.
	session := route.Session{
		External: p.AS != o.as, LocalAS: o.as, Extended: true, ExtendedNextHop: true, LocalAddress: netip.IPv6Unspecified(),
	}
	var u message.Update
	var err error
	out := rib.Route{Family: n.family, NLRI: []byte(n.nlri)}
	switch first := items[nodes[0]]; {
	case first.policy != nil:
		said := srpolicy.Route{CandidatePath: *first.policy, Direct: p.Node != ""}
		if !said.Direct {
			for _, node := range nodes {
				said.Headends = append(said.Headends, items[node].routerID)
			}
		}
		u, err = said.Announce(session)
	default:
		said := *first.service
		said.Colors = slices.Clone(said.Colors)
		for _, node := range nodes[1:] {
			other := items[node].service
			if other.NextHop != said.NextHop || other.SID != said.SID {
				return out, fmt.Errorf("%v leads to %v for node %s and to %v for node %s, and a route reflector passes one route on: give one of them a session of its own in the BGP file",
					said.Prefix, said.NextHop, nodes[0], other.NextHop, node)
			}
			said.Colors = append(said.Colors, other.Colors...)
		}
		slices.SortFunc(said.Colors, func(a, b route.Color) int { return cmp.Or(cmp.Compare(b.Value, a.Value), cmp.Compare(a.Only, b.Only)) })
		said.Colors = slices.Compact(said.Colors)
		said.NoAdvertise = said.NoAdvertise || p.Node != ""
		out.NextHop = said.NextHop
		u, err = said.Announce(session)
	}
	if err != nil {
		return out, err
	}
	for _, a := range u.Attributes {
		switch a.Type {
		case message.OriginType, message.ASPathType, message.NextHopType: // likewise
		default:
			out.Attributes = append(out.Attributes, a)
		}
	}
	return out, nil
}
