package pathspec

// Solution is the answer to a topology and its intents, and the JSON document
// of design section 4. Units are in the keys; all numbers are integers.
type Solution struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Topology   string   `json:"topology"`
	Intents    []Answer `json:"intents"`
	Joint      *Joint   `json:"joint,omitempty"` // null where intents are admitted one after another only
	Stats      *Stats   `json:"stats,omitempty"`
}

// Stats is the only part of a Solution that may differ between equal inputs.
type Stats struct {
	ElapsedUS int64 `json:"elapsed_us"`
}

// Status of an answer: yes, no, cannot tell.
type Status string

// The statuses. Infeasible and Answer.Optimal are claims of proof.
const (
	Satisfied  Status = "satisfied"
	Infeasible Status = "infeasible"
	Undecided  Status = "unknown"
)

// Answer is the solution of one intent. Answers stand in file order of the
// intents. Cost is the summed objective of the paths; for balance the highest
// utilisation of a link that they use, in ppm rounded down, with what intents
// admitted before and this one have reserved.
type Answer struct {
	Name    string   `json:"name"`
	Status  Status   `json:"status"`
	Optimal bool     `json:"optimal"`
	Cost    int64    `json:"cost"`
	Paths   []Path   `json:"paths"` // ordered by cost, then hops, then the names of their links
	Margin  *Margin  `json:"margin"`
	Reserve *Reserve `json:"reserve"`
	Why     *Why     `json:"why"`
}

// Path is a sequence of links from the head to the tail.
type Path struct {
	Nodes        []string `json:"nodes"`
	Links        []string `json:"links"`
	DelayUS      *int64   `json:"delay_us"` // null where a delay is unknown
	Metric       int64    `json:"metric"`
	BandwidthBPS int64    `json:"bandwidth_bps"` // reserved on the path, each direction
}

// Margin is how many failures of each kind, worst case, the paths survive
// with at least one of them left; null where no such failures take them all.
// Nodes that the intent names as its ends do not fail; a link with unknown
// SRLGs may fall with any.
type Margin struct {
	Link *int `json:"link"`
	Node *int `json:"node"`
	SRLG *int `json:"srlg"`
}

// Reserve is how many failures of each kind, worst case, the network can take
// and still meet the whole requirement. Exact false: a proven lower bound.
type Reserve struct {
	Link  int  `json:"link"`
	Node  int  `json:"node"`
	SRLG  int  `json:"srlg"`
	Exact bool `json:"exact"`
}

// Why explains an answer that is not satisfied. Cut is a least set of risks
// that every path has one of, fewer than the paths asked for; or a least set
// without which too few paths remain; or else the things that lack a value,
// are excluded or are full. It is empty where none of these is to blame.
type Why struct {
	Code        string       `json:"code"`
	Message     string       `json:"message"`
	Cut         []string     `json:"cut"`
	Relaxations []Relaxation `json:"relaxations"`
}

// Relaxation changes one requirement, as `<field>: <old> -> <new>`, by the
// least that makes the intent feasible, with the cost it then has.
type Relaxation struct {
	Change string `json:"change"`
	Cost   int64  `json:"cost"`
}

// Codes of Why. Stable: programs branch on them.
const (
	WhyNoPath     = "no-path"          // the ends are not connected at all
	WhyUnknown    = "unknown-value"    // a value nobody stated blocks it
	WhyExcluded   = "excluded"         // avoid, countries or CEL exclude what would carry it
	WhyDisjoint   = "not-disjoint"     // too few disjoint paths
	WhyDelay      = "delay"            // the delay bound
	WhySpread     = "delay-spread"     // the spread bound
	WhyHops       = "hops"             // the hop bound
	WhyBandwidth  = "bandwidth"        // intents before it took the capacity, or there is too little
	WhySeparation = "separation"       // the distance between cables is not computed
	WhyExhausted  = "search-exhausted" // several bounds together; all was searched
	WhyNotSought  = "not-sought"       // only the paths were asked for
	WhyTimeLimit  = "time-limit"       // not decided in time
)
