package live

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/keiro-net/keiro/bgp/lsdb"
	"github.com/keiro-net/keiro/bgp/said"
)

// pair are two routers by their keys, the lesser first.
type pair struct{ a, b string }

func pairOf(a, b string) pair { return pair{min(a, b), max(a, b)} }

// matchLinks finds the learned links of entries.
func (j *joiner) matchLinks() {
	j.r.Links = make([]Link, len(j.t.Entries))
	entries := map[pair][]int{} // whose nodes are known
	var order []pair
	for e := range j.t.Entries {
		entry := &j.t.Entries[e]
		j.r.Links[e].Name = entry.Name
		a, b := j.r.Nodes[entry.A].Router, j.r.Nodes[entry.B].Router
		if a == nil || b == nil {
			if router, _, mixed := j.mixed(e); mixed {
				j.nodeMissing(e, router)
			} else {
				j.nodeMissing(e, entry.A, entry.B)
			}
			continue
		}
		p := pairOf(a.Key, b.Key)
		if entries[p] == nil {
			order = append(order, p)
		}
		entries[p] = append(entries[p], e)
	}
	links, half := map[pair][]*lsdb.Link{}, map[pair][]*lsdb.HalfKnown{}
	for _, l := range j.v.Links {
		if p := (pair{l.A, l.B}); entries[p] != nil {
			links[p] = append(links[p], l)
		}
	}
	for _, h := range j.v.Half {
		if p := pairOf(h.From, h.To); entries[p] != nil {
			half[p] = append(half[p], h)
		}
	}
	elsewhere := j.addresses()
	for _, p := range order {
		b := &between{joiner: j, entries: entries[p], links: links[p], half: half[p], taken: map[*lsdb.Link]bool{}}
		b.match(elsewhere)
	}
	for e := range j.r.Links {
		if l := j.r.Links[e].Learned; l != nil {
			if why := l.Unusable(); why != "" {
				j.out(e, LinkUnusable, "%s", why)
			}
			if staleLink(l) {
				j.r.Links[e].tell(Stale, "no live peer says anything of it")
			}
		}
	}
}

// nodeMissing judges a link of a node that no router is known to be. What is
// learned of the link cannot be told, if the node is one that is learned at all:
// it might be that the link is gone. An agent would notice.
func (j *joiner) nodeMissing(e int, nodes ...int) {
	for _, n := range nodes {
		for _, c := range j.r.Nodes[n].Conditions {
			if c.Type == NodeMissing || c.Type == NodeAmbiguous {
				j.out(e, c.Type, "of its node %s: %s", j.t.Nodes[n].Name, c.Message)
				return
			}
		}
	}
}

// end is one end of a learned link.
type end struct {
	link   *lsdb.Link
	router string
}

// addresses finds the ends of learned links that have a declared address.
func (j *joiner) addresses() map[netip.Addr][]end {
	out := map[netip.Addr][]end{}
	for e := range j.t.Entries {
		for _, a := range []netip.Addr{j.t.Entries[e].AAddress, j.t.Entries[e].BAddress} {
			if a.IsValid() {
				out[a] = nil
			}
		}
	}
	if len(out) == 0 {
		return out
	}
	for _, l := range j.v.Links {
		for _, router := range []string{l.A, l.B} {
			for _, a := range interfaces(l, router) {
				if list, declared := out[a]; declared {
					out[a] = append(list, end{l, router})
				}
			}
		}
	}
	return out
}

// interfaces are the addresses that a router has on a link.
func interfaces(l *lsdb.Link, router string) (out []netip.Addr) {
	for _, adj := range l.Adjacencies {
		h := adj.AB
		if router == l.B {
			h = adj.BA
		}
		for _, a := range []netip.Addr{h.NLRI.IPv4Interface, h.NLRI.IPv6Interface} {
			if a.IsValid() && !slices.Contains(out, a) {
				out = append(out, a)
			}
		}
	}
	return out
}

