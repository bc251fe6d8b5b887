package problem

import (
	"cmp"
	"slices"

	"github.com/keiro-net/keiro/topology"
)

// inNameOrder is the same topology with sites, nodes, links and the groups of
// every link in the order of their names. What is found in it does not depend
// on the order of the file, however the search breaks ties.
func inNameOrder(t *topology.Topology) *topology.Topology {
	sites := func(a, b topology.Site) int { return cmp.Compare(a.Name, b.Name) }
	nodes := func(a, b topology.Node) int { return cmp.Compare(a.Name, b.Name) }
	entries := func(a, b topology.Entry) int { return cmp.Compare(a.Name, b.Name) }
	if slices.IsSortedFunc(t.Sites, sites) && slices.IsSortedFunc(t.Nodes, nodes) && slices.IsSortedFunc(t.Entries, entries) &&
		!slices.ContainsFunc(t.Entries, func(e topology.Entry) bool {
			groups, _ := e.SRLGs.Get()
			return !slices.IsSorted(groups)
		}) {
		return t
	}
	s := &topology.Topology{Name: t.Name, Sites: slices.Clone(t.Sites), Nodes: slices.Clone(t.Nodes), Entries: slices.Clone(t.Entries)}
	slices.SortStableFunc(s.Sites, sites)
	slices.SortStableFunc(s.Nodes, nodes)
	slices.SortStableFunc(s.Entries, entries)
	s = topology.New(s.Name, s.Sites, s.Nodes, s.Entries, make([]topology.Link, 0, len(t.Links)))
	place := func(n int) int { i, _ := s.Node(t.Nodes[n].Name); return i }
	for i := range s.Entries {
		e := &s.Entries[i]
		before, _ := t.Entry(e.Name)
		e.A, e.B = place(e.A), place(e.B)
		if groups, ok := e.SRLGs.Get(); ok {
			e.SRLGs = topology.Declare(slices.Sorted(slices.Values(groups)))
		}
		for _, l := range t.Links[2*before : 2*before+2] {
			l.Entry, l.From, l.To = i, place(l.From), place(l.To)
			s.Links = append(s.Links, l)
		}
	}
	return s
}
