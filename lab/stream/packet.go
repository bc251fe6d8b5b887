package stream

import (
	"encoding/binary"
	"errors"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// A packet is the id of its stream, its sequence number and the time it was
// sent, 8 bytes each in network order, and then zeroes.
const headerSize = 24

// quiet is how long after the last packet was sent nothing may come until the
// stream is over, and patience how long it waits in all.
const (
	quiet    = 200 * time.Millisecond
	patience = time.Second
)

type sender struct {
	id     uint64
	socket int
	target unix.Sockaddr
	period time.Duration
	size   int

	start, end int64
	sent       atomic.Int64 // tried
	refused    int          // of these, turned down by this machine's kernel
	refusal    error        // the last
	late       int          // sent more than a period after their time
	latest     int64        // nanoseconds after its time, the worst
}

// run sends by an absolute schedule: a packet that goes late moves none of
// those after it.
func (s *sender) run(stop <-chan struct{}) {
	packet := make([]byte, s.size)
	binary.BigEndian.PutUint64(packet, s.id)
	s.start = now()
	for n := int64(0); ; n++ {
		due := s.start + n*int64(s.period)
		at := unix.NsecToTimespec(due)
		for errors.Is(unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &at, nil), unix.EINTR) {
		}
		select {
		case <-stop:
			s.end = now()
			return
		default:
		}
		sent := now()
		if lag := sent - due; lag > s.latest {
			s.latest = lag
		}
		if sent-due > int64(s.period) {
			s.late++
		}
		binary.BigEndian.PutUint64(packet[8:], uint64(n))
		binary.BigEndian.PutUint64(packet[16:], uint64(sent))
		s.sent.Store(n + 1)
		if err := unix.Sendto(s.socket, packet, unix.MSG_DONTWAIT, s.target); err != nil {
			s.refused++
			s.refusal = err
		}
	}
}

type recorder struct {
	id       uint64
	socket   int
	sender   *sender // how far it is bounds what may come
	deadline int64   // nanoseconds from sending to arrival

	arrived    []int64 // by sequence number; 0: not yet, or too late
	delays     []int64 // nanoseconds under way, in order of arrival
	received   atomic.Int64
	tooLate    int
	duplicates int
	reordered  int          // came after a packet that was sent later
	gap        int64        // longest between two arrivals, nanoseconds
	last       int64        // arrival of the last packet
	highest    int64        // sequence number so far, plus 1
	total      atomic.Int64 // packets sent, plus 1, when that is known
}

func (r *recorder) finish(sent int64) { r.total.Store(sent + 1) }

func (r *recorder) run() {
	buf := make([]byte, 1<<16)
	var finished int64
	for {
		n, _, err := unix.Recvfrom(r.socket, buf, 0)
		at := now()
		if err == nil && n >= headerSize && binary.BigEndian.Uint64(buf) == r.id {
			r.record(int64(binary.BigEndian.Uint64(buf[8:])), int64(binary.BigEndian.Uint64(buf[16:])), at)
		}
		total := r.total.Load()
		if total == 0 {
			continue
		}
		if finished == 0 {
			finished = at
		}
		if r.received.Load() == total-1 || at-max(r.last, finished) > int64(quiet) || at-finished > int64(patience) {
			return
		}
	}
}

func (r *recorder) record(sequence, sent, at int64) {
	if sequence < 0 || sequence >= r.sender.sent.Load() {
		return // somebody else's packet
	}
	for int64(len(r.arrived)) <= sequence {
		r.arrived = append(r.arrived, 0)
	}
	switch {
	case r.arrived[sequence] != 0:
		r.duplicates++
		return
	case at-sent > r.deadline:
		r.tooLate++
		return
	}
	if r.last != 0 {
		r.gap = max(r.gap, at-r.last)
	}
	r.last = at
	r.arrived[sequence] = at
	r.delays = append(r.delays, at-sent)
	r.received.Add(1)
	if sequence+1 < r.highest {
		r.reordered++
	}
	r.highest = max(r.highest, sequence+1)
}
