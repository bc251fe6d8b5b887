package geo

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/topology"
)

const degree = Radius * math.Pi / 180 // in metres, along a great circle

func line(t testing.TB, latLon ...float64) Line {
	t.Helper()
	var route []topology.Point
	for i := 0; i < len(latLon); i += 2 {
		route = append(route, topology.Point{Lat: latLon[i], Lon: latLon[i+1]})
	}
	l, ok := Lay(route)
	if !ok {
		t.Fatalf("no line of %v", latLon)
	}
	return l
}

// TestDistance: what is known without a program.
func TestDistance(t *testing.T) {
	metre := 1 / degree // in degrees
	for _, c := range []struct {
		name string
		k, l []float64
		want float64 // in degrees
	}{
		{"across", []float64{0, -1, 0, 1}, []float64{-1, 0, 1, 0}, 0},
		{"touching at an end", []float64{0, -1, 0, 1}, []float64{0, 0, 1, 0}, 0},
		{"end to end", []float64{0, 0, 0, 1}, []float64{0, 1, 0, 2}, 0},
		{"one after the other", []float64{0, 0, 0, 1}, []float64{0, 3, 0, 5}, 2},
		{"one after the other on a meridian", []float64{10, 77, 20, 77}, []float64{-5, 77, 3, 77}, 7},
		{"one on the other", []float64{0, 0, 0, 9}, []float64{0, 3, 0, 4}, 0},
		{"the same", []float64{35, 139, 34, 135}, []float64{35, 139, 34, 135}, 0},
		{"the same, backwards", []float64{35, 139, 34, 135}, []float64{34, 135, 35, 139}, 0},
		{"beside the middle", []float64{0, -1, 0, 1}, []float64{2, 0, 5, 0}, 2},
		{"beside an end", []float64{0, -1, 0, 1}, []float64{0, 4, 5, 4}, 3},
		{"on the other side", []float64{0, -1, 0, 1}, []float64{0, 179, 0, -179}, 178},
		{"a point above the pole of the arc", []float64{0, -1, 0, 1}, []float64{90, 0, 90, 0}, 90},
		{"over the date line", []float64{0, 179, 0, -179}, []float64{1, 180, 2, 180}, 1},
		{"over the date line, the other name", []float64{0, 179, 0, -179}, []float64{1, -180, 2, -180}, 1},
		{"over the pole", []float64{80, 0, 80, 180}, []float64{80, 90, 80, -90}, 0},
		{"beside the pole", []float64{80, 0, 80, 180}, []float64{80, 90, 85, 90}, 5},
		{"two points", []float64{10, 20, 10, 20}, []float64{12, 20, 12, 20}, 2},
		{"a point beside an arc", []float64{3, 0, 3, 0}, []float64{0, -1, 0, 1}, 3},
		{"one metre apart", []float64{0, 0, 0, 50}, []float64{metre, 20, 1, 20}, metre},
		{"one millimetre apart", []float64{0, 0, 0, 50}, []float64{metre / 1000, 20, 1, 20}, metre / 1000},
		{"an arc of a metre", []float64{0, 0, 0, metre}, []float64{2 * metre, metre / 2, 1, metre / 2}, 2 * metre},
		{"a route with a bend", []float64{0, -9, 5, -9, 5, 9, 0, 9}, []float64{0, 0, 3, 0}, 2 + bulge},
	} {
		t.Run(c.name, func(t *testing.T) {
			k, l := line(t, c.k...), line(t, c.l...)
			got, _ := Distance(k, l)
			if math.Abs(got-c.want*degree) > 1e-6 {
				t.Errorf("%v m, want %v m", got, c.want*degree)
			}
			if back, _ := Distance(l, k); back != got {
				t.Errorf("%v m there, %v m back", got, back)
			}
		})
	}
}

// bulge is how far, in degrees, the arc along latitude 5 from longitude -9 to
// 9 rises above it: Napier, tan(rise) = tan(5) / cos(9).
var bulge = math.Atan(math.Tan(5*math.Pi/180)/math.Cos(9*math.Pi/180))*180/math.Pi - 5

