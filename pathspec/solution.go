package pathspec

import "strings"

// Solution is the answer to a topology and its intents, and the JSON document
// of design section 4. Units are in the keys; all numbers are integers.
type Solution struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Topology   string   `json:"topology"`
	Intents    []Answer `json:"intents"`
	NewLink    *NewLink `json:"new_link,omitempty"`
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
	Bound   int64    `json:"bound,omitempty"` // where not optimal: no set costs less, as far as the search came; 0: nothing is known
	Paths   []Path   `json:"paths"`           // ordered by cost, then hops, then the names of their links
	Margin  *Margin  `json:"margin"`
	Reserve *Reserve `json:"reserve"`
	Why     *Why     `json:"why"`
	// Pending: the reason or the reserve is still being computed. Status, cost,
	// paths and margin are final.
	Pending bool `json:"pending,omitempty"`
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
// SRLGs may fall with any. Breaks names as many failures and one more that
// take all paths.
type Margin struct {
	Link   *int   `json:"link"`
	Node   *int   `json:"node"`
	SRLG   *int   `json:"srlg"`
	Breaks Breaks `json:"breaks"`
}

// Reserve is how many failures of each kind, worst case, the network can take
// and still meet the whole requirement. Breaks names as many failures and one
// more after which it cannot. Exact false: what names no such failures is a
// proven lower bound.
type Reserve struct {
	Link   int    `json:"link"`
	Node   int    `json:"node"`
	SRLG   int    `json:"srlg"`
	Exact  bool   `json:"exact"`
	Breaks Breaks `json:"breaks"`
}

// Breaks names for each kind of failure a least set of them that breaks a
// promise, as risks: `link:a--b`. null where there is none, or none is known.
// The group of a link that states none is `srlg:unstated of` and the link.
type Breaks struct {
	Link []string `json:"link"`
	Node []string `json:"node"`
	SRLG []string `json:"srlg"`
}

// String says when it breaks: `link:a--b and link:c--d fail, or srlg:e fails`.
func (b Breaks) String() string {
	var ways []string
	for _, names := range [][]string{b.Link, b.Node, b.SRLG} {
		switch len(names) {
		case 0:
		case 1:
			ways = append(ways, names[0]+" fails")
		default:
			ways = append(ways, strings.Join(names, " and ")+" fail")
		}
	}
	return strings.Join(ways, ", or ")
}

// UnstatedOf names the shared risk group of a link that states none. No group
// has such a name.
func UnstatedOf(link string) string { return SRLG.String() + ":unstated of " + link }

// NewLink is the one new link that would make most infeasible intents feasible,
// each by itself in the capacity that others leave, of those that were tried:
// then the shortest. It lies in a duct of its own.
type NewLink struct {
	A         string   `json:"a"`
	B         string   `json:"b"`
	DistanceM *int64   `json:"distance_m"` // great circle; null where a place is unknown
	DelayUS   *int64   `json:"delay_us"`   // derived from the distance
	Cures     []string `json:"cures"`      // names of intents
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
// least that makes the intent feasible, with the cost it then has. What gives
// up the least share of the requirement comes first. `new link: none -> a--b
// (...)` changes the network instead; it comes last.
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
	WhySeparation = "separation"       // the distance between cables
	WhyExhausted  = "search-exhausted" // several bounds together; all was searched
	WhyNotSought  = "not-sought"       // only the paths were asked for
	WhyPending    = "being-computed"   // it is told when it is known
	WhyTimeLimit  = "time-limit"       // not decided in time
)
