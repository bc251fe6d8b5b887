package lsdb

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/said"
)

// home is what a half is part of: a bundle or a LAN.
type home interface{ halves() map[*object]bool }

// ends are two routers, the lesser key first.
type ends struct{ a, b string }

func endsOf(a, b *router) ends {
	return ends{min(a.key(), b.key()), max(a.key(), b.key())}
}

// bundle is all there is between two routers.
type bundle struct {
	ends
	direct map[*object]bool
	lans   map[*lan]bool
	links  []*Link
	half   []*HalfKnown
}

func (b *bundle) halves() map[*object]bool { return b.direct }

// level is in what the halves of an adjacency agree.
type level struct {
	origin   ls.Origin
	area     ls.Opt[uint32]
	topology uint16
	bgpls    uint32
}

func levelOf(l ls.Link) level {
	return level{l.Origin, l.Local.OSPFAreaID, l.MultiTopology.Value.ID(), l.Local.BGPLSIdentifier.Value}
}

// distinct are the halves, ascending, each once: two that differ only in how they
// name one router, such as with its AS and without, are one half that two
// speakers tell of. One that a live peer tells of counts.
func (b *bundle) distinct() []*object {
	type name struct {
		level
		from string
		ls.LinkDescriptor
	}
	of := func(o *object) name {
		l := o.nlri.(ls.Link)
		return name{levelOf(l), o.local.router.key(), l.LinkDescriptor}
	}
	all, best := ascending(b.direct), map[name]*object{}
	for _, o := range all {
		if n := of(o); best[n] == nil || !best[n].words.Live() && o.words.Live() {
			best[n] = o
		}
	}
	return slices.DeleteFunc(all, func(o *object) bool { return best[of(o)] != o })
}

// remake makes the links of a bundle, and what is no link.
func (b *bundle) remake() {
	b.links, b.half = nil, nil
	to, fro := map[level][]*side{}, map[level][]*side{}
	for _, o := range b.distinct() {
		l := levelOf(o.nlri.(ls.Link))
		switch {
		case b.a == b.b:
			b.half = append(b.half, o.halfKnown("it leads from a router to itself"))
		case o.local.router.key() == b.a:
			to[l] = append(to[l], newSide(o))
		default:
			fro[l] = append(fro[l], newSide(o))
		}
	}
	var adjacencies []*Adjacency
	var levels []level
	for l := range to {
		pair(to[l], fro[l])
		for _, s := range to[l] {
			if s.mate != nil {
				adjacencies, levels = append(adjacencies, adjacent(s.o, s.mate.o, nil)), append(levels, l)
			}
		}
	}
	for l := range to {
		b.leave(to[l], fro[l])
	}
	for l := range fro {
		b.leave(fro[l], to[l])
	}
	for n := range b.lans {
		for _, m := range n.members[b.ends] {
			adjacencies, levels = append(adjacencies, adjacent(m[0], m[1], n)), append(levels, levelOf(m[0].nlri.(ls.Link)))
		}
	}
	b.unite(adjacencies, levels)
}

// leave notes the halves that make no link.
func (b *bundle) leave(halves, back []*side) {
	why := ""
	for _, s := range halves {
		if s.mate == nil {
			if why == "" {
				why = lonely(back)
			}
			b.half = append(b.half, s.o.halfKnown(why))
		}
	}
}

// unite makes links of adjacencies.
func (b *bundle) unite(adjacencies []*Adjacency, levels []level) {
	order := make([]int, len(adjacencies))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return strings.Compare(adjacencies[i].key, adjacencies[j].key) })
	keys, slots := make([][]plug, len(order)), make([]level, len(order))
	for n, i := range order {
		slots[n] = levels[i]
		if len(order) > 1 {
			keys[n] = append(plugs(adjacencies[i].AB, 0), plugs(adjacencies[i].BA, 1)...)
		}
	}
	groups, _, _ := partition(keys, slots)
	if len(groups) > 1 && alone(keys, slots) {
		groups = [][]int{make([]int, len(order))}
		for n := range order {
			groups[0][n] = n
		}
	}
	for _, g := range groups {
		l := &Link{A: b.a, B: b.b}
		for _, n := range g {
			l.Adjacencies = append(l.Adjacencies, adjacencies[order[n]])
		}
		b.links = append(b.links, l)
	}
}

