// Package timed decides when a change that nobody confirmed is taken back (commit
// confirmed). It is pure: the time is an argument. The controller keeps the
// record, looks at the clock and does what is decided here.
//
// Wall clocks jump. A change goes back when the wall clock or the time that
// really passed says so, whichever is first: the state before was good, and
// whoever made the change may have lost his way to the controller.
package timed

import (
	"time"

	"github.com/keiro-net/keiro/controller/api/resource"
)

// Limits of what may be asked for.
const (
	MinConfirm = time.Second
	MaxConfirm = 24 * time.Hour
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
