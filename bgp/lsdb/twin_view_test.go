package lsdb_test

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/keiro-net/keiro/bgp/ls"
)

// node is a node under one descriptor.
type node struct {
	o ls.Origin
	d ls.NodeDescriptor
}

func (n node) pseudo() bool { return n.d.IGPRouterID.Pseudonode() }

// igp is the instance of the IGP; both levels of IS-IS are one.
func (n node) igp() ls.Origin {
	o := n.o
	if o.Protocol == ls.ISISLevel2 {
		o.Protocol = ls.ISISLevel1
	}
	return o
}

// named reports whether two are one router by what their IGP calls them.
func named(all []node, a, b node) bool {
	if a == b {
		return true
	}
	if a.igp() != b.igp() || a.d.IGPRouterID != b.d.IGPRouterID {
		return false
	}
	as := map[uint32]bool{}
	for _, n := range all {
		if v, ok := n.d.AutonomousSystem.Get(); ok && n.igp() == a.igp() && n.d.IGPRouterID == a.d.IGPRouterID {
			as[v] = true
		}
	}
	return len(as) < 2 || a.d.AutonomousSystem.Known && a.d.AutonomousSystem == b.d.AutonomousSystem
}

// routers groups nodes: the number of the group of each.
func (w *twin) routers(objects []ls.NLRI) map[node]int {
	addrs := map[node][]netip.Addr{}
	var all []node
	add := func(n node) {
		if !slices.Contains(all, n) && !n.pseudo() {
			all = append(all, n)
		}
	}
	for _, o := range objects {
		switch o := o.(type) {
		case ls.Node:
			add(node{o.Origin, o.Local})
			if a, _ := w.believed(o, "router IDs"); a != nil {
				addrs[node{o.Origin, o.Local}] = []netip.Addr{a.(netip.Addr)}
			}
		case ls.Link:
			add(node{o.Origin, o.Local})
			add(node{o.Origin, o.Remote})
		}
	}
	group := map[node]int{}
	for i, n := range all {
		group[n] = i
	}
	join := func(of map[node]int, a, b node) {
		from, to := of[a], of[b]
		for n := range of {
			if of[n] == from {
				of[n] = to
			}
		}
	}
	for _, a := range all {
		for _, b := range all {
			if named(all, a, b) {
				join(group, a, b)
			}
		}
	}
	differ := func(a, b node) bool { return a.igp() == b.igp() && group[a] != group[b] }
	claim := map[netip.Addr][]node{}
	for _, n := range all {
		for _, m := range all {
			for _, a := range addrs[m] {
				if group[n] == group[m] && !slices.Contains(claim[a], n) {
					claim[a] = append(claim[a], n)
				}
			}
		}
	}
	clash := func(list []node) bool {
		return slices.ContainsFunc(list, func(a node) bool { return slices.ContainsFunc(list, func(b node) bool { return differ(a, b) }) })
	}
	united := maps.Clone(group)
	for _, list := range claim {
		if !clash(list) {
			for _, n := range list {
				join(united, n, list[0])
			}
		}
	}
	out := maps.Clone(united)
	for _, n := range all {
		var with []node
		for _, m := range all {
			if united[m] == united[n] {
				with = append(with, m)
			}
		}
		if clash(with) { // torn: each is what its IGP calls it
			out[n] = len(all) + group[n]
		}
	}
	return out
}

// distinct leaves out halves that are another by other names of its routers.
func (w *twin) distinct(links []ls.Link, group map[node]int) (out []ls.Link) {
	key := func(l ls.Link) string { b, _ := ls.AppendNLRI(nil, l); return string(b) }
	live := func(l ls.Link) bool {
		for _, p := range w.peers {
			if x := p[l]; x != nil && !x.gone && !x.stale {
				return true
			}
		}
		return false
	}
	ends := func(l ls.Link) [2]node { return [2]node{{l.Origin, l.Local}, {l.Origin, l.Remote}} }
	for _, l := range links {
		a := ends(l)
		if !slices.ContainsFunc(links, func(x ls.Link) bool {
			b := ends(x)
			return x != l && !a[0].pseudo() && !a[1].pseudo() && !b[0].pseudo() && !b[1].pseudo() &&
				x.Origin == l.Origin && x.LinkDescriptor == l.LinkDescriptor && x.Local.OSPFAreaID == l.Local.OSPFAreaID &&
				group[a[0]] == group[b[0]] && group[a[1]] == group[b[1]] &&
				(live(x) && !live(l) || live(x) == live(l) && key(x) < key(l))
		}) {
			out = append(out, l)
		}
	}
	return out
}

