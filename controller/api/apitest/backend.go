// Package apitest is a controller that fits in a test: it keeps declared
// objects, drains and events in memory, publishes every change, and knows
// nothing of networks. Tests of controller/api, of its client and of the
// command line use it.
package apitest

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/bgp"
	"github.com/keiro-net/keiro/controller/api"
	"github.com/keiro-net/keiro/controller/api/feed"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/controller/core"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/gate"
)

// Now is the time on the fake's clock.
var Now = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// Backend behaves as the controller does, in memory.
type Backend struct {
	*feed.Feed
	// Asked, if given, is called before what was learned is put together.
	Asked func()

	mu         sync.Mutex
	state      resource.State // the next to be published
	events     []resource.Event
	compliance []*resource.Compliance
	peers      []bgp.State // of routers that it pretends to speak with
	view       core.View   // of what they say
	pended     *pended
}

var _ api.Backend = (*Backend)(nil)

// New returns a Backend that has published its first, empty state.
func New() *Backend {
	b := &Backend{Feed: feed.New()}
	b.publish()
	return b
}

// Update changes the state as f says and publishes it.
func (b *Backend) Update(f func(*resource.State), events ...resource.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f(&b.state)
	b.publish(events...)
}

// publish gives out a copy; objects are never changed, only replaced.
func (b *Backend) publish(events ...resource.Event) {
	for i := range events {
		events[i].ID, events[i].Time = uint64(len(b.events)+i+1), Now
	}
	b.events = append(b.events, events...)
	s := b.state
	s.Intents, s.Nodes, s.Links = slices.Clone(s.Intents), slices.Clone(s.Nodes), slices.Clone(s.Links)
	s.Drains, s.Alerts = slices.Clone(s.Drains), slices.Clone(s.Alerts)
	s.Lanes, s.Keying = slices.Clone(s.Lanes), slices.Clone(s.Keying)
	b.Publish(&s, events...)
}

// Apply declares all objects, or none.
func (b *Backend) Apply(ctx context.Context, request resource.Apply) (*resource.Applied, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if request.IfGeneration != 0 && request.IfGeneration != b.state.Generation {
		return nil, resource.Errorf(resource.Stale, "the declared state is of generation %d, not %d", b.state.Generation, request.IfGeneration)
	}
	if err := b.hold(); err != nil {
		return nil, err
	}
	objects, changes, err := b.compare(request.Documents)
	if err != nil {
		return nil, err
	}
	applied := &resource.Applied{Generation: b.state.Generation, DryRun: request.DryRun, Objects: changes}
	if request.DryRun || !pending(changes) {
		return applied, nil
	}
	before := b.snapshot()
	b.state.Generation++
	applied.Generation, applied.Pending = b.state.Generation, b.pend(ctx, request, before)
	for i, o := range objects {
		if changes[i].Action != resource.Unchanged {
			b.put(o)
		}
	}
	b.publish(resource.Event{Type: "Applied", Severity: resource.Info, Object: "spec", Message: "declared state changed"})
	return applied, nil
}

// Diff says what Apply would do.
func (b *Backend) Diff(_ context.Context, documents []resource.Document) (*resource.Diff, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, changes, err := b.compare(documents)
	if err != nil {
		return nil, err
	}
	diff := &resource.Diff{Generation: b.state.Generation, Pending: pending(changes), Objects: changes, Intents: []resource.IntentDiff{}, Findings: []gate.Finding{}}
	for _, c := range changes {
		if c.Kind == resource.KindIntent && c.Action == resource.Created {
			diff.Intents = append(diff.Intents, resource.IntentDiff{Name: c.Name, After: &pathspec.Answer{
				Name: c.Name, Status: pathspec.Satisfied, Paths: []pathspec.Path{},
			}})
		}
	}
	return diff, nil
}

// compare says what becomes of each object of the documents.
func (b *Backend) compare(documents []resource.Document) ([]object, []resource.ObjectChange, error) {
	objects, err := parse(documents)
	if err != nil {
		return nil, nil, err
	}
	changes := []resource.ObjectChange{}
	for _, o := range objects {
		change := resource.ObjectChange{Kind: o.Kind, Name: o.Metadata.Name, Action: resource.Created}
		if old := b.spec(o); old != nil {
			change.Action = resource.Configured
			if string(old) == string(o.Spec) {
				change.Action = resource.Unchanged
			}
		}
		changes = append(changes, change)
	}
	return objects, changes, nil
}

func pending(changes []resource.ObjectChange) bool {
	return slices.ContainsFunc(changes, func(c resource.ObjectChange) bool { return c.Action != resource.Unchanged })
}

