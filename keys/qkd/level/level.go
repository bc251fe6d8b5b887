// Package level judges a store of QKD keys from what its KME says of it over
// time: how much is there, how old that word is, how fast keys go, how long
// the store lasts, and whether a lane may count on it. It is pure; the agent
// feeds it one Gauge for each pair of SAEs and drains a lane before its store
// is dry. It asks no KME and holds no key.
package level

import (
	"errors"
	"math"
	"time"
)

// State is what a store allows. The zero value allows nothing.
type State uint8

// The states of a store.
const (
	None   State = iota // dry, or cannot tell: no key can be counted on
	Low                 // drain now: it lasts, but not for long
	Enough              // it lasts
)

// String is one word for tables and logs.
func (s State) String() string {
	switch s {
	case Enough:
		return "enough"
	case Low:
		return "low"
	}
	return "none"
}

// Config is how a store is judged. Nothing has a default.
type Config struct {
	PerKey time.Duration // we take at most one key in this time, on average
	Low    time.Duration // a store that lasts less is low: long enough to drain a lane
	Enough time.Duration // one that was low must last this long, more than Low,
	Hold   time.Duration // and for this long, until it is enough again
	MaxAge time.Duration // an older word of the KME is worth nothing
	Window time.Duration // over which falls of the store are counted
	// Spread: falls count as spread over at least this time. Lanes of a pair
	// take their keys together, and one such moment is no rate.
	Spread time.Duration
}

// Validate reports what is wrong with c.
func (c Config) Validate() error {
	switch {
	case c.PerKey <= 0 || c.Low <= 0 || c.MaxAge <= 0 || c.Window <= 0 || c.Hold < 0 || c.Spread < 0:
		return errors.New("level: PerKey, Low, MaxAge and Window must be more than zero, Hold and Spread not less")
	case c.Enough <= c.Low:
		return errors.New("level: Enough must be more than Low, or the state would flap")
	}
	return nil
}

// Reading is a store at one moment.
type Reading struct {
	State  State
	Keys   int           // the KME's last word
	Age    time.Duration // of that word
	PerKey time.Duration // mean time between two keys taken: seen, or ours if that is shorter
	Lasts  time.Duration // until dry if no key is generated any more
	Known  bool          // false: nothing above but the age means anything, and State is None
}

// maxSamples bounds a gauge; with more in the window the oldest go.
const maxSamples = 256

type sample struct {
	at   time.Time
	keys int
}

// Gauge is one store watched over time. It is no safer for several goroutines
// than a map.
type Gauge struct {
	cfg     Config
	samples []sample // ascending in time, within the window
	state   State
	good    time.Time // since when it lasts for Enough; zero: it does not
}

// New makes a gauge of a store of which nothing is known.
func New(c Config) (*Gauge, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return &Gauge{cfg: c}, nil
}

// Pace says that from now on we take at most one key in this time: lanes come
// and go.
func (g *Gauge) Pace(perKey time.Duration) { g.cfg.PerKey = max(perKey, 1) }

// Observe takes the number of keys that the KME said it had at a time. A KME
// that has no key when asked for one (503) has 0, whatever its status says. A
// word not newer than the last is dropped.
func (g *Gauge) Observe(at time.Time, keys int) {
	first := len(g.samples) == 0
	if !first {
		last := g.samples[len(g.samples)-1].at
		if !at.After(last) {
			return
		}
		if at.Sub(last) > g.cfg.MaxAge { // what happened meanwhile, nobody saw
			g.samples, g.state, g.good = g.samples[:0], None, time.Time{}
		}
	}
	g.samples = append(g.samples, sample{at, max(keys, 0)})
	old := 0
	for at.Sub(g.samples[old].at) > g.cfg.Window || len(g.samples)-old > maxSamples {
		old++
	}
	g.samples = append(g.samples[:0], g.samples[old:]...)
	g.judge(at, first)
}

// judge moves the state. Down it goes at once; up to Enough only from the
// upper threshold and after Hold, but for the first word of all, which is
// believed so that a restarted agent need not wait.
func (g *Gauge) judge(at time.Time, first bool) {
	lasts := g.lasts()
	if lasts < g.cfg.Enough {
		g.good = time.Time{}
	} else if g.good.IsZero() {
		g.good = at
	}
	held := !g.good.IsZero() && at.Sub(g.good) >= g.cfg.Hold
	switch {
	case lasts == 0:
		g.state = None
	case lasts < g.cfg.Low:
		g.state = Low
	case held || first && !g.good.IsZero():
		g.state = Enough
	case g.state == None:
		g.state = Low
	}
}

// perKey is the mean time between two keys taken. Falls between two words are
// a lower bound of what was taken, since keys are generated too; so what we
// take ourselves counts where it is more.
func (g *Gauge) perKey() time.Duration {
	falls := 0
	for i := 1; i < len(g.samples); i++ {
		falls += max(g.samples[i-1].keys-g.samples[i].keys, 0)
	}
	if falls == 0 {
		return g.cfg.PerKey
	}
	span := max(g.samples[len(g.samples)-1].at.Sub(g.samples[0].at), g.cfg.Spread)
	return max(min(g.cfg.PerKey, span/time.Duration(falls)), 1)
}

// lasts is how long the last word lasts when the QKD system stops now. That
// it goes on is no promise of anybody.
func (g *Gauge) lasts() time.Duration {
	keys := time.Duration(g.samples[len(g.samples)-1].keys)
	if each := g.perKey(); keys <= math.MaxInt64/each {
		return keys * each
	}
	return math.MaxInt64
}

// Read is the store as it must be taken to be now.
func (g *Gauge) Read(now time.Time) Reading {
	if len(g.samples) == 0 {
		return Reading{}
	}
	last := g.samples[len(g.samples)-1]
	r := Reading{Age: now.Sub(last.at)}
	if r.Age < 0 || r.Age > g.cfg.MaxAge {
		return r
	}
	r.Known, r.State, r.Keys = true, g.state, last.keys
	r.PerKey, r.Lasts = g.perKey(), g.lasts()
	return r
}
