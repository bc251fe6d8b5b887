package disjoint

import (
	"slices"

	"github.com/keiro-net/keiro/pathspec/solve/flow"
)

// relaxation is the problem without bounds and without shared risks but those
// of nodes: cheapest sets of paths with no entry in common, nor a node that
// has a risk. Where there is no such set there is no answer, and its cost is
// never above that of an answer.
type relaxation struct {
	p      *Problem
	finder *flow.Finder
	q      flow.Query
}

func newRelaxation(p *Problem) *relaxation {
	r := &relaxation{p: p, finder: p.Finder}
	r.q = flow.Query{From: ends(p.Source), To: ends(p.Target), Cost: p.Cost, Shut: make([]bool, len(p.Links)), Narrow: p.narrow()}
	return r
}

// paths returns k cheapest such paths that have no risk which somebody owns
// and no entry that is down; false where there are none.
func (r *relaxation) paths(k int, owner []int8, down []int16) (set []Path, ok bool) {
	p := r.p
	free := func(risks []int32) bool {
		return !slices.ContainsFunc(risks, func(r int32) bool { return owner[r] != 0 })
	}
	for l, link := range p.Links {
		r.q.Shut[l] = p.Closed[l] || down != nil && down[l/2] > 0 || !free(p.OnEntry[l/2]) || !free(p.enter[link.To]) ||
			p.Source[link.From] && !free(p.enter[link.From])
	}
	r.q.K = k
	if _, ok = r.finder.Run(&r.q); !ok {
		return nil, false
	}
	for _, q := range r.finder.Paths() {
		set = append(set, slices.Clone(Path(q)))
	}
	return set, true
}

// work counts the vertices settled since it was last asked.
func (r *relaxation) work() int {
	n := r.finder.Settled
	r.finder.Settled = 0
	return n
}

// leastCut returns the risks of a least cut, after paths has found too few.
func (r *relaxation) leastCut() (cut []int32) {
	links, nodes := r.finder.Cut()
	for _, l := range links {
		cut = append(cut, r.p.OnEntry[l/2][0])
	}
	for _, v := range nodes {
		cut = append(cut, r.p.enter[v][0])
	}
	slices.Sort(cut)
	return slices.Compact(cut)
}

// narrow marks the nodes that have a risk: one path at most passes there.
func (p *Problem) narrow() (marks []bool) {
	for v := range p.enter {
		if len(p.enter[v]) > 0 {
			if marks == nil {
				marks = make([]bool, len(p.enter))
			}
			marks[v] = true
		}
	}
	return marks
}

func ends(marked []bool) (nodes []int32) {
	for v, ok := range marked {
		if ok {
			nodes = append(nodes, int32(v))
		}
	}
	return nodes
}
