package resource

import (
	"encoding/json"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/pathspec"
)

// Solution is the answer to all intents as of now.
type Solution = pathspec.Solution

// Intent is a PathIntent with what became of it.
type Intent struct {
	APIVersion string          `json:"apiVersion"`
	Kind       string          `json:"kind"`
	Metadata   Metadata        `json:"metadata"`
	Spec       json.RawMessage `json:"spec" doc:"As in the file that declared it"`
	Status     IntentStatus    `json:"status"`
}

// Condition returns the condition of the given type, or nil.
func (i *Intent) Condition(kind string) *Condition {
	for n := range i.Status.Conditions {
		if c := &i.Status.Conditions[n]; c.Type == kind {
			return c
		}
	}
	return nil
}

// IntentStatus is what the network does for an intent.
type IntentStatus struct {
	ObservedGeneration uint64          `json:"observedGeneration" doc:"Generation of the spec that the answer is for"`
	Answer             pathspec.Answer `json:"answer" doc:"What the solver says for the network as it is"`
	Conditions         []Condition     `json:"conditions" nullable:"false"`
	// Compliance is the worst of the characteristics that count.
	Compliance      ComplianceStatus `json:"compliance" enum:"Satisfied,Degraded,Violated,Unknown"`
	Characteristics []Characteristic `json:"characteristics" nullable:"false" doc:"Whether each characteristic holds now, as it is measured"`
	Paths           []PathStatus     `json:"paths" nullable:"false" doc:"The paths that stand, in order of preference, per headend"`
	Leaks           []Leak           `json:"leaks,omitempty" doc:"Its packets where they should not be, by samples that nodes took of their links lately"`
}

// Leak is packets of an intent where they should not be, as one node saw them.
type Leak struct {
	Node   string    `json:"node"`
	Link   string    `json:"link"`
	Kind   string    `json:"kind" enum:"clear,outside,elsewhere" doc:"clear: readable though the intent asks for encryption; outside: steered into no path; elsewhere: over a link that none of its paths takes"`
	Seen   int64     `json:"seen" doc:"Sampled packets"`
	First  time.Time `json:"first"`
	Last   time.Time `json:"last"`
	Packet string    `json:"packet" doc:"Headers of one of them"`
}

// ConditionStatus is yes, no, cannot tell.
type ConditionStatus string

// The states of a condition.
const (
	True    ConditionStatus = "True"
	False   ConditionStatus = "False"
	Unknown ConditionStatus = "Unknown"
)

// Types of conditions. Each is good when True.
const (
	// Satisfied: the network as it is can give all that is required.
	Satisfied = "Satisfied"
	// Installed: the kernels of all nodes concerned are as they should be.
	Installed = "Installed"
	// Healthy: every path that is required carries packets.
	Healthy = "Healthy"
)

// Condition is one aspect of an intent, in the form of Kubernetes.
type Condition struct {
	Type               string          `json:"type" example:"Installed"`
	Status             ConditionStatus `json:"status" enum:"True,False,Unknown"`
	Reason             string          `json:"reason" doc:"One word for programs" example:"NodeBehind"`
	Message            string          `json:"message" doc:"A sentence for people"`
	ObservedGeneration uint64          `json:"observedGeneration"`
	LastTransitionTime time.Time       `json:"lastTransitionTime"`
}

