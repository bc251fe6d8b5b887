package resource

import (
	"time"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/gate"
)

// Apply is a request to declare the objects in some documents, all or none.
type Apply struct {
	Documents    []Document
	DryRun       bool   // validate and answer, change nothing
	IfGeneration uint64 // refuse (Stale) unless the declared state is of this generation; 0: any
	// Confirm, if not 0: take the change back after that time, unless it is confirmed.
	Confirm time.Duration
}

// Action is what happened, or would happen, to an object.
type Action string

// The actions.
const (
	Created    Action = "created"
	Configured Action = "configured"
	Unchanged  Action = "unchanged"
	Deleted    Action = "deleted"
)

// Applied answers a change of the declared state.
type Applied struct {
	Generation uint64         `json:"generation" doc:"Of the declared state now"`
	DryRun     bool           `json:"dryRun"`
	Objects    []ObjectChange `json:"objects" nullable:"false"`
	Pending    *Pending       `json:"pending,omitempty" doc:"The change is taken back unless it is confirmed in time"`
}

// ObjectChange is one object of a change.
type ObjectChange struct {
	Kind   string   `json:"kind" example:"PathIntent"`
	Name   string   `json:"name"`
	Action Action   `json:"action" enum:"created,configured,unchanged,deleted"`
	Fields []string `json:"fields,omitempty" doc:"What differs, as field: old -> new"`
}

// Diff is what documents would change if they were applied now.
type Diff struct {
	Generation uint64         `json:"generation" doc:"Of the declared state compared with"`
	Pending    bool           `json:"pending" doc:"Applying would change something"`
	Objects    []ObjectChange `json:"objects" nullable:"false"`
	Intents    []IntentDiff   `json:"intents" nullable:"false" doc:"Intents whose status or paths would change"`
	Findings   []gate.Finding `json:"findings" nullable:"false" doc:"Declared characteristics that the change of the topology would degrade, or may"`
}

// IntentDiff is an intent before and after. nil: it is not there then.
type IntentDiff struct {
	Name   string           `json:"name"`
	Before *pathspec.Answer `json:"before,omitempty"`
	After  *pathspec.Answer `json:"after,omitempty"`
}
