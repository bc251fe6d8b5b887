package lsdb_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/lsdb"
	"github.com/keiro-net/keiro/bgp/lsdb/lsdbtest"
	"github.com/keiro-net/keiro/bgp/said"
)

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
