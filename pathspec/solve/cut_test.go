package solve

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/disjoint"
	"github.com/keiro-net/keiro/pathspec/solve/problem"
)

// TestCut: a cut blocks, and no fewer risks cross all paths. Where there is
// none, none of fewer risks than paths crosses them.
func TestCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		topo := randomTopology(t)
		in := randomIntent(t, topo, "a")
		if in.Require.Multiplicity < 2 {
			in.Require.Multiplicity = 3
		}
		p, halt := problem.Compile(topo, &in, problem.Nothing(topo), 0), disjoint.NewHalt(nil)
		if p.Any(halt, nil) != nil {
			return
		}
		var cut []string
		risks, _ := p.Cut(halt)
		for _, r := range risks {
			cut = append(cut, p.Risk(r).String())
		}
		n := newNaive(topo, []pathspec.Intent{in}, []pathspec.Answer{{}}, 0)
		var all [][]string // risks of every path
		var names []string
		for _, path := range n.all {
			all = append(all, n.fates(path))
			names = append(names, all[len(all)-1]...)
		}
		slices.Sort(names)
		names = slices.Compact(names)
		crosses := func(risks []string) bool {
			return !slices.ContainsFunc(all, func(has []string) bool {
				return !slices.ContainsFunc(risks, func(risk string) bool { return meets(has, risk) })
			})
		}
		most := in.Require.Multiplicity - 1
		if len(cut) > 0 {
			n.blames(t, &pathspec.Why{Code: pathspec.WhyDisjoint, Cut: cut})
			if most = len(cut) - 1; !crosses(cut) {
				most = in.Require.Multiplicity - 1
			}
		}
		for size := range most + 1 {
			for _, risks := range subsets(names, size) {
				if len(all) > 0 && crosses(risks) {
					t.Fatalf("the cut is %q, but %q cross all paths", cut, risks)
				}
			}
		}
	})
}

// meets says whether a path with these fates meets a risk: ground that
// links share with any of them.
func meets(has []string, risk string) bool {
	if links, ok := strings.CutPrefix(risk, "ground:"); ok {
		return slices.ContainsFunc(strings.Split(links, ","), func(l string) bool { return slices.Contains(has, "link:"+l) })
	}
	return slices.Contains(has, risk)
}

// fates names what at most one path of a set may have of what this one has.
func (n *naive) fates(p pathspec.Path) (names []string) {
	r := &n.in.Require
	for _, risk := range n.risks(pathspec.Path{Links: p.Links}) {
		kind := pathspec.Kind(slices.IndexFunc([]string{"link:", "node:", "srlg:", "site:", "operator:"}, func(k string) bool { return risk[:len(k)] == k }))
		if kind == pathspec.Link || r.Wants(kind) {
			names = append(names, risk)
		}
	}
	for i, name := range p.Nodes {
		v, _ := n.t.Node(name)
		node := &n.t.Nodes[v]
		if name == n.in.From || name == n.in.To {
			continue
		}
		if r.Wants(pathspec.Node) {
			names = append(names, "node:"+name)
		}
		if r.Wants(pathspec.Site) && node.Site != n.siteOf(n.in.From) && node.Site != n.siteOf(n.in.To) {
			names = append(names, "site:"+node.Site)
		}
		if r.Wants(pathspec.Operator) && i > 0 && i < len(p.Nodes)-1 && node.Operator != "" {
			names = append(names, "operator:"+node.Operator)
		}
	}
	return names
}

// siteOf is the site of an end: where the node is, or its own name.
func (n *naive) siteOf(end string) string {
	if v, ok := n.t.Node(end); ok {
		return n.t.Nodes[v].Site
	}
	return end
}
