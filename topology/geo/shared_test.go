package geo

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/topology"
)

// lane is a cable along the equator, metres north of it, from and to degrees
// east.
func lane(metres, from, to float64) []topology.Point {
	return []topology.Point{{Lat: metres / degree, Lon: from}, {Lat: metres / degree, Lon: to}}
}

func TestShared(t *testing.T) {
	for _, c := range []struct {
		name           string
		routes         [][]topology.Point
		within, length topology.Distance
		want           []string // entries, km, least m
	}{
		{"nothing", nil, 200, 1000, nil},
		{"one cable", [][]topology.Point{lane(0, 0, 1)}, 200, 1000, nil},
		{"far apart", [][]topology.Point{lane(0, 0, 1), lane(300, 0, 1)}, 200, 1000, nil},
		{"two in a duct", [][]topology.Point{lane(0, 0, 1), lane(0, 0, 1)}, 200, 1000, []string{"[0 1] 111.2km 0m"}},
		{"side by side", [][]topology.Point{lane(0, 0, 1), lane(100, 0, 1)}, 200, 1000, []string{"[0 1] 111.2km 100m"}},
		{"part of the way", [][]topology.Point{lane(0, 0, 1), lane(0, 0.9, 2)}, 200, 1000, []string{"[0 1] 11.3km 0m"}},
		{"not far enough", [][]topology.Point{lane(0, 0, 1), lane(0, 0.995, 2)}, 200, 1000, nil},
		{"a crossing", [][]topology.Point{lane(0, 0, 1), {{Lat: -1, Lon: 0.5}, {Lat: 1, Lon: 0.5}}}, 200, 1000, nil},
		{"a crossing counts", [][]topology.Point{lane(0, 0, 1), {{Lat: -1, Lon: 0.5}, {Lat: 1, Lon: 0.5}}}, 200, 400, []string{"[0 1] 0.4km 0m"}},
		{"a crossing of thousands", [][]topology.Point{lane(0, 0, 1), {{Lat: -1, Lon: 0.5}, {Lat: 1, Lon: 0.5}}}, 200, 0, []string{"[0 1] 0.4km 0m"}},
		{"three in a duct", [][]topology.Point{lane(0, 0, 1), lane(20, 0, 1), lane(50, 0, 1)}, 200, 1000, []string{"[0 1 2] 111.2km 20m"}},
		{"three, the outer ones too far for each other", [][]topology.Point{lane(-150, 0, 1), lane(0, 0, 1), lane(150, 0, 1)}, 200, 1000, []string{"[0 1 2] 111.2km 150m"}},
		{"one after the other along a third", [][]topology.Point{lane(0, 0, 1), lane(0, 0, 0.4), lane(0, 0.6, 1)}, 200, 1000, []string{"[0 1] 44.7km 0m", "[0 2] 44.7km 0m"}},
		{"three for a short way only", [][]topology.Point{lane(0, 0, 1), lane(0, 0, 0.5), lane(0, 0.495, 1)}, 200, 1000, []string{"[0 1] 55.8km 0m", "[0 2] 56.4km 0m"}},
		{"unknown", [][]topology.Point{lane(0, 0, 1), nil, lane(0, 0, 1)}, 200, 1000, []string{"[0 2] 111.2km 0m"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, s := range Survey(laid(c.routes...)).Shared(c.within, c.length) {
				got = append(got, fmt.Sprintf("%v %.1fkm %.0fm", s.Entries, s.Length/1000, s.Least))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

func TestSharedSaysWhere(t *testing.T) {
	got := Survey(laid(lane(0, 0, 1), []topology.Point{{Lat: 1, Lon: 0.2}, {Lat: 0, Lon: 0.2}, {Lat: 0, Lon: 0.3}, {Lat: 1, Lon: 0.4}, {Lat: 0, Lon: 0.5}, {Lat: 0, Lon: 0.9}, {Lat: 1, Lon: 0.9}})).Shared(200, 1000)
	if len(got) != 1 || math.Abs(got[0].From.Lon-0.5) > 0.001 || math.Abs(got[0].To.Lon-0.9) > 0.001 || got[0].At.Lat != 0 {
		t.Errorf("%+v", got)
	}
}

// TestSharedTwin: every pair that runs side by side is in a group, no group is
// in another, and every group has a place that is near all of its cables.
func TestSharedTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var routes [][]topology.Point
		for range rapid.IntRange(0, 8).Draw(t, "routes") {
			r := drawRoute(t, "route", 4)
			if n := len(routes); n > 0 && rapid.Bool().Draw(t, "copy") {
				r = slices.Clone(routes[n-1])
				r[0] = drawRoute(t, "end", 2)[0]
			}
			routes = append(routes, r)
		}
		within := rapid.SampledFrom([]topology.Distance{1, 200, 20_000}).Draw(t, "within")
		length := rapid.SampledFrom([]topology.Distance{0, 1, 1000, 100_000}).Draw(t, "length")
		g := Survey(laid(routes...))
		groups := g.Shared(within, length)
		for a := range g.lines {
			for b := a + 1; b < len(g.lines); b++ {
				run := max(lengthBeside(g.lines[a], g.lines[b], within), lengthBeside(g.lines[b], g.lines[a], within))
				in := slices.ContainsFunc(groups, func(s Shared) bool { return holds(s.Entries, []int32{int32(a), int32(b)}) })
				apart, _ := Distance(g.lines[a], g.lines[b])
				if TooNear(apart, within) && run >= float64(length) && !in {
					t.Fatalf("%d and %d share %v m, but no group", a, b, run)
				}
			}
		}
		for i, s := range groups {
			if s.Length < float64(length)-1.1*Tolerance || len(s.Entries) < 2 || !slices.IsSorted(s.Entries) {
				t.Fatalf("group %+v", s)
			}
			for _, e := range s.Entries {
				for _, end := range []topology.Point{s.From, s.To} {
					if d, _ := Distance(pointLine(end), g.lines[e]); d > float64(within)+0.01 {
						t.Fatalf("%v of %+v is %v m from %d", end, s, d, e)
					}
				}
			}
			for j, more := range groups {
				if i != j && holds(more.Entries, s.Entries) {
					t.Fatalf("%v is in %v", s.Entries, more.Entries)
				}
			}
		}
	})
}

func TestRisks(t *testing.T) {
	topo := laid(lane(0, 0, 1), lane(0, 0, 1), lane(900, 0, 1), lane(900, 0, 1), lane(5000, 0, 1), lane(5000, 0, 1), lane(7000, 0, 1), nil)
	duct := topology.Declare([]string{"other", "duct"})
	topo.Entries[0].SRLGs, topo.Entries[1].SRLGs = topology.Declare([]string{"x", "duct"}), duct
	topo.Entries[3].SRLGs = topology.Declare([]string{"ground-1"})
	topo.Entries[4].SRLGs, topo.Entries[5].SRLGs = topology.Declare([]string{"x"}), topology.Declare([]string(nil))
	g := Survey(topo)
	risks := g.Risks(200, 1000)
	var got []string
	for _, r := range risks {
		got = append(got, fmt.Sprintf("%s%v%v", r.Name, r.Entries, r.Stated))
	}
	if want := []string{"duct[0 1]true", "ground-2[2 3]false", "ground-3[4 5]false"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	for complete, want := range map[bool]string{
		false: "[x duct]true [other duct]true []false [ground-1 ground-2]true [x ground-3]true [ground-3]true []false []false",
		true:  "[x duct]true [other duct]true [ground-2]true [ground-1 ground-2]true [x ground-3]true [ground-3]true []true []false",
	} {
		var got []string
		after := g.Declare(risks, complete)
		for _, e := range after.Entries {
			groups, known := e.SRLGs.Get()
			got = append(got, fmt.Sprintf("%v%v", groups, known))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("complete %v:\n%s, want\n%s", complete, strings.Join(got, " "), want)
		}
		for _, r := range Survey(after).Risks(200, 1000) {
			if !r.Stated && (complete || r.Entries[0] != 2) {
				t.Errorf("complete %v: %s is found again", complete, r.Name)
			}
		}
	}
	if topo.Entries[5].HasSRLG("ground-3") {
		t.Error("Declare changed what it was given")
	}
}
