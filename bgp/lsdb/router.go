package lsdb

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/said"
)

// domain is an IGP instance: within it an IGP router ID is one router.
type domain struct {
	igp        uint8 // a protocol; the lower of the two levels of IS-IS
	identifier uint64
	rd         ls.Opt[ls.RouteDistinguisher]
	bgpls      uint32 // the deprecated BGP-LS Identifier, where it is used
}

func domainOf(o ls.Origin, n ls.NodeDescriptor) domain {
	p := o.Protocol
	if p == ls.ISISLevel2 {
		p = ls.ISISLevel1
	}
	return domain{uint8(p), o.Identifier, o.RD, n.BGPLSIdentifier.Value}
}

// claim is a name of a router: what it is called in a domain, or an address.
type claim struct {
	domain domain // the zero domain but for its rd with an address
	igp    ls.IGPRouterID
	bgp    uint32
	addr   netip.Addr
}

// instance is a node under one descriptor, be it a router or a pseudonode. It
// exists as long as an object that is there names it.
type instance struct {
	key        string
	origin     ls.Origin
	descriptor ls.NodeDescriptor
	own        map[*object]bool // its nodes, prefixes and SIDs
	links      map[*object]bool // those from it and to it
	claims     []claim          // of it, as they are in DB.claims
	router     *router          // nil: a pseudonode, or new
	lan        *lan             // of a pseudonode
	node       *Node            // nil: to be made anew
}

// router is a group of instances.
type router struct {
	members   []*instance // by their keys
	conflicts []string
	view      *Router // nil: to be made anew
}

func (r *router) key() string { return r.members[0].key }

func (i *instance) pseudonode() bool { return i.descriptor.IGPRouterID.Pseudonode() }

// nlri is the Node NLRI that counts, nil if there is none.
func (i *instance) nlri() (node *object) {
	for o := range i.own {
		if o.nlri.Type() == ls.NodeType && (node == nil || o.key < node.key) {
			node = o
		}
	}
	return node
}