// PathStatus is one path at one headend: the two directions of an intent are
// two of them.
type PathStatus struct {
	Name      string         `json:"name" example:"tyo-osa-gold/0"`
	Headend   string         `json:"headend"`
	Nodes     []string       `json:"nodes" nullable:"false"`
	Links     []string       `json:"links" nullable:"false"`
	Installed bool           `json:"installed" doc:"The headend has confirmed it; by RFC 9857 if it was told by BGP"`
	Active    bool           `json:"active" doc:"The intent's packets take it now"`
	Weight    int            `json:"weight,omitempty" doc:"Share of the flows that it has, where they are spread over all paths that work"`
	State     nodecfg.PathUp `json:"state" enum:"up,down,unknown"`
	Cause     string         `json:"cause,omitempty" doc:"What took it down: link, probe, or lane: and why its lane is closed"`
	RTTUS     int64          `json:"rtt_us,omitempty" doc:"Smoothed round trip over the path and back"`
	Way       string         `json:"way,omitempty" enum:"proven,deviates" doc:"Whether packets take the links that the path says, by in-band OAM; without it nobody can tell"`
	Deviation string         `json:"deviation,omitempty" doc:"Where they went instead"`
	Since     time.Time      `json:"since,omitzero"`
	There     *Measured      `json:"there,omitempty" doc:"What test packets say of the way to the tail; none: nothing"`
	Back      *Measured      `json:"back,omitempty" doc:"What test packets say of the way from the tail"`
	Delay     string         `json:"delay,omitempty" enum:"within,beyond" doc:"Whether both directions keep the intent's maxDelay, as measured; none: that cannot be told"`
	Loss      string         `json:"loss,omitempty" enum:"within,beyond" doc:"Whether both directions lose no more than they may, as measured; none: that cannot be told"`
	SRPolicy  *SRPolicy      `json:"srPolicy,omitempty" doc:"What the headend was told by BGP; only where it has steering: bgp"`
}

// Measured is one direction of a path as test packets of the last window found
// it (STAMP, RFC 8762).
type Measured struct {
	Packets     int    `json:"packets" doc:"Judged in the window"`
	LossPPM     int64  `json:"loss_ppm" doc:"Lost in this direction, of a million"`
	DelayUS     *int64 `json:"delay_us,omitempty" doc:"Median; none where the clocks of both ends are not known to agree"`
	VariationUS int64  `json:"variation_us" doc:"95th percentile less the least (RFC 5481 section 4.2)"`
}

// SRPolicy is how a headend was told of a path by BGP (RFC 9830), and what it
// says of that by BGP-LS (RFC 9857).
type SRPolicy struct {
	Candidate *CandidatePath  `json:"candidate,omitempty" doc:"As it was told; none: it was not"`
	Held      ConditionStatus `json:"held" enum:"True,False,Unknown" doc:"The headend has the candidate path as it was told and finds it valid; Unknown: it does not say, or not enough"`
	Active    ConditionStatus `json:"active" enum:"True,False,Unknown" doc:"The headend forwards by it; of the candidate paths of one SR Policy one is active"`
	Message   string          `json:"message,omitempty" doc:"Why it is not so, or nobody can tell"`
}

// CandidatePath is how routers show a candidate path of an SR Policy.
type CandidatePath struct {
	Name          string `json:"name" doc:"Symbolic name" example:"tyo-osa-gold/0"`
	Color         int64  `json:"color" example:"1000001"`
	Endpoint      string `json:"endpoint" example:"2001:db8::4"`
	Distinguisher int64  `json:"distinguisher" doc:"Names its content: another one is another candidate path"`
	Preference    int64  `json:"preference" doc:"The greatest that is valid is active" example:"1000"`
}

// Explanation says why an intent has the answer it has.
type Explanation struct {
	Intent string          `json:"intent"`
	Answer pathspec.Answer `json:"answer"`
	// Outage names what carries no traffic now and took part in the answer,
	// such as `srlg:tokaido-duct-1`.
	Outage []string `json:"outage" nullable:"false"`
	// KeyHolders are the nodes that see the QKD keys of its lanes, or may;
	// empty where it asks for none.
	KeyHolders []pathspec.Holders `json:"keyHolders" nullable:"false"`
	Lines      []string           `json:"lines" nullable:"false" doc:"The explanation for people"`
}

// Trace is what packets saw that were sent down each path of an intent.
type Trace struct {
	Intent  string              `json:"intent"`
	Headend string              `json:"headend"`
	Paths   []nodecfg.TracePath `json:"paths" nullable:"false"`
}
