package compile

import (
	"fmt"
	"net/netip"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/bgp/ls"
)

// sid is a SID and what it does. The structure is unknown where nobody has said
// where the block ends: a headend may judge by it, so it is never guessed.
type sid struct {
	Addr      netip.Addr
	Behavior  uint16
	Structure ls.Opt[ls.SIDStructure]
}

// noAgent reports whether the SIDs of a node are learned, not made from its locator.
func (in *Input) noAgent(node string) bool {
	n, ok := in.Topology.Node(node)
	return ok && in.Topology.Nodes[n].NoAgent
}

// over is the SID by which a node sends on over a link; why says that it is not
// known.
func (in *Input) over(node, link string) (s sid, why string) {
	if in.noAgent(node) {
		x, ok := in.SIDs.Over(link, node)
		if !ok {
			return sid{}, fmt.Sprintf("no End.X SID of node %s for link %s is learned by BGP-LS", node, link)
		}
		return sid{x.Addr, x.Behavior, x.Structure}, ""
	}
	return in.own(node, nodecfg.EndX(in.IDs.Locator(node), in.IDs.Link(node, link)), ls.BehaviorEndX), ""
}

// pinned is the SID of a node with an agent that its neighbour reaches only over the
// link, without doing anything itself.
func (in *Input) pinned(node, link string) sid {
	return in.own(node, nodecfg.IngressEnd(in.IDs.Locator(node), in.IDs.Link(node, link)), ls.BehaviorEnd)
}

// decapsulation is the SID of a node that takes packets of a family out of the
// tunnel; why says that it is not known.
func (in *Input) decapsulation(node string, v4 bool) (s sid, why string) {
	locator := in.IDs.Locator(node)
	switch {
	case !in.noAgent(node) && v4:
		// It looks the destination up, which End.DX4 is not: see nodecfg.EndDX4.
		return in.own(node, nodecfg.EndDX4(locator), ls.BehaviorEndDT4), ""
	case !in.noAgent(node):
		return in.own(node, nodecfg.EndDT6(locator), ls.BehaviorEndDT6), ""
	}
	want, family := ls.BehaviorEndDT6, "IPv6"
	if v4 {
		want, family = ls.BehaviorEndDT4, "IPv4"
	}
	for _, behavior := range []uint16{want, ls.BehaviorEndDT46} {
		if x, ok := in.SIDs.Decapsulation(node, behavior); ok {
			return sid{x.Addr, x.Behavior, x.Structure}, ""
		}
	}
	return sid{}, fmt.Sprintf("not exactly one SID of node %s that decapsulates %s is learned by BGP-LS", node, family)
}

// own is a SID of a node with an agent. An assigned locator is a node in the block
// of RFC 9602; how one that an operator declared is divided is the operator's.
func (in *Input) own(node string, addr netip.Addr, behavior uint16) sid {
	s := sid{Addr: addr, Behavior: behavior}
	if l := in.IDs.Locator(node); block.Contains(l.Addr()) {
		s.Structure = ls.Some(ls.SIDStructure{LocatorBlock: uint8(block.Bits()), LocatorNode: uint8(l.Bits() - block.Bits()), Function: 16})
	}
	return s
}

// steer are the SIDs by which a headend that is told by BGP sends over a path that
// begins at it, without the one that decapsulates; why says what is in the way.
func (in *Input) steer(nodes, links []string) (list []sid, why string) {
	if in.noAgent(nodes[0]) { // it executes an End.X of its own (RFC 9256 section 4)
		first, why := in.over(nodes[0], links[0])
		if why != "" {
			return nil, why
		}
		list = append(list, first)
	} else if in.noAgent(nodes[1]) {
		// Linux does not execute one on packets that it makes: see nodecfg.Ingress.
		return nil, fmt.Sprintf("node %s is told its paths by BGP, and nothing holds them to link %s, as its neighbour %s has no agent: give it `steering: agent`",
			nodes[0], links[0], nodes[1])
	} else {
		list = append(list, in.pinned(nodes[1], links[0]))
	}
	for i, link := range links[1:] {
		s, why := in.over(nodes[i+1], link)
		if why != "" {
			return nil, why
		}
		list = append(list, s)
	}
	return list, ""
}
