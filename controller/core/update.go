package core

import (
	"fmt"
	"slices"
	"time"
)

// Updates of an alarm are told some time apart, twice as much after each: an
// alarm that comes to hit one intent after the other is not a message for each,
// and one that flaps is no storm. One that gets graver is told at once.
const (
	updateAfter  = time.Second
	updateAtMost = time.Minute
)

// update brings what a firing alarm says up to date. tellUpdates tells it where
// receivers would act otherwise. Its key, name and cause are its identity.
func (c *Core) update(a Alarm) {
	is := c.alarms[a.Key]
	if is.Severity != a.Severity && !slices.Contains(is.Severities, is.Severity) {
		is.Severities = append(slices.Clone(is.Severities), is.Severity)
	}
	is.Severity, is.After, is.Intents, is.Message = a.Severity, a.After, a.Intents, a.Message
	is.Nodes = union(is.Nodes, a.Nodes) // one that went away may not be done
	if len(a.Evidence) > 0 {
		is.Evidence = a.Evidence
	}
	c.alarms[a.Key] = is
}

// tellUpdates tells the firing alarms that hit or say something else than when
// they were told last. Other words for the same are not told.
func (c *Core) tellUpdates(now time.Time) {
	for _, key := range sortedKeys(c.alarms) {
		is, told := c.alarms[key], c.told[key]
		if is.Severity == told.Severity && is.After == told.After && slices.Equal(is.Intents, told.Intents) {
			continue
		}
		last := told.DetectedAt
		if told.Updates > 0 {
			last = told.UpdatedAt
		}
		due := last.Add(min(updateAfter<<min(told.Updates, 10), updateAtMost))
		if graver := gravity(is.Severity) > gravity(told.Severity); !graver && now.Before(due) {
			c.emit(WakeAt{due})
			continue
		}
		is.Updates, is.UpdatedAt = is.Updates+1, now
		c.alarms[key], c.told[key] = is, is
		c.record(now, is.Name+"Updated", is.Cause, is.Message)
		c.emit(Raise{is})
	}
}

// gravity orders severities.
func gravity(severity string) int {
	return slices.Index([]string{"info", "warning", "critical"}, severity)
}

// because notes what made the present question: an alarm that follows from its
// answer is put down to it.
func (c *Core) because(now time.Time, kind, source, text string) {
	c.asOf, c.why = now, Evidence{Kind: kind, Source: source, Text: text, At: now}
}

func generation(n uint64) string { return fmt.Sprintf("generation %d", n) }

// linkEvidence is what the ends of links say of them.
func (c *Core) linkEvidence(links []string) (all []Evidence) {
	for _, name := range links {
		l := c.links[name]
		if l == nil {
			continue
		}
		for _, end := range sortedKeys(l.ends) {
			all = append(all, c.endEvidence(name, end, l))
		}
	}
	return all
}

// endEvidence is what one end of a link says of it.
func (c *Core) endEvidence(name, end string, l *link) Evidence {
	s := l.ends[end]
	port := "the interface of link " + name + c.portOf(name, end)
	e := Evidence{Kind: ByNetlink, Source: "node:" + end, At: s.Changed, Text: port + " is down or has no carrier"}
	switch {
	case end == learned && s.Up:
		e.Kind, e.Source, e.Text = ByBGP, "bgp-ls", "link "+name+" is said to be there"
	case end == learned:
		e.Kind, e.Source, e.Text = ByBGP, "bgp-ls", "link "+name+" is not there"+c.becauseOf(name, l)
	case s.Up:
		e.Text = port + " is up and has a carrier"
	}
	return e
}

// portOf names the interface of a link at a node, where the topology does.
func (c *Core) portOf(link, node string) string {
	at, ok := c.spec.Topology.Entry(link)
	if !ok {
		return ""
	}
	e := &c.spec.Topology.Entries[at]
	port := e.BInterface
	if c.spec.Topology.Nodes[e.A].Name == node {
		port = e.AInterface
	}
	if port == "" {
		return ""
	}
	return ", " + port + ","
}
