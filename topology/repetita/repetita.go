// Package repetita reads the graphs and demands of Repetita (S. Gay, P. Schaus,
// S. Vissicchio, REPETITA: Repeatable Experiments for Performance Evaluation of
// Traffic-Engineering Algorithms, 2017). It is pure: bytes in, a topology out.
// It runs no experiment; what becomes of nodes and edges is package foreign.
// The command line calls it.
package repetita

import (
	"bytes"
	"math"
	"strconv"
	"strings"

	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/foreign"
)

// unit is that of bw, kbit/s; delays are in microseconds.
const unit = 1e3

// File is a named file.
type File struct {
	Name string
	Data []byte
}

// Import makes a topology of a graph and the demands beside it, which may be
// left out.
func Import(graph File, demands *File) (*foreign.Import, error) {
	g := foreign.NewGraph(graph.Name, graph.Data)
	r := &reader{g: g, lines: lines{data: graph.Data}}
	if len(g.Errors) == 0 {
		r.section("NODES", "label x y", r.node)
		r.section("EDGES", "label src dest weight bw delay", r.edge)
		r.end()
	}
	if demands != nil && len(g.Errors) == 0 {
		g.Read(demands.Name, demands.Data)
		r = &reader{g: g, lines: lines{data: demands.Data}}
		if len(g.Errors) == 0 {
			r.section("DEMANDS", "label src dest bw", r.demand)
			r.end()
		}
	}
	return g.Build()
}

// AreDemands reports whether the file holds demands, and not a graph.
func AreDemands(data []byte) bool { return bytes.HasPrefix(data, []byte("DEMANDS")) }

type reader struct {
	lines
	g      *foreign.Graph
	broken bool
}

// lines cuts a file into lines of fields, without the empty lines.
type lines struct {
	data []byte
	line int
}

// next returns the fields of the next line; nil at the end.
func (l *lines) next() []string {
	for len(l.data) > 0 {
		var line []byte
		line, l.data, _ = bytes.Cut(l.data, []byte("\n"))
		l.line++
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		if len(line) > maxLine {
			return append(strings.Fields(string(line[:maxLine])), "...") // one too many for any record
		}
		return strings.Fields(string(line))
	}
	return nil
}

// maxLine bounds what is read of a line, in bytes.
const maxLine = 4096

func (r *reader) stop(format string, args ...any) {
	if !r.broken {
		r.g.Fail(r.line, format, args...)
	}
	r.broken = true
}

// section reads a header with a count, a line of the names of columns, and as
// many records.
func (r *reader) section(name, columns string, record func(fields []string) bool) {
	if r.broken {
		return
	}
	header := r.next()
	if len(header) != 2 || header[0] != name {
		r.stop("want `%s` and how many there are, found %.80q", name, strings.Join(header, " "))
		return
	}
	count, err := strconv.Atoi(header[1])
	if err != nil || count < 0 {
		r.stop("bad count %.80q: want a whole number", header[1])
		return
	}
	want := strings.Fields(columns)
	if names := r.next(); len(names) != len(want) {
		r.stop("want the names of columns `%s`, found %.80q", columns, strings.Join(names, " "))
	}
	for i := 0; i < count && !r.broken; i++ {
		fields := r.next()
		switch {
		case fields == nil:
			r.stop("the file ends after %d of %d %s", i, count, strings.ToLower(name))
		case len(fields) != len(want):
			r.stop("want %d fields, %s, found %d", len(want), columns, len(fields))
		case !record(fields):
			r.broken = true
		}
	}
}

// end wants the end of the file, so that a count that is too small is no
// silent loss.
func (r *reader) end() {
	if rest := r.next(); rest != nil && !r.broken {
		r.stop("want the end of the file, found %.80q: the count above may be too small", strings.Join(rest, " "))
	}
}

// number reads a number from 0.
func (r *reader) number(what, s string) float64 {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || !(v >= 0) || math.IsInf(v, 0) {
		r.g.Fail(r.line, "bad %s %.80q: want a number, not negative", what, s)
		return 0
	}
	return v
}

// node: a node is known by its place in the list, whatever its label says.
func (r *reader) node(f []string) bool {
	n := foreign.Node{Key: strconv.Itoa(len(r.g.Nodes)), Label: f[0], Line: r.line}
	lon, err := strconv.ParseFloat(f[1], 64)
	lat, err2 := strconv.ParseFloat(f[2], 64)
	switch {
	case err != nil || err2 != nil:
		r.g.Fail(r.line, "bad coordinates %.80q: want longitude and latitude in degrees", f[1]+" "+f[2])
	case lon == 0 && lat == 0: // what the format writes for an unknown place
	default:
		n.Lon, n.Lat = topology.Declare(lon), topology.Declare(lat)
	}
	return r.g.AddNode(n)
}

// index reads the number of a node.
func (r *reader) index(s string) string {
	i, err := strconv.Atoi(s)
	if err != nil || i < 0 || i >= len(r.g.Nodes) {
		r.g.Fail(r.line, "no node %.80q: want a number from 0, below %d", s, len(r.g.Nodes))
		return "0"
	}
	return strconv.Itoa(i)
}

func (r *reader) edge(f []string) bool {
	e := foreign.Edge{
		From: r.index(f[1]), To: r.index(f[2]), Line: r.line, Directed: true,
		Labels: map[string]string{"label": f[0]},
	}
	switch weight := math.Round(r.number("weight", f[3])); {
	case weight >= 1 && weight <= topology.MaxMetric:
		e.Metric = int64(weight)
	default:
		r.g.Report.Add("weights out of range, taken for 1", f[0])
	}
	if capacity, ok := foreign.Rate(r.number("bw", f[4]), unit); ok {
		e.Capacity = topology.Declare(capacity)
	} else {
		r.g.Report.Add("capacities out of range, left unknown", f[0])
	}
	if delay := math.Round(r.number("delay", f[5])); delay <= float64(topology.MaxDelay) {
		e.Delay = topology.Declare(topology.Delay(delay))
	} else {
		r.g.Report.Add("delays out of range, left unknown", f[0])
	}
	return r.g.AddEdge(e)
}

func (r *reader) demand(f []string) bool {
	d := foreign.Demand{Name: f[0], From: r.index(f[1]), To: r.index(f[2]), Line: r.line}
	var ok bool
	if d.Bandwidth, ok = foreign.Need(r.number("bw", f[3]), unit); !ok {
		r.g.Fail(r.line, "bw %.80q is too large: want at most %v", f[3], topology.MaxBandwidth)
	}
	return r.g.AddDemand(d)
}
