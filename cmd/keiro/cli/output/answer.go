package output

import (
	"fmt"
	"strings"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// Solution shows a row for each path, and below what is not satisfied and why.
// objective is that of an intent, by its name.
func Solution(t *Text, objective func(intent string) pathspec.Objective, s *pathspec.Solution) {
	table := &Table{
		Heads: []string{"INTENT", "STATUS", "PATH", "DELAY", "COST", "MARGIN"},
		Wide:  []string{"OPTIMAL", "RESERVE", "BANDWIDTH", "METRIC", "LINKS"},
	}
	for _, a := range s.Intents {
		row := []string{a.Name, string(a.Status), "-", "-", "-", "-", "-", "-", "-", "-", "-"}
		if a.Status == pathspec.Satisfied {
			row[4], row[5] = Cost(objective(a.Name), a.Cost), Margin(a.Margin)
			row[6], row[7] = optimal(&a), ReserveOf(&a)
		}
		for _, p := range a.Paths {
			row[2], row[3] = strings.Join(p.Nodes, " "), "unknown"
			if p.DelayUS != nil {
				row[3] = topology.Delay(*p.DelayUS).String()
			}
			row[8] = topology.Bandwidth(p.BandwidthBPS).String()
			row[9], row[10] = fmt.Sprint(p.Metric), strings.Join(p.Links, " ")
			table.Add(row...)
			row = make([]string, len(row))
		}
		if len(a.Paths) == 0 {
			table.Add(row...)
		}
	}
	t.Table(table)
	before := "\n"
	for _, a := range s.Intents {
		if t.Wide && a.Margin != nil && a.Margin.Breaks.String() != "" {
			t.Printf("%s%s: no path is left when %s\n", before, a.Name, a.Margin.Breaks)
			before = ""
		}
		if a.Reserve != nil && a.Reserve.Breaks.String() != "" {
			t.Printf("%s%s: the promise breaks when %s\n", before, a.Name, a.Reserve.Breaks)
			before = ""
		}
	}
	for _, a := range s.Intents {
		if a.Why != nil {
			Why(t, objective(a.Name), &a)
		}
	}
	if s.NewLink != nil {
		NewLink(t, s.NewLink)
	}
}

// NewLink shows where one link would help most.
func NewLink(t *Text, l *pathspec.NewLink) {
	length := "of unknown length"
	if l.DistanceM != nil && l.DelayUS != nil {
		length = fmt.Sprintf("%d km apart, %s", (*l.DistanceM+500)/1000, topology.Delay(*l.DelayUS))
	}
	t.Printf("\none new link %s--%s (%s) in a duct of its own makes feasible, each by itself: %s\n", l.A, l.B, length, strings.Join(l.Cures, ", "))
}

// Why shows why an answer is not satisfied, which its Why says.
func Why(t *Text, objective pathspec.Objective, a *pathspec.Answer) {
	t.Printf("\n%s is %s (%s): %s\n", a.Name, t.Word(string(a.Status)), a.Why.Code, a.Why.Message)
	if len(a.Why.Cut) > 0 {
		t.Printf("  in the way: %s\n", strings.Join(a.Why.Cut, ", "))
	}
	if len(a.Why.Relaxations) > 0 {
		t.Printf("  any one of these changes makes it feasible:\n")
	}
	for _, r := range a.Why.Relaxations {
		t.Printf("    %s (cost %s)\n", r.Change, Cost(objective, r.Cost))
	}
}

// Cost gives a cost the unit of its objective.
func Cost(objective pathspec.Objective, v int64) string {
	switch objective {
	case pathspec.MinDelay:
		return topology.Delay(v).String()
	case pathspec.MinHops:
		return fmt.Sprintf("%d hops", v)
	case pathspec.Balance:
		return fmt.Sprintf("%.1f%%", float64(v)/1e4)
	default:
		return fmt.Sprintf("metric %d", v)
	}
}

// Margin is a margin in one line; `any` number of failures leaves a path.
func Margin(m *pathspec.Margin) string {
	if m == nil {
		return "-"
	}
	one := func(n *int) string {
		if n == nil {
			return "any"
		}
		return fmt.Sprint(*n)
	}
	return fmt.Sprintf("link %s, node %s, srlg %s", one(m.Link), one(m.Node), one(m.SRLG))
}

// ReserveOf is the reserve of an answer in one line, which may be to come.
func ReserveOf(a *pathspec.Answer) string {
	if a.Status == pathspec.Satisfied && a.Pending {
		return "being computed"
	}
	return Reserve(a.Reserve)
}

// Reserve is a reserve in one line; >= is a bound that was proven.
func Reserve(r *pathspec.Reserve) string {
	if r == nil {
		return "-"
	}
	one := func(kind string, n int, breaks []string) string {
		least := ">="
		if r.Exact || breaks != nil {
			least = ""
		}
		return fmt.Sprintf("%s %s%d", kind, least, n)
	}
	return one("link", r.Link, r.Breaks.Link) + ", " + one("node", r.Node, r.Breaks.Node) + ", " + one("srlg", r.SRLG, r.Breaks.SRLG)
}

// optimal says that no set is cheaper, or by how much one may be at the most.
func optimal(a *pathspec.Answer) string {
	if a.Optimal || a.Bound == 0 || a.Cost == 0 {
		return YesNo(a.Optimal)
	}
	return fmt.Sprintf("no, gap %.1f%%", 100*float64(a.Cost-a.Bound)/float64(a.Cost))
}

// YesNo is a cell that says yes or no.
func YesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
