package lsdb_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/lsdb"
	"github.com/keiro-net/keiro/bgp/lsdb/lsdbtest"
)

var sizes = []struct{ nodes, links int }{{1000, 7000}, {10000, 70000}}

func load(b *testing.B, db *lsdb.DB, peer string, feed []lsdbtest.Object, at time.Time) {
	for _, o := range feed {
		if err := db.Reach(peer, o.NLRI, o.Attribute, at); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLoad is a cold session of one peer, and of two, until there is a View.
func BenchmarkLoad(b *testing.B) {
	for _, s := range sizes {
		feed := lsdbtest.Feed(s.nodes, s.links)
		for peers := 1; peers <= 2; peers++ {
			b.Run(fmt.Sprintf("nodes=%d/links=%d/peers=%d", s.nodes, s.links, peers), func(b *testing.B) {
				var before, after runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&before)
				var db *lsdb.DB
				for b.Loop() {
					db = lsdb.New()
					for p := range peers {
						load(b, db, fmt.Sprint("peer", p), feed, lsdbtest.Start)
					}
					if v := db.View(); len(v.Links) != s.links/2 || len(v.Routers) != s.nodes || len(v.Half) > 0 {
						b.Fatalf("%d links, %d routers, %d halves", len(v.Links), len(v.Routers), len(v.Half))
					}
				}
				b.StopTimer()
				runtime.GC()
				runtime.ReadMemStats(&after)
				b.ReportMetric(float64(after.HeapAlloc-min(before.HeapAlloc, after.HeapAlloc))/1e6, "MB")
				runtime.KeepAlive(db)
			})
		}
	}
}

// BenchmarkChange is one link of many that changes, or goes and comes, until
// there is a View.
func BenchmarkChange(b *testing.B) {
	for _, s := range sizes {
		feed := lsdbtest.Feed(s.nodes, s.links)
		links := feed[3*s.nodes:]
		db := lsdb.New()
		load(b, db, "peer", feed, lsdbtest.Start)
		db.View()
		changed := func(i int) ls.Attribute {
			a := *links[i%len(links)].Attribute.(*ls.LinkAttribute)
			a.IGPMetric = ls.Some(ls.IGPMetric{Metric: uint32(11 + i/len(links)%2 + i%7), Octets: 3})
			return &a
		}
		b.Run(fmt.Sprintf("attribute/nodes=%d/links=%d", s.nodes, s.links), func(b *testing.B) {
			i := 0
			for b.Loop() {
				_ = db.Reach("peer", links[i%len(links)].NLRI, changed(i), lsdbtest.Start)
				db.View()
				i++
			}
		})
		b.Run(fmt.Sprintf("withdrawal/nodes=%d/links=%d", s.nodes, s.links), func(b *testing.B) {
			i := 0
			for b.Loop() {
				l := links[i%len(links)]
				_ = db.Unreach("peer", l.NLRI, lsdbtest.Start)
				db.View()
				_ = db.Reach("peer", l.NLRI, l.Attribute, lsdbtest.Start)
				db.View()
				i++
			}
		})
		b.Run(fmt.Sprintf("storm of 5000/nodes=%d/links=%d", s.nodes, s.links), func(b *testing.B) {
			i := 0
			for b.Loop() {
				for range 5000 {
					_ = db.Reach("peer", links[i%len(links)].NLRI, changed(i), lsdbtest.Start)
					i++
				}
				db.View()
			}
		})
		b.Run(fmt.Sprintf("session lost and back/nodes=%d/links=%d", s.nodes, s.links), func(b *testing.B) {
			for b.Loop() {
				db.Lost("peer", lsdbtest.Start)
				db.View()
				load(b, db, "peer", feed, lsdbtest.Start)
				db.EndOfRIB("peer", ls.Family{}, lsdbtest.Start)
				db.View()
			}
		})
	}
}

// BenchmarkHostile is what costs most: all nodes with one router ID, all links
// between two nodes with nothing to tell them by, one LAN of all.
func BenchmarkHostile(b *testing.B) {
	const n = 10000
	lines := map[string]func(i int) []string{
		"one router ID": func(i int) []string { return []string{"node", "l2", fmt.Sprint(i + 1), "te=192.0.2.1"} },
		"one bundle": func(i int) []string {
			return []string{"link", "l2", fmt.Sprint(1 + i%2), fmt.Sprint(2 - i%2), fmt.Sprintf("id=%d-0", i+1)}
		},
		"one LAN":    func(i int) []string { return []string{"link", "l2", fmt.Sprint(i + 1), "1.01"} },
		"one node":   func(i int) []string { return []string{"sid", "l2", "1", fmt.Sprintf("5f00::%x", i+1)} },
		"many areas": func(i int) []string { return []string{"node", "ospf2", fmt.Sprintf("1%%%d", i), "te=192.0.2.1"} },
	}
	for name, line := range lines {
		var feed []lsdbtest.Object
		for i := range n {
			nlri, a, err := lsdbtest.Parse(line(i))
			if err != nil {
				b.Fatal(err)
			}
			feed = append(feed, lsdbtest.Object{NLRI: nlri, Attribute: a})
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				db := lsdb.New()
				load(b, db, "peer", feed, lsdbtest.Start)
				db.View()
				_ = db.Unreach("peer", feed[n/2].NLRI, lsdbtest.Start)
				db.View()
				db.Remove("peer")
				if v := db.View(); len(v.Routers)+len(v.Half) > 0 {
					b.Fatal("something is left")
				}
			}
		})
	}
}
