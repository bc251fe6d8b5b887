package controller

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/controller/comply"
	"github.com/keiro-net/keiro/controller/core"
	"github.com/keiro-net/keiro/controller/show"
	"github.com/keiro-net/keiro/controller/store"
)

// Ledgers of intents are written when a status changes, not as time passes:
// how long it lasted follows from when the controller was surely there, which is
// one record. What is written is so bounded by what happens, and by ledgerEvery.
const (
	ledgerBucket = "ledger"
	aliveBucket  = "alive"
	aliveKey     = "controller"

	ledgerEvery = time.Second // the shortest time between two batches
	aliveEvery  = time.Minute
	perCommit   = 16 // ledgers, of which each may have some 40 kB
)

// ledgers writes what is remembered of intents beside the loop.
type ledgers struct {
	commit func(context.Context, ...store.Op) error
	warn   func(msg string, args ...any)

	mu      sync.Mutex
	pending map[string]*comply.Ledger // by intent; nil: forget
}

func newLedgers(o Options, commit func(context.Context, ...store.Op) error) *ledgers {
	return &ledgers{commit: commit, warn: o.Log.Warn, pending: map[string]*comply.Ledger{}}
}

// add never waits. A newer one of the same intent replaces one not written.
func (l *ledgers) add(k core.Keep) {
	l.mu.Lock()
	l.pending[k.Intent] = k.Ledger
	l.mu.Unlock()
}

// run writes until done is closed, and then what is left.
func (l *ledgers) run(done <-chan struct{}) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	tick := time.NewTicker(ledgerEvery)
	defer tick.Stop()
	alive := time.Time{}
	for {
		select {
		case <-tick.C:
		case <-done:
			ctx, cancel := context.WithTimeout(ctx, lastWork)
			defer cancel()
			l.write(ctx, time.Now(), true)
			return
		}
		now := time.Now()
		if beat := now.Sub(alive) >= aliveEvery; l.write(ctx, now, beat) && beat {
			alive = now
		}
	}
}

// write writes what is pending, and with alive that the controller was there
// now; that last, for it is said of what was written. What fails stays pending.
func (l *ledgers) write(ctx context.Context, now time.Time, alive bool) bool {
	l.mu.Lock()
	pending := l.pending
	l.pending = map[string]*comply.Ledger{}
	l.mu.Unlock()
	for names := range slices.Chunk(slices.Sorted(maps.Keys(pending)), perCommit) {
		var ops []store.Op
		for _, name := range names {
			op := store.Delete(ledgerBucket, name)
			if pending[name] != nil {
				value, _ := json.Marshal(pending[name]) // plain data
				op = store.Put(ledgerBucket, name, value)
			}
			ops = append(ops, op)
		}
		if err := l.commit(ctx, ops...); err != nil {
			l.warn("what is remembered of intents is not kept yet", "error", err)
			l.putBack(pending)
			return false
		}
		for _, name := range names {
			delete(pending, name)
		}
	}
	if !alive {
		return true
	}
	value, _ := json.Marshal(now.UTC().Round(0))
	if err := l.commit(ctx, store.Put(aliveBucket, aliveKey, value)); err != nil {
		l.warn("that the controller runs is not kept", "error", err)
		return false
	}
	return true
}

func (l *ledgers) putBack(pending map[string]*comply.Ledger) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, ledger := range pending {
		if _, newer := l.pending[name]; !newer {
			l.pending[name] = ledger
		}
	}
}

// Compliance implements api.Backend.
func (b *backend) Compliance(ctx context.Context, intent string) ([]*resource.Compliance, error) {
	var out []*resource.Compliance
	err := b.loop.ask(ctx, func(c *core.Core, now time.Time) {
		for name, ledger := range c.Ledgers(now, intent) {
			out = append(out, show.Compliance(name, ledger))
		}
	})
	if err == nil && intent != "" && len(out) == 0 {
		return nil, resource.Errorf(resource.NotFound, "there is no intent %s", intent)
	}
	return out, err
}
