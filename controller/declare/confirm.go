package declare

import (
	"maps"
	"slices"
	"time"

	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/controller/compile"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// Pending is that a state is to be taken back unless somebody confirms it. It is
// stored with the state, in one piece: there is no moment at which the change is
// made and the way back is not kept.
type Pending struct {
	resource.Pending
	Before *State
}

// pending is the form in which a Pending is kept.
type pending struct {
	resource.Pending
	Before stored `json:"before"`
}

// Pended returns the state d, which was made of before, as one that is to be
// taken back within that time.
func (d State) Pended(before State, by string, now time.Time, within time.Duration) State {
	d.Pending = &Pending{Before: &before, Pending: resource.Pending{
		Generation: d.Generation, By: by, Since: now.UTC(), Until: now.Add(within).UTC(),
	}}
	return d
}

// Hold refuses to change a state that awaits its confirmation: what is taken back
// must be what that one change did, and nothing that somebody else did since.
func (d State) Hold() error {
	if d.Pending == nil {
		return nil
	}
	return resource.Errorf(resource.Conflict,
		"change %d of %s awaits its confirmation until %s, and nothing else can be declared before: `keiro confirm` keeps it, `keiro rollback` takes it back",
		d.Pending.Generation, d.Pending.By, d.Pending.Until.Format(time.RFC3339))
}

// awaits refuses where no change awaits a word, or another than the one meant;
// 0: any.
func (d State) awaits(change uint64) error {
	switch {
	case d.Pending == nil:
		return resource.Errorf(resource.NotFound, "no change awaits a confirmation: it was confirmed or taken back before; `keiro events` says which")
	case change != 0 && change != d.Pending.Generation:
		return resource.Errorf(resource.Stale, "change %d awaits a confirmation, not %d", d.Pending.Generation, change)
	}
	return nil
}

// Confirm returns the state as one that stays.
func (d State) Confirm(change uint64) (State, []resource.ObjectChange, error) {
	if err := d.awaits(change); err != nil {
		return d, nil, err
	}
	d.Generation++
	d.Pending = nil
	return d, []resource.ObjectChange{}, nil
}

// Rollback returns the state before the change that awaits its confirmation, as
// a new one. What comes back has the numbers that it had, so that nodes find in
// place what they still have.
func (d State) Rollback(change uint64) (State, []resource.ObjectChange, error) {
	if err := d.awaits(change); err != nil {
		return d, nil, err
	}
	next := d.Pending.Before.clone()
	next.Generation = d.Generation + 1
	next.Pending = nil
	next.IDs = back(next.IDs, d.IDs)
	changes := []resource.ObjectChange{}
	if before, after := topology.Format(d.Topology), topology.Format(next.Topology); string(before) != string(after) {
		next.TopologyGeneration = next.Generation
		changes = append(changes, resource.ObjectChange{
			Kind: resource.KindTopology, Name: next.Topology.Name, Action: resource.Configured, Fields: differences(before, after),
		})
	}
	was := map[string]*pathspec.Intent{}
	for n := range d.Intents {
		was[d.Intents[n].Name] = &d.Intents[n]
	}
	for n := range next.Intents {
		i := &next.Intents[n]
		change := resource.ObjectChange{Kind: resource.KindIntent, Name: i.Name, Action: resource.Created}
		if old := was[i.Name]; old != nil {
			delete(was, i.Name)
			before, after := pathspec.Format([]pathspec.Intent{*old}), pathspec.Format(next.Intents[n:n+1])
			if string(before) == string(after) {
				continue
			}
			change.Action, change.Fields = resource.Configured, differences(before, after)
		}
		// Whoever waits for the generation of an intent must not take the old
		// answer for that of the change, nor the other way round.
		next.Generations[i.Name] = next.Generation
		changes = append(changes, change)
	}
	for _, name := range slices.Sorted(maps.Keys(was)) {
		changes = append(changes, resource.ObjectChange{Kind: resource.KindIntent, Name: name, Action: resource.Deleted})
	}
	return next, changes, nil
}

// back are the numbers of before, with none that was given since to be given
// again soon: packets and SIDs of it may still be about.
func back(before, since compile.IDs) compile.IDs {
	before.LastLocator, before.LastIntent, before.LastLane = since.LastLocator, since.LastIntent, since.LastLane
	last := maps.Clone(before.LastLink)
	for node := range last {
		if n, ok := since.LastLink[node]; ok {
			last[node] = n
		}
	}
	before.LastLink = last
	return before
}
