package controller

import (
	"slices"
	"testing"

	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/controller/core"
	"github.com/keiro-net/keiro/pathspec"
)

// What is still being computed is said to be so, and no reserve or reason is
// given for it.
func TestExplainSaysWhatIsToCome(t *testing.T) {
	reserve := &pathspec.Reserve{Exact: true}
	satisfied := pathspec.Answer{Name: "gold", Status: pathspec.Satisfied, Optimal: true, Pending: true}
	for _, c := range []struct {
		name   string
		change func(*resource.IntentStatus)
		want   []string
		not    []string
	}{
		{"pending", func(*resource.IntentStatus) {}, []string{"reserve: being computed"}, nil},
		{"explained", func(s *resource.IntentStatus) { s.Answer.Pending, s.Answer.Reserve = false, reserve },
			[]string{"reserve: the whole requirement can still be met after exactly 0 link, 0 node, 0 srlg failures"}, []string{"reserve: being computed"}},
		{"the world has changed", func(s *resource.IntentStatus) { s.ObservedGeneration = 0 },
			[]string{"the answer to what changed last is being computed"}, nil},
		{"no answer", func(s *resource.IntentStatus) { s.Answer = answerOf(core.IntentView{}) }, []string{"why: no answer yet"}, []string{"reserve: being computed"}},
	} {
		i := &resource.Intent{Status: resource.IntentStatus{ObservedGeneration: 1, Answer: satisfied}}
		c.change(&i.Status)
		lines := explain(i, &resource.State{}).Lines
		for _, want := range c.want {
			if !slices.Contains(lines, want) {
				t.Errorf("%s: no line %q in %q", c.name, want, lines)
			}
		}
		for _, not := range c.not {
			if slices.Contains(lines, not) {
				t.Errorf("%s: line %q in %q", c.name, not, lines)
			}
		}
	}
}

// A reserve that is not known yet is no difference; another path is.
func TestSameAnswerComparesWhatIsKnown(t *testing.T) {
	pending := pathspec.Answer{Name: "gold", Status: pathspec.Satisfied, Cost: 1, Pending: true}
	full := pathspec.Answer{Name: "gold", Status: pathspec.Satisfied, Cost: 1, Reserve: &pathspec.Reserve{Exact: true}}
	dearer, weaker := full, full
	dearer.Cost, weaker.Reserve = 2, &pathspec.Reserve{}
	if !sameAnswer(&pending, &full) || !sameAnswer(&full, &full) {
		t.Error("a difference where there is none")
	}
	if sameAnswer(&pending, &dearer) || sameAnswer(&full, &weaker) {
		t.Error("no difference where there is one")
	}
}