func TestDistanceSaysWhere(t *testing.T) {
	_, at := Distance(line(t, 10, 170, 10, -170), line(t, 0, 180, 30, 180))
	if math.Abs(at.Lat-10.151) > 0.01 || math.Abs(math.Abs(at.Lon)-180) > 1e-9 {
		t.Errorf("at %v", at)
	}
	if d, _ := Distance(line(t, 1, 1, 2, 2), Line{}); !math.IsInf(d, 1) {
		t.Errorf("%v m from nowhere", d)
	}
}

func TestLay(t *testing.T) {
	for _, c := range []struct {
		name  string
		route []topology.Point
		want  bool
	}{
		{"none", nil, false},
		{"one point", []topology.Point{{Lat: 1, Lon: 1}}, false},
		{"two points", []topology.Point{{Lat: 1, Lon: 1}, {Lat: 2, Lon: 1}}, true},
		{"one point twice", []topology.Point{{Lat: 1, Lon: 1}, {Lat: 1, Lon: 1}}, true},
		{"pole to pole", []topology.Point{{Lat: 90}, {Lat: -90}}, false},
		{"opposite", []topology.Point{{Lat: 10, Lon: 20}, {Lat: -10, Lon: -160}}, false},
		{"opposite by 11 km", []topology.Point{{Lat: 10, Lon: 20}, {Lat: -10.1, Lon: -160}}, true},
		{"no number", []topology.Point{{Lat: 10, Lon: 20}, {Lat: math.NaN(), Lon: 1}}, false},
	} {
		if _, ok := Lay(c.route); ok != c.want {
			t.Errorf("%s: %v", c.name, ok)
		}
	}
}

// drawPoint draws a place near others: within a millionth of a degree up to
// the whole sphere, around places where longitudes behave badly, too.
func drawRoute(t *rapid.T, name string, most int) []topology.Point {
	centre := rapid.SampledFrom([]topology.Point{{Lat: 35.68, Lon: 139.76}, {Lat: 90}, {Lat: -89.999, Lon: 7}, {Lat: 0, Lon: 180}, {}}).Draw(t, "centre")
	size := rapid.SampledFrom([]float64{1e-6, 0.01, 1, 30}).Draw(t, "size")
	route := make([]topology.Point, rapid.IntRange(2, most).Draw(t, name+" points"))
	for i := range route {
		p := centre
		p.Lat += size * rapid.Float64Range(-1, 1).Draw(t, "lat")
		p.Lon += size * rapid.Float64Range(-1, 1).Draw(t, "lon")
		p.Lat = max(-90, min(90, p.Lat))
		p.Lon = math.Remainder(p.Lon, 360)
		route[i] = p
	}
	return route
}

func drawLine(t *rapid.T, name string) Line {
	l, ok := Lay(drawRoute(t, name, 4))
	if !ok {
		t.Skip("antipodal")
	}
	return l
}

// samples are places along a line, no two neighbours more than step apart.
func samples(l Line) (places []vector, step float64) {
	const n = 100
	for i := range l.arcs {
		c := &l.arcs[i]
		for j := range n + 1 {
			// On the chord, and out to the sphere: shares no formula with at.
			f := float64(j) / n
			places = append(places, c.a.scale(1-f).plus(c.b.scale(f)).unit())
		}
		for j := len(places) - n; j < len(places); j++ {
			step = max(step, math.Acos(min(1, places[j-1].dot(places[j]))))
		}
	}
	return places, step + 3e-8 // acos is no better than that
}

// apart is the naive angle between places.
func apart(p, q vector) float64 { return math.Atan2(p.cross(q).norm(), p.dot(q)) }

