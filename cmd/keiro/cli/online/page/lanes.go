package page

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/controller/api/resource"
)

// Lanes shows a row for each lane, where a/b is what its two ends say where
// they differ; wide, a row for each end.
func Lanes(t *output.Text, now time.Time, lanes []resource.Lane) {
	heads := []string{"NAME", "STATE", "LEVEL", "EPOCH", "KEY AGE", "HANDSHAKE", "ENDS"}
	if t.Wide {
		heads = []string{"NAME", "END", "STATE", "LEVEL", "EPOCH", "KEY AGE", "HANDSHAKE", "INTERFACE", "SENT", "RECEIVED", "DROPPED", "ASKED", "PATH"}
	}
	table := &output.Table{Heads: append(heads, "REASON")} // a sentence: last
	for _, l := range lanes {
		if t.Wide {
			name, asked, path := l.Name, l.Encryption, strings.Join(l.Nodes, " ")
			for _, e := range l.Ends {
				table.Add(name, e.Node, string(e.State), output.Or(e.Level), epoch(&e), output.Age(now, e.Keyed), output.Age(now, e.Handshake),
					output.Or(e.Interface), volume(e.Sent), volume(e.Received), fmt.Sprint(e.Dropped), asked, path, output.Or(e.Reason))
				name, asked, path = "", "", ""
			}
			continue
		}
		each := func(say func(*resource.LaneEnd) string) string {
			var words []string
			for n := range l.Ends {
				if w := say(&l.Ends[n]); len(words) == 0 || w != words[0] {
					words = append(words, w)
				}
			}
			return strings.Join(words, "/")
		}
		var reasons []string
		for _, e := range l.Ends {
			if e.Reason != "" {
				reasons = append(reasons, e.Node+": "+e.Reason)
			}
		}
		table.Add(l.Name, each(func(e *resource.LaneEnd) string { return string(e.State) }),
			each(func(e *resource.LaneEnd) string { return output.Or(e.Level) }), each(epoch),
			each(func(e *resource.LaneEnd) string { return output.Age(now, e.Keyed) }),
			each(func(e *resource.LaneEnd) string { return output.Age(now, e.Handshake) }),
			each(func(e *resource.LaneEnd) string { return e.Node }), output.Or(strings.Join(reasons, "; ")))
	}
	list(t, table, len(lanes), "lanes")
}

func epoch(e *resource.LaneEnd) string {
	if e.Epoch == 0 {
		return "-"
	}
	return fmt.Sprint(e.Epoch)
}

// volume is a number of bytes in the unit that suits it.
func volume(n uint64) string {
	const step = 1000
	if n < step {
		return fmt.Sprintf("%dB", n)
	}
	value, unit := float64(n)/step, 0
	for units := "kMGTP"; value >= step && unit < len(units)-1; unit++ {
		value /= step
	}
	return fmt.Sprintf("%.1f%cB", value, "kMGTP"[unit])
}

// KeyStore is what a node's KME has of keys shared with a peer.
type KeyStore struct {
	Node string `json:"node"`
	nodecfg.KeyStore
}

// KeyStores shows stores of QKD keys.
func KeyStores(t *output.Text, now time.Time, stores []KeyStore) {
	table := &output.Table{Heads: []string{"NODE", "PEER", "STATE", "KEYS", "LASTS", "AGE", "REASON"}}
	for _, s := range stores {
		keys, lasts := "unknown", "unknown"
		if s.Known {
			keys, lasts = fmt.Sprint(s.Keys), (time.Duration(s.Lasts) * time.Microsecond).Round(time.Second).String()
		}
		table.Add(s.Node, s.Peer, s.State, keys, lasts, output.Age(now, s.At), output.Or(s.Reason))
	}
	list(t, table, len(stores), "key stores")
}

// Keying shows what a node says of its keys.
func Keying(t *output.Text, now time.Time, k *resource.Keying) {
	c := k.Counts
	var refused uint64
	for _, n := range c.Refused {
		refused += n
	}
	fields(t, "Exchanges", fmt.Sprintf("%d begun, %d committed, %d given up; %s refused", c.Started, c.Committed, c.Abandoned, output.Count(int(refused), "message")))
	for _, f := range k.Floors {
		if f.Fenced || f.Reason != "" {
			what := "kept"
			if f.Fenced {
				what = "fenced"
			}
			t.Printf("floor %s of intent %s, %s: %s\n", f.Level, f.Intent, what, output.Or(f.Reason))
		}
	}
	for _, a := range k.Alarms {
		t.Printf("key alarm %s, peer %s, lane %s: %s\n", a.Name, a.Peer, output.Or(a.Lane), a.Message)
	}
	if len(k.Stores) == 0 {
		return
	}
	var stores []KeyStore
	for _, s := range k.Stores {
		stores = append(stores, KeyStore{k.Node, s})
	}
	t.Printf("\n")
	KeyStores(t, now, stores)
}

// Rotation shows who was told to agree on new keys.
func Rotation(t *output.Text, r *resource.Rotation) {
	what := "intent " + r.Intent
	if r.Node != "" {
		what = "node " + r.Node
	}
	t.Printf("%s: %s of agents told to renew their keys\n", what, output.Count(r.Pairs, "pair"))
	for _, u := range r.Untold {
		t.Printf("not told: node %s: %s\n", u.Node, u.Why)
	}
}

// carrying says how the packets of a traced path are carried.
func carrying(now time.Time, l *nodecfg.LaneState) string {
	switch {
	case l == nil:
		return "in the clear"
	case !l.Open:
		return fmt.Sprintf("lane closed (%s): nothing enters it", cmp.Or(l.Reason, "not there yet"))
	}
	out := fmt.Sprintf("lane %s, %s, ", l.Interface, output.Or(l.Level))
	if l.Epoch == 0 {
		out += "no key of ours"
	} else {
		out += fmt.Sprintf("epoch %d, key agreed %s ago", l.Epoch, output.Age(now, l.Keyed))
	}
	if l.Draining {
		out += fmt.Sprintf(", draining (%s)", l.Reason)
	}
	return out
}
