package resource

import "time"

// Peers are the routers that the controller holds BGP sessions with, and what
// they say and are said. They are read when somebody asks.
type Peers struct {
	Configured bool    `json:"configured" doc:"The controller speaks BGP: it runs with --bgp FILE"`
	Refused    uint64  `json:"refusedConnections" doc:"Connections from addresses that are no peer's"`
	Items      []*Peer `json:"items" nullable:"false"`
}

// Peer is one of them, in the words of RFC 4271 and of a router's configuration.
type Peer struct {
	Name         string    `json:"name"`
	Node         string    `json:"node,omitempty" doc:"The topology node that it is; left out for a route reflector"`
	Address      string    `json:"address" example:"192.0.2.1:179"`
	LocalAddress string    `json:"localAddress,omitempty" doc:"This end of the session; left out without one"`
	AS           uint32    `json:"as"`
	RouterID     string    `json:"routerID,omitempty" doc:"Its BGP Identifier; left out without a session"`
	State        string    `json:"state" enum:"Idle,Connect,Active,OpenSent,OpenConfirm,Established"`
	Since        time.Time `json:"since,omitzero" doc:"When the state began"`
	Passive      bool      `json:"passive,omitempty" doc:"It connects, it is never dialed"`
	Families     []string  `json:"families" nullable:"false" doc:"Of the session, or else those configured" example:"link-state"`
	Disabled     []string  `json:"disabledFamilies,omitempty" doc:"Of the session, whose routes could not be read (RFC 7606)"`
	HoldTime     int64     `json:"holdTime_s" doc:"Negotiated, or else proposed"`
	Security     string    `json:"security" example:"GTSM, on the same link; TCP MD5"`
	Restart      int64     `json:"gracefulRestart_s" doc:"How long its objects are kept while it restarts; 0: they are not, or there is no session"`

	Objects    int       `json:"objects" doc:"Received, of all families"`
	Stale      int       `json:"staleObjects" doc:"Of them, said before its session was lost"`
	StaleUntil time.Time `json:"staleUntil,omitzero"`
	Complete   bool      `json:"complete" doc:"It has once said all of its link-state (End-of-RIB): what it does not know is then not there"`
	Routes     int       `json:"routes" doc:"To be said to it"`
	Pending    int       `json:"pending" doc:"Routes and withdrawals that are not said yet"`
	NotSaid    string    `json:"notSaid,omitempty" doc:"Why a route could not be said in this session"`

	Updates   uint64 `json:"updates" doc:"UPDATE messages received"`
	Withdrawn uint64 `json:"withdrawn" doc:"Objects that it took back"`
	Faults    uint64 `json:"faults" doc:"What was wrong in its UPDATEs"`
	Ignored   uint64 `json:"ignored" doc:"Lists of objects of families that are not read"`
	Flaps     uint64 `json:"flaps" doc:"Ends of sessions"`

	LastError   string    `json:"lastError,omitempty"`
	LastErrorAt time.Time `json:"lastErrorAt,omitzero"`
	LastFault   string    `json:"lastFault,omitempty" doc:"The last thing that was wrong in an UPDATE"`
	LastFaultAt time.Time `json:"lastFaultAt,omitzero"`
	IdleUntil   time.Time `json:"idleUntil,omitzero" doc:"It is held in Idle until then"`

	Advice []string `json:"advice" nullable:"false" doc:"What to look at, for people; empty where nothing is wrong"`
}

// Established reports whether there is a session.
func (p *Peer) Established() bool { return p.State == "Established" }
