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

// An alarm is not over because its headend does not know any more.
func TestUnknownEndsNoPathAlarm(t *testing.T) {
	s := installed(t)
	s.do([]string{"path", "a", "gold/1", "up"})
	s.do([]string{"path", "a", "gold/0", "up", "loss=beyond"})
	firing := func() (n int) {
		for _, a := range s.core.alarms {
			if a.Name == PathLossy {
				n++
			}
		}
		return n
	}
	if firing() != 1 {
		t.Fatal("no alarm")
	}
	n := s.core.nodes["a"]
	for what, doubt := range map[string]func() func(){
		"it has not confirmed": func() func() {
			acked := n.acked
			n.acked = nil
			return func() { n.acked = acked }
		},
		"no verdict": func() func() {
			s.do([]string{"path", "a", "gold/0", "unknown"})
			return func() {}
		},
	} {
		undo := doubt()
		for range 3 {
			s.now = s.now.Add(testParams.WaitToRestore)
			s.step(Tick{})
		}
		if firing() != 1 {
			t.Errorf("%s: it is over", what)
		}
		undo()
	}
	s.do([]string{"path", "a", "gold/0", "up", "loss=within"})
	s.now = s.now.Add(testParams.WaitToRestore)
	if s.step(Tick{}); firing() != 0 {
		t.Error("it never ends")
	}
}
