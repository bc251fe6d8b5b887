package resource

import (
	"cmp"
	"slices"
	"time"
)

// Severity of an alert or event.
type Severity string

// The severities, the gravest first.
const (
	Critical Severity = "critical"
	Warning  Severity = "warning"
	Info     Severity = "info"
)

// Event is one line of the log of what happened.
type Event struct {
	ID       uint64    `json:"id" doc:"Rises with every event"`
	Time     time.Time `json:"time"`
	Type     string    `json:"type" example:"LinkDown"`
	Severity Severity  `json:"severity,omitempty" enum:"critical,warning,info"`
	Object   string    `json:"object" example:"link:tyo1--osa1"`
	Message  string    `json:"message"`
	Intents  []string  `json:"intents,omitempty" doc:"The intents that it concerns"`
	Evidence []string  `json:"evidence,omitempty" doc:"What was seen that says so"`
}

// EventQuery picks events; what is zero picks all. With After the oldest of them
// come first, else the newest are picked. They are in the order of their ids.
type EventQuery struct {
	After        uint64 // those with a greater id
	Since, Until time.Time
	Intent       string // that they concern
	Object       string
	Limit        int // at most so many
}

// Takes reports whether the query picks an event, Limit aside.
func (q *EventQuery) Takes(e *Event) bool {
	switch {
	case e.ID <= q.After, !q.Since.IsZero() && e.Time.Before(q.Since), !q.Until.IsZero() && !e.Time.Before(q.Until):
		return false
	case q.Object != "" && e.Object != q.Object:
		return false
	}
	return q.Intent == "" || slices.Contains(e.Intents, q.Intent)
}

// Pick returns those of events, which are in the order of their ids.
func (q *EventQuery) Pick(events []Event) []Event {
	out := []Event{}
	if q.After > 0 {
		from, _ := slices.BinarySearchFunc(events, q.After+1, func(e Event, id uint64) int { return cmp.Compare(e.ID, id) })
		for n := from; n < len(events) && len(out) < q.Limit; n++ {
			if q.Takes(&events[n]) {
				out = append(out, events[n])
			}
		}
		return out
	}
	for n := len(events) - 1; n >= 0 && len(out) < q.Limit; n-- {
		if q.Takes(&events[n]) {
			out = append(out, events[n])
		}
	}
	slices.Reverse(out)
	return out
}

// AlertStatus says whether an alert is still true.
type AlertStatus string

// The statuses of an alert.
const (
	Firing   AlertStatus = "firing"
	Resolved AlertStatus = "resolved"
)

// Alert is something an operator must know: what was, what is, why, whom it
// hits and how long it took to see.
type Alert struct {
	ID         string      `json:"id" doc:"Identity: the resolved alert has the id of the firing one"`
	Name       string      `json:"name" example:"DegradedPath"`
	Intent     string      `json:"intent,omitempty"`
	Severity   Severity    `json:"severity" enum:"critical,warning,info"`
	Status     AlertStatus `json:"status" enum:"firing,resolved"`
	Before     string      `json:"before"`
	After      string      `json:"after"`
	Cause      Cause       `json:"cause"`
	IntentsHit []string    `json:"intentsHit" nullable:"false"`
	// IntentsOmitted counts those left out where a message must stay short.
	IntentsOmitted int       `json:"intentsOmitted,omitempty"`
	CausedAt       time.Time `json:"causedAt" doc:"When it happened, by the clock of the node that saw it"`
	DetectedAt     time.Time `json:"detectedAt" doc:"When the controller knew"`
	ResolvedAt     time.Time `json:"resolvedAt,omitzero"`
	// DetectionDelayUS is from CausedAt to DetectedAt, 0 where the clocks disagree.
	DetectionDelayUS int64 `json:"detectionDelay_us" doc:"From causedAt to detectedAt of the firing alert, in microseconds; 0 where the clocks disagree"`
	Updates          int   `json:"updates,omitempty" doc:"How often it has changed since it fired"`
	// UpdatedAt is when it changed last.
	UpdatedAt        time.Time  `json:"updatedAt,omitzero"`
	SeveritiesBefore []Severity `json:"severitiesBefore,omitempty" doc:"Severities that it has had since it fired, beside the present one"`
	Change           string     `json:"change,omitempty" doc:"The change that caused it, if one did" example:"generation 17"`
	Evidence         []Evidence `json:"evidence" nullable:"false" doc:"What was seen, by whom"`
	EvidenceOmitted  int        `json:"evidenceOmitted,omitempty"`
	Message          string     `json:"message"`
}

// EvidenceKind is by what means something was seen.
type EvidenceKind string

