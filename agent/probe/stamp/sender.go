package stamp

import (
	"slices"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/probe/gauge"
)

const (
	// history is how many test packets a Sender remembers, and window how many
	// of those that are judged it tells of.
	history = 256
	window  = 200
	// patience is how long an answer is waited for.
	patience = 2 * time.Second
	// reorder is how many packets may overtake one that is not lost.
	reorder = 50
	// stale is the time after the last answer when what was measured is no
	// news of the present any more.
	stale = 5 * time.Second
	// goodClock is how far apart two clocks may be at most for a one-way delay
	// to be told.
	goodClock = time.Millisecond
	// step is the least change of both one-way delays against each other that
	// is a clock that was set, where the round trip did not change by as much.
	step = 10 * time.Millisecond
	// measureEvery is how many packets are judged between two of Measured.
	measureEvery = 10
)

// fate is what became of a test packet.
type fate uint8

const (
	void      fate = iota // says nothing: not sent, or when the path was down
	pending               // on its way, or its direction of loss not known yet
	arrived               // and its answer too
	lostThere             // it did not reach the tail
	lostBack              // its answer did not come back
)

// record is a test packet.
type record struct {
	sequence    uint32
	fate        fate
	timed       bool // there and back mean something
	settled     bool // was told to the filters of loss
	clock       uint32
	sent        time.Duration
	there, back time.Duration // by the two clocks
}

// Sender is a Session-Sender, RFC 8762 section 4.2, of one path, and what its
// packets say of each direction. All times are those of the monotonic clock of
// this machine, but for there and back. It is for one goroutine at a time.
//
// Which direction lost a packet is known from the reflector's own sequence
// numbers: of the packets between two that were answered, as many reached the
// tail as the reflector has counted in between. So nothing is known, and
// nothing held against the path, until an answer comes again; and nothing of
// the time in which the reflector began anew.
type Sender struct {
	Life     uint64
	maxDelay time.Duration
	maxLoss  int64

	next    uint32
	token   uint64
	records [history]record

	known      bool   // an answer with the present token has come
	from       uint32 // sequence of the newest answered packet
	count      uint32 // the reflector's number of that answer
	lastAnswer time.Duration
	heard      bool

	delay       gauge.Delay
	there, back gauge.Loss
	unsettled   uint32 // oldest packet that was not told to there and back
	judged      int    // since measured
	measured    [2]nodecfg.Measured
	synced      bool
	sorted      []time.Duration
}

// NewSender has a number that no earlier life of this sender had, and the
// bounds of one direction; 0: there is none.
func NewSender(life uint64, maxDelay time.Duration, maxLossPPM int64) *Sender {
	s := &Sender{Life: life}
	s.SetBounds(maxDelay, maxLossPPM)
	return s
}

// SetBounds begins to judge by other bounds; by the same ones nothing changes.
func (s *Sender) SetBounds(maxDelay time.Duration, maxLossPPM int64) {
	if maxDelay != s.maxDelay {
		s.maxDelay, s.delay = maxDelay, gauge.Delay{}
	}
	if maxLossPPM != s.maxLoss {
		s.maxLoss, s.there, s.back = maxLossPPM, gauge.Loss{}, gauge.Loss{}
		if maxLossPPM > 0 {
			s.there, s.back = gauge.NewLoss(maxLossPPM), gauge.NewLoss(maxLossPPM)
		}
	}
}

// Next is the packet to be sent at a time; the caller fills in the wall clock's.
// Clock is a number that changes whenever the wall clock was set. What is sent
// while the path is not up does not count as lost.
func (s *Sender) Next(at time.Duration, clock uint32, up bool) Test {
	f := void
	if up {
		f = pending
	}
	s.settle(at)
	s.records[s.next%history] = record{sequence: s.next, fate: f, sent: at, clock: clock}
	t := Test{Sequence: s.next, Life: s.Life, Token: s.token}
	s.next++
	return t
}

// Unsent takes back the packet of the last Next: the kernel would not have it.
func (s *Sender) Unsent() { s.records[(s.next-1)%history].fate = void }

// Down voids what is on its way: the path is down, and that is another word
// for it.
func (s *Sender) Down() {
	for i := range s.records {
		if s.records[i].fate == pending {
			s.records[i].fate = void
		}
	}
}

// Take takes in an authentic answer of this session that arrived at a time. It
// says whether it was awaited.
func (s *Sender) Take(r *Reply, arrival NTP, at time.Duration, clock uint32) bool {
	rec := &s.records[r.Answers%history]
	if age := s.next - r.Answers; r.Life != s.Life || age == 0 || age > history {
		return false
	}
	if at-rec.sent > patience || at < rec.sent || rec.settled {
		return false
	}
	if r.Token != s.token {
		if int32(r.Answers-s.from) <= 0 && s.heard || r.Token == 0 {
			return false // of before the token that we have
		}
		s.token, s.known, s.heard, s.from = r.Token, false, true, r.Answers
		s.Down() // what went to another life of the reflector cannot be counted
		return true
	}
	switch rec.fate {
	case arrived:
		return false
	case lostThere, lostBack, pending:
		rec.fate = arrived
	}
	s.attribute(r.Answers, r.Sequence)
	s.lastAnswer, s.heard = at, true
	s.time(rec, r, arrival, at, clock)
	s.settle(at)
	return true
}

