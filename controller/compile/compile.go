// Package compile turns what was decided into what every node must be: path
// sets into nodecfg.Configs. It is pure and keeps no state: equal inputs give
// equal Configs. controller/core calls it.
package compile

import (
	"fmt"
	"sort"

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
	Outage   topology.Outage
	Policies []Policy
	MTU      map[string]int          // of links, by name, bytes; absent: not known
	Peers    map[string]nodecfg.Peer // who the agents are, by node; absent: no identity yet
	Probe    nodecfg.Probe
	// SIDs are those learned of nodes without an agent.
	SIDs live.SIDs
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
	// Closed: the intent is blocked, so what stands may not carry anything.
	Closed bool
}

// End is a node where packets of the intent may begin: at its `from` side,
// or at its `to` side, where the selectors are reversed.
type End struct {
	Node    string
	Reverse bool
}

// Configs returns one Config per node of the topology, in its order, with
// revision 0: the caller numbers what it sends. A path that Obstacle has
// something against is left out.
func Configs(in Input) []*nodecfg.Config {
	c := compiler{Input: in, next: nextHops(in.Topology, in.Outage)}
	configs := make([]*nodecfg.Config, len(in.Topology.Nodes))
	for n := range in.Topology.Nodes {
		configs[n] = c.node(n)
	}
	for _, p := range in.Policies {
		c.policy(configs, p)
	}
	for _, cfg := range configs {
		rank(cfg.Policies)
		cfg.Peers = c.peers(cfg)
	}
	return configs
}

type compiler struct {
	Input
	next [][]int // next[n][m]: the entry by which n reaches m's locator; -1 none
}

// node is the part of a Config that does not depend on intents.
func (c *compiler) node(n int) *nodecfg.Config {
	t := c.Topology
	cfg := &nodecfg.Config{Node: t.Nodes[n].Name, Locator: c.IDs.Locator(t.Nodes[n].Name), Probe: c.Probe}
	for e := range t.Entries {
		if entry := &t.Entries[e]; entry.Interface(n) != "" {
			peer := t.Nodes[entry.A+entry.B-n].Name
			cfg.Links = append(cfg.Links, nodecfg.Link{
				Name: entry.Name, Interface: entry.Interface(n), Peer: peer,
				ID:     c.IDs.Link(cfg.Node, entry.Name),
				PeerID: c.IDs.Link(peer, entry.Name), PeerLocator: c.IDs.Locator(peer), QKD: entry.QKD,
			})
		}
	}
	for m, e := range c.next[n] {
		if e >= 0 {
			cfg.Underlay = append(cfg.Underlay, nodecfg.Underlay{
				To: c.IDs.Locator(t.Nodes[m].Name), Link: t.Entries[e].Name,
			})
		}
	}
	sort.Slice(cfg.Links, func(i, j int) bool { return cfg.Links[i].Name < cfg.Links[j].Name })
	sort.Slice(cfg.Underlay, func(i, j int) bool { return cfg.Underlay[i].To.Addr().Less(cfg.Underlay[j].To.Addr()) })
	return cfg
}

