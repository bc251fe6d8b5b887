package pathspec

// Joint says how good the answers are together, and what they changed.
type Joint struct {
	Admitted int `json:"admitted"` // intents that are satisfied
	// FirstCome is how many would be if those of one priority were admitted in
	// file order and none made room for another.
	FirstCome int `json:"first_come"`
	// Moves is how many intents left a path set that could have stood by
	// itself: that of the standing solution, or where none was given that of
	// first come, first served.
	Moves int `json:"moves"`
	// Kept is how many kept a standing set that is not the one that would be
	// chosen today.
	Kept      int         `json:"kept"`
	Preempted int         `json:"preempted"` // intents that stood, and others have their capacity now
	Costs     []JointCost `json:"costs"`     // one for each objective that an intent has
}

// JointCost sums the costs of the satisfied intents of one objective. Costs of
// different objectives do not add up.
type JointCost struct {
	Objective string `json:"objective"`
	Cost      int64  `json:"cost"`
	FirstCome int64  `json:"first_come"` // of those that first come, first served satisfies
	// Bound is the sum of what each of the satisfied would cost alone on the
	// network, which no joint solution of them can be below; null where it was
	// not proven.
	Bound *int64 `json:"bound"`
}

// WhyPreempted: the intent stood, and intents that come before it, by priority
// or then in file order, have the capacity that it needs.
const WhyPreempted = "pre-empted"
