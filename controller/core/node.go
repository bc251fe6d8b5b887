package core

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// node is what is known of one machine and its agent.
type node struct {
	connected bool
	since     time.Time                     // since when it is or is not; zero: never was
	report    *nodecfg.Report               // newest of the present session; nil: none yet
	lanes     map[string]*nodecfg.LaneState // of report, by name
	paths     map[string]*nodecfg.PathState // likewise
	looked    *nodecfg.Report               // the last whose drifts were told; nil: none
	revision  uint64                        // newest sent or seen
	want      *nodecfg.Config               // what it is to be, whether its agent is there or not
	sent      *nodecfg.Config               // of the present session
	acked     *nodecfg.Config               // newest that the agent has reached
	refused   string                        // why want is not sent; "" nothing
	word      uint64                        // counts what its agent has said, and its coming and going
	// yields: its agent had its paths, and it is told them by BGP now. Its Config keeps
	// its policies, which the agent obeys first, until yieldAt; zero: not all is told.
	yields  bool
	yieldAt time.Time
	// fresh: it was declared to have no agent, and its agent has confirmed no Config since.
	fresh bool
}

// exists reports whether a node is in the topology.
func (c *Core) exists(node string) bool {
	if c.spec.Topology == nil {
		return false
	}
	_, ok := c.spec.Topology.Node(node)
	return ok
}

// hasNoAgent reports whether a node is declared to have no agent: nobody
// connects for it, and nobody is waited for.
func (c *Core) hasNoAgent(node string) bool {
	if c.spec.Topology == nil {
		return false
	}
	n, ok := c.spec.Topology.Node(node)
	return ok && c.spec.Topology.Nodes[n].NoAgent
}

// byBGP reports whether a node is told the paths that begin at it by BGP.
func (c *Core) byBGP(node string) bool {
	n, ok := c.spec.Topology.Node(node)
	return ok && c.spec.Topology.Nodes[n].Steering == topology.ByBGP
}

// confirmed reports whether the node is known to be what it is to be. What it
// looks for on its links carries no packet, so nobody waits for that.
func (n *node) confirmed() bool {
	if n.acked == nil || n.want == nil {
		return false
	}
	acked := *n.acked
	acked.Protected = n.want.Protected
	return sameConfig(&acked, n.want)
}

func (c *Core) connected(now time.Time, e AgentConnected) {
	name := e.Node
	n := c.nodes[name]
	if n == nil {
		n = &node{}
		c.nodes[name] = n
	}
	n.word++
	c.sight++
	n.connected, n.report, n.lanes, n.paths, n.sent, n.since = true, nil, nil, nil, nil, now
	c.identify(name, e.Peer)
	message := "session began"
	if c.hasNoAgent(name) {
		message = "session began, though the topology has `agent: false` for it: it is told nothing, and its machine goes on as last told"
	}
	c.record(now, "AgentConnected", "node:"+name, message)
	c.resolve(now, "agent/"+name)
	c.resolve(now, "revoked/"+name)
}

// revoke stops believing a node's agent, also while its session still stands:
// it is told nothing more, and its peers are told to forget it. It comes back
// with the session of a new enrolment.
func (c *Core) revoke(now time.Time, name string) {
	c.identify(name, nil)
	if n := c.nodes[name]; n != nil {
		if n.connected {
			n.connected, n.since = false, now
			n.word++
			c.sight++
		}
		if !c.exists(name) {
			delete(c.nodes, name)
		}
	}
	if !c.exists(name) {
		return
	}
	c.resolve(now, "agent/"+name)
	a := Alarm{
		Key: "revoked/" + name, Name: Revoked, Severity: "warning", Cause: "node:" + name,
		Before: "believed", After: "revoked", CausedAt: now, DetectedAt: now,
		Evidence: []Evidence{{ByOperator, "operator", "the agent of node " + name + " was revoked", now}},
		Message:  fmt.Sprintf("agent of node %s was revoked: nobody believes it any more, its peers share no key with it, and its node goes on as last told. `keiro token create %s` lets it enrol again.", name, name),
	}
	for _, i := range c.intents {
		if slices.ContainsFunc(i.standing.Paths, func(p pathspec.Path) bool { return p.Nodes[0] == name || p.Nodes[len(p.Nodes)-1] == name }) {
			a.Intents = append(a.Intents, i.spec.Name)
		}
	}
	c.raise(a)
}

// revoked reports whether a node's agent was revoked and has not enrolled
// again. The alarm that says so outlives a restart of the controller.
func (c *Core) revoked(name string) bool { return c.alarms["revoked/"+name].Firing }

// identify takes in who an agent is; nil: nobody. Its peers are told if that
// is new.
func (c *Core) identify(node string, peer *nodecfg.Peer) {
	was, known := c.peers[node]
	switch {
	case peer == nil:
		delete(c.peers, node)
		c.dirty = c.dirty || known
	case !known || !reflect.DeepEqual(was, *peer):
		c.peers[node] = *peer
		c.dirty = true
	}
}

func (c *Core) disconnected(now time.Time, name string) {
	n := c.nodes[name]
	if n == nil || !n.connected {
		return
	}
	n.connected, n.since = false, now
	n.word++
	c.sight++
	if !c.exists(name) {
		delete(c.nodes, name)
	}
	c.record(now, "AgentDisconnected", "node:"+name, "session ended; the node goes on as it is")
}

// reported takes in a report. The first one of a session tells the revision
// that the agent obeys, from which the numbers go on.
func (c *Core) reported(now time.Time, r nodecfg.Report) {
	n := c.nodes[r.Node]
	if n == nil || !n.connected {
		return
	}
	first := n.report == nil
	n.word++
	if first || !reflect.DeepEqual(n.report.Leaks, r.Leaks) || !reflect.DeepEqual(n.report.Drifts, r.Drifts) {
		c.sight++
	}
	n.report = &r
	n.lanes = make(map[string]*nodecfg.LaneState, len(r.Lanes))
	for i := range r.Lanes {
		n.lanes[r.Lanes[i].Name] = &r.Lanes[i]
	}
	n.paths = make(map[string]*nodecfg.PathState, len(r.Paths))
	for i := range r.Paths {
		n.paths[r.Paths[i].Name] = &r.Paths[i]
	}
	n.revision = max(n.revision, r.Revision)
	if n.sent != nil && r.Revision == n.sent.Revision && r.Reached && n.acked != n.sent {
		n.acked, n.fresh = n.sent, false
		c.dirty = true // others may have waited for it
	}
	if first {
		c.dirty = true
		if n.acked != nil && !(r.Reached && r.Revision == n.acked.Revision) {
			n.acked = nil // it lost what it had
		}
	}
	c.observe(now, r.Node, r.Links)
	c.observeKeys(now, &r)
}

// pathStates are what the headends say of the paths of an intent, by node.
func (c *Core) pathStates(intent string) map[string][]nodecfg.PathState {
	states := map[string][]nodecfg.PathState{}
	for name, n := range c.nodes {
		if n.report == nil || !n.connected {
			continue
		}
		for _, p := range n.report.Paths {
			if strings.HasPrefix(p.Name, intent+"/") {
				states[name] = append(states[name], p)
			}
		}
	}
	return states
}
