package halt

import "testing"

// TestHalt: an allowance ends what has it and nothing else; the first yes of
// the caller ends all, for good.
func TestHalt(t *testing.T) {
	yes := false
	h := New(func() bool { return yes })
	a := h.Allow(10)
	if a.Work(10); a.Now() {
		t.Error("stopped within the allowance")
	}
	if a.Work(1); !a.Now() || h.Now() {
		t.Errorf("allowance used up: stopped %v, what it is part of %v", a.Stopped(), h.Stopped())
	}
	b := h.Allow(10)
	yes = true
	if !b.Now() || !h.Stopped() {
		t.Errorf("the caller says stop: part %v, whole %v", b.Stopped(), h.Stopped())
	}
	if yes = false; !h.Now() || !b.Now() {
		t.Error("not for good")
	}
}