// between is all that is declared and learned between two nodes.
type between struct {
	*joiner
	entries []int
	links   []*lsdb.Link
	half    []*lsdb.HalfKnown
	taken   map[*lsdb.Link]bool
}

func (b *between) match(elsewhere map[netip.Addr][]end) {
	// By address first for all, then by name: what is surer takes its link away
	// from what is less sure.
	rest := b.each(b.entries, func(e int) []*lsdb.Link {
		return b.those(func(l *lsdb.Link) bool { return b.addressed(e, l) == yes })
	})
	rest = b.each(rest, func(e int) []*lsdb.Link {
		return slices.DeleteFunc(b.candidates(e), func(l *lsdb.Link) bool { return !slices.Contains(linkNames(l), b.t.Entries[e].Name) })
	})
	rest = slices.DeleteFunc(rest, func(e int) bool { return b.elsewhere(e, elsewhere) })
	rest = b.each(rest, b.candidates)
	for _, e := range rest {
		b.unmatched(e, rest)
	}
}

// candidates are the links that an entry may be: those with its addresses, if
// there are any, else those that may have them.
func (b *between) candidates(e int) []*lsdb.Link {
	want := maybe
	if slices.ContainsFunc(b.links, func(l *lsdb.Link) bool { return b.addressed(e, l) == yes }) {
		want = yes
	}
	return b.those(func(l *lsdb.Link) bool { return b.addressed(e, l) == want })
}

// unmatched judges an entry that may be any of some links, or none.
func (b *between) unmatched(e int, rest []int) {
	links := b.candidates(e)
	usable, rivals := 0, 0
	for _, l := range links {
		if l.Unusable() == "" {
			usable++
		}
	}
	for _, other := range rest {
		if slices.ContainsFunc(b.candidates(other), func(l *lsdb.Link) bool { return slices.Contains(links, l) }) {
			rivals++
		}
	}
	_, _, mixed := b.mixed(e)
	switch {
	case len(links) == 0 && mixed: // half of it will do
	case len(links) == 0 && len(b.half) > 0:
		b.out(e, LinkHalfKnown, "known in one direction only: %v: %s", b.half[0].NLRI, b.half[0].Why)
	case len(links) == 0:
		if who := b.wouldKnow(e); who != "" {
			b.out(e, LinkMissing, "%s, and no link between them that could be it", who)
		}
	case usable < rivals || usable < len(links):
		b.out(e, LinkAmbiguous, "%d links are declared and %d learned, of which paths may use %d, and neither addresses nor names tell which of them it is", rivals, len(links), usable)
	default:
		b.r.Links[e].tell(LinkAmbiguous, "%d links are learned between its nodes, and neither addresses nor names tell which it is: the declared state stands", len(links))
	}
}

// those are the links that are not taken and fit.
func (b *between) those(fits func(*lsdb.Link) bool) (out []*lsdb.Link) {
	for _, l := range b.links {
		if !b.taken[l] && fits(l) {
			out = append(out, l)
		}
	}
	return out
}

// each matches the entries that one link fits which fits no other entry, and
// returns the rest.
func (b *between) each(entries []int, fit func(e int) []*lsdb.Link) (rest []int) {
	count, found := map[*lsdb.Link]int{}, make([][]*lsdb.Link, len(entries))
	for i, e := range entries {
		found[i] = fit(e)
		for _, l := range found[i] {
			count[l]++
		}
	}
	for i, e := range entries {
		if len(found[i]) == 1 && count[found[i][0]] == 1 {
			b.take(e, found[i][0])
		} else {
			rest = append(rest, e)
		}
	}
	return rest
}

func (b *between) take(e int, l *lsdb.Link) {
	b.taken[l] = true
	b.r.Links[e].Learned = l
	b.r.Links[e].Reversed = b.r.Nodes[b.t.Entries[e].A].Router.Key == l.B
}

