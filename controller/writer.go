package controller

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/keiro-net/keiro/controller/store"
)

// writer keeps small records in the order they came, beside the loop, so that
// a slow disk delays no packet. What is written may be lost in a crash: it is
// what the Core would decide again.
type writer struct {
	commit func(context.Context, ...store.Op) error
	log    *slog.Logger

	mu   sync.Mutex
	ops  []store.Op
	wake chan struct{}
}

func newWriter(s *store.Store, log *slog.Logger) *writer {
	return &writer{commit: s.Commit, log: log, wake: make(chan struct{}, 1)}
}

// do queues one change.
func (w *writer) do(op store.Op) {
	w.mu.Lock()
	w.ops = append(w.ops, op)
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// run writes until ctx ends, then what is left.
func (w *writer) run(ctx context.Context) {
	for {
		select {
		case <-w.wake:
			w.flush(ctx)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			w.flush(last)
			return
		}
	}
}

// flush writes all that is queued, one change at a time: two changes of one
// record cannot share a commit.
func (w *writer) flush(ctx context.Context) {
	w.mu.Lock()
	ops := w.ops
	w.ops = nil
	w.mu.Unlock()
	for _, op := range ops {
		if err := w.commit(ctx, op); err != nil {
			w.log.Error("a record could not be kept; it is decided anew after a restart", "error", err)
		}
	}
}
