package diff

import (
	"maps"
	"slices"

	"github.com/keiro-net/keiro/topology"
)

// Revert makes the topology after without the changes for which reverted
// reports true. What cannot stand alone is left out or comes along: a link
// whose node is gone, the site of a node that comes back. Without all changes
// it is the topology before. An error: the changes that are left contradict
// each other.
func (d *Diff) Revert(reverted func(i int) bool) (*topology.Topology, error) {
	out := &document{APIVersion: d.after.APIVersion, Kind: d.after.Kind, Metadata: d.after.Metadata}
	for _, kind := range []string{"node", "site", "link", "srlg"} { // nodes say which sites are needed
		*out.list(kind) = d.revert(kind, out, reverted)
	}
	return out.topology()
}

func (d *Diff) revert(kind string, out *document, reverted func(i int) bool) (list []object) {
	is := func(id string) bool {
		i, ok := d.number[id]
		return ok && reverted(i)
	}
	before, was := index(*d.before.list(kind))
	after, now := index(*d.after.list(kind))
	for i, name := range after {
		after[i] = d.nameBefore(kind, name) // one name for both
		now[after[i]] = now[name]
	}
	order := weave(after, before)
	if is("order:" + kind + "s") {
		order = weave(before, after)
	}
	stands := d.standing(kind, out)
	for _, name := range order {
		a, b := was[name], now[name]
		var o object
		switch {
		case a != nil && b != nil:
			o = d.mixed(kind, a, b, is)
		case b != nil && !d.off(kind, b, Added, reverted):
			o = b
		case a != nil && d.off(kind, a, Removed, reverted):
			o = a
		}
		if o == nil {
			o = d.needed(kind, name, out, a, b)
		}
		if o != nil && stands(o) {
			list = append(list, o)
		}
	}
	return list
}

// mixed is an entry that stands before and after, with some fields as before.
func (d *Diff) mixed(kind string, a, b object, is func(id string) bool) object {
	o := maps.Clone(b)
	base := kind + ":" + b.name()
	if is(base + "/name") {
		o["name"] = a["name"]
	}
	was, now := a.fields(), b.fields()
	both := maps.Clone(was)
	maps.Copy(both, now)
	for field := range both {
		if is(base + "/" + field) {
			o.put(field, was[field])
		}
	}
	return o
}

// off reports whether an entry's coming or going is reverted.
func (d *Diff) off(kind string, o object, op Op, reverted func(i int) bool) bool {
	if kind == "link" {
		if nodes := d.carrier[string(op)+" "+o.name()]; len(nodes) > 0 {
			if op == Added {
				return slices.ContainsFunc(nodes, reverted)
			}
			return !slices.ContainsFunc(nodes, func(i int) bool { return !reverted(i) })
		}
	}
	i, ok := d.number[kind+":"+o.name()]
	return ok && reverted(i)
}

// needed gives a site that a node of out names.
func (d *Diff) needed(kind, name string, out *document, a, b object) object {
	if kind != "site" || !slices.ContainsFunc(out.Spec.Nodes, func(n object) bool { return n.text("site") == name }) {
		return nil
	}
	if b != nil {
		return b
	}
	return a
}

// standing tells whether the nodes of a link are there.
func (d *Diff) standing(kind string, out *document) func(object) bool {
	if kind != "link" {
		return func(object) bool { return true }
	}
	_, nodes := index(out.Spec.Nodes)
	return func(o object) bool { return nodes[o.text("a")] != nil && nodes[o.text("b")] != nil }
}

// weave puts the names that only other has into a list, each after the one
// that it follows there.
func weave(list, other []string) []string {
	have := make(map[string]bool, len(list))
	for _, name := range list {
		have[name] = true
	}
	after := map[string][]string{}
	last := ""
	for _, name := range other {
		if have[name] {
			last = name
		} else {
			after[last] = append(after[last], name)
		}
	}
	out := slices.Clone(after[""])
	for _, name := range list {
		out = append(append(out, name), after[name]...)
	}
	return out
}
