package alert

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/controller/api/resource"
)

func TestRetryAt(t *testing.T) {
	created := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	now := created
	var waits []string
	for attempts := 1; ; attempts++ {
		next, again := retryAt(created, now, attempts, 0.5)
		if !again {
			break
		}
		waits = append(waits, next.Sub(now).String())
		now = next
	}
	want := "1s 5s 30s 2m0s 5m0s 30m0s 2h0m0s 5h0m0s 10h0m0s 14h0m0s 20h0m0s 24h0m0s"
	if got := strings.Join(waits, " "); got != want {
		t.Errorf("waits %s, want %s", got, want)
	}
	for random, want := range map[float64]time.Duration{0: 27 * time.Second, 0.5: 30 * time.Second, 1: 33 * time.Second} {
		if next, _ := retryAt(created, created, 3, random); next.Sub(created) != want {
			t.Errorf("random %g: %s, want %s", random, next.Sub(created), want)
		}
	}
	if _, again := retryAt(created, created.Add(80*time.Hour), 1, 0.5); again {
		t.Error("tried again after 80 hours")
	}
}

// A play: each line is a command and what the queue starts after it, with the
// time of the next wake.
func TestQueue(t *testing.T) {
	play := []struct{ command, want string }{
		{"add 1 a", "start 1"},
		{"add 2 a", ""}, // waits for 1: same alert
		{"add 3 b", "start 3"},
		{"add 3 b", ""}, // known
		{"fail 1", "wake 1s"},
		{"ok 3", "start 1"}, // the endpoint is back
		{"fail 1", "wake 5s"},
		{"sleep 4s", "wake 1s"},
		{"sleep 1s", "start 1"},
		{"hold 1 1m", "wake 1m0s"},
		{"add 4 c", "wake 1m0s"}, // it asked for a pause
		{"sleep 1m", "start 1 4"},
		{"ok 1", "start 2"},
		{"ok 4", ""},
		{"ok 2", ""},
	}
	q := &queue{}
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	items := map[string]*item{}
	for n, step := range play {
		f := append(strings.Fields(step.command), "", "")
		switch f[0] {
		case "add":
			if lost := q.add(Delivery{ID: f[1], Created: now, Alert: resource.Alert{ID: f[2]}}, nil); lost != nil {
				t.Fatalf("step %d lost %s", n, lost.ID)
			}
		case "ok":
			q.delivered(items[f[1]], now)
		case "fail":
			q.failed(items[f[1]], now, time.Time{}, 0.5)
		case "hold":
			pause, _ := time.ParseDuration(f[2])
			q.failed(items[f[1]], now, now.Add(pause), 0.5)
		case "sleep":
			pause, _ := time.ParseDuration(f[1])
			now = now.Add(pause)
		}
		due, wake := q.start(now)
		var got []string
		for _, i := range due {
			if len(got) == 0 {
				got = append(got, "start")
			}
			got = append(got, i.ID)
			items[i.ID] = i
		}
		if !wake.IsZero() {
			got = append(got, "wake", wake.Sub(now).String())
		}
		if g := strings.Join(got, " "); g != step.want {
			t.Fatalf("step %d, %s: %q, want %q", n, step.command, g, step.want)
		}
	}
	if len(q.items) != 0 {
		t.Errorf("left: %d", len(q.items))
	}
}

func TestQueueIsBounded(t *testing.T) {
	q := &queue{}
	now := time.Now()
	for n := range maxPending {
		q.add(Delivery{ID: fmt.Sprint(n), Alert: resource.Alert{ID: fmt.Sprint(n)}}, nil)
	}
	due, _ := q.start(now)
	if len(due) != maxInFlight {
		t.Fatalf("%d in flight, want %d", len(due), maxInFlight)
	}
	if more, _ := q.start(now); len(more) != 0 {
		t.Errorf("%d more in flight", len(more))
	}
	lost := q.add(Delivery{ID: "new", Alert: resource.Alert{ID: "new"}}, nil)
	if lost == nil || lost.ID != fmt.Sprint(maxInFlight) || len(q.items) != maxPending {
		t.Errorf("lost %+v of %d", lost, len(q.items))
	}
}
