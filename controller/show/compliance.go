package show

import (
	"maps"
	"slices"

	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/controller/comply"
)

// Compliance is what is remembered of the characteristics of an intent.
func Compliance(intent string, l *comply.Ledger) *resource.Compliance {
	out := &resource.Compliance{
		Intent: intent, Status: overall(l.Conditions), Characteristics: characteristics(l.Conditions),
		Erosions: []resource.Erosion{}, Months: []resource.Availability{},
	}
	for _, e := range l.Erosions {
		out.Erosions = append(out.Erosions, resource.Erosion{At: e.At, What: e.What, Before: e.Before.String(), After: e.After.String(), Fell: e.Fell, Cause: e.Cause})
	}
	for _, m := range l.Months {
		for _, name := range slices.Sorted(maps.Keys(m.Spent)) {
			spent := m.Spent[name]
			out.Months = append(out.Months, resource.Availability{
				Month: m.Month, Characteristic: name,
				SatisfiedMS: spent[comply.Satisfied], DegradedMS: spent[comply.Degraded], ViolatedMS: spent[comply.Violated], UnknownMS: spent[comply.Unknown],
			})
		}
	}
	return out
}

func overall(conditions []comply.Condition) resource.ComplianceStatus {
	return resource.ComplianceStatus(comply.Overall(conditions).Status)
}

func characteristics(conditions []comply.Condition) []resource.Characteristic {
	out := make([]resource.Characteristic, 0, len(conditions))
	for _, c := range conditions {
		out = append(out, resource.Characteristic{
			Name: c.Characteristic, Status: resource.ComplianceStatus(c.Status), Declared: c.Declared, Measured: c.Measured, Since: c.Since, Cause: c.Cause,
		})
	}
	return out
}
