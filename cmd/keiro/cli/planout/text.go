package planout

import (
	"fmt"
	"strings"

	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/pathspec/gate"
	"github.com/keiro-net/keiro/topology"
)

// text shows a row for each intent, the changes, and a paragraph for whatever
// degrades.
func text(t *output.Text, plan *gate.Plan) {
	table := &output.Table{
		Heads: []string{"INTENT", "VERDICT", "STATUS", "DELAY", "BANDWIDTH", "MARGIN"},
		Wide:  []string{"RESERVE", "METRIC", "PATHS"},
	}
	tried := plan.Failures.Kind != "none"
	if tried {
		table.Heads = append(table.Heads, "SURVIVES")
	}
	for _, i := range plan.Intents {
		cell := func(one func(s gate.State) string) string { return arrow(one(i.Before), one(i.After)) }
		row := []string{
			i.Name, string(i.Verdict), cell(func(s gate.State) string { return string(s.Status) }),
			cell(delay), cell(bandwidth), cell(func(s gate.State) string { return output.Margin(s.Margin) }),
		}
		if tried {
			row = append(row, cell(survives))
		}
		table.Add(append(row, cell(func(s gate.State) string { return output.Reserve(s.Reserve) }), cell(metric), cell(paths))...)
	}
	t.Table(table)
	changes(t, plan)
	by := changesOf(plan)
	for _, g := range groups(plan) {
		t.Printf("\n%s\n", g.title())
		t.Printf("  %s\n", g.message())
		if len(g[0].Cut) > 0 {
			t.Printf("  in the way: %s\n", strings.Join(g[0].Cut, ", "))
		}
		for _, line := range blame(g[0].Blame, by) {
			t.Printf("  %s\n", line)
		}
	}
}

func arrow(before, after string) string {
	if before == after {
		return before
	}
	return before + " -> " + after
}

func delay(s gate.State) string {
	switch {
	case len(s.Paths) == 0:
		return "-"
	case s.DelayUS == nil:
		return "unknown"
	}
	return topology.Delay(*s.DelayUS).String()
}

func bandwidth(s gate.State) string {
	if len(s.Paths) == 0 {
		return "-"
	}
	return topology.Bandwidth(s.BandwidthBPS).String()
}

func survives(s gate.State) string {
	if s.Survives == nil {
		return "-"
	}
	v := s.Survives
	out := fmt.Sprintf("%d of %d", v.Met, v.Met+v.Partial+v.None+v.Unknown)
	if v.Unknown > 0 {
		out += fmt.Sprintf(" (%d unknown)", v.Unknown)
	}
	return out
}

func metric(s gate.State) string {
	sum := int64(0)
	for _, p := range s.Paths {
		sum += p.Metric
	}
	if len(s.Paths) == 0 {
		return "-"
	}
	return fmt.Sprint(sum)
}

func paths(s gate.State) string {
	all := make([]string, len(s.Paths))
	for i, p := range s.Paths {
		all[i] = strings.Join(p.Links, " ")
	}
	return output.Or(strings.Join(all, " | "))
}

// most is how many changes are listed for people; `-o wide` lists all.
const most = 10

func changes(t *output.Text, plan *gate.Plan) {
	if len(plan.Changes) == 0 {
		t.Printf("\nno changes\n")
		return
	}
	t.Printf("\n%s:\n", output.Count(len(plan.Changes), "change"))
	for n, c := range plan.Changes {
		if n == most && !t.Wide {
			t.Printf("  and %d more: see -o wide\n", len(plan.Changes)-n)
			break
		}
		t.Printf("  %s%s\n", c.Text, where(c))
	}
}
