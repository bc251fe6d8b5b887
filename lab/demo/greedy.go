package demo

import (
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve"
	"github.com/keiro-net/keiro/topology"
)

// greedy answers an intent as is often done: the shortest path, then the
// shortest in what is left without the links and the ducts of the first, and
// so on. It finds fewer paths than there are where the shortest blocks the
// others.
func greedy(t *topology.Topology, i pathspec.Intent) []pathspec.Path {
	var found []pathspec.Path
	wanted := i.Require.Multiplicity
	i.Require.Multiplicity, i.Require.MaxDelaySpread = 1, nil
	used := topology.Outage{Entries: map[string]bool{}, SRLGs: map[string]bool{}}
	for len(found) < wanted {
		solution := solve.Solve(solve.Input{Topology: t.Without(used), Intents: []pathspec.Intent{i}})
		answer := solution.Intents[0]
		if answer.Status != pathspec.Satisfied {
			break
		}
		found = append(found, answer.Paths[0])
		for _, link := range answer.Paths[0].Links {
			used.Entries[link] = true
			e, _ := t.Entry(link)
			groups, _ := t.Entries[e].SRLGs.Get()
			for _, g := range groups {
				used.SRLGs[g] = true
			}
		}
	}
	return found
}
