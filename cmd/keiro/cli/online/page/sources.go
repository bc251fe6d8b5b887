package page

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/topology"
)

// short names the types of discrepancies, each once.
func short(list []resource.Discrepancy) string {
	var out []string
	for _, d := range list {
		if !slices.Contains(out, d.Type) {
			out = append(out, d.Type)
		}
	}
	return some(out)
}

// discrepancies are where the file and the routers do not agree.
func discrepancies(t *output.Text, all []resource.Discrepancy) {
	if len(all) == 0 {
		return
	}
	t.Printf("\n")
	table := &output.Table{Heads: []string{"CONDITION", "MESSAGE"}}
	for _, d := range all {
		table.Add(d.Type, d.Message)
	}
	t.Table(table)
}

// attributes are values with who says so. Of those that only the file has there
// is nothing else to say.
func attributes(t *output.Text, now time.Time, all []resource.Attribute) {
	if len(all) == 0 {
		return
	}
	t.Printf("\n")
	table := &output.Table{Heads: []string{"ATTRIBUTE", "COUNTS", "SOURCE", "FILE", "ROUTERS", "AGE", "SAID BY", "OTHERS"}}
	for _, a := range all {
		by := some(a.Peers)
		if a.Stale {
			by += " (stale)"
		}
		table.Add(a.Name, or(a.Value, "unknown"), output.Or(a.Source), output.Or(a.ByFile), output.Or(a.ByPeers), output.Age(now, a.Since), by, some(a.Others))
	}
	t.Table(table)
}

func sids(t *output.Text, now time.Time, all []resource.SID) {
	if len(all) == 0 {
		return
	}
	t.Printf("\n")
	table := &output.Table{Heads: []string{"SID", "BEHAVIOR", "FROM", "PROTECTED", "AGE", "SAID BY"}}
	for _, s := range all {
		by := some(s.Peers)
		if s.Stale {
			by += " (stale)"
		}
		table.Add(s.SID, s.Behavior, output.Or(s.From), output.YesNo(s.Protected), output.Age(now, s.Since), by)
	}
	t.Table(table)
}

// sayings are attributes as BGP-LS has them.
func sayings(t *output.Text, now time.Time, all []resource.Saying) {
	table := &output.Table{Heads: []string{"SAID OF IT", "VALUE", "IGP", "AGE", "SAID BY", "OTHERS"}}
	igp := false
	for _, s := range all {
		igp = igp || s.Origin != ""
	}
	if !igp {
		table.Heads = []string{"SAID OF IT", "VALUE", "AGE", "SAID BY", "OTHERS"}
	}
	for _, s := range all {
		by := some(s.Peers)
		if s.Stale {
			by += " (stale)"
		}
		row := []string{s.Name, s.Value}
		if igp {
			row = append(row, s.Origin)
		}
		table.Add(append(row, output.Age(now, s.Since), by, some(s.Others))...)
	}
	list(t, table, len(all), "attributes")
}

// observations are what is said of a link's state.
func observations(t *output.Text, now time.Time, all []resource.Observation) {
	if len(all) == 0 {
		return
	}
	t.Printf("\n")
	table := &output.Table{Heads: []string{"OBSERVER", "STATE", "MTU", "AGE", "HEARD NOW"}}
	for _, o := range all {
		state, mtu := "down", "-"
		if o.Up {
			state = "up"
		}
		if o.MTU > 0 {
			mtu = fmt.Sprint(o.MTU)
		}
		table.Add(o.By, state, mtu, output.Age(now, o.Since), output.YesNo(!o.Stale))
	}
	t.Table(table)
}

// Link shows all about a link, and the intents whose paths cross it; wide, all
// that routers say of it as well.
func Link(t *output.Text, now time.Time, l *resource.LinkDetail, intents []string) {
	qkd := output.YesNo(l.QKD)
	if l.Keyless != "" {
		qkd += ", but " + l.Keyless
	}
	fields(t, "Link", l.Name, "Ends", l.A+", "+l.B, "State", lasting(t, string(l.State), now, l.Since),
		"Drained", output.YesNo(l.Drained), "Delay", delay(l.DelayUS), "Capacity", capacity(l.CapacityBPS),
		"Reserved", topology.Bandwidth(l.ReservedBPS).String(), "SRLGs", srlgs(l.SRLGs),
		"QKD", qkd, "Intents", some(intents))
	for _, a := range l.Adjacencies {
		fields(t, "IGP", adjacency(&a))
	}
	observations(t, now, l.Observations)
	discrepancies(t, l.Conditions)
	attributes(t, now, l.Attributes)
	sids(t, now, l.SIDs)
	if !t.Wide {
		return
	}
	for _, a := range l.Adjacencies {
		direction(t, now, a.Origin, l.A, l.B, a.AB)
		direction(t, now, a.Origin, l.B, l.A, a.BA)
	}
}

// direction is all that an IGP says of one, if it speaks for that end.
func direction(t *output.Text, now time.Time, origin, from, to string, said []resource.Saying) {
	if len(said) > 0 {
		t.Printf("\n%s, from %s to %s\n", origin, from, to)
		sayings(t, now, said)
	}
}

func adjacency(a *resource.Adjacency) string {
	out := a.Origin
	if a.Topology != 0 {
		out += fmt.Sprintf(", topology %d", a.Topology)
	}
	if a.LAN != "" {
		out += ", over the LAN " + a.LAN
	}
	if a.Unusable != "" {
		out += ", not usable: " + a.Unusable
	}
	return out
}

// router says which router a node is known to be.
func router(r *resource.LearnedRouter) string {
	if r == nil {
		return ""
	}
	out := fmt.Sprintf("%s, in %s", strings.Join(r.RouterIDs, ", "), some(r.Origins))
	if r.Stale {
		out += " (stale)"
	}
	return out
}
