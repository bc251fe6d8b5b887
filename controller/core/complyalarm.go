package core

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/controller/comply"
)

// calmFor is how long what an alarm is about must be well before it is over, so
// that what comes and goes is one alarm. Agents have filtered what they say, and
// structure does not flicker: it fires after Params.Gather.
const calmFor = 10 * time.Second

// watchPrefix begins the keys of alarms about characteristics.
const watchPrefix = "comply/"

// Watch is what must be well for an alarm about characteristics to be over.
type Watch struct {
	// Links that all its paths cross and no path does that is well: one of them
	// is to blame. Empty where it is about no path.
	Links []string `json:"links,omitempty"`
	// Of are the troubles that it is about (trouble.of).
	Of []string `json:"of"`
}

// trouble is one thing that is not as it is to be.
type trouble struct {
	alarm    string // its name
	of       string // what is: path@headend, intent#characteristic, intent@node:link or node
	intent   string // "" of none
	cause    string // "": to be found by the links that paths have in common
	links    []string
	causedAt time.Time // zero: nobody says
	before   string
	after    string
}

// verdicts are what headends say of a path, with the alarm of a bad one.
var verdicts = []struct {
	alarm, good, bad string
	of               func(*nodecfg.PathState) string
}{
	{DelayExceeded, nodecfg.Within, nodecfg.Beyond, func(s *nodecfg.PathState) string { return s.Delay }},
	{PathLossy, nodecfg.Within, nodecfg.Beyond, func(s *nodecfg.PathState) string { return s.Loss }},
	{PathDeviates, nodecfg.Proven, nodecfg.Deviates, func(s *nodecfg.PathState) string { return s.Way }},
}

// severities of the alarms about characteristics.
var severities = map[string]string{
	DelayExceeded: "warning", PathLossy: "warning", PathDeviates: "critical", TrafficLeaks: "critical", Drifted: "warning", MarginEroded: "warning",
}

// troubles are those of one intent, as it was judged last.
func (c *Core) troubles(i *intent) (out []trouble) {
	f := &i.judged.facts
	down := len(f.Paths) < i.spec.Require.Multiplicity // of which other alarms tell
	for n := range f.Paths {
		p := &f.Paths[n]
		if p.Carries() == comply.Violated {
			down = true
			continue
		}
		for _, e := range p.Ends {
			for _, v := range verdicts {
				if e.Seen != nil && v.of(e.Seen) == v.bad {
					out = append(out, trouble{alarm: v.alarm, of: p.Name + "@" + e.Node, intent: i.spec.Name, links: i.standing.Paths[n].Links,
						before: i.spec.Name + ": " + v.good, after: pathSays(v.alarm, p, e.Node, e.Seen)})
				}
			}
		}
	}
	for _, l := range f.Leaks {
		out = append(out, trouble{alarm: TrafficLeaks, of: i.spec.Name + "@" + l.Node + ":" + l.Link, intent: i.spec.Name, cause: "link:" + l.Link,
			causedAt: l.First, before: i.spec.Name + ": no packet seen", after: fmt.Sprintf("%s: %d packets seen at %s on link %s (%s): %s", i.spec.Name, l.Seen, l.Node, l.Link, l.Kind, l.Packet)})
	}
	for _, cond := range i.ledger.Conditions {
		if cond.Status != comply.Degraded || down || !c.erodes(cond) {
			continue
		}
		out = append(out, trouble{alarm: MarginEroded, of: i.spec.Name + "#" + cond.Characteristic, intent: i.spec.Name, cause: cond.Cause,
			causedAt: cond.Since, before: i.spec.Name + ": " + cond.Characteristic + " held", after: fmt.Sprintf("%s: %s: %s", i.spec.Name, cond.Characteristic, cond.Measured)})
	}
	return out
}

// erodes reports whether a condition that is Degraded is a loss that nobody has
// felt and of which no other alarm tells. While something is down or drained the
// margin is less, as told.
func (c *Core) erodes(cond comply.Condition) bool {
	switch cond.Characteristic {
	case comply.Margin, comply.Reserve:
		return c.undisturbed()
	case comply.Multiplicity:
		return false
	}
	return true
}

// undisturbed: nothing is down or drained.
func (c *Core) undisturbed() bool {
	o := c.outage
	return len(o.Entries) == 0 && len(o.Nodes) == 0 && len(o.SRLGs) == 0
}

func pathSays(alarm string, p *comply.PathFacts, head string, s *nodecfg.PathState) string {
	switch alarm {
	case DelayExceeded:
		return fmt.Sprintf("path %s from %s takes %s", p.Name, head, comply.Taken(s))
	case PathLossy:
		return fmt.Sprintf("path %s from %s loses %s there, %s back", p.Name, head, comply.Percent(s.There.LossPPM), comply.Percent(s.Back.LossPPM))
	}
	return fmt.Sprintf("packets of path %s from %s take another way: %s", p.Name, head, s.Deviation)
}