// claimed are the names of the instance by what is said of it.
func (i *instance) claimed() (out []claim) {
	if i.pseudonode() {
		return nil
	}
	d, id := domainOf(i.origin, i.descriptor), i.descriptor.IGPRouterID.Router()
	switch {
	case id != (ls.IGPRouterID{}):
		out = append(out, claim{domain: d, igp: id})
	case i.descriptor.BGPRouterID.Known:
		out = append(out, claim{domain: d, bgp: i.descriptor.BGPRouterID.Value})
	}
	add := func(a netip.Addr) {
		c := claim{domain: domain{rd: i.origin.RD}, addr: a}
		if a.IsGlobalUnicast() && !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	if p := i.origin.Protocol; p == ls.Direct || p == ls.Static { // it has no ID but an address
		if a, ok := netip.AddrFromSlice(id.Bytes()); ok {
			add(a)
		}
	}
	if o := i.nlri(); o != nil {
		v4, _ := said.Get(o.words, said.IPv4RouterIDs)
		v6, _ := said.Get(o.words, said.IPv6RouterIDs)
		for _, a := range slices.Concat(v4, v6) {
			add(a)
		}
	}
	return out
}

// called reports whether the first claim is what the instance is called in its
// domain.
func (i *instance) called() bool { return len(i.claims) > 0 && !i.claims[0].addr.IsValid() }

// reclaim brings the names of an instance up to date.
func (d *DB) reclaim(i *instance, claims []claim) {
	for _, c := range i.claims {
		if !slices.Contains(claims, c) {
			if d.claims[c] = slices.DeleteFunc(d.claims[c], func(x *instance) bool { return x == i }); len(d.claims[c]) == 0 {
				delete(d.claims, c)
			}
		}
	}
	for _, c := range claims {
		if !slices.Contains(i.claims, c) {
			d.claims[c] = append(d.claims[c], i)
		}
	}
	i.claims = claims
}

// related are all that share a name with one of them, directly or by way of
// others, ascending: what is one router depends on nothing else.
func (d *DB) related(from map[*instance]bool) []*instance {
	seen, looked := map[*instance]bool{}, map[claim]bool{}
	var list []*instance
	add := func(i *instance) {
		if !seen[i] && d.instances[i.key] == i && !i.pseudonode() {
			seen[i] = true
			list = append(list, i)
		}
	}
	for i := range from {
		add(i)
	}
	for n := 0; n < len(list); n++ {
		for _, c := range list[n].claims {
			if !looked[c] {
				looked[c] = true
				for _, other := range d.claims[c] {
					add(other)
				}
			}
		}
	}
	slices.SortFunc(list, func(a, b *instance) int { return strings.Compare(a.key, b.key) })
	return list
}

// slot is a router as one domain knows it: two that are not the same there are
// not the same at all.
type slot struct {
	domain domain
	key    string // of an instance without an ID, which nothing sets apart
}

// route groups instances to routers. It is given all that could be united with
// one of them.
func route(instances []*instance) (out []*router) {
	called := map[claim][]*instance{}
	for _, i := range instances {
		if i.called() {
			called[i.claims[0]] = append(called[i.claims[0]], i)
		}
	}
	var atoms [][]*instance // one router in their domain for sure
	conflicts := map[int][]string{}
	for _, i := range instances {
		switch {
		case !i.called():
			atoms = append(atoms, []*instance{i})
		case called[i.claims[0]][0] == i:
			apart := byAS(called[i.claims[0]])
			for n := range apart {
				if len(apart) > 1 {
					conflicts[len(atoms)+n] = []string{fmt.Sprintf("%v is the ID of %d routers, in several AS", i.descriptor.IGPRouterID, len(apart))}
				}
			}
			atoms = append(atoms, apart...)
		}
	}
	keys, slots := make([][]claim, len(atoms)), make([]slot, len(atoms))
	for n, atom := range atoms {
		slots[n].domain = domainOf(atom[0].origin, atom[0].descriptor)
		if !atom[0].called() {
			slots[n].key = atom[0].key
		}
		for _, i := range atom {
			for _, c := range i.claims {
				if c.addr.IsValid() {
					keys[n] = append(keys[n], c)
				}
			}
		}
	}
	groups, refused, torn := partition(keys, slots)
	tell := func(list []int, why string) {
		for _, n := range list {
			conflicts[n] = append(conflicts[n], why)
		}
	}
	for c, list := range refused {
		tell(list, fmt.Sprintf("router ID %v is claimed by %s: it unites none of them", c.addr, names(atoms, list)))
	}
	for _, list := range torn {
		tell(list, fmt.Sprintf("the router IDs of other IGPs would make %s one router: none of them are united", names(atoms, list)))
	}
	for _, g := range groups {
		r := &router{}
		for _, n := range g {
			r.members = append(r.members, atoms[n]...)
			r.conflicts = append(r.conflicts, conflicts[n]...)
		}
		slices.SortFunc(r.members, func(a, b *instance) int { return strings.Compare(a.key, b.key) })
		slices.Sort(r.conflicts)
		r.conflicts = slices.Compact(r.conflicts)
		out = append(out, r)
	}
	return out
}

// byAS divides what has one ID in one domain: if it names several AS, it is one
// router in each of them, and nobody knows where those belong that name none.
func byAS(group []*instance) [][]*instance {
	by := map[uint32][]*instance{}
	var order []uint32
	for _, i := range group {
		if as, known := i.descriptor.AutonomousSystem.Get(); known {
			if by[as] == nil {
				order = append(order, as)
			}
			by[as] = append(by[as], i)
		}
	}
	if len(order) < 2 {
		return [][]*instance{group}
	}
	var out [][]*instance
	for _, as := range order {
		out = append(out, by[as])
	}
	for _, i := range group {
		if !i.descriptor.AutonomousSystem.Known {
			out = append(out, []*instance{i})
		}
	}
	return out
}

func names(atoms [][]*instance, list []int) string {
	var out []string
	for _, n := range list {
		i := atoms[n][0]
		out = append(out, fmt.Sprintf("%v (%v)", i.descriptor, i.origin))
	}
	slices.Sort(out)
	if len(out) > 4 {
		out = append(out[:4], fmt.Sprintf("%d more", len(list)-4))
	}
	return strings.Join(out, ", ")
}

// nodeView is the instance for people.
func (i *instance) nodeView() *Node {
	if i.node != nil {
		return i.node
	}
	n := &Node{Origin: i.origin, Descriptor: i.descriptor}
	own := make([]*object, 0, len(i.own))
	for o := range i.own {
		own = append(own, o)
	}
	slices.SortFunc(own, func(a, b *object) int { return cmp.Compare(a.key, b.key) })
	for _, o := range own {
		switch x := o.nlri.(type) {
		case ls.Node:
			if !n.Known {
				n.Known, n.Words = true, o.words
			}
		case ls.Prefix:
			n.Prefixes = append(n.Prefixes, &Prefix{x, o.words})
		case ls.SRv6SID:
			n.SIDs = append(n.SIDs, &SID{x, o.words})
		}
	}
	i.node = n
	return n
}

func (r *router) make() *Router {
	v := &Router{Key: r.key(), Conflicts: r.conflicts}
	for _, i := range r.members {
		v.Origins = append(v.Origins, i.nodeView())
	}
	return v
}
