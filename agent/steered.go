package agent

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/steer"
)

// hearing is the least time between two looks at what peers say by BGP, so that one
// whose policies flap does not keep kernel and machine busy.
const hearing = 50 * time.Millisecond

// take takes in a Config of the controller, with the policies that BGP brings. What
// they come to never has a Config refused: where the floors cannot be kept with those
// of now, those before stay, and if that cannot be either there are none.
func (l *loop) take(given *nodecfg.Config) (*taken, error) {
	if l.Routes == nil {
		t, err := l.above(given)
		if err == nil {
			t.given = given
		}
		return t, err
	}
	heard := *l.heard
	heard.Near = l.near
	policies, faults := steer.Policies(given, &heard)
	t, err := l.above(with(given, policies))
	if why := err; err != nil {
		for _, kept := range [][]nodecfg.Policy{l.steered(given), nil} {
			cfg := with(given, kept)
			if err = cfg.Validate(); err != nil {
				continue
			}
			if t, err = l.above(cfg); err == nil {
				l.Log.Error("what bgp peers say is refused", "error", why)
				t.unsteered = &nodecfg.ObjectError{Object: "policies by bgp", Error: fmt.Sprintf("what peers say now cannot be obeyed, and %d policies from before stay: %v", len(kept), why)}
				break
			}
		}
	}
	if err != nil {
		return nil, err
	}
	t.given, t.faults = given, faults
	return t, nil
}

// with is a Config with more policies.
func with(given *nodecfg.Config, policies []nodecfg.Policy) *nodecfg.Config {
	if len(policies) == 0 {
		return given
	}
	merged := *given
	merged.Policies = slices.Concat(given.Policies, policies)
	slices.SortFunc(merged.Policies, func(a, b nodecfg.Policy) int { return int(a.ID) - int(b.ID) })
	return &merged
}

// steered are the policies by BGP that are obeyed, but for those whose number a
// Config has.
func (l *loop) steered(given *nodecfg.Config) []nodecfg.Policy {
	if l.asked == nil {
		return nil
	}
	in := func(cfg *nodecfg.Config, id uint16) bool {
		_, there := slices.BinarySearchFunc(cfg.Policies, id, func(p nodecfg.Policy, id uint16) int { return int(p.ID) - int(id) })
		return there
	}
	return slices.DeleteFunc(slices.Clone(l.asked.Policies), func(p nodecfg.Policy) bool { return in(l.given, p.ID) || in(given, p.ID) })
}

// look asks for what the node is attached to, which changes without a word.
func (l *loop) look() {
	if l.Routes == nil || l.Near == nil {
		return
	}
	near := l.Near()
	slices.SortFunc(near, netip.Prefix.Compare)
	if near != nil && !slices.Equal(near, l.near) {
		l.near, l.unheard = near, true
	}
}

// rehear obeys what is new by BGP.
func (l *loop) rehear() {
	l.heard, l.unheard = l.Routes.Heard(), false
	defer func() { l.heardAt = time.Now() }()
	if l.given == nil {
		return
	}
	t, err := l.take(l.given)
	switch {
	case err != nil:
		l.Log.Error("what bgp peers say is refused", "error", err)
		l.unsteered = &nodecfg.ObjectError{Object: "policies by bgp, of which those before stay", Error: err.Error()}
	case reflect.DeepEqual(t.asked.Policies, l.asked.Policies):
		l.faults, l.unsteered = t.faults, t.unsteered
	default:
		l.Log.Info("policies by bgp", "policies", len(t.asked.Policies)-len(t.given.Policies))
		l.obey(t)
	}
}
