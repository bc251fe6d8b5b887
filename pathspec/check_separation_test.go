package pathspec

import (
	"slices"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/topology"
)

// lay gives the world of check.yaml places and routes: the paths part at a,
// are a degree of latitude from the equator at c and at k, and meet at b.
func (w *world) lay() {
	w.edit("name: home, country: JP", "name: home, country: JP, lat: 0, lon: 0")
	w.edit("name: away, country: JP", "name: away, country: JP, lat: 0, lon: 10")
	w.edit("a: a, b: c, delay: 1ms", "a: a, b: c, route: [[0, 0], [1, 5]], delay: 1ms")
	w.edit("a: c, b: b, delay: 1ms", "a: c, b: b, route: [[1, 5], [0, 10]], delay: 1ms")
	w.edit("a: a, b: k, delay: 2ms", "a: a, b: k, route: [[0, 0], [-1, 5]], delay: 2ms")
	w.edit("a: k, b: b, delay: 2ms", "a: k, b: b, route: [[-1, 5], [0, 10]], delay: 2ms")
	w.Separation, w.SeparationExcept = 100_000, 300_000 // 300 km from the ends they are 117,783 m apart: 2 asin(sin(300 km) sin(11.3255 degrees))
}

// TestCheckSeparation: what is wrong is told with both links, the distance
// and the place.
func TestCheckSeparation(t *testing.T) {
	for _, c := range []struct {
		what   string
		change func(w *world)
		want   []string
	}{
		{"far enough", func(w *world) {}, nil},
		{"not asked for", func(w *world) { w.Separation, w.SeparationExcept = 0, 0 }, nil},
		{"ends that are sites", func(w *world) { w.intents[0].From, w.intents[0].To = "home", "away" }, nil},
		{"the limit", func(w *world) { w.Separation = 117_783 }, nil},
		{"past the limit", func(w *world) { w.Separation = 117_784 }, []string{
			"gold: path 2: separation: link a--k passes 117783m from link a--c of path 1 at -0.52962,2.64550, less than 117784m",
		}},
		{"a smaller radius", func(w *world) { w.SeparationExcept = 200_000 }, []string{
			"gold: path 2: separation: link a--k passes 78537m from link a--c of path 1 at -0.35315,1.76364, less than 100km",
		}},
		{"no radius", func(w *world) { w.SeparationExcept = 0 }, []string{
			"gold: path 2: separation: link a--k passes 0m from link a--c of path 1 at 0.00000,0.00000, less than 100km",
		}},
		{"an end without a place", func(w *world) { w.edit(", lat: 0, lon: 10", "") }, []string{
			"gold: path 2: separation: link k--b passes 0m from link c--b of path 1 at 0.00000,10.00000, less than 100km; where b is, is unknown, so nothing around it is excepted",
		}},
		{"an end without a site", func(w *world) { w.edit("name: b, site: away,", "name: b,") }, []string{
			"gold: path 2: separation: link k--b passes 0m from link c--b of path 1 at 0.00000,10.00000, less than 100km; where b is, is unknown, so nothing around it is excepted",
		}},
		{"a crossing", func(w *world) { w.edit("[[-1, 5], [0, 10]]", "[[-1, 5], [2, 6], [-2, 7], [0, 10]]") }, []string{
			"gold: path 2: separation: link k--b passes 0m from link c--b of path 1 at 0.87529,5.62496, less than 100km",
		}},
		{"a crossing within the radius", func(w *world) { w.edit("[[-1, 5], [0, 10]]", "[[-1, 5], [-1, 9], [1, 9], [0, 10]]") }, nil},
		{"no route", func(w *world) { w.edit(", route: [[0, 0], [-1, 5]]", "") }, []string{
			"gold: path 2: separation: the route of link a--k is unknown",
		}},
		{"no route, and too near elsewhere", func(w *world) { w.edit(", route: [[0, 0], [-1, 5]]", ""); w.Separation = 200_000 }, []string{
			"gold: path 2: separation: the route of link a--k is unknown",
			"gold: path 2: separation: link k--b passes 117783m from link c--b of path 1 at -0.52962,7.35450, less than 200km",
		}},
		{"a route between points opposite each other", func(w *world) {
			w.edit("[[0, 0], [1, 5]]", "[[0, 0], [0, 180], [1, 5]]")
		}, []string{"gold: path 1: separation: the route of link a--c is unknown"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			w := newWorld(t)
			w.lay()
			c.change(w)
			topo, err := topology.Parse("check.yaml", []byte(w.yaml))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, v := range Check(topo, w.intents, &w.s) {
				if v.Rule == RuleSeparation {
					got = append(got, v.String())
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}
