package controller

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/keiro-net/keiro/controller/api"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/controller/core"
	"github.com/keiro-net/keiro/controller/declare"
	"github.com/keiro-net/keiro/controller/timed"
)

// clerk looks at the clock for what waits for it: a change that nobody has
// confirmed yet, and the ends of waivers. What it does, it does as an operator
// would, through the backend. Its fields but poke belong to who holds
// backend.changing.
type clerk struct {
	now  func() timed.Clock
	poke chan struct{} // something began to wait

	change   uint64 // that deadline is of
	deadline timed.Deadline
}

// clockFrom counts from a start.
func clockFrom(start time.Time) func() timed.Clock {
	return func() timed.Clock {
		now := time.Now()
		return timed.Clock{Wall: now.Round(0), Up: now.Sub(start)}
	}
}

func newClerk() clerk {
	return clerk{now: clockFrom(time.Now()), poke: make(chan struct{}, 1)}
}

func (k *clerk) wake() {
	select {
	case k.poke <- struct{}{}:
	default:
	}
}

// keepTime runs the clerk until ctx ends.
func (b *backend) keepTime(ctx context.Context, log *slog.Logger) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-b.clerk.poke:
		}
		next, err := b.look(ctx)
		if err != nil && ctx.Err() == nil {
			log.Error("what is due by the clock is not done yet", "error", err)
			next = time.Second
		}
		timer.Stop()
		if next > 0 {
			timer.Reset(next)
		}
	}
}

// look does what is due, and says when to look again; 0: when something begins to
// wait.
func (b *backend) look(ctx context.Context) (next time.Duration, err error) {
	for _, part := range []func(context.Context) (time.Duration, error){b.lookAtPending, b.expireWaivers} {
		left, e := part(ctx)
		err = errors.Join(err, e)
		if left > 0 && (next == 0 || left < next) {
			next = left
		}
	}
	return min(next, timed.Look), err
}

// lookAtPending takes back the change that nobody confirmed in time.
func (b *backend) lookAtPending(ctx context.Context) (left time.Duration, err error) {
	b.changing.Lock()
	d, _ := b.now()
	if d.Pending != nil {
		left = b.due(d).Left(b.clerk.now())
	}
	b.changing.Unlock()
	if d.Pending == nil || left > 0 {
		return left, nil
	}
	return 0, b.takeBack(ctx, d.Pending)
}

// due is when the change that awaits its confirmation is taken back.
func (b *backend) due(d declare.State) timed.Deadline {
	if b.clerk.change != d.Pending.Generation {
		b.clerk.change, b.clerk.deadline = d.Pending.Generation, timed.NewDeadline(b.clerk.now(), d.Pending.Pending)
	}
	return b.clerk.deadline
}

// edit makes another declared state of one.
type edit = func(declare.State) (declare.State, []resource.ObjectChange, error)

// held makes an edit one that the gate lets pass, that waits for the change
// before it to be confirmed, and that is itself to be confirmed within that time; 0: it stays.
func (b *backend) held(ctx context.Context, within time.Duration, make edit) edit {
	return func(d declare.State) (declare.State, []resource.ObjectChange, error) {
		if err := d.Hold(); err != nil {
			return d, nil, err
		}
		make := func(d declare.State) (declare.State, []resource.ObjectChange, error) {
			next, changes, err := make(d)
			if err == nil && next.Generation != d.Generation {
				err = b.guard(ctx, d, next)
			}
			return next, changes, err
		}
		if within == 0 {
			return make(d)
		}
		if err := timed.CheckConfirm(within); err != nil {
			return d, nil, err
		}
		if d.Topology == nil {
			return d, nil, resource.Errorf(resource.Invalid, "confirm %s: no topology was declared before, so there is nothing to go back to; apply without it", within)
		}
		next, changes, err := make(d)
		if err == nil && next.Generation != d.Generation {
			next = next.Pended(d, api.Principal(ctx), b.clerk.now().Wall, within)
		}
		return next, changes, err
	}
}

