package history

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/controller/store"
)

var start = time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)

func open(t *testing.T, kept *store.Store, now time.Time) *Log {
	t.Helper()
	l, err := Open(t.Context(), kept, now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// add adds events of a kind, one a second.
func add(l *Log, n int, from time.Time) {
	for i := range n {
		l.Add(resource.Event{Time: from.Add(time.Duration(i) * time.Second), Type: "T", Object: "link:a--b", Message: fmt.Sprint(i), Intents: []string{"gold"}})
	}
}

func end(l *Log) {
	done := make(chan struct{})
	close(done)
	l.Run(done)
}

// What was added before it ended is there when it begins anew, with its numbers,
// and in the order in which it came; numbers go on rising.
func TestSurvives(t *testing.T) {
	kept := store.Memory()
	l := open(t, kept, start)
	add(l, 3*chunkCount+7, start)
	end(l)
	add(l, 1, start.Add(time.Hour))
	end(l)
	all := l.Pick(resource.EventQuery{Limit: 1 << 20})
	again := open(t, kept, start.Add(-time.Hour)) // a clock that was set back
	got := again.Pick(resource.EventQuery{Limit: 1 << 20})
	if fmt.Sprint(got) != fmt.Sprint(all) || len(got) != 3*chunkCount+8 {
		t.Fatalf("%d events, before %d", len(got), len(all))
	}
	again.Add(resource.Event{Type: "next"})
	if next := again.Take(); len(next) != 1 || next[0].ID <= all[len(all)-1].ID {
		t.Errorf("the next has number %d, the last had %d", next[0].ID, all[len(all)-1].ID)
	}
}

// While it runs, what is added is written soon, without an end.
func TestWritesWhileItRuns(t *testing.T) {
	kept := store.Memory()
	l := open(t, kept, start)
	done := make(chan struct{})
	defer close(done)
	go l.Run(done)
	add(l, 1, start)
	for deadline := time.Now().Add(10 * time.Second); len(open(t, kept, start).Pick(resource.EventQuery{Limit: 1})) == 0; {
		if time.Now().After(deadline) {
			t.Fatal("it is not written")
		}
		time.Sleep(time.Millisecond)
	}
}

// A store that fails loses nothing, and nobody who adds waits for it.
func TestStoreFails(t *testing.T) {
	kept := store.Memory()
	l := open(t, kept, start)
	l.commit = func(context.Context, ...store.Op) error { return errors.New("disk on fire") }
	add(l, chunkCount+1, start)
	if l.write(t.Context()) {
		t.Error("it says that all is written")
	}
	l.commit = kept.Commit
	add(l, 1, start)
	if !l.write(t.Context()) {
		t.Error("some is left")
	}
	if got := len(open(t, kept, start).Pick(resource.EventQuery{Limit: 1 << 20})); got != chunkCount+2 {
		t.Errorf("%d events", got)
	}
}

// The log is bounded by count and by age, in memory and in the store.
func TestBounds(t *testing.T) {
	kept := store.Memory()
	l := open(t, kept, start)
	add(l, MaxEvents+MaxEvents/10+2*chunkCount, start)
	end(l)
	for name, log := range map[string]*Log{"stored": open(t, kept, start), "in memory": l} {
		if got := len(log.Pick(resource.EventQuery{Limit: 1 << 20})); got < MaxEvents || got > MaxEvents+MaxEvents/10 {
			t.Errorf("%s: %d events", name, got)
		}
	}
	add(l, 2*chunkCount, start.Add(MaxAge+30*24*time.Hour))
	for !l.write(t.Context()) {
	}
	add(l, 1, start.Add(MaxAge+31*24*time.Hour))
	end(l)
	end(l)
	records, err := kept.List(t.Context(), bucket)
	if err != nil || len(records) > MaxEvents/chunkCount {
		t.Errorf("%d records, %v", len(records), err)
	}
	long := open(t, store.Memory(), start)
	long.Add(resource.Event{Message: strings.Repeat("x", 1<<20), Intents: make([]string, 1<<20)})
	if e := long.Take()[0]; len(e.Message) > maxText+3 || len(e.Intents) > maxList {
		t.Errorf("an event of %d bytes with %d intents", len(e.Message), len(e.Intents))
	}
}

// Events that name many intents fill no store.
func TestBoundInBytes(t *testing.T) {
	kept := store.Memory()
	l := open(t, kept, start)
	names := make([]string, maxList)
	for n := range names {
		names[n] = fmt.Sprintf("an intent with quite a long name of its own number %d", n)
	}
	for range 5 * MaxBytes / 4 / (maxList * 50) {
		l.Add(resource.Event{Time: start, Intents: names})
	}
	end(l)
	records, err := kept.List(t.Context(), bucket)
	size := 0
	for _, r := range records {
		size += len(r.Value)
	}
	if err != nil || size < MaxBytes/2 || size > MaxBytes {
		t.Errorf("%d bytes, %v", size, err)
	}
}

func TestPick(t *testing.T) {
	l := open(t, store.Memory(), start)
	add(l, 10, start)
	l.Add(resource.Event{Time: start.Add(10 * time.Second), Object: "node:a", Intents: []string{"one"}})
	all := l.Pick(resource.EventQuery{Limit: 100})
	for _, c := range []struct {
		q    resource.EventQuery
		want int
		from int // index in all
	}{
		{resource.EventQuery{Limit: 3}, 3, 8},
		{resource.EventQuery{Limit: 3, After: all[4].ID}, 3, 5},
		{resource.EventQuery{Limit: 100, Intent: "one"}, 1, 10},
		{resource.EventQuery{Limit: 2, Intent: "gold"}, 2, 8},
		{resource.EventQuery{Limit: 100, Object: "node:a"}, 1, 10},
		{resource.EventQuery{Limit: 100, Since: start.Add(2 * time.Second), Until: start.Add(5 * time.Second)}, 3, 2},
		{resource.EventQuery{Limit: 100, After: all[10].ID}, 0, 0},
		{resource.EventQuery{Limit: 100, Intent: "nobody"}, 0, 0},
	} {
		got := l.Pick(c.q)
		if len(got) != c.want || c.want > 0 && got[0].ID != all[c.from].ID {
			t.Errorf("%+v: %+v", c.q, got)
		}
	}
	if got := l.Pick(resource.EventQuery{After: 1 << 63, Limit: 1}); got == nil || len(got) != 0 {
		t.Error("no events is an empty list, not null")
	}
	if len(l.Take()) != 11 || len(l.Take()) != 0 {
		t.Error("Take gives each event once")
	}
}
