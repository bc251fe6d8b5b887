package controller

import (
	"context"
	"strings"
	"time"

	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/controller/declare"
	"github.com/keiro-net/keiro/pathspec/gate"
	"github.com/keiro-net/keiro/topology"
)

// plan asks the gate about a change of old, in the network as it is. It is
// bounded by the time that paths may take; what is not proven by then cannot be
// told.
func (b *backend) plan(ctx context.Context, old declare.State, q declare.Question) (*gate.Plan, error) {
	if b.State() == nil {
		return nil, resource.Errorf(resource.Unavailable, "the controller has not seen the network yet: try again")
	}
	deadline := time.Now().Add(b.solveTime)
	q.Stop = func() bool { return ctx.Err() != nil || time.Now().After(deadline) }
	old.Topology = b.routers.join(old.Topology, nil)
	q.Next.Topology = b.routers.join(q.Next.Topology, &q.OutAfter)
	plan := old.Plan(q)
	return plan, ctx.Err()
}

// guard refuses a change that takes from an intent what was declared. Of single
// failures none is tried: that paths, bounds and margins hold is what an apply
// can wait for; all failures are for who asks (POST /changes).
func (b *backend) guard(ctx context.Context, old, next declare.State, drains ...gate.Drain) error {
	if old.Topology == nil || len(old.Intents) == 0 {
		return nil // nothing was promised yet
	}
	plan, err := b.plan(ctx, old, declare.Question{Next: next, OutBefore: b.outage(), OutAfter: b.outage(), Drains: drains})
	if err != nil {
		return err
	}
	return old.Refuse(plan, b.waived)
}

// Changes implements api.Backend.
func (b *backend) Changes(ctx context.Context, c resource.Changes) (*gate.Plan, error) {
	old, drains := b.now()
	next := old
	next.Pending = nil
	var err error
	if next, _, err = next.Declare(c.Documents, b.locators()...); err != nil {
		return nil, err
	}
	for _, name := range c.Remove {
		if next, _, err = next.Remove(name); err != nil {
			return nil, err
		}
	}
	if old.Topology == nil {
		old.Topology = &topology.Topology{Name: next.Topology.Name}
	}
	q := declare.Question{Next: next, OutBefore: b.outage(), Failures: c.Failures, Reserve: c.Reserve}
	left := drains
	for _, what := range c.Undrain {
		kind, name, _ := strings.Cut(what, ":")
		if left = without(left, kind, name); len(left) == len(drains) {
			return nil, resource.Errorf(resource.NotFound, "%s is not drained", what)
		}
	}
	q.OutAfter = outageOf(b.State(), left)
	for _, what := range c.Drain {
		kind, name, _ := strings.Cut(what, ":")
		if !exists(next, kind, name) {
			return nil, resource.Errorf(resource.NotFound, "there is no %s in the topology", what)
		}
		q.Drains = append(q.Drains, drainFor(kind, name, "the request"))
	}
	return b.plan(ctx, old, q)
}
