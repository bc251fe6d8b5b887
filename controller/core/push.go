package core

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/controller/compile"
	"github.com/keiro-net/keiro/controller/live"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// retired is a link that has left the topology while a headend may still send
// over it. Its nodes keep its SIDs until then, unless its interface is taken.
type retired struct {
	entry  topology.Entry
	ab, ba topology.Link
	a, b   string
	ida    uint16
	idb    uint16
	sids   *live.SIDs // of routers without an agent, when it left; nil: none were learned
}

// retire remembers the links that the new spec has no more. A link whose node
// leaves too is not kept: drain the node first.
func (c *Core) retire(next Spec, was *live.Result) {
	var sids *live.SIDs
	if was != nil {
		sids = &was.SIDs
	}
	old := c.spec.Topology
	if old == nil || next.Topology == nil {
		c.retired = nil
		return
	}
	type plug struct{ node, port string }
	plugged := map[plug]bool{} // what is plugged in next
	for e := range next.Topology.Entries {
		entry := &next.Topology.Entries[e]
		plugged[plug{next.Topology.Nodes[entry.A].Name, entry.AInterface}] = true
		plugged[plug{next.Topology.Nodes[entry.B].Name, entry.BInterface}] = true
	}
	taken := func(node, port string) bool { return port != "" && plugged[plug{node, port}] } // routers may name none
	gone := func(name, a, b string, entry topology.Entry) bool {
		_, stays := next.Topology.Entry(name)
		return !stays && !taken(a, entry.AInterface) && !taken(b, entry.BInterface)
	}
	kept := c.retired[:0]
	for _, r := range c.retired {
		if gone(r.entry.Name, r.a, r.b, r.entry) {
			kept = append(kept, r)
		}
	}
	for e := range old.Entries {
		a, b := old.Nodes[old.Entries[e].A].Name, old.Nodes[old.Entries[e].B].Name
		if gone(old.Entries[e].Name, a, b, old.Entries[e]) {
			kept = append(kept, retired{
				entry: old.Entries[e], ab: old.Links[2*e], ba: old.Links[2*e+1], a: a, b: b,
				ida: c.spec.IDs.Link(a, old.Entries[e].Name), idb: c.spec.IDs.Link(b, old.Entries[e].Name), sids: sids,
			})
		}
	}
	c.retired = kept
}

// release forgets the retired links that no standing path uses, and none that a headend
// was told of, once every node has confirmed its Config, and reports whether it did. An agent that is
// away holds it up: its node may still send over them.
func (c *Core) release() bool {
	if len(c.retired) == 0 {
		return false
	}
	for name, n := range c.nodes {
		if n.want != nil && !n.confirmed() && !c.hasNoAgent(name) {
			return false
		}
	}
	used := map[string]bool{}
	use := func(paths []pathspec.Path) {
		for _, p := range paths {
			for _, name := range p.Links {
				used[name] = true
			}
		}
	}
	for _, i := range c.intents {
		use(i.standing.Paths)
	}
	for _, h := range c.headends {
		for _, t := range h.paths {
			use(t.Ways)
		}
	}
	before := len(c.retired)
	c.retired = slices.DeleteFunc(c.retired, func(r retired) bool { return !used[r.entry.Name] })
	return len(c.retired) < before
}

// fabric is the topology with the retired links, and their numbers.
func (c *Core) fabric() (*topology.Topology, compile.IDs) {
	t, ids := c.spec.Topology, c.spec.IDs
	if len(c.retired) == 0 {
		return t, ids
	}
	entries := append([]topology.Entry(nil), t.Entries...)
	links := append([]topology.Link(nil), t.Links...)
	ids.Links = map[string]map[string]uint16{}
	for node, numbers := range c.spec.IDs.Links {
		ids.Links[node] = map[string]uint16{}
		for name, id := range numbers {
			ids.Links[node][name] = id
		}
	}
	for _, r := range c.retired {
		a, okA := t.Node(r.a)
		b, okB := t.Node(r.b)
		if !okA || !okB {
			continue
		}
		r.entry.A, r.entry.B = a, b
		r.ab.Entry, r.ba.Entry = len(entries), len(entries)
		r.ab.From, r.ab.To, r.ba.From, r.ba.To = a, b, b, a
		entries = append(entries, r.entry)
		links = append(links, r.ab, r.ba)
		ids.Links[r.a][r.entry.Name], ids.Links[r.b][r.entry.Name] = r.ida, r.idb
	}
	return topology.New(t.Name, t.Sites, t.Nodes, entries, links), ids
}

