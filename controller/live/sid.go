package live

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/lsdb"
	"github.com/keiro-net/keiro/bgp/said"
	"github.com/keiro-net/keiro/topology"
)

// SID is a learned SRv6 SID (RFC 8986) of algorithm 0, of which a SID list can be
// made over routers without an agent.
type SID struct {
	Addr      netip.Addr
	Behavior  uint16
	Structure ls.Opt[ls.SIDStructure]
	// Protected: fast reroute may lead it off its link (B-flag).
	Protected bool
	By        []string
	Since     time.Time
	Stale     bool
}

// SIDs answers which SID leads over a link, to a node and out of the tunnel, and
// how BGP names a node.
type SIDs struct {
	over   map[over]SID
	end    map[string]SID
	out    map[string][]SID
	addr   map[over]netip.Addr
	router map[string]Router
}

// Router is how BGP names a node without an agent.
type Router struct {
	// Identifier is its BGP Identifier; invalid: it is in no domain that says one.
	Identifier netip.Addr
	// Address is one of its own, of IPv6, to which traffic for it may be sent;
	// invalid: none is known.
	Address netip.Addr
}

// Router returns how BGP names a node.
func (s *SIDs) Router(node string) Router { return s.router[node] }

// over is a link and the node it is entered from.
type over struct{ link, from string }

// Over is the End.X SID for exactly this link from one of its nodes: not for a set
// of links, and unprotected if there is such a one. There is none for a link that
// no IGP lets paths use.
func (s *SIDs) Over(link, from string) (SID, bool) {
	sid, ok := s.over[over{link, from}]
	return sid, ok
}

// Address is an IPv6 address of the interface that a node has on a link, one
// that a file may state. Not valid: nobody says.
func (s *SIDs) Address(link, node string) netip.Addr { return s.addr[over{link, node}] }

// With has also what others know of a link, from both of its nodes.
func (s SIDs) With(others *SIDs, link string, nodes ...string) SIDs {
	s.over, s.addr = maps.Clone(s.over), maps.Clone(s.addr)
	if s.over == nil {
		s.over, s.addr = map[over]SID{}, map[over]netip.Addr{}
	}
	for _, node := range nodes {
		at := over{link, node}
		if sid, ok := others.over[at]; ok {
			s.over[at] = sid
		}
		if a, ok := others.addr[at]; ok {
			s.addr[at] = a
		}
	}
	return s
}

// Node is the End SID of a node.
func (s *SIDs) Node(node string) (SID, bool) { sid, ok := s.end[node]; return sid, ok }

// Decapsulation is the SID of a node with one of the behaviours End.DT6, End.DT4
// and End.DT46, with or without NEXT-CSID. BGP-LS does not say which table it
// looks into: if there are several, nobody knows which is meant, and there is
// none.
func (s *SIDs) Decapsulation(node string, behavior uint16) (SID, bool) {
	var found []SID
	for _, sid := range s.out[node] {
		if ls.EndDT(sid.Behavior) == behavior {
			found = append(found, sid)
		}
	}
	if len(found) != 1 {
		return SID{}, false
	}
	return found[0], true
}

func newSIDs(t *topology.Topology, r *Result) SIDs {
	s := SIDs{over: map[over]SID{}, addr: map[over]netip.Addr{}, end: map[string]SID{}, out: map[string][]SID{}, router: map[string]Router{}}
	for i := range r.Nodes {
		if n := &r.Nodes[i]; n.Router != nil {
			s.node(n)
			s.router[n.Name] = s.routerOf(n)
		}
	}
	between := map[[2]int]int{} // counts the entries of two nodes
	ends := func(e int) [2]int {
		return [2]int{min(t.Entries[e].A, t.Entries[e].B), max(t.Entries[e].A, t.Entries[e].B)}
	}
	for e := range t.Entries {
		between[ends(e)]++
	}
	for e := range r.Links {
		switch l := &r.Links[e]; {
		case l.Learned != nil:
			s.link(l, t.Nodes[t.Entries[e].A].Name, t.Nodes[t.Entries[e].B].Name)
		case len(l.Halves) > 0:
			router, agent := t.Entries[e].A, t.Entries[e].B
			if l.Reversed {
				router, agent = agent, router
			}
			s.halves(l, &r.Nodes[router], t.Nodes[agent].RouterID, between[ends(e)] == 1)
		}
	}
	return s
}

// node takes in the SIDs of a node that are no adjacency's.
func (s *SIDs) node(n *Node) {
	var ends []SID
	for _, origin := range n.Router.Origins {
		for _, sid := range origin.SIDs {
			b := said.Read(sid.Words, said.Behavior)
			if !b.Known || b.Value.Algorithm != 0 {
				continue
			}
			structure, known := said.Get(sid.Words, said.Structure)
			x := SID{Addr: sid.NLRI.SID, Behavior: b.Value.Behavior, Structure: ls.Opt[ls.SIDStructure]{Value: structure, Known: known},
				By: b.By, Since: b.Since, Stale: b.Stale}
			same := func(y SID) bool { return y.Addr == x.Addr } // another level says it too
			switch b := x.Behavior; {
			case ls.IsEnd(b):
				ends = append(ends, x)
			case ls.EndDT(b) != 0 && !slices.ContainsFunc(s.out[n.Name], same):
				s.out[n.Name] = append(s.out[n.Name], x)
			}
		}
	}
	if len(ends) > 0 {
		s.end[n.Name] = slices.MinFunc(ends, preferred)
	}
}

