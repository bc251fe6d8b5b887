package compile

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/controller/live"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// structure is that of the SIDs of nodes with an agent (nodecfg/sid.go).
var structure = ls.Opt[ls.SIDStructure]{Known: true, Value: ls.SIDStructure{LocatorBlock: 16, LocatorNode: 32, Function: 16}}

// node is a node of the topology; one without a name if there is no such node.
func (in *Input) named(node string) *topology.Node {
	if n, ok := in.Topology.Node(node); ok {
		return &in.Topology.Nodes[n]
	}
	return &topology.Node{}
}

// locator is that of node n; of one without an agent the declared or the
// learned one. The zero value: nobody knows.
func (in *Input) locator(n int) netip.Prefix {
	if node := &in.Topology.Nodes[n]; node.NoAgent {
		return node.Locator
	}
	return in.IDs.Locator(in.Topology.Nodes[n].Name)
}

// address is the IPv6 address of the interface that node n, without an agent,
// has on entry e: declared, or else learned. Not valid: nobody knows.
func (in *Input) address(n, e int) netip.Addr {
	entry := &in.Topology.Entries[e]
	declared := entry.AAddress
	if n == entry.B {
		declared = entry.BAddress
	}
	if declared.Is6() {
		return declared
	}
	return in.SIDs.Address(entry.Name, in.Topology.Nodes[n].Name)
}

// Over is the SID by which a node sends over one of its links: its End.X.
func (in *Input) Over(node, link string) (sid live.SID, why string) {
	if n := in.named(node); !n.NoAgent {
		return live.SID{Addr: nodecfg.EndX(in.IDs.Locator(node), in.IDs.Link(node, link)), Behavior: ls.BehaviorEndX, Structure: structure}, ""
	}
	sid, ok := in.SIDs.Over(link, node)
	if !ok {
		return sid, fmt.Sprintf("no SID of router %s over link %s is learned: BGP-LS must tell of an End.X for it, or an agent must run there", node, link)
	}
	return sid, in.unfit(node, "SID", sid.Addr)
}

// Segments is the SID list over the links of a path, without a SID that
// decapsulates at its tail. A router without an agent as head begins with its
// own End.X (RFC 9256 section 5.1 wants the first SID to be one that it can
// resolve); a head with an agent cannot execute a SID of its own on packets that
// it makes itself: it begins with the pinned End of its first neighbour, or with
// the End.X of one without an agent, to which it has to lead the SID over this
// link by itself. The list is empty if such a neighbour is the tail.
func (in *Input) Segments(path pathspec.Path) (list []live.SID, why string) {
	list = make([]live.SID, 0, len(path.Links))
	for i, link := range path.Links {
		if i == 0 && !in.named(path.Nodes[0]).NoAgent {
			if next := path.Nodes[1]; !in.named(next).NoAgent {
				list = append(list, live.SID{Addr: nodecfg.IngressEnd(in.IDs.Locator(next), in.IDs.Link(next, link)), Behavior: ls.BehaviorEnd, Structure: structure})
			}
			continue
		}
		sid, why := in.Over(path.Nodes[i], link)
		if why != "" {
			return nil, why
		}
		list = append(list, sid)
	}
	return list, ""
}

// Return is the SID list from the tail of a path back over its links, beginning
// with the tail's own End.X.
func (in *Input) Return(path pathspec.Path) (list []live.SID, why string) {
	list = make([]live.SID, 0, len(path.Links))
	for i := len(path.Links) - 1; i >= 0; i-- {
		sid, why := in.Over(path.Nodes[i+1], path.Links[i])
		if why != "" {
			return nil, why
		}
		list = append(list, sid)
	}
	return list, ""
}

