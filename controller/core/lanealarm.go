package core

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	// newLane is how long a lane that was never open may be without a key. The
	// agents agree on one in well under a second, and wait 15 s at most between
	// attempts that fail.
	newLane = 20 * time.Second
	// tolerated is how long WireGuard surely goes on where the keys of two ends
	// differ (docs/key-epochs.md, timing against WireGuard).
	tolerated = 60 * time.Second
	// named bounds how many lanes an alarm names.
	named = 8
)

// tellKeys raises the alarms of lanes, keys, floors and stores for what is so
// now, and resolves those that are over. One of which nobody can tell whether
// it is over stays.
func (c *Core) tellKeys(now time.Time) {
	if c.spec.Topology == nil {
		return
	}
	c.watchLanes(now)
	found := map[string]Alarm{}
	add := func(a Alarm) {
		a.DetectedAt = now
		if a.CausedAt.IsZero() {
			a.CausedAt = now
		}
		found[a.Key] = a
	}
	c.lanesDown(now, add)
	c.keysStale(add)
	c.epochsDiffer(now, add)
	c.floorsHold(now, add)
	c.storesLow(add)
	c.keyingFails(add)
	for _, key := range sortedKeys(found) {
		c.renew(now, found[key])
	}
	for _, key := range sortedKeys(c.alarms) {
		if _, so := found[key]; !so && !strings.HasPrefix(key, pathAlarm) && c.over(c.alarms[key]) {
			c.resolve(now, key)
		}
	}
}

// over reports whether an alarm of the keys, which is not found any more, is
// known to be over: all who could tell are there, or nobody wants to know.
func (c *Core) over(a Alarm) bool {
	if len(a.Nodes) == 0 {
		return false // of another kind
	}
	declared := func(name string) bool {
		return slices.ContainsFunc(c.intents, func(i *intent) bool { return i.spec.Name == name })
	}
	if len(a.Intents) > 0 && !slices.ContainsFunc(a.Intents, declared) && a.Name != FloorViolated {
		return true
	}
	if a.Name == KeyStoreLow && c.awaitsStore(a) {
		return false
	}
	for _, name := range a.Nodes {
		if n := c.nodes[name]; c.exists(name) && !c.revoked(name) && (!n.connected || n.report == nil) {
			return false
		}
	}
	return true
}

// renew raises an alarm, or brings what a firing one says up to date. One that
// has another name or another cause is told anew: rules and receivers know
// alerts by these.
func (c *Core) renew(now time.Time, a Alarm) {
	if was := c.alarms[a.Key]; was.Firing {
		if a.Name == was.Name && a.Cause == was.Cause {
			c.update(a)
			return
		}
		a.CausedAt, a.Nodes, was.Before = was.CausedAt, union(was.Nodes, a.Nodes), a.After
		c.alarms[a.Key] = was
		c.conclude(now, a.Key, "told anew: ")
	}
	c.raise(a)
}

func union(a, b []string) []string {
	out := slices.Concat(a, b)
	slices.Sort(out)
	return slices.Compact(out)
}

// group gathers the lanes that one alarm is about.
type group struct {
	cause   string
	nodes   map[string]bool
	intents map[string]int // how many lanes of each
	says    []string       // of each lane
	at      time.Time      // earliest
}

// groups are kept by cause.
type groups map[string]*group

func (gs groups) add(cause string, l *lane, says string, at time.Time) *group {
	g := gs[cause]
	if g == nil {
		g = &group{cause: cause, nodes: map[string]bool{}, intents: map[string]int{}, at: at}
		gs[cause] = g
	}
	g.nodes[l.ends[0].Node], g.nodes[l.ends[1].Node] = true, true
	g.intents[l.intent.spec.Name]++
	g.says = append(g.says, l.name+" ("+says+")")
	if at.Before(g.at) {
		g.at = at
	}
	return g
}

// alarm is what all alarms about lanes have in common.
func (g *group) alarm(kind, name string) Alarm {
	return Alarm{
		Key: kind + "/" + g.cause, Name: name, Severity: "warning", Cause: g.cause,
		Intents: sortedKeys(g.intents), Nodes: sortedKeys(g.nodes), CausedAt: g.at,
	}
}

func (g *group) lanes() string { return some(g.says) }

// some lists the first few.
func some(words []string) string {
	if more := len(words) - named; more > 0 {
		words = append(slices.Clone(words[:named]), fmt.Sprintf("and %d more", more))
	}
	return strings.Join(words, ", ")
}

// between names the two nodes of a pair.
func between(cause string) string {
	return strings.Replace(strings.TrimPrefix(cause, "pair:"), "~", " and ", 1)
}

