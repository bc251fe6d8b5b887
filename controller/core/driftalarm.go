package core

import (
	"fmt"
	"slices"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// trafficLeaks finds packets of intents where none may be, by the samples that
// nodes take.
func (c *Core) trafficLeaks(add func(Alarm)) {
	c.eachReport(func(node string, r *nodecfg.Report) {
		found := map[string]*Alarm{}
		for _, l := range r.Leaks {
			if !slices.ContainsFunc(c.intents, func(i *intent) bool { return i.spec.Name == l.Intent }) {
				continue
			}
			key := "leak/" + node + "/" + l.Link + "/" + l.Kind
			a := found[key]
			if a == nil {
				a = &Alarm{Key: key, Name: TrafficLeaks, Severity: "critical", Cause: "link:" + l.Link, Nodes: []string{node},
					Before: "none seen", After: leakWords(l.Kind), CausedAt: l.First, Message: fmt.Sprintf("node %s has seen packets on link %s that are %s:", node, l.Link, leakWords(l.Kind))}
				found[key] = a
			}
			a.Intents = append(a.Intents, l.Intent)
			a.Evidence = append(a.Evidence, Evidence{ByAgent, "node:" + node, fmt.Sprintf("%d packets of %s, such as %s", l.Seen, l.Intent, l.Packet), l.First})
			a.Message += fmt.Sprintf(" of %s (%s)", l.Intent, l.Packet)
			if l.First.Before(a.CausedAt) {
				a.CausedAt = l.First
			}
		}
		for _, key := range sortedKeys(found) {
			add(*found[key])
		}
	})
}

func leakWords(kind string) string {
	switch kind {
	case nodecfg.LeakClear:
		return "readable, though encryption is declared"
	case nodecfg.LeakOutside:
		return "in no path"
	case nodecfg.LeakElsewhere:
		return "on a link that no path of theirs takes"
	}
	return kind
}

// drifts tells of what others have changed on nodes. What was put back at once
// is told as well, as one alarm a node for as long as it goes on.
func (c *Core) drifts(now time.Time, add func(Alarm)) {
	c.eachReport(func(node string, r *nodecfg.Report) {
		n := c.nodes[node]
		last := n.looked
		n.looked = r
		a := Alarm{Key: "drift/" + node, Name: Drifted, Severity: "info", Cause: "node:" + node, Nodes: []string{node}, Before: "as told"}
		var says []string
		open := 0
		for _, d := range r.Drifts {
			fresh := last != r && !knows(last, d)
			if fresh && last != nil {
				c.record(now, Drifted, "node:"+node, driftWords(d))
			}
			if d.Restored.IsZero() {
				open++
				a.Severity = "warning"
			} else if !fresh || last == nil {
				continue
			}
			says = append(says, driftWords(d))
			a.Evidence = append(a.Evidence, Evidence{ByNetlink, "node:" + node, driftWords(d), d.At})
			if a.CausedAt.IsZero() || d.At.Before(a.CausedAt) {
				a.CausedAt = d.At
			}
			if d.Intent != "" {
				a.Intents = union(a.Intents, []string{d.Intent})
			}
		}
		if len(says) == 0 {
			return
		}
		a.After = "put back"
		if open > 0 {
			a.After = fmt.Sprintf("%d changes stand", open)
		}
		a.Message = fmt.Sprintf("somebody changed what node %s is to be: %s", node, some(says))
		add(a)
	})
}

// knows reports whether a Report told of a drift already. What counts is that it is
// the same one, not which is later: the clock of a node may be behind, and set back.
func knows(r *nodecfg.Report, d nodecfg.Drift) bool {
	return r != nil && slices.ContainsFunc(r.Drifts, func(o nodecfg.Drift) bool {
		return o.Object == d.Object && o.Change == d.Change && o.At.Equal(d.At)
	})
}

func driftWords(d nodecfg.Drift) string {
	out := fmt.Sprintf("%s was %s", d.Object, d.Change)
	if d.By != "" {
		out += " by " + d.By
	}
	switch {
	case !d.Restored.IsZero():
		out += fmt.Sprintf(", put back after %v", d.Restored.Sub(d.At).Round(100*time.Microsecond))
	case d.Kept != "":
		out += ", not put back: " + d.Kept
	}
	return out
}