// TestDistanceTwin: against places sampled along both lines.
func TestDistanceTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k, l := drawLine(t, "k"), drawLine(t, "l")
		ps, stepK := samples(k)
		qs, stepL := samples(l)
		naive := math.Inf(1)
		for _, p := range ps {
			for _, q := range qs {
				naive = min(naive, apart(p, q))
			}
		}
		got, at := Distance(k, l)
		if got > naive*Radius+1e-6 || got < (naive-stepK/2-stepL/2)*Radius-1e-6 {
			t.Fatalf("%v m, naively %v m, sampled every %v m", got, naive*Radius, (stepK+stepL)*Radius)
		}
		if back, _ := Distance(l, k); back != got {
			t.Fatalf("%v m there, %v m back", got, back)
		}
		// From far away the foot on an arc is less exact than the distance.
		exact := 1e-6 + 1e-8*got
		if d, _ := Distance(k, pointLine(at)); d > exact {
			t.Fatalf("%v is %v m off the line", at, d)
		}
		if d, _ := Distance(pointLine(at), l); math.Abs(d-got) > exact {
			t.Fatalf("%v m, but %v is %v m from the other", got, at, d)
		}
	})
}

func pointLine(p topology.Point) Line { return Line{arcs: []arc{pointArc(place(p))}} }

// TestDistanceTurned: the earth has no preferred direction.
func TestDistanceTurned(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k, l := drawLine(t, "k"), drawLine(t, "l")
		angle := rapid.Float64Range(0, 7)
		spin, tilt := angle.Draw(t, "spin"), angle.Draw(t, "tilt")
		want, _ := Distance(k, l)
		got, _ := Distance(turn(k, spin, tilt), turn(l, spin, tilt))
		if math.Abs(got-want) > 1e-6 {
			t.Fatalf("%v m, turned %v m", want, got)
		}
	})
}

func turn(l Line, spin, tilt float64) (turned Line) {
	about := func(v vector) vector {
		sin, cos := math.Sincos(spin)
		v = vector{cos*v.x - sin*v.y, sin*v.x + cos*v.y, v.z}
		sin, cos = math.Sincos(tilt)
		return vector{v.x, cos*v.y - sin*v.z, sin*v.y + cos*v.z}
	}
	for _, c := range l.arcs {
		d, _ := newArc(about(c.a), about(c.b))
		turned.arcs = append(turned.arcs, d)
	}
	return turned
}

// TestOutsideTwin: a sampled place is left if and only if it is in no disc.
func TestOutsideTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := drawLine(t, "l")
		var discs []Disc
		for _, p := range drawRoute(t, "discs", 3) {
			discs = append(discs, Disc{p, topology.Distance(math.Exp(rapid.Float64Range(0, 16.8).Draw(t, "log radius")))})
		}
		// A centre on the line, too: that is where ends are.
		discs = append(discs, Disc{l.arcs[0].a.point(), discs[0].Radius / 2})
		left := l.Outside(discs)
		ps, _ := samples(l)
		for _, p := range ps {
			out, rim := true, false
			for _, d := range discs {
				past := apart(p, place(d.Centre))*Radius - float64(d.Radius)
				out = out && past > 0
				rim = rim || math.Abs(past) < 1e-5
			}
			metres, _ := least(Line{arcs: []arc{pointArc(p)}}, left, -1)
			if metres *= Radius; !rim && out != (metres < 1e-6) {
				t.Fatalf("%v is outside: %v, but %v m from what is left", p.point(), out, metres)
			}
		}
		for _, c := range left.arcs {
			for _, p := range []vector{c.a, c.at(c.length / 2), c.b} {
				for _, d := range discs {
					if past := p.angle(place(d.Centre))*Radius - float64(d.Radius); past < -1e-6 && d.Radius > 0 {
						t.Fatalf("%v is left, %v m inside %v", p.point(), -past, d)
					}
				}
				if off, _ := least(Line{arcs: []arc{pointArc(p)}}, l, -1); off*Radius > 1e-6 {
					t.Fatalf("%v is left, %v m off the line", p.point(), off*Radius)
				}
			}
		}
	})
}

