// Package lab runs a containerlab file on plain network namespaces: every node
// of kind linux is one, every link is two veth pairs joined in a wire
// namespace (lab/wire), where it can be cut, limited and made lossy. There is
// no docker and no image. It needs root, be it of a user namespace
// (lab/rootless). It knows nothing of agents and intents; it starts programs
// in nodes for whoever asks. Its callers are cmd/keiro, the demo and tests.
//
// All commands on one lab are serialised, and all can be repeated: each brings
// the lab to what is asked, whatever was there before. Labs never share
// anything.
//
// package budget: what is built, and all that is done to it, is one state under one lock
package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/keiro-net/keiro/lab/netns"
	"github.com/keiro-net/keiro/lab/wire"
	"github.com/keiro-net/keiro/topology/clab"
)

// grace is how long `down` waits between asking a process to end and killing it.
const grace = 2 * time.Second

// Lab is a lab that is up.
type Lab struct {
	name string
	plan *plan
}

// Progress reports how far a long command is.
type Progress struct {
	Done, Total int
	Doing       string
}

// Options of Up.
type Options struct {
	Dir      string         // of the file: relative names in it start there; "": the working directory
	New      bool           // a lab that is up already is an error
	Progress func(Progress) // nil: none is wanted
}

// Up builds the lab of a file. When it is up already nothing happens, unless
// the file has changed since: that is an error, because a node cannot be
// rebuilt under the feet of what runs in it. What an interrupted Up or Down
// left is cleared first. When Up fails it leaves nothing behind.
func Up(ctx context.Context, file *clab.File, o Options) (*Lab, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	p, err := newPlan(file, dir)
	if err != nil {
		return nil, err
	}
	d, err := enter(ctx, p.Name, true)
	if err != nil {
		return nil, err
	}
	defer d.leave()
	switch s, err := d.load(); {
	case err == nil && o.New:
		return nil, fmt.Errorf("lab %s: %w", p.Name, ErrUp)
	case err == nil && !same(s.Plan, p):
		return nil, fmt.Errorf("lab %s is up with another file; run `keiro lab down` with it first", p.Name)
	case err == nil:
		return d.whole(s.Plan)
	}
	if err := clear(ctx, d); err != nil {
		return nil, fmt.Errorf("lab %s: clear the remains: %w", p.Name, err)
	}
	if err := build(ctx, d, p, o); err != nil {
		ctx := context.WithoutCancel(ctx)
		return nil, errors.Join(fmt.Errorf("lab %s: %w", p.Name, err), clear(ctx, d), d.remove())
	}
	return &Lab{name: p.Name, plan: p}, nil
}

// Open finds a lab that is up; the error is ErrNotUp where there is none.
func Open(ctx context.Context, name string) (*Lab, error) {
	d, err := enter(ctx, name, false)
	if err != nil {
		return nil, err
	}
	defer d.leave()
	s, err := d.load()
	if err != nil {
		return nil, err
	}
	return d.whole(s.Plan)
}

// Down removes a lab, whole or half built: it ends all processes in its
// namespaces and leaves nothing behind. The error is ErrNotUp where there is
// nothing to remove.
func Down(ctx context.Context, name string) error {
	d, err := enter(ctx, name, false)
	if err != nil {
		return err
	}
	defer d.leave()
	if err := errors.Join(clear(ctx, d), d.remove()); err != nil {
		return fmt.Errorf("lab %s: down: %w", name, err)
	}
	return nil
}

// Name is the name of the lab, as in its file.
func (l *Lab) Name() string { return l.name }

// Dir is the run directory of the lab. What others put there, such as logs,
// goes with the lab.
func (l *Lab) Dir() string { return Dir(l.name) }

// Dir is the run directory of the lab of that name, up or not.
func Dir(name string) string { return runPath(name) }

// Down removes the lab.
func (l *Lab) Down(ctx context.Context) error { return Down(ctx, l.name) }

// clear empties a run directory of all that is alive in it. From its first
// step on the lab does not count as up.
func clear(ctx context.Context, d *rundir) error {
	if err := os.Remove(d.statePath()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := d.unpublish(); err != nil {
		return err
	}
	paths, err := d.namespaces()
	if err != nil {
		return err
	}
	var ids []netns.ID
	for _, path := range paths {
		ns, err := netns.Open(path)
		if errors.Is(err, netns.ErrNone) {
			continue // the maker was killed in between
		}
		if err != nil {
			return err
		}
		defer ns.Close()
		ids = append(ids, ns.ID())
	}
	if _, err := netns.EndAll(ctx, ids, grace); err != nil {
		return err
	}
	if err := unplug(d); err != nil {
		return err
	}
	for _, path := range paths {
		if err := netns.Remove(path); err != nil {
			return err
		}
	}
	return nil
}

// unplug removes the cables even where somebody holds on to a namespace.
func unplug(d *rundir) error {
	w, err := d.openWire()
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, netns.ErrNone) {
		return nil
	}
	if err != nil {
		return err
	}
	defer w.Close()
	return w.Unplug()
}

func (d *rundir) openWire() (*wire.Wire, error) {
	ns, err := netns.Open(d.wire())
	if err != nil {
		return nil, err
	}
	defer ns.Close()
	return wire.Open(ns)
}

// whole returns the lab of a plan after a look at its namespaces.
func (d *rundir) whole(p *plan) (*Lab, error) {
	paths := []string{d.wire()}
	for _, n := range p.Nodes {
		paths = append(paths, d.node(n.Name))
	}
	for _, path := range paths {
		ns, err := netns.Open(path)
		if err != nil {
			return nil, fmt.Errorf("lab %s is damaged; run `keiro lab down` and up: %w", p.Name, err)
		}
		ns.Close()
	}
	return &Lab{name: p.Name, plan: p}, nil
}

func same(a, b *plan) bool {
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && bytes.Equal(x, y)
}