// drifts are what others have changed and what has not been back for long.
func (c *Core) driftTroubles(now time.Time) (out []trouble) {
	for _, name := range sortedKeys(c.nodes) {
		n := c.nodes[name]
		if n.report == nil || !n.connected || !c.exists(name) {
			continue
		}
		for _, d := range n.report.Drifts {
			told := n.drifts[driftKey(d)]
			if !d.Restored.IsZero() {
				if due := told.Add(driftHolds); told.IsZero() || !now.Before(due) {
					continue
				} else {
					c.emit(WakeAt{due})
				}
			}
			out = append(out, trouble{alarm: Drifted, of: name, intent: d.Intent, cause: "node:" + name, causedAt: d.At,
				before: name + ": as Keiro has installed it", after: name + ": " + driftSays(d)})
		}
	}
	return out
}

// tellTrouble raises, renews and resolves the alarms about characteristics.
func (c *Core) tellTrouble(now time.Time) {
	all := c.driftTroubles(now)
	for _, i := range c.intents {
		all = append(all, i.judged.trouble...)
	}
	if len(all) == 0 && len(c.unrest) == 0 && !slices.ContainsFunc(slices.Collect(maps.Values(c.alarms)), func(a Alarm) bool { return a.Watch != nil }) {
		return
	}
	found := map[string]*Alarm{}
	for _, g := range c.grouped(now, all) {
		c.unite(found, g)
	}
	for _, key := range sortedKeys(found) {
		a := *found[key]
		a.DetectedAt = now
		if a.CausedAt.IsZero() || a.CausedAt.After(now) {
			a.CausedAt = now
		}
		delete(c.calm, key)
		c.renew(now, a)
	}
	for _, key := range sortedKeys(c.alarms) {
		a := c.alarms[key]
		if a.Watch == nil || found[key] != nil {
			continue
		}
		if slices.ContainsFunc(a.Watch.Of, func(of string) bool { return !c.well(&a, of) }) {
			delete(c.calm, key)
			continue
		}
		if c.calm[key].IsZero() {
			c.calm[key] = now
		}
		if due := c.calm[key].Add(calmFor); now.Before(due) {
			c.emit(WakeAt{due})
			continue
		}
		delete(c.calm, key)
		c.resolve(now, key)
	}
}

// gang is troubles with one cause.
type gang struct {
	key, cause string
	links      []string
	of         []trouble
}

// grouped puts troubles together that have one cause: with an alarm that fires
// already if they may be of it; else those that have been for long enough, by
// what they name or by the links that their paths share.
func (c *Core) grouped(now time.Time, all []trouble) []gang {
	var out []gang
	unrest := map[string]time.Time{}
	waiting := map[string][]trouble{} // by alarm
	for _, t := range all {
		if key := c.firingFor(t); key != "" {
			a := c.alarms[key]
			out = append(out, gang{key: key, cause: a.Cause, links: a.Watch.Links, of: []trouble{t}})
			continue
		}
		id := t.alarm + " " + t.of
		if unrest[id] = c.unrest[id]; unrest[id].IsZero() {
			unrest[id] = now
		}
		if due := unrest[id].Add(c.params.Gather); now.Before(due) {
			c.emit(WakeAt{due})
			continue
		}
		if t.cause != "" {
			out = append(out, gang{key: watchPrefix + t.alarm + "/" + t.cause, cause: t.cause, of: []trouble{t}})
			continue
		}
		waiting[t.alarm] = append(waiting[t.alarm], t)
	}
	c.unrest = unrest
	for _, alarm := range sortedKeys(waiting) {
		out = append(out, c.blame(alarm, waiting[alarm])...)
	}
	return out
}

// firingFor is the alarm that fires and may be of the same cause; "" none.
func (c *Core) firingFor(t trouble) string {
	if t.cause != "" {
		if key := watchPrefix + t.alarm + "/" + t.cause; c.alarms[key].Firing {
			return key
		}
		return ""
	}
	for _, key := range sortedKeys(c.alarms) {
		a := c.alarms[key]
		if a.Name == t.alarm && a.Watch != nil && (slices.Contains(a.Watch.Of, t.of) || shareAny(a.Watch.Links, t.links)) {
			return key
		}
	}
	return ""
}

