package apitest

import (
	"context"
	"slices"

	"github.com/keiro-net/keiro/controller/api"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/pathspec/gate"
)

// pended is a change that awaits its confirmation, and what was before it.
type pended struct {
	resource.Pending
	before resource.State
}

// pend makes the change that was just made one that awaits its confirmation.
func (b *Backend) pend(ctx context.Context, request resource.Apply, before resource.State) *resource.Pending {
	if request.Confirm == 0 {
		return nil
	}
	b.pended = &pended{before: before, Pending: resource.Pending{
		Generation: b.state.Generation, By: api.Principal(ctx), Since: Now, Until: Now.Add(request.Confirm),
	}}
	return &b.pended.Pending
}

// hold refuses while a change awaits its confirmation.
func (b *Backend) hold() error {
	if b.pended == nil {
		return nil
	}
	return resource.Errorf(resource.Conflict, "change %d awaits its confirmation", b.pended.Generation)
}

// Pending is the change that awaits its confirmation.
func (b *Backend) Pending() *resource.Pending {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pended == nil {
		return nil
	}
	return &b.pended.Pending
}

// Confirm keeps it.
func (b *Backend) Confirm(_ context.Context, change uint64) (*resource.Applied, error) {
	return b.word(change, func(*pended) {})
}

// Rollback takes it back.
func (b *Backend) Rollback(_ context.Context, change uint64) (*resource.Applied, error) {
	return b.word(change, func(p *pended) { b.state.Topology, b.state.Intents = p.before.Topology, p.before.Intents })
}

func (b *Backend) word(change uint64, do func(*pended)) (*resource.Applied, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.pended
	if p == nil {
		return nil, resource.Errorf(resource.NotFound, "no change awaits a confirmation")
	}
	if change != 0 && change != p.Generation {
		return nil, resource.Errorf(resource.Stale, "change %d awaits a confirmation, not %d", p.Generation, change)
	}
	do(p)
	b.pended = nil
	b.state.Generation++
	b.publish()
	return &resource.Applied{Generation: b.state.Generation, Objects: []resource.ObjectChange{}}, nil
}

// snapshot is the state before a change.
func (b *Backend) snapshot() resource.State {
	s := b.state
	s.Intents = slices.Clone(s.Intents)
	return s
}

// Changes finds that nothing degrades, whatever is asked.
func (b *Backend) Changes(context.Context, resource.Changes) (*gate.Plan, error) {
	return &gate.Plan{APIVersion: "keiro/v1", Kind: "Plan", Verdict: gate.Unchanged, Changes: []gate.Change{}, Intents: []gate.Intent{},
		Findings: []gate.Finding{}, Failures: gate.Failures{Kind: "none"}}, nil
}

// Waive keeps nothing: there is no operator whose word counts.
func (b *Backend) Waive(context.Context, []byte) ([]resource.Waiver, error) {
	return nil, resource.Errorf(resource.Invalid, "the key is none of the operators'")
}

// Waivers is one.
func (b *Backend) Waivers() []resource.Waiver {
	return []resource.Waiver{{Intent: "gold", Characteristic: "disjoint", Reason: "splice", Issued: Now, Until: Now.AddDate(0, 0, 2), Key: "0123456789abcdef0123456789abcdef"}}
}

// Unwaive finds none.
func (b *Backend) Unwaive(_ context.Context, intent, characteristic string) error {
	return resource.Errorf(resource.NotFound, "there is no waiver %s/%s", intent, characteristic)
}
