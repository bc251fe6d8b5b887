package resource

import "time"

// Drain takes something out of use on purpose: traffic leaves it make before
// break, and no new path takes it.
type Drain struct {
	Kind   string    `json:"kind" enum:"node,link,srlg"`
	Name   string    `json:"name"`
	Reason string    `json:"reason,omitempty"`
	By     string    `json:"by,omitempty" doc:"Who drained it"`
	Since  time.Time `json:"since,omitzero"`
}

// Pending is a change of the declared state that is taken back unless somebody
// confirms it in time.
type Pending struct {
	Generation uint64    `json:"generation" doc:"Of the declared state that the change made"`
	By         string    `json:"by,omitempty" doc:"Who made it"`
	Since      time.Time `json:"since"`
	Until      time.Time `json:"until" doc:"When it is taken back"`
}

// Changes is a question: what would become of each intent if all this were done?
type Changes struct {
	Documents      []Document // to be declared
	Remove         []string   // intents to be taken back
	Drain, Undrain []string   // such as link:tyo1--nag1
	Failures       string     // single failures to be tried: none, link, node or srlg
	Reserve        bool       // compare reserves as well
}

// Waiver is what an operator allowed to be lost, for a time.
type Waiver struct {
	Intent         string    `json:"intent"`
	Characteristic string    `json:"characteristic" example:"margin-srlg"`
	Reason         string    `json:"reason"`
	Issued         time.Time `json:"issued"`
	Until          time.Time `json:"until"`
	Key            string    `json:"key" doc:"Fingerprint of the operator's key that signed it"`
}
