package core

import (
	"fmt"
	"time"

	"github.com/keiro-net/keiro/topology"
)

// A node that changes who tells it its paths, its agent or BGP, keeps what it had until
// it has the other: between the two its packets would leave their paths. An agent obeys
// its Config before what it is told by BGP, so it may have both.

// handOver notes which agents are to give their paths up to BGP.
func (c *Core) handOver(next Spec) {
	if c.spec.Topology == nil || next.Topology == nil {
		return
	}
	for i := range next.Topology.Nodes {
		node := &next.Topology.Nodes[i]
		n := c.nodes[node.Name]
		switch {
		case n == nil:
			continue
		case node.NoAgent:
			n.fresh = false
		case c.hasNoAgent(node.Name):
			n.fresh = !n.connected || !n.confirmed()
		}
		switch {
		case node.Steering != topology.ByBGP || node.NoAgent:
			n.yields, n.yieldAt = false, time.Time{}
		case c.exists(node.Name) && !c.byBGP(node.Name):
			n.yields, n.yieldAt = true, time.Time{}
		}
	}
}

// yield takes its paths from an agent when its node has had the time to take those into
// use that it is told by BGP. What could not be told stays with the agent.
func (c *Core) yield(now time.Time) {
	for name, n := range c.nodes {
		h := c.headends[name]
		if !n.yields || n.yieldAt.IsZero() || now.Before(n.yieldAt) || h == nil || len(h.untold) > 0 {
			continue
		}
		n.yields, c.dirty = false, true
	}
}

// yielding are the nodes that do not have to give their paths up yet.
func (c *Core) yielding() map[string]bool {
	out := map[string]bool{}
	for name, n := range c.nodes {
		if n.yields {
			out[name] = true
		}
	}
	return out
}

// freshNodes are those whose agents are new and do not have their SIDs yet: what leads
// over them goes on by those that they had as routers.
func (c *Core) freshNodes() map[string]string {
	out := map[string]string{}
	for name, n := range c.nodes {
		if n.fresh {
			out[name] = fmt.Sprintf("node %s has an agent of late, which has not confirmed its SIDs yet", name)
		}
	}
	return out
}

// takesOver reports whether the agent of a node that was told its paths by BGP is to have
// them now, and has not confirmed that it has. Until then the node keeps what it was told.
func (c *Core) takesOver(h *headend) bool {
	return h.want.Node == "" && c.exists(h.node) && !c.nodes[h.node].confirmed()
}
