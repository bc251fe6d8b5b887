package rib

import (
	"net/netip"
	"time"

	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/bgp/srpolicy"
)

// Name names an object among those of one peer.
type Name struct {
	Family message.Family
	LS     ls.NLRI       // of LinkState and LinkStateVPN
	Prefix netip.Prefix  // of IPv4Unicast and IPv6Unicast
	Policy srpolicy.NLRI // of IPv4SRPolicy and IPv6SRPolicy
}

// Object is what a peer says of one thing. Nobody changes what it points at.
type Object struct {
	Name
	// At is when the peer said it last.
	At time.Time
	// Attribute is the BGP-LS Attribute, nil where nothing is known of the object.
	Attribute ls.Attribute
	// NextHop and Attributes are those of unicast routes and of SR Policies. The
	// attributes are as they came: whoever wants them reads them, so that a peer
	// costs no more memory than the octets that it sends.
	NextHop    netip.Addr
	Attributes []message.Attribute
}

// Batch is news of one peer. Its parts are to be taken in from the top. What
// changed several times since the last Batch is there once, as it is now.
type Batch struct {
	Peer string
	// Down: the session is over, nil: it is not. With Up, there is a new one since.
	Down *Down
	Up   *Up
	// Reach is what the peer says, Unreach what it does not say any more.
	Reach   []Object
	Unreach []Name
	// EndOfRIB are the families of which all has been said that there was when the
	// session came up (RFC 4724 section 2). What was stale and is not there now is
	// in an Unreach before.
	EndOfRIB []message.Family
	// Faults are what was wrong with what the peer sent, at most MaxFaults;
	// MoreFaults are those that were too many.
	Faults     []Fault
	MoreFaults int
	// Removed: the peer is not configured any more. It is the last Batch.
	Removed bool
}

// Up is the beginning of a session.
type Up struct {
	At       time.Time
	Families []message.Family
	// ID is the peer's BGP Identifier, AS its AS number.
	ID netip.Addr
	AS uint32
}

// Down is the end of a session.
type Down struct {
	At     time.Time
	Reason string
	// Stale are the families whose objects the peer has asked to be kept while it
	// restarts, Until then at most (RFC 4724); there will be an Unreach for those
	// that it does not say again. There will be none for those of the others,
	// which are gone by the letter of RFC 4271.
	Stale []message.Family
	Until time.Time
}

// Fault is one thing that was wrong with what a peer sent, and what was done
// about it.
type Fault struct {
	At   time.Time
	Text string
}

// Empty reports whether there is no news.
func (b *Batch) Empty() bool {
	return b.Down == nil && b.Up == nil && len(b.Reach)+len(b.Unreach)+len(b.EndOfRIB)+len(b.Faults) == 0 && !b.Removed
}