type answer int

const (
	maybe answer = iota
	yes
	no
)

// addressed reports whether a link has the declared addresses. It may have them
// where it has none of their family.
func (b *between) addressed(e int, l *lsdb.Link) answer {
	entry, out := &b.t.Entries[e], maybe
	for _, given := range []struct {
		a    netip.Addr
		node int
	}{{entry.AAddress, entry.A}, {entry.BAddress, entry.B}} {
		if !given.a.IsValid() {
			continue
		}
		known := interfaces(l, b.r.Nodes[given.node].Router.Key)
		switch {
		case slices.Contains(known, given.a):
			out = yes
		case slices.ContainsFunc(known, func(a netip.Addr) bool { return a.Is4() == given.a.Is4() }):
			return no
		}
	}
	return out
}

// elsewhere tells of an entry whose addresses are on a link between others.
func (b *between) elsewhere(e int, at map[netip.Addr][]end) bool {
	entry := &b.t.Entries[e]
	declared := pairOf(b.r.Nodes[entry.A].Router.Key, b.r.Nodes[entry.B].Router.Key)
	for _, a := range []netip.Addr{entry.AAddress, entry.BAddress} {
		if !a.IsValid() {
			continue
		}
		for _, x := range at[a] {
			if (pair{x.link.A, x.link.B}) != declared {
				b.out(e, LinkElsewhere, "declared between %s and %s, but the link with address %v is between %s and %s",
					b.place(declared.a), b.place(declared.b), a, b.place(x.link.A), b.place(x.link.B))
				return true
			}
		}
	}
	return false
}

// wouldKnow says who would know a link between the nodes of an entry: for each
// of them a peer that has said all and knows it, in one IGP. Each node tells its
// half, and who knows a node knows what it tells. "" is nobody.
func (b *between) wouldKnow(e int) string {
	x, y := b.r.Nodes[b.t.Entries[e].A].Router, b.r.Nodes[b.t.Entries[e].B].Router
	for _, m := range x.Origins {
		for _, n := range y.Origins {
			if m.Origin != n.Origin || m.Descriptor.AutonomousSystem != n.Descriptor.AutonomousSystem {
				continue
			}
			p, q := b.knows(m), b.knows(n)
			for _, both := range p {
				if slices.Contains(q, both) {
					return fmt.Sprintf("peer %s knows %s and %s", both, b.t.Nodes[b.t.Entries[e].A].Name, b.t.Nodes[b.t.Entries[e].B].Name)
				}
			}
			if len(p) > 0 && len(q) > 0 {
				return fmt.Sprintf("peer %s knows %s, and peer %s knows %s", p[0], b.t.Nodes[b.t.Entries[e].A].Name, q[0], b.t.Nodes[b.t.Entries[e].B].Name)
			}
		}
	}
	return ""
}

// knows lists the peers that have said all, and say a node.
func (b *between) knows(n *lsdb.Node) (out []string) {
	for _, p := range b.v.Peers {
		if w := n.Words.Of(p.Name); p.Complete && w != nil && !w.Withdrawn {
			out = append(out, p.Name)
		}
	}
	return out
}

// linkNames are the names that either end gives a link.
func linkNames(l *lsdb.Link) (out []string) {
	for _, adj := range l.Adjacencies {
		for _, h := range []*lsdb.Half{adj.AB, adj.BA} {
			if name, known := said.Get(h.Words, said.LinkName); known {
				out = append(out, name)
			}
		}
	}
	return out
}

func staleLink(l *lsdb.Link) bool {
	for _, adj := range l.Adjacencies {
		for _, h := range []*lsdb.Half{adj.AB, adj.BA} {
			if !staleWords(h.Words) {
				return false
			}
		}
	}
	return true
}

func staleWords(ws said.Words) bool {
	for i := range ws {
		if !ws[i].IsStale() && !ws[i].Withdrawn {
			return false
		}
	}
	return true
}
