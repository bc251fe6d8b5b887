package foreign

import (
	"math"

	"github.com/keiro-net/keiro/topology"
)

const (
	earthRadius = 6371.0088 // km, mean radius of the Earth (IUGG, GRS 80)
	kmPerMs     = 200       // light in fibre: c over a group index of 1.5
)

// DelayRule is RouteKm and the delay of it, in words.
const DelayRule = "great circle in km, times 1.5 below 1000 km, 1500 km up to 1200 km, times 1.25 beyond, at 200 km a millisecond"

// RouteKm estimates the length of a cable between places that are the given
// length of great circle apart: cables follow roads and coasts, long ones less
// so. The factors are those commonly used for reference networks (S. K. Betker
// et al., Reference Transport Network Scenarios, MultiTeraNet 2003).
func RouteKm(greatCircle float64) float64 {
	switch {
	case greatCircle < 1000:
		return 1.5 * greatCircle
	case greatCircle <= 1200:
		return 1500
	}
	return 1.25 * greatCircle
}

// greatCircleKm is the distance of two points on a sphere, by the haversine
// formula, which is exact enough for near and for far points.
func greatCircleKm(a, b topology.Point) float64 {
	const degree = math.Pi / 180
	lat := math.Sin((b.Lat - a.Lat) * degree / 2)
	lon := math.Sin((b.Lon - a.Lon) * degree / 2)
	h := lat*lat + math.Cos(a.Lat*degree)*math.Cos(b.Lat*degree)*lon*lon
	return 2 * earthRadius * math.Asin(math.Sqrt(min(1, h)))
}

// deriveDelay is the delay of a cable between two places, to the microsecond.
func deriveDelay(a, b topology.Point) topology.Delay {
	return topology.Delay(math.Round(RouteKm(greatCircleKm(a, b)) * 1000 / kmPerMs))
}
