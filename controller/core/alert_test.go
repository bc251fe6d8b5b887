package core

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/controller/compile"
)

// fleet is a stage with many intents from a to d, of two paths each, all there.
func fleet(t *testing.T, intents int) *stage {
	t.Helper()
	s := newStage(t)
	s.load("square.yaml", "two.yaml")
	gold := s.spec.Intents[0]
	s.spec.Intents = nil
	for n := range intents {
		one := gold
		one.Name = fmt.Sprintf("i%02d", n)
		s.spec.Intents = append(s.spec.Intents, one)
	}
	var err error
	if s.spec.IDs, err = compile.Allocate(compile.IDs{}, s.spec.Topology, s.spec.Intents); err != nil {
		t.Fatal(err)
	}
	s.step(Started{Spec: s.spec})
	for _, command := range []string{"connect all", "solve", "obey all", "obey all"} {
		s.do(strings.Fields(command))
	}
	for _, i := range s.core.intents {
		if len(i.standing.Paths) != 2 {
			t.Fatalf("%s: %+v", i.spec.Name, i.answer)
		}
	}
	return s
}

func (s *stage) alarmsOf(name string) (found []Alarm) {
	for _, key := range sortedKeys(s.alarms) {
		if s.alarms[key].Name == name && s.alarms[key].Firing {
			found = append(found, s.alarms[key])
		}
	}
	return found
}

// TestOneDuctOneAlarm: a duct with two links is cut, seen at four ends, and
// hits 40 intents: one alarm that names the duct and has all of them, with what
// each end saw; and one for all that it leaves without a path set.
func TestOneDuctOneAlarm(t *testing.T) {
	const intents = 40
	s := fleet(t, intents)
	var told []string
	for _, command := range []string{"down a--b a", "down c--d d", "down a--b b", "down c--d c", "solve", "solve", "wait 20ms", "obey all", "explain", "wait 1s", "wait 10s"} {
		for _, line := range s.do(strings.Fields(command)) {
			if strings.HasPrefix(line, "raise ") || strings.HasPrefix(line, "update ") {
				told = append(told, line)
			}
		}
	}
	if len(told) != 2 {
		t.Errorf("%d alarms were told, want 2:\n%s", len(told), strings.Join(told, "\n"))
	}
	for _, name := range []string{PathSetLost, IntentInfeasible} {
		found := s.alarmsOf(name)
		if len(found) != 1 || found[0].Cause != "srlg:duct" || len(found[0].Intents) != intents || !slices.IsSorted(found[0].Intents) {
			t.Fatalf("%s: %+v", name, found)
		}
		var saw []string
		for _, e := range found[0].Evidence {
			saw = append(saw, e.Kind+" "+e.Source+" "+e.Text)
			if e.At.IsZero() || e.At.After(found[0].DetectedAt) {
				t.Errorf("seen at %s, detected at %s", e.At, found[0].DetectedAt)
			}
		}
		want := []string{
			"netlink node:a the interface of link a--b, eth1, is down or has no carrier", "netlink node:b the interface of link a--b, eth1, is down or has no carrier",
			"netlink node:c the interface of link c--d, eth2, is down or has no carrier", "netlink node:d the interface of link c--d, eth2, is down or has no carrier",
		}
		if slices.Sort(saw); !slices.Equal(saw, want) {
			t.Errorf("evidence %q", saw)
		}
	}
	// Over: one message each again, with what is seen now.
	told = nil
	for _, command := range []string{"up a--b a", "up a--b b", "up c--d c", "up c--d d", "wait 3s", "solve", "obey all"} {
		for _, line := range s.do(strings.Fields(command)) {
			if strings.HasPrefix(line, "resolve ") {
				told = append(told, line)
			}
		}
	}
	if len(told) != 2 {
		t.Errorf("resolved: %q", told)
	}
	over := s.alarms["lost/srlg:duct"]
	if over.Firing || over.ResolvedAt.IsZero() || over.DetectedAt.Equal(over.ResolvedAt) || len(over.Evidence) != 4 || !strings.Contains(over.Evidence[0].Text, "is up") {
		t.Errorf("%+v", over)
	}
}

