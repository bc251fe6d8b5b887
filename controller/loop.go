package controller

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/controller/core"
	"github.com/keiro-net/keiro/controller/store"
	"github.com/keiro-net/keiro/pathspec/solve"
)

// loop is the one goroutine that owns the Core: events in, effects out.
type loop struct {
	core      *core.Core
	log       *slog.Logger
	events    chan core.Event
	asks      chan func(context.Context) // run between two steps
	push      func(*nodecfg.Config)
	alarms    *queue[core.Alarm]
	record    func(core.Entry)
	records   *queue[store.Op]
	publish   func(core.View)
	solveTime time.Duration

	wake time.Time
	done chan struct{} // closed when the loop has ended
}

func newLoop(c *core.Core, o Options) *loop {
	return &loop{
		core: c, log: o.Log, solveTime: o.SolveTime,
		events: make(chan core.Event), asks: make(chan func(context.Context)), done: make(chan struct{}),
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
		case event := <-l.events:
			l.step(ctx, event)
		case ask := <-l.asks:
			ask(ctx)
		case <-timer.C:
			l.wake = time.Time{}
			l.step(ctx, core.Tick{})
		}
	}
}

// feed hands an event to the loop.
func (l *loop) feed(event core.Event) {
	select {
	case l.events <- event:
	case <-l.done:
	}
}

var errStops = errors.New("the controller stops: what was declared is stored, and done when it runs again")

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

func (l *loop) step(ctx context.Context, event core.Event) {
	now := time.Now()
	for _, effect := range l.core.Step(now, event) {
		switch e := effect.(type) {
		case core.Push:
			l.push(e.Config)
		case core.Solve:
			go l.solve(ctx, e)
		case core.Persist:
			l.keep(e)
		case core.Raise:
			l.keepAlarm(e.Alarm)
			l.alarms.add(e.Alarm)
		case core.Record:
			l.log.Info(e.Entry.Message, "event", e.Entry.Type, "object", e.Entry.Object)
			l.record(e.Entry)
		case core.WakeAt:
			if l.wake.IsZero() || e.At.Before(l.wake) {
				l.wake = e.At
			}
		}
	}
	l.publish(l.core.View(now))
}

// solve answers a question beside the loop. What is not proven when the time
// is over is unknown.
func (l *loop) solve(ctx context.Context, q core.Solve) {
	began := time.Now()
	deadline := began.Add(l.solveTime)
	solution := solve.Solve(solve.Input{
		Topology: q.Topology, Intents: q.Intents,
		Stop: func() bool { return time.Now().After(deadline) || ctx.Err() != nil },
	})
	l.log.Debug("solved", "question", q.Seq, "intents", len(q.Intents), "elapsed", time.Since(began))
	l.feed(core.Solved{Seq: q.Seq, Solution: solution})
}

const standingBucket = "standing"

func (l *loop) keep(p core.Persist) {
	if p.Standing == nil {
		l.records.add(store.Delete(standingBucket, p.Intent))
		return
	}
	value, err := json.Marshal(p.Standing)
	if err != nil {
		l.log.Error("path set cannot be kept", "intent", p.Intent, "error", err)
		return
	}
	l.records.add(store.Put(standingBucket, p.Intent, value))
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
