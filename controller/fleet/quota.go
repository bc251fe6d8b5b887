package fleet

import (
	"sync"
	"time"
)

// quota counts failures by address and minute.
type quota struct {
	limit int
	now   func() time.Time

	mu     sync.Mutex
	minute time.Time
	failed map[string]int
}

// maxAddresses bounds the memory of a quota. An attacker with more addresses
// than these in a minute gets new quotas.
const maxAddresses = 10_000

func newQuota(limit int) *quota { return &quota{limit: limit, now: time.Now} }

// spent reports whether the address has failed too often in this minute.
func (q *quota) spent(from string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.turn()
	return q.failed[from] >= q.limit
}

// take counts a failure and reports whether it was the last one allowed.
func (q *quota) take(from string) (last bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.turn()
	q.failed[from]++
	return q.failed[from] == q.limit
}

func (q *quota) turn() {
	if now := q.now(); now.Sub(q.minute) >= time.Minute || len(q.failed) >= maxAddresses {
		q.minute, q.failed = now, make(map[string]int)
	}
}
