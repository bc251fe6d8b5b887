// Package show turns what the Core knows into what the API shows. It is pure,
// keeps nothing and decides nothing. The controller calls it after every step,
// for every alarm that is told, and for what is made only when an operator asks:
// all about one link, what routers say, why an intent has its answer.
package show

import (
	"cmp"
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/bgp/srpolicy/report"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/controller/compile"
	"github.com/keiro-net/keiro/controller/core"
	"github.com/keiro-net/keiro/controller/declare"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// State turns what the Core knows into what the API shows. What did not
// change keeps its place in memory from the state before.
func State(before *resource.State, d declare.State, v core.View, drains []*resource.Drain) *resource.State {
	if before == nil {
		before = &resource.State{}
	}
	s := &resource.State{
		Generation: d.Generation, Topology: before.Topology, TopologyGeneration: d.TopologyGeneration,
		Drains: drains, Solution: solutionOf(v), Learned: counts(v.Learned),
	}
	t := d.Topology
	if t == nil || v.Spec.Topology == nil {
		return s
	}
	if before.Topology == nil || before.TopologyGeneration != d.TopologyGeneration {
		s.Topology, _ = json.Marshal(t) // plain data
	}
	reached := map[string]bool{}
	for i, n := range v.Nodes {
		reached[n.Name] = n.Connected && n.Reached == n.Wanted
		out := nodeOf(d, v, n)
		if v.Live != nil {
			out.Conditions = discrepancies(v.Live.Nodes[i].Conditions)
		}
		s.Nodes = append(s.Nodes, out)
	}
	reserved := map[string]int64{}
	for _, i := range v.Intents {
		for _, p := range i.Standing {
			for _, link := range p.Path.Links {
				reserved[link] += p.Path.BandwidthBPS
			}
		}
		s.Intents = append(s.Intents, intentOf(d, v, i, reached))
	}
	for e, l := range v.Links {
		out := linkOf(v.Spec.Topology, e, l, reserved[l.Name])
		if v.Live != nil {
			out.Conditions = discrepancies(v.Live.Links[e].Conditions)
		}
		s.Links = append(s.Links, out)
	}
	for _, l := range v.Lanes {
		s.Lanes = append(s.Lanes, laneOf(l))
	}
	slices.SortFunc(s.Lanes, func(a, b *resource.Lane) int {
		return cmp.Or(strings.Compare(a.Intent, b.Intent), cmp.Compare(a.Index, b.Index))
	})
	for _, k := range v.Keying {
		s.Keying = append(s.Keying, keyingOf(k))
	}
	for _, a := range v.Alarms {
		alert := Alert(a)
		s.Alerts = append(s.Alerts, &alert)
	}
	s.Nodes = keep(before.Nodes, s.Nodes, func(n *resource.Node) string { return n.Name })
	s.Links = keep(before.Links, s.Links, func(l *resource.Link) string { return l.Name })
	s.Intents = keep(before.Intents, s.Intents, func(i *resource.Intent) string { return i.Metadata.Name })
	s.Alerts = keep(before.Alerts, s.Alerts, func(a *resource.Alert) string { return a.ID })
	return s
}

// keep sorts the objects by name and puts those of before in the place of
// equal ones: watches compare pointers.
func keep[T any](before, now []*T, name func(*T) string) []*T {
	old := make(map[string]*T, len(before))
	for _, o := range before {
		old[name(o)] = o
	}
	for n, o := range now {
		if was := old[name(o)]; was != nil && reflect.DeepEqual(was, o) {
			now[n] = was
		}
	}
	slices.SortFunc(now, func(a, b *T) int { return strings.Compare(name(a), name(b)) })
	return now
}

func solutionOf(v core.View) *resource.Solution {
	s := &resource.Solution{APIVersion: resource.APIVersion, Kind: "Solution", Intents: []pathspec.Answer{}, NewLink: v.NewLink}
	if v.Spec.Topology != nil {
		s.Topology = v.Spec.Topology.Name
	}
	for _, i := range v.Intents {
		s.Intents = append(s.Intents, Answer(i))
	}
	return s
}

// Answer is what is known of the answer to an intent: at least that there is none
// yet.
func Answer(i core.IntentView) pathspec.Answer {
	if i.Answer != nil {
		return *i.Answer
	}
	return pathspec.Answer{Name: i.Spec.Name, Status: pathspec.Undecided, Paths: []pathspec.Path{},
		Why: &pathspec.Why{Code: pathspec.WhyPending, Message: "no answer yet", Cut: []string{}, Relaxations: []pathspec.Relaxation{}}}
}

func nodeOf(d declare.State, v core.View, n core.NodeView) *resource.Node {
	out := &resource.Node{
		Name: n.Name, Connected: n.Connected, Revoked: n.Revoked, Since: n.Since,
		RevisionWanted: n.Wanted, RevisionReached: n.Reached, Errors: n.Errors, Drifted: n.Drifted,
		Drained: slices.Contains(v.Drains, core.Drain{Kind: "node", Name: n.Name}),
	}
	locator := d.IDs.Locator(n.Name)
	if index, ok := v.Spec.Topology.Node(n.Name); ok {
		node := &v.Spec.Topology.Nodes[index]
		out.Site, out.NoAgent, out.Steering = node.Site, node.NoAgent, steering(node)
		if out.Guard = "enforce"; node.Guard == topology.Alert {
			out.Guard = "alert"
		}
		if node.NoAgent {
			out.Guard = ""
			locator = node.Locator // what it has, not what it would be given
		}
	}
	if locator.IsValid() {
		out.Locator = locator.String()
	}
	return out
}

func steering(n *topology.Node) string {
	if n.Steering == topology.ByAgent {
		return "agent"
	}
	return string(n.Steering)
}

func linkOf(t *topology.Topology, e int, l core.LinkView, reserved int64) *resource.Link {
	out := &resource.Link{Name: l.Name, A: l.A, B: l.B, Drained: l.Drained, Since: l.Since, ReservedBPS: reserved,
		QKD: t.Entries[e].QKD, Keyless: l.Keyless}
	switch l.State {
	case core.LinkUp:
		out.State = resource.LinkUp
	case core.LinkDown, core.LinkRestoring:
		out.State = resource.LinkDown
	default:
		out.State = resource.LinkUnknown
	}
	out.SRLGs, _ = t.Entries[e].SRLGs.Get()
	if c, ok := t.Links[2*e].Capacity.Get(); ok {
		bps := int64(c)
		out.CapacityBPS = &bps
	}
	if d, ok := t.Links[2*e].Delay.Get(); ok {
		us := int64(d)
		out.DelayUS = &us
	}
	return out
}

func intentOf(d declare.State, v core.View, i core.IntentView, reached map[string]bool) *resource.Intent {
	doc, _ := json.Marshal(i.Spec) // plain data
	var spec struct {
		Spec json.RawMessage `json:"spec"`
	}
	_ = json.Unmarshal(doc, &spec)
	out := &resource.Intent{
		APIVersion: resource.APIVersion, Kind: resource.KindIntent, Spec: spec.Spec,
		Metadata: resource.Metadata{Name: i.Spec.Name, Labels: i.Spec.Labels, Generation: d.Generations[i.Spec.Name]},
		Status: resource.IntentStatus{Answer: Answer(i), Conditions: []resource.Condition{}, Paths: []resource.PathStatus{},
			Compliance: overall(i.Characteristics), Characteristics: characteristics(i.Characteristics)},
	}
	if v.Fresh {
		out.Status.ObservedGeneration = v.Spec.Generation
	}
	for _, c := range i.Conditions {
		out.Status.Conditions = append(out.Status.Conditions, resource.Condition{
			Type: c.Type, Status: resource.ConditionStatus(c.Status), Reason: c.Reason, Message: c.Message,
			ObservedGeneration: out.Status.ObservedGeneration, LastTransitionTime: c.Since,
		})
	}
	for _, l := range i.Leaks {
		out.Status.Leaks = append(out.Status.Leaks, resource.Leak{Node: l.Node, Link: l.Link, Kind: l.Kind,
			Seen: int64(min(l.Seen, math.MaxInt64)), First: l.First, Last: l.Last, Packet: l.Packet})
	}
	for _, back := range []bool{false, true} {
		for n, p := range i.Standing {
			path := pathOf(i.Spec.Name, n, p, back, reached)
			if i.Spec.Mode == pathspec.Spread {
				path.Weight = i.Spec.Weight(n)
			}
			out.Status.Paths = append(out.Status.Paths, path)
		}
	}
	return out
}

// pathOf is one path at the headend of one direction.
func pathOf(intent string, n int, p core.PathView, back bool, reached map[string]bool) resource.PathStatus {
	out := resource.PathStatus{
		Name: compile.PathName(intent, n), Nodes: slices.Clone(p.Path.Nodes), Links: slices.Clone(p.Path.Links),
		State: nodecfg.CannotTell,
	}
	if back {
		slices.Reverse(out.Nodes)
		slices.Reverse(out.Links)
	}
	out.Headend = out.Nodes[0]
	out.Installed = p.Serving && reached[out.Headend]
	switch seen, ok := p.Seen[out.Headend]; {
	case !p.Serving:
		out.State, out.Cause = nodecfg.Down, nodecfg.DownByLink
	case ok:
		out.State, out.Active, out.Cause, out.RTTUS, out.Since = seen.State, seen.Active, seen.Cause, seen.RTTUS, seen.Changed
		out.Way, out.Deviation = seen.Way, seen.Deviation
		out.There, out.Back, out.Delay, out.Loss = measured(seen.There), measured(seen.Back), seen.Delay, seen.Loss
	}
	if told, byBGP := p.Told[out.Headend]; byBGP {
		// What its agent has confirmed, if it has one, is not this.
		out.SRPolicy = srPolicyOf(told)
		out.Installed = p.Serving && told.Held == report.Yes
		out.Active = out.Active || p.Serving && told.Installed == report.Yes
	}
	return out
}

// measured is nil where nothing is.
func measured(m nodecfg.Measured) *resource.Measured {
	if m.Packets == 0 {
		return nil
	}
	out := &resource.Measured{Packets: m.Packets, LossPPM: m.LossPPM, VariationUS: m.VariationUS}
	if m.Synced {
		out.DelayUS = &m.DelayUS
	}
	return out
}

// Alert is an alarm as receivers and the API get it.
func Alert(a core.Alarm) resource.Alert {
	out := resource.Alert{
		ID: a.Key, Name: a.Name, Severity: resource.Severity(a.Severity), Status: resource.Firing,
		Before: a.Before, After: a.After, Cause: resource.Cause{Text: a.Cause, Object: a.Cause},
		IntentsHit: append([]string{}, a.Intents...), CausedAt: a.CausedAt, DetectedAt: a.DetectedAt, Message: a.Message,
		DetectionDelayUS: max(a.DetectedAt.Sub(a.CausedAt), 0).Microseconds(),
		Updates:          a.Updates, UpdatedAt: a.UpdatedAt, Change: a.Change, Evidence: make([]resource.Evidence, len(a.Evidence)),
	}
	for _, severity := range a.Severities {
		if severity != a.Severity {
			out.SeveritiesBefore = append(out.SeveritiesBefore, resource.Severity(severity))
		}
	}
	for n, e := range a.Evidence {
		out.Evidence[n] = resource.Evidence{Kind: resource.EvidenceKind(e.Kind), Source: e.Source, Text: e.Text, At: e.At}
	}
	if len(a.Intents) == 1 {
		out.Intent = a.Intents[0]
	}
	if !a.Firing {
		out.Status, out.ResolvedAt = resource.Resolved, a.ResolvedAt
	}
	return out
}
