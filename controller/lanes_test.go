package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/controller/api/feed"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/controller/core"
	"github.com/keiro-net/keiro/controller/declare"
	"github.com/keiro-net/keiro/controller/fleet"
	"github.com/keiro-net/keiro/topology"
)

// agents are fake ones: what each was told, and those that cannot be.
type agents struct {
	mu   sync.Mutex
	told []string
	away map[string]bool
}

func (a *agents) rotate(_ context.Context, node string, r nodecfg.RotateRequest) (nodecfg.RotateResult, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.away[node] {
		return nodecfg.RotateResult{}, fleet.ErrNotConnected
	}
	a.told = append(a.told, fmt.Sprintf("%s: intent=%q peer=%q within=%s compromised=%v", node, r.Intent, r.Peer, r.Within, r.Compromised))
	return nodecfg.RotateResult{Pairs: 1}, nil
}

func operated(t *testing.T) (*backend, *agents) {
	t.Helper()
	topo, err := topology.Parse("t.yaml", []byte("apiVersion: keiro/v1\nkind: Topology\nmetadata: {name: t}\nspec: {nodes: [{name: a}, {name: b}, {name: c}, {name: d}], links: [{a: a, b: b}]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	a := &agents{away: map[string]bool{}}
	b := &backend{Feed: feed.New(), rotate: a.rotate, events: noEvents(t), declared: declare.State{Spec: core.Spec{Topology: topo}}}
	lane := func(name, intent, head, tail string) *resource.Lane {
		return &resource.Lane{Name: name, Intent: intent, Ends: []resource.LaneEnd{{Node: head}, {Node: tail}}}
	}
	intent := func(name string) *resource.Intent { return &resource.Intent{Metadata: resource.Metadata{Name: name}} }
	b.Publish(&resource.State{
		Intents: []*resource.Intent{intent("clear"), intent("gold"), intent("silver")},
		Lanes: []*resource.Lane{
			lane("gold/0", "gold", "a", "c"), lane("gold/1", "gold", "a", "c"), lane("gold/2", "gold", "b", "d"),
			lane("silver/0", "silver", "c", "d"),
		},
	})
	return b, a
}

// One end of a pair is told: the head, or the tail where the head is away.
func TestRotateTellsOneEnd(t *testing.T) {
	b, a := operated(t)
	expect := func(name string, pairs int, told, untold string) {
		t.Helper()
		a.told = nil
		r, err := b.Rotate(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(a.told)
		if r.Pairs != pairs || strings.Join(a.told, "\n") != told || fmt.Sprint(r.Untold) != untold {
			t.Errorf("%+v, told:\n%s", r, strings.Join(a.told, "\n"))
		}
	}
	expect("gold", 2, `a: intent="gold" peer="" within=0s compromised=false
b: intent="gold" peer="" within=0s compromised=false`, "[]")
	a.away["a"] = true
	expect("gold", 2, `b: intent="gold" peer="" within=0s compromised=false
c: intent="" peer="a" within=0s compromised=false`, "[{a the agent is not connected}]")
	a.away["c"] = true
	expect("gold", 1, `b: intent="gold" peer="" within=0s compromised=false`, "[{a the agent is not connected} {c the agent is not connected}]")

	a.away["b"], a.away["d"] = true, true
	for name, want := range map[string]resource.ErrorKind{"gold": resource.Unavailable, "clear": resource.Conflict, "none": resource.NotFound} {
		var refusal *resource.Error
		if _, err := b.Rotate(t.Context(), name); !errors.As(err, &refusal) || refusal.Kind != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Both ends of every pair are told that the keys are known to others.
func TestRekeyTellsBothEnds(t *testing.T) {
	b, a := operated(t)
	r, err := b.Rekey(t.Context(), "c", time.Minute)
	slices.Sort(a.told)
	want := `a: intent="" peer="c" within=1m0s compromised=true
c: intent="" peer="" within=1m0s compromised=true
d: intent="" peer="c" within=1m0s compromised=true`
	if err != nil || r.Pairs != 2 || strings.Join(a.told, "\n") != want {
		t.Errorf("%+v, %v, told:\n%s", r, err, strings.Join(a.told, "\n"))
	}
	a.away["c"], a.away["d"] = true, true
	if r, err = b.Rekey(t.Context(), "c", 0); err != nil || r.Pairs != 1 || len(r.Untold) != 2 {
		t.Errorf("%+v, %v", r, err)
	}
	a.away["a"] = true
	for name, want := range map[string]resource.ErrorKind{"c": resource.Unavailable, "none": resource.NotFound} {
		var refusal *resource.Error
		if _, err := b.Rekey(t.Context(), name, 0); !errors.As(err, &refusal) || refusal.Kind != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if events := b.events.Pick(resource.EventQuery{Limit: 10}); len(events) != 2 || events[0].Type != "Rekey" || events[0].Object != "node:c" {
		t.Errorf("events %+v", events)
	}
}
