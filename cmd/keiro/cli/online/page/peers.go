package page

import (
	"fmt"
	"strings"
	"time"

	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/controller/api/resource"
)

// NoBGP says how a controller comes to speak BGP.
const NoBGP = "the controller speaks no BGP; `keiro-controller --bgp FILE` names its peers, docs/bgp.md says how"

// Peers shows BGP peers. The last error is shown where there is no session; wide,
// always.
func Peers(t *output.Text, now time.Time, peers *resource.Peers) {
	if !peers.Configured {
		t.Printf("no peers: %s\n", NoBGP)
		return
	}
	heads := []string{"NAME", "ADDRESS", "AS", "STATE", "AGE", "OBJECTS", "STALE", "ROUTES", "PENDING", "FLAPS"}
	if t.Wide {
		heads = append(heads, "FAULTS", "HOLD", "FAMILIES", "SECURITY", "ERROR AGE")
	}
	table := &output.Table{Heads: append(heads, "LAST ERROR")} // a sentence: last
	for _, p := range peers.Items {
		row := []string{p.Name, p.Address, fmt.Sprint(p.AS), p.State, output.Age(now, p.Since), fmt.Sprint(p.Objects), fmt.Sprint(p.Stale),
			fmt.Sprint(p.Routes), fmt.Sprint(p.Pending), fmt.Sprint(p.Flaps)}
		last := p.LastError
		if t.Wide {
			row = append(row, fmt.Sprint(p.Faults), seconds(p.HoldTime), strings.Join(p.Families, ", "), p.Security, output.Age(now, p.LastErrorAt))
		} else if p.Established() {
			last = ""
		}
		table.Add(append(row, output.Or(last))...)
	}
	list(t, table, len(peers.Items), "peers")
	if peers.Refused > 0 {
		t.Printf("\nrefused: %s from addresses that are no peer's\n", output.Count(int(peers.Refused), "connection"))
	}
}

func seconds(s int64) string { return (time.Duration(s) * time.Second).String() }

// Peer shows all about a peer, and what to look at where something is wrong.
func Peer(t *output.Text, now time.Time, p *resource.Peer) {
	state := lasting(t, p.State, now, p.Since)
	if p.Passive {
		state += ", passive: it connects to us"
	}
	restart := "no"
	switch {
	case p.Restart > 0:
		restart = "its objects are kept for " + seconds(p.Restart)
	case !p.Established():
		restart = ""
	}
	said := "no"
	if p.Complete {
		said = "yes"
	}
	stale := ""
	if p.Stale > 0 || !p.StaleUntil.IsZero() {
		stale = fmt.Sprint(p.Stale)
		if !p.StaleUntil.IsZero() {
			stale += ", until " + p.StaleUntil.Local().Format(time.RFC3339)
		}
	}
	hold := "Hold time"
	if !p.Established() {
		hold = "Hold (ours)"
	}
	fields(t, "Peer", p.Name, "Node", p.Node, "Address", p.Address, "From", p.LocalAddress, "AS", fmt.Sprint(p.AS), "Router ID", p.RouterID, "State", state,
		"Families", strings.Join(p.Families, ", "), "Not read", strings.Join(p.Disabled, ", "), hold, seconds(p.HoldTime), "Security", p.Security,
		"Restart", restart,
		"Objects", fmt.Sprintf("%d held, %d taken back, in %s", p.Objects, p.Withdrawn, output.Count(int(p.Updates), "UPDATE")), "Stale", stale, "Said all", said,
		"Routes", fmt.Sprintf("%d to say, %d pending", p.Routes, p.Pending), "Not said", p.NotSaid,
		"Flaps", fmt.Sprint(p.Flaps), "Faults", fmt.Sprintf("%d in UPDATEs; %d lists of families that are not read", p.Faults, p.Ignored))
	fields(t, "Last fault", ago(now, p.LastFault, p.LastFaultAt), "Last error", ago(now, p.LastError, p.LastErrorAt))
	for n, advice := range p.Advice {
		if n == 0 {
			t.Printf("\nWhat to look at:\n")
		}
		t.Printf("  - %s\n", advice)
	}
}

// ago is a sentence, and when it was said.
func ago(now time.Time, text string, at time.Time) string {
	if text == "" || at.IsZero() {
		return text
	}
	return text + " (" + output.Age(now, at) + " ago)"
}
