// Package foreign makes a topology of what the file of another tool says:
// legal and unique names, sites of places, delays of distances, one link of two
// directed edges, and a report of what was derived, changed or left out. It is
// pure, reads no format and asks no operator. The readers of formats (gml,
// graphml, sndlib, repetita) fill its Graph; the command line prints its report.
package foreign

import (
	"fmt"

	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/strictyaml"
)

// The bounds of what is read of a file. Each object costs some hundred bytes.
const (
	MaxBytes   = strictyaml.MaxBytes
	MaxObjects = 1 << 17 // nodes, and likewise demands
	MaxEdges   = 2 * MaxObjects
	MaxDepth   = 64 // of lists in lists, elements in elements
)

// Graph is what a file says, in the order of the file. Readers add to it; what
// they cannot read goes to Errors, what they leave out to Report.
type Graph struct {
	Name    string // of the network; "" is the name of the file
	Nodes   []Node
	Edges   []Edge
	Demands []Demand
	Report  Report
	Errors  strictyaml.Errors

	file   string         // being read
	source string         // the first
	index  map[string]int // of Nodes, by Key
	// unknown are the attributes reported as left out.
	unknown map[string]bool
}

// Node is a node of the file.
type Node struct {
	Key      string // what edges call it
	Label    string // what people call it: neither clean nor unique; "" is none
	Line     int
	Lat, Lon topology.Attr[float64]
	Country  string // English name or ISO 3166-1 alpha-2
	// External is a node of somebody else's network, Junction a place where
	// cables meet and no router need be.
	External, Junction bool
	Labels             map[string]string
}

// Edge is an edge of the file: a whole link, or one direction of it.
type Edge struct {
	From, To string // keys of nodes
	Line     int
	Directed bool
	Metric   int64 // 0: not given
	Capacity topology.Attr[topology.Bandwidth]
	Delay    topology.Attr[topology.Delay]
	Labels   map[string]string
}

// Demand is traffic that the file wants carried.
type Demand struct {
	Name      string
	From, To  string // keys of nodes; names of nodes in an Import
	Line      int
	Bandwidth topology.Bandwidth
	MaxHops   int // 0: no bound
}

// NewGraph begins the graph of a file. A file that is too large is an error.
func NewGraph(file string, data []byte) *Graph {
	g := &Graph{index: map[string]int{}, unknown: map[string]bool{}, source: file}
	g.Read(file, data)
	return g
}

// Read goes on with another file of the same graph.
func (g *Graph) Read(file string, data []byte) {
	g.file = file
	if len(data) > MaxBytes {
		g.Fail(0, "%d bytes are too many: the limit is %d", len(data), MaxBytes)
	}
}

// maxErrors is how many mistakes are told; more are counted by nobody, since
// each costs the writing of it.
const maxErrors = 100

// Fail reports a mistake in the file.
func (g *Graph) Fail(line int, format string, args ...any) {
	if len(g.Errors) > maxErrors {
		return
	}
	g.Errors.Add(strictyaml.Error{File: g.file, Line: line, Msg: fmt.Sprintf(format, args...)})
}

// AddNode appends a node. It reports whether more can be read.
func (g *Graph) AddNode(n Node) bool {
	if first, twice := g.index[n.Key]; twice {
		g.Fail(n.Line, "node %.80q stands twice: first on line %d", n.Key, g.Nodes[first].Line)
		return true
	}
	if lat, ok := n.Lat.Get(); ok {
		g.check(n.Line, topology.CheckLatitude(lat))
	}
	if lon, ok := n.Lon.Get(); ok {
		g.check(n.Line, topology.CheckLongitude(lon))
	}
	g.index[n.Key] = len(g.Nodes)
	g.Nodes = append(g.Nodes, n)
	return g.bounded(n.Line, "nodes", len(g.Nodes), MaxObjects)
}

// AddEdge appends an edge. It reports whether more can be read.
func (g *Graph) AddEdge(e Edge) bool {
	g.Edges = append(g.Edges, e)
	return g.bounded(e.Line, "edges", len(g.Edges), MaxEdges)
}

// AddDemand appends a demand. It reports whether more can be read.
func (g *Graph) AddDemand(d Demand) bool {
	g.Demands = append(g.Demands, d)
	return g.bounded(d.Line, "demands", len(g.Demands), MaxObjects)
}

func (g *Graph) bounded(line int, what string, n, limit int) bool {
	if n > limit {
		g.Fail(line, "too many %s: the limit is %d", what, limit)
	}
	return n <= limit
}

func (g *Graph) check(line int, err error) {
	if err != nil {
		g.Fail(line, "%v", err)
	}
}

// end finds a node that an edge or a demand names.
func (g *Graph) end(line int, key string) int {
	n, ok := g.index[key]
	if !ok {
		g.Fail(line, "no such node %.80q", key)
	}
	return n
}
