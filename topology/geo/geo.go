// Package geo measures how near cables lie to each other on the ground: the
// great-circle arcs of their routes, what of them lies outside a radius around
// the ends, which pairs come too near, and where they run side by side. It is
// pure. It never decides what is near enough, never guesses a route that
// nobody stated, and knows no path. pathspec.Check measures with it,
// pathspec/solve makes risks of its pairs, the command line makes candidate
// risks of shared ground.
//
// The earth is a sphere here. Against the ellipsoid (WGS 84) a distance is
// wrong by up to 0.56 %, which is less than the error of most drawn routes.
package geo

import (
	"fmt"
	"math"

	"github.com/keiro-net/keiro/topology"
)

// Radius of the sphere in metres: the mean radius R1 of the earth (IUGG, in
// H. Moritz, Geodetic Reference System 1980).
const Radius = 6_371_008.8

// Tolerance in metres. What is nearer than the wanted distance and this counts
// as too near: rounding never makes two cables separate. It is far above the
// error of the computation, which stays under a micrometre.
const Tolerance = 0.001

// Disc is the ground within a radius of a place, its rim included.
type Disc struct {
	Centre topology.Point
	Radius topology.Distance
}

// TooNear reports whether a measured distance in metres is less than the
// wanted one, or not surely as much.
func TooNear(metres float64, wanted topology.Distance) bool {
	return metres < float64(wanted)+Tolerance
}

// Rounded is a place to five decimals, about a metre, for people to find.
func Rounded(p topology.Point) topology.Point {
	return topology.Point{Lat: math.Round(p.Lat*1e5)/1e5 + 0, Lon: math.Round(p.Lon*1e5)/1e5 + 0} // + 0: no -0
}

// Text is a place as maps take it: latitude, longitude.
func Text(p topology.Point) string {
	p = Rounded(p)
	return fmt.Sprintf("%.5f,%.5f", p.Lat, p.Lon)
}
