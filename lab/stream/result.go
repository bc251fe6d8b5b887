package stream

import (
	"math"
	"slices"
	"time"
)

// Result is what became of a stream. All times are in microseconds.
type Result struct {
	Sent       int    `json:"sent"`
	Received   int    `json:"received"` // in time
	Lost       int    `json:"lost"`     // the rest of Sent
	TooLate    int    `json:"too_late"` // of Lost, came after the deadline
	Refused    int    `json:"refused"`  // of Lost, turned down by the sending kernel
	Refusal    string `json:"refusal,omitempty"`
	Duplicates int    `json:"duplicates"`
	Reordered  int    `json:"reordered"` // came after a packet sent later
	// LongestGap is the longest time between two arrivals.
	LongestGap int64    `json:"longest_gap_us"`
	Outages    []Outage `json:"outages"`
	DelayP50   int64    `json:"delay_p50_us"` // one way
	DelayP99   int64    `json:"delay_p99_us"`
	// Late is how many packets left more than a period after their time, and
	// LateMax by how much the worst did: a busy machine, not the network.
	Late    int   `json:"sender_late"`
	LateMax int64 `json:"sender_late_max_us"`
}

// Outage is a run of packets that never came in time.
type Outage struct {
	First int `json:"first"` // sequence number
	Lost  int `json:"lost"`
	// Start is that last arrival before it, since the start of the stream.
	Start int64 `json:"start_us"`
	// Length is the time from the last arrival of a packet before to the
	// first arrival of one after it, less one period; where there is none
	// before or after, the stream's start and end count.
	Length int64 `json:"length_us"`
	Open   bool  `json:"open"` // no packet came after it
}

func newResult(s *sender, r *recorder) *Result {
	sent := int(s.sent.Load())
	received := int(r.received.Load())
	slices.Sort(r.delays)
	result := &Result{
		Sent: sent, Received: received, Lost: sent - received, TooLate: r.tooLate, Refused: s.refused,
		Duplicates: r.duplicates, Reordered: r.reordered, LongestGap: micros(r.gap),
		Outages:  outages(r.arrived, sent, s.start, s.end, s.period),
		DelayP50: micros(percentile(r.delays, 50)), DelayP99: micros(percentile(r.delays, 99)),
		Late: s.late, LateMax: micros(s.latest),
	}
	if s.refusal != nil {
		result.Refusal = s.refusal.Error()
	}
	return result
}

// outages finds the runs of sequence numbers, of those sent, without an
// arrival. Packets may overtake each other, so the last arrival before a run
// need not be that of its neighbour.
func outages(arrived []int64, sent int, start, end int64, period time.Duration) []Outage {
	came := func(n int) bool { return n < len(arrived) && arrived[n] != 0 }
	after := make([]int64, sent+1) // first arrival of this packet or a later one
	after[sent] = math.MaxInt64
	for n := sent - 1; n >= 0; n-- {
		after[n] = after[n+1]
		if came(n) {
			after[n] = min(after[n], arrived[n])
		}
	}
	found := []Outage{}
	before := start
	for n := 0; n < sent; n++ {
		if came(n) {
			before = max(before, arrived[n])
			continue
		}
		o := Outage{First: n, Start: micros(before - start)}
		for ; n < sent && !came(n); n++ {
			o.Lost++
		}
		back := after[n]
		if o.Open = n == sent; o.Open {
			back = end
		}
		o.Length = micros(max(0, back-before-int64(period)))
		found = append(found, o)
		n-- // the packet that ended the run is next
	}
	return found
}

// percentile of sorted values: the least that p percent do not exceed.
func percentile(sorted []int64, p int) int64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[(len(sorted)*p+99)/100-1]
}

func micros(nanoseconds int64) int64 { return nanoseconds / int64(time.Microsecond) }
