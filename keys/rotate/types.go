package rotate

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Lane names one encrypted tunnel of the pair.
type Lane struct {
	Intent string `json:"intent"`
	Index  int    `json:"index"`
}

func (l Lane) String() string { return fmt.Sprintf("%s/%d", l.Intent, l.Index) }

func (l Lane) compare(other Lane) int {
	return cmp.Or(cmp.Compare(l.Intent, other.Intent), cmp.Compare(l.Index, other.Index))
}

// Level is how strong a lane's key is. Each includes the strength of those
// before it. WireGuard alone, without a key of ours, is Classic.
type Level uint8

// The levels, in their order.
const (
	None Level = iota
	Classic
	PQ
	QKD
)

var levels = [...]string{"none", "classic", "pq", "qkd"}

func (l Level) String() string {
	if int(l) < len(levels) {
		return levels[l]
	}
	return fmt.Sprintf("level %d", uint8(l))
}

// MarshalText writes a level as an intent's `encryption` does.
func (l Level) MarshalText() ([]byte, error) {
	if int(l) >= len(levels) {
		return nil, fmt.Errorf("no such level: %d", uint8(l))
	}
	return []byte(levels[l]), nil
}

// UnmarshalText reads what MarshalText writes.
func (l *Level) UnmarshalText(text []byte) error {
	i := slices.Index(levels[:], string(text))
	if i < 0 {
		return fmt.Errorf("no such level: %q", text)
	}
	*l = Level(i)
	return nil
}

// LaneSpec is a lane as the configuration wants it.
type LaneSpec struct {
	Lane  Lane
	Level Level
	// Lowered grows each time that somebody who may do so lowers the floor of
	// the intent, which is Level then.
	Lowered uint64
}

// State is what outlives a crash. There is no secret in it. Of two states of
// one machine the later one is never smaller in any number.
type State struct {
	// Epoch is the highest that this end has committed.
	Epoch uint64 `json:"epoch"`
	// Distrusted: keys up to this epoch are known to others.
	Distrusted uint64   `json:"distrusted,omitempty"`
	Floors     []Floor  `json:"floors"` // by intent
	Lanes      []Record `json:"lanes"`  // by lane
}

// Floor is the least level that an intent has ever asked for since it was
// lowered: it can rise, and fall only if it is lowered again.
type Floor struct {
	Intent  string `json:"intent"`
	Level   Level  `json:"level"`
	Lowered uint64 `json:"lowered,omitempty"` // as in LaneSpec
}

// Record is a key that was installed. WireGuard may hold a younger one, whose
// record was not written before the crash; never an older one.
type Record struct {
	Lane  Lane      `json:"lane"`
	Epoch uint64    `json:"epoch"`
	Level Level     `json:"level"`
	Since time.Time `json:"since"` // when it was agreed
	// Clean: no session of a distrusted key is left.
	Clean bool `json:"clean"`
}

// Validate reports what the machine could not have written.
func (s *State) Validate() error {
	var errs []error
	if s.Epoch >= maxEpoch || s.Distrusted > s.Epoch {
		errs = append(errs, fmt.Errorf("epoch %d, distrusted %d: out of range", s.Epoch, s.Distrusted))
	}
	for i, f := range s.Floors {
		if f.Level > QKD || i > 0 && s.Floors[i-1].Intent >= f.Intent {
			errs = append(errs, fmt.Errorf("floor %d (%s %s): out of order or range", i, f.Intent, f.Level))
		}
	}
	for i, r := range s.Lanes {
		if r.Level > QKD || r.Epoch > s.Epoch || i > 0 && s.Lanes[i-1].Lane.compare(r.Lane) >= 0 {
			errs = append(errs, fmt.Errorf("lane %d (%s, epoch %d): out of order or range", i, r.Lane, r.Epoch))
		}
	}
	return errors.Join(errs...)
}

func (s *State) equal(other *State) bool {
	return s.Epoch == other.Epoch && s.Distrusted == other.Distrusted &&
		slices.Equal(s.Floors, other.Floors) && slices.Equal(s.Lanes, other.Lanes)
}

func (s *State) clone() State {
	c := *s
	c.Floors, c.Lanes = slices.Clone(s.Floors), slices.Clone(s.Lanes)
	return c
}

func (s *State) floor(intent string) Level {
	if i, ok := s.findFloor(intent); ok {
		return s.Floors[i].Level
	}
	return None
}

