// Package nodecfg is the contract between controller and agent: what a node
// must be (Config), what it is (Report), the kernel objects that follow from a
// Config (State) and the operations that lead from one State to another
// (Plan). It is pure: no I/O, no clock. The controller makes Configs, the
// agent obeys them; neither imports the other.
//
// package budget: what a Config says, the objects it becomes and the plan
// between them share their words and their rules; apart they would import
// each other.
package nodecfg

import (
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"time"
)

// Config is everything one node must be. It is complete: what is not in it
// and carries Keiro's mark is to be removed.
type Config struct {
	Revision uint64       `json:"revision"`
	Node     string       `json:"node"`
	Locator  netip.Prefix `json:"locator"`
	Links    []Link       `json:"links"`           // sorted by name
	Underlay []Underlay   `json:"underlay"`        // sorted by destination
	Policies []Policy     `json:"policies"`        // sorted by ID
	Peers    []Peer       `json:"peers,omitempty"` // sorted by node
	Probe    Probe        `json:"probe"`
	// Testers are the nodes that test packets are exchanged with (STAMP);
	// sorted by node.
	Testers []Tester `json:"testers,omitempty"`
	// Guard says what the agent does when others change what it made.
	Guard Guarding `json:"guard,omitempty"`
	// Protected are intents whose packets are looked for on the links of this
	// node; sorted by name.
	Protected []Protected `json:"protected,omitempty"`
}

// Guarding is what becomes of changes by others.
type Guarding string

// Enforce puts them back and tells. Alert only tells, but for what keeps packets
// from going where they must not: fences, what others put into the table or
// before the rules of an intent with encryption, and keys and peers of lanes
// are put back whatever the guard is.
const (
	Enforce Guarding = ""
	Alert   Guarding = "alert"
)

// Protected is an intent whose packets are looked for.
type Protected struct {
	Intent     string     `json:"intent"`
	Traffic    []Selector `json:"traffic"`              // both directions; Pref means nothing
	Encryption string     `json:"encryption,omitempty"` // one of Encryptions, or ""
	// Links of this node that paths of the intent take; on others none of its
	// packets may be.
	Links []string `json:"links"`
	// Near are links of this node within the site of an end of the intent, where
	// its packets may be on their way to and from their hosts.
	Near []string `json:"near,omitempty"`
	// Lanes are the numbers of its lanes, whose packets are looked for as well.
	Lanes []uint16 `json:"lanes,omitempty"`
}

// Link is this node's end of a link between two nodes.
type Link struct {
	Name      string `json:"name"`
	Interface string `json:"interface"`
	Peer      string `json:"peer"`
	// ID is this node's number of the link, 1 to MaxLinkID; PeerID and
	// PeerLocator are the peer's. All SIDs and addresses of the link follow
	// from them (sid.go).
	ID          uint16       `json:"id"`
	PeerID      uint16       `json:"peerId"`
	PeerLocator netip.Prefix `json:"peerLocator"`
	// PeerAddress: the peer is a router without an agent, and this the address
	// of its interface, IPv6 and not link-local. It has no PeerID, and a
	// PeerLocator only as far as one is known. Its SIDs are in the Paths.
	PeerAddress netip.Addr `json:"peerAddress,omitzero"`
	// Drained: the link, or the node, is drained. Whoever sets its interface
	// down then is left alone.
	Drained bool `json:"drained,omitempty"`
	// QKD: a QKD system runs on the link, so the node's KME has a store of
	// keys shared with the peer, which is to be watched.
	QKD bool `json:"qkd,omitempty"`
}

// Underlay is a plain route to another node's locator over a link of this
// node, in managed mode.
type Underlay struct {
	To   netip.Prefix `json:"to"`
	Link string       `json:"link"`
}

// Policy steers the traffic of one intent into its paths, or into nothing:
// with no path left its packets are answered with unreachable, never sent
// another way.
type Policy struct {
	Intent  string     `json:"intent"`
	ID      uint16     `json:"id"` // see Policy.table
	Traffic []Selector `json:"traffic"`
	Paths   []Path     `json:"paths"`          // in order of preference
	Mode    Mode       `json:"mode,omitempty"` // how its packets are shared among the Paths
	// Encryption is what the intent asks for, whether there are paths or not:
	// one of Encryptions, or "".
	Encryption string `json:"encryption,omitempty"`
}

// Mode says which of the paths that work a policy's packets take.
type Mode string

// The modes: the first path, the others are its backup; or all of them, each
// flow one, as many as the paths' weights say.
const (
	Failover Mode = ""
	Spread   Mode = "spread"
)

// Selector picks packets by source and destination prefix of one family.
type Selector struct {
	From netip.Prefix `json:"from"`
	To   netip.Prefix `json:"to"`
	Pref uint16       `json:"pref"` // see Selector.RulePref; lower is matched first
}

