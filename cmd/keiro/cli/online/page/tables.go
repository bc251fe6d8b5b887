// Package page is how the controller's objects look to people: tables, pages
// and lines, made of the values of controller/api/resource. It does no I/O and
// decides nothing. Package online calls it.
package page

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// standing is one path of an intent, as all its headends see it.
type standing struct {
	number string // as in the path's name
	nodes  []string
	state  nodecfg.PathUp
	active bool // at the first headend
	// unprobed: so far there are only headends that probe nothing.
	unprobed bool
}

// pathsOf gathers the paths of an intent. One is up when all its headends say
// so, and down when one does. A headend that was told by BGP probes nothing: there
// the probes of the other end count, which go both ways.
func pathsOf(i *resource.Intent) []standing {
	var out []standing
	at := map[string]int{}
	for _, p := range i.Status.Paths {
		unprobed := p.SRPolicy != nil && p.State == nodecfg.CannotTell
		n, known := at[p.Name]
		if !known {
			at[p.Name] = len(out)
			number := strings.TrimPrefix(p.Name, i.Metadata.Name+"/")
			out = append(out, standing{number, p.Nodes, p.State, p.Active, unprobed})
			continue
		}
		if p.State == nodecfg.Down || !unprobed && (out[n].state == nodecfg.Up || out[n].unprobed) {
			out[n].state = p.State
		}
		out[n].unprobed = out[n].unprobed && unprobed
	}
	return out
}

// summary is an intent in a row.
type summary struct {
	status                        string
	paths                         string // up, of required
	delay                         string // of the slowest path
	active                        string // numbers of the paths that the first headend uses
	satisfied, installed, healthy string
}

func summarise(i *resource.Intent) summary {
	a := &i.Status.Answer
	s := summary{status: string(a.Status), delay: "-", active: "-"}
	up := 0
	var active []string
	for _, p := range pathsOf(i) {
		if p.state == nodecfg.Up {
			up++
		}
		if p.active {
			active = append(active, p.number)
		}
	}
	if len(active) > 0 {
		s.active = strings.Join(active, ",")
	}
	s.paths = fmt.Sprintf("%d/%d", up, specOf(i).Require.Multiplicity)
	if len(a.Paths) > 0 {
		s.delay = slowest(a.Paths)
	}
	for kind, cell := range map[string]*string{
		resource.Satisfied: &s.satisfied, resource.Installed: &s.installed, resource.Healthy: &s.healthy,
	} {
		*cell = string(resource.Unknown)
		if c := i.Condition(kind); c != nil {
			*cell = string(c.Status)
		}
	}
	return s
}

func slowest(paths []pathspec.Path) string {
	var most topology.Delay
	for _, p := range paths {
		if p.DelayUS == nil {
			return "unknown"
		}
		most = max(most, topology.Delay(*p.DelayUS))
	}
	return most.String()
}

// Intents shows a row for each intent; wide, a row for each of its paths.
func Intents(t *output.Text, now time.Time, intents []resource.Intent) {
	table := &output.Table{
		Heads: []string{"NAME", "STATUS", "PATHS", "DELAY", "ACTIVE", "SATISFIED", "INSTALLED", "HEALTHY", "COMPLIANCE", "AGE"},
		Wide:  []string{"MARGIN", "RESERVE", "PATH", "STATE", "NODES"},
	}
	colored := slices.ContainsFunc(intents, func(i resource.Intent) bool { return color(&i) != "-" })
	if colored {
		table.Wide = append(table.Wide, "COLOR")
	}
	for n := range intents {
		i := &intents[n]
		s := summarise(i)
		row := []string{i.Metadata.Name, s.status, s.paths, s.delay, s.active, s.satisfied, s.installed, s.healthy, string(i.Status.Compliance), output.Age(now, since(i)),
			output.Margin(i.Status.Answer.Margin), output.ReserveOf(&i.Status.Answer), "-", "-", "-", color(i)}
		if !colored {
			row = row[:len(row)-1]
		}
		first := true
		for _, p := range pathsOf(i) {
			if !first && !t.Wide {
				break
			}
			first = false
			row[12], row[13], row[14] = p.number, string(p.state), strings.Join(p.nodes, " ")
			table.Add(row...)
			row = make([]string, len(row))
		}
		if first {
			table.Add(row...)
		}
	}
	list(t, table, len(intents), "intents")
}

// list writes a table, or that it would be empty.
func list(t *output.Text, table *output.Table, rows int, what string) {
	if rows == 0 {
		t.Printf("no %s\n", what)
		return
	}
	t.Table(table)
}

// Nodes shows nodes and their agents, and conditions where there are any.
func Nodes(t *output.Text, now time.Time, nodes []resource.Node) {
	table := &output.Table{
		Heads: []string{"NAME", "SITE", "AGENT", "REVISION", "DRAINED", "AGE"},
		Wide:  []string{"LOCATOR", "VERSION", "ERRORS"},
	}
	byBGP := slices.ContainsFunc(nodes, func(n resource.Node) bool { return n.Steering == "bgp" })
	if byBGP {
		table.Wide = append(table.Wide, "STEERING")
	}
	told := slices.ContainsFunc(nodes, func(n resource.Node) bool { return len(n.Conditions) > 0 })
	if told {
		table.Heads = append(table.Heads, "CONDITIONS")
	}
	for _, n := range nodes {
		row := []string{n.Name, output.Or(n.Site), agent(&n), revision(&n), output.YesNo(n.Drained), output.Age(now, n.Since)}
		if told {
			row = append(row, short(n.Conditions))
		}
		row = append(row, output.Or(n.Locator), output.Or(n.Agent), fmt.Sprint(len(n.Errors)))
		if byBGP {
			row = append(row, output.Or(n.Steering))
		}
		table.Add(row...)
	}
	list(t, table, len(nodes), "nodes")
}

