package compile

import (
	"fmt"
	"net/netip"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// What routers say of themselves is checked before it goes into a Config: one
// that its agent must refuse would keep all else from it too.

// foreign is what that is checked against.
type foreign struct {
	owners map[netip.Prefix]string // of the locators that agents were given
	beside map[plug]int            // counts the links to a router of an address
	oam    map[uint32]int          // counts the nodes with an agent of a number of in-band OAM
}

// plug is the node at the other end of a link, and the address of the router.
type plug struct {
	node    int
	address netip.Addr
}

func (in *Input) foreign() *foreign {
	if in.known != nil {
		return in.known
	}
	in.known = &foreign{owners: make(map[netip.Prefix]string, len(in.Topology.Nodes)), beside: map[plug]int{}, oam: map[uint32]int{}}
	for n := range in.Topology.Nodes {
		if node := &in.Topology.Nodes[n]; !node.NoAgent {
			locator := in.IDs.Locator(node.Name)
			in.known.owners[locator] = node.Name
			in.known.oam[nodecfg.OAMNode(locator)]++
		}
	}
	for e := range in.Topology.Entries {
		entry := &in.Topology.Entries[e]
		for _, m := range []int{entry.A, entry.B} {
			n := entry.A + entry.B - m
			if a := in.address(m, e); in.Topology.Nodes[m].NoAgent && !in.Topology.Nodes[n].NoAgent && a.IsValid() {
				in.known.beside[plug{n, a}]++
			}
		}
	}
	return in.known
}

// unfit says why an address that a router says is its own cannot be; "" it can.
func (in *Input) unfit(router, what string, a netip.Addr) string {
	if !a.Is6() || a.Is4In6() || !a.IsGlobalUnicast() {
		return fmt.Sprintf("%s %v of router %s is no IPv6 unicast address", what, a, router)
	}
	if owner, ok := in.foreign().owners[netip.PrefixFrom(a, 48).Masked()]; ok {
		return fmt.Sprintf("%s %v of router %s is in the locator that node %s was given: declare another `locator` for %s, in a range that no router uses", what, a, router, owner, owner)
	}
	return ""
}

// peerLocator is the locator of node m, as other nodes are told of it.
func (in *Input) peerLocator(m int) netip.Prefix {
	node, locator := &in.Topology.Nodes[m], in.locator(m)
	if node.NoAgent && locator.IsValid() && in.unfit(node.Name, "locator", locator.Addr()) != "" {
		return netip.Prefix{}
	}
	return locator
}
