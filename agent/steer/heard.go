package steer

import (
	"cmp"
	"net/netip"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/bgp/service"
	"github.com/keiro-net/keiro/bgp/srpolicy"
)

// Heard is what peers say, and have said. Nobody changes it.
type Heard struct {
	Paths  []Path  // sorted by name, then by peer
	Routes []Route // sorted by prefix, then by peer
	// Faults are of what is for this node and cannot be used, and of peers that do
	// not say now what is used of them.
	Faults []nodecfg.ObjectError
	// Sessions are the addresses of the peers.
	Sessions []netip.Addr
	// Near are the networks that the node is attached to, and whom else it speaks to.
	Near []netip.Prefix
}

// Path is a candidate path for this node.
type Path struct {
	srpolicy.CandidatePath
	Originator Originator
	Peer       string
	Lost       bool // the peer has no session
}

// Originator is who made a candidate path (RFC 9256 section 2.4).
type Originator struct {
	AS   uint32
	Node netip.Addr // BGP Identifier
}

// compare orders originators as numbers of 160 bits.
func (o Originator) compare(p Originator) int {
	return cmp.Or(cmp.Compare(o.AS, p.AS), o.Node.Compare(p.Node))
}

// Route is a colored route.
type Route struct {
	service.Route
	// Addressed: it is said to this node alone (NO_ADVERTISE), or names it by a route
	// target. Others a route reflector passes on to every headend, whomever they are
	// for.
	Addressed bool
	Peer      string
	Lost      bool // the peer has no session
}
