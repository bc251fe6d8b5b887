package gate

import "github.com/keiro-net/keiro/pathspec"

// Verdict is what a change does: to one intent, or the worst of all of them.
type Verdict string

// The verdicts, from best to worst but for the order of the last two: degraded
// is certain, so it beats cannot tell.
const (
	Unchanged Verdict = "unchanged" // nothing changes
	Changes   Verdict = "changes"   // paths or values change, and nothing declared degrades
	Unknown   Verdict = "unknown"   // cannot tell
	Degraded  Verdict = "degraded"  // a declared characteristic degrades
)

// Plan is the answer of the gate, and a JSON document. Units are in the keys.
type Plan struct {
	APIVersion string    `json:"apiVersion"`
	Kind       string    `json:"kind"`
	Topology   string    `json:"topology"` // name after
	Verdict    Verdict   `json:"verdict"`
	Changes    []Change  `json:"changes"`
	Intents    []Intent  `json:"intents"`  // in file order
	Findings   []Finding `json:"findings"` // in the order of the intents, then of Characteristics
	Failures   Failures  `json:"failures"`
	Stats      *Stats    `json:"stats,omitempty"`
}

// Stats is the only part of a Plan that may differ between equal inputs.
type Stats struct {
	ElapsedUS int64 `json:"elapsed_us"`
}

// Failures says which single failures were tried.
type Failures struct {
	Kind  string `json:"kind"` // none, link, node or srlg
	Tried int    `json:"tried"`
	Of    int    `json:"of"` // more than Tried where the search was stopped
}

// Change is one thing that differs, and where it is written: after, or before
// where it is removed. Values are in the words of the file.
type Change struct {
	ID     string `json:"id"`   // such as link:z/delay
	Text   string `json:"text"` // such as `link z: delay 4ms -> 9ms`
	Kind   string `json:"kind"` // site, node, link, srlg, drain or intent
	Name   string `json:"name"`
	Op     string `json:"op"` // added, removed, changed, renamed, reordered or drained
	Field  string `json:"field,omitempty"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
	File   string `json:"file,omitempty"` // of the topology after
	Line   int    `json:"line,omitempty"` // there; of a removed thing, that of the entry before it
	Was    string `json:"was,omitempty"`  // file:line before
	By     string `json:"by,omitempty"`   // the flag that asks for it, where no file does
}

// Intent is what the change does to one intent.
type Intent struct {
	Name    string  `json:"name"`
	Verdict Verdict `json:"verdict"`
	Before  State   `json:"before"`
	After   State   `json:"after"`
}

// State is what holds for an intent on one of the topologies.
type State struct {
	Status       pathspec.Status   `json:"status"`
	Optimal      bool              `json:"optimal"`
	Cost         int64             `json:"cost"`
	DelayUS      *int64            `json:"delay_us"`      // of the slowest path; null where unknown
	BandwidthBPS int64             `json:"bandwidth_bps"` // reserved on every path
	Paths        []pathspec.Path   `json:"paths"`
	Margin       *pathspec.Margin  `json:"margin"`
	Reserve      *pathspec.Reserve `json:"reserve"`
	Survives     *Survival         `json:"survives"` // null where none were tried, or nothing is satisfied
	Why          *pathspec.Why     `json:"why"`
}

// Survival counts single failures by what they leave of an intent.
type Survival struct {
	Met     int `json:"met"`     // the whole requirement, by other paths where need be
	Partial int `json:"partial"` // not that, but at least one of its paths stands
	None    int `json:"none"`    // neither
	Unknown int `json:"unknown"` // cannot tell
}

// breaking is the same without the failures that break nothing: that there are
// more of them elsewhere in the network changes nothing for the intent.
func (s *Survival) breaking() *Survival {
	if s == nil {
		return nil
	}
	return &Survival{Partial: s.Partial, None: s.None, Unknown: s.Unknown}
}

// Finding is one characteristic of one intent that degrades, or of which it
// cannot be told.
type Finding struct {
	// ID is the same whenever the same characteristic of the same intent
	// degrades (under the same failure). Fingerprint is also the same values
	// and causes: whoever accepts a finding accepts a Fingerprint, not
	// whatever comes after it.
	ID             string   `json:"id"`
	Fingerprint    string   `json:"fingerprint"`
	Intent         string   `json:"intent"`
	Verdict        Verdict  `json:"verdict"` // Degraded or Unknown
	Characteristic string   `json:"characteristic"`
	Failure        string   `json:"failure,omitempty"` // such as srlg:tokaido-1
	Before         string   `json:"before"`
	After          string   `json:"after"`
	Message        string   `json:"message"`
	Cut            []string `json:"cut,omitempty"` // what stands in the way after, as in Why
	Blame          *Blame   `json:"blame"`         // null where Verdict is Unknown

	restored func(w *world) bool
}

// Blame names changes by their ID. Reverting any one of Sets, whole, restores
// the characteristic. Least: of no set can a change be left out.
type Blame struct {
	Sets  [][]string `json:"sets"`
	Least bool       `json:"least"`
}

// Characteristic is a thing that can degrade.
type Characteristic struct{ ID, Description string }

// The characteristics, in the order of findings.
const (
	Ends        = "ends"
	Names       = "names"
	Reach       = "reach"
	Disjoint    = "disjoint"
	Known       = "known"
	Admissible  = "admissible"
	Bandwidth   = "bandwidth"
	MaxDelay    = "maxDelay"
	Spread      = "maxDelaySpread"
	MaxHops     = "maxHops"
	Requirement = "requirement"
	marginOf    = "margin-"
	reserveOf   = "reserve-"
	survivesOf  = "survives-"
)

// Characteristics lists them all.
var Characteristics = []Characteristic{
	{Ends, "The ends of the intent exist."},
	{Names, "What the intent names exists, and no other intent claims its traffic."},
	{Reach, "A path leads from one end to the other."},
	{Disjoint, "There are as many disjoint paths as asked for."},
	{Known, "The values that the requirement needs are known."},
	{Admissible, "Countries, avoid, conditions and encryption admit the paths."},
	{Bandwidth, "The bandwidth can be reserved beside that of the other intents."},
	{MaxDelay, "The delay stays within its bound."},
	{Spread, "The difference between the delays stays within its bound."},
	{MaxHops, "The number of hops stays within its bound."},
	{Requirement, "The requirement as a whole can be met."},
	{marginOf + "link", "As many link failures as before leave at least one of the paths."},
	{marginOf + "node", "As many node failures as before leave at least one of the paths."},
	{marginOf + "srlg", "As many shared risk failures as before leave at least one of the paths."},
	{reserveOf + "link", "After as many link failures as before the requirement can be met."},
	{reserveOf + "node", "After as many node failures as before the requirement can be met."},
	{reserveOf + "srlg", "After as many shared risk failures as before the requirement can be met."},
	{survivesOf + "link", "Every single link failure leaves as much as before."},
	{survivesOf + "node", "Every single node failure leaves as much as before."},
	{survivesOf + "srlg", "Every single shared risk failure leaves as much as before."},
}

// characteristicOf is what the reason of an infeasible intent says about.
var characteristicOf = map[string]string{
	pathspec.WhyNoPath: Reach, pathspec.WhyDisjoint: Disjoint, pathspec.WhyUnknown: Known, pathspec.WhyExcluded: Admissible,
	pathspec.WhyBandwidth: Bandwidth, pathspec.WhyDelay: MaxDelay, pathspec.WhySpread: Spread, pathspec.WhyHops: MaxHops,
}
