package pathspec

import (
	"fmt"
	"slices"

	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/strictyaml"
)

// Validate checks what the intents say about a topology: that the names exist,
// that an end is not ruled out by the intent's own `avoid`, and that no packet
// belongs to two intents. All mistakes are returned at once, with file and
// line where the intents were read from a file.
func Validate(t *topology.Topology, intents []Intent) error {
	v := validator{t: t, known: namesOf(t), owner: map[ownedSelector]*Intent{}}
	for i := range intents {
		v.validate(&intents[i])
	}
	return v.errs.Err()
}

type validator struct {
	t     *topology.Topology
	known names
	owner map[ownedSelector]*Intent // which intent steers what where
	errs  strictyaml.Errors
}

// ownedSelector is a selector at a node where its packets come in.
type ownedSelector struct {
	node     int
	selector Selector
}

// names of the topology that are no index of it.
type names struct {
	srlgs, operators map[string]bool
	members          map[string][]int // nodes of a site
}

func namesOf(t *topology.Topology) names {
	n := names{map[string]bool{}, map[string]bool{}, map[string][]int{}}
	for i := range t.Nodes {
		n.operators[t.Nodes[i].Operator] = true
		n.members[t.Nodes[i].Site] = append(n.members[t.Nodes[i].Site], i)
	}
	for i := range t.Entries {
		n.operators[t.Entries[i].Operator] = true
		groups, _ := t.Entries[i].SRLGs.Get()
		for _, g := range groups {
			n.srlgs[g] = true
		}
	}
	return n
}

func (v *validator) fail(in *Intent, path, format string, args ...any) {
	if in.doc != nil {
		v.errs.Add(in.doc.Errorf(path, format, args...))
		return
	}
	v.errs.Add(strictyaml.Error{Path: "intent " + in.Name + ": " + path, Msg: fmt.Sprintf(format, args...)})
}

func (v *validator) validate(in *Intent) {
	v.names(in)
	from, to := v.end(in, "spec.from", in.From), v.end(in, "spec.to", in.To)
	for _, n := range from {
		if slices.Contains(to, n) {
			v.fail(in, "spec.to", "%s and %s share node %s", in.From, in.To, v.t.Nodes[n].Name)
		}
	}
	for i, s := range in.Traffic {
		if v.claim(in, i, from, s) {
			v.claim(in, i, to, s.Reverse())
		}
	}
}

// names checks what `avoid` names.
func (v *validator) names(in *Intent) {
	node := func(name string) bool { _, ok := v.t.Node(name); return ok }
	link := func(name string) bool { _, ok := v.t.Entry(name); return ok }
	site := func(name string) bool { _, ok := v.t.Site(name); return ok }
	srlg := func(name string) bool { return v.known.srlgs[name] }
	operator := func(name string) bool { return v.known.operators[name] }
	a := &in.Require.Avoid
	for _, list := range []struct {
		key, what string
		names     []string
		exists    func(string) bool
	}{
		{"nodes", "node", a.Nodes, node},
		{"links", "link", a.Links, link},
		{"srlgs", "srlg", a.SRLGs, srlg},
		{"sites", "site", a.Sites, site},
		{"operators", "operator", a.Operators, operator},
	} {
		for i, name := range list.names {
			if !list.exists(name) {
				v.fail(in, strictyaml.Index("spec.require.avoid."+list.key, i), "no such %s %q", list.what, name)
			}
		}
	}
}

// end resolves an end: a node, or the nodes of a site.
func (v *validator) end(in *Intent, path, name string) []int {
	n, isNode := v.t.Node(name)
	_, isSite := v.t.Site(name)
	nodes := v.known.members[name]
	switch {
	case isNode && isSite:
		v.fail(in, path, "%q is a node and a site: rename one of them", name)
		return nil
	case isNode:
		nodes = []int{n}
	case !isSite:
		v.fail(in, path, "no such node or site %q", name)
		return nil
	case len(nodes) == 0:
		v.fail(in, path, "site %q has no nodes", name)
		return nil
	}
	a := &in.Require.Avoid
	allowed := func(n int) bool {
		node := &v.t.Nodes[n]
		return !slices.Contains(a.Nodes, node.Name) &&
			(node.Site == "" || !slices.Contains(a.Sites, node.Site)) &&
			(node.Operator == "" || !slices.Contains(a.Operators, node.Operator))
	}
	if !slices.ContainsFunc(nodes, allowed) {
		v.fail(in, path, "%s is avoided by the intent itself", name)
	}
	return nodes
}

// claim takes a selector for the intent at the nodes where its packets come
// in. One that another intent has there would be steered by chance.
func (v *validator) claim(in *Intent, i int, nodes []int, s Selector) bool {
	for _, n := range nodes {
		key := ownedSelector{n, s}
		if other := v.owner[key]; other != nil {
			v.fail(in, strictyaml.Index("spec.traffic", i), "intent %s has the traffic from %v to %v at node %s already",
				other.Name, s.From, s.To, v.t.Nodes[n].Name)
			return false
		}
		v.owner[key] = in
	}
	return true
}
