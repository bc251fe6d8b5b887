package alert

import (
	"slices"
	"time"

	"github.com/keiro-net/keiro/controller/api/resource"
)

const (
	maxInFlight = 8 // attempts to one endpoint at a time
	// What waits for one endpoint is bounded, so that one that answers nothing
	// for days fills no disk; beyond, the oldest is given up.
	maxPending      = 10_000
	maxPendingBytes = 16 << 20
)

// queue decides what is sent to one endpoint and when. It is pure: times come
// in. Deliveries of one alert go out in the order they were added, so that
// `resolved` never overtakes `fired`; those of different alerts do not wait
// for each other.
type queue struct {
	items   []*item // in the order added
	bytes   int     // sum of their sizes
	paused  time.Time
	failing bool // the last attempt that ended had failed
}

type item struct {
	Delivery
	stored   <-chan struct{} // closed when the outbox has answered
	size     int             // bytes in the outbox, about
	attempts int             // failed ones
	next     time.Time
	inFlight bool
}

// add appends a delivery unless it is there. An update takes the place of an
// earlier one that still waits, which nobody needs then: stale. Where there is
// too much, lost are the oldest, which are given up for it.
func (q *queue) add(d Delivery, size int, stored <-chan struct{}) (stale *item, lost []*item) {
	if slices.ContainsFunc(q.items, func(i *item) bool { return i.ID == d.ID }) {
		return nil, nil
	}
	added := &item{Delivery: d, stored: stored, size: size}
	if last := q.last(d.Alert.ID); last >= 0 && updates(d) && updates(q.items[last].Delivery) && !q.items[last].inFlight {
		stale = q.items[last]
		added.attempts, added.next = stale.attempts, stale.next
		q.remove(stale)
	}
	q.items = append(q.items, added)
	q.bytes += size
	for len(q.items) > maxPending || q.bytes > maxPendingBytes {
		oldest := slices.IndexFunc(q.items, func(i *item) bool { return !i.inFlight && i != added })
		if oldest < 0 {
			break
		}
		lost = append(lost, q.items[oldest])
		q.remove(q.items[oldest])
	}
	return stale, lost
}

// last is where the newest delivery of an alert is; -1: there is none.
func (q *queue) last(alert string) int {
	for n := len(q.items) - 1; n >= 0; n-- {
		if q.items[n].Alert.ID == alert {
			return n
		}
	}
	return -1
}

// updates reports whether a delivery tells that a firing alert has changed.
func updates(d Delivery) bool { return d.Alert.Status == resource.Firing && d.Alert.Updates > 0 }

// start marks and returns what is to be attempted now, and says when to ask
// again at the latest; the zero time: when something happens.
func (q *queue) start(now time.Time) (due []*item, wake time.Time) {
	if now.Before(q.paused) {
		return nil, q.paused
	}
	room := maxInFlight
	for _, i := range q.items {
		if i.inFlight {
			room--
		}
	}
	before := map[string]bool{} // alerts with an earlier delivery
	for _, i := range q.items {
		first := !before[i.Alert.ID]
		before[i.Alert.ID] = true
		switch {
		case i.inFlight || !first:
		case !i.next.After(now):
			if room > 0 {
				i.inFlight = true
				due = append(due, i)
				room--
			}
		case wake.IsZero() || i.next.Before(wake):
			wake = i.next
		}
	}
	return due, wake
}

// delivered removes an item. After a failure it also makes what waits due:
// the endpoint is back.
func (q *queue) delivered(i *item, now time.Time) {
	q.remove(i)
	if q.failing {
		q.failing = false
		for _, waiting := range q.items {
			waiting.next = now
		}
	}
}

// failed puts an item back for later; it returns true when it is given up.
// hold, if not zero, is until when the endpoint wants no more.
func (q *queue) failed(i *item, now, hold time.Time, random float64) (lost bool) {
	q.failing, i.inFlight = true, false
	i.attempts++
	if hold.After(q.paused) {
		q.paused = hold
	}
	next, again := retryAt(i.Created, now, i.attempts, random)
	i.next = next
	if !again {
		q.remove(i)
	}
	return !again
}

func (q *queue) remove(i *item) {
	if at := slices.Index(q.items, i); at >= 0 {
		q.items = slices.Delete(q.items, at, at+1)
		q.bytes -= i.size
	}
}
