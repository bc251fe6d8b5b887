package controller

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/controller/core"
	"github.com/keiro-net/keiro/controller/store"
)

// loop is the one goroutine that owns the Core: events in, effects out.
type loop struct {
	core   *core.Core
	log    *slog.Logger
	events chan []core.Event
	asks   chan func(context.Context) // run between two steps
	push   func(*nodecfg.Config)
	solve  func(core.Solve) // beside the loop
	// announce takes an Announce, a Withdraw and an AnnouncedAll, and returns what the
	// Core has to know of it.
	announce func(core.Effect) []core.Event
	alarms   *queue[core.Alarm]
	record   func(core.Entry)
	remember func(core.Keep)
	records  *queue[store.Op] // alarms, to be kept beside the loop
	commit   func(context.Context, ...store.Op) error
	publish  func(core.View)

	wake   time.Time
	unkept map[string]store.Op // path sets, by intent, that are to be written
	done   chan struct{}       // closed when the loop has ended
}

func newLoop(c *core.Core, o Options) *loop {
	return &loop{
		core: c, log: o.Log,
		events: make(chan []core.Event), asks: make(chan func(context.Context)),
		unkept: map[string]store.Op{}, done: make(chan struct{}),
	}
}

// run feeds the Core until ctx ends.
func (l *loop) run(ctx context.Context, first core.Started) {
	defer close(l.done)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	l.step(ctx, first)
	for {
		if l.wake.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(time.Until(l.wake))
		}
		select {
		case <-ctx.Done():
			return
		case events := <-l.events:
			l.step(ctx, events...)
		case ask := <-l.asks:
			ask(ctx)
		case <-timer.C:
			l.wake = time.Time{}
			l.step(ctx, core.Tick{})
		}
	}
}

// feed hands an event to the loop.
func (l *loop) feed(event core.Event) { l.feedAll([]core.Event{event}) }

// feedAll hands several to the loop, of which the state is published once.
func (l *loop) feedAll(events []core.Event) {
	select {
	case l.events <- events:
	case <-l.done:
	}
}

var errStops = errors.New("the controller stops: what was declared is stored, and done when it runs again")

// ask runs a function with the Core between two steps, and waits for it.
func (l *loop) ask(ctx context.Context, f func(*core.Core, time.Time)) error {
	done := make(chan struct{})
	select {
	case l.asks <- func(context.Context) { f(l.core, time.Now()); close(done) }:
	case <-l.done:
		return errStops
	case <-ctx.Done():
		return ctx.Err()
	}
	<-done // it only reads, and is soon done
	return nil
}

// after runs a function in the loop after an event was taken in, and waits
// for it: whoever changed something then reads what came of it.
func (l *loop) after(event core.Event) error {
	done := make(chan struct{})
	ask := func(ctx context.Context) {
		l.step(ctx, event)
		close(done)
	}
	select {
	case l.asks <- ask:
	case <-l.done:
		return errStops
	}
	select {
	case <-done:
		return nil
	case <-l.done:
		return errStops
	}
}

func (l *loop) step(ctx context.Context, events ...core.Event) {
	now := time.Now()
	for len(events) > 0 {
		effects := l.core.Step(now, events[0])
		l.keep(ctx, effects)
		events = append(l.carryOut(effects), events[1:]...)
	}
	l.publish(l.core.View(now))
}

func (l *loop) carryOut(effects []core.Effect) (news []core.Event) {
	for _, effect := range effects {
		switch e := effect.(type) {
		case core.Push:
			l.push(e.Config)
		case core.Solve:
			l.solve(e)
		case core.Raise:
			l.keepAlarm(e.Alarm)
			l.alarms.add(e.Alarm)
		case core.Record:
			l.log.Info(e.Entry.Message, "event", e.Entry.Type, "object", e.Entry.Object)
			l.record(e.Entry)
		case core.Keep:
			l.remember(e)
		case core.WakeAt:
			l.wakeAt(e.At)
		case core.Announce, core.Withdraw, core.AnnouncedAll:
			news = append(news, l.announce(e)...)
		}
	}
	return news
}

const standingBucket = "standing"

// keepTime is how long the headends wait for the disk at most.
const keepTime = 200 * time.Millisecond

// keep writes the path sets that change before the headends are told: a
// controller that dies in between must know what they send by. What fails is
// tried again.
func (l *loop) keep(ctx context.Context, effects []core.Effect) {
	for _, effect := range effects {
		p, ok := effect.(core.Persist)
		if !ok {
			continue
		}
		op := store.Delete(standingBucket, p.Intent)
		if p.Standing != nil {
			value, _ := json.Marshal(p.Standing) // plain data
			op = store.Put(standingBucket, p.Intent, value)
		}
		l.unkept[p.Intent] = op
	}
	if len(l.unkept) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepTime)
	defer cancel()
	for names := range slices.Chunk(slices.Sorted(maps.Keys(l.unkept)), store.MaxOps) {
		ops := make([]store.Op, len(names))
		for n, name := range names {
			ops[n] = l.unkept[name]
		}
		if err := l.commit(ctx, ops...); err != nil {
			l.log.Warn("path sets are told before they are kept", "error", err)
			l.wakeAt(time.Now().Add(time.Second))
			return
		}
		for _, name := range names {
			delete(l.unkept, name)
		}
	}
}

func (l *loop) wakeAt(at time.Time) {
	if l.wake.IsZero() || at.Before(l.wake) {
		l.wake = at
	}
}

// write writes one record, again until it is written.
func (l *loop) write(ctx context.Context, op store.Op) {
	for {
		err := l.commit(ctx, op)
		if err == nil || ctx.Err() != nil {
			return
		}
		l.log.Error("a record is not kept yet", "error", err)
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
	}
}

const alarmBucket = "alarm"

// keepAlarm remembers an alarm that fires until it is over, so that a
// restarted controller neither tells it twice nor forgets to end it.
func (l *loop) keepAlarm(a core.Alarm) {
	key := a.Key
	if !a.Firing {
		l.records.add(store.Delete(alarmBucket, key))
		return
	}
	value, err := json.Marshal(a)
	if err != nil {
		l.log.Error("alarm cannot be kept", "alarm", a.Key, "error", err)
		return
	}
	l.records.add(store.Put(alarmBucket, key, value))
}
