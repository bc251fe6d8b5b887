// Package compile turns what was decided into what every node must be: path
// sets into nodecfg.Configs. It is pure and keeps no state: equal inputs give
// equal Configs. controller/core calls it.
//
// package budget: what agents and what headends are told of one path are made of the same
// SID lists and refused for the same reasons; apart they would export both.
package compile

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/controller/live"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// Input is everything the Configs depend on.
type Input struct {
	// Topology holds every link that some node still needs, also one that
	// has left the operator's topology while a headend sends over it.
	Topology *topology.Topology
	IDs      IDs
	// Outage is what the plain routes of the underlay must not use.
	Outage topology.Outage
	// Drained is what is out of use on purpose.
	Drained  topology.Outage
	Policies []Policy
	MTU      map[string]int          // of links, by name, bytes; absent: not known
	Peers    map[string]nodecfg.Peer // who the agents are, by node; absent: no identity yet
	Probe    nodecfg.Probe
	// Sample: nodes look for packets where they should not be.
	Sample bool
	// Secret is what the keys of test packets are derived from; none: nothing is
	// measured in each direction.
	Secret nodecfg.TestKey
	// MaxLossPPM is the bound of paths whose policy states none; 0: there is none.
	MaxLossPPM int64
	// SIDs are those learned of nodes without an agent, which have no others.
	SIDs live.SIDs

	// Yielding are nodes with Steering ByBGP whose Configs have policies all the same: they
	// begin to be told them by BGP.
	Yielding map[string]bool

	// Missing are nodes that have an agent of late, which does not have their SIDs yet, and
	// what is said of them.
	Missing map[string]string

	known *foreign // of them; nil: not asked for yet
}

// Policy is a path set that the ends of an intent are to install.
type Policy struct {
	Intent  string
	Traffic []pathspec.Selector
	Paths   []pathspec.Path // in order of preference
	Serving []bool          // parallel to Paths: which of them are in use
	Weights []int           // parallel to Paths: flows are spread by them; nil: the first that works has all
	// Ends are the nodes that keep the policy's fence even without a path.
	Ends []End
	// Encryption gives every path a lane. A path whose lane is closed carries
	// nothing.
	Encryption pathspec.Encryption
	// Priority is the intent's: the greatest comes first.
	Priority int
	// MaxDelay and MaxLossPPM bound each direction of each path; 0: not stated.
	MaxDelay   time.Duration
	MaxLossPPM int64
	// Closed: the intent is blocked, so what stands may not carry anything.
	Closed bool
	// Held are links of paths that headends may still use, as they have confirmed
	// no others yet.
	Held []string
}

// End is a node where packets of the intent may begin: at its `from` side,
// or at its `to` side, where the selectors are reversed.
type End struct {
	Node    string
	Reverse bool
}

// Configs returns one Config per node that has an agent, in the order of the
// topology, with revision 0: the caller numbers what it sends. A path that
// Obstacle has something against is left out, and so is one that begins with a
// SID which another one has led over another link.
//
// Policies that begin at a node with Steering ByBGP are in no Config, unless it is
// Yielding.
func Configs(in Input) []*nodecfg.Config {
	if !slices.ContainsFunc(in.Topology.Nodes, func(n topology.Node) bool { return !n.NoAgent }) {
		return nil
	}
	c := compiler{Input: in, next: in.nextHops(), claims: Claims{}, configs: make(map[string]*nodecfg.Config, len(in.Topology.Nodes))}
	configs := make([]*nodecfg.Config, 0, len(in.Topology.Nodes))
	for n := range in.Topology.Nodes {
		if node := &in.Topology.Nodes[n]; !node.NoAgent {
			cfg := c.node(n)
			configs, c.configs[node.Name] = append(configs, cfg), cfg
		}
	}
	for _, p := range in.Policies {
		c.policy(p)
	}
	if in.Sample {
		c.protect()
	}
	for _, cfg := range configs {
		rank(cfg.Policies)
		cfg.Peers = c.peers(cfg)
	}
	c.testers(configs)
	return configs
}

type compiler struct {
	Input
	next    [][]int // next[n][m]: the entry by which n reaches m's locator; -1 none
	claims  Claims
	configs map[string]*nodecfg.Config // by node
}

// node is the part of a Config that does not depend on intents.
func (c *compiler) node(n int) *nodecfg.Config {
	t := c.Topology
	cfg := &nodecfg.Config{Node: t.Nodes[n].Name, Locator: c.IDs.Locator(t.Nodes[n].Name), Probe: c.Probe}
	if t.Nodes[n].Guard == topology.Alert {
		cfg.Guard = nodecfg.Alert
	}
	for e := range t.Entries {
		if entry := &t.Entries[e]; (entry.A == n || entry.B == n) && c.beginsAt(n, e) {
			cfg.Links = append(cfg.Links, c.link(n, e))
		}
	}
	for m, e := range c.next[n] {
		if to := c.peerLocator(m); e >= 0 && to.IsValid() {
			cfg.Underlay = append(cfg.Underlay, nodecfg.Underlay{To: to, Link: t.Entries[e].Name})
		}
	}
	sort.Slice(cfg.Links, func(i, j int) bool { return cfg.Links[i].Name < cfg.Links[j].Name })
	sort.Slice(cfg.Underlay, func(i, j int) bool { return cfg.Underlay[i].To.Addr().Less(cfg.Underlay[j].To.Addr()) })
	return cfg
}

