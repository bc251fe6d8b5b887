package foreign

import (
	"math"
	"strconv"

	"github.com/keiro-net/keiro/topology"
)

// demands names the demands and their ends. Two demands that lead opposite ways
// become one, of the larger bandwidth, since an intent reserves its bandwidth in
// both directions. What asks for nothing is left out.
func (b *builder) demands() []Demand {
	g := b.g
	namer := newNamer()
	demands := make([]Demand, 0, len(g.Demands))
	waiting := map[[2]int][]int{} // demands without their opposite, by their ends
	for i := range g.Demands {
		d := g.Demands[i]
		from, to := g.end(d.Line, d.From), g.end(d.Line, d.To)
		switch {
		case len(g.Errors) > 0:
			continue
		case from == to:
			g.Report.Add("demands from a node to itself, left out", d.Name)
			continue
		case d.Bandwidth == 0:
			g.Report.Add("demands for no bandwidth, left out", d.Name)
			continue
		}
		if others := waiting[[2]int{to, from}]; len(others) > 0 {
			waiting[[2]int{to, from}] = others[1:]
			first := &demands[others[0]]
			first.Bandwidth = max(first.Bandwidth, d.Bandwidth)
			first.MaxHops = tighter(first.MaxHops, d.MaxHops)
			g.Report.Add("demands joined with one of the opposite direction, at the larger bandwidth", d.Name)
			continue
		}
		name := clean(d.Name)
		if name == "" {
			name = "demand-" + strconv.Itoa(i)
		}
		waiting[[2]int{from, to}] = append(waiting[[2]int{from, to}], len(demands))
		d.Name, d.From, d.To = namer.take(name), b.nodes[from].Name, b.nodes[to].Name
		demands = append(demands, d)
	}
	return demands
}

// tighter is the smaller of two bounds of which 0 is none.
func tighter(a, b int) int {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

// Rate is a number of the file in bits a second, rounded to a whole number of
// them; ok is false where it is no bandwidth.
func Rate(number, unit float64) (rate topology.Bandwidth, ok bool) {
	v := math.Round(number * unit)
	return topology.Bandwidth(v), v >= 0 && v <= float64(topology.MaxBandwidth)
}

// Need is as Rate, rounded up: a demand is not met by less. What is a whole
// number but for the arithmetic of floats stays one.
func Need(number, unit float64) (rate topology.Bandwidth, ok bool) {
	v := number * unit
	if whole := math.Round(v); math.Abs(v-whole) > 1e-9*v {
		v = math.Ceil(v)
	}
	return Rate(v, 1)
}
