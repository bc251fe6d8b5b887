package topology

import (
	"slices"

	"github.com/keiro-net/keiro/topology/strictyaml"
)

// Lines knows where in its file a topology was written. It stands beside the
// Topology and not in it: equal topologies stay equal wherever they were
// written, and who does not ask for lines does not keep the file.
type Lines struct {
	File string
	doc  *strictyaml.Document
	t    *Topology
}

// Of is the line of a field of a site, node, link or srlg, such as "delay" or
// "ba.delay"; of the entry itself where field is empty or stands nowhere; and
// of `defaults` where the value comes from there. 0 where there is no such
// entry.
func (l *Lines) Of(kind, name, field string) int {
	at := ""
	if i, ok := l.t.siteIndex[name]; ok && kind == "site" {
		at = strictyaml.Index("spec.sites", i)
	}
	if i, ok := l.t.nodeIndex[name]; ok && kind == "node" {
		at = strictyaml.Index("spec.nodes", i)
	}
	if i, ok := l.t.entryIndex[name]; ok && kind == "link" {
		at = strictyaml.Index("spec.links", i)
	}
	if i := slices.IndexFunc(l.t.SRLGs, func(g SRLG) bool { return g.Name == name }); i >= 0 && kind == "srlg" {
		at = strictyaml.Index("spec.srlgs", i)
	}
	if at == "" {
		return 0
	}
	if field == "" {
		return l.doc.Line(at)
	}
	line, exact := l.doc.Find(at + "." + field)
	if !exact && kind == "link" {
		if general, stated := l.doc.Find("spec.defaults.link." + field); stated {
			return general
		}
	}
	return line
}

// List is the line on which the list of a kind begins.
func (l *Lines) List(kind string) int { return l.doc.Line("spec." + kind + "s") }
