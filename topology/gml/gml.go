// Package gml reads graphs in GML (M. Himsolt, GML: a portable graph file
// format, 1997) as the Internet Topology Zoo and networkx write it. It is pure:
// bytes in, a topology out. It reads the graph and its words; what becomes of
// them is package foreign. The command line calls it.
package gml

import (
	"strconv"

	"github.com/keiro-net/keiro/topology/foreign"
)

// maxText bounds a string of the file.
const maxText = 1 << 16

// Import makes a topology of a GML file.
func Import(file string, data []byte) (*foreign.Import, error) {
	p := parser{scanner: scanner{data: data, line: 1}, g: foreign.NewGraph(file, data)}
	if len(p.g.Errors) == 0 {
		p.file()
	}
	return p.g.Build()
}

type parser struct {
	scanner
	g        *foreign.Graph
	broken   bool // nothing more can be read
	directed bool
	name     string // the key `label` of the graph
}

// fail reports what makes the rest of the file unreadable.
func (p *parser) fail(line int, format string, args ...any) {
	if !p.broken {
		p.g.Fail(line, format, args...)
	}
	p.broken = true
}

// token is the next token; the end once nothing more can be read.
func (p *parser) token() token {
	if p.broken {
		return token{}
	}
	t, err := p.next()
	if err != nil {
		p.fail(t.line, "%v", err)
		return token{}
	}
	return t
}

func (p *parser) file() {
	found := 0
	for key := p.token(); key.kind != end; key = p.token() {
		value := p.pair(key)
		if key.text != "graph" || value.kind != opened {
			p.skipValue(value)
			continue
		}
		if found > 0 {
			p.fail(key.line, "a second graph: the first is on line %d", found)
			return
		}
		found = key.line
		p.graph(key.line)
	}
	if found == 0 {
		p.fail(0, "not GML: no `graph [`")
	}
	// A graph is directed as a whole, and may say so behind its edges.
	for i := range p.g.Edges {
		p.g.Edges[i].Directed = p.directed
	}
}

// pair checks a key and returns the token that its value begins with.
func (p *parser) pair(key token) token {
	if key.kind != word || !isKey(key.text) {
		p.fail(key.line, "want a key, such as node, found %v", key)
		return token{}
	}
	value := p.token()
	if value.kind == end || value.kind == closed {
		p.fail(value.line, "want the value of %.80s, found %v", key.text, value)
	}
	return value
}

func isKey(s string) bool {
	c := s[0]
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
}

// list reads the pairs of a list that has been opened. Lists in it are skipped,
// unless each takes them.
func (p *parser) list(line int, each func(key, value token)) {
	for {
		key := p.token()
		switch key.kind {
		case closed:
			return
		case end:
			p.fail(line, "the list does not end: want ]")
			return
		}
		if value := p.pair(key); !p.broken {
			each(key, value)
		}
	}
}

// skipValue passes a value that begins with the token.
func (p *parser) skipValue(value token) {
	depth, line := 0, value.line
	for t := value; !p.broken; t = p.token() {
		switch t.kind {
		case opened:
			if depth++; depth > foreign.MaxDepth {
				p.fail(t.line, "lists in lists, deeper than %d", foreign.MaxDepth)
			}
		case closed:
			depth--
		case end:
			p.fail(line, "the list does not end: want ]")
		}
		if depth == 0 {
			return
		}
	}
}

func (p *parser) graph(line int) {
	network := ""
	p.list(line, func(key, value token) {
		switch {
		case key.text == "node" && value.kind == opened:
			p.node(key.line)
		case key.text == "edge" && value.kind == opened:
			p.edge(key.line)
		case value.kind == opened:
			p.skipValue(value)
		case key.text == "directed":
			p.directed = value.text != "0"
		case key.text == "label" || key.text == "name":
			p.name = value.text
		case key.text == "Network":
			network = value.text
		}
	})
	if p.g.Name = p.name; p.name == "" {
		p.g.Name = network
	}
}

func (p *parser) node(line int) {
	n := foreign.Node{Line: line}
	p.list(line, func(key, value token) {
		switch {
		case value.kind == opened:
			p.skipValue(value)
		case key.text == "id" && n.Key == "":
			n.Key = id(value.text)
		default:
			p.g.SetNode(&n, value.line, key.text, value.text)
		}
	})
	switch {
	case p.broken:
	case n.Key == "":
		p.g.Fail(line, "the node has no id")
	case !p.g.AddNode(n):
		p.broken = true
	}
}

func (p *parser) edge(line int) {
	e := foreign.Edge{Line: line}
	p.list(line, func(key, value token) {
		switch {
		case value.kind == opened:
			p.skipValue(value)
		case key.text == "source":
			e.From = id(value.text)
		case key.text == "target":
			e.To = id(value.text)
		default:
			p.g.SetEdge(&e, key.text, value.text)
		}
	})
	switch {
	case p.broken:
	case e.From == "" || e.To == "":
		p.g.Fail(line, "the edge has no source or no target")
	case !p.g.AddEdge(e):
		p.broken = true
	}
}

// id makes equal ids of equal numbers: 7, +7 and 07.
func id(s string) string {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return strconv.FormatInt(n, 10)
	}
	return s
}
