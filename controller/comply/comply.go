// Package comply says of every characteristic of an intent whether it holds
// now: Judge is given what is known of the intent's path set, and answers for
// each characteristic Satisfied, Degraded, Violated or Unknown, with what was
// declared, what is so and why. A Ledger keeps since when, what was lost of the
// margin and the reserve, and how long each characteristic held in each month.
//
//	Violated   it does not hold: for packets that flow, or by what is known of
//	           the network, which it contradicts
//	Degraded   it holds, but the next failure finds less than was promised or
//	           than there was: a path of the set is down, paths that were to be
//	           disjoint share something, the margin or the reserve fell. No
//	           packet need be lost for that (latent loss).
//	Unknown    it is not known; never shown as Satisfied
//
// It is pure, asks nobody and raises no alarm. controller/core gives it facts
// and the time; controller/show shows what it says.
package comply

import (
	"cmp"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/pathspec"
)

// Status of a characteristic.
type Status string

// The statuses, from best to worst. Known harm is worse than not knowing.
const (
	Satisfied Status = "Satisfied"
	Unknown   Status = "Unknown"
	Degraded  Status = "Degraded"
	Violated  Status = "Violated"
)

// Statuses are all of them, from best to worst.
var Statuses = []Status{Satisfied, Unknown, Degraded, Violated}

func (s Status) rank() int {
	for n, t := range Statuses {
		if s == t {
			return n
		}
	}
	return 1 // a zero Status is not known
}

// Worse is the worse of two.
func Worse(a, b Status) Status {
	if b.rank() > a.rank() {
		return b
	}
	return a
}

// The characteristics, in the order of output. Those of the requirement have
// the names of its fields; a kind of disjointness is `disjoint-` and its name.
const (
	Multiplicity = "multiplicity" // as many paths as declared carry packets
	Path         = "path"         // the paths exist and join the ends
	Installed    = "installed"    // the headends are as they were told, and nobody has changed them
	DisjointOf   = "disjoint-"
	Separation   = "separation"
	Bandwidth    = "bandwidth"
	MaxDelay     = "maxDelay"
	Spread       = "maxDelaySpread"
	MaxHops      = "maxHops"
	Countries    = "countries"
	Avoid        = "avoid"
	Nodes        = "nodes"
	Links        = "links"
	Encryption   = "encryption"
	Way          = "way"     // packets take the links of their path
	Loss         = "loss"    // no path loses more than its bound; where one is set
	Leaks        = "leaks"   // no packet is seen where none should be; where somebody looks
	Margin       = "margin"  // as many failures as ever leave a path
	Reserve      = "reserve" // after as many failures as ever the requirement can be met
)

// Condition is what is known of one characteristic.
type Condition struct {
	Characteristic string `json:"characteristic"`
	Status         Status `json:"status"`
	Declared       string `json:"declared"` // "" nothing: it is looked after always
	Measured       string `json:"measured"` // what is so now, for people
	// Cause names what is to blame, such as srlg:duct, link:a--b or node:a; ""
	// where it is Satisfied or nothing can be named.
	Cause string    `json:"cause,omitempty"`
	Since time.Time `json:"since"` // when Status began; filled in by a Ledger
	// Aside: nobody declared it and nobody can tell, so it does not count.
	Aside bool `json:"-"`
	// Blamed is the Cause that it had before it was Unknown; filled in by a Ledger.
	Blamed string `json:"blamed,omitempty"`
	// Guessed: Cause is what had happened last when it began.
	Guessed bool `json:"-"`
}

// Overall is the worst of the conditions that count, and the first of those.
// What nobody declared and nobody can measure does not make an intent Unknown.
func Overall(conditions []Condition) (worst Condition) {
	worst.Status = Satisfied
	if len(conditions) == 0 {
		worst.Status = Unknown
	}
	for _, c := range conditions {
		if !(c.Aside && c.Status == Unknown) && c.Status.rank() > worst.Status.rank() {
			worst = c
		}
	}
	return worst
}

// Facts is all that is known of one intent.
type Facts struct {
	Intent *pathspec.Intent
	Paths  []PathFacts
	// Answered: the solver has answered for what is declared and known now.
	// Closed: the intent fails closed, no packet leaves.
	Answered, Closed bool
	// Broken is what pathspec.CheckSet and CheckBandwidth say of the paths.
	Broken []pathspec.Violation
	// Installed is what the headends confirm.
	Installed Fact
	// Drifts are changes by others that stand and may touch the intent.
	Drifts []NodeDrift
	// Watched: somebody looks for the intent's packets; Blind names those who
	// should and do not tell.
	Watched bool
	Blind   []string
	Leaks   []NodeLeak
	// Margins is what is left; Mark the most there ever was for the intent as
	// it is declared.
	Margins, Mark Margins
	// Shared is what all paths that carry packets share, the first of it.
	Shared string
	// Changed names what happened last to the network or to what is declared:
	// the cause of what has no other.
	Changed string
}

// Fact is yes (Satisfied), no (Violated, Degraded) or cannot tell (Unknown).
type Fact struct {
	Status Status
	Says   string
}

// PathFacts is one path of the set that stands.
type PathFacts struct {
	Name  string // such as gold/0
	Nodes []string
	// Down names the link of it that carries nothing; "" none is known to be so.
	Down string
	Ends []End // its headends that can tell
	// Bound is the loss above which it is lossy; 0: nothing is asked.
	Bound int64 // ppm
	Lanes []LaneFacts
}

// End is what a headend says of the path that begins at it.
type End struct {
	Node string
	Seen *nodecfg.PathState // nil: nothing that counts; Why says so
	Why  string
}

// LaneFacts is one end of the lane of a path; State nil: cannot tell.
type LaneFacts struct {
	Node  string
	State *nodecfg.LaneState
}

// NodeDrift and NodeLeak are what a node reports.
type (
	NodeDrift struct {
		Node string
		nodecfg.Drift
	}
	NodeLeak struct {
		Node string
		nodecfg.Leak
	}
)

// carries: whether packets come through the path, seen from all its headends.
func (p *PathFacts) carries() (status Status, why string) {
	if p.Down != "" {
		return Violated, "link:" + p.Down
	}
	status = Satisfied
	if len(p.Ends) == 0 {
		return Unknown, "" // nobody probes
	}
	for _, e := range p.Ends {
		switch {
		case e.Seen != nil && e.Seen.State == nodecfg.Down:
			return Violated, "path:" + p.Name
		case e.Seen == nil || e.Seen.State != nodecfg.Up:
			status = Unknown
		}
	}
	return status, ""
}

// Carries says whether packets come through the path: Satisfied, Violated or
// Unknown.
func (p *PathFacts) Carries() Status { s, _ := p.carries(); return s }

// Cause is what a loss of margin is put down to: what took down a path, or what
// the paths share, or what happened last.
func (f *Facts) Cause() string { return cmp.Or(f.lost(), f.Shared, f.Changed) }

// lost names what took down a path that carries nothing; "" none is known to.
func (f *Facts) lost() string {
	for n := range f.Paths {
		if s, why := f.Paths[n].carries(); s == Violated {
			return why
		}
	}
	return ""
}

// alive are the paths that are not known to carry nothing.
func (f *Facts) alive() (paths []*PathFacts) {
	for n := range f.Paths {
		if s, _ := f.Paths[n].carries(); s != Violated {
			paths = append(paths, &f.Paths[n])
		}
	}
	return paths
}
