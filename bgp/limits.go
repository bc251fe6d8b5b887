package bgp

import "time"

// bucket allows so much per second on average, and a burst on top of it.
type bucket struct {
	perSecond, burst float64
	left             float64
	at               time.Time
}

func newBucket(now time.Time, perSecond, burst float64) *bucket {
	return &bucket{perSecond, burst, burst, now}
}

// take reports whether n more are allowed.
func (b *bucket) take(now time.Time, n float64) bool {
	if passed := now.Sub(b.at).Seconds(); passed > 0 {
		b.left, b.at = min(b.burst, b.left+passed*b.perSecond), now
	}
	b.left -= n
	return b.left >= 0
}