// routerOf names a node. Its address is its router ID of IPv6 (TLV 1029), the least
// if IGPs have several; else its End SID, which is an address of it as well and
// which the route to its locator leads to. Its identifier is what it says as a BGP
// speaker (TLV 516), else its router ID of IPv4 (TLV 1028) or of OSPF, one of which
// routers take it from.
func (s *SIDs) routerOf(n *Node) (r Router) {
	least := func(to *netip.Addr, a netip.Addr) {
		if a.IsValid() && !a.IsUnspecified() && (!to.IsValid() || a.Less(*to)) {
			*to = a
		}
	}
	var speaker, loopback, ospf netip.Addr
	for _, o := range n.Router.Origins {
		if id, known := o.Descriptor.BGPRouterID.Get(); known {
			least(&speaker, netip.AddrFrom4([4]byte{byte(id >> 24), byte(id >> 16), byte(id >> 8), byte(id)}))
		}
		if id, err := netip.ParseAddr(o.Descriptor.IGPRouterID.Router().String()); err == nil && id.Is4() {
			least(&ospf, id)
		}
		v4, _ := said.Get(o.Words, said.IPv4RouterIDs)
		for _, a := range v4 {
			least(&loopback, a)
		}
		v6, _ := said.Get(o.Words, said.IPv6RouterIDs)
		for _, a := range v6 {
			least(&r.Address, a)
		}
	}
	for _, id := range []netip.Addr{speaker, loopback, ospf} {
		if !r.Identifier.IsValid() {
			r.Identifier = id
		}
	}
	if !r.Address.IsValid() {
		r.Address = s.end[n.Name].Addr
	}
	return r
}

// preferred puts what is surest first: live, unprotected, with a SID of its own.
func preferred(a, b SID) int {
	return cmp.Or(compareBool(a.Stale, b.Stale), compareBool(a.Protected, b.Protected),
		compareBool(ls.NextCSID(a.Behavior), ls.NextCSID(b.Behavior)), a.Addr.Compare(b.Addr))
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// link takes in the End.X SIDs of a link, from both of its nodes.
func (s *SIDs) link(l *Link, a, b string) {
	if l.Reversed {
		a, b = b, a
	}
	var ab, ba []SID
	for _, adj := range l.Learned.Adjacencies {
		if adj.Unusable == "" {
			ab = append(ab, endX(adj.AB, adj.BA, adj.LAN != nil)...)
			ba = append(ba, endX(adj.BA, adj.AB, adj.LAN != nil)...)
		}
	}
	for from, list := range map[string][]SID{a: ab, b: ba} {
		if len(list) > 0 {
			s.over[over{l.Name, from}] = slices.MinFunc(list, preferred)
		}
	}
	for from, router := range map[string]string{a: l.Learned.A, b: l.Learned.B} {
		s.address(over{l.Name, from}, interfaces(l.Learned, router))
	}
}

// address takes in an address of those that a node has on a link.
func (s *SIDs) address(at over, known []netip.Addr) {
	for _, a := range known {
		if _, err := topology.ParseInterfaceAddress(a.String()); err == nil && a.Is6() {
			s.addr[at] = a
			return
		}
	}
}

// endX are the SIDs of a half that lead to the node of the half back, and nowhere
// else.
func endX(h, back *lsdb.Half, lan bool) (out []SID) {
	if !lan {
		v := said.Read(h.Words, said.EndX)
		return sids(out, v, v.Value)
	}
	to := back.NLRI.Local.IGPRouterID.Router()
	for _, f := range []*said.Field[*ls.LinkAttribute, []ls.LANEndX]{said.ISISLANEndX, said.OSPFv3LANEndX} {
		v := said.Read(h.Words, f)
		var own []ls.EndX
		for _, x := range v.Value {
			if x.Neighbor == to {
				own = append(own, x.EndX)
			}
		}
		out = append(out, sids(nil, as(v, func([]ls.LANEndX) []ls.EndX { return nil }), own)...)
	}
	// The designated router has an End.X of the ordinary kind on it (RFC 9514
	// section 4.2), when the LAN is its own.
	if h.NLRI.Remote.IGPRouterID.Router() == to {
		v := said.Read(h.Words, said.EndX)
		out = append(out, sids(nil, v, v.Value)...)
	}
	return out
}

func sids(out []SID, v said.Value[[]ls.EndX], list []ls.EndX) []SID {
	for _, x := range list {
		if x.Algorithm == 0 && x.Flags&ls.Set == 0 && ls.IsEndX(x.Behavior) {
			out = append(out, SID{Addr: x.SID, Behavior: x.Behavior, Structure: x.Structure, Protected: x.Flags&ls.Backup != 0,
				By: v.By, Since: v.Since, Stale: v.Stale})
		}
	}
	return out
}
