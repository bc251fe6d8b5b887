package diff

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/strictyaml"
)

// Edit is a change that somebody asks for in one line.
type Edit struct {
	Kind, Name string
	Field      string // "": the entry is removed
	Value      string // as in a file, on one line; `unknown` takes the value away
}

// ID is that of the change that the edit makes.
func (e Edit) ID() string {
	if e.Field == "" {
		return e.Kind + ":" + e.Name
	}
	return e.Kind + ":" + e.Name + "/" + e.Field
}

// ParseRemove reads what goes for good: what ParseDrain would close, of a site
// its place as well. Links that a node takes with it need no edit.
func ParseRemove(t *topology.Topology, text string) (edits []Edit, err error) {
	o, err := ParseDrain(t, text)
	if err != nil {
		return nil, err
	}
	for i := range t.Nodes {
		if name := t.Nodes[i].Name; o.Nodes[name] {
			edits = append(edits, Edit{Kind: "node", Name: name})
		}
	}
	for i := range t.Entries {
		e := &t.Entries[i]
		if o.Takes(t, i) && !o.Nodes[t.Nodes[e.A].Name] && !o.Nodes[t.Nodes[e.B].Name] {
			edits = append(edits, Edit{Kind: "link", Name: e.Name})
		}
	}
	if site, ok := strings.CutPrefix(text, "site:"); ok {
		edits = append(edits, Edit{Kind: "site", Name: site})
	}
	return edits, nil
}

// ParseSet reads `link:z.delay=9ms`: what, which, a field of it as in the
// file, and its value. Names may hold dots: the longest that exists counts.
func ParseSet(t *topology.Topology, text string) (Edit, error) {
	target, value, ok := strings.Cut(text, "=")
	kind, rest, also := strings.Cut(target, ":")
	if !ok || !also || !slices.Contains(kinds, kind) {
		return Edit{}, fmt.Errorf("want KIND:NAME.FIELD=VALUE with a kind of %s, such as link:z.delay=9ms, found %.80q", strings.Join(kinds, ", "), text)
	}
	for at := len(rest) - 1; at > 0; at-- {
		if rest[at] != '.' || !exists(t, kind, rest[:at]) {
			continue
		}
		e := Edit{Kind: kind, Name: rest[:at], Field: rest[at+1:], Value: value}
		if e.Field == "name" || e.Field == "" {
			return Edit{}, fmt.Errorf("%.80q: a name cannot be set: write a topology with it and give that", text)
		}
		return e, nil
	}
	name, _, _ := strings.Cut(rest, ".")
	return Edit{}, fmt.Errorf("no such %s %.80q", kind, name)
}

func exists(t *topology.Topology, kind, name string) (ok bool) {
	switch kind {
	case "site":
		_, ok = t.Site(name)
	case "node":
		_, ok = t.Node(name)
	case "link":
		_, ok = t.Entry(name)
	case "srlg":
		ok = slices.ContainsFunc(t.SRLGs, func(g topology.SRLG) bool { return g.Name == name })
	}
	return ok
}

// Apply makes the topology that edits lead to, one after another, checked as a
// file is.
func Apply(t *topology.Topology, edits ...Edit) (*topology.Topology, error) {
	d := open(t)
	for _, e := range edits {
		o := d.find(e.Kind, e.Name)
		switch {
		case o == nil:
			return nil, fmt.Errorf("no such %s %.80q", e.Kind, e.Name) // an edit before it removed it
		case e.Field == "":
			d.remove(e.Kind, e.Name)
		default:
			o.put(e.Field, value(e.Field, e.Value))
		}
	}
	out, err := d.topology()
	var mistakes strictyaml.Errors
	if errors.As(err, &mistakes) && len(mistakes) > 0 {
		return nil, errors.New(mistakes[0].Msg) // the edit made it, so its line is that of the edit
	}
	return out, err
}

// remove takes an entry away, and the links of a node with it.
func (d *document) remove(kind, name string) {
	list := d.list(kind)
	*list = slices.DeleteFunc(*list, func(o object) bool { return o.name() == name })
	if kind == "node" {
		d.Spec.Links = slices.DeleteFunc(d.Spec.Links, func(o object) bool { return o.text("a") == name || o.text("b") == name })
	}
}

// value reads a value as a file has it. What is no number where one is wanted
// stays text, and the check of the topology says so.
func value(field, text string) any {
	switch last := field[strings.LastIndex(field, ".")+1:]; {
	case text == "unknown":
		return nil
	case strings.HasPrefix(field, "labels"):
		return text
	case last == "srlgs":
		list := []any{}
		for name := range strings.SplitSeq(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"), ",") {
			if name = strings.TrimSpace(name); name != "" {
				list = append(list, name)
			}
		}
		return list
	case text == "true" || text == "false":
		return text == "true"
	case slices.Contains([]string{"metric", "evidence", "number", "lat", "lon"}, last) && json.Valid([]byte(text)):
		return json.Number(text)
	}
	return text
}

// ParseDrain reads what an operator drains, `node:x`, `link:z`, `srlg:y`,
// `site:s` or `operator:o`, and gives what carries no traffic then: of a site
// its nodes, of an operator its nodes and its links.
func ParseDrain(t *topology.Topology, text string) (topology.Outage, error) {
	o := topology.Outage{Nodes: map[string]bool{}, Entries: map[string]bool{}, SRLGs: map[string]bool{}}
	kind, name, _ := strings.Cut(text, ":")
	known := false
	for i := range t.Nodes {
		n := &t.Nodes[i]
		if kind == "node" && n.Name == name || kind == "site" && n.Site == name || kind == "operator" && n.Operator == name {
			o.Nodes[n.Name], known = true, name != ""
		}
	}
	for i := range t.Entries {
		e := &t.Entries[i]
		switch {
		case kind == "link" && e.Name == name, kind == "operator" && e.Operator == name:
			o.Entries[e.Name], known = true, name != ""
		case kind == "srlg" && e.HasSRLG(name):
			o.SRLGs[name], known = true, true
		}
	}
	switch {
	case known:
		return o, nil
	case !slices.Contains([]string{"node", "link", "srlg", "site", "operator"}, kind):
		return o, fmt.Errorf("want node:NAME, link:NAME, srlg:NAME, site:NAME or operator:NAME, found %.80q", text)
	case kind == "site" && exists(t, kind, name):
		return o, nil // a place without nodes
	}
	return o, fmt.Errorf("no such %s %.80q", kind, name)
}