// TestOneChangeOneAlarm: a change of what is declared that no intent survives
// is one alarm, which names it.
func TestOneChangeOneAlarm(t *testing.T) {
	s := fleet(t, 5)
	spec := s.spec
	spec.Generation++
	spec.Intents = slices.Clone(spec.Intents)
	for n := range spec.Intents {
		spec.Intents[n].Require.Multiplicity = 3
	}
	s.spec = spec
	s.step(SpecChanged{Spec: spec})
	s.do([]string{"solve"})
	found := s.alarmsOf(IntentInfeasible)
	if len(found) != 1 || len(found[0].Intents) != 5 || found[0].Cause != "generation 2" || found[0].Change != "generation 2" ||
		len(found[0].Evidence) != 1 || found[0].Evidence[0].Kind != ByChange {
		t.Fatalf("%+v", found)
	}
	// One of them is mended: the same alarm, told again with what it still hits.
	spec.Generation++
	spec.Intents = slices.Clone(spec.Intents)
	spec.Intents[2].Require.Multiplicity = 2
	s.spec = spec
	s.step(SpecChanged{Spec: spec})
	s.do([]string{"solve"})
	s.do([]string{"wait", "1s"})
	found = s.alarmsOf(IntentInfeasible)
	if len(found) != 1 || !slices.Equal(found[0].Intents, []string{"i00", "i01", "i03", "i04"}) || found[0].Updates != 1 || found[0].Change != "generation 2" {
		t.Fatalf("%+v", found)
	}
}

// TestUpdates: coalesced, twice as far apart each time, graver ones at once,
// and not where all is as it was told.
func TestUpdates(t *testing.T) {
	c := New(testParams)
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	a := Alarm{Key: "k", Name: "N", Severity: "warning", After: "1", Intents: []string{"gold"}, DetectedAt: now}
	c.raise(a)
	tell := func(at time.Duration) (raised []Alarm, wake time.Duration) {
		c.effects = nil
		c.tellUpdates(now.Add(at))
		for _, e := range c.effects {
			switch e := e.(type) {
			case Raise:
				raised = append(raised, e.Alarm)
			case WakeAt:
				wake = e.At.Sub(now)
			}
		}
		return raised, wake
	}
	say := func(severity, after string, intents ...string) {
		a.Severity, a.After, a.Intents = severity, after, intents
		c.update(a)
	}
	a.Message = "other words"
	say("warning", "1", "gold")
	if raised, wake := tell(time.Hour); len(raised) > 0 || wake != 0 {
		t.Errorf("other words for the same: %+v, wake in %s", raised, wake)
	}
	say("warning", "2", "gold")
	if raised, wake := tell(0); len(raised) > 0 || wake != time.Second {
		t.Errorf("too soon: %+v, wake in %s", raised, wake)
	}
	say("warning", "3", "gold", "iron")
	raised, _ := tell(time.Second)
	if len(raised) != 1 || raised[0].After != "3" || raised[0].Updates != 1 || !raised[0].UpdatedAt.Equal(now.Add(time.Second)) || !raised[0].DetectedAt.Equal(now) {
		t.Errorf("%+v", raised)
	}
	say("warning", "4", "gold", "iron")
	if raised, wake := tell(2 * time.Second); len(raised) > 0 || wake != 3*time.Second {
		t.Errorf("%+v, wake in %s", raised, wake)
	}
	say("warning", "3", "gold", "iron") // and back
	if raised, wake := tell(3 * time.Second); len(raised) > 0 || wake != 0 {
		t.Errorf("nothing new: %+v, wake in %s", raised, wake)
	}
	say("critical", "3", "gold", "iron")
	if raised, _ := tell(3 * time.Second); len(raised) != 1 || raised[0].Updates != 2 || !slices.Equal(raised[0].Severities, []string{"warning"}) {
		t.Errorf("graver: %+v", raised)
	}
	say("warning", "3", "gold", "iron")
	if raised, wake := tell(4 * time.Second); len(raised) > 0 || wake != 7*time.Second {
		t.Errorf("less grave: %+v, wake in %s", raised, wake)
	}
	c.effects = nil
	c.resolve(now.Add(5*time.Second), "k")
	if raised, wake := tell(time.Hour); len(raised) > 0 || wake != 0 {
		t.Errorf("an update of what is over: %+v", raised)
	}
	for range 20 { // a minute at most
		a.DetectedAt = now
		c.raise(a)
	}
	for n := range 20 {
		say("warning", fmt.Sprint("x", n), "gold")
		at := time.Duration(n) * time.Hour
		c.tellUpdates(now.Add(at + 30*time.Minute))
		say("warning", fmt.Sprint("y", n), "gold")
		if raised, wake := tell(at + 30*time.Minute); len(raised) > 0 || wake > at+31*time.Minute {
			t.Errorf("after %d updates: wake in %s", n, wake-at)
		}
	}
}
