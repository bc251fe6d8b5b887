package page

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/controller/api/resource"
)

// fields are lines of a name and a value; a value "" is left out.
func fields(t *output.Text, pairs ...string) {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			t.Printf("%-12s %s\n", pairs[i]+":", pairs[i+1])
		}
	}
}

// Intent shows all about an intent, and its lanes if it has any. spec is its
// spec as YAML.
func Intent(t *output.Text, now time.Time, i *resource.Intent, lanes []resource.Lane, kept *resource.Compliance, spec string) {
	a, name, objective := &i.Status.Answer, i.Metadata.Name, Objective(i)
	status := t.Word(string(a.Status))
	if a.Why == nil && a.Optimal {
		status += ", optimal, cost " + output.Cost(objective, a.Cost)
	}
	fields(t, "Intent", name, "Labels", labels(i.Metadata.Labels), "Generation", fmt.Sprint(i.Metadata.Generation), "Status", status, "Compliance", t.Word(string(i.Status.Compliance)))
	if a.Margin != nil {
		fields(t, "Margin", output.Margin(a.Margin))
	}
	if reserve := output.ReserveOf(a); reserve != "-" {
		fields(t, "Reserve", reserve)
	}
	if a.Reserve != nil {
		fields(t, "Breaks when", a.Reserve.Breaks.String())
	}
	t.Printf("\nSpec:\n")
	for line := range strings.Lines(spec) {
		t.Printf("  %s", line)
	}
	t.Printf("\n")
	conditions := &output.Table{Heads: []string{"CONDITION", "STATUS", "AGE", "REASON", "MESSAGE"}}
	for _, c := range i.Status.Conditions {
		conditions.Add(c.Type, string(c.Status), output.Age(now, c.LastTransitionTime), c.Reason, c.Message)
	}
	list(t, conditions, len(i.Status.Conditions), "conditions yet")
	t.Printf("\n")
	Characteristics(t, now, i.Status.Characteristics)
	Availability(t, kept, now.UTC().Format("2006-01"))
	t.Printf("\n")
	paths := &output.Table{Heads: []string{"HEADEND", "PATH", "STATE", "WAY", "ACTIVE", "INSTALLED", "RTT", "AGE", "NODES"}}
	for _, p := range i.Status.Paths {
		trip := "-"
		if p.RTTUS > 0 {
			trip = rtt(p.RTTUS)
		}
		paths.Add(p.Headend, strings.TrimPrefix(p.Name, name+"/"), State(&p), cmp.Or(p.Way, "-"), active(&p)+weight(p.Weight), installed(&p),
			trip, output.Age(now, p.Since), strings.Join(p.Nodes, " "))
	}
	list(t, paths, len(i.Status.Paths), "paths stand")
	for _, p := range i.Status.Paths {
		if p.Deviation != "" {
			t.Printf("%s from %s deviates: %s.\n", p.Name, p.Headend, p.Deviation)
		}
	}
	leaks(t, now, i.Status.Leaks)
	if m := measured(name, i.Status.Paths); m != nil {
		t.Printf("\n")
		t.Table(m)
	}
	srPolicies(t, i)
	if len(lanes) > 0 {
		t.Printf("\n")
		Lanes(t, now, lanes)
	}
	if a.Why != nil {
		output.Why(t, objective, a)
	}
}

// leaks are packets where they should not be.
func leaks(t *output.Text, now time.Time, leaks []resource.Leak) {
	if len(leaks) == 0 {
		return
	}
	t.Printf("\n")
	table := &output.Table{Heads: []string{"LEAK", "LINK", "SEEN BY", "SAMPLES", "FIRST", "LAST", "PACKET"}}
	for _, l := range leaks {
		table.Add(l.Kind, l.Link, l.Node, fmt.Sprint(l.Seen), output.Age(now, l.First), output.Age(now, l.Last), l.Packet)
	}
	list(t, table, len(leaks), "leaks")
}

// weight is the share of the flows that a path has; 0: they are not spread.
func weight(w int) string {
	if w == 0 {
		return ""
	}
	return fmt.Sprintf(", weight %d", w)
}

// State is the state of a path at its headend, and what took it down.
func State(p *resource.PathStatus) string {
	if p.Cause == "" {
		return string(p.State)
	}
	return fmt.Sprintf("%s (%s)", p.State, p.Cause)
}

func labels(m map[string]string) string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(m)) {
		out = append(out, key+"="+m[key])
	}
	return strings.Join(out, ", ")
}

// Node shows all about a node: its links, and the intents whose paths cross it;
// wide, all that routers say of it as well.
func Node(t *output.Text, now time.Time, n *resource.NodeDetail, links []resource.Link, intents []string) {
	since := n.Since
	if n.NoAgent {
		since = time.Time{}
	}
	rev := revision(&n.Node)
	if n.NoAgent {
		rev = ""
	}
	steered := ""
	if n.Steering == "bgp" {
		steered = "by BGP"
	}
	fields(t, "Node", n.Name, "Site", n.Site, "Locator", n.Locator, "Router", router(n.Router),
		"Agent", lasting(t, agent(&n.Node), now, since), "Steered", steered, "Version", n.Agent, "Revision", rev,
		"Drained", output.YesNo(n.Drained), "Guard", n.Guard, "Drifts", drifted(n.Drifted), "Intents", some(intents))
	for _, e := range n.Errors {
		t.Printf("\nnot as wanted: %s\n  %s\n", e.Object, e.Error)
	}
	drifts(t, now, n.Drifts)
	discrepancies(t, n.Conditions)
	attributes(t, now, n.Attributes)
	sids(t, now, n.SIDs)
	if t.Wide && len(n.Said) > 0 {
		t.Printf("\n")
		sayings(t, now, n.Said)
	}
	t.Printf("\n")
	Links(t, now, links)
}

// lasting is a state, and for how long it has been so, if that is known.
func lasting(t *output.Text, state string, now, since time.Time) string {
	if since.IsZero() {
		return t.Word(state)
	}
	return t.Word(state) + " for " + output.Age(now, since)
}
