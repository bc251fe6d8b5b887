// Package history keeps the log of events in the store, so that what was shown
// to anybody can be shown again after a restart. Add never waits: what is added
// is written in batches by Run, a tenth of a second later at most. It is bounded
// by count and age, and decides nothing. The controller adds to it and reads it.
package history

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/controller/store"
)

// Limits of the log.
const (
	MaxEvents = 50_000
	MaxAge    = 90 * 24 * time.Hour
	MaxBytes  = 64 << 20 // of the store, about: an event may name many intents

	gather     = 100 * time.Millisecond // for a batch
	again      = time.Second            // between attempts to write
	lastWork   = 5 * time.Second        // to write what is left when it ends
	chunkCount = 200                    // events in a record
	chunkBytes = 128 << 10
	maxText    = 4 << 10 // bytes of a message
	maxList    = 2000    // intents
)

const bucket = "event"

// Log is the log. All methods may be called at the same time.
type Log struct {
	commit func(context.Context, ...store.Op) error
	log    *slog.Logger
	wake   chan struct{}

	mu      sync.Mutex
	last    uint64
	events  []resource.Event // all that is kept
	fresh   []resource.Event // not yet taken
	pending []resource.Event // not yet written

	// Of Run alone:
	chunks []chunk // written, the oldest first
	open   []resource.Event
	size   int
}

// chunk is one record.
type chunk struct {
	key    string
	events int
	bytes  int
	newest time.Time
}

// Open reads the log. Numbers go on rising, also over those that were given out
// and could not be written before a crash.
func Open(ctx context.Context, kept *store.Store, now time.Time, log *slog.Logger) (*Log, error) {
	l := &Log{commit: kept.Commit, log: log, wake: make(chan struct{}, 1), last: uint64(now.UnixMicro())}
	records, err := kept.List(ctx, bucket)
	if err != nil {
		return nil, err
	}
	for _, r := range records {
		var events []resource.Event
		if err := json.Unmarshal(r.Value, &events); err != nil || len(events) == 0 {
			return nil, fmt.Errorf("stored events %s are damaged: %w", r.Key, err)
		}
		l.events = append(l.events, events...)
		newest := events[len(events)-1]
		l.chunks = append(l.chunks, chunk{r.Key, len(events), len(r.Value), newest.Time})
		l.last = max(l.last, newest.ID)
	}
	return l, nil
}

// Add gives an event its number and takes it in.
func (l *Log) Add(e resource.Event) {
	e.Message = short(e.Message)
	if len(e.Intents) > maxList {
		e.Intents = e.Intents[:maxList]
	}
	l.mu.Lock()
	l.last++
	e.ID = l.last
	l.fresh, l.events, l.pending = append(l.fresh, e), append(l.events, e), append(l.pending, e)
	if len(l.events) > MaxEvents+MaxEvents/10 {
		l.events = slices.Clone(l.events[len(l.events)-MaxEvents:])
	}
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func short(s string) string {
	if len(s) <= maxText {
		return s
	}
	return s[:maxText] + "..."
}

// Take returns what was added since the last Take.
func (l *Log) Take() []resource.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	fresh := l.fresh
	l.fresh = nil
	return fresh
}

// Pick returns the events that a query picks.
func (l *Log) Pick(q resource.EventQuery) []resource.Event {
	l.mu.Lock()
	events := l.events // what is in it never changes
	l.mu.Unlock()
	return q.Pick(events)
}

// Run writes until done is closed, and then what is left.
func (l *Log) Run(done <-chan struct{}) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	timer.Stop()
	waits := false
	for {
		select {
		case <-l.wake:
			if !waits {
				waits = true
				timer.Reset(gather)
			}
		case <-timer.C:
			waits = false
			if !l.write(ctx) {
				waits = true
				timer.Reset(again)
			}
		case <-done:
			end, cancel := context.WithTimeout(ctx, lastWork)
			defer cancel()
			for !l.write(end) && end.Err() == nil {
				select {
				case <-time.After(gather):
				case <-end.Done():
				}
			}
			return
		}
	}
}

// write writes what is pending; false: some is left.
func (l *Log) write(ctx context.Context) bool {
	for {
		l.mu.Lock()
		pending := l.pending
		l.mu.Unlock()
		if len(pending) == 0 {
			return true
		}
		n, err := l.writeChunk(ctx, pending)
		if err != nil {
			l.log.Error("events are not kept yet", "events", len(pending), "error", err)
			return false
		}
		l.mu.Lock()
		l.pending = l.pending[n:]
		l.mu.Unlock()
	}
}

// writeChunk adds as many events to the open record as it takes, and writes it.
// Records that are over leave with it.
func (l *Log) writeChunk(ctx context.Context, pending []resource.Event) (taken int, err error) {
	open, size := slices.Clone(l.open), l.size
	for _, e := range pending {
		value, err := json.Marshal(e)
		if err != nil {
			return 0, err
		}
		if len(open) > 0 && (len(open) == chunkCount || size+len(value) > chunkBytes) {
			if taken > 0 {
				break
			}
			open, size = nil, 0
		}
		open, size = append(open, e), size+len(value)
		taken++
	}
	value, err := json.Marshal(open)
	if err != nil {
		return 0, err
	}
	now := chunk{fmt.Sprintf("%020d", open[0].ID), len(open), len(value), open[len(open)-1].Time}
	chunks := slices.Clone(l.chunks)
	if n := len(chunks); n > 0 && chunks[n-1].key == now.key {
		chunks = chunks[:n-1]
	}
	ops := []store.Op{store.Put(bucket, now.key, value)}
	kept, bytes := now.events, now.bytes
	for _, c := range chunks {
		kept, bytes = kept+c.events, bytes+c.bytes
	}
	for len(chunks) > 0 && len(ops) < store.MaxOps && (kept-chunks[0].events >= MaxEvents || bytes > MaxBytes || now.newest.Sub(chunks[0].newest) > MaxAge) {
		ops, kept, bytes = append(ops, store.Delete(bucket, chunks[0].key)), kept-chunks[0].events, bytes-chunks[0].bytes
		chunks = chunks[1:]
	}
	if err := l.commit(ctx, ops...); err != nil {
		return 0, err
	}
	l.open, l.size, l.chunks = open, size, append(chunks, now)
	return taken, nil
}
