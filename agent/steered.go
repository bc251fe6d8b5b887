package agent

import (
	"reflect"
	"slices"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/steer"
)

// take takes in a Config of the controller, with the policies that BGP brings.
func (l *loop) take(given *nodecfg.Config) (*taken, error) {
	asked := given
	var faults []nodecfg.ObjectError
	if l.Routes != nil {
		var policies []nodecfg.Policy
		if policies, faults = steer.Policies(given, l.heard); len(policies) > 0 {
			merged := *given
			merged.Policies = slices.Concat(given.Policies, policies)
			slices.SortFunc(merged.Policies, func(a, b nodecfg.Policy) int { return int(a.ID) - int(b.ID) })
			if err := merged.Validate(); err != nil {
				return nil, err
			}
			asked = &merged
		}
	}
	t, err := l.above(asked)
	if err != nil {
		return nil, err
	}
	t.given, t.faults = given, faults
	return t, nil
}

// rehear obeys what is new by BGP. What cannot be obeyed as a whole changes
// nothing, as with a Config that is refused.
func (l *loop) rehear() {
	l.heard = l.Routes.Heard()
	if l.given == nil {
		return
	}
	t, err := l.take(l.given)
	switch {
	case err != nil:
		l.Log.Error("what bgp peers say is refused", "error", err)
		l.unsteered = &nodecfg.ObjectError{Object: "policies by bgp, of which those before stay", Error: err.Error()}
	case reflect.DeepEqual(t.asked.Policies, l.asked.Policies):
		l.faults, l.unsteered = t.faults, nil
	default:
		l.Log.Info("policies by bgp", "policies", len(t.asked.Policies)-len(t.given.Policies))
		l.obey(t)
	}
}
