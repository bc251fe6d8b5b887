package nodecfg

import "time"

// Report is what the agent really found and reached. It is a full statement,
// not a difference.
type Report struct {
	Node     string        `json:"node"`
	Revision uint64        `json:"revision"` // of the Config last acted upon; 0: none yet
	Reached  bool          `json:"reached"`  // the kernel is as the Config says, errors that matter to no path aside
	Errors   []ObjectError `json:"errors,omitempty"`
	Links    []LinkState   `json:"links,omitempty"`   // sorted by name
	Paths    []PathState   `json:"paths,omitempty"`   // sorted by name
	Lanes    []LaneState   `json:"lanes,omitempty"`   // sorted by name
	Keying   *Keying       `json:"keying,omitempty"`  // nil: this node has had no lane
	Floors   []FloorState  `json:"floors,omitempty"`  // sorted by intent
	Drifts   []Drift       `json:"drifts,omitempty"`  // the latest, the oldest first
	Drifted  uint64        `json:"drifted,omitempty"` // all drifts since the agent began
	Leaks    []Leak        `json:"leaks,omitempty"`   // that were seen lately, sorted by intent, link and kind
}

// Drift is something of this node that somebody else changed.
type Drift struct {
	Object string    `json:"object"`           // in the words of iproute2
	Change string    `json:"change"`           // added, deleted, changed
	By     string    `json:"by,omitempty"`     // who did it, where the kernel tells: a process, else a netlink port
	Intent string    `json:"intent,omitempty"` // whose packets it may touch; "" those of all or of none
	At     time.Time `json:"at"`               // when the agent knew
	// Restored is when it was as it should be again; zero: it is not. Kept says
	// why nobody has put it back: the guard only tells, somebody fights for it.
	Restored time.Time `json:"restored,omitzero"`
	Kept     string    `json:"kept,omitempty"`
}

// Leak is packets of an intent where they should not be, by samples taken on
// the links of this node.
type Leak struct {
	Intent string    `json:"intent"`
	Link   string    `json:"link"`
	Kind   string    `json:"kind"` // LeakClear, LeakOutside or LeakElsewhere
	Seen   uint64    `json:"seen"` // sampled packets since First
	First  time.Time `json:"first"`
	Last   time.Time `json:"last"`
	Packet string    `json:"packet"` // the headers of one of them, for people
}

// The kinds of Leak.
const (
	LeakClear     = "clear"     // readable, though the intent asks for encryption
	LeakOutside   = "outside"   // steered into no path
	LeakElsewhere = "elsewhere" // on a path, but over a link that none of its paths takes
)

// ObjectError is a kernel object that could not be made as wanted.
type ObjectError struct {
	Object string `json:"object"` // in the words of iproute2
	Error  string `json:"error"`
}

// FloorState is the least encryption that the packets of an intent get at this
// node, whatever Configs say: the highest that one ever asked for, at this
// node. An intent that is in no Config any more keeps it. No controller can
// lower it: that takes the node's root and `keiro-agent floor lower INTENT`.
type FloorState struct {
	Intent string `json:"intent"`
	Level  string `json:"level"` // one of Encryptions
	// Fenced: the Config would carry packets of the intent with less, or leaves
	// them to other routes. These packets, and no others, are answered with
	// unreachable.
	Fenced bool `json:"fenced"`
	// Reason says what of the Config the floor does not allow; "" where there
	// is nothing. Without Fenced the packets go on with Level.
	Reason string `json:"reason,omitempty"`
}

// LinkState is what the kernel says of a link's interface.
type LinkState struct {
	Name string `json:"name"`
	Up   bool   `json:"up"` // administratively up and with carrier
	MTU  int    `json:"mtu"`
	// Changed is when the agent saw the present state begin.
	Changed time.Time `json:"changed"`
}

// PathUp says what probes say of a path: yes, no, cannot tell.
type PathUp string

