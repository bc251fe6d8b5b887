// Package feed carries the controller's published states to those who watch.
// Publish compares a state with the one before and keeps the differences in a
// ring; each watcher reads the ring at its own pace. Nothing here ever waits
// for a watcher: one that falls behind the ring is told to start anew from a
// snapshot. The controller publishes, controller/api reads.
package feed

import (
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/keiro-net/keiro/controller/api/resource"
)

// ringSize is how many changes a watcher may lag behind.
const ringSize = 4096

// Feed holds the newest state and the latest changes. The zero Feed is not
// usable; New makes one. All methods may be called at the same time.
type Feed struct {
	epoch string // tells the ids of this process from those of another

	mu    sync.Mutex
	state *resource.State
	ring  [ringSize]resource.Change
	next  uint64        // sequence number of the next change; the first is 1
	wake  chan struct{} // closed by the next Publish
}

// New returns a Feed without a state.
func New() *Feed {
	return &Feed{epoch: rand.Text()[:8], next: 1, wake: make(chan struct{})}
}

// State returns the newest state, or nil before the first.
func (f *Feed) State() *resource.State {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state
}

// Publish makes s the newest state, and tells watchers what differs from the
// state before, then the events. The caller must not change s afterwards. One
// goroutine publishes.
func (f *Feed) Publish(s *resource.State, events ...resource.Event) {
	changes := compare(f.State(), s)
	for i := range events {
		changes = append(changes, resource.Change{Kind: resource.EventChange, Op: resource.Added, Event: &events[i]})
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state = s
	for _, c := range changes {
		c.ID = f.id(f.next)
		f.ring[f.next%ringSize] = c
		f.next++
	}
	close(f.wake)
	f.wake = make(chan struct{})
}

func (f *Feed) id(seq uint64) string { return fmt.Sprintf("%s-%d", f.epoch, seq) }

// position returns the sequence number after the given id, if the id is of
// this process and what follows it is still in the ring.
func (f *Feed) position(id string) (uint64, bool) {
	epoch, digits, _ := strings.Cut(id, "-")
	seq, err := strconv.ParseUint(digits, 10, 64)
	if epoch != f.epoch || err != nil || seq >= f.next || f.missed(seq+1) {
		return 0, false
	}
	return seq + 1, true
}

// missed reports whether the change seq has left the ring.
func (f *Feed) missed(seq uint64) bool { return seq+ringSize < f.next }