// Decapsulation is the SID of a node that takes packets of a family, IPv4 or
// IPv6, out of the tunnel and looks them up.
func (in *Input) Decapsulation(node string, v4 bool) (sid live.SID, why string) {
	if n := in.named(node); !n.NoAgent {
		sid = live.SID{Addr: nodecfg.EndDT6(in.IDs.Locator(node)), Behavior: ls.BehaviorEndDT6, Structure: structure}
		if v4 {
			sid.Addr, sid.Behavior = nodecfg.EndDX4(in.IDs.Locator(node)), behaviorEndDX4
		}
		return sid, ""
	}
	one, family := ls.BehaviorEndDT6, "End.DT6"
	if v4 {
		one, family = ls.BehaviorEndDT4, "End.DT4"
	}
	for _, behavior := range []uint16{ls.BehaviorEndDT46, one} {
		if sid, ok := in.SIDs.Decapsulation(node, behavior); ok {
			return sid, in.unfit(node, "SID", sid.Addr)
		}
	}
	return sid, fmt.Sprintf("no SID of router %s that decapsulates is learned: BGP-LS must tell of exactly one End.DT46 or %s", node, family)
}

// behaviorEndDX4 is End.DX4 (RFC 8986 section 10.2).
const behaviorEndDX4 = 17

// path is what a headend with an agent is told of a path that nothing is
// against.
func (in *Input) path(path pathspec.Path) nodecfg.Path {
	tail := path.Nodes[len(path.Nodes)-1]
	there, _ := in.Segments(path)
	back, why := in.Return(path)
	p := nodecfg.Path{
		Link: path.Links[0], Hops: path.Nodes, Segments: addresses(there), Return: addresses(back), Unprobed: why,
		MTU: in.pathMTU(path.Links), Locators: make([]netip.Prefix, 0, len(path.Nodes)),
	}
	for _, node := range path.Nodes {
		locator := netip.Prefix{}
		if n, ok := in.Topology.Node(node); ok {
			locator = in.locator(n)
		}
		p.Locators = append(p.Locators, locator)
		p.Tail = locator
	}
	for i, link := range path.Links {
		p.Links = append(p.Links, in.traced(path.Nodes[i+1], link))
	}
	if in.named(tail).NoAgent {
		if sid, why := in.Decapsulation(tail, true); why == "" {
			p.Decap.IPv4 = sid.Addr
		}
		if sid, why := in.Decapsulation(tail, false); why == "" {
			p.Decap.IPv6 = sid.Addr
		}
	}
	return p
}

// traced is a link as the node that it leads to tells it by in-band OAM. What a
// router says nobody knows, and of two nodes with one number neither is proven.
func (in *Input) traced(to, link string) nodecfg.PathLink {
	number := nodecfg.OAMNode(in.IDs.Locator(to))
	if in.named(to).NoAgent || number == nodecfg.OAMUnknownNode || in.foreign().oam[number] != 1 {
		return nodecfg.PathLink{Name: link}
	}
	return nodecfg.PathLink{Name: link, Far: in.IDs.Link(to, link)}
}

func addresses(sids []live.SID) []netip.Addr {
	out := make([]netip.Addr, 0, len(sids))
	for _, s := range sids {
		out = append(out, s.Addr)
	}
	return out
}

// firstSIDs are those that the head of a path must lead over its first link by
// itself: with an agent, beside a router without one.
func (in *Input) firstSIDs(path pathspec.Path, p *nodecfg.Path) []netip.Addr {
	if in.named(path.Nodes[0]).NoAgent || !in.named(path.Nodes[1]).NoAgent {
		return nil
	}
	return p.FirstSIDs()
}

// Reversed is a path from its tail to its head.
func Reversed(p pathspec.Path) pathspec.Path {
	p.Nodes, p.Links = slices.Clone(p.Nodes), slices.Clone(p.Links)
	slices.Reverse(p.Nodes)
	slices.Reverse(p.Links)
	return p
}

// Doubts says of the SIDs learned for a path what an operator should know of
// them though they are used, both ways: that nobody says so any more, and that
// they may leave their link. "" is nothing.
func (in *Input) Doubts(path pathspec.Path) string {
	for _, p := range []pathspec.Path{path, Reversed(path)} {
		for i, link := range p.Links {
			node := p.Nodes[i]
			if !in.named(node).NoAgent {
				continue
			}
			switch sid, ok := in.SIDs.Over(link, node); {
			case ok && sid.Stale:
				return fmt.Sprintf("SID %v of router %s over link %s is stale: no live peer says it any more", sid.Addr, node, link)
			case ok && sid.Protected:
				return fmt.Sprintf("SID %v of router %s over link %s is protected: its fast reroute may lead packets over other links", sid.Addr, node, link)
			}
		}
	}
	return ""
}
