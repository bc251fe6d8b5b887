package probe

import (
	"slices"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

const (
	// leastPatience keeps a short interval from taking the scheduling of a
	// busy machine for a loss.
	leastPatience = 5 * time.Millisecond
	// firstPatience is given to paths that are not up: RFC 6298 section 2.1.
	firstPatience = time.Second
)

// judge tells from the fates of one path's probes whether it carries packets.
// It has no clock: times are those of clock.lived, in ascending order.
//
// Probes are judged in the order in which they were sent. An answer speaks for
// the present, so it ends a row of losses, and probes sent before it that are
// still unanswered have been overtaken: they are nobody's evidence any more,
// except that they break a row of answers. What comes after its probe was
// judged changes nothing.
type judge struct {
	interval   time.Duration
	lost, back int

	state   nodecfg.PathUp
	losses  int // in a row
	answers int // in a row
	rtt     roundTrip
	anew    bool            // rtt is to begin anew with probe upFrom
	upFrom  uint32          // the first probe sent since the path is up
	sent    []time.Duration // when the undecided probes left, oldest first
	next    uint32          // sequence number of the next probe
	missing []missing       // while up: unanswered so far, oldest first
}

// missing is a probe that was lost or overtaken. That is enough for the state
// of the path, which may change back; whether the path has lost it is said
// when it is known.
type missing struct {
	sequence uint32
	since    time.Duration
}

// maxMissing bounds them: of probes every millisecond, those of the time that
// they may take.
const maxMissing = 1000

// patience is how long a probe may be under way.
func (j *judge) patience() time.Duration {
	granularity := max(j.interval, leastPatience)
	if j.state != nodecfg.Up || !j.rtt.known {
		return max(firstPatience, granularity)
	}
	return j.rtt.smoothed + max(granularity, 4*j.rtt.variation)
}

// leave notes that a probe was sent.
func (j *judge) leave(at time.Duration) {
	j.sent = append(j.sent, at)
	j.next++
}

// refuse notes that the kernel would not send a probe: a loss at once. What is
// still under way was sent before that and no longer speaks for the path.
func (j *judge) refuse() {
	j.sent = j.sent[:0]
	j.lose()
}

// answer notes that a probe came home after rtt. It says whether the probe was
// awaited: false for a second answer, a late one and one never sent.
func (j *judge) answer(sequence uint32, rtt time.Duration) bool {
	oldest := j.next - uint32(len(j.sent))
	i := int(sequence - oldest) // modulo 2^32, so a sequence before oldest is large
	if i >= len(j.sent) {
		return false
	}
	// A wall clock that was set meanwhile gives nonsense; an awaited answer
	// took no longer than patience.
	j.measure(sequence, min(max(rtt, 0), j.patience()))
	for k := range i {
		j.miss(oldest+uint32(k), j.sent[k])
	}
	j.drop(i + 1)
	j.losses = 0
	if i > 0 {
		j.answers = 0
	}
	j.answers++
	if j.answers >= j.back && j.state != nodecfg.Up {
		j.state, j.anew, j.upFrom = nodecfg.Up, true, j.next
	}
	return true
}

// measure learns from an answer. Probes that were sent before the path was up
// may have waited somewhere until it was (for a neighbour to be found, RFC 4861
// section 7.2.2), so what they tell is forgotten as soon as a later one is
// there.
func (j *judge) measure(sequence uint32, rtt time.Duration) {
	switch {
	case j.state != nodecfg.Up:
		j.rtt = roundTrip{}
	case j.anew && int32(sequence-j.upFrom) < 0:
		return
	case j.anew:
		j.rtt, j.anew = roundTrip{}, false
	}
	j.rtt.add(rtt)
}

// expire calls lost what has been under way for too long, and says how many
// probes that are. The answers that came until at must have been given before.
func (j *judge) expire(at time.Duration) int {
	lost := 0
	for len(j.sent) > 0 && at-j.sent[0] >= j.patience() {
		j.miss(j.next-uint32(len(j.sent)), j.sent[0])
		j.drop(1)
		j.lose()
		lost++
	}
	return lost
}

// deadline is when expire will have something to do, if anything is under way.
func (j *judge) deadline() (time.Duration, bool) {
	if len(j.sent) == 0 {
		return 0, false
	}
	return j.sent[0] + j.patience(), true
}

func (j *judge) lose() {
	j.answers = 0
	j.losses++
	if j.losses >= j.lost {
		j.state = nodecfg.Down
		j.missing = j.missing[:0] // it was down, and no more is to be said of it
	}
}

func (j *judge) miss(sequence uint32, sent time.Duration) {
	if j.state == nodecfg.Up && len(j.missing) < maxMissing {
		j.missing = append(j.missing, missing{sequence, sent})
	}
}

// found says whether an answer is to a probe that was missing, and no longer is.
func (j *judge) found(sequence uint32) bool {
	for i, m := range j.missing {
		if m.sequence == sequence {
			j.missing = slices.Delete(j.missing, i, i+1)
			return true
		}
	}
	return false
}

// gone says how many probes are missing for so long that the path has lost
// them, each once.
func (j *judge) gone(at time.Duration) int {
	n := 0
	for n < len(j.missing) && at-j.missing[n].since >= firstPatience {
		n++
	}
	if n > 0 {
		j.missing = slices.Delete(j.missing, 0, n)
	}
	return n
}

// drop forgets the n oldest probes, keeping the space.
func (j *judge) drop(n int) {
	j.sent = j.sent[:copy(j.sent, j.sent[n:])]
}

// roundTrip is the smoothed round trip time and its variation, RFC 6298
// section 2.
type roundTrip struct {
	known               bool
	smoothed, variation time.Duration
}

func (r *roundTrip) add(sample time.Duration) {
	if !r.known {
		*r = roundTrip{known: true, smoothed: sample, variation: sample / 2}
		return
	}
	r.variation += ((r.smoothed - sample).Abs() - r.variation) / 4
	r.smoothed += (sample - r.smoothed) / 8
}
