package controller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/controller/api"
	"github.com/keiro-net/keiro/controller/api/feed"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/controller/core"
	"github.com/keiro-net/keiro/controller/declare"
	"github.com/keiro-net/keiro/controller/fleet"
	"github.com/keiro-net/keiro/controller/history"
	"github.com/keiro-net/keiro/controller/pki"
	"github.com/keiro-net/keiro/controller/show"
	"github.com/keiro-net/keiro/controller/solver"
	"github.com/keiro-net/keiro/controller/store"
	"github.com/keiro-net/keiro/controller/waiver"
	"github.com/keiro-net/keiro/keys/sign"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/gate"
)

// backend is what the API can do with the controller. Changes of what is
// declared are stored first, then told to the loop, one at a time.
type backend struct {
	*feed.Feed
	loop      *loop
	solver    *solver.Solver
	store     *store.Store
	authority *pki.Authority
	fleet     *fleet.Fleet
	routers   *speakers
	rotate    func(ctx context.Context, node string, r nodecfg.RotateRequest) (nodecfg.RotateResult, error) // the fleet's
	events    *history.Log
	ledgers   *ledgers
	solveTime time.Duration
	seen      atomic.Pointer[core.View] // as last published

	changing sync.Mutex // held while something declared is changed
	clerk    clerk

	mu       sync.Mutex
	declared declare.State
	drains   []*resource.Drain // sorted by kind and name
	waivers  []waiver.Signed   // sorted by name

	operators []*sign.Public // whose waivers count
}

func (b *backend) now() (declare.State, []*resource.Drain) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.declared, b.drains
}

// firing are the alerts that fire now.
func (b *backend) firing() []*resource.Alert {
	if s := b.State(); s != nil {
		return s.Alerts
	}
	return nil
}

// Apply implements api.Backend.
func (b *backend) Apply(ctx context.Context, request resource.Apply) (*resource.Applied, error) {
	return b.change(ctx, request.IfGeneration, request.DryRun, b.held(ctx, request.Confirm, func(d declare.State) (declare.State, []resource.ObjectChange, error) {
		return d.Declare(request.Documents, b.locators()...)
	}))
}

// DeleteIntent implements api.Backend.
func (b *backend) DeleteIntent(ctx context.Context, name string, ifGeneration uint64) (*resource.Applied, error) {
	return b.change(ctx, 0, false, b.held(ctx, 0, func(d declare.State) (declare.State, []resource.ObjectChange, error) {
		if at, ok := d.Generations[name]; ok && ifGeneration != 0 && at != ifGeneration {
			return d, nil, resource.Errorf(resource.Stale, "intent %s is of generation %d, not %d: read it again", name, at, ifGeneration)
		}
		return d.Remove(name)
	}))
}

// change makes a new declared state: computed, stored, told to the loop.
func (b *backend) change(ctx context.Context, ifGeneration uint64, dryRun bool, edit func(declare.State) (declare.State, []resource.ObjectChange, error)) (*resource.Applied, error) {
	b.changing.Lock()
	defer b.changing.Unlock()
	old, _ := b.now()
	if ifGeneration != 0 && ifGeneration != old.Generation {
		return nil, resource.Errorf(resource.Stale, "the declared state is of generation %d, not %d: read it again", old.Generation, ifGeneration)
	}
	next, changes, err := edit(old)
	if err != nil {
		return nil, err
	}
	applied := &resource.Applied{Generation: next.Generation, DryRun: dryRun, Objects: changes}
	if dryRun || next.Generation == old.Generation {
		return applied, nil
	}
	blob, err := next.Encode()
	if err != nil {
		return nil, err
	}
	// A caller who hangs up must not leave it open whether it was stored.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer cancel()
	if _, err := b.store.PutSpec(ctx, old.Generation, blob); err != nil {
		return nil, errors.Join(fmt.Errorf("store the declared state: %w", err), b.reread(ctx))
	}
	applied.Pending = shown(next.Pending)
	return applied, errors.Join(b.adopt(next), b.changed(next))
}

// storeTime bounds how long one change may take to be stored.
const storeTime = 30 * time.Second

// adopt makes a stored state the declared one.
func (b *backend) adopt(d declare.State) error {
	b.mu.Lock()
	b.declared = d
	b.mu.Unlock()
	b.clerk.wake()
	return b.loop.after(core.SpecChanged{Spec: d.Spec})
}

// reread adopts what is stored, after a change of which it is not known
// whether it was stored, or which met one of another controller.
func (b *backend) reread(ctx context.Context) error {
	blob, _, err := b.store.Spec(ctx)
	if err != nil {
		return fmt.Errorf("and read it again: %w", err)
	}
	d, err := declare.Decode(blob)
	if err != nil {
		return err
	}
	if now, _ := b.now(); d.Generation == now.Generation {
		return nil
	}
	if err := b.adopt(d); err != nil {
		return err
	}
	return resource.Errorf(resource.Conflict, "the declared state is of generation %d now: look at it, then try again", d.Generation)
}

