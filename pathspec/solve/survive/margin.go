// Package survive counts the failures that a promise survives: the margin of a
// set of paths, and the reserve of a network, which may answer with other
// paths. For both it names failures, one more than survived, that end it. It
// never counts more than it has proven, and chooses no paths that anybody is
// given. The package admit calls it.
package survive

import (
	"cmp"
	"slices"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/disjoint"
	"github.com/keiro-net/keiro/pathspec/solve/problem"
	"github.com/keiro-net/keiro/topology"
)

// network is what fails, and whose intent it serves.
type network struct {
	t  *topology.Topology
	in *pathspec.Intent
}

// failure is one thing of a kind that may fail. A shared risk group without a
// name stands for one that nobody stated, of the named link.
type failure struct {
	problem.Risk
	of string
}

func (f failure) String() string {
	if f.Name == "" {
		return pathspec.UnstatedOf(f.of)
	}
	return f.Risk.String()
}

// failures lists what of a kind may take entry e: what the intent names as
// its ends does not fail.
func (n *network) failures(kind pathspec.Kind, e int32) (list []failure) {
	entry := &n.t.Entries[e]
	add := func(name string) { list = append(list, failure{problem.Risk{Kind: kind, Name: name}, entry.Name}) }
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
		for _, v := range []int{entry.A, entry.B} {
			if !problem.Named(n.t, n.in, v) {
				add(n.t.Nodes[v].Name)
			}
		}
	}
	return list
}

// Margin counts the failures that a set of an intent survives, for each kind.
func Margin(t *topology.Topology, in *pathspec.Intent, set []disjoint.Path) *pathspec.Margin {
	n := &network{t, in}
	m := &pathspec.Margin{}
	m.Link, m.Breaks.Link = n.survives(pathspec.Link, set)
	m.Node, m.Breaks.Node = n.survives(pathspec.Node, set)
	m.SRLG, m.Breaks.SRLG = n.survives(pathspec.SRLG, set)
	return m
}

// survives finds the fewest failures that take all paths, over the sets of
// paths taken: least[s] failures take the paths in s. It returns one fewer,
// and their names; nil where none take all.
func (n *network) survives(kind pathspec.Kind, set []disjoint.Path) (*int, []string) {
	type blow struct {
		failure
		mask int // paths that it takes
	}
	var blows []blow
	place := map[problem.Risk]int{} // in blows
	fragile := 0                    // paths with a link in groups that nobody stated, which may be any
	for i, path := range set {
		for _, l := range path {
			for _, f := range n.failures(kind, int32(n.t.Links[l].Entry)) {
				j, ok := place[f.Risk]
				if !ok {
					j = len(blows)
					place[f.Risk] = j
					blows = append(blows, blow{f, 0})
				}
				blows[j].mask |= 1 << i
				if f.Name == "" {
					fragile |= 1 << i
				}
			}
		}
	}
	// What is named comes before what is not, and then the order of names decides.
	slices.SortFunc(blows, func(a, b blow) int {
		if (a.Name == "") != (b.Name == "") {
			return cmp.Compare(b.Name, a.Name)
		}
		return cmp.Compare(a.Name, b.Name)
	})
	all := 1<<len(set) - 1
	least := make([][]string, all+1)
	least[0] = []string{}
	for s := range least {
		for _, b := range blows {
			to := s | b.mask | fragile
			if least[s] != nil && (least[to] == nil || len(least[to]) > len(least[s])+1) {
				least[to] = append(slices.Clone(least[s]), b.String())
			}
		}
	}
	if least[all] == nil {
		return nil, nil
	}
	count := len(least[all]) - 1
	return &count, least[all]
}