// policy adds p to the Configs of its ends: forward at the heads of its
// paths, with everything reversed at the tails.
func (c *compiler) policy(configs []*nodecfg.Config, p Policy) {
	for _, end := range p.Ends {
		n, ok := c.Topology.Node(end.Node)
		if !ok || c.Topology.Nodes[n].Steering == topology.ByBGP {
			continue // see Headends
		}
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
			nodes, links := path.Nodes, path.Links
			if end.Reverse {
				nodes, links = reversed(nodes), reversed(links)
			}
			if nodes[0] != end.Node || !p.Serving[i] || c.Obstacle(&p, links) != "" {
				continue // another node of the same site begins it, or nobody may
			}
			sids := c.path(nodes, links)
			sids.Name = PathName(p.Intent, i)
			if p.Weights != nil {
				sids.Weight = p.Weights[i]
			}
			if p.Encryption != pathspec.NoEncryption {
				sids.Lane = &nodecfg.Lane{ID: c.IDs.Lanes[sids.Name], Index: i, Peer: nodes[len(nodes)-1], Encryption: p.Encryption.String()}
			}
			out.Paths = append(out.Paths, sids)
		}
		configs[n].Policies = append(configs[n].Policies, out)
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

// The least that a path must carry: what IPv6 needs of every link (RFC 8200
// section 5), and what every IPv4 host takes in (RFC 791 section 3.1).
const (
	minMTU6 = 1280
	minMTU4 = 576
)

// mtu is the longest packet of a policy on a path that carries pathMTU bytes,
// and the least that will do.
func (p *Policy) mtu(pathMTU int) (mtu, least int, family string) {
	mtu, least, family = pathMTU, minMTU4, "IPv4"
	if p.Encryption != pathspec.NoEncryption {
		mtu = nodecfg.LaneMTU(pathMTU)
	}
	for _, s := range p.Traffic {
		if s.To.Addr().Is6() {
			least, family = minMTU6, "IPv6"
		}
	}
	return mtu, least, family
}

// Obstacle says why a path of the policy over the links cannot be installed;
// "" nothing.
func (in *Input) Obstacle(p *Policy, links []string) string {
	for _, link := range links {
		e, ok := in.Topology.Entry(link)
		if !ok {
			return fmt.Sprintf("link %s is not in the topology", link)
		}
		if !in.Topology.Entries[e].Plugged() {
			return fmt.Sprintf("link %s names no interfaces: give it `interfaces: {a: ..., b: ...}`", link)
		}
	}
	if outer := in.pathMTU(links); outer != 0 {
		if mtu, least, family := p.mtu(outer); mtu < least {
			what := fmt.Sprintf("%d SIDs", sids(links))
			if p.Encryption != pathspec.NoEncryption {
				what += " and WireGuard"
			}
			return fmt.Sprintf("%s leave %d bytes for a packet, %s needs %d: raise the MTU of the links, or ask for fewer hops", what, mtu, family, least)
		}
	}
	return ""
}

// path is the SID list over the given links, and back.
func (c *compiler) path(nodes, links []string) nodecfg.Path {
	hops := len(links)
	p := nodecfg.Path{
		Link: links[0], Hops: nodes, Tail: c.IDs.Locator(nodes[hops]),
		Segments: append(make([]segment, 0, hops), nodecfg.IngressEnd(c.IDs.Locator(nodes[1]), c.IDs.Link(nodes[1], links[0]))),
		Return:   make([]segment, 0, hops),
	}
	for i, link := range links {
		if i > 0 {
			p.Segments = append(p.Segments, nodecfg.EndX(c.IDs.Locator(nodes[i]), c.IDs.Link(nodes[i], link)))
		}
		back := hops - 1 - i
		p.Return = append(p.Return, nodecfg.EndX(c.IDs.Locator(nodes[back+1]), c.IDs.Link(nodes[back+1], links[back])))
	}
	for _, node := range nodes {
		p.Locators = append(p.Locators, c.IDs.Locator(node))
	}
	p.MTU = c.pathMTU(links)
	return p
}

// sids counts the SIDs of a path: one a link, and the one that decapsulates.
func sids(links []string) int { return len(links) + 1 }

// pathMTU is what is left of the narrowest link for a packet inside
// H.Encaps.Red: an IPv6 header and, as the first SID stands in the destination
// address (RFC 8986 section 5.2), one SID less in the SRH. 0 where a link's
// MTU is not known.
func (in *Input) pathMTU(links []string) int {
	const ipv6Header, srhHeader, sid, maxPacket = 40, 8, 16, 65000
	least := 0
	for _, link := range links {
		mtu := in.MTU[link]
		if mtu == 0 {
			return 0
		}
		if least == 0 || mtu < least {
			least = mtu
		}
	}
	// A route of Linux takes no greater MTU than an IPv6 packet can be long.
	return min(least, maxPacket) - ipv6Header - srhHeader - sid*(sids(links)-1)
}

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

func reversed(in []string) []string {
	out := make([]string, len(in))
	for i, s := range in {
		out[len(in)-1-i] = s
	}
	return out
}
