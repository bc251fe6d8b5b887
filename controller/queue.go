package controller

import (
	"context"
	"sync"
	"time"
)

// lastWork is how long what is queued may take when the controller stops.
const lastWork = 5 * time.Second

// queue does things beside the loop, one after the other in the order they
// came, so that a slow disk delays no packet.
type queue[T any] struct {
	each func(context.Context, T)

	mu    sync.Mutex
	items []T
	wake  chan struct{}
}

func newQueue[T any](each func(context.Context, T)) *queue[T] {
	return &queue[T]{each: each, wake: make(chan struct{}, 1)}
}

// add never waits.
func (q *queue[T]) add(item T) {
	q.mu.Lock()
	q.items = append(q.items, item)
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// run works until nothing is added any more, which done tells, and then does
// what is left for as long as lastWork allows.
func (q *queue[T]) run(done <-chan struct{}) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		<-done
		time.AfterFunc(lastWork, cancel)
	}()
	for {
		select {
		case <-q.wake:
			q.work(ctx)
		case <-done:
			q.work(ctx)
			return
		}
	}
}

func (q *queue[T]) work(ctx context.Context) {
	q.mu.Lock()
	items := q.items
	q.items = nil
	q.mu.Unlock()
	for _, item := range items {
		q.each(ctx, item)
	}
}
