package page

import (
	"strconv"
	"strings"
	"time"

	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/gate"
	"github.com/keiro-net/keiro/topology"
)

// Applied shows what became of each object.
func Applied(t *output.Text, applied *resource.Applied) {
	for _, o := range applied.Objects {
		t.Printf("%s/%s %s", o.Kind, o.Name, o.Action)
		if applied.DryRun {
			t.Printf(" (dry run)")
		}
		t.Printf("\n")
		for _, f := range o.Fields {
			if t.Wide {
				t.Printf("  %s\n", f)
			}
		}
	}
	if p := applied.Pending; p != nil {
		t.Printf("change %d is taken back at %s unless you `keiro confirm` it\n", p.Generation, p.Until.Format(time.RFC3339))
	}
}

// Pending shows the change that awaits its confirmation.
func Pending(t *output.Text, now time.Time, p *resource.Pending) {
	table := &output.Table{Heads: []string{"CHANGE", "BY", "AGE", "TAKEN BACK"}}
	table.Add(strconv.FormatUint(p.Generation, 10), output.Or(p.By), output.Age(now, p.Since), p.Until.Format(time.RFC3339))
	t.Table(table)
}

// Findings shows what the gate finds.
func Findings(t *output.Text, findings []gate.Finding) {
	table := &output.Table{Heads: []string{"INTENT", "CHARACTERISTIC", "VERDICT", "BEFORE", "AFTER", "FAILURE", "BY"}}
	for _, f := range findings {
		by := "-"
		if f.Blame != nil && len(f.Blame.Sets) > 0 {
			by = strings.Join(f.Blame.Sets[0], ", ")
		}
		table.Add(f.Intent, f.Characteristic, t.Word(string(f.Verdict)), f.Before, f.After, output.Or(f.Failure), by)
	}
	t.Table(table)
}

// Diff shows what would become of each object, and of the paths of each intent.
func Diff(t *output.Text, diff *resource.Diff) {
	for _, o := range diff.Objects {
		t.Printf("%s/%s %s\n", o.Kind, o.Name, o.Action)
		for _, f := range o.Fields {
			t.Printf("  %s\n", f)
		}
	}
	for _, f := range diff.Findings {
		t.Printf("\n%s %s: %s: %s\n", f.Intent, f.Characteristic, t.Word(string(f.Verdict)), f.Message)
	}
	if len(diff.Intents) == 0 {
		return
	}
	table := &output.Table{Heads: []string{"INTENT", "", "STATUS", "PATH", "DELAY", "MARGIN"}}
	for _, i := range diff.Intents {
		addAnswer(table, i.Name, "before", i.Before)
		addAnswer(table, "", "after", i.After)
	}
	t.Printf("\n")
	t.Table(table)
	for _, i := range diff.Intents {
		if i.After != nil && i.After.Why != nil {
			t.Printf("\n%s would be %s (%s): %s\n", i.Name, t.Word(string(i.After.Status)), i.After.Why.Code, i.After.Why.Message)
		}
	}
}

func addAnswer(table *output.Table, name, when string, a *pathspec.Answer) {
	if a == nil {
		table.Add(name, when, "none", "-", "-", "-")
		return
	}
	row := []string{name, when, string(a.Status), "-", "-", output.Margin(a.Margin)}
	for _, p := range a.Paths {
		row[3], row[4] = strings.Join(p.Nodes, " "), delay(p.DelayUS)
		table.Add(row...)
		row = make([]string, len(row))
	}
	if len(a.Paths) == 0 {
		table.Add(row...)
	}
}

// delay is a delay in microseconds with its unit, if it is known.
func delay(us *int64) string {
	if us == nil {
		return "unknown"
	}
	return topology.Delay(*us).String()
}
