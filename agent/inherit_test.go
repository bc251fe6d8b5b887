package agent

import (
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// An agent that begins again does not send packets into the failure that the one
// before has repaired: what that left out comes back when probes do, or when none
// say anything.
func TestInheritsRepair(t *testing.T) {
	w := newTriangle(t)
	w.a.cfg.Probe = nodecfg.Probe{Interval: 10 * time.Millisecond, Lost: 3, Back: 5}
	dir := t.TempDir()
	a := start(t, w.a, dir)
	a.in <- nodecfg.ToAgent{Config: w.a.cfg}
	a.report("first path", active("gold/0"))
	a.prober.say("gold/0")
	a.report("second path", active("gold/1"))
	a.stop()

	again := func() *running {
		t.Helper()
		a := start(t, w.a, dir)
		if r := a.report("reached", reached); !active("gold/1")(r) || active("gold/0")(r) {
			t.Fatalf("a new agent turns back to the path that was down: %+v", r.Paths)
		}
		if n := a.kernel.ops.Load(); n != 0 {
			t.Fatalf("%d operations on adoption, want none", n)
		}
		return a
	}
	again().stop()

	a = again()
	a.prober.say("gold/0") // as before
	a.report("the path is down", func(r *nodecfg.Report) bool { return r.Paths[0].State == nodecfg.Down })
	if n := a.kernel.ops.Load(); n != 0 {
		t.Errorf("%d operations though nothing has changed", n)
	}
	a.stop()

	a = again()
	a.prober.states = []nodecfg.PathState{{Name: "gold/0", State: nodecfg.Up}}
	a.prober.changes <- struct{}{}
	a.report("first path, as it is up", active("gold/0"))
	a.prober.say("gold/0")
	a.report("second path", active("gold/1"))
	a.stop()

	began := time.Now()
	a = again()
	a.report("first path, as nobody knows", active("gold/0"))
	if took := time.Since(began); took < inheritance {
		t.Errorf("after %s already", took)
	}
}

// Probes that are far between are waited for as well.
func TestInheritanceOfSlowProbes(t *testing.T) {
	for _, tt := range []struct {
		probe nodecfg.Probe
		want  time.Duration
	}{
		{nodecfg.Probe{Interval: 10 * time.Millisecond, Lost: 3, Back: 5}, inheritance},
		{nodecfg.Probe{Interval: time.Second, Lost: 3, Back: 2}, 5 * time.Second},
		{nodecfg.Probe{Interval: 10 * time.Second, Lost: 3, Back: 5}, 52 * time.Second},
	} {
		if got := inheritanceOf(tt.probe); got != tt.want {
			t.Errorf("%+v: %s, want %s", tt.probe, got, tt.want)
		}
	}
}