// alone reports whether adjacencies are one link because each is the only one of
// its level, and none has an end that another calls otherwise. So are the IPv4 and
// the IPv6 topology of a link, which may have no address in common.
func alone(keys [][]plug, slots []level) bool {
	levels, called := map[level]bool{}, map[plug]plug{}
	for n := range keys {
		if levels[slots[n]] {
			return false
		}
		levels[slots[n]] = true
		for _, k := range keys[n] {
			kind := k
			kind.number = 0
			if k.addr.Is4() {
				kind.addr = netip.IPv4Unspecified()
			} else if k.addr.Is6() {
				kind.addr = netip.IPv6Unspecified()
			}
			if other, found := called[kind]; found && other != k {
				return false
			}
			called[kind] = k
		}
	}
	return true
}

// plug is one end of a link: what the router at that end calls its interface.
type plug struct {
	end    int
	addr   netip.Addr
	domain domain // of the number
	number uint32
}

func plugs(h *Half, end int) (out []plug) {
	for _, a := range []netip.Addr{h.NLRI.IPv4Interface, h.NLRI.IPv6Interface} {
		if a.IsGlobalUnicast() {
			out = append(out, plug{end: end, addr: a})
		}
	}
	id, known := h.NLRI.Identifiers.Get()
	if !known {
		id, _ = said.Get(h.Words, said.Identifiers)
	}
	if id.Local != 0 {
		out = append(out, plug{end: end, domain: domainOf(h.NLRI.Origin, h.NLRI.Local), number: id.Local})
	}
	return out
}

// adjacent makes an adjacency of two halves.
func adjacent(ab, ba *object, on *lan) *Adjacency {
	l := ab.nlri.(ls.Link)
	a := &Adjacency{Origin: l.Origin, Topology: l.MultiTopology.Value.ID(), AB: ab.halfView(), BA: ba.halfView(), key: ab.key + ba.key}
	if on != nil {
		a.LAN = &on.node.descriptor
	}
	for _, o := range []*object{ab, ba} {
		if why := o.unusable(); why != "" && a.Unusable == "" {
			a.Unusable = why
		}
	}
	return a
}

// unusable says why no path may cross a half.
func (o *object) unusable() string {
	l := o.nlri.(ls.Link)
	if m, known := said.Get(o.words, said.IGPMetric); known && !m.Usable() {
		return "its metric from " + l.Local.String() + " is the greatest there is (RFC 5305 section 3)"
	}
	for _, i := range o.local.router.members {
		node := i.nlri()
		if i.origin != l.Origin || node == nil {
			continue
		}
		if f, known := said.Get(node.words, said.Flags); known {
			switch p := l.Protocol; {
			case f&ls.Overload != 0 && (p == ls.ISISLevel1 || p == ls.ISISLevel2):
				return "router " + l.Local.String() + " is overloaded"
			case f&ls.Router == 0 && p == ls.OSPFv3:
				return "router " + l.Local.String() + " is not for transit (R-bit clear)"
			}
		}
		if ts, _ := said.Get(node.words, said.Topologies); slices.ContainsFunc(ts, func(t ls.MultiTopologyID) bool {
			return t&overloaded != 0 && t.ID() == l.MultiTopology.Value.ID()
		}) {
			return "router " + l.Local.String() + " is overloaded in this topology"
		}
	}
	return ""
}

// overloaded is the O bit of a topology (RFC 5120 section 7.1).
const overloaded ls.MultiTopologyID = 1 << 15

func (o *object) halfView() *Half {
	if o.half == nil {
		o.half = &Half{o.nlri.(ls.Link), o.words}
	}
	return o.half
}

func (o *object) halfKnown(why string) *HalfKnown {
	h := &HalfKnown{Half: o.halfView(), Why: why, key: o.key}
	if r := o.local.router; r != nil {
		h.From, h.Unusable = r.key(), o.unusable()
	}
	if r := o.remote.router; r != nil {
		h.To = r.key()
	}
	return h
}

// ascending are objects in the order of their keys.
func ascending(set map[*object]bool) []*object {
	out := make([]*object, 0, len(set))
	for o := range set {
		out = append(out, o)
	}
	slices.SortFunc(out, func(a, b *object) int { return strings.Compare(a.key, b.key) })
	return out
}
