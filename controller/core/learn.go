package core

import (
	"slices"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/lsdb"
	"github.com/keiro-net/keiro/controller/live"
	"github.com/keiro-net/keiro/topology"
)

// learned is the end of a link that BGP-LS speaks for, beside those of agents.
// No node has such a name.
const learned = "(bgp-ls)"

// learn takes in what routers say. Most of it, such as who says it and since
// when, changes no path: then nothing is asked and nobody is told anything.
func (c *Core) learn(now time.Time, e Learned) {
	c.learned = e.View
	declared := c.declared()
	if declared == nil {
		return
	}
	was := c.live
	if c.live = e.Joined; c.live == nil || c.live.Declared() != declared {
		c.live = live.Join(declared, e.View)
	}
	switch {
	case !samePaths(c.spec.Topology, c.live.Topology, c.live.Out):
		c.spec.Topology = c.live.Topology
		c.because(now, ByBGP, "bgp-ls", "what routers say of the topology has changed")
		c.changed = "bgp-ls"
		c.question()
	case was == nil || !sameSIDs(was, c.live):
		c.dirty = true
	}
	c.hear(now)
}

// declared is the topology that operators declared; nil: none yet.
func (c *Core) declared() *topology.Topology {
	if c.live != nil {
		return c.live.Declared()
	}
	return c.spec.Topology
}

// joinLearned makes the topology of a spec the live one.
func (c *Core) joinLearned(spec *Spec) {
	switch {
	case c.learned == nil || spec.Topology == nil:
		c.live = nil
	case c.live != nil && c.live.Declared() == spec.Topology: // only intents have changed
		spec.Topology = c.spec.Topology
	default:
		c.live = live.Join(spec.Topology, c.learned)
		spec.Topology = c.live.Topology
	}
}

// hear takes in what BGP-LS says of links, like the report of a node that is at
// an end of each.
func (c *Core) hear(now time.Time) {
	if c.live == nil {
		return
	}
	changed := false
	for e := range c.live.Links {
		name := c.live.Links[e].Name
		up, said := Heard(c.live, e)
		l := c.links[name]
		if !said && c.silenced(e, l) {
			up, said = false, true
		}
		if l == nil {
			if !said {
				continue
			}
			l = &link{ends: map[string]nodecfg.LinkState{}, since: now}
			c.links[name] = l
		}
		was, had := l.ends[learned]
		if had == said && was.Up == up {
			continue
		}
		s := nodecfg.LinkState{Name: name, Up: up, Changed: now}
		if said {
			l.ends[learned] = s
		} else {
			delete(l.ends, learned)
		}
		changed = c.updateLink(now, s, l) || changed
	}
	if changed {
		c.setOutage()
	}
}

// Heard is what BGP-LS says of entry e: whether it carries traffic, if anything
// is said of it. Where both ends have agents these know better that it does, but
// an IGP that does not let paths use it counts all the same. A node that no
// router is known to be, and which has an agent, is for the agent to judge.
func Heard(r *live.Result, e int) (up, said bool) {
	l, entry := &r.Links[e], &r.Topology.Entries[e]
	if _, out := r.Out[l.Name]; out {
		foreign := r.Topology.Nodes[entry.A].NoAgent || r.Topology.Nodes[entry.B].NoAgent
		known := r.Nodes[entry.A].Router != nil && r.Nodes[entry.B].Router != nil
		return false, foreign || known
	}
	there := l.Learned != nil || len(l.Halves) > 0
	return there, there
}

// silenced reports whether a link of a router, of which something was said, is in
// silence while it cannot be told whether the link is gone: a peer that has not said all
// might know. Nobody else sees the link, so it is not taken to be up.
func (c *Core) silenced(e int, l *link) bool {
	entry := &c.live.Topology.Entries[e]
	if l == nil || !c.live.Topology.Nodes[entry.A].NoAgent && !c.live.Topology.Nodes[entry.B].NoAgent {
		return false
	}
	_, had := l.ends[learned]
	return had && len(c.learned.Peers) > 0 && !live.Settled(c.learned)
}

