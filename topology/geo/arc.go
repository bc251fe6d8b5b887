package geo

import "math"

const (
	// tiny in radians (64 nm): an arc not longer is a point.
	tiny = 1e-14
	// antipodal in radians (100 m): nearer to each other's antipodes than
	// this, two points do not say which way the arc between them takes.
	antipodal = 100 / Radius
)

// arc is the shorter great-circle arc between two places. Angles in radians.
type arc struct {
	a, b   vector
	n      vector  // unit normal of its plane, a to b by the right hand; zero for a point
	length float64 // 0 is a point
	// A ball in space that holds the arc. Chords are shorter than arcs and
	// need no trigonometry: good to rule out what is far.
	mid   vector
	reach float64
}

// newArc is the arc from a to b; false where they are antipodal.
func newArc(a, b vector) (arc, bool) {
	length := a.angle(b)
	if math.Pi-length < antipodal || math.IsNaN(length) {
		return arc{}, false
	}
	if length <= tiny {
		return pointArc(a), true
	}
	return between(a, b, a.normal(b).unit(), length), true
}

func pointArc(a vector) arc { return arc{a: a, b: a, mid: a} }

func between(a, b, n vector, length float64) arc {
	c := arc{a: a, b: b, n: n, length: length}
	c.mid, c.reach = c.at(length/2), 2*math.Sin(length/4)
	return c
}

// at is the place at angle t from a.
func (c *arc) at(t float64) vector {
	sin, cos := math.Sincos(t)
	return c.a.scale(cos).plus(c.n.cross(c.a).scale(sin))
}

// part is the arc from angle `from` to angle `to`.
func (c *arc) part(s span) arc {
	if s.to-s.from <= tiny {
		return pointArc(c.at(s.from))
	}
	return between(c.at(s.from), c.at(s.to), c.n, s.to-s.from)
}

// faces reports whether the foot of p on the great circle lies on the arc.
func (c *arc) faces(p vector) bool {
	return c.length > 0 && c.n.cross(c.a).dot(p) >= 0 && c.b.cross(c.n).dot(p) >= 0
}

// nearest is the place of the arc that is nearest to p, and how far it is.
func (c *arc) nearest(p vector) (angle float64, foot vector) {
	if c.faces(p) {
		sin := c.n.dot(p) // of the cross-track distance
		foot = p.minus(c.n.scale(sin))
		if cos := foot.norm(); cos > tiny {
			return math.Atan2(math.Abs(sin), cos), foot.scale(1 / cos)
		}
	}
	a, b := p.angle(c.a), p.angle(c.b)
	if a <= b {
		return a, c.a
	}
	return b, c.b
}

// far reports whether the arcs are surely more than the angle apart.
func (c *arc) far(d *arc, angle float64) bool {
	limit := c.reach + d.reach + angle + slack
	return c.mid.distance2(d.mid) > limit*limit
}

// slack makes up for rounding where balls rule out what is far.
const slack = 1e-12

// meet is the least distance between two arcs, and the place on c where it is.
// Arcs that cross meet where their planes do. Of others one end is nearest to
// the other arc.
func (c *arc) meet(d *arc) (angle float64, at vector) {
	// The crossing lies in both planes however flat they cross, for that is
	// what normal computes. Where the planes are one, the ends decide.
	if x := c.n.normal(d.n); c.length > 0 && d.length > 0 && x.norm() > tiny {
		x = x.unit()
		for range 2 {
			if c.faces(x) && d.faces(x) {
				return 0, x
			}
			x = x.scale(-1)
		}
	}
	angle, at = c.nearest(d.a)
	if more, foot := c.nearest(d.b); more < angle {
		angle, at = more, foot
	}
	for _, end := range []vector{c.a, c.b} {
		if more, _ := d.nearest(end); more < angle {
			angle, at = more, end
		}
	}
	return angle, at
}
