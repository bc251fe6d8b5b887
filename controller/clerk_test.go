package controller

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/controller/core"
	"github.com/keiro-net/keiro/controller/pki"
	"github.com/keiro-net/keiro/controller/store"
	"github.com/keiro-net/keiro/controller/timed"
)

// hand is a clock that is set by hand.
type hand struct {
	mu  sync.Mutex
	now timed.Clock
}

func (h *hand) read() timed.Clock { h.mu.Lock(); defer h.mu.Unlock(); return h.now }

func (h *hand) set(wall, up time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = timed.Clock{Wall: time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC).Add(wall), Up: up}
}

// office is a backend with its loop and store, and no agents.
type office struct {
	*backend
	clock *hand
	stop  func() // the controller ends; its store stays
}

func open(t *testing.T, kept *store.Store, clock *hand) *office {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	authority, err := pki.Open(pki.Options{Dir: t.TempDir(), Store: kept})
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Log: slog.New(slog.DiscardHandler)}
	b, first, err := restore(ctx, kept, authority, o.Log)
	if err != nil {
		t.Fatal(err)
	}
	b.loop = newLoop(core.New(core.Params{}), o)
	b.loop.push, b.loop.solve = func(*nodecfg.Config) {}, func(core.Solve) {}
	b.loop.announce = func(core.Effect) []core.Event { return nil }
	b.loop.record, b.loop.publish, b.loop.commit = b.record, b.publish, kept.Commit
	b.loop.remember = func(core.Keep) {}
	b.loop.records, b.loop.alarms = newQueue(b.loop.write), newQueue(func(context.Context, core.Alarm) {})
	b.solveTime, b.clerk.now = time.Minute, clock.read
	var parts sync.WaitGroup
	parts.Go(func() { b.loop.run(ctx, first) })
	parts.Go(func() { b.loop.records.run(b.loop.done) })
	parts.Go(func() { b.loop.alarms.run(b.loop.done) })
	end := func() { cancel(); parts.Wait() }
	t.Cleanup(end)
	return &office{b, clock, end}
}

func (o *office) apply(t *testing.T, confirm time.Duration, texts ...string) (*resource.Applied, error) {
	t.Helper()
	var docs []resource.Document
	for _, text := range texts {
		docs = append(docs, resource.Document{Name: "f.yaml", Data: []byte(text)})
	}
	return o.Apply(t.Context(), resource.Apply{Documents: docs, Confirm: confirm})
}

func (o *office) links() (names []string) {
	d, _ := o.now()
	for e := range d.Topology.Entries {
		names = append(names, d.Topology.Entries[e].Name)
	}
	return names
}

func (o *office) told(kind string) bool {
	return slices.ContainsFunc(o.events.Pick(resource.EventQuery{Limit: 1000}), func(e resource.Event) bool { return e.Type == kind })
}

func (o *office) fires(name string) bool {
	return slices.ContainsFunc(o.State().Alerts, func(a *resource.Alert) bool { return a.Name == name && a.Status == resource.Firing })
}

func refused(t *testing.T, err error, kind resource.ErrorKind, says string) {
	t.Helper()
	var refusal *resource.Error
	if !errors.As(err, &refusal) || refusal.Kind != kind || !strings.Contains(err.Error(), says) {
		t.Errorf("%v; want %s: %s", err, kind, says)
	}
}

const line = `apiVersion: keiro/v1
kind: Topology
metadata: {name: line}
spec:
  nodes: [{name: a}, {name: b}, {name: c}]
  links:
    - {a: a, b: b}
`

// A change that nobody confirms goes back, whatever happens to the controller in
// between, and others are told.
func TestUnconfirmedChangeGoesBack(t *testing.T) {
	kept, clock := store.Memory(), &hand{}
	clock.set(0, 0)
	o := open(t, kept, clock)
	_, err := o.apply(t, time.Minute, line)
	refused(t, err, resource.Invalid, "nothing to go back to")
	if _, err := o.apply(t, 0, line); err != nil {
		t.Fatal(err)
	}
	_, err = o.apply(t, 25*time.Hour, line+"    - {a: b, b: c}\n")
	refused(t, err, resource.Invalid, "24h")
	applied, err := o.apply(t, time.Minute, line+"    - {a: b, b: c}\n")
	if err != nil || applied.Pending == nil || applied.Pending.Generation != 2 || !o.told("ChangePending") {
		t.Fatalf("%+v, %v", applied, err)
	}
	_, err = o.apply(t, 0, line+"    - {a: a, b: c}\n")
	refused(t, err, resource.Conflict, "keiro confirm")
	_, err = o.DeleteIntent(t.Context(), "gold", 0)
	refused(t, err, resource.Conflict, "keiro confirm")
	if next, err := o.look(t.Context()); err != nil || next != timed.Look {
		t.Errorf("looks again in %s, %v", next, err)
	}

	o.stop()
	clock.set(59*time.Second, 0)
	o = open(t, kept, clock)
	if next, err := o.look(t.Context()); err != nil || next != time.Second || len(o.links()) != 2 {
		t.Fatalf("after a restart: looks again in %s, links %v, %v", next, o.links(), err)
	}
	clock.set(time.Minute, time.Second)
	_, err = o.Confirm(t.Context(), 0)
	refused(t, err, resource.Conflict, "being taken back")
	if _, err := o.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := o.links(); len(got) != 1 || o.Pending() != nil || !o.told(core.ChangeRolledBack) || !o.fires(core.ChangeRolledBack) {
		t.Errorf("links %v, pending %v, told %t, alarm %t", got, o.Pending(), o.told(core.ChangeRolledBack), o.fires(core.ChangeRolledBack))
	}
	if d, generation, err := kept.Spec(t.Context()); err != nil || generation != 3 || strings.Contains(string(d), "pending") {
		t.Errorf("kept: generation %d, %v: %s", generation, err, d)
	}
	if _, err := o.apply(t, 0, line+"    - {a: a, b: c}\n"); err != nil || o.fires(core.ChangeRolledBack) {
		t.Errorf("the next change: %v; the alarm fires on: %t", err, o.fires(core.ChangeRolledBack))
	}
}

func TestConfirmAndRollback(t *testing.T) {
	clock := &hand{}
	clock.set(0, 0)
	o := open(t, store.Memory(), clock)
	_, err := o.Confirm(t.Context(), 0)
	refused(t, err, resource.NotFound, "no change awaits")
	if _, err := o.apply(t, 0, line); err != nil {
		t.Fatal(err)
	}
	for n, word := range []func(context.Context, uint64) (*resource.Applied, error){o.Rollback, o.Confirm} {
		applied, err := o.apply(t, time.Minute, line+"    - {a: b, b: c}\n")
		if err != nil {
			t.Fatal(err)
		}
		_, err = word(t.Context(), applied.Generation+1)
		refused(t, err, resource.Stale, "awaits a confirmation, not")
		if _, err := word(t.Context(), applied.Generation); err != nil || len(o.links()) != n+1 || o.Pending() != nil {
			t.Errorf("word %d: links %v, pending %v, %v", n, o.links(), o.Pending(), err)
		}
	}
	clock.set(time.Hour, time.Hour)
	if next, err := o.look(t.Context()); err != nil || next != 0 || len(o.links()) != 2 || o.fires(core.ChangeRolledBack) {
		t.Errorf("what was confirmed: looks again in %s, links %v, %v", next, o.links(), err)
	}
	if !o.told("ChangeConfirmed") || !o.told(core.ChangeRolledBack) {
		t.Error("the words are not in the event log")
	}
}
