// Package pathspec says what is wanted of a path, and whether a given path is
// it: intents, characteristics, the Solution document and Check. It is pure.
// It never searches for a path; that is pathspec/solve, whose answers Check
// verifies without sharing code with it. The controller, the solver and the
// command line call it.
package pathspec

import (
	"net/netip"

	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/strictyaml"
)

// Intent is what an operator declares: traffic between two ends and what its
// paths must be.
type Intent struct {
	Name        string
	Labels      map[string]string
	From, To    string // a node, or a site: then any node there
	Priority    int    // higher is admitted first
	Traffic     []Selector
	Mode        Mode
	Weights     []int // of the paths in their order, for Spread; nil: all are 1
	Require     Require
	Objective   Objective
	OnViolation OnViolation

	doc *strictyaml.Document // where it was read; nil where it was made
}

// Selector picks the packets of an intent: source and destination prefix of
// one family. The opposite direction is implied.
type Selector struct {
	From, To netip.Prefix
}

// Weight is the share of the flows that the nth path of the set has in mode
// Spread, 1 to MaxWeight.
func (in *Intent) Weight(n int) int {
	if n < len(in.Weights) {
		return in.Weights[n]
	}
	return 1
}

// Reverse is the selector of the opposite direction.
func (s Selector) Reverse() Selector { return Selector{From: s.To, To: s.From} }

// Require lists the characteristics. Zero values ask for nothing, but for
// Multiplicity, which Parse sets to at least 1.
type Require struct {
	Multiplicity     int    // paths at once, 1 to 8
	Disjoint         []Kind // pairwise between the paths; sorted by Kind, always with Link when Multiplicity > 1
	Separation       topology.Distance
	SeparationExcept topology.Distance
	Bandwidth        topology.Bandwidth // reserved on every path, in both directions
	MaxDelay         topology.Delay     // of every path, one way
	MaxDelaySpread   *topology.Delay    // fastest to slowest path; nil: no bound
	MaxHops          int
	Countries        Countries
	Avoid            Avoid
	Nodes            *Predicate // must hold on every node of every path; nil: no condition
	Links            *Predicate // must hold on every link of every path
	Encryption       Encryption
}

// Countries restricts where a path may be: in a country of Allow, where that
// is set, and in none of Deny. No country stands in both; nil is no
// restriction, and neither list is empty otherwise.
type Countries struct {
	Allow, Deny []string
}

// Avoid names what no path of the intent may touch.
type Avoid struct {
	Nodes, Links, SRLGs, Sites, Operators []string
}

// Kind is a kind of shared fate.
type Kind uint8

// The kinds of disjointness, in the order of the files and of all output.
const (
	Link Kind = iota
	Node
	SRLG
	Site
	Operator
)

// Objective is what the summed cost of a path set counts.
type Objective uint8

// Least summed delay (microseconds), metric or hops; or the least highest
// utilisation of a link.
const (
	MinDelay Objective = iota
	MinMetric
	MinHops
	Balance
)

// Mode says how the packets share the paths of the set. It asks nothing of the
// paths: every one has the whole bandwidth reserved in both modes.
type Mode uint8

// Failover takes the first path that works, as of the candidate paths of RFC
// 9256 section 2.9 the one of highest preference; the others wait. Spread takes
// all that work, each flow one of them, in proportion to their weights, as RFC
// 9256 section 2.11 does with the segment lists of one candidate path.
const (
	Failover Mode = iota
	Spread
)

// OnViolation says what happens when no path set satisfies the intent.
type OnViolation uint8

// Reroute looks for other paths and keeps those that stand meanwhile; Alert
// changes nothing but tells; Block fails closed.
const (
	Reroute OnViolation = iota
	Alert
	Block
)

// Encryption is the least protection of the packets. Each includes the
// strength of those before it.
type Encryption uint8

// The strengths of encryption.
const (
	NoEncryption Encryption = iota
	Classic
	PQ
	QKD
)

var (
	modeNames        = []string{"failover", "spread"}
	kindNames        = []string{"link", "node", "srlg", "site", "operator"}
	objectiveNames   = []string{"delay", "metric", "hops", "balance"}
	onViolationNames = []string{"reroute", "alert", "block"}
	encryptionNames  = []string{"none", "classic", "pq", "qkd"}
)

func (k Kind) String() string        { return kindNames[k] }
func (o Objective) String() string   { return objectiveNames[o] }
func (m Mode) String() string        { return modeNames[m] }
func (v OnViolation) String() string { return onViolationNames[v] }
func (e Encryption) String() string  { return encryptionNames[e] }

// Wants reports whether the paths must be disjoint in kind k.
func (r *Require) Wants(k Kind) bool {
	for _, d := range r.Disjoint {
		if d == k {
			return true
		}
	}
	return false
}