func TestOutside(t *testing.T) {
	l := line(t, 0, 0, 0, 10)
	for _, c := range []struct {
		name  string
		discs []Disc
		want  []float64 // ends of the pieces, degrees east
	}{
		{"none", nil, []float64{0, 10}},
		{"elsewhere", []Disc{{topology.Point{Lat: 50}, 1000}}, []float64{0, 10}},
		{"of no size", []Disc{{topology.Point{Lon: 5}, 0}}, []float64{0, 10}},
		{"at the ends", []Disc{{topology.Point{}, degrees(1)}, {topology.Point{Lon: 10}, degrees(2)}}, []float64{1, 8}},
		{"in the middle", []Disc{{topology.Point{Lon: 5}, degrees(1)}}, []float64{0, 4, 6, 10}},
		{"overlapping", []Disc{{topology.Point{Lon: 6}, degrees(2)}, {topology.Point{Lon: 5}, degrees(2)}}, []float64{0, 3, 8, 10}},
		{"beside, 3-4-5 but for the sphere", []Disc{{topology.Point{Lat: 0.03, Lon: 5}, degrees(0.05)}}, []float64{0, 4.96, 5.04, 10}},
		{"all", []Disc{{topology.Point{}, degrees(10.1)}}, nil},
		{"the earth", []Disc{{topology.Point{Lat: 90}, 1 << 60}}, nil},
		{"past the pole of the arc", []Disc{{topology.Point{Lat: 90}, degrees(89.9)}}, []float64{0, 10}},
	} {
		t.Run(c.name, func(t *testing.T) {
			left := l.Outside(c.discs)
			var got []float64
			for _, a := range left.arcs {
				got = append(got, a.a.point().Lon, a.b.point().Lon)
			}
			if len(got) != len(c.want) {
				t.Fatalf("%v, want %v", got, c.want)
			}
			for i := range got {
				if math.Abs(got[i]-c.want[i]) > 1e-5 { // a disc is of whole metres
					t.Errorf("%v, want %v", got, c.want)
				}
			}
		})
	}
}

func degrees(d float64) topology.Distance { return topology.Distance(math.Round(d * degree)) }

func TestText(t *testing.T) {
	for p, want := range map[topology.Point]string{
		{Lat: 35.681236, Lon: 139.767125}: "35.68124,139.76713",
		{Lat: -1e-9, Lon: -180}:           "0.00000,-180.00000",
	} {
		if got := Text(p); got != want {
			t.Errorf("%v: %s, want %s", p, got, want)
		}
	}
}

// FuzzDistance: whatever a file may say of two cables, the distance is a
// number, the same both ways, and no more than that between their ends.
func FuzzDistance(f *testing.F) {
	f.Add(0.0, 0.0, 0.0, 10.0, 0.0, 5.0, 10.0, 5.0, uint32(1000))
	f.Add(90.0, 0.0, -90.0, 0.0, 0.0, 180.0, 0.0, -180.0, uint32(0))
	f.Add(1e-300, 0.0, 0.0, 1e-300, 1e-17, 0.0, 1e-16, 0.0, uint32(1<<31))
	f.Fuzz(func(t *testing.T, lat1, lon1, lat2, lon2, lat3, lon3, lat4, lon4 float64, radius uint32) {
		points := []topology.Point{{Lat: lat1, Lon: lon1}, {Lat: lat2, Lon: lon2}, {Lat: lat3, Lon: lon3}, {Lat: lat4, Lon: lon4}}
		for _, p := range points {
			if topology.CheckLatitude(p.Lat) != nil || topology.CheckLongitude(p.Lon) != nil {
				return
			}
		}
		k, ok := Lay(points[:2])
		l, also := Lay(points[2:])
		if !ok || !also {
			return
		}
		there, _ := Distance(k, l)
		back, _ := Distance(l, k)
		if !(there >= 0) || there != back || there > place(points[0]).angle(place(points[2]))*Radius+1e-6 {
			t.Errorf("%v m there, %v m back", there, back)
		}
		disc := Disc{Centre: points[0], Radius: topology.Distance(radius)}
		if cut, _ := Distance(k.Outside([]Disc{disc}), l.Outside([]Disc{disc})); !(cut >= there-1e-6) {
			t.Errorf("%v m, without the disc %v m", cut, there)
		}
		if run := lengthBeside(k, l, disc.Radius); !(run >= 0 && run <= k.arcs[0].length*Radius+1e-6) || run > 0 && there > float64(radius)+1 {
			t.Errorf("beside for %v m, %v m apart", run, there)
		}
	})
}