// The kinds of evidence.
const (
	ByNetlink  EvidenceKind = "netlink"  // the kernel of a node told its agent
	ByProbe    EvidenceKind = "probe"    // probes of a path did not come back, or came late
	ByBGP      EvidenceKind = "bgp"      // a router said so, or said no more
	ByAgent    EvidenceKind = "agent"    // an agent said so, or says nothing any more
	ByChange   EvidenceKind = "change"   // what is declared was changed
	ByOperator EvidenceKind = "operator" // somebody said so on purpose
)

// Evidence is one thing that was seen, from which an alert follows.
type Evidence struct {
	Kind   EvidenceKind `json:"kind" enum:"netlink,probe,bgp,agent,change,operator"`
	Source string       `json:"source" doc:"Who saw it" example:"node:tyo1"`
	Text   string       `json:"text" example:"link tyo1--osa1 lost its carrier"`
	At     time.Time    `json:"at" doc:"By the clock of the source"`
}

// DeadLetter is an alert that was given up for one endpoint.
type DeadLetter struct {
	ID       string    `json:"id" doc:"The webhook-id, and what replay wants" example:"msg_2f1c0d"`
	Endpoint string    `json:"endpoint"`
	Created  time.Time `json:"created" doc:"When it was to be sent first"`
	GivenUp  time.Time `json:"givenUp"`
	Attempts int       `json:"attempts" doc:"Since the controller started"`
	Reason   string    `json:"reason"`
	Alert    Alert     `json:"alert"`
}

// Cause is why an alert fires.
type Cause struct {
	Text   string `json:"text"`
	Object string `json:"object,omitempty" example:"srlg:keihan-duct"`
}

// Names of alerts. Stable: rules match them.
const (
	DegradedPath     = "DegradedPath"     // fewer paths carry packets than are required
	PathSetLost      = "PathSetLost"      // no path carries packets
	IntentInfeasible = "IntentInfeasible" // no path set meets the requirement
	AgentLost        = "AgentLost"        // an agent has been away too long
	AgentRevoked     = "AgentRevoked"     // an agent was revoked and has not enrolled again
	LaneDown         = "LaneDown"         // lanes carry nothing, though their paths are there
	KeyStale         = "KeyStale"         // lanes have missed rotations
	EpochsDiffer     = "EpochsDiffer"     // the ends of lanes have different keys, for too long
	FloorViolated    = "FloorViolated"    // less encryption is asked for than a node allows
	KeyStoreLow      = "KeyStoreLow"      // a store of QKD keys is low or dry
)

// ChangeKind says which field of a Change is set.
type ChangeKind string

// The kinds of change, in the order of a snapshot.
const (
	TopologyChange ChangeKind = "topology" // Generation
	NodeChange     ChangeKind = "node"
	LinkChange     ChangeKind = "link"
	DrainChange    ChangeKind = "drain"
	IntentChange   ChangeKind = "intent"
	AlertChange    ChangeKind = "alert"
	EventChange    ChangeKind = "event"
	// Synced ends a snapshot: what was told so far is all there is.
	Synced ChangeKind = "synced"
	// Resync begins one anew: forget what was told before, some of it was
	// missed.
	Resync ChangeKind = "resync"
)

// Op is what happened to the object of a Change.
type Op string

// The operations.
const (
	Added   Op = "added"
	Changed Op = "changed"
	Removed Op = "removed"
)

// Change is one message of a watch.
type Change struct {
	ID         string     `json:"-"` // of the stream; "" within a snapshot
	Kind       ChangeKind `json:"kind" enum:"topology,node,link,drain,intent,alert,event,synced,resync"`
	Op         Op         `json:"op,omitempty" enum:"added,changed,removed"`
	Generation uint64     `json:"generation,omitempty"`
	Intent     *Intent    `json:"intent,omitempty"`
	Node       *Node      `json:"node,omitempty"`
	Link       *Link      `json:"link,omitempty"`
	Drain      *Drain     `json:"drain,omitempty"`
	Alert      *Alert     `json:"alert,omitempty"`
	Event      *Event     `json:"event,omitempty"`
}

// Delivery is how an endpoint that alerts are sent to fares. Its secrets are
// not in it.
type Delivery struct {
	Endpoint  string
	Pending   int // alerts not yet acknowledged
	Delivered uint64
	Failed    uint64 // attempts
	Lost      uint64 // alerts given up
	Disabled  bool   // it answered 410: no more
	LastError string

	PendingBytes int    // of those not yet acknowledged, in the outbox
	Dead         int    // dead letters that are kept
	DeadDropped  uint64 // dead letters for which there was no room
}