// spec returns what is declared for the same object, or nil.
func (b *Backend) spec(o object) json.RawMessage {
	if o.Kind == resource.KindTopology {
		var t object
		if json.Unmarshal(b.state.Topology, &t) == nil {
			return t.Spec
		}
	} else if i := b.state.Intent(o.Metadata.Name); i != nil {
		return i.Spec
	}
	return nil
}

func (b *Backend) put(o object) {
	o.Metadata.Generation = b.state.Generation
	if o.Kind == resource.KindTopology {
		b.state.Topology, _ = json.Marshal(o) // it came from JSON
		b.state.TopologyGeneration = b.state.Generation
		return
	}
	name := o.Metadata.Name
	b.remove(name)
	b.state.Intents = append(b.state.Intents, &resource.Intent{
		APIVersion: resource.APIVersion, Kind: o.Kind, Metadata: o.Metadata, Spec: o.Spec,
		Status: resource.IntentStatus{
			ObservedGeneration: o.Metadata.Generation,
			Answer:             pathspec.Answer{Name: name, Status: pathspec.Satisfied, Paths: []pathspec.Path{}},
			Compliance:         resource.CannotTell, Characteristics: []resource.Characteristic{},
			Conditions: []resource.Condition{{
				Type: resource.Satisfied, Status: resource.True, Reason: "Solved", Message: "all that is required is met",
				ObservedGeneration: o.Metadata.Generation, LastTransitionTime: Now,
			}},
			Paths: []resource.PathStatus{{Name: name + "/0", Headend: "tyo1", Nodes: []string{"tyo1", "osa1"},
				Links: []string{"tyo1--osa1"}, Installed: true, Active: true, State: nodecfg.Up, RTTUS: 5200, Since: Now,
				There: &resource.Measured{Packets: 200, LossPPM: 5000, DelayUS: new(int64(2600)), VariationUS: 70},
				Back:  &resource.Measured{Packets: 199, VariationUS: 90}, Delay: nodecfg.Within, Loss: nodecfg.Beyond}},
		},
	})
	slices.SortFunc(b.state.Intents, func(x, y *resource.Intent) int { return strings.Compare(x.Metadata.Name, y.Metadata.Name) })
}

func (b *Backend) remove(name string) {
	b.state.Intents = slices.DeleteFunc(b.state.Intents, func(i *resource.Intent) bool { return i.Metadata.Name == name })
}

// DeleteIntent takes an intent back.
func (b *Backend) DeleteIntent(_ context.Context, name string, ifGeneration uint64) (*resource.Applied, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.hold(); err != nil {
		return nil, err
	}
	i := b.state.Intent(name)
	if i == nil {
		return nil, resource.Errorf(resource.NotFound, "there is no intent %s", name)
	}
	if ifGeneration != 0 && ifGeneration != i.Metadata.Generation {
		return nil, resource.Errorf(resource.Stale, "intent %s is of generation %d, not %d", name, i.Metadata.Generation, ifGeneration)
	}
	b.state.Generation++
	b.remove(name)
	b.publish(resource.Event{Type: "Deleted", Severity: resource.Info, Object: "intent:" + name, Message: "taken back"})
	return &resource.Applied{Generation: b.state.Generation, Objects: []resource.ObjectChange{
		{Kind: resource.KindIntent, Name: name, Action: resource.Deleted},
	}}, nil
}

// Explain gives the answer back.
func (b *Backend) Explain(_ context.Context, intent string) (*resource.Explanation, error) {
	i := b.State().Intent(intent)
	if i == nil {
		return nil, resource.Errorf(resource.NotFound, "there is no intent %s", intent)
	}
	return &resource.Explanation{Intent: intent, Answer: i.Status.Answer, Outage: []string{}, KeyHolders: []pathspec.Holders{}, Lines: []string{intent + " is satisfied"}}, nil
}

// Trace pretends that every path was seen as it stands.
func (b *Backend) Trace(_ context.Context, intent string) (*resource.Trace, error) {
	i := b.State().Intent(intent)
	if i == nil {
		return nil, resource.Errorf(resource.NotFound, "there is no intent %s", intent)
	}
	trace := &resource.Trace{Intent: intent, Headend: "tyo1"}
	for _, p := range i.Status.Paths {
		seen := nodecfg.TracePath{Name: p.Name, Active: p.Active, RTTUS: p.RTTUS}
		seen.Lane = laneAt(b.State(), p.Name, p.Headend)
		for _, node := range p.Nodes[1:] {
			seen.Hops = append(seen.Hops, nodecfg.TraceHop{Want: node, Seen: node, RTTUS: p.RTTUS})
		}
		trace.Paths = append(trace.Paths, seen)
	}
	return trace, nil
}
