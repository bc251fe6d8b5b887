package geo

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/topology"
)

func TestBeside(t *testing.T) {
	equator := []float64{0, 0, 0, 10}
	for _, c := range []struct {
		name      string
		l, k      []float64
		within    topology.Distance
		want, off float64 // degrees
	}{
		{"itself", equator, equator, 1, 10, 0},
		{"itself, backwards", equator, []float64{0, 10, 0, 0}, 1, 10, 0},
		{"elsewhere", equator, []float64{50, 0, 50, 10}, 1000, 0, 0},
		{"a part of it", equator, []float64{0, 4, 0, 6}, 1, 2, 1e-4},
		{"on and past its end", equator, []float64{0, 4, 0, 12}, degrees(1), 7, 1e-4},
		{"across", equator, []float64{-1, 5, 1, 5}, 200, 400 / degree, 1e-7},
		{"across at an end", equator, []float64{-1, 0, 1, 0}, 200, 200 / degree, 1e-7},
		{"across at 30 degrees", []float64{0, 0, 0, 1}, []float64{-.2 * math.Sqrt(1./3), .3, .2 * math.Sqrt(1./3), .7}, 200, 800 / degree, 1e-6},
		{"beside at one degree", equator, []float64{1, 4, 1, 6}, degrees(1.0002), 2, 0.1},
		{"a bend that touches", equator, []float64{1, 3, 0.001, 5, 1, 7}, 200, 2 * math.Sqrt(200*200-111.195*111.195) / degree, 2e-3},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := lengthBeside(line(t, c.l...), line(t, c.k...), c.within)
			if math.Abs(got-c.want*degree) > c.off*degree+0.01 {
				t.Errorf("%v m, want %v m", got, c.want*degree)
			}
		})
	}
}

// TestBesideTwin: a sampled place lies in a span if and only if it is near.
func TestBesideTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, k := drawLine(t, "l"), drawLine(t, "k")
		angle := math.Exp(rapid.Float64Range(0, 16.8).Draw(t, "log within")) / Radius
		spans := l.beside(k, angle)
		for i, s := range spans {
			if s.from > s.to || i > 0 && s.from <= spans[i-1].to {
				t.Fatalf("spans %v", spans)
			}
		}
		start := 0.0
		for i := range l.arcs {
			c := &l.arcs[i]
			for j := range 101 {
				p := c.at(c.length * float64(j) / 100)
				apart, _ := least(Line{arcs: []arc{pointArc(p)}}, k, -1)
				if math.Abs(apart-angle)*Radius < 1e-5 {
					continue // on the rim
				}
				at, in := start+c.length*float64(j)/100, false
				for _, s := range spans {
					in = in || s.from-1e-12 <= at && at <= s.to+1e-12
				}
				if in != (apart < angle) {
					t.Fatalf("%v is %v m away, within %v m: %v", p.point(), apart*Radius, angle*Radius, in)
				}
			}
			start += c.length
		}
	})
}

// lengthBeside is the length in metres of what of l lies within a distance of k.
func lengthBeside(l, k Line, within topology.Distance) float64 {
	sum, _ := total(l.beside(k, (float64(within)+Tolerance)/Radius))
	return sum * Radius
}
