package probe

import (
	"testing"
	"time"
)

func TestClock(t *testing.T) {
	const ms = time.Millisecond
	// Each round: how long it really took, how much of it counts. All meant
	// to sleep 10 ms, with an interval of 10 ms.
	for name, rounds := range map[string][][2]time.Duration{
		"in time":             {{10 * ms, 10 * ms}, {11 * ms, 11 * ms}, {4 * ms, 4 * ms}},
		"late by an interval": {{20 * ms, 20 * ms}, {20 * ms, 20 * ms}},
		"stood still":         {{10 * ms, 10 * ms}, {5 * time.Second, 0}, {10 * ms, 10 * ms}, {time.Hour, 0}},
		"always late":         {{21 * ms, 0}, {50 * ms, 20 * ms}, {50 * ms, 0}, {50 * ms, 20 * ms}},
		"clock set back":      {{-time.Hour, 0}, {10 * ms, 10 * ms}},
	} {
		t.Run(name, func(t *testing.T) {
			now := time.Unix(1e9, 0)
			var c clock
			if got := c.advance(now, 10*ms, 10*ms); got != 0 {
				t.Fatalf("begins at %v", got)
			}
			for i, r := range rounds {
				now = now.Add(r[0])
				before := c.lived
				if got := c.advance(now, 10*ms, 10*ms) - before; got != r[1] {
					t.Errorf("round %d: %v of %v count, want %v", i, got, r[0], r[1])
				}
			}
		})
	}
}
