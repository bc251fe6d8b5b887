package rotate

import (
	"testing"
	"time"
)

// Whatever the interval, a key lives through several failed epochs and drains
// before it is too old, and ends that differ meet within the minute that
// WireGuard tolerates.
func TestEvery(t *testing.T) {
	for _, interval := range []time.Duration{time.Second, 2 * time.Second, 30 * time.Second, DefaultInterval, 10 * time.Minute} {
		p := Every(interval)
		if p.Interval != interval || p.Jitter >= interval/2 || p.MaxAge < 7*interval || p.DrainBefore <= 0 || p.DrainBefore >= interval || p.MaxWait > 15*time.Second || p.MaxWait < p.Backoff {
			t.Errorf("%s: %+v", interval, p)
		}
	}
	if p := Every(DefaultInterval); p.MaxAge != 15*time.Minute || p.DrainBefore != time.Minute || p.MaxWait != 15*time.Second || p.Jitter != 12*time.Second {
		t.Errorf("by default: %+v", p)
	}
}