// The states of a path.
const (
	Up          PathUp = "up"
	Down        PathUp = "down"
	CannotTell  PathUp = "unknown"
	DownByLink         = "link"  // PathState.Cause: the headend's own link
	DownByProbe        = "probe" // PathState.Cause: probes were lost
	DownByLane         = "lane"  // PathState.Cause begins with it: its lane is closed, and after a colon why
	NotProbed          = "probe" // PathState.Cause of CannotTell begins with it: nobody knows the way back, and after a colon why
)

// PathState is the state of one path of a Policy at its headend.
type PathState struct {
	Name    string    `json:"name"`
	State   PathUp    `json:"state"`
	Active  bool      `json:"active"` // the intent's packets take it now
	Cause   string    `json:"cause,omitempty"`
	RTTUS   int64     `json:"rtt_us,omitempty"` // smoothed round trip over the path and back
	Changed time.Time `json:"changed"`
	// There and Back are what test packets say of the way to the tail and of the
	// way from it.
	There Measured `json:"there,omitzero"`
	Back  Measured `json:"back,omitzero"`
	// Delay and Loss say whether the path keeps its bounds (Path.MaxDelay,
	// Path.MaxLossPPM) in both directions: Within, Beyond, or "" cannot tell.
	Delay string `json:"delay,omitempty"`
	Loss  string `json:"loss,omitempty"`
	// Way says whether packets take the links that the path says: Proven,
	// Deviates, or "" cannot tell. Deviation says where they went instead.
	Way       string `json:"way,omitempty"`
	Deviation string `json:"deviation,omitempty"`
}

// What PathState says of bounds and of the way.
const (
	Within   = "within"
	Beyond   = "beyond"
	Proven   = "proven"
	Deviates = "deviates"
)

// Measured is what test packets say of one direction of a path (STAMP, RFC
// 8762) over the last window.
type Measured struct {
	Packets int   `json:"packets"` // judged in the window; 0: nothing is known
	LossPPM int64 `json:"loss_ppm"`
	// DelayUS is the median, and VariationUS the 95th percentile less the least
	// (RFC 5481 section 4.2). Without Synced the two clocks are not known to
	// agree well enough: then DelayUS is not known and 0.
	DelayUS     int64 `json:"delay_us"`
	VariationUS int64 `json:"variation_us"`
	Synced      bool  `json:"synced"`
}

// LaneState is the state of the lane of one path at this node. No secret, and
// nothing that follows from one, is in it.
type LaneState struct {
	Name      string `json:"name"` // of the path
	Interface string `json:"interface,omitempty"`
	Peer      string `json:"peer,omitempty"` // node at the other end
	// Open: packets may take the lane. Draining: they should take another, for
	// it is about to be closed. Reason says why one is closed or draining.
	Open     bool   `json:"open"`
	Draining bool   `json:"draining,omitempty"`
	Reason   string `json:"reason,omitempty"`
	// Level is the strength of the present key, and Epoch its number; "" and 0
	// where there is none.
	Level string    `json:"level,omitempty"`
	Epoch uint64    `json:"epoch,omitempty"`
	Keyed time.Time `json:"keyed,omitzero"` // when the key was agreed
	// Proven: WireGuard has made a session since it has that key.
	Proven    bool      `json:"proven"`
	Handshake time.Time `json:"handshake,omitzero"` // WireGuard's last one
	// Sent and Received are WireGuard's bytes, Dropped the packets that the
	// interface would not take, all since the interface was made.
	Sent     uint64 `json:"sent_bytes"`
	Received uint64 `json:"received_bytes"`
	Dropped  uint64 `json:"dropped"`
}

// Keying is what a node says of the keys of its lanes, all lanes together.
type Keying struct {
	Alarms []KeyAlarm `json:"alarms,omitempty"` // those that fire, sorted by name, peer and lane
	Stores []KeyStore `json:"stores,omitempty"` // of QKD keys, sorted by peer
	Counts KeyCounts  `json:"counts"`
}

