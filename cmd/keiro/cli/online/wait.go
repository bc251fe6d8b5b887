package online

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/controller/api/client"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/pathspec"
)

// waiter waits until what was applied is what is there.
type waiter struct {
	generation uint64          // of the declared state
	names      map[string]bool // intents to wait for; nil: all
	intents    map[string]*resource.Intent
	synced     bool
	progress   *command.Progress
}

// waitFor names the intents that a change concerns: with a topology all.
func waitFor(applied *resource.Applied) map[string]bool {
	names := map[string]bool{}
	for _, o := range applied.Objects {
		if o.Kind == resource.KindTopology {
			return nil
		}
		names[o.Name] = true
	}
	return names
}

// wait returns the verdict: nil when all intents are in place.
func (w *waiter) wait(ctx context.Context, c *client.Client, timeout time.Duration) error {
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	defer w.progress.Clear()
	for change, err := range c.Watch(limited) {
		switch {
		case ctx.Err() != nil:
			return errors.New("interrupted; what was applied stays declared")
		case limited.Err() != nil:
			return w.verdict(timeout)
		case err != nil:
			return fmt.Errorf("applied, but what became of it is not known: %w", err)
		}
		w.hear(change)
		if w.settled() {
			return w.verdict(0)
		}
	}
	return nil
}

func (w *waiter) hear(change resource.Change) {
	switch change.Kind {
	case resource.Synced:
		w.synced = true
	case resource.Resync:
		w.synced = false
		clear(w.intents)
	case resource.IntentChange:
		name := change.Intent.Metadata.Name
		if change.Op == resource.Removed {
			delete(w.intents, name)
		} else if w.names == nil || w.names[name] {
			w.intents[name] = change.Intent
		}
	}
}

// settled reports whether there is nothing left to wait for.
func (w *waiter) settled() bool {
	if !w.synced {
		return false
	}
	var open []string
	for _, name := range slices.Sorted(maps.Keys(w.intents)) {
		if reason := w.missing(w.intents[name]); reason != "" {
			open = append(open, name+": "+reason)
		}
	}
	if len(open) > 0 {
		w.progress.Say("%d of %s in place; %s", len(w.intents)-len(open), output.Count(len(w.intents), "intent"), open[0])
	}
	return len(open) == 0
}

// missing says why an intent is not settled yet, or "". An answer is final
// when it is for what was declared: what is infeasible or undecided then is
// so, and only the reason is waited for.
func (w *waiter) missing(i *resource.Intent) string {
	if i.Status.ObservedGeneration < w.generation {
		return "no answer yet"
	}
	switch a := &i.Status.Answer; {
	case a.Status == pathspec.Infeasible && a.Pending:
		return a.Why.Message
	case a.Status != pathspec.Satisfied:
		return ""
	}
	for _, kind := range []string{resource.Satisfied, resource.Installed} {
		switch c := i.Condition(kind); {
		case c == nil:
			return kind + " is not known yet"
		case c.Status != resource.True:
			return c.Message
		}
	}
	return ""
}

// verdict tells what is not in place; timeout is how long was waited in vain.
func (w *waiter) verdict(timeout time.Duration) error {
	w.progress.Clear()
	var no, open []string
	for _, name := range slices.Sorted(maps.Keys(w.intents)) {
		i := w.intents[name]
		a := &i.Status.Answer
		reason := w.missing(i)
		switch {
		case a.Status == pathspec.Infeasible && i.Status.ObservedGeneration >= w.generation:
			no = append(no, "intent "+name+" is infeasible: "+why(a))
		case reason != "":
			open = append(open, "intent "+name+" is not in place yet: "+reason)
		case a.Status != pathspec.Satisfied:
			open = append(open, "intent "+name+" is undecided: "+why(a))
		}
	}
	const after = "; it stays declared; `keiro describe intent NAME` says more"
	switch told := strings.Join(append(no, open...), "\n"); {
	case len(no) > 0:
		return command.Exit(command.Degraded, "%s", told+after)
	case !w.synced:
		return command.Exit(command.CannotTell, "waited %v and heard nothing of the intents; what was applied stays declared", timeout)
	case len(open) > 0 && timeout > 0:
		return command.Exit(command.CannotTell, "waited %v\n%s", timeout, told+after)
	case len(open) > 0:
		return command.Exit(command.CannotTell, "%s", told+after)
	}
	return nil
}

func why(a *pathspec.Answer) string {
	if a.Why == nil {
		return "no reason is given"
	}
	return a.Why.Message
}
