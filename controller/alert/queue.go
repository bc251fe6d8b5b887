package alert

import (
	"slices"
	"time"
)

const (
	maxInFlight = 8     // attempts to one endpoint at a time
	maxPending  = 10000 // deliveries to one endpoint; beyond, the oldest is lost
)

// queue decides what is sent to one endpoint and when. It is pure: times come
// in. Deliveries of one alert go out in the order they were added, so that
// `resolved` never overtakes `firing`; those of different alerts do not wait
// for each other.
type queue struct {
	items   []*item // in the order added
	paused  time.Time
	failing bool // the last attempt that ended had failed
}

type item struct {
	Delivery
	stored   <-chan struct{} // closed when the outbox has answered
	attempts int             // failed ones
	next     time.Time
	inFlight bool
}

// add appends a delivery unless it is there; where there are too many it
// returns the one that is lost for it.
func (q *queue) add(d Delivery, stored <-chan struct{}) (lost *item) {
	if slices.ContainsFunc(q.items, func(i *item) bool { return i.ID == d.ID }) {
		return nil
	}
	if len(q.items) >= maxPending {
		oldest := slices.IndexFunc(q.items, func(i *item) bool { return !i.inFlight })
		lost = q.items[oldest]
		q.items = slices.Delete(q.items, oldest, oldest+1)
	}
	q.items = append(q.items, &item{Delivery: d, stored: stored})
	return lost
}

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
	}
}
