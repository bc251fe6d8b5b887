package core

import (
	"net/netip"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/bgp/lsdb"
	"github.com/keiro-net/keiro/bgp/service"
	"github.com/keiro-net/keiro/bgp/srpolicy"
	"github.com/keiro-net/keiro/bgp/srpolicy/report"
	"github.com/keiro-net/keiro/controller/comply"
	"github.com/keiro-net/keiro/controller/live"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// Event is something that happened: one of the types below.
type Event interface{ event() }

// Started comes first: what the store holds.
type Started struct {
	Spec     Spec
	Standing map[string]Standing // by intent
	Drains   []Drain
	Alarms   []Alarm                   // those that fired last
	Known    []string                  // nodes with an enrolled agent
	Peers    []nodecfg.Peer            // who those agents are; none for one without an identity
	BGP      []PeerState               // the BGP peers that are configured
	Ledgers  map[string]*comply.Ledger // by intent
	Seen     time.Time                 // until when the controller before surely ran
}

// SpecChanged comes after the new spec was stored.
type SpecChanged struct{ Spec Spec }

// Drained carries all drains that are in force.
type Drained struct{ Drains []Drain }

// AgentConnected says that a session with a node's agent began. Its first
// report follows.
type AgentConnected struct {
	Node string
	// Peer is who the agent is, for those that share lanes with it: they learn
	// of another identity when it is in use. nil: it has none.
	Peer *nodecfg.Peer
}

// AgentDisconnected says that it ended. The node goes on as it is.
type AgentDisconnected struct{ Node string }

// AgentRevoked says that the node's agent is no longer believed, though a
// session of it may still stand. Its peers share no key with it from now on.
type AgentRevoked struct{ Node string }

// Reported carries what an agent says of its node.
type Reported struct{ Report nodecfg.Report }

// Learned carries what routers say by BGP-LS.
type Learned struct {
	View *lsdb.View
	// Joined is the View joined with the topology that was declared when it came,
	// so that the Core need not do it. nil: it has to.
	Joined *live.Result
}

// PeersChanged carries all BGP peers that are configured, when the session of
// one has come or gone, or one has said all.
type PeersChanged struct{ Peers []PeerState }

// PeerState is a BGP peer.
type PeerState struct {
	Name string
	Up   bool
	// Since is when its session came up or was lost; zero: it never was up.
	Since time.Time
	// Told: it has once said all of the topology that it knows, or nobody waits for
	// that any longer, or it is not there to tell of it.
	Told   bool
	Reason string // why there is no session
}

// HeadendReported carries what a headend says of a candidate path (RFC 9857).
type HeadendReported struct {
	Peer  string // who said it
	State report.State
	Gone  bool // it says so no more; only the NLRI, headend and origin of State count
}

// NotTold says what of an Announce could not be sent to a node, and why.
type NotTold struct {
	Node     string
	Policies map[srpolicy.NLRI]string
	Services map[netip.Prefix]string
}

// Solved answers a Solve: paths only. An Explained follows, unless the world
// changes before.
type Solved struct {
	Seq      uint64
	Solution pathspec.Solution
}

// Explained is the Solution of a Solved, now with reasons and reserves.
type Explained struct {
	Seq      uint64
	Solution pathspec.Solution
}

// Tick says that time has passed; it answers WakeAt.
type Tick struct{}

func (Started) event()           {}
func (SpecChanged) event()       {}
func (Drained) event()           {}
func (AgentConnected) event()    {}
func (AgentDisconnected) event() {}
func (AgentRevoked) event()      {}
func (Reported) event()          {}
func (Learned) event()           {}
func (PeersChanged) event()      {}
func (HeadendReported) event()   {}
func (NotTold) event()           {}
func (Solved) event()            {}
func (Explained) event()         {}
func (Tick) event()              {}

// Effect is something to be done: one of the types below.
type Effect interface{ effect() }

// Push sends a Config to a node's agent; a newer one replaces one not sent.
type Push struct{ Config *nodecfg.Config }

// Solve asks for the paths that a spec gets in what an outage leaves, in the
// background; a Solved with its Seq follows. A newer Solve ends the search for
// reasons.
type Solve struct {
	Seq    uint64
	Spec   Spec
	Outage topology.Outage
}

// Announce says to a headend by BGP what it is to have, the candidate paths
// before the routes that use them. What is announced again is replaced.
type Announce struct {
	Node string
	// RouterID is the headend's BGP Identifier, for sessions that do not lead to
	// itself; invalid: not known, only a session with it will do.
	RouterID netip.Addr
	Policies []srpolicy.CandidatePath
	Services []service.Route
}

// Withdraw takes back what was announced to a headend, the routes first.
type Withdraw struct {
	Node     string
	RouterID netip.Addr
	Services []netip.Prefix
	Policies []srpolicy.NLRI
}

// AnnouncedAll says that all headends have been announced what they are to have
// at first, so that an End-of-RIB may follow.
type AnnouncedAll struct{}

// Persist keeps the path set that stands for an intent, or forgets it.
type Persist struct {
	Intent   string
	Standing *Standing // nil: forget
}

// Keep keeps what is remembered of an intent's characteristics, or forgets it.
type Keep struct {
	Intent string
	Ledger *comply.Ledger // nil: forget
}

// Raise tells an alarm, firing or resolved.
type Raise struct{ Alarm Alarm }

// Record notes something for the operator's event log.
type Record struct{ Entry Entry }

// WakeAt asks for a Tick at that time.
type WakeAt struct{ At time.Time }

func (Push) effect()         {}
func (Solve) effect()        {}
func (Announce) effect()     {}
func (Withdraw) effect()     {}
func (AnnouncedAll) effect() {}
func (Persist) effect()      {}
func (Keep) effect()         {}
func (Raise) effect()        {}
func (Record) effect()       {}
func (WakeAt) effect()       {}

// Standing is a path set that was given to its headends.
type Standing struct {
	Intent  string          `json:"intent"` // fingerprint of the intent that it answers
	Paths   []pathspec.Path `json:"paths"`
	Blocked bool            `json:"blocked,omitempty"` // kept from the headends: fail closed
}

// Drain takes something out of use on purpose.
type Drain struct {
	Kind string `json:"kind"` // node, link or srlg
	Name string `json:"name"`
}

// Entry is one line of the event log.
type Entry struct {
	Time    time.Time `json:"time"`
	Type    string    `json:"type"`   // such as LinkDown, PathsChanged
	Object  string    `json:"object"` // such as link:tyo1--nag1
	Message string    `json:"message"`
	// Severity is critical, warning or info; Intents are those concerned, and
	// Evidence what was seen that says so.
	Severity string   `json:"severity"`
	Intents  []string `json:"intents,omitempty"`
	Evidence []string `json:"evidence,omitempty"`
}

// Alarm is something an operator must know, with what was before and what is
// after, the cause, and the times from which the delay of the alarm follows.
type Alarm struct {
	Key        string    `json:"key"` // identity: a resolved alarm has the key of the firing one
	Name       string    `json:"name"`
	Severity   string    `json:"severity"` // critical, warning or info
	Firing     bool      `json:"firing"`
	Cause      string    `json:"cause"` // such as srlg:keihan-duct
	Before     string    `json:"before"`
	After      string    `json:"after"`
	Intents    []string  `json:"intents"` // those hit
	CausedAt   time.Time `json:"causedAt"`
	DetectedAt time.Time `json:"detectedAt"`
	ResolvedAt time.Time `json:"resolvedAt,omitzero"` // of one that is over
	Message    string    `json:"message"`
	// Updates counts how often it was told again since it fired, as it had come
	// to hit or to say something else, the last time at UpdatedAt. Severities
	// are those that it had before.
	Updates    int       `json:"updates,omitempty"`
	UpdatedAt  time.Time `json:"updatedAt,omitzero"`
	Severities []string  `json:"severities,omitempty"`
	// Evidence is what was seen, and Change the change of what is declared that
	// caused it, if one did.
	Evidence []Evidence `json:"evidence,omitempty"`
	Change   string     `json:"change,omitempty"`
	// Links: the alarm is over when they all carry traffic again.
	Links []string `json:"links,omitempty"`
	// Nodes, of alarms about keys: who could tell that it is over.
	Nodes []string `json:"nodes,omitempty"`
}

// Evidence is one thing that was seen, from which an alarm follows.
type Evidence struct {
	Kind   string    `json:"kind"`   // one of those below
	Source string    `json:"source"` // who saw it, such as node:tyo1
	Text   string    `json:"text"`
	At     time.Time `json:"at"` // by the clock of the source
}

// The kinds of evidence.
const (
	ByNetlink  = "netlink"  // the kernel of a node told its agent
	ByProbe    = "probe"    // probes of a path did not come back, or came late
	ByBGP      = "bgp"      // a router said so, or said no more
	ByAgent    = "agent"    // an agent said so, or says nothing any more
	ByChange   = "change"   // what is declared was changed
	ByOperator = "operator" // somebody said so on purpose
)

// Names of alarms. Stable: operators' rules match them.
const (
	DegradedPath     = "DegradedPath"     // an intent has fewer paths than its set
	PathSetLost      = "PathSetLost"      // it has none left
	LinkFailed       = "LinkFailed"       // a link is down that no path set needs
	IntentInfeasible = "IntentInfeasible" // no path set meets the requirement
	IntentUndecided  = "IntentUndecided"  // not known whether one does
	AgentLost        = "AgentLost"        // an agent has been away too long
	Revoked          = "AgentRevoked"     // an agent was revoked and has not enrolled again

	DelayExceeded = "DelayExceeded" // a path takes longer than its intent allows
	PathLossy     = "PathLossy"     // a path loses more than its intent allows
	PathDeviates  = "PathDeviates"  // packets take other links than their path says
	TrafficLeaks  = "TrafficLeaks"  // packets of an intent were seen where none may be
	Drifted       = "Drifted"       // somebody changed what a node is to be

	LaneDown      = "LaneDown"      // lanes carry nothing, though their paths are there
	KeyStale      = "KeyStale"      // lanes have missed rotations
	EpochsDiffer  = "EpochsDiffer"  // the ends of lanes have different keys, for too long
	FloorViolated = "FloorViolated" // less encryption is asked for than a node allows
	FloorRefused  = "FloorRefused"  // what agents call it when lanes are to have less; told as FloorViolated
	KeyStoreLow   = "KeyStoreLow"   // a store of QKD keys is low or dry

	MarginEroded = "MarginEroded" // the next failure finds less than was promised, though no packet is lost yet

	PeerDown              = "PeerDown"              // a BGP session is lost, or does not come up
	TopologyStale         = "TopologyStale"         // what counts of the topology, no live peer says any more
	TopologyContradiction = "TopologyContradiction" // routers say something else than what is declared
)
