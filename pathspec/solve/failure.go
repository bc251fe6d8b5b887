package solve

import (
	"slices"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/disjoint"
	"github.com/keiro-net/keiro/topology"
)

// failure is one thing of a kind that may fail. A shared risk group without a
// name stands for one that nobody stated.
type failure struct {
	kind pathspec.Kind
	name string
}

// failures lists what of a kind may take a path.
func (q *question) failures(kind pathspec.Kind, p disjoint.Path) (list []failure) {
	add := func(name string) { list = append(list, failure{kind, name}) }
	for i, l := range p {
		link := &q.t.Links[l]
		entry := &q.t.Entries[link.Entry]
		switch kind {
		case pathspec.Link:
			add(entry.Name)
		case pathspec.SRLG:
			groups, ok := entry.SRLGs.Get()
			if !ok {
				add("")
			}
			for _, g := range groups {
				add(g)
			}
		case pathspec.Node:
			if i == 0 && !named(q.t, q.in, link.From) {
				add(q.t.Nodes[link.From].Name)
			}
			if !named(q.t, q.in, link.To) {
				add(q.t.Nodes[link.To].Name)
			}
		}
	}
	return list
}

// takes reports whether a failure takes entry e out of service. An entry with
// unknown groups may lie in any.
func (q *question) takes(f failure, e int) bool {
	entry := &q.t.Entries[e]
	switch f.kind {
	case pathspec.Link:
		return entry.Name == f.name
	case pathspec.Node:
		return q.t.Nodes[entry.A].Name == f.name || q.t.Nodes[entry.B].Name == f.name
	}
	return !entry.SRLGs.Known() || entry.HasSRLG(f.name)
}

// margin counts the failures that the set survives, for each kind.
func (q *question) margin(set []disjoint.Path) *pathspec.Margin {
	return &pathspec.Margin{
		Link: q.survives(pathspec.Link, set), Node: q.survives(pathspec.Node, set), SRLG: q.survives(pathspec.SRLG, set),
	}
}

// survives finds the fewest failures that take all paths, over the sets of
// paths taken: least[s] failures take the paths in s. It returns one fewer.
func (q *question) survives(kind pathspec.Kind, set []disjoint.Path) *int {
	all := 1<<len(set) - 1
	var masks []int
	for _, p := range set {
		for _, f := range q.failures(kind, p) {
			mask := 0
			for i, other := range set {
				if slices.ContainsFunc(other, func(l int32) bool { return q.takes(f, q.t.Links[l].Entry) }) {
					mask |= 1 << i
				}
			}
			masks = append(masks, mask)
		}
	}
	const none = 99
	least := slices.Repeat([]int{none}, all+1)
	least[0] = 0
	for s := range least {
		for _, mask := range masks {
			least[s|mask] = min(least[s|mask], least[s]+1)
		}
	}
	if least[all] >= none {
		return nil
	}
	n := least[all] - 1
	return &n
}

// drill tries failures on the network.
type drill struct {
	*question
	problem *problem
	kind    pathspec.Kind
	down    []int16 // of every entry: how many failures take it
}

// drillWork bounds the failures tried, of each kind.
const drillWork = 5_000_000

// reserve counts the failures after which the whole requirement can still be
// met, for each kind.
func (q *question) reserve(set []disjoint.Path) *pathspec.Reserve {
	r := &pathspec.Reserve{Exact: true}
	problem := compile(q.t, q.in, q.reserved, 0)
	unknown := slices.ContainsFunc(q.t.Entries, func(e topology.Entry) bool { return !e.SRLGs.Known() })
	for _, k := range []struct {
		kind  pathspec.Kind
		count *int
	}{{pathspec.Link, &r.Link}, {pathspec.Node, &r.Node}, {pathspec.SRLG, &r.SRLG}} {
		allowed := *q
		allowed.halt = q.halt.Allow(drillWork)
		d := &drill{question: &allowed, problem: problem, kind: k.kind, down: make([]int16, len(q.t.Entries))}
		count, exact := d.count(set)
		*k.count = count
		r.Exact = r.Exact && exact && !(unknown && k.kind == pathspec.SRLG)
	}
	return r
}

// count raises the number of failures until the network does not stand them.
func (d *drill) count(set []disjoint.Path) (n int, exact bool) {
	for most := d.possible(); n < most; n++ {
		if !d.stands(set, n+1) {
			return n, !d.halt.Stopped()
		}
	}
	return n, true
}

// possible is how many things of the kind there are to fail.
func (d *drill) possible() int {
	switch d.kind {
	case pathspec.Link:
		return len(d.t.Entries)
	case pathspec.Node:
		n := 0
		for v := range d.t.Nodes {
			if !named(d.t, d.in, v) {
				n++
			}
		}
		return n
	}
	groups := map[string]bool{}
	for l := range d.t.Links {
		for _, f := range d.failures(d.kind, disjoint.Path{int32(l)}) {
			groups[f.name] = true
		}
	}
	return len(groups)
}

// stands reports whether the requirement is met after any n more failures;
// set meets it now. What does not touch the set leaves it as it is, so only
// failures that do are tried.
func (d *drill) stands(set []disjoint.Path, n int) bool {
	if n == 0 {
		return true
	}
	var tried []failure
	for _, p := range set {
		for _, f := range d.failures(d.kind, p) {
			if slices.Contains(tried, f) {
				continue
			}
			tried = append(tried, f)
			d.fail(f, 1)
			next := d.problem.Any(d.halt, d.down)
			stands := next != nil && d.stands(next, n-1)
			d.fail(f, -1)
			if !stands {
				return false
			}
		}
	}
	return true
}

func (d *drill) fail(f failure, by int16) {
	for e := range d.t.Entries {
		if d.takes(f, e) {
			d.down[e] += by
		}
	}
}
