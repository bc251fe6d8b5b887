package page

import (
	"encoding/json"
	"time"

	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/pathspec"
)

// spec is what the tables need of an intent's spec.
type spec struct {
	Objective pathspec.Objective
	Require   struct{ Multiplicity int }
}

// specOf reads the spec of an intent; what it does not say has its default.
func specOf(i *resource.Intent) spec {
	s := spec{}
	_ = json.Unmarshal(i.Spec, &s) // of a newer controller, perhaps: then the defaults
	s.Require.Multiplicity = max(s.Require.Multiplicity, 1)
	return s
}

// Objective is what the cost of an intent's paths counts.
func Objective(i *resource.Intent) pathspec.Objective { return specOf(i).Objective }

// since is the time of the latest change of a condition.
func since(i *resource.Intent) (latest time.Time) {
	for _, c := range i.Status.Conditions {
		if c.LastTransitionTime.After(latest) {
			latest = c.LastTransitionTime
		}
	}
	return latest
}
