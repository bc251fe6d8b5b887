// Package diff tells what changed between two topologies, in words of the
// file, and makes topologies that have some of the changes and not others. It
// is pure. It never judges a change: what a change does to intents is for
// pathspec/gate, which calls it, as does the command line for the changes of
// its flags.
package diff

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/keiro-net/keiro/topology"
)

// Op says what happened.
type Op string

// The ops. Reordered is of a whole list: order breaks ties, so it is part of
// a topology.
const (
	Added     Op = "added"
	Removed   Op = "removed"
	Changed   Op = "changed"
	Renamed   Op = "renamed"
	Reordered Op = "reordered"
)

// Change is one thing that differs. Values are in the words of a file.
type Change struct {
	Kind   string // site, node, link or srlg
	Name   string // the name after; before where it is removed; "" where Reordered
	Op     Op
	Field  string   // of Changed, such as delay, ba.delay, srlgs, labels.vendor
	Before string   // of Changed and Renamed
	After  string   //
	With   []string // links that come or go with a node
	// Previous is the name after of the entry that stood before a removed one
	// and still stands; "" where there is none.
	Previous string
}

// ID names the change within its diff, such as link:z/delay. Names may hold
// dots, but no slash.
func (c Change) ID() string {
	switch c.Op {
	case Reordered:
		return "order:" + c.Kind + "s"
	case Changed:
		return c.Kind + ":" + c.Name + "/" + c.Field
	case Renamed:
		return c.Kind + ":" + c.Name + "/name"
	default:
		return c.Kind + ":" + c.Name
	}
}

// String is the change for people, such as `link z: delay 4ms -> 9ms`.
func (c Change) String() string {
	switch c.Op {
	case Reordered:
		return "the order of " + c.Kind + "s"
	case Changed:
		return fmt.Sprintf("%s %s: %s %s -> %s", c.Kind, c.Name, c.Field, c.Before, c.After)
	case Renamed:
		return fmt.Sprintf("%s %s: name %s -> %s", c.Kind, c.Name, c.Before, c.After)
	}
	s := fmt.Sprintf("%s %s: %s", c.Kind, c.Name, c.Op)
	if len(c.With) > 0 {
		s += ", with " + strings.Join(c.With, ", ")
	}
	return s
}

// Diff is what changed, in the order of the files: sites, nodes, links, srlgs.
type Diff struct {
	Changes []Change

	before, after *document
	name          map[string]string // name before of a renamed link, by the name after
	carrier       map[string][]int  // changes of nodes that a link comes or goes with
	number        map[string]int    // of a change, by its ID
}

// Compare lists the changes from one topology to another.
func Compare(before, after *topology.Topology) *Diff {
	d := &Diff{before: open(before), after: open(after), name: map[string]string{}, carrier: map[string][]int{}, number: map[string]int{}}
	for _, kind := range kinds {
		d.compare(kind)
	}
	return d
}

func (d *Diff) compare(kind string) {
	before, was := index(*d.before.list(kind))
	after, is := index(*d.after.list(kind))
	if kind == "link" {
		d.renames(before, after, was, is)
	}
	add := func(c Change) {
		c.Kind = kind
		d.number[c.ID()] = len(d.Changes)
		d.Changes = append(d.Changes, c)
	}
	var common []string         // names before of what is kept, in the order after
	kept := map[string]string{} // their names after
	for _, name := range after {
		old := d.nameBefore(kind, name)
		if was[old] == nil {
			if !d.carried(kind, is[name], Added) {
				add(Change{Name: name, Op: Added})
			}
			continue
		}
		common, kept[old] = append(common, old), name
		if old != name {
			add(Change{Name: name, Op: Renamed, Before: old, After: name})
		}
		a, b := was[old].fields(), is[name].fields()
		both := maps.Clone(a)
		maps.Copy(both, b)
		for _, field := range slices.Sorted(maps.Keys(both)) {
			if field != "name" && !reflect.DeepEqual(a[field], b[field]) {
				add(Change{Name: name, Op: Changed, Field: field, Before: show(field, a[field]), After: show(field, b[field])})
			}
		}
	}
	previous := ""
	for _, name := range before {
		switch {
		case kept[name] != "":
			previous = kept[name]
		case !d.carried(kind, was[name], Removed):
			add(Change{Name: name, Op: Removed, Previous: previous})
		}
	}
	if !slices.Equal(common, filter(before, func(name string) bool { return kept[name] != "" })) {
		add(Change{Op: Reordered})
	}
}

// renames finds links of which only the name changed: of those removed and
// those added, the first that are else the same.
func (d *Diff) renames(before, after []string, was, is map[string]object) {
	gone := map[[2]string][]string{} // by their ends
	ends := func(o object) [2]string { return [2]string{o.text("a"), o.text("b")} }
	for _, name := range before {
		if is[name] == nil {
			gone[ends(was[name])] = append(gone[ends(was[name])], name)
		}
	}
	for _, name := range after {
		if was[name] != nil {
			continue
		}
		candidates := gone[ends(is[name])]
		i := slices.IndexFunc(candidates, func(old string) bool { return sameButName(was[old], is[name]) })
		if i >= 0 {
			d.name[name] = candidates[i]
			gone[ends(is[name])] = slices.Delete(candidates, i, i+1)
		}
	}
}

func sameButName(a, b object) bool {
	b = maps.Clone(b)
	b["name"] = a["name"]
	return reflect.DeepEqual(a, b)
}

func (d *Diff) nameBefore(kind, name string) string {
	if old, ok := d.name[name]; ok && kind == "link" {
		return old
	}
	return name
}

// carried notes that a link comes or goes because its node does.
func (d *Diff) carried(kind string, link object, op Op) bool {
	if kind != "link" {
		return false
	}
	var nodes []int
	for _, end := range []string{link.text("a"), link.text("b")} {
		if i, ok := d.number["node:"+end]; ok && d.Changes[i].Op == op {
			d.Changes[i].With = append(d.Changes[i].With, link.name())
			nodes = append(nodes, i)
		}
	}
	d.carrier[string(op)+" "+link.name()] = nodes
	return len(nodes) > 0
}

func filter(names []string, keep func(string) bool) (out []string) {
	for _, name := range names {
		if keep(name) {
			out = append(out, name)
		}
	}
	return out
}
