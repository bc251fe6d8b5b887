package lsdb_test

import (
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/controller/bgp/ls"
	"github.com/keiro-net/keiro/controller/bgp/lsdb"
	"github.com/keiro-net/keiro/controller/bgp/lsdb/lsdbtest"
	"github.com/keiro-net/keiro/controller/bgp/said"
)

// The twin keeps the last words of each peer and nothing else. What it is asked
// it works out from all of them, by trying every pair.

type twin struct {
	peers map[string]map[ls.NLRI]*last
}

// last is the last word of a peer: each delay that it gave a link has its time.
type last struct {
	gone, stale bool
	heard       time.Time
	attribute   ls.Attribute
	since       map[string]time.Time // by field
}

// values are what the twin knows of attributes.
func values(a ls.Attribute) map[string]any {
	out := map[string]any{}
	switch a := a.(type) {
	case *ls.NodeAttribute:
		if a.Flags.Known {
			out["flags"] = a.Flags.Value
		}
		if len(a.IPv4RouterIDs) > 0 {
			out["router IDs"] = a.IPv4RouterIDs[0] // one at most is drawn
		}
	case *ls.LinkAttribute:
		if a.Delay.Known {
			out["delay"] = a.Delay.Value.Delay
		}
	}
	return out
}

func (w *twin) said(n ls.NLRI) bool {
	return slices.ContainsFunc(slices.Collect(maps.Values(w.peers)), func(p map[ls.NLRI]*last) bool { return p[n] != nil && !p[n].gone })
}

func (w *twin) stands(n ls.NLRI) bool {
	var there, gone time.Time
	for _, p := range w.peers {
		l := p[n]
		switch {
		case l == nil:
		case l.gone && l.heard.After(gone):
			gone = l.heard
		case !l.gone && !l.stale:
			return true
		case !l.gone && l.heard.After(there):
			there = l.heard
		}
	}
	return w.said(n) && !gone.After(there)
}

// believed is what is believed of one field of an object, nil if it is unknown.
func (w *twin) believed(n ls.NLRI, field string) (value any, stale bool) {
	var best *last
	for _, name := range slices.Sorted(maps.Keys(w.peers)) {
		l := w.peers[name][n]
		if l == nil || l.gone || values(l.attribute)[field] == nil {
			continue
		}
		if best == nil || best.stale && !l.stale || best.stale == l.stale && l.since[field].After(best.since[field]) {
			best = l
		}
	}
	if best == nil {
		return nil, false
	}
	return values(best.attribute)[field], best.stale
}

// reach takes in a word.
func (w *twin) reach(peer string, n ls.NLRI, a ls.Attribute, now time.Time) {
	before, l := w.peers[peer][n], &last{heard: now, attribute: a, since: map[string]time.Time{}}
	for _, field := range []string{"flags", "router IDs", "delay"} {
		if l.since[field] = now; before != nil && !before.gone && reflect.DeepEqual(values(before.attribute)[field], values(a)[field]) {
			l.since[field] = before.since[field]
		}
	}
	w.put(peer, n, l)
}

func (w *twin) put(peer string, n ls.NLRI, l *last) {
	if w.peers[peer] == nil {
		w.peers[peer] = map[ls.NLRI]*last{}
	}
	w.peers[peer][n] = l
	w.forget(n)
}

// forget drops what nobody says is there, and who said that it is not.
func (w *twin) forget(n ls.NLRI) {
	if !w.said(n) {
		for _, p := range w.peers {
			delete(p, n)
		}
	}
}

func (w *twin) unreach(peer string, n ls.NLRI, now time.Time) {
	if w.peers[peer][n] != nil {
		w.put(peer, n, &last{heard: now, gone: true})
	}
}

func (w *twin) lost(peer string) {
	for n, l := range w.peers[peer] {
		stale := *l
		stale.stale = true
		w.peers[peer][n] = &stale
	}
}

func (w *twin) end(peer string, now time.Time) {
	for n, l := range w.peers[peer] {
		if l.stale {
			w.unreach(peer, n, now)
		}
	}
}

func (w *twin) remove(peer string) {
	was := w.peers[peer]
	delete(w.peers, peer)
	for n := range was {
		w.forget(n)
	}
}

func (w *twin) objects() (out []ls.NLRI) {
	seen := map[ls.NLRI]bool{}
	for _, p := range w.peers {
		for n := range p {
			if !seen[n] && w.stands(n) {
				seen[n] = true
				out = append(out, n)
			}
		}
	}
	return out
}

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

