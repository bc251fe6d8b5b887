package feed

import (
	"context"

	"github.com/keiro-net/keiro/controller/api/resource"
)

// Watcher reads a Feed. It belongs to one goroutine and needs no closing.
type Watcher struct {
	feed    *Feed
	next    uint64 // sequence number to read next; 0: a snapshot comes first
	pending []resource.Change
}

// Watch begins after the change with the given id. Where that is not known
// any more, and where after is empty, it begins with a snapshot.
func (f *Feed) Watch(after string) *Watcher {
	w := &Watcher{feed: f}
	if after == "" {
		return w
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	next, ok := f.position(after)
	if !ok {
		w.pending = []resource.Change{{Kind: resource.Resync}}
	}
	w.next = next
	return w
}

// Next returns the next change, waiting for it until ctx ends. A snapshot
// ends with Synced; a watcher that missed changes is given Resync and then a
// snapshot.
func (w *Watcher) Next(ctx context.Context) (resource.Change, error) {
	for {
		if len(w.pending) > 0 {
			c := w.pending[0]
			w.pending = w.pending[1:]
			return c, nil
		}
		c, wake := w.read()
		if wake == nil {
			return c, nil
		}
		if len(w.pending) > 0 {
			continue
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return resource.Change{}, ctx.Err()
		}
	}
}

// read returns the next change of the ring. Where there is none it returns
// what to wait for, unless it has put a snapshot into pending.
func (w *Watcher) read() (resource.Change, <-chan struct{}) {
	f := w.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.state == nil:
	case w.next == 0 || f.missed(w.next):
		if w.next != 0 {
			w.pending = append(w.pending, resource.Change{Kind: resource.Resync})
		}
		w.pending = append(w.pending, compare(nil, f.state)...)
		w.pending = append(w.pending, resource.Change{
			ID: f.id(f.next - 1), Kind: resource.Synced, Generation: f.state.Generation,
		})
		w.next = f.next
	case w.next < f.next:
		c := f.ring[w.next%ringSize]
		w.next++
		return c, nil
	}
	return resource.Change{}, f.wake
}
