package resource

import (
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// Learned is what routers say of the topology by BGP-LS, and what of it is
// declared.
type Learned struct {
	Routers []*LearnedRouter `json:"routers" nullable:"false"`
	Links   []*LearnedLink   `json:"links" nullable:"false"`
	Half    []*HalfKnown     `json:"halfKnown" nullable:"false" doc:"Directions that make no link. No path takes them, but for those of a declared link to an agent"`
}

// LearnedCounts are the sizes of Learned, and all types of conditions that nodes
// and links may have.
type LearnedCounts struct {
	Routers, Links, Half int
	Conditions           []string
}

// LearnedRouter is a router as it says of itself.
type LearnedRouter struct {
	Name      string   `json:"name" doc:"As in the document of what was learned"`
	Node      string   `json:"node,omitempty" doc:"The declared node that it is; left out where it is not declared"`
	RouterIDs []string `json:"routerIDs" nullable:"false" doc:"What a routerID may say to mean it"`
	Locators  []string `json:"locators" nullable:"false" doc:"Its SRv6 locators of algorithm 0"`
	Origins   []string `json:"origins" nullable:"false" doc:"The IGPs that have it, each with its instance" example:"isis-l2/0"`
	Conflicts []string `json:"conflicts,omitempty" doc:"Why it is not taken for one with another of the same address"`
	Stale     bool     `json:"stale" doc:"No peer whose session stands says anything of it"`
}

// LearnedLink is a link of which both directions are known.
type LearnedLink struct {
	Name     string           `json:"name" doc:"As in the document of what was learned"`
	Link     string           `json:"link,omitempty" doc:"The declared link that it is; left out where it is not declared"`
	A        string           `json:"a" doc:"Name of the router"`
	B        string           `json:"b"`
	AB       LearnedDirection `json:"ab"`
	BA       LearnedDirection `json:"ba"`
	SRLGs    []string         `json:"srlgs" doc:"null where they are not known"`
	Unusable string           `json:"unusable,omitempty" doc:"Why no path may cross it; left out where an IGP lets paths"`
	Origins  []string         `json:"origins" nullable:"false"`
	Since    time.Time        `json:"since,omitzero" doc:"When both directions were known"`
	Stale    bool             `json:"stale"`
}

// LearnedDirection is what counts in one direction; left out what is not known.
type LearnedDirection struct {
	Metric      int64  `json:"metric"`
	CapacityBPS *int64 `json:"capacity_bps,omitempty"`
	DelayUS     *int64 `json:"delay_us,omitempty"`
}

// HalfKnown is one direction that makes no link of two routers.
type HalfKnown struct {
	Link  string   `json:"link,omitempty" doc:"The declared link that it is: beside an agent, which speaks for its own end, a half is enough"`
	From  string   `json:"from,omitempty" doc:"Name of the router; left out for a pseudonode"`
	To    string   `json:"to,omitempty"`
	NLRI  string   `json:"nlri" doc:"As the IGP describes it"`
	Why   string   `json:"why" doc:"Why it makes no link"`
	Peers []string `json:"peers" nullable:"false" doc:"Who says so"`
}

// Discrepancy is something that an operator should know of a node or link: where what
// is declared and what is learned do not agree.
type Discrepancy struct {
	Type    string `json:"type" example:"CapacityBelowDeclared" doc:"One word for programs"`
	Message string `json:"message" doc:"A sentence for people"`
}

// Attribute is a value of a node or link and where it comes from, in the words of
// a file.
type Attribute struct {
	Name    string    `json:"name" example:"ba.delay" doc:"As in a file"`
	Value   string    `json:"value,omitempty" doc:"What counts; left out where it is not known"`
	Source  string    `json:"source,omitempty" enum:"file,bgp-ls" doc:"Whose value counts"`
	ByFile  string    `json:"byFile,omitempty" doc:"What the file says"`
	ByPeers string    `json:"byPeers,omitempty" doc:"What routers say by BGP-LS"`
	Peers   []string  `json:"peers,omitempty" doc:"The peers that the controller has it from"`
	Since   time.Time `json:"since,omitzero" doc:"Since when the first of them says so"`
	Stale   bool      `json:"stale,omitempty" doc:"Their sessions are lost"`
	Others  []string  `json:"others,omitempty" doc:"What other peers say instead"`
}

// Sources of an attribute.
const (
	ByFile  = "file"
	ByBGPLS = "bgp-ls"
)

// SID is a learned SRv6 SID that paths may use.
type SID struct {
	SID       string    `json:"sid" example:"5f00:0:1:e001::"`
	From      string    `json:"from,omitempty" doc:"Of a link: the node that it leads out of"`
	Behavior  string    `json:"behavior" example:"End.X"`
	Code      uint16    `json:"code" doc:"Of the behaviour (IANA, SRv6 Endpoint Behaviors)"`
	Protected bool      `json:"protected,omitempty" doc:"Fast reroute may lead it off its link"`
	Peers     []string  `json:"peers" nullable:"false"`
	Since     time.Time `json:"since,omitzero"`
	Stale     bool      `json:"stale,omitempty"`
}

// Observation is what one observer says of a link.
type Observation struct {
	By    string    `json:"by" doc:"The node whose agent says so, or (bgp-ls): routers"`
	Up    bool      `json:"up"`
	MTU   int       `json:"mtu,omitempty"`
	Since time.Time `json:"since,omitzero" doc:"By the observer's clock"`
	Stale bool      `json:"stale,omitempty" doc:"It is not heard now: this is the last that it said"`
}

// LinkDetail is all about one link.
type LinkDetail struct {
	Link
	Observations []Observation `json:"observations" nullable:"false" doc:"What is said of its state, by whom"`
	Attributes   []Attribute   `json:"attributes" nullable:"false"`
	SIDs         []SID         `json:"sids" nullable:"false" doc:"Learned End.X SIDs, of either direction"`
	Adjacencies  []Adjacency   `json:"adjacencies" nullable:"false" doc:"What IGPs have of it"`
}

// NodeDetail is all about one node.
type NodeDetail struct {
	Node
	Drifts     []nodecfg.Drift `json:"drifts,omitempty" doc:"What others changed on it: the latest, the oldest first"`
	Router     *LearnedRouter  `json:"router,omitempty" doc:"The router that it is known to be"`
	Attributes []Attribute     `json:"attributes" nullable:"false"`
	SIDs       []SID           `json:"sids" nullable:"false" doc:"Learned SIDs that are no adjacency's"`
	Said       []Saying        `json:"said" nullable:"false" doc:"All that its IGPs say of it"`
}

// Adjacency is a link as one IGP has it.
type Adjacency struct {
	Origin   string   `json:"origin" example:"isis-l2/0"`
	Topology uint16   `json:"topology,omitempty" doc:"Of the IGP (multi-topology)"`
	LAN      string   `json:"lan,omitempty" doc:"The pseudonode between"`
	Unusable string   `json:"unusable,omitempty" doc:"Why no path may cross it"`
	AB       []Saying `json:"ab" nullable:"false" doc:"All that is said of the direction from a to b; empty where an agent speaks for a"`
	BA       []Saying `json:"ba" nullable:"false"`
}

// Saying is an attribute as BGP-LS has it, before anything is made of it.
type Saying struct {
	Origin string    `json:"origin,omitempty" doc:"The IGP, where it is not said elsewhere"`
	Name   string    `json:"name" example:"min-max-delay"`
	Value  string    `json:"value"`
	Peers  []string  `json:"peers" nullable:"false"`
	Since  time.Time `json:"since,omitzero"`
	Stale  bool      `json:"stale,omitempty"`
	Others []string  `json:"others,omitempty" doc:"What other peers say instead"`
}
