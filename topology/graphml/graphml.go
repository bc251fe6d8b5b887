// Package graphml reads graphs in GraphML (http://graphml.graphdrawing.org) as
// the Internet Topology Zoo, networkx and yEd write it. It is pure: bytes in, a
// topology out. It reads the graph and its words; what becomes of them is
// package foreign. The command line calls it.
package graphml

import (
	"maps"
	"strings"

	"github.com/keiro-net/keiro/topology/foreign"
)

// maxKeys bounds how many fields a file declares.
const maxKeys = 10_000

// Import makes a topology of a GraphML file.
func Import(file string, data []byte) (*foreign.Import, error) {
	g := foreign.NewGraph(file, data)
	g.ReadXML(data, "graphml", func(x *foreign.XML, _ *foreign.Element) {
		r := reader{XML: x, g: g, keys: map[string]key{}}
		x.Children(r.top)
		if r.graphAt == 0 {
			x.Stop(0, "no <graph>")
		}
	})
	return g.Build()
}

// key declares a field: an id for the attribute of a name. Ids differ from file
// to file.
type key struct {
	of   string // graph, node, edge or another kind of element; all
	name string
}

type reader struct {
	*foreign.XML
	g        *foreign.Graph
	keys     map[string]key
	directed bool // unless the edge says otherwise
	graphAt  int  // line
	label    string
	network  string
	node     foreign.Node // what a node is by default
	edge     foreign.Edge
}

func (r *reader) top(e *foreign.Element) {
	switch e.Name {
	case "key":
		r.declare(e)
	case "graph":
		if r.graphAt > 0 {
			r.Stop(e.Line, "a second graph: the first is on line %d", r.graphAt)
			return
		}
		r.graphAt = e.Line
		switch direction := e.Attr("edgedefault"); direction {
		case "directed", "undirected":
			r.directed = direction == "directed"
		default:
			r.g.Fail(e.Line, "bad edgedefault %.80q: want directed or undirected", direction)
		}
		r.Children(r.part)
		if r.g.Name = r.label; r.label == "" {
			r.g.Name = r.network
		}
	}
}

// declare takes a key and the value that elements without one have.
func (r *reader) declare(e *foreign.Element) {
	k := key{of: e.Attr("for"), name: e.Attr("attr.name")}
	if k.of == "" {
		k.of = "all"
	}
	r.keys[e.Attr("id")] = k
	if len(r.keys) > maxKeys {
		r.Stop(e.Line, "too many keys: the limit is %d", maxKeys)
	}
	r.Children(func(child *foreign.Element) {
		if child.Name != "default" {
			return
		}
		value := r.Text()
		if k.of == "node" || k.of == "all" {
			r.g.SetNode(&r.node, child.Line, k.name, value)
		}
		if k.of == "edge" || k.of == "all" {
			r.g.SetEdge(&r.edge, k.name, value)
		}
	})
}

// data reads a value of an element of the given kind.
func (r *reader) data(e *foreign.Element, of string) (name, value string) {
	k, ok := r.keys[e.Attr("key")]
	switch {
	case !ok:
		r.g.Fail(e.Line, "no key %.80q is declared", e.Attr("key"))
	case k.of != of && k.of != "all":
		r.g.Fail(e.Line, "key %.80q is declared for=\"%.80s\" and stands in <%s>", e.Attr("key"), k.of, of)
	}
	return k.name, r.Text()
}

// part reads an element of the graph.
func (r *reader) part(e *foreign.Element) {
	switch e.Name {
	case "data":
		switch name, value := r.data(e, "graph"); name {
		case "label", "name":
			r.label = value
		case "Network":
			r.network = value
		}
	case "node":
		r.addNode(e)
	case "edge":
		r.addEdge(e)
	case "hyperedge":
		r.g.Report.Add("edges between more than two nodes (hyperedge), left out", e.Attr("id"))
	}
}

func (r *reader) addNode(e *foreign.Element) {
	n := r.node
	n.Key, n.Line, n.Labels = e.Attr("id"), e.Line, maps.Clone(r.node.Labels)
	r.Children(func(child *foreign.Element) {
		switch child.Name {
		case "data":
			if name, value := r.data(child, "node"); name != "" {
				r.g.SetNode(&n, child.Line, name, value)
			}
		case "graph":
			r.g.Report.Add("graphs in a node, left out", n.Key)
		}
	})
	if n.Label == "" && strings.Trim(n.Key, "0123456789") != "" {
		n.Label = n.Key // the id is a word: networkx has the names of nodes there
	}
	if n.Key == "" {
		r.g.Fail(e.Line, "the node has no id")
		return
	}
	if !r.g.AddNode(n) {
		r.Quit()
	}
}

func (r *reader) addEdge(e *foreign.Element) {
	edge := r.edge
	edge.From, edge.To, edge.Line = e.Attr("source"), e.Attr("target"), e.Line
	edge.Directed, edge.Labels = r.directed, maps.Clone(r.edge.Labels)
	switch e.Attr("directed") {
	case "true":
		edge.Directed = true
	case "false":
		edge.Directed = false
	}
	r.Children(func(child *foreign.Element) {
		if child.Name == "data" {
			if name, value := r.data(child, "edge"); name != "" {
				r.g.SetEdge(&edge, name, value)
			}
		}
	})
	if !r.g.AddEdge(edge) {
		r.Quit()
	}
}
