package admit

import (
	"testing"

	"github.com/keiro-net/keiro/pathspec/solve/draw"
	"github.com/keiro-net/keiro/pathspec/solve/problem"
)

// TestLasting: an answer is not remembered where another is as cheap, since a
// search might find that one next time.
func TestLasting(t *testing.T) {
	for last, want := range map[string]bool{"y b 1 10": false, "y b 2 10": true} {
		r := New(problem.Ordered(draw.Wires("a x 1 10", "x b 1 10", "a y 1 10", last)), draw.Wants("one a b 10 0"), Policy{}, nil)
		r.Remember(NewMemory(1))
		for range 2 {
			if f, lasting := r.ask(0, r.reserved, r.halt); f.Cost != 2 || lasting != want {
				t.Errorf("%s: cost %d, lasting %v", last, f.Cost, lasting)
			}
		}
		if kept := len(r.memory.of[0]) == 1; kept != want {
			t.Errorf("%s: kept %v", last, kept)
		}
	}
}
