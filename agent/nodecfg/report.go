package nodecfg

import "time"

// Report is what the agent really found and reached. It is a full statement,
// not a difference.
type Report struct {
	Node     string        `json:"node"`
	Revision uint64        `json:"revision"` // of the Config last acted upon; 0: none yet
	Reached  bool          `json:"reached"`  // the kernel is as the Config says, errors that matter to no path aside
	Errors   []ObjectError `json:"errors,omitempty"`
	Links    []LinkState   `json:"links,omitempty"` // sorted by name
	Paths    []PathState   `json:"paths,omitempty"` // sorted by name
	Lanes    []LaneState   `json:"lanes,omitempty"` // sorted by name
}

// ObjectError is a kernel object that could not be made as wanted.
type ObjectError struct {
	Object string `json:"object"` // in the words of iproute2
	Error  string `json:"error"`
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
)

// PathState is the state of one path of a Policy at its headend.
type PathState struct {
	Name    string    `json:"name"`
	State   PathUp    `json:"state"`
	Active  bool      `json:"active"` // the intent's packets take it now
	Cause   string    `json:"cause,omitempty"`
	RTTUS   int64     `json:"rtt_us,omitempty"` // smoothed round trip over the path and back
	Changed time.Time `json:"changed"`
}

// LaneState is the state of the lane of one path at this node. No secret, and
// nothing that follows from one, is in it.
type LaneState struct {
	Name string `json:"name"` // of the path
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
}

// ToAgent is one message of the controller; exactly one field is set.
type ToAgent struct {
	Config *Config       `json:"config,omitempty"`
	Trace  *TraceRequest `json:"trace,omitempty"`
}

// FromAgent is one message of the agent; exactly one field is set.
type FromAgent struct {
	Report *Report      `json:"report,omitempty"`
	Trace  *TraceResult `json:"trace,omitempty"`
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
	Active bool       `json:"active"`
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
