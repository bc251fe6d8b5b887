package timed

import (
	"testing"
	"time"

	"github.com/keiro-net/keiro/controller/api/resource"
)

var noon = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)

func at(wall, up time.Duration) Clock { return Clock{Wall: noon.Add(wall), Up: up} }

// A change goes back by whichever clock is first, also after a restart.
func TestDeadline(t *testing.T) {
	p := resource.Pending{Since: noon, Until: noon.Add(5 * time.Minute)}
	const m = time.Minute
	for _, c := range []struct {
		name       string
		first, now Clock
		passed     bool
	}{
		{"in time", at(0, 0), at(5*m-1, 5*m-1), false},
		{"over", at(0, 0), at(5*m, 5*m), true},
		{"the wall clock was set back", at(0, 0), at(-60*m, 5*m), true},
		{"the wall clock was set back, in time", at(0, 0), at(-60*m, 4*m), false},
		{"the wall clock was set forward", at(0, 0), at(60*m, 1*m), true},
		{"restarted in time", at(3*m, 0), at(4*m, 1*m), false},
		{"restarted in time, over", at(3*m, 0), at(5*m, 2*m), true},
		{"restarted too late", at(9*m, 0), at(9*m, 0), true},
		{"restarted with a clock of last week", at(-7*24*60*m, 0), at(-7*24*60*m+5*m, 5*m), true},
		{"restarted with a clock of last week, in time", at(-7*24*60*m, 0), at(-7*24*60*m+4*m, 4*m), false},
	} {
		if got := NewDeadline(c.first, p).Passed(c.now); got != c.passed {
			t.Errorf("%s: passed %t", c.name, got)
		}
	}
}

func TestCheckConfirm(t *testing.T) {
	for within, ok := range map[time.Duration]bool{0: false, -time.Hour: false, time.Second: true, 5 * time.Minute: true, 24 * time.Hour: true, 25 * time.Hour: false} {
		if err := CheckConfirm(within); (err == nil) != ok {
			t.Errorf("%s: %v", within, err)
		}
	}
}