// link is node n's end of entry e.
func (c *compiler) link(n, e int) nodecfg.Link {
	entry := &c.Topology.Entries[e]
	m := entry.A + entry.B - n
	peer := &c.Topology.Nodes[m]
	l := nodecfg.Link{Name: entry.Name, Interface: entry.Interface(n), Peer: peer.Name,
		ID: c.IDs.Link(c.Topology.Nodes[n].Name, entry.Name), PeerLocator: c.peerLocator(m), QKD: entry.QKD,
		Drained: c.Drained.Takes(c.Topology, e)}
	if peer.NoAgent {
		l.PeerAddress = c.address(m, e)
	} else {
		l.PeerID = c.IDs.Link(peer.Name, entry.Name)
	}
	return l
}

// policy adds p to the Configs of its ends: forward at the heads of its
// paths, with everything reversed at the tails.
func (c *compiler) policy(p Policy) {
	for _, end := range p.Ends {
		n, ok := c.Topology.Node(end.Node)
		if !ok || c.Topology.Nodes[n].Steering == topology.ByBGP && !c.Yielding[end.Node] {
			continue // see Headends
		}
		cfg := c.configs[end.Node]
		out := nodecfg.Policy{Intent: p.Intent, ID: c.IDs.Intents[p.Intent]}
		if p.Weights != nil {
			out.Mode = nodecfg.Spread
		}
		for _, s := range p.Traffic {
			if end.Reverse {
				s = s.Reverse()
			}
			out.Traffic = append(out.Traffic, nodecfg.Selector{From: s.From, To: s.To})
		}
		if p.Encryption != pathspec.NoEncryption {
			out.Encryption = p.Encryption.String()
		}
		for i, path := range p.Paths {
			if end.Reverse {
				path = Reversed(path)
			}
			if path.Nodes[0] != end.Node || !p.Serving[i] || c.Against(&p, path) != "" {
				continue // another node of the same site begins it, or nobody may
			}
			sids := c.path(path)
			first := c.firstSIDs(path, &sids)
			if _, other := c.claims.taken(end.Node, path.Links[0], first); other != "" {
				continue
			}
			c.claims.add(end.Node, path.Links[0], first)
			sids.Name = PathName(p.Intent, i)
			sids.MaxDelay, sids.MaxLossPPM = p.MaxDelay, cmp.Or(p.MaxLossPPM, c.MaxLossPPM)
			if p.Weights != nil {
				sids.Weight = p.Weights[i]
			}
			if p.Encryption != pathspec.NoEncryption {
				sids.Lane = &nodecfg.Lane{ID: c.IDs.Lanes[sids.Name], Index: i, Peer: path.Nodes[len(path.Nodes)-1], Encryption: p.Encryption.String()}
			}
			out.Paths = append(out.Paths, sids)
		}
		cfg.Policies = append(cfg.Policies, out)
	}
}

// peers are those that the node has lanes with and whose identity is known.
func (c *compiler) peers(cfg *nodecfg.Config) []nodecfg.Peer {
	found := map[string]bool{}
	var peers []nodecfg.Peer
	for i := range cfg.Policies {
		for _, path := range cfg.Policies[i].Paths {
			if path.Lane == nil || found[path.Lane.Peer] {
				continue
			}
			found[path.Lane.Peer] = true
			if p, ok := c.Peers[path.Lane.Peer]; ok {
				peers = append(peers, p)
			}
		}
	}
	sort.Slice(peers, func(i, j int) bool { return peers[i].Node < peers[j].Node })
	return peers
}

// PathName is the name of the nth path of an intent's set, as in reports.
func PathName(intent string, n int) string { return fmt.Sprintf("%s/%d", intent, n) }

// rank numbers the selectors of one node so that the narrowest is matched
// first, as in routing; then in the order of policies and of their traffic.
func rank(policies []nodecfg.Policy) {
	sort.Slice(policies, func(i, j int) bool { return policies[i].ID < policies[j].ID })
	var all []*nodecfg.Selector
	for i := range policies {
		for j := range policies[i].Traffic {
			all = append(all, &policies[i].Traffic[j])
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return narrowness(*all[i]) > narrowness(*all[j]) })
	for i, s := range all {
		s.Pref = uint16(min(i, nodecfg.MaxPref))
	}
}

// narrowness is how many bits of source and destination a selector fixes.
func narrowness(s nodecfg.Selector) int {
	bits := s.From.Bits() + s.To.Bits()
	if s.From.Addr().Is4() {
		bits += 2 * (128 - 32)
	}
	return bits
}
