package resource

import (
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// Lane is the encrypted tunnel on one path of an intent, as both its ends tell
// of it. No secret, and nothing that follows from one, is in it.
type Lane struct {
	Name       string    `json:"name" example:"tyo-osa-gold/0" doc:"Name of the path"`
	Intent     string    `json:"intent"`
	Index      int       `json:"index" doc:"Of the path in its set: a lane is an intent's nth, whatever way it takes"`
	Encryption string    `json:"encryption" enum:"classic,pq,qkd" doc:"What the intent asks for"`
	Nodes      []string  `json:"nodes" nullable:"false" doc:"Of the path that it takes now"`
	Links      []string  `json:"links" nullable:"false"`
	Serving    bool      `json:"serving" doc:"The headends are told to use it"`
	Ends       []LaneEnd `json:"ends" nullable:"false" doc:"Two: where the path begins and where it ends"`
}

// LaneState says what may enter a lane.
type LaneState string

// The states of a lane at one end.
const (
	LaneOpen     LaneState = "open"
	LaneDraining LaneState = "draining" // it carries, but is going to be closed
	LaneClosed   LaneState = "closed"
	LaneUnknown  LaneState = "unknown" // its agent is away, or has not told of it
)

// LaneEnd is one end of a lane.
type LaneEnd struct {
	Node      string    `json:"node"`
	Interface string    `json:"interface,omitempty" example:"kr-w1"`
	State     LaneState `json:"state" enum:"open,draining,closed,unknown"`
	Reason    string    `json:"reason,omitempty" doc:"Why it is closed or draining"`
	Level     string    `json:"level,omitempty" doc:"Strength of the present key; left out where there is none"`
	Epoch     uint64    `json:"epoch,omitempty" doc:"Number of the present key; 0: none"`
	Keyed     time.Time `json:"keyed,omitzero" doc:"When that key was agreed, by the clock of the node"`
	Proven    bool      `json:"proven" doc:"WireGuard has made a session since it has that key"`
	Handshake time.Time `json:"handshake,omitzero" doc:"WireGuard's last one"`
	Sent      uint64    `json:"sent_bytes"`
	Received  uint64    `json:"received_bytes"`
	Dropped   uint64    `json:"dropped" doc:"Packets that the interface would not take"`
}

// Keying is what a node says of the keys of all its lanes.
type Keying struct {
	Node   string               `json:"node"`
	Alarms []nodecfg.KeyAlarm   `json:"alarms" nullable:"false" doc:"What is wrong with its keys now"`
	Stores []nodecfg.KeyStore   `json:"stores" nullable:"false" doc:"What its KME has of QKD keys, by peer"`
	Floors []nodecfg.FloorState `json:"floors" nullable:"false" doc:"The least encryption of each intent there, which no controller can lower"`
	Counts nodecfg.KeyCounts    `json:"counts" doc:"Since its agent began"`
}

// Rotation answers a request for new keys, when agents were told; the epochs
// of the lanes say when they have them.
type Rotation struct {
	Intent string   `json:"intent,omitempty"`
	Node   string   `json:"node,omitempty"`
	Pairs  int      `json:"pairs" doc:"Pairs of agents that were told to agree on new keys, for all lanes between them"`
	Told   []string `json:"told" nullable:"false" doc:"Nodes that were told: one of a pair is enough"`
	Untold []Untold `json:"untold,omitempty"`
}

// Untold is a node that could not be told.
type Untold struct {
	Node string `json:"node"`
	Why  string `json:"why"`
}

// Revocation answers a request not to believe the agent of a node any more.
type Revocation struct {
	Node    string   `json:"node"`
	Intents []string `json:"intents" nullable:"false" doc:"Encrypted intents whose lanes to the node are closed by its peers"`
}
