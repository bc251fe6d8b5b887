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
	Paths              []PathStatus    `json:"paths" nullable:"false" doc:"The paths that stand, in order of preference, per headend"`
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
	Installed bool           `json:"installed" doc:"The headend has confirmed it"`
	Active    bool           `json:"active" doc:"The intent's packets take it now"`
	State     nodecfg.PathUp `json:"state" enum:"up,down,unknown"`
	Cause     string         `json:"cause,omitempty" doc:"What took it down: link, probe, or lane: and why its lane is closed"`
	RTTUS     int64          `json:"rtt_us,omitempty" doc:"Smoothed round trip over the path and back"`
	Since     time.Time      `json:"since,omitzero"`
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
