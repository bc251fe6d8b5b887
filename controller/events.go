package controller

import (
	"sync"
	"time"

	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/controller/core"
)

// maxEvents is how many events are kept.
const maxEvents = 10_000

// eventLog holds the latest events in memory. Their numbers go on rising
// after a restart, because they begin at the time of the start.
type eventLog struct {
	mu     sync.Mutex
	last   uint64
	events []resource.Event
	fresh  []resource.Event // not yet taken
}

func newEventLog(start time.Time) *eventLog {
	return &eventLog{last: uint64(start.UnixMicro())}
}

func (l *eventLog) add(e core.Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last++
	event := resource.Event{ID: l.last, Time: e.Time.UTC(), Type: e.Type, Object: e.Object, Message: e.Message}
	l.fresh = append(l.fresh, event)
	l.events = append(l.events, event)
	if len(l.events) > maxEvents {
		l.events = append([]resource.Event(nil), l.events[maxEvents/10:]...)
	}
}

// take returns what was added since the last take.
func (l *eventLog) take() []resource.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	fresh := l.fresh
	l.fresh = nil
	return fresh
}

// after returns at most limit events with a higher number, the oldest first;
// with 0 the newest.
func (l *eventLog) after(since uint64, limit int) []resource.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.events)
	if since == 0 {
		return append([]resource.Event{}, l.events[max(n-limit, 0):]...)
	}
	for n > 0 && l.events[n-1].ID > since {
		n--
	}
	return append([]resource.Event{}, l.events[n:min(n+limit, len(l.events))]...)
}
