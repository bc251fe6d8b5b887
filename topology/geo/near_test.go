package geo

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/topology"
)

func laid(routes ...[]topology.Point) *topology.Topology {
	entries := make([]topology.Entry, len(routes))
	for i, r := range routes {
		entries[i] = topology.Entry{Name: fmt.Sprint("l", i), Route: r}
	}
	return topology.New("laid", nil, nil, entries, nil)
}

// TestNear: the index finds what asking for every pair finds.
func TestNear(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var routes [][]topology.Point
		for range rapid.IntRange(0, 40).Draw(t, "routes") {
			if rapid.IntRange(0, 9).Draw(t, "unknown") == 0 {
				routes = append(routes, nil)
				continue
			}
			if n := len(routes); n > 0 && rapid.IntRange(0, 3).Draw(t, "in a duct") == 0 {
				again := slices.Clone(routes[rapid.IntRange(0, n-1).Draw(t, "duct")])
				if rapid.Bool().Draw(t, "back") {
					slices.Reverse(again)
				}
				routes = append(routes, again)
				continue
			}
			routes = append(routes, drawRoute(t, "route", 4))
		}
		within := rapid.SampledFrom([]topology.Distance{1, 200, 20_000, 1_000_000, 1 << 60}).Draw(t, "within")
		var discs []Disc
		for range rapid.IntRange(0, 2).Draw(t, "discs") {
			discs = append(discs, Disc{drawRoute(t, "disc", 2)[0], rapid.SampledFrom([]topology.Distance{0, 10, 10_000, 500_000}).Draw(t, "radius")})
		}
		topo := laid(routes...)
		var want [][2]int32
		for a := range routes {
			for b := a + 1; b < len(routes); b++ {
				k, ok := Lay(routes[a])
				l, also := Lay(routes[b])
				if apart, _ := Distance(k.Outside(discs), l.Outside(discs)); ok && also && TooNear(apart, within) {
					want = append(want, [2]int32{int32(a), int32(b)})
				}
			}
		}
		if got := near(topo, within, discs); !slices.Equal(got, want) {
			t.Fatalf("%v, want %v", got, want)
		}
	})
}

// TestNearLimit: exactly as far apart as wanted is uncertain, and so too near.
func TestNearLimit(t *testing.T) {
	topo := laid([]topology.Point{{Lat: 0, Lon: -1}, {Lat: 0, Lon: 1}}, []topology.Point{{Lat: 1, Lon: 0}, {Lat: 2, Lon: 0}})
	const metres = 111_195 // a degree is 111195.08 m
	for within, want := range map[topology.Distance]int{metres - 1: 0, metres: 0, metres + 1: 1} {
		if got := near(topo, within, nil); len(got) != want {
			t.Errorf("%v: %v", within, got)
		}
	}
	for metres, want := range map[float64]bool{19_999: true, 20_000: true, 20_000.002: false} {
		if TooNear(metres, 20_000) != want {
			t.Errorf("%v m: %v", metres, !want)
		}
	}
}

// country is n routes of a country: each from a place to one up to 150 km away
// with a bend every few km, a fifth of them along the duct of another.
func country(n, bends int) *topology.Topology {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	routes := make([][]topology.Point, n)
	for i := range routes {
		if i > 10 && r.IntN(5) == 0 {
			routes[i] = slices.Clone(routes[r.IntN(i)])
			for j := range routes[i] {
				routes[i][j].Lat += 1e-4 * r.Float64()
			}
			continue
		}
		p := topology.Point{Lat: 30 + 15*r.Float64(), Lon: 130 + 15*r.Float64()}
		lat, lon := r.NormFloat64()/float64(bends), r.NormFloat64()/float64(bends)
		for range bends + 1 {
			routes[i] = append(routes[i], p)
			p.Lat += lat + 0.01*r.NormFloat64()
			p.Lon += lon + 0.01*r.NormFloat64()
		}
	}
	return laid(routes...)
}

func BenchmarkNear(b *testing.B) {
	for _, c := range []struct {
		routes, bends int
		within        topology.Distance
	}{{1_000, 20, 200}, {1_000, 20, 20_000}, {10_000, 20, 200}, {10_000, 20, 20_000}, {10_000, 2, 200}} {
		b.Run(fmt.Sprintf("routes=%d/bends=%d/within=%v", c.routes, c.bends, c.within), func(b *testing.B) {
			topo := country(c.routes, c.bends)
			var pairs int
			for b.Loop() {
				pairs = len(near(topo, c.within, nil))
			}
			b.ReportMetric(float64(pairs), "pairs")
		})
	}
}

// BenchmarkDuct: many links in one duct, and a few elsewhere.
func BenchmarkDuct(b *testing.B) {
	for _, links := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint("links=", links), func(b *testing.B) {
			few := country(100, 20)
			var routes [][]topology.Point
			for i := range links {
				routes = append(routes, slices.Clone(few.Entries[0].Route))
				if i%2 == 1 {
					slices.Reverse(routes[i])
				}
			}
			for _, e := range few.Entries {
				routes = append(routes, e.Route)
			}
			topo := laid(routes...)
			var pairs int
			for b.Loop() {
				g := Survey(topo)
				pairs = len(g.Except(g.Near(200), 200, []Disc{{few.Entries[0].Route[0], 1_000}}))
			}
			b.ReportMetric(float64(pairs), "pairs")
		})
	}
}

func BenchmarkExcept(b *testing.B) {
	g := Survey(country(10_000, 20))
	const within = 20_000
	pairs := g.Near(within)
	discs := []Disc{{topology.Point{Lat: 35, Lon: 135}, 10_000}, {topology.Point{Lat: 40, Lon: 140}, 10_000}}
	for b.Loop() {
		g.Except(pairs, within, discs)
	}
	b.ReportMetric(float64(len(pairs)), "pairs")
}

func BenchmarkShared(b *testing.B) {
	g := Survey(country(10_000, 20))
	var groups int
	for b.Loop() {
		groups = len(g.Shared(200, 1000))
	}
	b.ReportMetric(float64(groups), "groups")
}

// near asks a topology once, with discs.
func near(t *topology.Topology, within topology.Distance, except []Disc) [][2]int32 {
	g := Survey(t)
	return g.each(g.Except(g.Near(within), within, except))
}
