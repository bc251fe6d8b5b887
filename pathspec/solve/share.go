package solve

import (
	"slices"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/disjoint"
	"github.com/keiro-net/keiro/topology"
)

// clock shares the time of a call, so that no intent takes the time of those
// after it. What has a turn may use a part of what is left as large as that of
// every turn to come; what it does not use is left to those.
type clock struct {
	spent func() float64 // see Input.Spent
	stop  func() bool    // the call is over
	until float64        // when the turns are over, as spent counts
	turns int            // to come until then
}

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
func (c *clock) start(until float64, turns int) { c.until, c.turns = until, turns }

// next ends when n turns have used up their part.
func (c *clock) next(n int) *disjoint.Halt {
	now := c.spent()
	end := now + (c.until-now)*float64(n)/float64(max(c.turns, n))
	c.turns -= n
	return disjoint.NewHalt(func() bool { return c.stop() || c.spent() >= end })
}

// turn gives what comes now n turns. Without a clock all has the same halt.
func (r *run) turn(n int) {
	if r.clock != nil {
		r.hurried = r.hurried || r.halt.Stopped()
		r.halt = r.clock.next(n)
	}
}

// extend makes room for n turns more in a round.
func (r *run) extend(n int) {
	if r.clock != nil {
		r.clock.turns += n
	}
}

// share finds paths in two rounds: all intents first, in a part of the time
// each; then, in what is left, those whose time was too short, and those after
// them to whom they leave another capacity. Where the second round is long
// enough, the answers are those of a run without a clock.
func (r *run) share(c *clock, end float64) *run {
	r.clock = c
	if len(r.intents) == 1 {
		c.start(end, 1)
		r.walk()
		return r
	}
	turns := len(r.intents)
	if r.policy.shared() {
		for equals := range r.priorities() {
			turns += r.talks(equals)
		}
	}
	c.start(end*firstRound, turns)
	r.walk()
	r.turn(0)
	if !r.hurried || c.spent() >= end {
		return r
	}
	again := newRun(r.t, r.intents, r.policy, c.stop)
	again.clock, again.memory, again.prior = c, r.memory, &prior{r, make([]topology.Bandwidth, len(r.reserved))}
	turns = 0
	for i := range r.first {
		if !r.first[i].proven() {
			turns += openTurns
		}
	}
	if r.policy.shared() {
		for equals := range r.priorities() {
			turns += again.talks(equals)
		}
	}
	c.start(end, turns)
	again.walk()
	return again
}

// prior is the first round, as the second one follows it.
type prior struct {
	*run
	then []topology.Bandwidth // reserved at this point of the first round, of every link
}

// keep returns the answer of the first round where it is proven and the
// question is the same.
func (p *prior) keep(r *run, i int) (found, bool) {
	was := p.first[i]
	return was, was.proven() && p.same(r, i)
}

// same reports whether an intent has the same choice in both rounds.
func (p *prior) same(r *run, i int) bool {
	b := r.intents[i].Require.Bandwidth
	if r.intents[i].Objective == pathspec.Balance {
		return slices.Equal(p.then, r.reserved)
	}
	for l := 0; b > 0 && l < len(p.then); l += 2 {
		if (free(r.t, p.then, int32(l)) < b) != (free(r.t, r.reserved, int32(l)) < b) {
			return false
		}
	}
	return true
}

// better chooses between the answer of the second round and that of the first.
func (p *prior) better(r *run, i int, now found) found {
	was, same := p.first[i], p.same(r, i)
	if now.proven() {
		return now
	}
	if b := r.intents[i].Require.Bandwidth; !same && (was.set == nil || b > 0 && slices.ContainsFunc(slices.Concat(was.set...), func(l int32) bool {
		return free(r.t, r.reserved, l) < b
	})) {
		return now
	}
	bound := now.Bound
	if same {
		bound = max(bound, was.Bound)
	} else {
		was = r.state(i, was.set, r.reserved)
	}
	if now.set != nil && (was.set == nil || now.Cost < was.Cost) {
		was = now
	}
	was.Bound = bound
	return was
}

// passed follows the first round past an intent.
func (p *prior) passed(i int) {
	before := &run{intents: p.intents, reserved: p.then}
	before.book(i, p.first[i].set, 1)
}

// settled follows the first round past a priority.
func (p *prior) settled(equals []int) {
	before := &run{intents: p.intents, reserved: p.then}
	for _, i := range equals {
		before.book(i, p.first[i].set, -1)
		before.book(i, p.now[i].set, 1)
	}
}
