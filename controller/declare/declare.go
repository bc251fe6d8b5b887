// Package declare is the declared state: what operators' documents make of it,
// all or nothing, and the form in which it is stored. It is pure. The
// controller calls it.
package declare

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/controller/compile"
	"github.com/keiro-net/keiro/controller/core"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// State is the declared state: the spec, and in which generation each object
// of it was last changed. It is a value: changes make another one.
type State struct {
	core.Spec
	TopologyGeneration uint64
	Generations        map[string]uint64 // of intents
	Pending            *Pending          // nil: the state stays
}

// stored is the form in which a declared state is kept.
type stored struct {
	Topology           string            `json:"topology,omitempty"` // YAML
	Intents            string            `json:"intents,omitempty"`  // YAML
	IDs                compile.IDs       `json:"ids"`
	Generation         uint64            `json:"generation"`
	TopologyGeneration uint64            `json:"topologyGeneration"`
	Generations        map[string]uint64 `json:"generations"`
	Pending            *pending          `json:"pending,omitempty"`
}

// Encode writes the state.
func (d State) Encode() ([]byte, error) {
	s := d.store()
	if d.Pending != nil {
		s.Pending = &pending{Pending: d.Pending.Pending, Before: d.Pending.Before.store()}
	}
	return json.Marshal(s)
}

func (d State) store() stored {
	s := stored{IDs: d.IDs, Generation: d.Generation, TopologyGeneration: d.TopologyGeneration, Generations: d.Generations}
	if d.Topology != nil {
		s.Topology = string(topology.Format(d.Topology))
	}
	if len(d.Intents) > 0 {
		s.Intents = string(pathspec.Format(d.Intents))
	}
	return s
}

// Decode reads what Encode wrote; nothing at all is the empty state.
func Decode(blob []byte) (State, error) {
	if len(blob) == 0 {
		return State{Generations: map[string]uint64{}}, nil
	}
	var s stored
	if err := json.Unmarshal(blob, &s); err != nil {
		return State{}, fmt.Errorf("stored spec: %w", err)
	}
	d, err := s.state()
	if err != nil || s.Pending == nil {
		return d, err
	}
	before, err := s.Pending.Before.state()
	if err != nil {
		return d, fmt.Errorf("the state before change %d: %w", s.Pending.Generation, err)
	}
	d.Pending = &Pending{Pending: s.Pending.Pending, Before: &before}
	return d, nil
}

func (s stored) state() (State, error) {
	d := State{Generations: map[string]uint64{}}
	d.Generation, d.TopologyGeneration, d.IDs = s.Generation, s.TopologyGeneration, s.IDs
	if s.Generations != nil {
		d.Generations = s.Generations
	}
	var err error
	if s.Topology != "" {
		if d.Topology, err = topology.Parse("stored topology", []byte(s.Topology)); err != nil {
			return d, err
		}
	}
	d.Intents, err = pathspec.Parse("stored intents", []byte(s.Intents))
	return d, err
}

// Declare returns what the documents make of the declared state d: a topology
// replaces the one in force, an intent the one of its name. Errors are
// resource.Errors with one detail per mistake. Taken are the locators that routers say
// are theirs, which no node is given.
func (d State) Declare(docs []resource.Document, taken ...netip.Prefix) (State, []resource.ObjectChange, error) {
	next := d.clone()
	var changes []resource.ObjectChange
	var mistakes []resource.Detail
	for _, doc := range docs {
		t, err := topology.Parse(doc.Name, doc.Data)
		switch {
		case errors.Is(err, topology.ErrNoTopology):
		case err != nil:
			mistakes = append(mistakes, details(err)...)
		default:
			changes = append(changes, next.setTopology(t))
		}
		intents, err := pathspec.Parse(doc.Name, doc.Data)
		if err != nil {
			mistakes = append(mistakes, details(err)...)
		}
		for _, i := range intents {
			changes = append(changes, next.setIntent(i))
		}
	}
	if len(mistakes) == 0 && next.Topology == nil {
		mistakes = append(mistakes, resource.Detail{What: "no topology is declared: apply one of kind Topology first, or together with the intents"})
	}
	if len(mistakes) == 0 {
		mistakes = details(pathspec.Validate(next.Topology, next.Intents))
	}
	if len(mistakes) > 0 {
		return d, nil, &resource.Error{Kind: resource.Invalid, Message: "nothing was changed", Details: mistakes}
	}
	return next.numbered(changes, taken...)
}

// Remove returns the declared state without an intent.
func (d State) Remove(name string) (State, []resource.ObjectChange, error) {
	next := d.clone()
	n := slices.IndexFunc(next.Intents, func(i pathspec.Intent) bool { return i.Name == name })
	if n < 0 {
		return d, nil, resource.Errorf(resource.NotFound, "there is no intent %s", name)
	}
	next.Intents = slices.Delete(next.Intents, n, n+1)
	delete(next.Generations, name)
	return next.numbered([]resource.ObjectChange{{Kind: resource.KindIntent, Name: name, Action: resource.Deleted}})
}

// numbered gives the new state its generation and its numbers.
func (d State) numbered(changes []resource.ObjectChange, taken ...netip.Prefix) (State, []resource.ObjectChange, error) {
	if !slices.ContainsFunc(changes, func(c resource.ObjectChange) bool { return c.Action != resource.Unchanged }) {
		d.Generation-- // clone counted one up
		return d, changes, nil
	}
	ids, err := compile.Allocate(d.IDs, d.Topology, d.Intents, taken...)
	if err != nil {
		return d, nil, resource.Errorf(resource.Invalid, "%v", err)
	}
	d.IDs = ids
	return d, changes, nil
}

func (d State) clone() State {
	d.Intents = slices.Clone(d.Intents)
	d.Generations = maps.Clone(d.Generations)
	d.Generation++
	return d
}

func (d *State) setTopology(t *topology.Topology) resource.ObjectChange {
	change := resource.ObjectChange{Kind: resource.KindTopology, Name: t.Name, Action: resource.Created}
	if d.Topology != nil {
		before, after := topology.Format(d.Topology), topology.Format(t)
		change.Fields = differences(before, after)
		change.Action = resource.Configured
		if string(before) == string(after) {
			change.Action = resource.Unchanged
			return change
		}
	}
	d.Topology, d.TopologyGeneration = t, d.Generation
	return change
}

func (d *State) setIntent(i pathspec.Intent) resource.ObjectChange {
	change := resource.ObjectChange{Kind: resource.KindIntent, Name: i.Name, Action: resource.Created}
	n := slices.IndexFunc(d.Intents, func(old pathspec.Intent) bool { return old.Name == i.Name })
	if n < 0 {
		d.Intents = append(d.Intents, i)
		d.Generations[i.Name] = d.Generation
		return change
	}
	before, after := pathspec.Format(d.Intents[n:n+1]), pathspec.Format([]pathspec.Intent{i})
	change.Action = resource.Unchanged
	if string(before) != string(after) {
		change.Action = resource.Configured
		change.Fields = differences(before, after)
		d.Intents[n] = i
		d.Generations[i.Name] = d.Generation
	}
	return change
}
