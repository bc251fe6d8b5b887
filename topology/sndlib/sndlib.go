// Package sndlib reads the networks of SNDlib (http://sndlib.zib.de), in XML
// and in its native format, with their demands. It is pure: bytes in, a topology
// out. It neither dimensions a network nor routes its demands; what becomes of
// nodes and links is package foreign. The command line calls it.
package sndlib

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/foreign"
)

// Module says which of the modules that could be bought gives the capacity of a
// link with nothing installed.
type Module uint8

// Such a link has no known capacity, or that of its smallest or largest module.
const (
	NoModule Module = iota
	Smallest
	Largest
)

// Modules are the words for the modules, in their order.
var Modules = []string{"none", "smallest", "largest"}

// Options are what a file does not say.
type Options struct {
	Module  Module
	Unit    topology.Bandwidth // what the number 1 stands for; 0: as the file says
	Demands bool               // read the demands
}

// units are what a file may state in meta/unit.
var units = map[string]topology.Bandwidth{
	"BITPERSEC": 1, "KBITPERSEC": 1e3, "MBITPERSEC": 1e6, "GBITPERSEC": 1e9, "TBITPERSEC": 1e12,
}

// Import makes a topology of an SNDlib file.
func Import(file string, data []byte, options Options) (*foreign.Import, error) {
	r := &reader{g: foreign.NewGraph(file, data), options: options}
	switch {
	case len(r.g.Errors) > 0:
	case bytes.HasPrefix(data, []byte("?SNDlib native format")):
		r.native(data)
	default:
		r.g.ReadXML(data, "network", r.network)
	}
	r.finish()
	return r.g.Build()
}

// reader collects what both forms of a file say. Its amounts are in the unit of
// the file, which may be stated anywhere.
type reader struct {
	g        *foreign.Graph
	options  Options
	unit     string
	unitLine int
	pixels   bool // the coordinates of nodes are no places
	amounts  []amount
	volumes  []float64 // of each demand
	leftOut  int       // demands not asked for
}

// amount is the capacity of a link.
type amount struct {
	installed         float64
	smallest, largest float64 // of the modules; 0: there is none
}

// module takes a module that could be bought.
func (a *amount) module(capacity float64) {
	if capacity > 0 && (a.smallest == 0 || capacity < a.smallest) {
		a.smallest = capacity
	}
	a.largest = max(a.largest, capacity)
}

func (r *reader) finish() {
	g := r.g
	unit := float64(r.unitOf())
	for i := range r.amounts {
		r.setCapacity(&g.Edges[i], r.amounts[i], unit)
	}
	for i := range r.volumes {
		d := &g.Demands[i]
		var ok bool
		if d.Bandwidth, ok = foreign.Need(r.volumes[i], unit); !ok {
			g.Fail(d.Line, "demand %.80q is too large: want at most %v", d.Name, topology.MaxBandwidth)
		}
	}
	g.Report.Count("demands, left out (--demands prints them as intents)", r.leftOut)
}

// unitOf is what the number 1 stands for; 0 is unknown.
func (r *reader) unitOf() topology.Bandwidth {
	stated, known := units[strings.ToUpper(r.unit)]
	switch {
	case r.options.Unit != 0:
		if known && stated != r.options.Unit {
			r.g.Report.Add("units of the file, overridden by --unit", r.unit)
		}
		return r.options.Unit
	case known:
		return stated
	case len(r.volumes) > 0 && r.unit == "":
		r.g.Fail(0, "no unit of the demands is stated: give it with --unit, such as --unit Mbps")
	case len(r.volumes) > 0:
		r.g.Fail(r.unitLine, "unit %.80q is no unit of bandwidth: give one with --unit, such as --unit Mbps", r.unit)
	}
	return 0
}

// setCapacity gives an edge what is installed on it, or what a module would be,
// marked as derived since nobody says that it was bought.
func (r *reader) setCapacity(e *foreign.Edge, a amount, unit float64) {
	number, module := a.installed, false
	if number == 0 && r.options.Module != NoModule {
		number, module = a.smallest, true
		if r.options.Module == Largest {
			number = a.largest
		}
	}
	capacity, ok := foreign.Rate(number, unit)
	name := e.From + "--" + e.To
	switch {
	case number == 0 && a.largest > 0:
		r.g.Report.Add("links with no capacity installed, left unknown; --module takes a module for it", name)
	case number == 0:
		r.g.Report.Add("links with no capacity installed and no module, left unknown", name)
	case unit == 0:
		r.g.Report.Add("links with a capacity of unknown unit, left unknown; --unit gives one", name)
	case !ok:
		r.g.Report.Add("capacities out of range, left unknown", name)
	case module:
		r.g.Report.Add(fmt.Sprintf("links given the capacity of their %s module, which is not installed, marked derived", Modules[r.options.Module]), name)
		e.Capacity = topology.Derive(capacity)
	default:
		e.Capacity = topology.Declare(capacity)
	}
}

// number reads a number of the file that is not negative.
func (r *reader) number(line int, what, s string) float64 {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || !(v >= 0) || math.IsInf(v, 0) {
		r.g.Fail(line, "bad %s %.80q: want a number, not negative", what, s)
		return 0
	}
	return v
}

// coordinate reads degrees, or the pixels of a drawing.
func (r *reader) coordinate(line int, s string) topology.Attr[float64] {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		r.g.Fail(line, "bad coordinate %.80q: want a number", s)
		return topology.Attr[float64]{}
	}
	return topology.Declare(v)
}

// drawn takes the place from a node that has one in a drawing only.
func (r *reader) drawn(n *foreign.Node) {
	if n.Lat.Known() || n.Lon.Known() {
		r.g.Report.Add("nodes with coordinates in pixels of a drawing, which are no places", n.Key)
	}
	n.Lat, n.Lon = topology.Attr[float64]{}, topology.Attr[float64]{}
}

// addLink reports whether more can be read.
func (r *reader) addLink(e foreign.Edge, a amount) bool {
	r.amounts = append(r.amounts, a)
	return r.g.AddEdge(e)
}

// addDemand reports whether more can be read.
func (r *reader) addDemand(d foreign.Demand, volume float64) bool {
	if !r.options.Demands {
		r.leftOut++
		return true
	}
	r.volumes = append(r.volumes, volume)
	return r.g.AddDemand(d)
}

// hops reads the longest path of a demand; 0 is no bound.
func (r *reader) hops(line int, s string) int {
	v := r.number(line, "longest path", s)
	if v > 1e6 {
		return 0
	}
	return int(v)
}