// KeyAlarm is something an operator must know of a node's keys, with the names
// of packages rotate and keying.
type KeyAlarm struct {
	Name    string `json:"name"`
	Peer    string `json:"peer"`           // "" where it is about the node
	Lane    string `json:"lane,omitempty"` // name of the path, or the intent; "" where it is about the pair
	Message string `json:"message"`
}

// KeyStore is what the node's KME has of keys shared with one peer.
type KeyStore struct {
	Peer string `json:"peer"`
	// State is enough, low (to be drained now) or none (dry, or nobody knows);
	// package level says when.
	State  string    `json:"state"`
	Known  bool      `json:"known"` // Keys and Lasts mean something
	Keys   int       `json:"keys"`
	Lasts  int64     `json:"lasts_us"`    // until dry if no key is made any more
	At     time.Time `json:"at,omitzero"` // of the KME's last word
	Reason string    `json:"reason,omitempty"`
}

// KeyCounts count since the agent began.
type KeyCounts struct {
	Started   uint64            `json:"started"`           // exchanges begun
	Committed uint64            `json:"committed"`         // epochs
	Abandoned uint64            `json:"abandoned"`         // exchanges without an end
	Refused   map[string]uint64 `json:"refused,omitempty"` // messages, by reason
}

// ToAgent is one message of the controller; exactly one field is set.
type ToAgent struct {
	Config *Config        `json:"config,omitempty"`
	Trace  *TraceRequest  `json:"trace,omitempty"`
	Rotate *RotateRequest `json:"rotate,omitempty"`
}

// FromAgent is one message of the agent; exactly one field is set.
type FromAgent struct {
	Report *Report       `json:"report,omitempty"`
	Trace  *TraceResult  `json:"trace,omitempty"`
	Rotate *RotateResult `json:"rotate,omitempty"`
}

// RotateRequest asks for new keys of the lanes of an intent, or of those to a
// peer; of all lanes where neither is named. A pair that has such a lane
// renews all its lanes.
type RotateRequest struct {
	ID     uint64 `json:"id"`
	Intent string `json:"intent,omitempty"`
	Peer   string `json:"peer,omitempty"`
	// Within spreads the pairs over time.
	Within time.Duration `json:"within,omitempty"`
	// Compromised: every key there is now is known to others. The sessions of
	// those keys are closed when no new one has replaced them in time.
	Compromised bool `json:"compromised,omitempty"`
}

// RotateResult answers a RotateRequest when the pairs have been told; the
// lanes' epochs say when they have done it.
type RotateResult struct {
	ID    uint64 `json:"id"`
	Pairs int    `json:"pairs"`
	Error string `json:"error,omitempty"`
}

// TraceRequest asks the headend to send packets down every path of an intent.
type TraceRequest struct {
	ID     uint64 `json:"id"`
	Intent string `json:"intent"`
}

// TraceResult answers a TraceRequest.
type TraceResult struct {
	ID    uint64      `json:"id"`
	Error string      `json:"error,omitempty"`
	Paths []TracePath `json:"paths,omitempty"`
}

// TracePath is what packets saw on one path.
type TracePath struct {
	Name   string     `json:"name"`
	Lane   *LaneState `json:"lane,omitempty"` // nil: packets take the path as they are
	Active bool       `json:"active"`
	Weight int        `json:"weight,omitempty"` // of the flows, where they are spread
	Hops   []TraceHop `json:"hops"`
	RTTUS  int64      `json:"rtt_us,omitempty"` // all the way and back over the path
	Error  string     `json:"error,omitempty"`
}

// TraceHop is one node that answered, or did not.
type TraceHop struct {
	Want  string `json:"want"`           // the node that the path says
	Addr  string `json:"addr,omitempty"` // the address that answered; "" none did
	Seen  string `json:"seen,omitempty"` // the node that address belongs to
	RTTUS int64  `json:"rtt_us,omitempty"`
}