// lanesDown finds the lanes that carry nothing though their path is there:
// their keys are to blame. All those between two nodes are one alarm, and all
// those to a revoked node.
func (c *Core) lanesDown(now time.Time, add func(Alarm)) {
	down := groups{}
	served, lost := map[*intent]int{}, map[*intent]int{} // how many lanes of each intent
	of := map[string][]*intent{}                         // intents hit, by cause
	c.eachLane(func(l *lane) {
		if !c.inService(l) {
			return
		}
		served[l.intent]++
		if l.seen.closed.IsZero() {
			return
		}
		cause := c.downCause(l)
		wait := newLane
		switch {
		case c.alarms["lanes/"+cause].Firing: // told already, perhaps by the controller before
			wait = 0
		case l.seen.open:
			wait = c.params.Gather
		}
		if due := l.seen.closed.Add(wait); now.Before(due) {
			c.emit(WakeAt{due})
			return
		}
		lost[l.intent]++
		g := down.add(cause, l, l.seen.says, l.seen.closed)
		if g.intents[l.intent.spec.Name] == 1 {
			of[cause] = append(of[cause], l.intent)
		}
	})
	for _, cause := range sortedKeys(down) {
		g := down[cause]
		a := g.alarm("lanes", LaneDown)
		var before, after []string
		for _, i := range of[cause] {
			has, all := served[i]-lost[i], len(i.standing.Paths)
			if has == 0 {
				a.Severity = "critical"
			}
			before = append(before, fmt.Sprintf("%s: %d of %d lanes", i.spec.Name, has+g.intents[i.spec.Name], all))
			after = append(after, fmt.Sprintf("%s: %d of %d lanes", i.spec.Name, has, all))
		}
		a.Before, a.After = strings.Join(before, "; "), strings.Join(after, "; ")
		switch node, alone := strings.CutPrefix(cause, "node:"); {
		case alone && c.revoked(node):
			a.Message = fmt.Sprintf("node %s was revoked, and its peers let nothing into their lanes to it: %s. %s. `keiro token create %s` lets it enrol again.", node, g.lanes(), a.After, node)
		case alone:
			a.Message = fmt.Sprintf("node %s was revoked and has enrolled again, and some lanes have no new key yet: %s. %s. `keiro describe node %s` says more.", node, g.lanes(), a.After, node)
		default:
			a.Message = fmt.Sprintf("lanes between %s carry nothing: %s. %s. `keiro get lanes` and `keiro describe node` there say more.", between(cause), g.lanes(), a.After)
		}
		add(a)
	}
}

// downCause is what a closed lane is put down to. One that came with the
// revocation of a node belongs to that until it is open again.
func (c *Core) downCause(l *lane) string {
	for _, end := range l.ends {
		if c.revoked(end.Node) || c.alarms["lanes/node:"+end.Node].Firing {
			return "node:" + end.Node
		}
	}
	return pair(l.ends[0].Node, l.ends[1].Node)
}

func reasonOf(said string) string {
	if said == "" {
		return "not there yet"
	}
	return said
}

// keysStale finds the lanes that have missed rotations, by the word of their
// ends.
func (c *Core) keysStale(add func(Alarm)) {
	stale := groups{}
	c.eachLane(func(l *lane) {
		for _, end := range l.ends {
			if end.State == nil || c.nodes[end.Node].report.Keying == nil {
				continue
			}
			for _, a := range c.nodes[end.Node].report.Keying.Alarms {
				if a.Name == KeyStale && a.Lane == l.name {
					stale.add(pair(l.ends[0].Node, l.ends[1].Node), l, end.Node+": "+a.Message, end.State.Keyed)
					return
				}
			}
		}
	})
	for _, cause := range sortedKeys(stale) {
		g := stale[cause]
		a := g.alarm("stale", KeyStale)
		a.CausedAt = time.Time{} // when it was agreed is not when it got stale
		a.Before, a.After = "keys are renewed", "keys are not renewed"
		a.Message = fmt.Sprintf("the keys between %s are not renewed: %s. Lanes whose keys get too old are closed. See whether UDP port 16384 passes between the loopbacks of the two, and what `keiro describe node` there says.", between(cause), g.lanes())
		add(a)
	}
}

// epochsDiffer finds the lanes whose ends have had keys of different epochs for
// longer than WireGuard tolerates.
func (c *Core) epochsDiffer(now time.Time, add func(Alarm)) {
	differ := groups{}
	c.eachLane(func(l *lane) {
		if l.seen.differ.IsZero() {
			return
		}
		if due := l.seen.differ.Add(tolerated); now.Before(due) {
			c.emit(WakeAt{due})
			return
		}
		says := "unknown at present"
		if l.known() {
			says = fmt.Sprintf("%d at %s, %d at %s", l.ends[0].State.Epoch, l.ends[0].Node, l.ends[1].State.Epoch, l.ends[1].Node)
		}
		differ.add(pair(l.ends[0].Node, l.ends[1].Node), l, says, l.seen.differ)
	})
	for _, cause := range sortedKeys(differ) {
		g := differ[cause]
		a := g.alarm("epochs", EpochsDiffer)
		a.Before, a.After = "one epoch", "different epochs"
		a.Message = fmt.Sprintf("the two ends of lanes between %s have keys of different epochs: %s. WireGuard goes on for 3 minutes after its last handshake at most. `keiro rotate INTENT` begins anew.", between(cause), g.lanes())
		add(a)
	}
}
