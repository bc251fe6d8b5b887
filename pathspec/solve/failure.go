package solve

import (
	"cmp"
	"slices"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/disjoint"
)

// failure is one thing of a kind that may fail. A shared risk group without a
// name stands for one that nobody stated, of the named link.
type failure struct {
	risk
	of string
}

func (f failure) String() string {
	if f.name == "" {
		return pathspec.UnstatedOf(f.of)
	}
	return f.risk.String()
}

// failures lists what of a kind may take entry e: what the intent names as
// its ends does not fail.
func (q *question) failures(kind pathspec.Kind, e int32) (list []failure) {
	entry := &q.t.Entries[e]
	add := func(name string) { list = append(list, failure{risk{kind, name}, entry.Name}) }
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
		for _, n := range []int{entry.A, entry.B} {
			if !named(q.t, q.in, n) {
				add(q.t.Nodes[n].Name)
			}
		}
	}
	return list
}

// margin counts the failures that the set survives, for each kind.
func (q *question) margin(set []disjoint.Path) *pathspec.Margin {
	m := &pathspec.Margin{}
	m.Link, m.Breaks.Link = q.survives(pathspec.Link, set)
	m.Node, m.Breaks.Node = q.survives(pathspec.Node, set)
	m.SRLG, m.Breaks.SRLG = q.survives(pathspec.SRLG, set)
	return m
}

// survives finds the fewest failures that take all paths, over the sets of
// paths taken: least[s] failures take the paths in s. It returns one fewer,
// and their names; nil where none take all.
func (q *question) survives(kind pathspec.Kind, set []disjoint.Path) (*int, []string) {
	type blow struct {
		failure
		mask int // paths that it takes
	}
	var blows []blow
	place := map[risk]int{} // in blows
	fragile := 0            // paths with a link in groups that nobody stated, which may be any
	for i, path := range set {
		for _, l := range path {
			for _, f := range q.failures(kind, int32(q.t.Links[l].Entry)) {
				j, ok := place[f.risk]
				if !ok {
					j = len(blows)
					place[f.risk] = j
					blows = append(blows, blow{f, 0})
				}
				blows[j].mask |= 1 << i
				if f.name == "" {
					fragile |= 1 << i
				}
			}
		}
	}
	// What is named comes before what is not, and then the order of names decides.
	slices.SortFunc(blows, func(a, b blow) int {
		if (a.name == "") != (b.name == "") {
			return cmp.Compare(b.name, a.name)
		}
		return cmp.Compare(a.name, b.name)
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
	n := len(least[all]) - 1
	return &n, least[all]
}
