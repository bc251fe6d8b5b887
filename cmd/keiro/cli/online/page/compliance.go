package page

import (
	"fmt"
	"slices"
	"time"

	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/controller/api/resource"
)

// Characteristics shows whether each characteristic of an intent holds.
func Characteristics(t *output.Text, now time.Time, all []resource.Characteristic) {
	table := &output.Table{Heads: []string{"CHARACTERISTIC", "STATUS", "AGE", "DECLARED", "MEASURED", "CAUSE"}}
	for _, c := range all {
		table.Add(c.Name, string(c.Status), output.Age(now, c.Since), dash(c.Declared), c.Measured, dash(c.Cause))
	}
	list(t, table, len(all), "characteristics yet")
}

// Compliance shows for each intent whether it holds, and how long each of its
// characteristics held in a month.
func Compliance(t *output.Text, now time.Time, all []resource.Compliance, month string) {
	table := &output.Table{Heads: []string{"INTENT", "STATUS", "MONTH", "SATISFIED", "DEGRADED", "VIOLATED", "UNKNOWN", "AVAILABILITY", "WORST", "CAUSE"}}
	for i := range all {
		c := &all[i]
		worst, cause := "-", "-"
		for _, x := range c.Characteristics {
			if x.Status == c.Status && c.Status != resource.Complies {
				worst, cause = x.Name, dash(x.Cause)
				break
			}
		}
		row := append([]string{c.Intent, string(c.Status)}, spent(c, month, total)...)
		table.Add(append(row, worst, cause)...)
	}
	list(t, table, len(all), "intents")
}

const total = "total"

// spent are the cells of a characteristic in a month.
func spent(c *resource.Compliance, month, name string) []string {
	at := slices.IndexFunc(c.Months, func(a resource.Availability) bool { return a.Month == month && a.Characteristic == name })
	if at < 0 {
		return []string{month, "-", "-", "-", "-", "-"}
	}
	a := &c.Months[at]
	return []string{month, lasted(a.SatisfiedMS), lasted(a.DegradedMS), lasted(a.ViolatedMS), lasted(a.UnknownMS), Share(a)}
}

// Share is the part of the known time in which a characteristic was not
// Violated; a dash where nothing is known. It is rounded down: 100 % is all.
func Share(a *resource.Availability) string {
	known := a.KnownMS()
	if known == 0 {
		return "-"
	}
	ppm := (known - a.ViolatedMS) * 1_000_000 / known
	return fmt.Sprintf("%d.%04d%%", ppm/10_000, ppm%10_000)
}

func lasted(ms int64) string {
	switch d := time.Duration(ms) * time.Millisecond; {
	case d == 0:
		return "0s"
	case d < time.Second:
		return d.String()
	default:
		return d.Truncate(time.Second).String()
	}
}

// Ledger shows all that is remembered of one intent: every characteristic, how
// long it held in each month, and how its margin changed.
func Ledger(t *output.Text, now time.Time, c *resource.Compliance, month string) {
	fields(t, "Intent", c.Intent, "Status", t.Word(string(c.Status)))
	t.Printf("\n")
	Characteristics(t, now, c.Characteristics)
	Availability(t, c, month)
	erosions := &output.Table{Heads: []string{"AT", "WHAT", "BEFORE", "AFTER", "CAUSE"}}
	for _, e := range c.Erosions {
		erosions.Add(e.At.Local().Format("2006-01-02 15:04:05"), e.What, e.Before, e.After, dash(e.Cause))
	}
	if len(c.Erosions) > 0 {
		t.Printf("\n")
		t.Table(erosions)
	}
}

// Availability shows how long each characteristic had which status, in one month
// or, where that is "", in all that are kept.
func Availability(t *output.Text, c *resource.Compliance, month string) {
	table := &output.Table{Heads: []string{"MONTH", "CHARACTERISTIC", "SATISFIED", "DEGRADED", "VIOLATED", "UNKNOWN", "AVAILABILITY"}}
	rows := 0
	for i := range c.Months {
		a := &c.Months[i]
		if month != "" && a.Month != month {
			continue
		}
		rows++
		table.Add(a.Month, a.Characteristic, lasted(a.SatisfiedMS), lasted(a.DegradedMS), lasted(a.ViolatedMS), lasted(a.UnknownMS), Share(a))
	}
	if rows > 0 {
		t.Printf("\n")
		t.Table(table)
	}
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
