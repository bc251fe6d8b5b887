package probe

import "time"

// clock is time as the prober lived through it. Where the prober was kept from
// running for more than an interval longer than it meant to sleep, the machine
// was too busy or stood still, and packets may have been kept waiting as well:
// that stretch is not held against the probes under way. Two such stretches
// never follow each other, so a machine that is always late judges slowly but
// does judge.
type clock struct {
	lived   time.Duration
	last    time.Time
	excused bool
}

// advance moves lived on to now, planned being how long the prober meant to
// sleep at most.
func (c *clock) advance(now time.Time, planned, interval time.Duration) time.Duration {
	passed := now.Sub(c.last)
	if c.last.IsZero() {
		passed = 0
	}
	c.last = now
	if most := planned + interval; passed > most {
		passed = most
		if !c.excused {
			passed = 0
		}
		c.excused = !c.excused
	} else {
		c.excused = false
	}
	c.lived += max(passed, 0)
	return c.lived
}
