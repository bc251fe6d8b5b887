package geo

import (
	"slices"

	"github.com/keiro-net/keiro/topology"
)

// Ground is the cables of a topology as laid, made ready for questions. It is
// read-only: several may ask at once.
type Ground struct {
	t     *topology.Topology
	lines []Line // of every entry; nowhere where its route is unknown
	tree  tree
}

// Survey lays the cables of a topology.
func Survey(t *topology.Topology) *Ground {
	g := &Ground{t: t, lines: make([]Line, len(t.Entries))}
	for e := range t.Entries {
		g.lines[e], _ = Lay(t.Entries[e].Route)
	}
	g.tree = plant(g.lines)
	return g
}

// Known reports whether it is known where the cable of entry e lies.
func (g *Ground) Known(e int) bool { return len(g.lines[e].arcs) > 0 }

// Near lists the pairs of entries (a < b, sorted) whose cables come nearer to
// each other than `within` anywhere; within counts as TooNear counts it. An
// entry whose route Lay does not know is in no pair: whoever asks for
// separation must not use it at all.
func (g *Ground) Near(within topology.Distance) (pairs [][2]int32) {
	seen := make([]int32, len(g.lines)) // 1 + the last entry it was found near
	var found, stack []int32
	angle := (float64(within) + Tolerance) / Radius
	for a := range g.lines {
		found = found[:0]
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

// Except returns those of the pairs, as Near returned them, that come too near
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
