package geo

import (
	"math"

	"github.com/keiro-net/keiro/topology"
)

// vector is a place as the unit vector from the centre of the earth, or a
// direction. It knows neither poles nor a date line.
type vector struct{ x, y, z float64 }

func place(p topology.Point) vector {
	sinLat, cosLat := math.Sincos(p.Lat * (math.Pi / 180))
	sinLon, cosLon := math.Sincos(p.Lon * (math.Pi / 180))
	return vector{cosLat * cosLon, cosLat * sinLon, sinLat}
}

func (v vector) point() topology.Point {
	return topology.Point{
		Lat: math.Atan2(v.z, math.Hypot(v.x, v.y)) * (180 / math.Pi),
		Lon: math.Atan2(v.y, v.x) * (180 / math.Pi),
	}
}

func (v vector) plus(w vector) vector       { return vector{v.x + w.x, v.y + w.y, v.z + w.z} }
func (v vector) minus(w vector) vector      { return vector{v.x - w.x, v.y - w.y, v.z - w.z} }
func (v vector) scale(f float64) vector     { return vector{v.x * f, v.y * f, v.z * f} }
func (v vector) dot(w vector) float64       { return v.x*w.x + v.y*w.y + v.z*w.z }
func (v vector) norm() float64              { return math.Sqrt(v.dot(v)) }
func (v vector) unit() vector               { return v.scale(1 / v.norm()) }
func (v vector) distance2(w vector) float64 { d := v.minus(w); return d.dot(d) }
func (v vector) cross(w vector) vector {
	return vector{v.y*w.z - v.z*w.y, v.z*w.x - v.x*w.z, v.x*w.y - v.y*w.x}
}

// normal is twice the cross product. Where v and w are all but parallel their
// difference is exact and the direction of the product is right; v.cross(w)
// would be the noise of rounding.
func (v vector) normal(w vector) vector { return v.minus(w).cross(v.plus(w)) }

// angle between unit vectors, exact to rounding for all angles: W. Kahan, How
// Futile are Mindless Assessments of Roundoff, section 12.
func (v vector) angle(w vector) float64 {
	return 2 * math.Atan2(v.minus(w).norm(), v.plus(w).norm())
}
