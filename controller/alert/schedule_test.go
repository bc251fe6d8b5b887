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
		{"add 5 d", "start 5"},
		{"update 6 d", ""},
		{"update 7 d", ""}, // in the place of 6, which nobody needs any more
		{"add 8 d", ""},    // what ends it waits for 7
		{"fail 5", "wake 1s"},
		{"update 9 d", "wake 1s"}, // it fired again: behind 8
		{"ok 5", "start 7"},
		{"update 10 d", ""}, // in the place of 9
		{"fail 7", "wake 1s"},
		{"sleep 1s", "start 7"},
		{"ok 7", "start 8"},
		{"ok 8", "start 10"},
		{"fail 10", "wake 1s"},
		{"update 11 d", "wake 1s"}, // in the place of 10, and no sooner
		{"sleep 1s", "start 11"},
		{"ok 11", ""},
	}
	q := &queue{}
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	items := map[string]*item{}
	for n, step := range play {
		f := append(strings.Fields(step.command), "", "")
		switch f[0] {
		case "add", "update":
			d := Delivery{ID: f[1], Created: now, Alert: resource.Alert{ID: f[2], Status: resource.Firing}}
			if f[0] == "update" {
				d.Alert.Updates = 1
			}
			if _, lost := q.add(d, 1, nil); lost != nil {
				t.Fatalf("step %d lost %s", n, lost[0].ID)
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
	if len(q.items) != 0 || q.bytes != 0 {
		t.Errorf("left: %d, %d bytes", len(q.items), q.bytes)
	}
}

func delivery(n int, at time.Time) Delivery {
	id := fmt.Sprint(n)
	return Delivery{ID: id, Created: at, Alert: resource.Alert{ID: id, Status: resource.Firing}}
}

func TestQueueIsBounded(t *testing.T) {
	q := &queue{}
	now := time.Now()
	for n := range maxPending {
		q.add(delivery(n, now), 1, nil)
	}
	due, _ := q.start(now)
	if len(due) != maxInFlight {
		t.Fatalf("%d in flight, want %d", len(due), maxInFlight)
	}
	if more, _ := q.start(now); len(more) != 0 {
		t.Errorf("%d more in flight", len(more))
	}
	_, lost := q.add(delivery(maxPending, now), 1, nil)
	if len(lost) != 1 || lost[0].ID != fmt.Sprint(maxInFlight) || len(q.items) != maxPending {
		t.Errorf("lost %d of %d", len(lost), len(q.items))
	}
	// A large one pushes out as many as it takes, and none that is in flight.
	_, lost = q.add(delivery(maxPending+1, now), maxPendingBytes-100, nil)
	if q.bytes > maxPendingBytes || len(q.items) != 101 || len(lost) != maxPending-100 {
		t.Errorf("%d bytes of %d wait, %d lost", q.bytes, len(q.items), len(lost))
	}
	for _, i := range due {
		q.delivered(i, now)
	}
	if q.bytes != maxPendingBytes-100+len(q.items)-1 {
		t.Errorf("%d bytes of %d wait", q.bytes, len(q.items))
	}
}

// TestAnHourOf500: an endpoint that answers 500 for an hour is asked seldom,
// loses nothing, and has all of it soon after it is back.
func TestAnHourOf500(t *testing.T) {
	q := &queue{}
	began := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	now, added, attempts, delivered := began, 0, 0, 0
	var back time.Time
	for end := began.Add(2 * time.Hour); now.Before(end); {
		for next := began.Add(time.Duration(added) * time.Minute); added < 60 && !next.After(now); next = next.Add(time.Minute) {
			q.add(delivery(added, now), 1, nil)
			added++
		}
		due, wake := q.start(now)
		for _, i := range due {
			attempts++
			if now.Sub(began) < time.Hour {
				if q.failed(i, now, time.Time{}, 0.5) {
					t.Fatal("given up within the hour")
				}
				continue
			}
			if q.delivered(i, now); back.IsZero() {
				back = now
			}
			delivered++
		}
		if len(due) > 0 {
			continue
		}
		if minute := began.Add(time.Duration(added) * time.Minute); added < 60 && (wake.IsZero() || minute.Before(wake)) {
			wake = minute
		}
		if wake.IsZero() {
			break
		}
		now = wake
	}
	if delivered != 60 || len(q.items) != 0 {
		t.Errorf("%d of 60 delivered, %d left", delivered, len(q.items))
	}
	if attempts > 60*8 {
		t.Errorf("%d attempts", attempts)
	}
	if late := back.Sub(began.Add(time.Hour)); late > 5*time.Minute || now != back {
		t.Errorf("the first came %s after it was back, the last %s after that", late, now.Sub(back))
	}
}