// changed tells that the declared state has become another. An alarm about an
// earlier change that nobody confirmed is over then.
func (b *backend) changed(next declare.State) error {
	news := core.Noticed{Over: []string{changeKey}}
	if p := next.Pending; p != nil {
		b.due(next)
		news.Entries = []core.Entry{b.entry("ChangePending", p, fmt.Sprintf("of %s, is taken back at %s unless it is confirmed", p.By, p.Until.Format(time.RFC3339)))}
	}
	return b.loop.after(news)
}

// changeKey is the key of the alarm that a change was taken back.
const changeKey = "change"

func (b *backend) entry(kind string, p *declare.Pending, message string) core.Entry {
	return core.Entry{Time: b.clerk.now().Wall, Type: kind, Object: "spec", Message: fmt.Sprintf("change %d %s", p.Generation, message)}
}

// Pending implements api.Backend.
func (b *backend) Pending() *resource.Pending { d, _ := b.now(); return shown(d.Pending) }

func shown(p *declare.Pending) *resource.Pending {
	if p == nil {
		return nil
	}
	return &p.Pending
}

// Confirm implements api.Backend.
func (b *backend) Confirm(ctx context.Context, change uint64) (*resource.Applied, error) {
	var of *declare.Pending
	applied, err := b.change(ctx, 0, false, func(d declare.State) (declare.State, []resource.ObjectChange, error) {
		if of = d.Pending; of != nil && b.due(d).Passed(b.clerk.now()) {
			return d, nil, resource.Errorf(resource.Conflict, "change %d was to be confirmed until %s: it is being taken back", of.Generation, of.Until.Format(time.RFC3339))
		}
		return d.Confirm(change)
	})
	if err != nil {
		return nil, err
	}
	return applied, b.loop.after(core.Noticed{Entries: []core.Entry{b.entry("ChangeConfirmed", of, fmt.Sprintf("of %s, was confirmed by %s", of.By, api.Principal(ctx)))}})
}

// Rollback implements api.Backend.
func (b *backend) Rollback(ctx context.Context, change uint64) (*resource.Applied, error) {
	var of *declare.Pending
	applied, err := b.change(ctx, 0, false, func(d declare.State) (declare.State, []resource.ObjectChange, error) {
		of = d.Pending
		return d.Rollback(change)
	})
	if err != nil {
		return nil, err
	}
	return applied, b.loop.after(core.Noticed{Entries: []core.Entry{b.entry(core.ChangeRolledBack, of, fmt.Sprintf("of %s, was taken back by %s", of.By, api.Principal(ctx)))}})
}

// takeBack takes a change back that nobody confirmed. Whoever made it may have
// lost his way to the controller by it, so others are told.
func (b *backend) takeBack(ctx context.Context, p *declare.Pending) error {
	applied, err := b.change(ctx, 0, false, func(d declare.State) (declare.State, []resource.ObjectChange, error) {
		return d.Rollback(p.Generation)
	})
	var refusal *resource.Error
	if errors.As(err, &refusal) && (refusal.Kind == resource.NotFound || refusal.Kind == resource.Stale) {
		return nil // somebody was faster
	}
	if err != nil {
		return fmt.Errorf("take change %d back: %w", p.Generation, err)
	}
	return b.loop.after(core.Noticed{Raise: []core.Alarm{{
		Key: changeKey, Name: core.ChangeRolledBack, Severity: "warning", Cause: "spec", CausedAt: p.Until, DetectedAt: b.clerk.now().Wall,
		Before: fmt.Sprintf("change %d, to be confirmed", p.Generation), After: fmt.Sprintf("as before change %d", p.Generation),
		Message: fmt.Sprintf("change %d of %s was not confirmed until %s and is taken back: topology and intents are as before it, in generation %d. "+
			"Find out why nobody confirmed it before it is made again; the next change ends this alarm.",
			p.Generation, p.By, p.Until.Format(time.RFC3339), applied.Generation),
	}}})
}
