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

// CableDelay is the delay of a cable between places so far apart. A cable is
// taken to be one and a half times as long as the great circle (ITU-T G.826 for
// up to 1000 km), and light to take 5 us a kilometre (ITU-T G.114, table A.1).
// It is rounded up.
func CableDelay(d Distance) Delay { return Delay((int64(d)*3 + 399) / 400) }