// together tells which adjacencies are one link.
func together(adjacencies [][2]ls.Link, group map[node]int) (lines []string) {
	local := func(l ls.Link) int { return group[node{l.Origin, l.Local}] }
	level := func(a [2]ls.Link) string {
		return fmt.Sprint(a[0].Origin, a[0].MultiTopology, a[0].Local.OSPFAreaID)
	}
	// called is what an end is called, by who calls it so.
	called := func(a [2]ls.Link) map[string]any {
		out := map[string]any{}
		for _, l := range a {
			if l.IPv4Interface.IsValid() {
				out[fmt.Sprint(local(l), " address")] = l.IPv4Interface
			}
			if id := l.Identifiers.Value.Local; id != 0 {
				out[fmt.Sprint(local(l), " number in ", node{o: l.Origin}.igp())] = id
			}
		}
		return out
	}
	between := map[[2]int][][2]ls.Link{}
	for _, a := range adjacencies {
		e := [2]int{min(local(a[0]), local(a[1])), max(local(a[0]), local(a[1]))}
		between[e] = append(between[e], a)
	}
	for _, list := range between {
		one := make([]int, len(list))
		for i := range one {
			one[i] = i
		}
		shares := func(i, j int) bool {
			for k, v := range called(list[i]) {
				if called(list[j])[k] != v {
					continue
				}
				holders := map[string]int{}
				for n := range list {
					if called(list[n])[k] == v {
						holders[level(list[n])]++
					}
				}
				if !slices.ContainsFunc(slices.Collect(maps.Values(holders)), func(n int) bool { return n > 1 }) {
					return true
				}
			}
			return false
		}
		for i := range list {
			for j := range list {
				if from, to := one[j], one[i]; shares(i, j) {
					for n := range one {
						if one[n] == from {
							one[n] = to
						}
					}
				}
			}
		}
		sole, against := true, false
		torn := map[int]bool{}
		for i := range list {
			for j := range i {
				same := level(list[i]) == level(list[j])
				sole = sole && !same
				torn[one[i]] = torn[one[i]] || same && one[i] == one[j]
				for k, v := range called(list[i]) {
					other := called(list[j])[k]
					against = against || other != nil && other != v
				}
			}
		}
		for i := range list {
			for j := range list {
				if i != j && (one[i] == one[j] && !torn[one[i]] || sole && !against) {
					lines = append(lines, pairOf(list[i], list[j]))
				}
			}
		}
	}
	return lines
}

func pairOf(a, b [2]ls.Link) string {
	names := []string{}
	for _, l := range []ls.Link{a[0], a[1], b[0], b[1]} {
		names = append(names, nlri(l))
	}
	slices.Sort(names[:2])
	slices.Sort(names[2:])
	x, y := fmt.Sprint(names[:2]), fmt.Sprint(names[2:])
	return "one link: " + min(x, y) + " and " + max(x, y)
}

// member reports whether a router and its LAN know each other.
func member(links []ls.Link, group map[node]int, l ls.Link) bool {
	knows, interfaces := false, 0
	for _, b := range links {
		if b.Origin != l.Origin {
			continue
		}
		if b.Local == l.Remote && !(node{b.Origin, b.Remote}).pseudo() && group[node{b.Origin, b.Remote}] == group[node{l.Origin, l.Local}] {
			knows = true
		}
		if b.Remote == l.Remote && !(node{b.Origin, b.Local}).pseudo() && group[node{b.Origin, b.Local}] == group[node{l.Origin, l.Local}] && b.MultiTopology == l.MultiTopology {
			interfaces++
		}
	}
	return knows && interfaces == 1
}

// mate finds the half back.
func mate(a ls.Link, along, back []ls.Link) (ls.Link, bool) {
	ids := func(l ls.Link) [2]any {
		return [2]any{blank(l.Identifiers.Value.Local), blank(l.Identifiers.Value.Remote)}
	}
	v4 := func(l ls.Link) [2]any { return [2]any{blank(l.IPv4Interface), blank(l.IPv4Neighbor)} }
	mated := map[ls.Link]ls.Link{}
	for _, of := range []func(ls.Link) [2]any{ids, v4} {
		fits := []func(x, y [2]any) bool{
			func(x, y [2]any) bool { return x[0] != nil && x[1] != nil && x[0] == y[1] && x[1] == y[0] },
			func(x, y [2]any) bool { return x[0] != nil && x[1] == nil && y[1] == x[0] },
			func(x, y [2]any) bool { return y[0] != nil && y[1] == nil && x[1] == y[0] },
		}
		for _, fit := range fits {
			pairs := map[ls.Link]ls.Link{}
			for _, x := range along {
				var of1, of2 []ls.Link
				for _, y := range back {
					if _, done := mated[y]; !done && fit(of(x), of(y)) {
						of1 = append(of1, y)
					}
				}
				if _, done := mated[x]; done || len(of1) != 1 {
					continue
				}
				for _, z := range along {
					if _, done := mated[z]; !done && fit(of(z), of(of1[0])) {
						of2 = append(of2, z)
					}
				}
				if len(of2) == 1 {
					pairs[x], pairs[of1[0]] = of1[0], x
				}
			}
			maps.Copy(mated, pairs)
		}
	}
	if b, ok := mated[a]; ok {
		return b, true
	}
	if len(along) == 1 && len(back) == 1 {
		b := back[0]
		against := func(x, y [2]any) bool {
			return x[1] != nil && y[0] != nil && x[1] != y[0] || x[0] != nil && y[1] != nil && x[0] != y[1]
		}
		return b, !against(ids(a), ids(b)) && !against(v4(a), v4(b))
	}
	return ls.Link{}, false
}

