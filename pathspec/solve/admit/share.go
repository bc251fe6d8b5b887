package admit

import (
	"github.com/keiro-net/keiro/pathspec/solve/disjoint"
)

// Clock shares the time of a call, so that no intent takes the time of those
// after it. What has a turn may use a part of what is left as large as that of
// every turn to come; what it does not use is left to those.
type Clock struct {
	spent func() float64 // from 0 to 1
	stop  func() bool    // the call is over
	until float64        // when the turns are over, as spent counts
	turns int            // to come until then
}

// NewClock shares a time of which spent tells the part that has passed, from 0
// to 1, until stop.
func NewClock(spent func() float64, stop func() bool) *Clock { return &Clock{spent: spent, stop: stop} }

// The first round of paths ends after this part of the time for paths, the
// time for paths after this part of the whole where more is asked for.
const (
	firstRound = 0.25
	forPaths   = 0.75
)

// An intent that is open has more turns in the second round than the rest,
// which is mostly done again in no time.
const openTurns = 4

// start begins a round of some turns.
func (c *Clock) start(until float64, turns int) { c.until, c.turns = until, turns }

// next ends when n turns have used up their part.
func (c *Clock) next(n int) *disjoint.Halt {
	now := c.spent()
	end := now + (c.until-now)*float64(n)/float64(max(c.turns, n))
	c.turns -= n
	return disjoint.NewHalt(func() bool { return c.stop() || c.spent() >= end })
}

// turn gives what comes now n turns. Without a clock all has the same halt.
func (r *Run) turn(n int) {
	if r.clock != nil {
		r.hurried = r.hurried || r.halt.Stopped()
		r.halt = r.clock.next(n)
	}
}

// extend makes room for n turns more in a round.
func (r *Run) extend(n int) {
	if r.clock != nil {
		r.clock.turns += n
	}
}

// Share finds paths in two rounds: all intents first, in a part of the time
// each; then, in what is left, those whose time was too short, and those after
// them to whom they leave another capacity. Where the second round is long
// enough, the answers are those of a run without a clock. It returns the run
// to go on with; what is told after the paths has a part of the time as well.
func (r *Run) Share(c *Clock, of Detail) *Run {
	r.clock = c
	end := forPaths
	if of == Paths {
		end = 1
	}
	if len(r.intents) == 1 {
		c.start(end, 1)
		r.Walk()
		return r
	}
	turns := len(r.intents)
	if r.policy.Shared() {
		for equals := range r.priorities() {
			turns += r.talks(equals)
		}
	}
	c.start(end*firstRound, turns)
	r.Walk()
	r.turn(0)
	if !r.hurried || c.spent() >= end {
		return r
	}
	again := New(r.t, r.intents, r.policy, c.stop)
	again.clock, again.memory, again.past = c, r.memory, newPast(r)
	turns = 0
	for i := range r.first {
		if !r.first[i].Proven() {
			turns += openTurns
		}
	}
	if r.policy.Shared() {
		for equals := range r.priorities() {
			turns += again.talks(equals)
		}
	}
	c.start(end, turns)
	again.Walk()
	return again
}
