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

func TestPlan(t *testing.T) {
	for _, c := range []struct {
		name  string
		at    time.Time
		long  time.Duration
		state resource.DrainState // "": refused
		until time.Time
	}{
		{"now, until undrain", time.Time{}, 0, resource.DrainActive, time.Time{}},
		{"now, for a time", time.Time{}, time.Hour, resource.DrainActive, noon.Add(time.Hour)},
		{"later", noon.Add(time.Hour), time.Hour, resource.DrainPlanned, noon.Add(2 * time.Hour)},
		{"of another zone", noon.Add(time.Hour).In(time.FixedZone("JST", 9*3600)), time.Hour, resource.DrainPlanned, noon.Add(2 * time.Hour)},
		{"later, for how long?", noon.Add(time.Hour), 0, "", time.Time{}},
		{"too short", time.Time{}, time.Second, "", time.Time{}},
		{"backwards", noon.Add(time.Hour), -time.Hour, "", time.Time{}},
		{"too long", time.Time{}, MaxWindow + 1, "", time.Time{}},
		{"past", noon.Add(-time.Minute), time.Hour, "", time.Time{}},
		{"this very moment", noon, time.Hour, "", time.Time{}},
		{"in the year 9999", time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), time.Hour, "", time.Time{}},
	} {
		// What a caller says of the state does not count.
		d, err := Plan(resource.Drain{State: resource.DrainRefused, At: c.at, Until: noon.Add(9 * time.Hour)}, c.long, noon)
		if c.state == "" {
			if err == nil {
				t.Errorf("%s: %+v", c.name, d)
			}
			continue
		}
		if err != nil || d.State != c.state || !d.Until.Equal(c.until) || d.Since != noon {
			t.Errorf("%s: %+v, %v", c.name, d, err)
		}
	}
}

func TestDecide(t *testing.T) {
	window := func(s resource.DrainState) *resource.Drain {
		return &resource.Drain{State: s, Since: noon, At: noon.Add(time.Hour), Until: noon.Add(3 * time.Hour)}
	}
	planned, active, refused := window(resource.DrainPlanned), window(resource.DrainActive), window(resource.DrainRefused)
	for _, c := range []struct {
		name  string
		drain *resource.Drain
		now   time.Duration
		want  Act
	}{
		{"until undrain", &resource.Drain{State: resource.DrainActive, Since: noon}, 9999 * time.Hour, Wait},
		{"kept before there were windows", &resource.Drain{Since: noon}, 9999 * time.Hour, Wait},
		{"planned", planned, 59 * time.Minute, Wait},
		{"begins", planned, time.Hour, Begin},
		{"begins late: the controller was away", planned, 2 * time.Hour, Begin},
		{"never begun", planned, 3 * time.Hour, Missed},
		{"lasts", active, 3*time.Hour - 1, Wait},
		{"lasts though the clock was set back before its begin", active, -time.Hour, Wait},
		{"ends", active, 3 * time.Hour, End},
		{"ends late", active, 30 * time.Hour, End},
		{"refused, shown", refused, 2 * time.Hour, Wait},
		{"refused, over", refused, 3 * time.Hour, Forget},
	} {
		if got := Decide(c.drain, noon.Add(c.now)); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
		next, waits := Next(c.drain, noon.Add(c.now))
		if waits != !c.drain.Until.IsZero() || waits && (c.want == Wait) != (next > 0) {
			t.Errorf("%s: next look in %s, %t", c.name, next, waits)
		}
	}
}

func TestOverlap(t *testing.T) {
	w := func(from, to int) *resource.Drain {
		d := &resource.Drain{State: resource.DrainPlanned, At: noon.Add(time.Duration(from) * time.Hour)}
		if to > 0 {
			d.Until = noon.Add(time.Duration(to) * time.Hour)
		}
		return d
	}
	for _, c := range []struct {
		a, b *resource.Drain
		want bool
	}{
		{w(1, 2), w(2, 3), false}, {w(1, 3), w(2, 4), true}, {w(1, 9), w(2, 3), true}, {w(1, 0), w(2, 3), true}, {w(5, 0), w(2, 3), false},
	} {
		if Overlap(c.a, c.b) != c.want || Overlap(c.b, c.a) != c.want {
			t.Errorf("%s and %s: want %t", Window(c.a), Window(c.b), c.want)
		}
	}
}