// attested reports whether both ends of entry e say at present that it is up:
// the agents, and for nodes without one the routers.
func (c *Core) attested(e int, l *link) bool {
	entry := &c.spec.Topology.Entries[e]
	for _, n := range []int{entry.A, entry.B} {
		node := &c.spec.Topology.Nodes[n]
		by := node.Name
		if node.NoAgent {
			by = learned
			stale := func(x live.Condition) bool { return x.Type == live.Stale }
			if c.live == nil || slices.ContainsFunc(c.live.Links[e].Conditions, stale) {
				return false
			}
		} else if !c.nodes[node.Name].connected {
			return false
		}
		if s, said := l.ends[by]; !said || !s.Up {
			return false
		}
	}
	return true
}

// samePaths reports whether paths on two joins of one declared topology are the
// same: all that a join can change of what they depend on is. It costs a pass
// over the links. Links that are out in b count as they were: nobody says any
// more how good they are, no path takes them, and a solver that need not begin
// anew has its answer much sooner.
func samePaths(a, b *topology.Topology, out map[string]string) bool {
	if a == b {
		return true
	}
	if a == nil || b == nil || len(a.Nodes) != len(b.Nodes) || len(a.Entries) != len(b.Entries) {
		return false
	}
	for n := range a.Nodes {
		if a.Nodes[n].Locator != b.Nodes[n].Locator {
			return false
		}
	}
	for e := range a.Entries {
		if _, is := out[a.Entries[e].Name]; is {
			continue
		}
		x, y := &a.Entries[e].SRLGs, &b.Entries[e].SRLGs
		groups, _ := x.Get()
		others, _ := y.Get()
		if x.Source() != y.Source() || !slices.Equal(groups, others) {
			return false
		}
		for l := 2 * e; l < 2*e+2; l++ {
			x, y := &a.Links[l], &b.Links[l]
			if x.Metric != y.Metric || !sameAttr(x.Capacity, y.Capacity) || !sameAttr(x.Delay, y.Delay) {
				return false
			}
		}
	}
	return true
}

// sameAttr leaves out when it was measured.
func sameAttr[T comparable](a, b topology.Attr[T]) bool {
	x, _ := a.Get()
	y, _ := b.Get()
	return x == y && a.Source() == b.Source()
}

// sameSIDs reports whether what Configs are made of is the same in two joins of
// one topology. What is the same in the View is not looked at.
func sameSIDs(a, b *live.Result) bool {
	if len(a.Nodes) != len(b.Nodes) || len(a.Links) != len(b.Links) {
		return false
	}
	for n := range a.Nodes {
		if a.Nodes[n].Router != b.Nodes[n].Router || a.Nodes[n].BGP != b.Nodes[n].BGP {
			return false // rare, and may be anything
		}
	}
	for e := range a.Links {
		x, y := &a.Links[e], &b.Links[e]
		if x.Learned == y.Learned && slices.Equal(x.Halves, y.Halves) {
			continue
		}
		if (x.Learned == nil) != (y.Learned == nil) || x.Reversed != y.Reversed || x.Learned != nil && !sameHalves(x.Learned, y.Learned) {
			return false
		}
		entry := &b.Topology.Entries[e]
		for _, n := range []int{entry.A, entry.B} {
			from := b.Topology.Nodes[n].Name
			was, had := a.SIDs.Over(x.Name, from)
			is, has := b.SIDs.Over(x.Name, from)
			if had != has || a.SIDs.Address(x.Name, from) != b.SIDs.Address(x.Name, from) || was.Addr != is.Addr || was.Behavior != is.Behavior || was.Structure != is.Structure {
				return false
			}
		}
	}
	return true
}

// sameHalves compares what names the halves of a link, such as its addresses.
func sameHalves(a, b *lsdb.Link) bool {
	return slices.EqualFunc(a.Adjacencies, b.Adjacencies, func(x, y *lsdb.Adjacency) bool {
		return ls.NLRI(x.AB.NLRI) == ls.NLRI(y.AB.NLRI) && ls.NLRI(x.BA.NLRI) == ls.NLRI(y.BA.NLRI)
	})
}
