// Package draw makes the networks and intents that the tests and benchmarks of
// the path engine ask about. Equal arguments make equal networks. It answers
// nothing, and no program imports it: the tests of the rooms under
// pathspec/solve do.
package draw

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/keiro-net/keiro/topology"
)

// Plan says what Geometric draws. Equal values draw equal networks.
type Plan struct {
	Nodes, Links int
	Seed         uint64
	Risks        Risks
	PerLink      int // shared risk link groups of every link
	Groups       int // of them in all
	Unknown      int // one value in so many is unknown, one link in so many is doubled; 0: none
	Sites        int // 0: no sites, operators and capacities
}

// Risks says how the links fall into shared risk link groups.
type Risks int

// How the links fall into groups.
const (
	NoRisks     Risks = iota
	LocalRisks        // links close to each other share them, as in ducts
	RandomRisks       // any links do
)

func (r Risks) String() string { return [...]string{"none", "local", "random"}[r] }

// spacing is the mean distance between neighbours, in km.
const spacing = 30.0

// Geometric draws a connected network: nodes anywhere on a square, links
// between those that are closest, delays by distance.
func Geometric(w Plan) *topology.Topology {
	r := rand.New(rand.NewPCG(w.Seed, 1))
	side := spacing * math.Sqrt(float64(w.Nodes))
	anywhere := func() spot { return spot{side * r.Float64(), side * r.Float64()} }
	sites := make([]topology.Site, w.Sites)
	for i := range sites {
		sites[i].Name = fmt.Sprint("s", i)
	}
	known := func() bool { return w.Unknown == 0 || r.IntN(w.Unknown) > 0 }
	operator := func(names ...string) string {
		if w.Sites == 0 || !known() {
			return ""
		}
		return names[r.IntN(len(names))]
	}
	nodes := make([]topology.Node, w.Nodes)
	place := newSquares(side, w.Nodes)
	var pairs [][2]int32
	for i := range nodes {
		nodes[i] = topology.Node{Name: fmt.Sprint("n", i), Operator: operator("", "", "alpha", "beta", "gamma")}
		if w.Sites > 0 && known() {
			nodes[i].Site = sites[r.IntN(w.Sites)].Name
		}
		at := anywhere()
		if i > 0 { // a tree first
			pairs = append(pairs, [2]int32{place.nearest(at, 1)[0], int32(i)})
		}
		place.add(at)
	}
	pairs = append(pairs, place.closest(w.Links-len(pairs), pairs)...)
	centres := newSquares(side, w.Groups)
	for range w.Groups {
		centres.add(anywhere())
	}
	var entries []topology.Entry
	var links []topology.Link
	for _, pair := range pairs {
		for again := true; again; again = !known() {
			a, b := int(pair[0]), int(pair[1])
			e := topology.Entry{
				Name: fmt.Sprintf("n%d--n%d#%d", a, b, len(entries)), A: a, B: b,
				Operator: operator("alpha", "beta", "gamma", "delta", "epsilon", "zeta"),
			}
			from, to := place.spots[a], place.spots[b]
			if known() {
				e.SRLGs = topology.Declare(w.draw(r, centres, from.between(to, r.Float64())))
			}
			l := topology.Link{Entry: len(entries), From: a, To: b, Metric: 1 + r.Int64N(100)}
			if known() { // light takes 5us for a km, and cables are not straight
				l.Delay = topology.Declare(topology.Delay(1 + 5*1.2*from.distance(to)))
			}
			if w.Sites > 0 && known() {
				l.Capacity = topology.Declare(topology.Bandwidth(1 + r.IntN(6)))
			}
			back := l
			back.From, back.To = b, a
			entries, links = append(entries, e), append(links, l, back)
		}
	}
	return topology.New("geometric", sites, nodes, entries, links)
}

// draw returns the groups of a link that passes a place.
func (w *Plan) draw(r *rand.Rand, centres *squares, at spot) []string {
	names := []string{}
	switch w.Risks {
	case LocalRisks:
		for _, c := range centres.nearest(at, w.PerLink) {
			names = append(names, fmt.Sprint("g", c))
		}
	case RandomRisks:
		for len(names) < w.PerLink {
			if g := fmt.Sprint("g", r.IntN(w.Groups)); !slices.Contains(names, g) {
				names = append(names, g)
			}
		}
	}
	return names
}

type spot struct{ x, y float64 }

func (s spot) distance(t spot) float64 { return math.Hypot(s.x-t.x, s.y-t.y) }

func (s spot) between(t spot, part float64) spot {
	return spot{s.x + part*(t.x-s.x), s.y + part*(t.y-s.y)}
}

// squares finds neighbours: spots by the cell of a grid.
type squares struct {
	spots []spot
	size  float64 // of a cell
	width int     // in cells
	cells [][]int32
}

func newSquares(side float64, spots int) *squares {
	width := max(1, int(math.Sqrt(float64(spots)/2)))
	return &squares{size: side / float64(width), width: width, cells: make([][]int32, width*width)}
}

func (g *squares) cell(s spot) (x, y int) {
	return min(int(s.x/g.size), g.width-1), min(int(s.y/g.size), g.width-1)
}

func (g *squares) add(s spot) {
	x, y := g.cell(s)
	g.cells[y*g.width+x] = append(g.cells[y*g.width+x], int32(len(g.spots)))
	g.spots = append(g.spots, s)
}

// around lists the spots in cells up to rings away from that of s.
func (g *squares) around(s spot, rings int) (found []int32) {
	x, y := g.cell(s)
	for cy := max(0, y-rings); cy <= min(g.width-1, y+rings); cy++ {
		for cx := max(0, x-rings); cx <= min(g.width-1, x+rings); cx++ {
			found = append(found, g.cells[cy*g.width+cx]...)
		}
	}
	return found
}

// nearest returns the n spots nearest to s, or all where there are fewer.
func (g *squares) nearest(s spot, n int) []int32 {
	for rings := 1; ; rings *= 2 {
		found := g.around(s, rings)
		slices.SortFunc(found, func(a, b int32) int {
			return cmp.Or(cmp.Compare(s.distance(g.spots[a]), s.distance(g.spots[b])), cmp.Compare(a, b))
		})
		if rings > g.width || len(found) >= n && s.distance(g.spots[found[n-1]]) <= float64(rings)*g.size {
			return found[:min(n, len(found))]
		}
	}
}

// closest returns the n pairs of spots that are closest, without those given.
func (g *squares) closest(n int, without [][2]int32) [][2]int32 {
	given := map[[2]int32]bool{}
	for _, p := range without {
		given[p] = true
	}
	length := func(p [2]int32) float64 { return g.spots[p[0]].distance(g.spots[p[1]]) }
	for rings := 1; ; rings++ {
		var pairs [][2]int32
		for b, s := range g.spots {
			for _, a := range g.around(s, rings) {
				p := [2]int32{a, int32(b)}
				if int(a) < b && !given[p] && length(p) <= float64(rings)*g.size {
					pairs = append(pairs, p)
				}
			}
		}
		if len(pairs) >= n || rings > g.width {
			slices.SortFunc(pairs, func(p, q [2]int32) int {
				return cmp.Or(cmp.Compare(length(p), length(q)), cmp.Compare(p[0], q[0]), cmp.Compare(p[1], q[1]))
			})
			return pairs[:max(0, min(n, len(pairs)))]
		}
	}
}
