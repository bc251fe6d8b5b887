package sndlib

import (
	"bytes"
	"strings"

	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/foreign"
)

// unlimited stands in the native format for no bound.
const unlimited = "UNLIMITED"

// tokens are those of the native format: words between blanks, and parentheses,
// which need no blanks.
type tokens struct {
	*reader
	data   []byte
	line   int
	broken bool
	nodes  []foreign.Node // whose coordinates may yet turn out to be no places
}

// next is the next word or parenthesis; "" at the end.
func (t *tokens) next() string {
	comment := false
	for len(t.data) > 0 && !t.broken {
		switch c := t.data[0]; {
		case c == '\n':
			t.line++
			comment = false
		case comment || c == ' ' || c == '\t' || c == '\r':
		case c == '#':
			comment = true
		default:
			n := 1
			if c != '(' && c != ')' {
				n = bytes.IndexAny(t.data, " \t\r\n()")
			}
			if n < 0 {
				n = len(t.data)
			}
			word := string(t.data[:n])
			t.data = t.data[n:]
			return word
		}
		t.data = t.data[1:]
	}
	return ""
}

// stop reports a mistake after which nothing more is read.
func (t *tokens) stop(format string, args ...any) {
	if !t.broken {
		t.g.Fail(t.line, format, args...)
	}
	t.broken = true
}

// want passes a parenthesis.
func (t *tokens) want(parenthesis string) {
	if got := t.next(); got != parenthesis {
		t.stop("want %s, found %.80q", parenthesis, got)
	}
}

// word is the next word, which must not be a parenthesis.
func (t *tokens) word(what string) string {
	w := t.next()
	if w == "" || w == "(" || w == ")" {
		t.stop("want %s, found %.80q", what, w)
		return "0" // reads as anything
	}
	return w
}

// native reads the text form, version 1.0.
func (r *reader) native(data []byte) {
	_, rest, _ := bytes.Cut(data, []byte("\n"))
	t := &tokens{reader: r, data: rest, line: 2}
	for section := t.next(); section != ""; section = t.next() {
		t.want("(")
		switch section {
		case "NODES":
			t.each(t.node)
			t.addNodes()
		case "LINKS":
			t.each(t.link)
		case "DEMANDS":
			t.each(t.demand)
		case "META":
			t.meta()
		default:
			t.skip(1)
		}
	}
}

// each reads the entries of a section by their first word.
func (t *tokens) each(read func(first string)) {
	for !t.broken {
		first := t.next()
		if first == ")" {
			return
		}
		if first == "" || first == "(" {
			t.stop("want an entry or ), found %.80q", first)
			return
		}
		read(first)
	}
}

// skip passes everything up to the parenthesis that closes so many.
func (t *tokens) skip(open int) {
	for open > 0 && !t.broken {
		switch t.next() {
		case "(":
			open++
		case ")":
			open--
		case "":
			t.stop("want ) before the end of the file")
		}
	}
}

// meta looks for `unit = X`. Values may be several words.
func (t *tokens) meta() {
	before, last := "", ""
	for word := t.next(); word != ")"; word = t.next() {
		switch {
		case word == "(":
			t.skip(1)
		case word == "":
			t.stop("want ) before the end of the file")
			return
		case last == "=" && strings.EqualFold(before, "unit"):
			t.unit, t.unitLine = word, t.line
		}
		before, last = last, word
	}
}

func (t *tokens) node(id string) {
	n := foreign.Node{Key: id, Label: id, Line: t.line}
	t.want("(")
	n.Lon = t.coordinate(t.line, t.word("a longitude"))
	n.Lat = t.coordinate(t.line, t.word("a latitude"))
	t.want(")")
	if t.nodes = append(t.nodes, n); len(t.nodes) > foreign.MaxObjects {
		t.stop("too many nodes: the limit is %d", foreign.MaxObjects)
	}
}

// addNodes adds the nodes that were read. The format does not say whether
// coordinates are degrees or pixels: one that is not on the globe makes all of
// them pixels.
func (t *tokens) addNodes() {
	for i := range t.nodes {
		lat, _ := t.nodes[i].Lat.Get()
		lon, _ := t.nodes[i].Lon.Get()
		t.pixels = t.pixels || topology.CheckLatitude(lat) != nil || topology.CheckLongitude(lon) != nil
	}
	for i := range t.nodes {
		n := &t.nodes[i]
		if t.pixels {
			t.drawn(n)
		} else {
			t.g.Report.Add("nodes with coordinates taken for longitude and latitude, which the format does not say", n.Key)
		}
		if !t.broken {
			t.g.AddNode(*n)
		}
	}
	t.nodes = nil
}

func (t *tokens) ends() (from, to string) {
	t.want("(")
	from, to = t.word("a node"), t.word("a node")
	t.want(")")
	return from, to
}

// link reads: id ( source target ) capacity cost routing-cost setup-cost
// ( capacity cost ... ).
func (t *tokens) link(id string) {
	e := foreign.Edge{Line: t.line, Labels: map[string]string{"label": id}}
	var a amount
	e.From, e.To = t.ends()
	a.installed = t.capacityOf(t.word("a capacity"))
	for _, cost := range []string{"the cost of it", "a routing cost", "a setup cost"} {
		t.number(t.line, "cost", t.word(cost))
	}
	t.want("(")
	for !t.broken {
		w := t.next()
		if w == ")" {
			break
		}
		if w == "" || w == "(" {
			t.stop("want a capacity or ), found %.80q", w)
		}
		a.module(t.capacityOf(w))
		t.number(t.line, "cost", t.word("the cost of the module"))
	}
	if !t.broken && !t.addLink(e, a) {
		t.broken = true
	}
}

// capacityOf reads a capacity; one without a bound is none that could be
// stated.
func (t *tokens) capacityOf(w string) float64 {
	if w == unlimited {
		t.g.Report.Add("unlimited capacities, left unknown", "")
		return 0
	}
	return t.number(t.line, "capacity", w)
}

// demand reads: id ( source target ) routing-unit value longest-path.
func (t *tokens) demand(id string) {
	d := foreign.Demand{Name: id, Line: t.line}
	d.From, d.To = t.ends()
	volume := t.number(t.line, "routing unit", t.word("a routing unit"))
	volume *= t.number(t.line, "demand", t.word("a value"))
	if longest := t.word("a longest path"); longest != unlimited {
		d.MaxHops = t.hops(t.line, longest)
	}
	if !t.broken && !t.addDemand(d, volume) {
		t.broken = true
	}
}
