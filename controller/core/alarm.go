package core

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keiro-net/keiro/controller/core/cause"
	"github.com/keiro-net/keiro/pathspec"
)

// failure is a link that went down and is not told yet, with the path sets
// that stood over it at that moment.
type failure struct {
	link                 string
	causedAt, detectedAt time.Time
	hit                  map[string][]pathspec.Path // by intent
}

func (c *Core) fails(now time.Time, link string, causedAt time.Time) {
	f := failure{link: link, causedAt: causedAt, detectedAt: now, hit: map[string][]pathspec.Path{}}
	for _, i := range c.intents {
		for _, p := range i.standing.Paths {
			if slices.Contains(p.Links, link) {
				f.hit[i.spec.Name] = i.standing.Paths
			}
		}
	}
	c.failing = append(c.failing, f)
	c.because(now, ByNetlink, "link:"+link, "link "+link+" went down")
	c.asOf, c.changed = causedAt, "link:"+link
}

// tellFailures raises the alarms for links that went down, once they are
// gathered.
func (c *Core) tellFailures(now time.Time) {
	if len(c.failing) == 0 {
		return
	}
	if due := c.failing[0].detectedAt.Add(c.params.Gather); now.Before(due) {
		c.emit(WakeAt{due})
		return
	}
	failed := make([]string, len(c.failing))
	for n, f := range c.failing {
		failed[n] = f.link
	}
	for _, found := range cause.Explain(c.spec.Topology, failed, c.linkDown) {
		c.raise(c.pathsLost(found))
	}
	c.failing = nil
}

// tell resolves the alarms that are over and raises those of agents that are
// away for too long.
func (c *Core) tell(now time.Time) {
	if c.spec.Topology == nil {
		return
	}
	for _, key := range sortedKeys(c.alarms) {
		if links := c.alarms[key].Links; len(links) > 0 && !slices.ContainsFunc(links, c.linkMissing) {
			c.resolve(now, key)
		}
	}
	for _, name := range sortedKeys(c.nodes) {
		n := c.nodes[name]
		if !c.exists(name) || n.connected || n.since.IsZero() || c.alarms["agent/"+name].Firing || c.revoked(name) || c.hasNoAgent(name) {
			continue
		}
		if due := n.since.Add(c.params.AgentLost); now.Before(due) {
			c.emit(WakeAt{due})
			continue
		}
		c.raise(Alarm{
			Key: "agent/" + name, Name: AgentLost, Severity: "warning", Cause: "node:" + name,
			Before: "connected", After: "away", CausedAt: n.since, DetectedAt: now,
			Evidence: []Evidence{{ByAgent, "node:" + name, "the session of the agent ended or did not come", n.since}},
			Message:  fmt.Sprintf("agent of node %s is away since %s: its node forwards and repairs as last told, but takes no changes; see to keiro-agent there", name, n.since.UTC().Format(time.RFC3339)),
		})
	}
}

// forgetAlarms resolves the alarms of nodes and intents that have left, those of
// links, keys, routers and the clock excepted, which know by themselves when they
// are over.
func (c *Core) forgetAlarms(now time.Time) {
	present := map[string]bool{}
	for n := range c.spec.Topology.Nodes {
		present["agent/"+c.spec.Topology.Nodes[n].Name] = true
		present["revoked/"+c.spec.Topology.Nodes[n].Name] = true
	}
	for _, i := range c.intents {
		present[loneUnmet+i.spec.Name] = true
	}
	for _, key := range sortedKeys(c.alarms) {
		if a := c.alarms[key]; about(a) && !strings.HasPrefix(key, loneUnmet) {
			continue // the answers that come tell whether it is over
		}
		if !present[key] && !strings.HasPrefix(key, "lost/") && !strings.HasPrefix(key, routerAlarm) && !strings.HasPrefix(key, erosionAlarm) && !strings.HasPrefix(key, ByClock) && len(c.alarms[key].Nodes) == 0 {
			c.resolve(now, key)
		}
	}
}

func (c *Core) linkDown(name string) bool {
	l := c.links[name]
	return l != nil && l.down
}

// linkMissing reports whether the link exists and is not known to carry
// traffic.
func (c *Core) linkMissing(name string) bool {
	_, exists := c.spec.Topology.Entry(name)
	return exists && (c.links[name] == nil || c.links[name].down)
}