func (s *State) findFloor(intent string) (int, bool) {
	return slices.BinarySearchFunc(s.Floors, intent, func(f Floor, intent string) int { return cmp.Compare(f.Intent, intent) })
}

// raise lifts the floor of a lane's intent to at least its level, or makes it
// that if it was lowered, and returns what it is now.
func (s *State) raise(l LaneSpec) Level {
	i, ok := s.findFloor(l.Lane.Intent)
	if !ok {
		s.Floors = slices.Insert(s.Floors, i, Floor{Intent: l.Lane.Intent})
	}
	f := &s.Floors[i]
	if l.Lowered > f.Lowered {
		f.Lowered, f.Level = l.Lowered, l.Level
	}
	f.Level = max(f.Level, l.Level)
	return f.Level
}

// record replaces, adds or with epoch 0 removes the record of a lane.
func (s *State) record(r Record) {
	i, ok := slices.BinarySearchFunc(s.Lanes, r.Lane, func(r Record, l Lane) int { return r.Lane.compare(l) })
	switch {
	case ok && r.Epoch == 0:
		s.Lanes = slices.Delete(s.Lanes, i, i+1)
	case ok:
		s.Lanes[i] = r
	case r.Epoch != 0:
		s.Lanes = slices.Insert(s.Lanes, i, r)
	}
}

// Params are the times that a pair is run with. They need not be equal at
// both ends.
type Params struct {
	Interval time.Duration // from one epoch to the next
	Jitter   time.Duration // at most so much more or less, by Seed
	Seed     uint64        // differs between pairs, so that they do not rotate together

	Resend   time.Duration // first wait for an answer; doubles each time
	Sends    int           // of one message, then the attempt is given up
	Backoff  time.Duration // between failed attempts, doubling
	MaxWait  time.Duration // no backoff is longer
	QKDWait  time.Duration // for a KME's answer
	HalfOpen int           // Inits answered but not confirmed that are kept, and answered within a Resend

	MaxAge      time.Duration // a lane whose key is older is closed
	DrainBefore time.Duration // and is drained so much before that
	ProveWithin time.Duration // after a compromise: old sessions are closed then
	ProofMargin time.Duration // a handshake that began before the install may end so much after it
}

// DefaultInterval is from one epoch to the next where nobody says otherwise.
const DefaultInterval = 120 * time.Second

// Every are the times for an interval: all that an operator sees is in
// proportion to it, what WireGuard's times demand is not. A lane whose ends
// differ is repaired after 37 s at most once messages arrive, well within the
// 60 s that WireGuard tolerates: the wait for answers that do not come, a
// backoff, and a KME's wait at each end.
func Every(interval time.Duration) Params {
	const most = 15 * time.Second
	return Params{
		Interval: interval, Jitter: interval / 10,
		Resend: 500 * time.Millisecond, Sends: 5, Backoff: time.Second, MaxWait: min(max(interval/8, time.Second), most),
		QKDWait: 3 * time.Second, HalfOpen: 4,
		MaxAge: 15 * interval / 2, DrainBefore: interval / 2,
		ProveWithin: 150 * time.Second, ProofMargin: time.Second,
	}
}

const (
	// maxEpoch is never reached by counting.
	maxEpoch = 1<<48 - 1
	// maxOffers is how many lanes one exchange may key; more take turns.
	maxOffers = 256
	// rejectAfter is REJECT_AFTER_TIME of WireGuard: no session is older.
	rejectAfter = 180 * time.Second
	// halfOpenFor is how long an answered Init may wait for its Confirm.
	halfOpenFor = 30 * time.Second
	// installWait is how long an Install may take before it is asked again.
	installWait = 5 * time.Second
	// keptKeys is how many keys of a lane wait for the proof of a newer one.
	// More only come where epochs follow each other without any handshake.
	keptKeys = 4
	// alarmAfter is how long a new lane may be without a key.
	alarmAfter = 10 * time.Second
)

// jittered is the interval before the epoch after this one.
func (p *Params) jittered(epoch uint64) time.Duration {
	if p.Jitter <= 0 {
		return p.Interval
	}
	return p.Interval - p.Jitter + time.Duration(mix(p.Seed, epoch)%uint64(2*p.Jitter))
}

// backoff is the wait after the nth failure in a row, from 1 on.
func (p *Params) backoff(n int) time.Duration {
	return min(p.Backoff<<min(max(n-1, 0), 16), p.MaxWait)
}

// mix is splitmix64 (Steele, Lea, Flood 2014) over both numbers.
func mix(a, b uint64) uint64 {
	z := a + (b+1)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