func shareAny(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

// blame groups paths by a link that they all cross and that no path crosses
// which is well; the link of most paths first.
func (c *Core) blame(alarm string, left []trouble) (out []gang) {
	well := c.wellLinks(alarm)
	for len(left) > 0 {
		paths := map[string]map[string]bool{} // by link
		for _, t := range left {
			for _, l := range t.links {
				if !well[l] {
					if paths[l] == nil {
						paths[l] = map[string]bool{}
					}
					name, _, _ := strings.Cut(t.of, "@")
					paths[l][name] = true
				}
			}
		}
		best := ""
		for _, l := range sortedKeys(paths) {
			if best == "" || len(paths[l]) > len(paths[best]) {
				best = l
			}
		}
		g := gang{}
		var rest []trouble
		for _, t := range left {
			if best == "" && len(g.of) == 0 || best != "" && slices.Contains(t.links, best) {
				g.of = append(g.of, t)
			} else {
				rest = append(rest, t)
			}
		}
		for _, l := range sortedKeys(paths) {
			if best != "" && maps.Equal(paths[l], paths[best]) {
				g.links = append(g.links, l)
			}
		}
		name, _, _ := strings.Cut(g.of[0].of, "@")
		switch {
		case len(g.links) == 1:
			g.cause = "link:" + g.links[0]
		case len(paths[best]) > 1:
			g.cause = "links:" + strings.Join(g.links, ",")
		default:
			if g.cause = "path:" + name; best == "" {
				g.links = g.of[0].links
			}
		}
		g.key = watchPrefix + alarm + "/" + g.cause
		out, left = append(out, g), rest
	}
	return out
}

// wellLinks are those crossed by a path of which all headends say that it is
// well: they are not to blame.
func (c *Core) wellLinks(alarm string) map[string]bool {
	out := map[string]bool{}
	for _, i := range c.intents {
		for n := range i.judged.facts.Paths {
			p := &i.judged.facts.Paths[n]
			good := len(p.Ends) > 0 && n < len(i.standing.Paths)
			for _, e := range p.Ends {
				for _, v := range verdicts {
					good = good && (v.alarm != alarm || e.Seen != nil && v.of(e.Seen) == v.good)
				}
			}
			if good {
				for _, l := range i.standing.Paths[n].Links {
					out[l] = true
				}
			}
		}
	}
	return out
}

// unite adds a gang to the alarm of its key.
func (c *Core) unite(found map[string]*Alarm, g gang) {
	a := found[g.key]
	if a == nil {
		name := g.of[0].alarm
		a = &Alarm{Key: g.key, Name: name, Severity: severities[name], Cause: g.cause, Intents: []string{}, Watch: &Watch{Links: g.links, Of: []string{}}}
		if was := c.alarms[g.key]; was.Firing {
			a.Watch.Of = slices.Clone(was.Watch.Of)
		}
		found[g.key] = a
	}
	for _, t := range g.of {
		a.Watch.Of = union(a.Watch.Of, []string{t.of})
		if t.intent != "" {
			a.Intents = union(a.Intents, []string{t.intent})
		}
		if !t.causedAt.IsZero() && (a.CausedAt.IsZero() || t.causedAt.Before(a.CausedAt)) {
			a.CausedAt = t.causedAt
		}
		if len(a.Evidence) < named && !slices.Contains(a.Evidence, t.after) {
			a.Evidence = append(a.Evidence, t.after)
			if !strings.Contains("; "+a.Before+"; ", "; "+t.before+"; ") {
				a.Before = strings.TrimPrefix(a.Before+"; "+t.before, "; ")
			}
			a.After = strings.TrimPrefix(a.After+"; "+t.after, "; ")
		}
	}
	a.Message = fmt.Sprintf("%s (%s): %s. %s", a.Name, a.Cause, some(a.Evidence), advice[a.Name])
}

// advice says what to do.
var advice = map[string]string{
	DelayExceeded: "The topology may say less than is so: correct its delay, or ask the operator of the link.",
	PathLossy:     "`keiro describe INTENT` shows the loss of each direction.",
	PathDeviates:  "`keiro trace INTENT` shows the way that packets take.",
	TrafficLeaks:  "Look at who routes there; `onViolation: block` closes an intent whose paths are lost.",
	Drifted:       "`keiro events --node` says who; stop them, or drain the node first.",
	MarginEroded:  "No packet is lost yet. `keiro explain INTENT` says what would give it back.",
}

// well reports whether what an alarm was about is known to be well, or to be
// nobody's business any more.
func (c *Core) well(a *Alarm, of string) bool {
	tells := func(node string) bool {
		n := c.nodes[node]
		return !c.exists(node) || c.hasNoAgent(node) || n.connected && n.report != nil
	}
	switch a.Name {
	case Drifted:
		return tells(of)
	case TrafficLeaks:
		_, where, _ := strings.Cut(of, "@")
		node, _, _ := strings.Cut(where, ":")
		return tells(node)
	case MarginEroded:
		name, characteristic, _ := strings.Cut(of, "#")
		i := c.intent(name)
		return i == nil || !slices.ContainsFunc(i.ledger.Conditions, func(cond comply.Condition) bool {
			return cond.Characteristic == characteristic && cond.Status != comply.Satisfied
		})
	}
	path, head, _ := strings.Cut(of, "@")
	name, _, _ := strings.Cut(path, "/")
	i := c.intent(name)
	if i == nil {
		return true
	}
	for n := range i.judged.facts.Paths {
		p := &i.judged.facts.Paths[n]
		if p.Name != path || !slices.ContainsFunc(i.standing.Paths[n].Links, func(l string) bool { return slices.Contains(a.Watch.Links, l) }) {
			continue // it is another path by now
		}
		for _, e := range p.Ends {
			for _, v := range verdicts {
				if e.Node == head && v.alarm == a.Name {
					return e.Seen != nil && v.of(e.Seen) == v.good
				}
			}
		}
	}
	return true
}

// intent finds an intent by its name; nil: there is none.
func (c *Core) intent(name string) *intent {
	at := slices.IndexFunc(c.intents, func(i *intent) bool { return i.spec.Name == name })
	if at < 0 {
		return nil
	}
	return c.intents[at]
}
