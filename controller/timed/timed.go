// Package timed decides what the clock does to what is declared: a change that
// nobody confirmed is taken back (commit confirmed), and a maintenance window
// begins and ends. It is pure: the time is an argument. The controller keeps the
// records, looks at the clock and does what is decided here.
//
// Wall clocks jump, and the two err to different sides. A change goes back when
// the wall clock or the time that really passed says so, whichever is first: the
// state before was good, and whoever made the change may have lost his way to
// the controller. A window ends by the wall clock alone: to end it early would
// send traffic over what somebody has his hands on, to end it late costs reserve.
package timed

import (
	"fmt"
	"time"

	"github.com/keiro-net/keiro/controller/api/resource"
)

// Limits of what may be asked for.
const (
	MinConfirm = time.Second
	MaxConfirm = 24 * time.Hour
	MinWindow  = time.Minute
	MaxWindow  = 30 * 24 * time.Hour
	MaxAhead   = 366 * 24 * time.Hour
)

// Look is how often the clock is looked at while something waits for it: a jump
// of the wall clock is noticed that late, since no timer notices it.
const Look = 10 * time.Second

// Clock is a moment by both clocks.
type Clock struct {
	Wall time.Time
	Up   time.Duration // since the controller started, by a clock that never jumps
}

// Deadline is when a change is taken back.
type Deadline struct {
	until time.Time
	up    time.Duration
}

// NewDeadline returns the Deadline of a change that is seen for the first time,
// as it was made or as it was read from the store after a restart. No jump in
// between gives it more time than was asked for.
func NewDeadline(now Clock, p resource.Pending) Deadline {
	left := min(p.Until.Sub(now.Wall), p.Until.Sub(p.Since))
	return Deadline{until: p.Until, up: now.Up + max(left, 0)}
}

// Passed reports whether the change is to be taken back.
func (d Deadline) Passed(now Clock) bool { return d.Left(now) <= 0 }

// Left is how long it has yet, at most.
func (d Deadline) Left(now Clock) time.Duration {
	return min(d.until.Sub(now.Wall), d.up-now.Up)
}

// CheckConfirm refuses a time to confirm that nobody means.
func CheckConfirm(within time.Duration) error {
	if within < MinConfirm || within > MaxConfirm {
		return resource.Errorf(resource.Invalid, "confirm %s: want from %s to %s, such as 5m", within, MinConfirm, MaxConfirm)
	}
	return nil
}

// Plan completes a drain that is asked for: with At it is planned, without it
// begins now, and ends by itself where long is given.
func Plan(d resource.Drain, long time.Duration, now time.Time) (resource.Drain, error) {
	d.Since, d.State, d.At, d.Until = now.UTC(), resource.DrainActive, d.At.UTC(), time.Time{}
	if d.At.IsZero() && long == 0 {
		return d, nil
	}
	if long < MinWindow || long > MaxWindow {
		return d, resource.Errorf(resource.Invalid, "a window of %s: say how long it is, from %s to %s, such as 2h", long, MinWindow, MaxWindow)
	}
	begin := d.At
	switch {
	case begin.IsZero():
		begin = d.Since
	case !begin.After(now):
		return d, resource.Errorf(resource.Invalid, "a window that begins at %s: that is past; it is %s here; to begin now leave the time out",
			stamp(begin), stamp(now))
	case begin.Sub(now) > MaxAhead:
		return d, resource.Errorf(resource.Invalid, "a window that begins at %s: that is more than a year from now, which is %s here", stamp(begin), stamp(now))
	default:
		d.State = resource.DrainPlanned
	}
	d.Until = begin.Add(long)
	return d, nil
}

// Act is what is to be done with a drain.
type Act int

// The acts.
const (
	Wait   Act = iota
	Begin      // ask the gate again, then drain
	End        // put it back into use
	Missed     // it was never begun, and is over: tell so and forget it
	Forget     // it was refused, and is over
)

// Decide says what the clock does to a drain now.
func Decide(d *resource.Drain, now time.Time) Act {
	over := !d.Until.IsZero() && !now.Before(d.Until)
	switch {
	case d.State == resource.DrainPlanned && over:
		return Missed
	case d.State == resource.DrainPlanned && !now.Before(d.At):
		return Begin
	case d.State == resource.DrainRefused && over:
		return Forget
	case d.InForce() && over:
		return End
	}
	return Wait
}

// Next is how long the clock need not be looked at for the sake of a drain;
// false: it waits for nothing.
func Next(d *resource.Drain, now time.Time) (time.Duration, bool) {
	at := d.Until
	if d.State == resource.DrainPlanned {
		at = d.At
	}
	return at.Sub(now), !at.IsZero()
}

// Overlap reports whether two windows are open at a time. One without an end
// lasts.
func Overlap(a, b *resource.Drain) bool {
	before := func(x, y *resource.Drain) bool { return !x.Until.IsZero() && !x.Until.After(begins(y)) }
	return !before(a, b) && !before(b, a)
}

func begins(d *resource.Drain) time.Time {
	if d.State == resource.DrainPlanned {
		return d.At
	}
	return d.Since
}

// Window says when a drain is to be, for messages.
func Window(d *resource.Drain) string {
	return fmt.Sprintf("from %s to %s", stamp(begins(d)), stamp(d.Until))
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
