package core

import (
	"slices"
	"strings"
	"testing"
)

// What the clock did is told once, outlives changes of the declared state, and
// is over when the clock says so.
func TestNoticed(t *testing.T) {
	s := newStage(t)
	s.do([]string{"start", "square.yaml", "two.yaml"})
	fires := func() bool {
		return slices.ContainsFunc(s.core.View(s.now).Alarms, func(a Alarm) bool { return a.Name == ChangeRolledBack })
	}
	refused := Noticed{
		Entries: []Entry{{Time: s.now, Type: ChangeRolledBack, Object: "link:a--b", Message: "no"}},
		Raise:   []Alarm{{Key: "change", Name: ChangeRolledBack, Cause: "link:a--b", DetectedAt: s.now, Message: "no"}},
	}
	first, again := strings.Join(s.step(refused), "\n"), strings.Join(s.step(refused), "\n")
	if !strings.Contains(first, ChangeRolledBack) || !fires() {
		t.Errorf("not told: %s", first)
	}
	if strings.Count(again, ChangeRolledBack) >= strings.Count(first, ChangeRolledBack) {
		t.Errorf("raised again: %s", again)
	}
	spec := s.core.spec
	spec.Generation++
	if s.step(SpecChanged{Spec: spec}); !fires() {
		t.Error("a change of something else ended it")
	}
	if s.step(Noticed{Over: []string{"change", "never/raised"}}); fires() {
		t.Error("it is over, and fires")
	}
}
