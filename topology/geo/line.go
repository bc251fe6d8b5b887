package geo

import (
	"cmp"
	"math"
	"slices"

	"github.com/keiro-net/keiro/topology"
)

// Line is a cable as laid, or what is left of it: arcs in the order of the
// route. The zero Line is nowhere.
type Line struct {
	arcs []arc
}

// Lay makes a line of the route of a link. False: it is unknown where the
// cable lies, since there is no route, or since two points that follow each
// other lie on opposite sides of the earth, to within 100 m.
func Lay(route []topology.Point) (Line, bool) {
	if len(route) < 2 {
		return Line{}, false
	}
	arcs := make([]arc, len(route)-1)
	from := place(route[0])
	for i := range arcs {
		to := place(route[i+1])
		var ok bool
		if arcs[i], ok = newArc(from, to); !ok {
			return Line{}, false
		}
		from = to
	}
	return Line{arcs}, true
}

// Distance is the least distance between two lines in metres, and the place on
// k where it is. It is infinite where one of them is nowhere. It is the same
// number for l and k.
func Distance(k, l Line) (metres float64, at topology.Point) {
	angle, where := least(k, l, -1)
	if math.IsInf(angle, 1) {
		return angle, at
	}
	return angle * Radius, where.point()
}

// least is the least angle between two lines, or the first found that is not
// more than enough.
func least(k, l Line, enough float64) (angle float64, at vector) {
	angle = math.Inf(1)
	for i := range k.arcs {
		for j := range l.arcs {
			if k.arcs[i].far(&l.arcs[j], angle) {
				continue
			}
			if a, where := k.arcs[i].meet(&l.arcs[j]); a < angle {
				if angle, at = a, where; angle <= enough {
					return angle, at
				}
			}
		}
	}
	return angle, at
}

// Outside is what of the line lies in none of the discs. A line that touches
// none is returned as it is.
func (l Line) Outside(discs []Disc) Line {
	caps := capsOf(discs)
	if !l.touches(caps) {
		return l
	}
	var out Line
	for i := range l.arcs {
		c := &l.arcs[i]
		var inside []span
		for _, d := range caps {
			inside = c.within(inside, d.centre, d.angle)
		}
		if c.length == 0 {
			if len(inside) == 0 {
				out.arcs = append(out.arcs, *c)
			}
			continue
		}
		for _, s := range gaps(inside, c.length) {
			out.arcs = append(out.arcs, c.part(s))
		}
	}
	return out
}

// spherical is a Disc in the terms of arcs: a spherical cap.
type spherical struct {
	centre vector
	angle  float64
}

func capsOf(discs []Disc) []spherical {
	caps := make([]spherical, 0, len(discs))
	for _, d := range discs {
		if d.Radius > 0 {
			caps = append(caps, spherical{place(d.Centre), min(float64(d.Radius)/Radius, math.Pi)})
		}
	}
	return caps
}

// touches reports whether an arc of the line may lie in one of the caps.
func (l Line) touches(caps []spherical) bool {
	for i := range l.arcs {
		for _, d := range caps {
			if !l.arcs[i].far(&arc{mid: d.centre}, d.angle) {
				return true
			}
		}
	}
	return false
}

// span is a part of an arc, between two angles from its start.
type span struct{ from, to float64 }

// within appends the spans of the arc that lie within an angle of a place. Of
// a point that does it is one span.
func (c *arc) within(spans []span, centre vector, angle float64) []span {
	if c.length == 0 {
		if c.a.angle(centre) <= angle {
			spans = append(spans, span{})
		}
		return spans
	}
	sin, cos := c.n.dot(centre), c.n.cross(centre).norm()
	off := math.Atan2(math.Abs(sin), cos) // from the great circle
	if off > angle {
		return spans
	}
	// Pythagoras on the sphere, cos(angle) = cos(off) cos(half), written so
	// that small angles keep their digits.
	square := math.Sin((angle-off)/2) * math.Sin((angle+off)/2) / cos
	if angle >= math.Pi || !(square < 1) {
		return append(spans, span{0, c.length})
	}
	half := 2 * math.Asin(math.Sqrt(square))
	return c.around(spans, math.Atan2(c.n.cross(c.a).dot(centre), c.a.dot(centre)), half)
}

// around appends the spans of the arc that lie within half an angle of the
// place on its great circle that is `middle` from its start.
func (c *arc) around(spans []span, middle, half float64) []span {
	for _, turn := range []float64{-2 * math.Pi, 0, 2 * math.Pi} {
		from, to := max(middle+turn-half, 0), min(middle+turn+half, c.length)
		if from < to {
			spans = append(spans, span{from, to})
		}
	}
	return spans
}

// gaps are what the spans leave of an arc. It sorts them.
func gaps(spans []span, length float64) (left []span) {
	slices.SortFunc(spans, func(s, t span) int { return cmp.Compare(s.from, t.from) })
	from := 0.0
	for _, s := range append(spans, span{length, length}) {
		if s.from > from {
			left = append(left, span{from, s.from})
		}
		from = max(from, s.to)
	}
	return left
}