// attribute finds the direction in which the packets were lost between the
// answer before and this one.
func (s *Sender) attribute(sequence, count uint32) {
	if s.known && (int32(sequence-s.from) <= 0 || int32(count-s.count) <= 0) {
		return // overtaken
	}
	if s.known && sequence-s.from < history {
		came := count - s.count - 1 // of those in between
		for q := sequence - 1; q != s.from; q-- {
			rec := &s.records[q%history]
			if rec.sequence != q {
				continue
			}
			if rec.fate == arrived {
				if came > 0 {
					came--
				}
				continue
			}
			direction := lostThere
			if came > 0 {
				came--
				direction = lostBack
			}
			if rec.fate == pending {
				rec.fate = direction
			}
		}
	}
	s.known, s.from, s.count = true, sequence, count
}

// time learns delays from an answer, unless a clock was set while it was on its
// way, or the times in it cannot be.
func (s *Sender) time(rec *record, r *Reply, arrival NTP, at time.Duration, clock uint32) {
	inside := r.Sent.Sub(r.Received)
	trip := at - rec.sent - inside
	if rec.clock != clock || inside < 0 || trip < 0 {
		return
	}
	rec.there, rec.back = r.Received.Sub(r.AnswersSent), arrival.Sub(r.Sent)
	rec.timed = true
	s.stepped(rec)
	near, ok1 := r.AnswersOf.Bound()
	far, ok2 := r.Clock.Bound()
	off := near + far
	s.synced = ok1 && ok2 && off <= goodClock
	if s.maxDelay == 0 {
		return
	}
	least, most := trip/2, trip // of the slower direction, whatever the clocks say
	if ok1 && ok2 {
		slower := max(rec.there, rec.back)
		least, most = max(least, slower-off), min(most, slower+off)
	}
	s.delay.Add(gauge.Of(least, most, s.maxDelay), at)
}

// stepped forgets the delays in each direction when one clock was set: they
// have grown by as much in one direction as they have shrunk in the other.
func (s *Sender) stepped(rec *record) {
	before := &s.records[(rec.sequence-1)%history]
	if before.sequence != rec.sequence-1 || !before.timed {
		return
	}
	there, back := rec.there-before.there, rec.back-before.back
	if min(there.Abs(), back.Abs()) < step || (there < 0) == (back < 0) || (there+back).Abs() > there.Abs()/2 {
		return
	}
	for i := range s.records {
		if r := &s.records[i]; r != rec {
			r.timed = false
		}
	}
}

// settle tells the filters of loss what became of packets that no answer can
// come for any more, in order.
func (s *Sender) settle(at time.Duration) {
	if s.next-s.unsettled > history {
		s.unsettled = s.next - history
	}
	for ; s.unsettled != s.next; s.unsettled++ {
		rec := &s.records[s.unsettled%history]
		overtaken := s.known && int32(s.from-rec.sequence) >= reorder
		if rec.fate != arrived && at-rec.sent < patience && !overtaken {
			return
		}
		if rec.fate == pending {
			told := s.known && int32(rec.sequence-s.from) < 0
			if !told && at-s.lastAnswer < stale && s.next-s.unsettled < history {
				return // the next answer will tell
			}
			rec.fate = void
		}
		if rec.fate == void {
			continue
		}
		rec.settled = true
		if s.maxLoss > 0 {
			s.there.Add(rec.fate == lostThere)
			if rec.fate != lostThere {
				s.back.Add(rec.fate == lostBack)
			}
		}
		if s.judged++; s.judged >= measureEvery {
			s.judged = 0
			s.measure()
		}
	}
}

// measure makes the numbers of the window.
func (s *Sender) measure() {
	var there, back nodecfg.Measured
	var lost [2]int
	for n, q := 0, s.unsettled; n < history && there.Packets < window; n, q = n+1, q-1 {
		rec := &s.records[q%history]
		if rec.sequence != q || !rec.settled {
			continue
		}
		there.Packets++
		if rec.fate == lostThere {
			lost[0]++
			continue
		}
		back.Packets++
		if rec.fate == lostBack {
			lost[1]++
		}
	}
	s.fill(&there, lost[0], func(r *record) time.Duration { return r.there })
	s.fill(&back, lost[1], func(r *record) time.Duration { return r.back })
	s.measured = [2]nodecfg.Measured{there, back}
}

func (s *Sender) fill(m *nodecfg.Measured, lost int, delay func(*record) time.Duration) {
	if m.Packets > 0 {
		m.LossPPM = int64(lost) * 1e6 / int64(m.Packets)
	}
	s.sorted = s.sorted[:0]
	for i := range s.records {
		if r := &s.records[i]; r.fate == arrived && r.timed {
			s.sorted = append(s.sorted, delay(r))
		}
	}
	n := len(s.sorted)
	if n == 0 {
		return
	}
	slices.Sort(s.sorted)
	m.VariationUS = (s.sorted[(n-1)*95/100] - s.sorted[0]).Microseconds()
	if s.synced {
		m.Synced, m.DelayUS = true, max(s.sorted[n/2], 0).Microseconds()
	}
}

// Result is what the last window says of both directions, and whether they
// keep their bounds. It says nothing when no answer has come of late.
func (s *Sender) Result(at time.Duration) (there, back nodecfg.Measured, delay, loss string) {
	if !s.heard || at-s.lastAnswer > stale {
		return
	}
	loss = gauge.Join(s.there.Verdict(), s.back.Verdict())
	if loss == nodecfg.Within && s.there.Verdict() != s.back.Verdict() {
		loss = "" // of one direction nobody knows
	}
	return s.measured[0], s.measured[1], s.delay.Verdict(), loss
}