// pathsLost is the alarm for one cause: what each intent that was hit had
// before and has after.
func (c *Core) pathsLost(g cause.Cause) Alarm {
	a := Alarm{
		Key: "lost/" + g.Name, Name: LinkFailed, Severity: "info", Cause: g.Name, Links: g.Links,
		Before: "up", After: "down",
	}
	sets := map[string][]pathspec.Path{}
	for _, f := range c.failing {
		if !slices.Contains(g.Failed, f.link) {
			continue
		}
		if a.CausedAt.IsZero() || f.causedAt.Before(a.CausedAt) {
			a.CausedAt = f.causedAt
		}
		if a.DetectedAt.IsZero() {
			a.DetectedAt = f.detectedAt // they stand in the order of detection
		}
		for name, paths := range f.hit {
			sets[name] = paths
		}
	}
	var before, after []string
	for _, name := range sortedKeys(sets) {
		had, has := 0, 0
		for _, p := range sets[name] {
			if !slices.ContainsFunc(p.Links, func(l string) bool { return c.linkDown(l) && !slices.Contains(g.Links, l) }) {
				had++
			}
			if !c.failed(p) {
				has++
			}
		}
		if had == has {
			continue // lost to something else before
		}
		if a.Name != PathSetLost {
			a.Name, a.Severity = DegradedPath, "warning"
		}
		if has == 0 {
			a.Name, a.Severity = PathSetLost, "critical"
		}
		a.Intents = append(a.Intents, name)
		before = append(before, fmt.Sprintf("%s: %d of %d paths", name, had, len(sets[name])))
		after = append(after, fmt.Sprintf("%s: %d of %d paths", name, has, len(sets[name])))
	}
	if len(a.Intents) > 0 {
		a.Before, a.After = strings.Join(before, "; "), strings.Join(after, "; ")
	}
	a.Evidence = c.linkEvidence(g.Failed)
	a.Message = fmt.Sprintf("%s is down (%s). %s. Call %s.", g.Name, strings.Join(g.Links, ", "), a.After, c.owners(g.Links))
	return a
}

// owners names whom to call about links.
func (c *Core) owners(links []string) string {
	seen := map[string]bool{}
	for _, name := range links {
		if e, ok := c.spec.Topology.Entry(name); ok && c.spec.Topology.Entries[e].Operator != "" {
			seen["operator "+c.spec.Topology.Entries[e].Operator] = true
		}
	}
	if len(seen) == 0 {
		return "whoever operates it: the topology names no operator"
	}
	return strings.Join(sortedKeys(seen), ", ")
}

// raise tells a firing alarm, once.
func (c *Core) raise(a Alarm) {
	if c.alarms[a.Key].Firing {
		return
	}
	a.Firing = true
	c.alarms[a.Key], c.told[a.Key] = a, a
	c.note(Entry{Time: a.DetectedAt, Type: a.Name, Object: a.Cause, Message: a.Message, Severity: a.Severity, Intents: a.Intents})
	c.emit(Raise{a})
}

// resolve tells that a firing alarm is over.
func (c *Core) resolve(now time.Time, key string) { c.conclude(now, key, "over: ") }

// conclude ends a firing alarm; why goes before what it said.
func (c *Core) conclude(now time.Time, key, why string) {
	a, ok := c.alarms[key]
	if !ok {
		return
	}
	delete(c.alarms, key)
	delete(c.told, key)
	a.Firing, a.ResolvedAt = false, now
	a.Before, a.After = a.After, a.Before
	a.Evidence = c.linkEvidence(a.Links)
	a.Message = why + a.Message
	c.note(Entry{Time: now, Type: a.Name + "Resolved", Object: a.Cause, Message: a.Message, Intents: a.Intents})
	c.emit(Raise{a})
}

func (c *Core) record(now time.Time, kind, object, message string) {
	c.note(Entry{Time: now, Type: kind, Object: object, Message: message})
}

// note records an entry. It is info, and of the intent that is its object or of
// those whose paths cross it, where it does not say.
func (c *Core) note(e Entry) {
	kind, name, _ := strings.Cut(e.Object, ":")
	switch {
	case e.Intents != nil:
	case kind == "intent":
		e.Intents = []string{name}
	case kind == "link", kind == "node":
		for _, i := range c.intents {
			if slices.ContainsFunc(i.standing.Paths, func(p pathspec.Path) bool {
				return kind == "link" && slices.Contains(p.Links, name) || kind == "node" && slices.Contains(p.Nodes, name)
			}) {
				e.Intents = append(e.Intents, i.spec.Name)
			}
		}
	}
	if e.Severity == "" {
		e.Severity = "info"
	}
	c.emit(Record{e})
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