// push sends every node whose Config has changed its new one, and tells those that are
// told by BGP what has changed for them.
func (c *Core) push(now time.Time) {
	for c.dirty && c.spec.Topology != nil {
		in := c.input()
		held := c.held()
		for _, i := range c.intents {
			p := c.policy(i)
			p.Held = held[p.Intent]
			in.Policies = append(in.Policies, p)
		}
		c.pushConfigs(in)
		c.announce(now, &in)
		c.dirty = c.release()
	}
}

// held are the links of the paths that headends have confirmed last, by intent:
// their packets may be there until another push finds that they have confirmed
// others.
func (c *Core) held() map[string][]string {
	held := map[string][]string{}
	for _, n := range c.nodes {
		if n.acked == nil || !c.params.Sample {
			continue
		}
		for i := range n.acked.Policies {
			p := &n.acked.Policies[i]
			for j := range p.Paths {
				for _, l := range p.Paths[j].Links {
					held[p.Intent] = append(held[p.Intent], l.Name)
				}
			}
		}
	}
	return held
}

// input is what Configs are compiled from, without the policies.
func (c *Core) input() compile.Input {
	fabric, ids := c.fabric()
	in := compile.Input{
		Topology: fabric, IDs: ids, Outage: c.outage, Drained: c.drained(), MTU: map[string]int{}, Peers: c.peers, Probe: c.params.Probe,
		Secret: c.params.TestSecret, MaxLossPPM: c.params.MaxLossPPM, Sample: c.params.Sample,
		Yielding: c.yielding(), Missing: c.freshNodes(),
	}
	if c.live != nil {
		in.SIDs = c.live.SIDs
	}
	for _, r := range c.retired {
		if r.sids != nil && (c.hasNoAgent(r.a) || c.hasNoAgent(r.b)) {
			in.SIDs = in.SIDs.With(r.sids, r.entry.Name, r.a, r.b)
		}
	}
	for name, l := range c.links {
		in.MTU[name] = l.mtu()
	}
	return in
}

// inputNow is the input of this Step, made once.
func (c *Core) inputNow() *compile.Input {
	if c.in == nil {
		in := c.input()
		c.in = &in
	}
	return c.in
}

// policy is what the ends of an intent are to install.
func (c *Core) policy(i *intent) compile.Policy {
	return compile.Policy{
		Intent: i.spec.Name, Traffic: i.spec.Traffic, Ends: c.ends(i),
		Paths: i.standing.Paths, Serving: i.serving,
		Weights: i.weights(), Encryption: i.spec.Require.Encryption,
		Priority: i.spec.Priority, Closed: i.standing.Blocked, MaxDelay: time.Duration(i.spec.Require.MaxDelay) * time.Microsecond,
	}
}

// weights are those of the standing paths, where flows are spread over them.
func (i *intent) weights() []int {
	if i.spec.Mode != pathspec.Spread {
		return nil
	}
	weights := make([]int, len(i.standing.Paths))
	for n := range weights {
		weights[n] = i.spec.Weight(n)
	}
	return weights
}

// pushConfigs sends first to the nodes whose policies change, as traffic
// waits for them.
func (c *Core) pushConfigs(in compile.Input) {
	var later []Effect
	for _, cfg := range compile.Configs(in) {
		n := c.nodes[cfg.Node]
		n.want, n.refused = cfg, ""
		if n.sent != nil && sameConfig(n.sent, cfg) {
			continue
		}
		if n.refused = cmp.Or(refusal(cfg), c.untold(&in, cfg)); n.refused != "" || !n.connected || n.report == nil {
			continue // its agent would refuse it too, or is away
		}
		n.revision++
		cfg.Revision = n.revision
		if n.sent != nil && reflect.DeepEqual(n.sent.Policies, cfg.Policies) {
			later = append(later, Push{cfg})
		} else {
			c.emit(Push{cfg})
		}
		n.sent = cfg
	}
	c.effects = append(c.effects, later...)
}

