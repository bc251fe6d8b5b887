package iac

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/keiro-net/keiro/pathspec/gate"
	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/diff"
)

// Effect is what a plan does to a topology.
type Effect struct {
	After  *topology.Topology
	Drains []gate.Drain
	// Asked is which resource asks for a change, by the change's ID.
	Asked map[string]string
	// Open are resources with values that only the apply tells. After has these as
	// unknown, Hoped as they were.
	Open  []string
	Hoped *topology.Topology
	// Notes are for people: what is not mapped, or means nothing to the topology.
	Notes []string
}

// Apply reads a plan and makes its Effect. Mistakes are told all at once, each
// with the address of the resource.
func Apply(t *topology.Topology, m *Map, file string, plan io.Reader) (*Effect, error) {
	e := &Effect{After: t, Hoped: t, Asked: map[string]string{}}
	var errs []error
	unmapped := map[string]int{} // by type
	err := ReadPlan(file, plan, func(r *Resource) error {
		fate, err := r.fate()
		if err == nil && fate != stays {
			switch rule := m.rule(r); {
			case rule == nil && fate == comes: // nothing that is there changes
			case rule == nil:
				unmapped[r.Type]++
			default:
				if err = e.take(r, rule, fate); err != nil {
					err = fmt.Errorf("%s (%s:%d): %w", r.Address, rule.file, rule.line, err)
				}
			}
		}
		if err != nil {
			errs = append(errs, err)
		}
		if len(errs) == maxErrors {
			return errors.New("too many mistakes")
		}
		return nil
	})
	if err != nil {
		errs = append(errs, err)
	}
	for _, kind := range slices.Sorted(maps.Keys(unmapped)) {
		text := fmt.Sprintf("%d resources of type %s change and are not mapped", unmapped[kind], kind)
		switch m.Unmapped {
		case Fail:
			errs = append(errs, errors.New(text+": add a rule, or `unmapped: tell`"))
		case Tell:
			e.Notes = append(e.Notes, text)
		}
	}
	return e, errors.Join(errs...)
}

// maxErrors is how many mistakes are told.
const maxErrors = 100

// take takes one resource in.
func (e *Effect) take(r *Resource, rule *Rule, fate fate) error {
	c := &r.Change
	switch fate {
	case comes:
		e.Notes = append(e.Notes, fmt.Sprintf("%s is created: it counts when the topology has it", r.Address))
		return nil
	case goes:
		return e.end(r, rule, rule.Deleted, "is deleted")
	case replaced:
		return e.end(r, rule, rule.Replaced, "is replaced")
	}
	object, err := r.fill(rule.Object, c.Before, nil)
	if err != nil {
		return err
	}
	for _, f := range rule.Set {
		was, err := r.fill(f.Value, c.Before, nil)
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		is, err := r.fill(f.Value, c.After, c.AfterUnknown)
		var unknown unknownValue
		open := errors.As(err, &unknown)
		switch {
		case open:
			is = "unknown"
		case err != nil:
			return fmt.Errorf("%s: %w", f.Name, err)
		case is == was:
			continue
		}
		text := fmt.Sprintf("%s:%s.%s=%s", rule.Kind, object, f.Name, is)
		edit, err := diff.ParseSet(e.After, text)
		if err == nil {
			err = e.edit(r.Address+" is updated", open, edit)
		}
		if err != nil {
			return err
		}
		if open && !slices.Contains(e.Open, r.Address) {
			e.Open = append(e.Open, r.Address)
		}
	}
	return nil
}

// end takes an object out of the topology, or out of use.
func (e *Effect) end(r *Resource, rule *Rule, how, what string) error {
	object, err := r.fill(rule.Object, r.Change.Before, nil)
	if err != nil {
		return err
	}
	name := rule.Kind + ":" + object
	by := r.Address + " " + what
	switch how {
	case "remove":
		edits, err := diff.ParseRemove(e.After, name)
		if err != nil {
			return err
		}
		return e.edit(by, false, edits...)
	case "drain":
		outage, err := diff.ParseDrain(e.After, name)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(e.Drains, func(d gate.Drain) bool { return d.Name == name }) {
			e.Drains = append(e.Drains, gate.Drain{Name: name, Outage: outage, By: by})
		}
	}
	return nil
}

func (e *Effect) edit(by string, open bool, edits ...diff.Edit) (err error) {
	if e.After, err = diff.Apply(e.After, edits...); err != nil {
		return err
	}
	if !open {
		if e.Hoped, err = diff.Apply(e.Hoped, edits...); err != nil {
			return err
		}
	}
	for _, edit := range edits {
		e.Asked[edit.ID()] = by
	}
	return nil
}

// Evaluate asks the gate. What degrades only as long as values are unknown
// cannot be told.
func (e *Effect) Evaluate(in gate.Input) *gate.Plan {
	in.After, in.Drains, in.Asked = e.After, e.Drains, e.Asked
	plan := gate.Evaluate(in)
	if len(e.Open) > 0 {
		in.After = e.Hoped
		plan.Doubt(gate.Evaluate(in), "cannot tell before the apply of "+strings.Join(e.Open, ", "))
	}
	return plan
}
