package live

import (
	"net/netip"
	"slices"

	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/lsdb"
	"github.com/keiro-net/keiro/bgp/said"
)

// mixed tells of an entry with an agent at exactly one end, which end that is.
// Of such a link BGP-LS tells no more than the router's half, as the agent is in
// no IGP; its own end is for the agent to judge.
func (j *joiner) mixed(e int) (router, agent int, yes bool) {
	entry := &j.t.Entries[e]
	a, b := j.t.Nodes[entry.A].NoAgent, j.t.Nodes[entry.B].NoAgent
	if a {
		return entry.A, entry.B, !b
	}
	return entry.B, entry.A, b
}

// beside is all that is declared and learned between a router and the agents
// beside it.
type beside struct {
	*joiner
	router  int
	entries []int
	halves  []*lsdb.HalfKnown
	taken   map[*lsdb.HalfKnown]bool
}

// matchHalves finds what routers say of links to agents, of those entries that
// no learned link of two halves is.
func (j *joiner) matchHalves() {
	at := map[int]*beside{}
	var order []*beside
	for e := range j.t.Entries {
		router, _, mixed := j.mixed(e)
		if l := &j.r.Links[e]; !mixed || l.Learned != nil || len(l.Conditions) > 0 || j.r.Nodes[router].Router == nil {
			continue
		}
		if at[router] == nil {
			at[router] = &beside{joiner: j, router: router, taken: map[*lsdb.HalfKnown]bool{}}
			order = append(order, at[router])
		}
		at[router].entries = append(at[router].entries, e)
	}
	if len(order) == 0 {
		return
	}
	of := map[string]*beside{} // by the keys of its router
	for _, b := range order {
		for _, r := range j.r.Nodes[b.router].routers() {
			of[r.Key] = b
		}
	}
	for _, h := range j.v.Half {
		if b := of[h.From]; b != nil && h.To != "" {
			b.halves = append(b.halves, h)
		}
	}
	for _, b := range order {
		b.match()
	}
}

func (b *beside) match() {
	rest := b.entries
	rest = b.each(rest, func(e int, h *lsdb.HalfKnown) bool { return b.addressed(e, h) == yes })
	rest = b.each(rest, func(e int, h *lsdb.HalfKnown) bool {
		name, named := said.Get(h.Words, said.LinkName)
		return named && name == b.t.Entries[e].Name && b.addressed(e, h) != no && b.toward(e, h) != no
	})
	for _, e := range rest {
		var fit []*lsdb.HalfKnown
		for _, h := range b.halves {
			if !b.taken[h] && b.toward(e, h) == yes && b.addressed(e, h) == maybe {
				fit = append(fit, h)
			}
		}
		b.last(e, rest, fit)
	}
	for _, e := range b.entries {
		if l := &b.r.Links[e]; len(l.Halves) > 0 {
			b.judge(e, l)
		}
	}
}

// each gives entries all the halves that fit no other one; a link may have
// several, one of an IGP and one of BGP.
func (b *beside) each(entries []int, fits func(e int, h *lsdb.HalfKnown) bool) (rest []int) {
	for _, h := range b.halves {
		found := -1
		for _, e := range entries {
			if b.taken[h] || !fits(e, h) {
				continue
			}
			if found >= 0 {
				found = -1
				break
			}
			found = e
		}
		if found >= 0 {
			b.take(found, h)
		}
	}
	for _, e := range entries {
		if len(b.r.Links[e].Halves) == 0 {
			rest = append(rest, e)
		}
	}
	return rest
}

func (b *beside) take(e int, h *lsdb.HalfKnown) {
	b.taken[h] = true
	b.r.Links[e].Halves = append(b.r.Links[e].Halves, h)
	b.r.Links[e].Reversed = b.router == b.t.Entries[e].B
}

// last judges an entry by the halves that lead to its agent, when neither
// addresses nor names tell which of them it is.
func (b *beside) last(e int, rest []int, fit []*lsdb.HalfKnown) {
	_, agent, _ := b.mixed(e)
	router, name := b.t.Nodes[b.router].Name, b.t.Nodes[agent].Name
	rivals := 0
	for _, other := range rest {
		if _, a, _ := b.mixed(other); a == agent {
			rivals++
		}
	}
	apart := slices.ContainsFunc(fit, func(h *lsdb.HalfKnown) bool { return !sameInterface(fit[0], h) })
	switch {
	case len(fit) > 0 && rivals == 1 && !apart:
		for _, h := range fit {
			b.take(e, h)
		}
	case len(fit) > 0:
		b.out(e, LinkAmbiguous, "%d links are declared between %s and %s, router %s tells of %d halves, and neither addresses nor names tell which of them it is", rivals, router, name, router, len(fit))
	case Settled(b.v):
		b.out(e, LinkMissing, "router %s tells of no link to %s that could be it, and without a SID for it no path can cross it: by IGP or BGP (RFC 9086) it must have an adjacency with %s", router, name, name)
	}
}

// judge tells what is known of a link by its halves.
func (b *beside) judge(e int, l *Link) {
	why := ""
	for _, h := range l.Halves {
		if h.Unusable == "" {
			why = ""
			break
		}
		why = h.Unusable
	}
	if why != "" {
		b.out(e, LinkUnusable, "%s", why)
	}
	if !slices.ContainsFunc(l.Halves, func(h *lsdb.HalfKnown) bool { return !staleWords(h.Words) }) {
		l.tell(Stale, "no live peer says anything of it")
	}
}

