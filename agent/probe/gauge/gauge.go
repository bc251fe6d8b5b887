// Package gauge tells from single measurements whether a path keeps its
// bounds, so that what lasts is found soon and what passes is no alarm. It is
// pure: times are any monotonic ones, in ascending order. Packages probe and
// stamp call it.
//
// # Delay
//
// Time is cut into slots of 250 ms, longer where fewer than 10 packets come in
// that. A delay is beyond its bound when every packet of a slot took longer for
// sure, or most of them did in each of 20 slots. It is within when most packets
// of two slots in a row did not for sure. Two slots in a row of which
// neither can be said make it unknown again.
//
// A queue, a busy processor and a lost timer slice delay some packets; a longer
// way delays all. So a slot in which one packet in 25 came in time is no alarm,
// and what the filter costs is one to two slots: 250 to 500 ms after the delay
// has grown where probes leave every 25 ms or faster, and 10 to 20 intervals
// otherwise.
//
// # Loss
//
// Each packet, lost or not, is evidence for one of two rates: the bound, and
// three times the bound. The sums of the logarithms of their likelihood ratio
// (Page's test) make the loss beyond its bound when the evidence for the
// greater rate since it was least exceeds e^6, and within when that for the
// smaller one exceeds e^3. With a bound of p that is 6 losses at least and not
// long after each other, or 1.5/p packets without any. At a loss of q it takes
// about
//
//	6 / (q*ln 3 - 2*p) packets
//
// which for a bound of 0.1 % in each direction and 1 % lost in one are 860
// probes that go there and back, of which the bound is 0.2 %: 9 s at 10 ms, 3 s
// at 3 ms. Below 1.8*p nothing is found. What is lost while a path is down is
// no loss of it: it is down.
package gauge

import (
	"math"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// Side is on which side of a bound a packet was.
type Side int8

// The sides; Unsure is on either.
const (
	Unsure Side = iota
	Under
	Over
)

// Of says on which side of a bound something is that is from least to most.
func Of(least, most, bound time.Duration) Side {
	switch {
	case least > bound:
		return Over
	case most <= bound:
		return Under
	}
	return Unsure
}

const (
	slotTime    = 250 * time.Millisecond
	slotPackets = 10
	goodSlots   = 2
	badSlots    = 20
	vagueSlots  = 2
)

// Delay is the filter of delays. Its zero value knows nothing.
type Delay struct {
	verdict          string
	begin            time.Duration
	n, under, over   int // in this slot
	good, bad, vague int // slots in a row
}

// Verdict is nodecfg.Within, nodecfg.Beyond or "", cannot tell.
func (d *Delay) Verdict() string { return d.verdict }

// Add takes in the delay of a packet.
func (d *Delay) Add(s Side, at time.Duration) {
	if d.n > 0 && d.n >= slotPackets && at-d.begin >= slotTime {
		d.close()
	}
	if d.n == 0 {
		d.begin = at
	}
	d.n++
	switch s {
	case Under:
		d.under++
	case Over:
		d.over++
	}
	// A slot that is full ends with its last packet, not with the next one.
	if d.n >= slotPackets && at-d.begin >= slotTime {
		d.close()
	}
}

func (d *Delay) close() {
	count := func(slots *int, yes bool) {
		if *slots++; !yes {
			*slots = 0
		}
	}
	most := func(n int) bool { return 2*n > d.n }
	count(&d.good, most(d.under))
	count(&d.bad, most(d.over))
	count(&d.vague, !most(d.under) && !most(d.over))
	switch {
	case d.over == d.n || d.bad >= badSlots:
		d.verdict = nodecfg.Beyond
	case d.good >= goodSlots:
		d.verdict = nodecfg.Within
	case d.vague >= vagueSlots && d.under+d.over < d.n:
		d.verdict = ""
	}
	d.n, d.under, d.over = 0, 0, 0
}

const (
	ratio = 3
	alarm = 6
	calm  = 3
)

// Loss is the filter of losses against one bound.
type Loss struct {
	verdict    string
	lost, kept float64 // what a packet says for the greater rate
	up, down   float64
}

// NewLoss has a bound in parts per million, which is more than 0. One of a
// third of all packets or more is as good as none: the verdict is Within.
func NewLoss(ppm int64) Loss {
	p := float64(ppm) / 1e6
	if ratio*p >= 1 {
		return Loss{verdict: nodecfg.Within}
	}
	return Loss{lost: math.Log(ratio), kept: math.Log((1 - ratio*p) / (1 - p))}
}

// Verdict is nodecfg.Within, nodecfg.Beyond or "", cannot tell.
func (l *Loss) Verdict() string { return l.verdict }

// Add takes in a packet.
func (l *Loss) Add(lost bool) {
	says := l.kept
	if lost {
		says = l.lost
	}
	l.up, l.down = max(l.up+says, 0), max(l.down-says, 0)
	switch {
	case l.up >= alarm:
		l.verdict, l.up, l.down = nodecfg.Beyond, 0, 0
	case l.down >= calm:
		l.verdict, l.down = nodecfg.Within, 0
	}
}

// Join is the verdict of two that look at the same in different ways: what one
// finds beyond is, else what one finds within.
func Join(a, b string) string {
	for _, v := range []string{nodecfg.Beyond, nodecfg.Within} {
		if a == v || b == v {
			return v
		}
	}
	return ""
}