// Diff implements api.Backend.
func (b *backend) Diff(ctx context.Context, documents []resource.Document) (*resource.Diff, error) {
	old, _ := b.now()
	next, changes, err := old.Declare(documents)
	if err != nil {
		return nil, err
	}
	diff := &resource.Diff{Generation: old.Generation, Objects: changes, Intents: []resource.IntentDiff{}, Findings: []gate.Finding{}}
	if next.Generation == old.Generation {
		return diff, nil
	}
	diff.Pending = true
	before := map[string]*pathspec.Answer{}
	for _, a := range b.State().Solution.Intents {
		before[a.Name] = &a
	}
	out := b.outage()
	next.Topology = b.routers.join(next.Topology, &out)
	after := solver.Answer(next.Spec, out, b.solveTime, func() bool { return ctx.Err() != nil })
	for n := range after.Intents {
		was, is := before[after.Intents[n].Name], &after.Intents[n]
		if was == nil || !sameAnswer(was, is) {
			diff.Intents = append(diff.Intents, resource.IntentDiff{Name: is.Name, Before: was, After: is})
		}
	}
	if old.Topology != nil {
		deadline := time.Now().Add(b.solveTime)
		stop := func() bool { return ctx.Err() != nil || time.Now().After(deadline) }
		old.Topology = b.routers.join(old.Topology, nil)
		diff.Findings = old.Erosion(next, out, stop)
	}
	return diff, nil
}

// sameAnswer compares as much as is known of the first.
func sameAnswer(was, is *pathspec.Answer) bool {
	a, b := *was, *is
	if a.Pending {
		a.Pending, a.Why, a.Reserve, b.Why, b.Reserve = false, nil, nil, nil, nil
	}
	x, _ := json.Marshal(a) // plain data
	y, _ := json.Marshal(b)
	return string(x) == string(y)
}

// Explain implements api.Backend.
func (b *backend) Explain(_ context.Context, name string) (*resource.Explanation, error) {
	state := b.State()
	intent := state.Intent(name)
	if intent == nil {
		return nil, resource.Errorf(resource.NotFound, "there is no intent %s", name)
	}
	declared, _ := b.now()
	return show.Explain(intent, state, declared), nil
}

// Trace implements api.Backend. The first headend that answers traces.
func (b *backend) Trace(ctx context.Context, name string) (*resource.Trace, error) {
	intent := b.State().Intent(name)
	if intent == nil {
		return nil, resource.Errorf(resource.NotFound, "there is no intent %s", name)
	}
	why := "no path of it stands"
	for _, p := range intent.Status.Paths {
		result, err := b.fleet.Trace(ctx, p.Headend, name)
		switch {
		case err != nil:
			why = fmt.Sprintf("headend %s: %v", p.Headend, err)
		case result.Error != "":
			why = fmt.Sprintf("headend %s: %s", p.Headend, result.Error)
		default:
			if result.Paths == nil {
				result.Paths = []nodecfg.TracePath{}
			}
			return &resource.Trace{Intent: name, Headend: p.Headend, Paths: result.Paths}, nil
		}
	}
	return nil, resource.Errorf(resource.Unavailable, "intent %s cannot be traced: %s", name, why)
}

const drainBucket = "drain"

// Drain implements api.Backend.
func (b *backend) Drain(ctx context.Context, drain resource.Drain) (*resource.Drain, error) {
	b.changing.Lock()
	defer b.changing.Unlock()
	d, drains := b.now()
	if !exists(d, drain.Kind, drain.Name) {
		return nil, resource.Errorf(resource.NotFound, "there is no %s %s in the topology", drain.Kind, drain.Name)
	}
	if !slices.ContainsFunc(drains, func(d *resource.Drain) bool { return d.Kind == drain.Kind && d.Name == drain.Name }) {
		if err := b.guard(ctx, d, d, drainFor(drain.Kind, drain.Name, api.Principal(ctx))); err != nil {
			return nil, err
		}
	}
	drain.By, drain.Since = api.Principal(ctx), time.Now().UTC()
	value, err := json.Marshal(drain)
	if err != nil {
		return nil, err
	}
	if err := b.store.Commit(ctx, store.Put(drainBucket, drain.Kind+":"+drain.Name, value)); err != nil {
		return nil, err
	}
	return &drain, b.setDrains(append(without(drains, drain.Kind, drain.Name), &drain))
}

// Undrain implements api.Backend.
func (b *backend) Undrain(ctx context.Context, kind, name string) error {
	b.changing.Lock()
	defer b.changing.Unlock()
	_, drains := b.now()
	left := without(drains, kind, name)
	if len(left) == len(drains) {
		return resource.Errorf(resource.NotFound, "%s %s is not drained", kind, name)
	}
	if err := b.store.Commit(ctx, store.Delete(drainBucket, kind+":"+name)); err != nil {
		return err
	}
	return b.setDrains(left)
}

func (b *backend) setDrains(drains []*resource.Drain) error {
	slices.SortFunc(drains, func(x, y *resource.Drain) int { return strings.Compare(x.Kind+":"+x.Name, y.Kind+":"+y.Name) })
	b.mu.Lock()
	b.drains = drains
	b.mu.Unlock()
	return b.loop.after(core.Drained{Drains: drainsOf(drains)})
}

// Events implements api.Backend.
func (b *backend) Events(_ context.Context, query resource.EventQuery) ([]resource.Event, error) {
	return b.events.Pick(query), nil
}

// record notes an entry in the event log.
func (b *backend) record(e core.Entry) {
	b.events.Add(resource.Event{
		Time: e.Time.UTC().Round(0), Type: e.Type, Severity: resource.Severity(e.Severity), Object: e.Object, Message: e.Message,
		Intents: e.Intents, Evidence: e.Evidence,
	})
}

// CreateToken implements api.Backend.
func (b *backend) CreateToken(ctx context.Context, node string, ttl time.Duration) (*resource.Token, error) {
	token, err := b.authority.CreateToken(ctx, node, ttl)
	if err != nil {
		return nil, resource.Errorf(resource.Invalid, "%v", err)
	}
	return &resource.Token{Node: node, Token: token.Reveal(), Expires: time.Now().Add(ttl).UTC()}, nil
}
