package geo

import (
	"cmp"
	"math"
	"slices"

	"github.com/keiro-net/keiro/topology"
)

// beside returns the spans of the arc that lie within an angle of arc d,
// sorted and apart. It is exact, without steps along the arc: where a place
// that moves along c enters or leaves what is within the angle of d, it crosses
// the rim around an end of d, a parallel of d's great circle, or the great
// circle across an end of d. Between two such crossings all places are alike,
// and the one in the middle tells.
func (c *arc) beside(d *arc, angle float64) (near []span) {
	if c.length == 0 {
		if apart, _ := d.nearest(c.a); apart <= angle {
			return []span{{}}
		}
		return nil
	}
	cuts := []float64{0, c.length}
	for _, s := range c.within(c.within(nil, d.a, angle), d.b, angle) {
		cuts = append(cuts, s.from, s.to)
	}
	if d.length > 0 {
		cuts = c.crossings(cuts, d.n.cross(d.a), 0)
		cuts = c.crossings(cuts, d.n.cross(d.b), 0)
		if angle < math.Pi/2 {
			cuts = c.crossings(cuts, d.n, math.Sin(angle))
			cuts = c.crossings(cuts, d.n, -math.Sin(angle))
		}
	}
	slices.Sort(cuts)
	for i, to := range cuts[1:] {
		from := cuts[i]
		if apart, _ := d.nearest(c.at((from + to) / 2)); from < to && apart <= angle {
			near = append(near, span{from, to})
		}
	}
	return merge(near)
}

// crossings appends where along the arc the product with v is `height`: where
// it crosses a parallel of the great circle that v is the pole of.
func (c *arc) crossings(cuts []float64, v vector, height float64) []float64 {
	cos, sin := c.a.dot(v), c.n.cross(c.a).dot(v)
	half := math.Acos(height / math.Hypot(cos, sin)) // no number: it never does
	for _, t := range []float64{math.Atan2(sin, cos) - half, math.Atan2(sin, cos) + half} {
		for _, turn := range []float64{-2 * math.Pi, 0, 2 * math.Pi} {
			if t+turn > 0 && t+turn < c.length {
				cuts = append(cuts, t+turn)
			}
		}
	}
	return cuts
}

// merge sorts spans and joins those that meet.
func merge(spans []span) (merged []span) {
	slices.SortFunc(spans, func(s, t span) int { return cmp.Compare(s.from, t.from) })
	for _, s := range spans {
		if n := len(merged); n > 0 && s.from <= merged[n-1].to {
			merged[n-1].to = max(merged[n-1].to, s.to)
		} else {
			merged = append(merged, s)
		}
	}
	return merged
}

// beside returns the parts of line l that lie within an angle of line k, as
// angles from the start of l.
func (l Line) beside(k Line, angle float64) []span {
	var near []span
	start := 0.0
	for i := range l.arcs {
		c := &l.arcs[i]
		for j := range k.arcs {
			if c.far(&k.arcs[j], angle) {
				continue
			}
			for _, s := range c.beside(&k.arcs[j], angle) {
				near = append(near, span{start + s.from, start + s.to})
			}
		}
		start += c.length
	}
	return merge(near)
}

// at is the place at an angle from the start of the line.
func (l Line) at(t float64) topology.Point {
	for i := range l.arcs {
		c := &l.arcs[i]
		if t <= c.length || i == len(l.arcs)-1 {
			return c.at(min(t, c.length)).point()
		}
		t -= c.length
	}
	return topology.Point{}
}

// total is the length of spans, an angle; longest is the longest of them.
func total(spans []span) (sum float64, longest span) {
	for _, s := range spans {
		sum += s.to - s.from
		if s.to-s.from > longest.to-longest.from {
			longest = s
		}
	}
	return sum, longest
}