func agent(n *resource.Node) string {
	switch {
	case n.NoAgent:
		return "none"
	case n.Revoked:
		return "revoked"
	case n.Connected:
		return "up"
	case n.Since.IsZero():
		return "never seen"
	}
	return "down"
}

// revision is what the kernel is known to be at, and what it should be at.
func revision(n *resource.Node) string {
	if n.NoAgent {
		return "-"
	}
	if n.RevisionReached == n.RevisionWanted {
		return fmt.Sprint(n.RevisionReached)
	}
	return fmt.Sprintf("%d, wants %d", n.RevisionReached, n.RevisionWanted)
}

// Links shows links, and conditions where there are any.
func Links(t *output.Text, now time.Time, links []resource.Link) {
	table := &output.Table{
		Heads: []string{"NAME", "A", "B", "STATE", "DRAINED", "DELAY", "CAPACITY", "RESERVED", "AGE"},
		Wide:  []string{"SRLGS"},
	}
	told := slices.ContainsFunc(links, func(l resource.Link) bool { return len(l.Conditions) > 0 })
	if told {
		table.Heads = append(table.Heads, "CONDITIONS")
	}
	for _, l := range links {
		row := []string{l.Name, l.A, l.B, string(l.State), output.YesNo(l.Drained), delay(l.DelayUS), capacity(l.CapacityBPS),
			topology.Bandwidth(l.ReservedBPS).String(), output.Age(now, l.Since)}
		if told {
			row = append(row, short(l.Conditions))
		}
		table.Add(append(row, srlgs(l.SRLGs))...)
	}
	list(t, table, len(links), "links")
}

func capacity(bps *int64) string {
	if bps == nil {
		return "unknown"
	}
	return topology.Bandwidth(*bps).String()
}

// rtt is a measured time in microseconds, for people.
func rtt(us int64) string {
	if us < 1000 && us > -1000 {
		return fmt.Sprintf("%dus", us)
	}
	return strconv.FormatFloat(float64(us)/1000, 'f', -1, 64) + "ms"
}

// srlgs tells none from not known.
func srlgs(groups []string) string {
	if groups == nil {
		return "unknown"
	}
	return output.Or(strings.Join(groups, ", "))
}

// Drains shows what is taken out of use on purpose.
func Drains(t *output.Text, now time.Time, drains []resource.Drain) {
	table := &output.Table{Heads: []string{"OBJECT", "BY", "AGE", "REASON"}}
	for _, d := range drains {
		table.Add(d.Kind+":"+d.Name, output.Or(d.By), output.Age(now, d.Since), output.Or(d.Reason))
	}
	list(t, table, len(drains), "drains")
}

// Waivers shows what operators allowed to be lost.
func Waivers(t *output.Text, now time.Time, waivers []resource.Waiver) {
	table := &output.Table{Heads: []string{"INTENT", "CHARACTERISTIC", "UNTIL", "AGE", "KEY", "REASON"}}
	for _, w := range waivers {
		table.Add(w.Intent, w.Characteristic, w.Until.Format(time.RFC3339), output.Age(now, w.Issued), w.Key[:min(16, len(w.Key))], w.Reason)
	}
	list(t, table, len(waivers), "waivers")
}

// Alerts shows what an operator must know.
func Alerts(t *output.Text, now time.Time, alerts []resource.Alert) {
	heads := []string{"STATUS", "SEVERITY", "NAME", "CAUSE", "AGE"}
	if t.Wide {
		heads = append(heads, "DETECTED", "INTENTS", "BEFORE", "AFTER")
	}
	table := &output.Table{Heads: append(heads, "MESSAGE")} // a sentence: last
	for _, a := range alerts {
		cause := a.Cause.Object
		if cause == "" {
			cause = a.Cause.Text
		}
		row := []string{string(a.Status), string(a.Severity), a.Name, output.Or(cause), output.Age(now, a.CausedAt)}
		if t.Wide {
			hit := slices.Clone(a.IntentsHit)
			if a.IntentsOmitted > 0 {
				hit = append(hit, fmt.Sprintf("and %d more", a.IntentsOmitted))
			}
			row = append(row, detected(&a), output.Or(strings.Join(hit, ", ")), output.Or(a.Before), output.Or(a.After))
		}
		table.Add(append(row, a.Message)...)
	}
	list(t, table, len(alerts), "alerts")
}

// detected is the time from cause to detection.
func detected(a *resource.Alert) string {
	if a.CausedAt.IsZero() || a.DetectedAt.IsZero() {
		return "unknown"
	}
	return "after " + max(a.DetectedAt.Sub(a.CausedAt), 0).Round(10*time.Microsecond).String()
}

// DeadLetters shows alerts that were given up.
func DeadLetters(t *output.Text, now time.Time, letters []resource.DeadLetter) {
	heads := []string{"ID", "ENDPOINT", "ALERT", "STATUS", "AGE", "GIVEN UP"}
	if t.Wide {
		heads = append(heads, "ATTEMPTS", "MESSAGE")
	}
	table := &output.Table{Heads: append(heads, "REASON")}
	for n := range letters {
		l := &letters[n]
		row := []string{l.ID, l.Endpoint, l.Alert.Name, string(l.Alert.Status), output.Age(now, l.Created), output.Age(now, l.GivenUp)}
		if t.Wide {
			row = append(row, fmt.Sprint(l.Attempts), l.Alert.Message)
		}
		table.Add(append(row, l.Reason)...)
	}
	list(t, table, len(letters), "dead letters")
}