// view says what the twin makes of it all, as text.
func (w *twin) view() string {
	objects := w.objects()
	group := w.routers(objects)
	var lines []string
	least := map[int]string{} // of each group: what it is called here
	for n, g := range group {
		if s := text(n); least[g] == "" || s < least[g] {
			least[g] = s
		}
	}
	for n, g := range group {
		lines = append(lines, fmt.Sprintf("router %s: %s", least[g], text(n)))
	}
	var links []ls.Link
	for _, o := range objects {
		if l, ok := o.(ls.Link); ok {
			links = append(links, l)
		}
	}
	links = w.distinct(links, group)
	at := func(o ls.Origin, d ls.NodeDescriptor) int { return group[node{o, d}] }
	taken := map[ls.Link]bool{}
	var adjacencies [][2]ls.Link
	for _, a := range links {
		local, remote := node{a.Origin, a.Local}, node{a.Origin, a.Remote}
		if local.pseudo() || remote.pseudo() || group[local] == group[remote] {
			continue
		}
		var along, back []ls.Link
		for _, b := range links {
			if b.Origin != a.Origin || b.MultiTopology != a.MultiTopology || b.Local.OSPFAreaID != a.Local.OSPFAreaID || (node{b.Origin, b.Local}).pseudo() || (node{b.Origin, b.Remote}).pseudo() {
				continue
			}
			switch [2]int{at(b.Origin, b.Local), at(b.Origin, b.Remote)} {
			case [2]int{group[local], group[remote]}:
				along = append(along, b)
			case [2]int{group[remote], group[local]}:
				back = append(back, b)
			}
		}
		if b, ok := mate(a, along, back); ok {
			taken[a] = true
			if nlri(a) < nlri(b) {
				adjacencies = append(adjacencies, [2]ls.Link{a, b})
			}
		}
	}
	for _, p := range links { // LANs
		for _, q := range links {
			one, two := at(p.Origin, p.Local), at(q.Origin, q.Local)
			if p.Origin == q.Origin && p.Remote == q.Remote && (node{p.Origin, p.Remote}).pseudo() && p.MultiTopology == q.MultiTopology &&
				!(node{p.Origin, p.Local}).pseudo() && !(node{q.Origin, q.Local}).pseudo() && member(links, group, p) && member(links, group, q) {
				taken[p] = true
				if one != two && nlri(p) < nlri(q) {
					adjacencies = append(adjacencies, [2]ls.Link{p, q})
				}
			}
		}
		if l := (node{p.Origin, p.Local}); l.pseudo() && !(node{p.Origin, p.Remote}).pseudo() && slices.ContainsFunc(links, func(q ls.Link) bool {
			return q.Origin == p.Origin && q.Remote == p.Local && at(q.Origin, q.Local) == at(p.Origin, p.Remote) && !(node{q.Origin, q.Local}).pseudo() && member(links, group, q)
		}) {
			taken[p] = true
		}
	}
	shown := map[ls.Link]bool{}
	for _, a := range adjacencies {
		shown[a[0]], shown[a[1]] = true, true
		ends := []string{least[at(a[0].Origin, a[0].Local)], least[at(a[1].Origin, a[1].Local)]}
		slices.Sort(ends)
		why := w.unusable(a, objects, group)
		lines = append(lines, fmt.Sprintf("adjacency of %v: %s and %s usable %v", ends, nlri(a[0]), nlri(a[1]), !why))
	}
	for _, l := range links {
		if !taken[l] {
			lines = append(lines, "half "+nlri(l))
		}
		if d, stale := w.believed(l, "delay"); shown[l] || !taken[l] {
			lines = append(lines, fmt.Sprintf("delay %s %v %v", nlri(l), d, stale))
		}
	}
	lines = append(lines, together(adjacencies, group)...)
	slices.Sort(lines)
	return strings.Join(slices.Compact(lines), "\n")
}
