package core

import (
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// Two nodes on which somebody changes the same intent's state are two alarms:
// neither takes the other's place.
func TestDriftsOfTwoNodes(t *testing.T) {
	s := installed(t)
	drift := func(node string, restored bool) {
		s.now = s.now.Add(time.Second)
		d := nodecfg.Drift{Object: "route", Change: "deleted", Intent: "gold", At: s.now}
		if restored {
			d.Restored = s.now
		}
		s.agents[node].sight = &fakeSight{drifts: []nodecfg.Drift{d}}
		s.report(node)
	}
	drift("a", false)
	drift("a", true)
	drift("d", false)
	for key, cause := range map[string]string{"path/drift/a": "node:a", "path/drift/d": "node:d"} {
		if a := s.core.alarms[key]; !a.Firing || a.Cause != cause {
			t.Errorf("%s: firing %t, cause %q, want %s", key, a.Firing, a.Cause, cause)
		}
	}
}
