package declare

import (
	"fmt"
	"slices"
	"strings"

	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/gate"
	"github.com/keiro-net/keiro/topology"
)

// Question is a change that the gate is asked about, in the network as it is.
type Question struct {
	Next State
	// OutBefore is what is out of service or drained now, OutAfter the same
	// without what is put back by the change.
	OutBefore, OutAfter topology.Outage
	Drains              []gate.Drain // what the change takes out of use
	Failures            string       // none, link, node or srlg
	Reserve             bool
	Stop                func() bool
}

// Plan asks the gate. Both states have a topology.
func (d State) Plan(q Question) *gate.Plan {
	return gate.Evaluate(gate.Input{
		Before: d.Topology.Without(q.OutBefore), After: q.Next.Topology.Without(q.OutAfter),
		BeforeIntents: append([]pathspec.Intent{}, d.Intents...), Intents: q.Next.Intents,
		Drains: q.Drains, Failures: q.Failures, Reserve: q.Reserve, Stop: q.Stop,
	})
}

// Refuse is why a plan may not be carried out: nil, or a Conflict with what
// degrades or may, that no waiver allows. The margin of an intent of one path is
// shown by a plan, but nobody declared that there be one.
func (d State) Refuse(plan *gate.Plan, waived func(gate.Finding) bool) error {
	one := map[string]bool{}
	for n := range d.Intents {
		one[d.Intents[n].Name] = d.Intents[n].Require.Multiplicity < 2
	}
	findings := slices.DeleteFunc(slices.Clone(plan.Findings), func(f gate.Finding) bool {
		return waived(f) || one[f.Intent] && f.Failure == "" && strings.HasPrefix(f.Characteristic, "margin-")
	})
	if len(findings) == 0 {
		return nil
	}
	e := resource.Errorf(resource.Conflict, "nothing was changed: a declared characteristic would degrade")
	if !slices.ContainsFunc(findings, func(f gate.Finding) bool { return f.Verdict == gate.Degraded }) {
		e.Message = "nothing was changed: it cannot be told whether a declared characteristic would degrade"
	}
	e.Findings = findings
	for _, f := range findings {
		e.Details = append(e.Details, resource.Detail{Where: "intent:" + f.Intent, What: sentence(f)})
	}
	return e
}

// sentence tells a finding, whose fault it is and what to do.
func sentence(f gate.Finding) string {
	text := fmt.Sprintf("%s: %s -> %s", f.Characteristic, f.Before, f.After)
	if f.Failure != "" {
		text += " when " + f.Failure + " fails"
	}
	text += ": " + f.Message
	if f.Blame != nil && len(f.Blame.Sets) > 0 {
		text += fmt.Sprintf("; it comes of %s: leave that out, or declare less of the intent first", strings.Join(f.Blame.Sets[0], " with "))
	}
	return text
}