// blank is nil for what is not known.
func blank[T comparable](v T) any {
	var none T
	if v == none {
		return nil
	}
	return v
}

func (w *twin) unusable(a [2]ls.Link, objects []ls.NLRI, group map[node]int) bool {
	for _, l := range a {
		for _, o := range objects {
			n, ok := o.(ls.Node)
			if !ok || n.Origin != l.Origin || group[node{n.Origin, n.Local}] != group[node{l.Origin, l.Local}] {
				continue
			}
			if f, _ := w.believed(n, "flags"); n.Protocol != ls.OSPFv2 && f == ls.Overload {
				return true
			}
		}
	}
	return false
}

func text(n node) string    { return fmt.Sprintf("%v %v", n.o, n.d) }
func nlri(l ls.Link) string { return l.String() }

// render is a view in the words of the twin.
func render(v *lsdb.View) string {
	var lines []string
	name := map[string]string{}
	for _, r := range v.Routers {
		least := ""
		for _, n := range r.Origins {
			if s := text(node{n.Origin, n.Descriptor}); least == "" || s < least {
				least = s
			}
		}
		name[r.Key] = least
		for _, n := range r.Origins {
			lines = append(lines, fmt.Sprintf("router %s: %s", least, text(node{n.Origin, n.Descriptor})))
		}
	}
	delay := func(h *lsdb.Half) {
		d, stale := any(nil), false
		if v := said.Read(h.Words, said.Delay); v.Known {
			d, stale = v.Value.Delay, v.Stale
		}
		lines = append(lines, fmt.Sprintf("delay %s %v %v", nlri(h.NLRI), d, stale))
	}
	for _, l := range v.Links {
		ends := []string{name[l.A], name[l.B]}
		slices.Sort(ends)
		for _, a := range l.Adjacencies {
			x, y := nlri(a.AB.NLRI), nlri(a.BA.NLRI)
			lines = append(lines, fmt.Sprintf("adjacency of %v: %s and %s usable %v", ends, min(x, y), max(x, y), a.Unusable == ""))
			delay(a.AB)
			delay(a.BA)
			for _, b := range l.Adjacencies {
				if a != b {
					lines = append(lines, pairOf([2]ls.Link{a.AB.NLRI, a.BA.NLRI}, [2]ls.Link{b.AB.NLRI, b.BA.NLRI}))
				}
			}
		}
	}
	for _, h := range v.Half {
		lines = append(lines, "half "+nlri(h.NLRI))
		delay(h.Half)
	}
	slices.Sort(lines)
	return strings.Join(slices.Compact(lines), "\n")
}

func drawNode(t *rapid.T, origin string, pseudo bool) string {
	n := rapid.SampledFrom([]string{"1", "2", "3"}).Draw(t, "node")
	switch {
	case origin == "ospf2":
		return n + rapid.SampledFrom([]string{"%0", "%0", "%1"}).Draw(t, "area")
	case pseudo && rapid.IntRange(0, 2).Draw(t, "pseudonode") == 0:
		return rapid.SampledFrom([]string{"1.02", "2.02"}).Draw(t, "LAN")
	}
	return n + rapid.SampledFrom([]string{"", "", "", "", "@65001", "@65001", "@65002"}).Draw(t, "AS")
}

// drawObject draws a line that lsdbtest.Parse reads.
func drawObject(t *rapid.T) []string {
	origin := rapid.SampledFrom([]string{"l2", "l2", "l1", "ospf2"}).Draw(t, "origin")
	if rapid.IntRange(0, 3).Draw(t, "kind") == 0 {
		out := []string{"node", origin, drawNode(t, origin, false)}
		if te := rapid.SampledFrom([]string{"", "te=192.0.2.1", "te=192.0.2.2"}).Draw(t, "router ID"); te != "" {
			out = append(out, te)
		}
		if f := rapid.SampledFrom([]string{"", "", "flags=none", "flags=overload"}).Draw(t, "flags"); f != "" {
			out = append(out, f)
		}
		return out
	}
	out := []string{"link", origin, drawNode(t, origin, true), drawNode(t, origin, true)}
	for _, options := range [][]string{
		{"", "", "", "id=1-1", "id=1-2", "id=2-1", "id=1-0", "id=2-0"},
		{"", "", "if=10.0.0.1", "if=10.0.0.2", "if=10.0.0.3"},
		{"", "", "nb=10.0.0.1", "nb=10.0.0.2", "nb=10.0.0.3"},
		{"", "", "", "mt=2"},
		{"", "avg=1", "avg=2"},
	} {
		if o := rapid.SampledFrom(options).Draw(t, "option"); o != "" {
			out = append(out, o)
		}
	}
	return out
}

