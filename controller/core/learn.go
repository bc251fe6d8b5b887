package core

import (
	"time"

	"github.com/keiro-net/keiro/controller/live"
)

// learn takes in what routers say.
func (c *Core) learn(_ time.Time, e Learned) {
	c.learned = e.View
	if c.live == nil {
		c.live = e.Joined
	}
	declared := c.spec
	if c.live != nil {
		declared.Topology = c.live.Declared()
	}
	if declared.Topology == nil {
		return
	}
	if c.live = e.Joined; c.live == nil || c.live.Declared() != declared.Topology {
		c.live = live.Join(declared.Topology, e.View)
	}
	c.spec.Topology = c.live.Topology
	c.question()
}

// joinLearned makes the topology of a spec the live one.
func (c *Core) joinLearned(spec *Spec) {
	c.live = nil
	if c.learned != nil && spec.Topology != nil {
		c.live = live.Join(spec.Topology, c.learned)
		spec.Topology = c.live.Topology
	}
}
