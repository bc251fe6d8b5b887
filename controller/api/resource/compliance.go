package resource

import "time"

// ComplianceStatus says whether a characteristic holds.
type ComplianceStatus string

// The statuses. Degraded: it holds, but the next failure finds less than was
// promised or than there was.
const (
	Complies   ComplianceStatus = "Satisfied"
	Degrades   ComplianceStatus = "Degraded"
	Violates   ComplianceStatus = "Violated"
	CannotTell ComplianceStatus = "Unknown"
)

// Characteristic is one characteristic of an intent, as it is now.
type Characteristic struct {
	Name     string           `json:"name" example:"maxDelay" doc:"A field of the requirement, or what is looked after always"`
	Status   ComplianceStatus `json:"status" enum:"Satisfied,Degraded,Violated,Unknown"`
	Declared string           `json:"declared,omitempty" example:"20ms"`
	Measured string           `json:"measured" doc:"What is so now, for people"`
	Since    time.Time        `json:"since" doc:"When the status began"`
	Cause    string           `json:"cause,omitempty" example:"srlg:keihan-duct"`
}

// Compliance is what is remembered of the characteristics of an intent.
type Compliance struct {
	Intent          string           `json:"intent"`
	Status          ComplianceStatus `json:"status" enum:"Satisfied,Degraded,Violated,Unknown"`
	Characteristics []Characteristic `json:"characteristics" nullable:"false"`
	Erosions        []Erosion        `json:"erosions" nullable:"false" doc:"How the margin and the reserve changed, the oldest first"`
	Months          []Availability   `json:"months" nullable:"false" doc:"How long each characteristic had which status, by calendar months (UTC), the oldest first"`
}

// Erosion is one change of the margin or the reserve of an intent.
type Erosion struct {
	At     time.Time `json:"at"`
	What   string    `json:"what" enum:"margin,reserve"`
	Before string    `json:"before" example:"link 1, node 1, srlg 1"`
	After  string    `json:"after"`
	Fell   bool      `json:"fell"`
	Cause  string    `json:"cause" example:"srlg:keihan-duct"`
}

// Availability is how long a characteristic had each status in a month. The time
// in which no controller ran is Unknown.
type Availability struct {
	Month          string `json:"month" example:"2026-11"`
	Characteristic string `json:"characteristic" example:"maxDelay" doc:"total: the intent as a whole"`
	SatisfiedMS    int64  `json:"satisfied_ms"`
	DegradedMS     int64  `json:"degraded_ms"`
	ViolatedMS     int64  `json:"violated_ms"`
	UnknownMS      int64  `json:"unknown_ms"`
}

// KnownMS is the time of which the status is known.
func (a *Availability) KnownMS() int64 { return a.SatisfiedMS + a.DegradedMS + a.ViolatedMS }
