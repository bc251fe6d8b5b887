package probe

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/probe/stamp"
)

// wallClock joins the monotonic clock, by which everything here is measured,
// with the wall clock, by which the kernel stamps packets. Within this machine
// only the first counts, so a wall clock that is set changes nothing but the
// packets that were under way then, whose times are not used.
type wallClock struct {
	began time.Time
	shift time.Duration // of the wall clock against the monotonic one, since began
	steps uint32        // how often it was set
	known stamp.Estimate
	asked time.Time // when known was
	// adjtimex is that of the kernel, if nil.
	adjtimex func() stamp.Estimate
}

const (
	// leastStep is a shift that no clock is slewed by from one round to the
	// next: adjtimex(2) allows 500 ppm.
	leastStep = 2 * time.Millisecond
	askEvery  = time.Second
)

// look is to be called at the begin of each round.
func (c *wallClock) look(now time.Time) {
	if c.began.IsZero() {
		c.began = now
	}
	shift := now.Round(0).Sub(c.began.Round(0)) - now.Sub(c.began)
	stepped := (shift - c.shift).Abs() > leastStep
	if c.shift = shift; stepped {
		c.steps++
	}
	if stepped || now.Sub(c.asked) >= askEvery || c.asked.IsZero() {
		ask := c.adjtimex
		if ask == nil {
			ask = adjtimex
		}
		c.known, c.asked = ask(), now
	}
}

// of is a monotonic time.
func (c *wallClock) of(t time.Time) time.Duration { return t.Sub(c.began) }

// arrival is the monotonic time of the kernel's timestamp.
func (c *wallClock) arrival(at time.Time) time.Duration {
	return at.Round(0).Sub(c.began.Round(0)) - c.shift
}

// ntp is a monotonic time as a timestamp, by the wall clock as it was when the
// prober began.
func (c *wallClock) ntp(t time.Duration) stamp.NTP { return stamp.NTPOf(c.began.Add(t)) }

// adjtimex is what the kernel knows of its clock's error.
func adjtimex() stamp.Estimate {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	if err != nil || state == unix.TIME_ERROR || t.Status&unix.STA_UNSYNC != 0 || t.Maxerror < 0 {
		return stamp.Unsynced
	}
	return stamp.Synced(time.Duration(t.Maxerror) * time.Microsecond)
}
