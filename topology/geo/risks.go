package geo

import (
	"fmt"
	"slices"

	"github.com/keiro-net/keiro/topology"
)

// Risk is a candidate shared risk (SRLG): the links of one Shared ground.
type Risk struct {
	Shared
	// Name is that of an SRLG that the topology states for all the links
	// already, or a new one: ground-1 and so on.
	Name   string
	Stated bool
}

// Risks names the ground that links share; see Shared.
func (g *Ground) Risks(within, length topology.Distance) []Risk {
	taken := map[string]bool{}
	for e := range g.t.Entries {
		groups, _ := g.t.Entries[e].SRLGs.Get()
		for _, name := range groups {
			taken[name] = true
		}
	}
	var risks []Risk
	number := 0
	for _, s := range g.Shared(within, length) {
		r := Risk{Shared: s}
		if r.Name, r.Stated = stated(g.t, s.Entries); !r.Stated {
			for r.Name == "" || taken[r.Name] {
				number++
				r.Name = fmt.Sprintf("ground-%d", number)
			}
		}
		risks = append(risks, r)
	}
	return risks
}

// stated is the first SRLG that all the entries are known to have.
func stated(t *topology.Topology, entries []int32) (name string, ok bool) {
	groups, _ := t.Entries[entries[0]].SRLGs.Get()
	for _, name := range groups {
		if !slices.ContainsFunc(entries, func(e int32) bool { return !t.Entries[e].HasSRLG(name) }) {
			return name, true
		}
	}
	return "", false
}

// Declare returns the topology with the new risks in the srlgs of their links.
//
// A list of srlgs that is given is complete, so to begin one where it is
// unknown would claim that nothing else is shared. Such links keep theirs
// unknown. With complete, the ground is all that links share by the word of
// the operator: the srlgs of every link with a route become known.
func (g *Ground) Declare(risks []Risk, complete bool) *topology.Topology {
	t := g.t
	entries := slices.Clone(t.Entries)
	lists := make([][]string, len(entries))
	for e := range entries {
		groups, _ := entries[e].SRLGs.Get()
		lists[e] = slices.Clone(groups)
	}
	for _, r := range risks {
		for _, e := range r.Entries {
			if !r.Stated {
				lists[e] = append(lists[e], r.Name)
			}
		}
	}
	for e := range entries {
		if entries[e].SRLGs.Known() || complete && g.Known(e) {
			entries[e].SRLGs = topology.Declare(lists[e])
		}
	}
	out := topology.New(t.Name, t.Sites, t.Nodes, entries, t.Links)
	out.SRLGs = t.SRLGs
	return out
}
