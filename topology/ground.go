package topology

import "math"

// EarthRadius is the mean radius of the earth (IUGG R1), in metres.
const EarthRadius = 6_371_009

// GreatCircle is the shortest way over the ground, on a sphere (haversine
// formula; Sinnott 1984). It is off by 0.5 % at most.
func GreatCircle(a, b Point) Distance {
	const radian = math.Pi / 180
	lat, lon := math.Sin((b.Lat-a.Lat)*radian/2), math.Sin((b.Lon-a.Lon)*radian/2)
	h := lat*lat + math.Cos(a.Lat*radian)*math.Cos(b.Lat*radian)*lon*lon
	return Distance(math.Round(2 * EarthRadius * math.Asin(math.Min(1, math.Sqrt(h)))))
}

// DelayRule is CableDelay in words.
const DelayRule = "great circle in km, times 1.5 below 1000 km, 1500 km up to 1200 km, times 1.25 beyond, at 200 km a millisecond"

// CableDelay estimates the delay of a cable between places that are the given
// length of great circle apart. Cables follow roads and coasts, long ones less
// so; the factors are those of ITU-T G.826 (routing factor), as commonly used
// for reference networks (S. K. Betker et al., Reference Transport Network
// Scenarios, MultiTeraNet 2003). Light takes 5 us a kilometre (ITU-T G.114,
// table A.1). It is rounded up, to the microsecond, and never falls as d grows.
func CableDelay(d Distance) Delay {
	m := int64(d)
	switch {
	case m < 1_000_000:
		return Delay((m*3 + 399) / 400)
	case m <= 1_200_000:
		return 7500
	}
	return Delay((m*5 + 799) / 800)
}
