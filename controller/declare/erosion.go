package declare

import (
	"slices"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/gate"
	"github.com/keiro-net/keiro/topology"
)

// Erosion asks the gate what the topology of the next state would take from
// the intents that stay as they are, with what is out of service now. Both
// states have a topology.
func (d State) Erosion(next State, out topology.Outage, stop func() bool) []gate.Finding {
	in := gate.Input{Before: d.Topology.Without(out), After: next.Topology.Without(out), Stop: stop}
	for n := range d.Intents {
		if slices.ContainsFunc(next.Intents, func(i pathspec.Intent) bool { return i.Equal(&d.Intents[n]) }) {
			in.Intents = append(in.Intents, d.Intents[n])
		}
	}
	return gate.Evaluate(in).Findings
}