// withoutSIDs takes links out that are known, but not by which SID a router without
// an agent sends over them. Paths lead both ways, so each end must have one.
func (j *joiner) withoutSIDs() {
	for e := range j.t.Entries {
		entry, l := &j.t.Entries[e], &j.r.Links[e]
		if _, out := j.r.Out[entry.Name]; out || l.Learned == nil && len(l.Halves) == 0 {
			continue
		}
		for _, n := range []int{entry.A, entry.B} {
			if node := &j.t.Nodes[n]; node.NoAgent {
				if _, ok := j.r.SIDs.Over(entry.Name, node.Name); !ok {
					j.out(e, LinkWithoutSID, "router %s tells of no SID for it, such as an End.X of algorithm 0 that stands for no set of links: no path can cross it", node.Name)
					delete(j.r.SIDs.over, over{entry.Name, j.t.Nodes[entry.A].Name})
					delete(j.r.SIDs.over, over{entry.Name, j.t.Nodes[entry.B].Name})
					break
				}
			}
		}
	}
}

// sameInterface reports whether two halves are of one interface of their router,
// as far as they say.
func sameInterface(a, b *lsdb.HalfKnown) bool {
	x, y := ownAddresses(a.Half), ownAddresses(b.Half)
	for _, addr := range x {
		if slices.ContainsFunc(y, func(other netip.Addr) bool { return other != addr && other.Is4() == addr.Is4() }) {
			return false
		}
	}
	p, q := a.NLRI.Identifiers.Value.Local, b.NLRI.Identifiers.Value.Local
	return p == q || p == 0 || q == 0 || a.NLRI.Origin != b.NLRI.Origin
}

func ownAddresses(h *lsdb.Half) (out []netip.Addr) {
	for _, a := range []netip.Addr{h.NLRI.IPv4Interface, h.NLRI.IPv6Interface} {
		if a.IsValid() {
			out = append(out, a)
		}
	}
	return out
}

// toward reports whether a half leads to the agent of an entry: by what is known
// of its other node, or its router IDs (TLV 1030, 1031).
func (b *beside) toward(e int, h *lsdb.HalfKnown) answer {
	_, agent, _ := b.mixed(e)
	if n, declared := b.node[h.To]; declared {
		if n == agent {
			return yes
		}
		return no
	}
	id := b.t.Nodes[agent].RouterID
	v4, _ := said.Get(h.Words, said.RemoteIPv4RouterIDs)
	v6, _ := said.Get(h.Words, said.RemoteIPv6RouterIDs)
	if id != "" && slices.ContainsFunc(slices.Concat(v4, v6), func(a netip.Addr) bool { return a.String() == id }) {
		return yes
	}
	return maybe
}

// addressed reports whether a half has the declared addresses, of either end.
func (b *beside) addressed(e int, h *lsdb.HalfKnown) answer {
	entry, out := &b.t.Entries[e], maybe
	own, other := entry.AAddress, entry.BAddress
	if b.router == entry.B {
		own, other = other, own
	}
	for _, given := range []struct {
		declared netip.Addr
		said     [2]netip.Addr
	}{{own, [2]netip.Addr{h.NLRI.IPv4Interface, h.NLRI.IPv6Interface}}, {other, [2]netip.Addr{h.NLRI.IPv4Neighbor, h.NLRI.IPv6Neighbor}}} {
		for _, a := range given.said {
			switch {
			case !given.declared.IsValid() || !a.IsValid() || a.IsLinkLocalUnicast() || a.Is4() != given.declared.Is4():
			case a == given.declared:
				out = yes
			default:
				return no
			}
		}
	}
	return out
}

// halves takes in the SIDs of a link that only its router tells of: the End.X of
// its halves, or else the SID for the agent as its BGP peer (TLV 1251), if one
// link only leads there.
func (s *SIDs) halves(l *Link, router *Node, agent string, only bool) {
	at := over{l.Name, router.Name}
	var list []SID
	for _, h := range l.Halves {
		if h.Unusable == "" {
			list = append(list, endX(h.Half, nil, false)...)
			s.address(at, ownAddresses(h.Half))
		}
	}
	if len(list) == 0 && only && agent != "" {
		list = peerNode(router, agent)
	}
	if len(list) > 0 {
		s.over[at] = slices.MinFunc(list, preferred)
	}
}

// peerNode are the SIDs of a router that lead to one BGP peer of it.
func peerNode(router *Node, id string) (out []SID) {
	for _, r := range router.routers() {
		for _, origin := range r.Origins {
			if origin.Origin.Protocol != ls.BGP {
				continue
			}
			for _, sid := range origin.SIDs {
				b, peers := said.Read(sid.Words, said.Behavior), said.Read(sid.Words, said.PeerNodes)
				if !b.Known || b.Value.Algorithm != 0 || !ls.IsEndX(b.Value.Behavior) || len(peers.Value) != 1 ||
					peers.Value[0].Flags&ls.Set != 0 || dotted(peers.Value[0].BGPIdentifier) != id {
					continue
				}
				structure, known := said.Get(sid.Words, said.Structure)
				out = append(out, SID{Addr: sid.NLRI.SID, Behavior: b.Value.Behavior, Structure: ls.Opt[ls.SIDStructure]{Value: structure, Known: known},
					Protected: peers.Value[0].Flags&ls.Backup != 0, By: b.By, Since: b.Since, Stale: b.Stale})
			}
		}
	}
	return out
}

func dotted(id uint32) string {
	return netip.AddrFrom4([4]byte{byte(id >> 24), byte(id >> 16), byte(id >> 8), byte(id)}).String()
}
