package geo

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/keiro-net/keiro/topology"
)

// Ground is the cables of a topology as laid, made ready for questions. It is
// read-only: several may ask at once.
type Ground struct {
	t     *topology.Topology
	lines []Line    // of every entry; nowhere where its route is unknown
	alike [][]int32 // of every entry that is the first on its route: all that are on it, either way
	tree  tree      // of those first ones
}

// Survey lays the cables of a topology.
func Survey(t *topology.Topology) *Ground {
	g := &Ground{t: t, lines: make([]Line, len(t.Entries)), alike: make([][]int32, len(t.Entries))}
	firsts := make([]Line, len(t.Entries))
	first := map[string]int32{}
	for e := range t.Entries {
		var known bool
		if g.lines[e], known = Lay(t.Entries[e].Route); !known {
			continue
		}
		forth, back := keys(t.Entries[e].Route)
		key := min(forth, back)
		if _, ok := first[key]; !ok {
			first[key], firsts[e] = int32(e), g.lines[e]
		}
		g.alike[first[key]] = append(g.alike[first[key]], int32(e))
	}
	g.tree = plant(firsts)
	return g
}

// keys are the same for equal routes: forth, and from end to start.
func keys(route []topology.Point) (forth, back string) {
	var f, b []byte
	for i := range route {
		p, q := route[i], route[len(route)-1-i]
		f = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(f, math.Float64bits(p.Lat)), math.Float64bits(p.Lon))
		b = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, math.Float64bits(q.Lat)), math.Float64bits(q.Lon))
	}
	return string(f), string(b)
}

// Known reports whether it is known where the cable of entry e lies.
func (g *Ground) Known(e int) bool { return len(g.lines[e].arcs) > 0 }

// Alike lists the entries on the same route as the first of them, sorted.
func (g *Ground) Alike(first int32) []int32 { return g.alike[first] }

// Near lists the pairs (a <= b, sorted) of routes that come nearer to each
// other than `within` anywhere; within counts as TooNear counts it. A route is
// named by its first entry, so that many links in one duct are measured once;
// with itself it is in a pair where there are several. All entries on the
// routes of a pair come too near to each other. An entry whose route Lay does
// not know is in no pair: whoever asks for separation must not use it at all.
func (g *Ground) Near(within topology.Distance) (pairs [][2]int32) {
	seen := make([]int32, len(g.lines)) // 1 + the last entry it was found near
	var found, stack []int32
	angle := (float64(within) + Tolerance) / Radius
	for a := range g.lines {
		found = found[:0]
		if len(g.alike[a]) == 0 {
			continue
		}
		if len(g.alike[a]) > 1 && TooNear(0, within) {
			found = append(found, int32(a))
		}
		for i := range g.lines[a].arcs {
			c := &g.lines[a].arcs[i]
			stack = g.tree.visit(stack, c, angle, int32(a), func(d *arc, b int32) {
				if seen[b] == int32(a)+1 {
					return
				}
				if apart, _ := c.meet(d); TooNear(apart*Radius, within) {
					seen[b] = int32(a) + 1
					found = append(found, b)
				}
			})
		}
		slices.Sort(found)
		for _, b := range found {
			pairs = append(pairs, [2]int32{int32(a), b})
		}
	}
	return pairs
}

// each lists the pairs of entries (a < b, sorted) on pairs of routes.
func (g *Ground) each(routes [][2]int32) (pairs [][2]int32) {
	for _, p := range routes {
		for _, a := range g.alike[p[0]] {
			for _, b := range g.alike[p[1]] {
				if p[0] != p[1] || a < b {
					pairs = append(pairs, [2]int32{min(a, b), max(a, b)})
				}
			}
		}
	}
	slices.SortFunc(pairs, func(p, q [2]int32) int { return slices.Compare(p[:], q[:]) })
	return pairs
}

// Except returns those of the pairs of routes, as Near returned them, that come too near
// outside the discs as well. Asking Near once and Except for each intent is
// much faster than asking for all anew.
func (g *Ground) Except(pairs [][2]int32, within topology.Distance, discs []Disc) [][2]int32 {
	caps := capsOf(discs)
	if len(caps) == 0 {
		return pairs
	}
	left := make(map[int32]Line) // of the lines that touch a disc
	whole := make([]bool, len(g.lines))
	for e := range g.lines {
		if whole[e] = !g.lines[e].touches(caps); !whole[e] {
			left[int32(e)] = g.lines[e].Outside(discs)
		}
	}
	outside := func(e int32) Line {
		if whole[e] {
			return g.lines[e]
		}
		return left[e]
	}
	enough := float64(within) / Radius
	var near [][2]int32
	for _, p := range pairs {
		if whole[p[0]] && whole[p[1]] {
			near = append(near, p)
		} else if apart, _ := least(outside(p[0]), outside(p[1]), enough); TooNear(apart*Radius, within) {
			near = append(near, p)
		}
	}
	return near
}
