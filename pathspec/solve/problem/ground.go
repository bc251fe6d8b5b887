package problem

import (
	"slices"
	"strings"
	"sync"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/geo"
)

// Ground is the kind of a risk that is no name of the topology: cables that
// all come too near to each other, of which one path only may have any.
const Ground = pathspec.Operator + 1

// pairs finds once, for each distance, the pairs of routes that come nearer to
// each other.
func (n *network) pairs(within topology.Distance) [][2]int32 {
	find := sync.OnceValue(func() [][2]int32 { return n.survey().Near(within) })
	kept, _ := n.near.LoadOrStore(within, find)
	return kept.(func() [][2]int32)()
}

// separate adds a risk for every two routes that come too near outside the
// ground around the ends of the intent, and for every route of several cables
// that comes near no other: as many as there are routes near each other, and
// not cables.
func (n *network) separate(p *Problem, in *pathspec.Intent) {
	r := &in.Require
	if !p.several || r.Separation == 0 {
		return
	}
	survey := n.survey()
	pairs := survey.Except(n.pairs(r.Separation), r.Separation, discs(p.t, in))
	beside := map[int32]bool{} // routes that come near another one
	for _, pair := range pairs {
		if pair[0] != pair[1] {
			beside[pair[0]], beside[pair[1]] = true, true
		}
	}
	p.risks, p.OnEntry = slices.Clip(p.risks), slices.Clone(p.OnEntry)
	for _, pair := range pairs {
		cables := survey.Alike(pair[0])
		switch {
		case pair[0] != pair[1]:
			cables = slices.Concat(cables, survey.Alike(pair[1]))
		case beside[pair[0]]:
			continue
		}
		id := int32(len(p.risks))
		names := make([]string, len(cables))
		for i, e := range cables {
			names[i] = p.t.Entries[e].Name
			p.OnEntry[e] = append(slices.Clip(p.OnEntry[e]), id)
		}
		p.risks = append(p.risks, Risk{Ground, strings.Join(names, ",")})
	}
	p.Risks = len(p.risks)
}

// discs are where cables may be near each other: around the sites of the ends.
// Around a place that nobody stated there is none.
func discs(t *topology.Topology, in *pathspec.Intent) (list []geo.Disc) {
	for _, end := range []string{in.From, in.To} {
		if s, ok := t.Site(siteOf(t, end)); ok {
			if where, known := t.Sites[s].Where.Get(); known && in.Require.SeparationExcept > 0 {
				list = append(list, geo.Disc{Centre: where, Radius: in.Require.SeparationExcept})
			}
		}
	}
	return list
}