// untold says why a node is left as it is, though a path that stands is not in
// its new Config: it crosses routers without an agent, and those who know their
// SIDs have not said all yet; or agents that are new.
func (c *Core) untold(in *compile.Input, cfg *nodecfg.Config) string {
	known := c.live != nil && c.allTold()
	if known && len(in.Missing) == 0 || in.Missing[cfg.Node] != "" {
		return ""
	}
	for _, i := range c.intents {
		for n, p := range i.standing.Paths {
			begins := p.Nodes[0] == cfg.Node || p.Nodes[len(p.Nodes)-1] == cfg.Node
			fresh := ""
			for _, node := range p.Nodes {
				fresh = cmp.Or(fresh, in.Missing[node])
			}
			if !begins || !i.serving[n] || c.byBGP(cfg.Node) || fresh == "" && (known || !slices.ContainsFunc(p.Nodes, c.hasNoAgent)) {
				continue
			}
			name := compile.PathName(i.spec.Name, n)
			if !slices.ContainsFunc(cfg.Policies, func(p nodecfg.Policy) bool {
				return slices.ContainsFunc(p.Paths, func(p nodecfg.Path) bool { return p.Name == name })
			}) {
				if fresh != "" {
					return fmt.Sprintf("path %s: %s, until then the node goes on as it is", name, fresh)
				}
				return fmt.Sprintf("path %s crosses routers without an agent whose SIDs are not learned yet: BGP peers have not said all (`keiro get peers`), until then the node goes on as it is", name)
			}
		}
	}
	return ""
}

// refusal says why an agent would not obey the Config; "" it would.
func refusal(cfg *nodecfg.Config) string {
	numbered := *cfg
	numbered.Revision = 1
	if err := numbered.Validate(); err != nil {
		return err.Error()
	}
	return ""
}

// sameConfig compares all but the revision.
func sameConfig(a, b *nodecfg.Config) bool {
	x := *a
	x.Revision = b.Revision
	return reflect.DeepEqual(&x, b)
}

// missing says what the answer's paths wait for; "" nothing. Paths that stand
// already wait for nothing.
func (c *Core) missing(i *intent) string {
	if why := c.lacking(i); why != "" {
		return why
	}
	return c.collision(i)
}

// lacking is missing without what other intents are in the way of.
func (c *Core) lacking(i *intent) string {
	stands := func(p pathspec.Path) bool {
		return slices.ContainsFunc(i.standing.Paths, func(s pathspec.Path) bool {
			return slices.Equal(s.Links, p.Links) && slices.Equal(s.Nodes, p.Nodes)
		})
	}
	c.inputNow()
	policy := c.policy(i)
	if why := c.in.Split(i.answer.Paths); why != "" {
		return why
	}
	for _, p := range i.answer.Paths {
		if why := c.in.Obstacle(&policy, p); why != "" {
			return why
		}
		if why := c.in.Unsayable(p); why != "" {
			return why
		}
	}
	for _, p := range i.answer.Paths {
		if stands(p) {
			continue
		}
		if policy.Encryption != pathspec.NoEncryption {
			for _, end := range []string{p.Nodes[0], p.Nodes[len(p.Nodes)-1]} {
				if _, ok := c.peers[end]; !ok {
					return fmt.Sprintf("node %s has no identity yet, which the other end could check", end)
				}
			}
		}
		for n, name := range p.Nodes {
			if c.hasNoAgent(name) {
				continue // its SIDs are there, as it says them
			}
			for _, l := range p.Links[max(n-1, 0):min(n+1, len(p.Links))] {
				if why := c.lacks(name, l); why != "" {
					return why
				}
			}
		}
	}
	return ""
}

// lacks says why a node does not have the SIDs of one of its links.
func (c *Core) lacks(name, link string) string {
	n := c.nodes[name]
	if n.acked != nil {
		for _, l := range n.acked.Links {
			if l.Name == link && l.ID == c.spec.IDs.Link(name, link) && c.endsAt(link, l.Peer) {
				return ""
			}
		}
	}
	switch {
	case n.refused != "":
		return fmt.Sprintf("node %s cannot be told what it is to be: %s", name, n.refused)
	case !n.connected:
		return fmt.Sprintf("node %s has no agent connected", name)
	case n.report != nil && len(n.report.Errors) > 0:
		return fmt.Sprintf("node %s: %s: %s", name, n.report.Errors[0].Object, n.report.Errors[0].Error)
	}
	return fmt.Sprintf("node %s has not confirmed the SIDs of link %s yet", name, link)
}