// drawEvent draws something that happens to a peer, and gives what does it to a
// database and to a twin.
func drawEvent(t *rapid.T, peer string, pool *[]ls.NLRI, now time.Time) (func(*lsdb.DB), func(*twin)) {
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	switch what := rapid.IntRange(0, 24).Draw(t, "what"); {
	case what == 0:
		return func(db *lsdb.DB) { db.Lost(peer, now) }, func(w *twin) { w.lost(peer) }
	case what == 1:
		return func(db *lsdb.DB) { db.EndOfRIB(peer, ls.Family{}, now) }, func(w *twin) { w.end(peer, now) }
	case what == 2:
		return func(db *lsdb.DB) { db.Remove(peer) }, func(w *twin) { w.remove(peer) }
	case what <= 6 && len(*pool) > 0:
		n := rapid.SampledFrom(*pool).Draw(t, "withdrawn")
		return func(db *lsdb.DB) { must(db.Unreach(peer, n, now)) }, func(w *twin) { w.unreach(peer, n, now) }
	}
	n, a, err := lsdbtest.Parse(drawObject(t))
	must(err)
	*pool = append(*pool, n)
	if l, ok := n.(ls.Link); ok && rapid.Bool().Draw(t, "and back") { // else pairs are rare
		l.Local, l.Remote = l.Remote, l.Local
		l.IPv4Interface, l.IPv4Neighbor = l.IPv4Neighbor, l.IPv4Interface
		l.Identifiers.Value.Local, l.Identifiers.Value.Remote = l.Identifiers.Value.Remote, l.Identifiers.Value.Local
		*pool = append(*pool, l)
		return func(db *lsdb.DB) { must(db.Reach(peer, n, a, now)); must(db.Reach(peer, l, a, now)) },
			func(w *twin) { w.reach(peer, n, a, now); w.reach(peer, l, a, now) }
	}
	if rapid.IntRange(0, 9).Draw(t, "discarded") == 0 {
		a = nil
	}
	return func(db *lsdb.DB) { must(db.Reach(peer, n, a, now)) }, func(w *twin) { w.reach(peer, n, a, now) }
}

// TestTwin: after anything in any order the database says what the twin does, and
// so does one that is told it all in another order of the peers.
func TestTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		db, other, w := lsdb.New(), lsdb.New(), &twin{peers: map[string]map[ls.NLRI]*last{}}
		var pool []ls.NLRI
		now := lsdbtest.Start
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(1, 2).Draw(t, "time")))
			var events []func(*lsdb.DB)
			for _, peer := range rapid.SampledFrom([][]string{{"p"}, {"q"}, {"p", "q"}, {"q", "r"}}).Draw(t, "peers") {
				first, second := drawEvent(t, peer, &pool, now)
				first(db)
				second(w)
				events = append(events, first)
			}
			for _, e := range slices.Backward(events) {
				e(other)
			}
			if rapid.IntRange(0, 2).Draw(t, "look") == 0 {
				continue // so that changes come together
			}
			v := db.View()
			if got, want := render(v), w.view(); got != want {
				t.Fatalf("the database has\n%s\n\nthe twin\n%s\n\n%s", got, want, lsdbtest.Dump(v))
			}
			if rapid.Bool().Draw(t, "look at the other") {
				continue
			}
			if got, want := full(other.View()), full(v); got != want {
				t.Fatalf("in another order of peers\n%s\n\nand in this\n%s", got, want)
			}
		}
	})
}

// full is a view with every attribute.
func full(v *lsdb.View) string {
	var b strings.Builder
	b.WriteString(lsdbtest.Dump(v))
	for _, r := range v.Routers {
		for _, n := range r.Origins {
			b.WriteString(lsdbtest.Attributes(n.Words))
		}
	}
	for _, l := range v.Links {
		for _, a := range l.Adjacencies {
			b.WriteString(lsdbtest.Attributes(a.AB.Words) + lsdbtest.Attributes(a.BA.Words))
		}
	}
	for _, h := range v.Half {
		b.WriteString(lsdbtest.Attributes(h.Words))
	}
	return b.String()
}
