package core

import (
	"fmt"
	"maps"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/topology"
)

// link is what the agents at its ends say of a link, and BGP-LS, which counts as
// one more end.
type link struct {
	ends map[string]nodecfg.LinkState // by node, and learned
	keys map[string]nodecfg.KeyStore  // of QKD keys for the link, by node; nil: nobody has told
	down bool                         // some end says so, or it waits to be restored
	// restoreAt is when a link that all ends call up again is trusted.
	restoreAt time.Time
	since     time.Time
}

// mtu is the least that the ends say; 0 is unknown.
func (l *link) mtu() int {
	least := 0
	for _, end := range l.ends {
		if end.MTU > 0 && (least == 0 || end.MTU < least) {
			least = end.MTU
		}
	}
	return least
}

// setLinks forgets links and ends that have left, and takes in what agents
// have said already of those that are new.
func (c *Core) setLinks(now time.Time) {
	for name, l := range c.links {
		for end := range l.ends {
			if _, stays := c.spec.Topology.Entry(name); end == learned && stays {
				continue // hear looks at it
			}
			if !c.endsAt(name, end) {
				delete(l.ends, end)
				delete(l.keys, end)
			}
		}
		if len(l.ends) == 0 {
			delete(c.links, name)
			continue
		}
		c.updateLink(now, nodecfg.LinkState{Name: name, Changed: now}, l)
	}
	for _, name := range sortedKeys(c.nodes) {
		if r := c.nodes[name].report; r != nil {
			c.observe(now, name, r.Links)
			c.observeKeys(now, r)
		}
	}
	c.hear(now)
}

// endsAt reports whether the link is there and has an end at the node.
func (c *Core) endsAt(link, node string) bool {
	if c.spec.Topology == nil {
		return false
	}
	e, ok := c.spec.Topology.Entry(link)
	if !ok {
		return false
	}
	entry := &c.spec.Topology.Entries[e]
	return c.spec.Topology.Nodes[entry.A].Name == node || c.spec.Topology.Nodes[entry.B].Name == node
}

// observe takes in what a node says of its links.
func (c *Core) observe(now time.Time, node string, states []nodecfg.LinkState) {
	changed := false
	for _, s := range states {
		if !c.endsAt(s.Name, node) || c.hasNoAgent(node) {
			continue // nobody else is believed about it
		}
		l := c.links[s.Name]
		if l == nil {
			l = &link{ends: map[string]nodecfg.LinkState{}, since: now}
			c.links[s.Name] = l
		}
		before := l.mtu()
		l.ends[node] = s
		if l.mtu() != before {
			c.dirty = true
		}
		changed = c.updateLink(now, s, l) || changed
	}
	if changed {
		c.setOutage()
	}
}

// updateLink moves a link between up, down and waiting to be restored; it
// reports whether the link went down.
func (c *Core) updateLink(now time.Time, s nodecfg.LinkState, l *link) bool {
	down := false
	for _, end := range l.ends {
		down = down || !end.Up
	}
	switch {
	case down && !l.down:
		l.down, l.since, l.restoreAt = true, now, time.Time{}
		c.fails(now, s.Name, s.Changed)
		c.record(now, "LinkDown", "link:"+s.Name, "carries no traffic"+c.becauseOf(s.Name, l))
		return true
	case down:
		l.restoreAt = time.Time{}
	case l.down && l.restoreAt.IsZero():
		l.restoreAt = now.Add(c.params.WaitToRestore)
	}
	return false
}

// becauseOf is why BGP-LS says that a link is down, if it does.
func (c *Core) becauseOf(name string, l *link) string {
	if s, said := l.ends[learned]; !said || s.Up || c.live == nil {
		return ""
	}
	if why := c.live.Out[name]; why != "" {
		return ": " + why
	}
	return ": the routers that told of it do not any more"
}

// restore gives links back whose wait is over.
func (c *Core) restore(now time.Time) {
	changed := false
	for _, name := range sortedKeys(c.links) {
		l := c.links[name]
		if !l.down || l.restoreAt.IsZero() {
			continue
		}
		if now.Before(l.restoreAt) {
			c.emit(WakeAt{l.restoreAt})
			continue
		}
		l.down, l.restoreAt, l.since = false, time.Time{}, now
		c.changed = "link:" + name
		c.record(now, "LinkUp", "link:"+name, fmt.Sprintf("was up for %s: paths may return to it", c.params.WaitToRestore))
		changed = true
	}
	if changed {
		c.setOutage()
	}
}

// setOutage computes what carries no traffic and, when that has changed,
// poses the question anew.
func (c *Core) setOutage() {
	if c.spec.Topology != nil && !equalOutage(c.currentOutage(), c.outage) {
		c.question()
	}
}

// currentOutage is what failed, what is drained, and what has no keys.
func (c *Core) currentOutage() topology.Outage {
	o := c.drained()
	o.Keyless = c.keyless()
	for name, l := range c.links {
		if l.down {
			o.Entries[name] = true
		}
	}
	return o
}

func (c *Core) drained() topology.Outage {
	o := topology.Outage{Nodes: map[string]bool{}, Entries: map[string]bool{}, SRLGs: map[string]bool{}}
	for d := range c.drains {
		switch d.Kind {
		case "node":
			o.Nodes[d.Name] = true
		case "srlg":
			o.SRLGs[d.Name] = true
		default:
			o.Entries[d.Name] = true
		}
	}
	return o
}

func equalOutage(a, b topology.Outage) bool {
	return maps.Equal(a.Nodes, b.Nodes) && maps.Equal(a.Entries, b.Entries) && maps.Equal(a.SRLGs, b.SRLGs) && maps.Equal(a.Keyless, b.Keyless)
}
