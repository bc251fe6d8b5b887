package controller

import (
	"testing"

	"github.com/keiro-net/keiro/pathspec"
)

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