// Path is one way of a Policy: a strict list of SIDs after which the tail
// decapsulates.
type Path struct {
	Name string `json:"name"` // unique on the node, such as "tyo-osa-gold/0"
	Link string `json:"link"` // this node's link that the path begins with
	// Segments lead to the tail, without its decapsulation SID: the pinned
	// End of the first neighbour, then one End.X a link. A first neighbour
	// without an agent has no pinned End: they begin with its End.X, and there
	// are none where it is the tail.
	Segments []netip.Addr `json:"segments"`
	// Return lead back over the same links, beginning with the tail's End.X,
	// so that a probe comes home without anybody's help (loopback mode).
	Return []netip.Addr `json:"return"`
	// Unprobed says why nobody knows the way back: the path has no Return and
	// is not probed; "" it has.
	Unprobed string       `json:"unprobed,omitempty"`
	Tail     netip.Prefix `json:"tail"` // locator of the tail; of one without an agent as far as it is known
	// Decap are the SIDs that decapsulate at the tail; zero: those that its agent
	// makes (EndDX4, EndDT6).
	Decap Decap    `json:"decap,omitzero"`
	Hops  []string `json:"hops"` // node names, head and tail included
	// Locators of the Hops, so that a trace can name the node that answered.
	Locators []netip.Prefix `json:"locators"`
	// Links lead from each of the Hops to the next, so that in-band OAM can be
	// compared with them (oam.go); empty: nobody knows them.
	Links []PathLink `json:"links,omitempty"`
	MTU   int        `json:"mtu"` // of the packets carried, bytes; 0: not known
	// MaxDelay is what each direction may take at most, MaxLossPPM what it may
	// lose; 0: nothing is asked.
	MaxDelay   time.Duration `json:"maxDelay,omitempty"`
	MaxLossPPM int64         `json:"maxLoss_ppm,omitempty"`
	// Weight is the path's share of the flows of a Policy that spreads them,
	// 1 to MaxWeight; 0 in all others.
	Weight int `json:"weight,omitempty"`
	// Lane carries the packets of an intent that asks for encryption; nil:
	// they take the path as they are.
	Lane *Lane `json:"lane,omitempty"`
}

// PathLink is a link that a Path takes.
type PathLink struct {
	Name string `json:"name"`
	// Far is the number (Link.ID) that it has at the node that it leads to, 1 to
	// MaxLinkID. 0: nobody knows what that node says to in-band OAM, as it has no
	// agent, or as its number there is not its alone.
	Far uint16 `json:"far,omitempty"`
}

// Decap are SIDs that decapsulate packets of a family and look them up (End.DT4,
// End.DT6, End.DT46; RFC 8986 sections 4.6 to 4.8). One that is not valid: the
// tail takes no packets of the family.
type Decap struct {
	IPv4 netip.Addr `json:"ipv4,omitzero"`
	IPv6 netip.Addr `json:"ipv6,omitzero"`
}

// Lane is this node's end of the WireGuard tunnel that rides on a Path. What
// it is called, where it listens and where it sends to follows from the
// numbers (lane.go); its keys are the agents' business alone.
type Lane struct {
	ID    uint16 `json:"id"`    // the lane's number at both ends, 1 to MaxLaneID
	Index int    `json:"index"` // of the path in its set: a lane is an intent's nth, whatever way it takes
	Peer  string `json:"peer"`
	// Encryption is what the intent asks for: one of Encryptions.
	Encryption string `json:"encryption"`
}

// Encryptions are the strengths of a lane, each including those before it.
var Encryptions = []string{"classic", "pq", "qkd"}

// Peer is who is at the other end of this node's lanes, as the controller
// says. The agent believes it only as far as its own fleet's authority has
// signed it (package agent/peer): a lane of a peer without a proof has no key,
// and a peer that is not listed, or not any more, has none either.
//
// The WireGuard key is signed by nobody, and need not be. A controller that
// puts in another one stands in the middle of WireGuard's handshake, which
// also wants the lane's preshared key; that the two agents agree on between
// themselves, signed by the identities. So the handshake fails: the lane is
// silent, which a controller can have at any time, and tells nothing.
type Peer struct {
	Node        string `json:"node"`
	Certificate []byte `json:"certificate"` // of the node, DER; binds the identity (hybrid.BindingOID)
	Identity    []byte `json:"identity"`    // hybrid.Public.Bytes
	WireGuard   []byte `json:"wireguard"`   // static public key, X25519 (RFC 7748), of all its lanes
}

// Probe says how the paths are probed.
type Probe struct {
	Interval time.Duration `json:"interval"` // 0: no probing
	Lost     int           `json:"lost"`     // consecutive losses after which a path is down
	Back     int           `json:"back"`     // consecutive answers after which it is up again
	// Measure is the time between two test packets of a path to the agent at
	// its tail, which measure each direction by itself (STAMP, RFC 8762); 0:
	// none is sent, those of others are answered all the same.
	Measure time.Duration `json:"measure,omitempty"`
}

// Tester is a node at the other end of some path of this one, or this one at
// the tail of its.
type Tester struct {
	Node    string       `json:"node"`
	Locator netip.Prefix `json:"locator"`
	Key     TestKey      `json:"key"` // of the pair, the same at both
}

// TestKey authenticates test packets. It is in the JSON of a Tester, which is
// for the agent and its disk, and in no text.
type TestKey []byte

// TestKeyLen is the length of a TestKey in bytes.
const TestKeyLen = 32

const redacted = "[redacted]"

// Format writes no key, whatever the verb.
func (TestKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText is for whoever would write JSON, or a log.
func (TestKey) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON writes the key: it is how it gets to the agent.
func (t Tester) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Node    string       `json:"node"`
		Locator netip.Prefix `json:"locator"`
		Key     []byte       `json:"key"`
	}{t.Node, t.Locator, t.Key})
}
