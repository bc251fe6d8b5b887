package resource

import (
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// Node is a node of the topology and its agent.
type Node struct {
	Name            string                `json:"name"`
	Site            string                `json:"site,omitempty"`
	Locator         string                `json:"locator,omitempty" example:"5f00:0:1::/48"`
	NoAgent         bool                  `json:"noAgent,omitempty" doc:"No agent runs on it: it is a router that is spoken with by BGP"`
	Steering        string                `json:"steering,omitempty" enum:"agent,bgp" doc:"How it is told the paths that begin at it"`
	Connected       bool                  `json:"connected"`
	Revoked         bool                  `json:"revoked,omitempty" doc:"Its agent is not believed until it enrols again"`
	Since           time.Time             `json:"since,omitzero" doc:"When it connected, or was lost"`
	Agent           string                `json:"agent,omitempty" doc:"Version of the agent"`
	RevisionWanted  uint64                `json:"revisionWanted"`
	RevisionReached uint64                `json:"revisionReached" doc:"Revision that the kernel is known to be at; 0: none"`
	Drained         bool                  `json:"drained"`
	Guard           string                `json:"guard,omitempty" enum:"enforce,alert" doc:"What its agent does when others change what it made: put it back, or only tell"`
	Drifted         uint64                `json:"drifted,omitempty" doc:"How often others changed what the agent made, since it began"`
	Errors          []nodecfg.ObjectError `json:"errors,omitempty" doc:"Kernel objects that could not be made as wanted"`
	Conditions      []Discrepancy         `json:"conditions,omitempty" doc:"Where the file and what routers say by BGP-LS do not agree"`
}

// LinkState is yes, no, cannot tell.
type LinkState string

// The states of a link. Up needs the word of both ends.
const (
	LinkUp      LinkState = "up"
	LinkDown    LinkState = "down"
	LinkUnknown LinkState = "unknown"
)

// Link is a link of the topology, both directions of it.
type Link struct {
	Name    string    `json:"name"`
	A       string    `json:"a"`
	B       string    `json:"b"`
	State   LinkState `json:"state" enum:"up,down,unknown"`
	Drained bool      `json:"drained" doc:"Taken out of use on purpose: itself, an end or an SRLG of it"`
	Since   time.Time `json:"since,omitzero" doc:"When the state began"`
	SRLGs   []string  `json:"srlgs" doc:"null where they are not known"`
	QKD     bool      `json:"qkd,omitempty" doc:"A QKD system runs on it"`
	Keyless string    `json:"keyless,omitempty" doc:"Why its QKD keys cannot be counted on: no path whose intent wants such keys takes it. Left out where they can, by what is known"`
	// Of the direction a to b; left out where not known.
	CapacityBPS *int64 `json:"capacity_bps,omitempty"`
	DelayUS     *int64 `json:"delay_us,omitempty"`
	ReservedBPS int64  `json:"reserved_bps" doc:"What the paths that stand have reserved, each direction"`

	Conditions []Discrepancy `json:"conditions,omitempty" doc:"Where the file and what routers say by BGP-LS do not agree"`
}

// Token lets one node's agent enrol, once. It is shown only here.
type Token struct {
	Node    string    `json:"node"`
	Token   string    `json:"token"`
	Expires time.Time `json:"expires"`
}

// Version says what is running.
type Version struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Go      string `json:"go"`
}
