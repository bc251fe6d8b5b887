package lab

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/lab/netns"
)

// In runs fn inside a node, on an OS thread of its own. Sockets that fn opens
// belong to the node for good; goroutines that fn starts run outside of it.
func (l *Lab) In(node string, fn func() error) error {
	_, ns, err := l.openNode(node)
	if err != nil {
		return err
	}
	defer ns.Close()
	return ns.Do(fn)
}

// Start starts a program inside a node, with the node's environment added and
// its binds mounted. As with cmd.Start the caller must Wait. Whatever still
// runs when the lab goes down is ended.
func (l *Lab) Start(ctx context.Context, node string, cmd *exec.Cmd) error {
	// Nothing may start behind the back of a `down`.
	d, err := enter(ctx, l.name, false)
	if err != nil {
		return err
	}
	defer d.leave()
	n, ns, err := l.openNode(node)
	if err != nil {
		return err
	}
	defer ns.Close()
	if err := n.start(ns, cmd); err != nil {
		return fmt.Errorf("lab %s: node %s: %w", l.name, node, err)
	}
	return nil
}

// Run is Start and Wait.
func (l *Lab) Run(ctx context.Context, node string, cmd *exec.Cmd) error {
	if err := l.Start(ctx, node, cmd); err != nil {
		return err
	}
	return cmd.Wait()
}

func (l *Lab) openNode(name string) (nodePlan, *netns.Namespace, error) {
	i := l.plan.node(name)
	if i < 0 {
		return nodePlan{}, nil, fmt.Errorf("lab %s: there is no node %q", l.name, name)
	}
	d := rundir{path: runPath(l.name)}
	ns, err := netns.Open(d.node(name))
	if errors.Is(err, os.ErrNotExist) {
		err = ErrNotUp
	}
	if err != nil {
		return nodePlan{}, nil, fmt.Errorf("lab %s: node %s: %w", l.name, name, err)
	}
	return l.plan.Nodes[i], ns, nil
}

// start starts cmd in the node's namespace. What the command asks for in its
// own environment goes before the node's, and that before the caller's.
func (n nodePlan) start(ns *netns.Namespace, cmd *exec.Cmd) error {
	var env []string
	if cmd.Env == nil {
		env = os.Environ()
	}
	for _, key := range slices.Sorted(maps.Keys(n.Env)) {
		env = append(env, key+"="+n.Env[key])
	}
	cmd.Env = append(env, cmd.Env...)
	if len(n.Binds) == 0 {
		return ns.Do(cmd.Start)
	}
	return ns.DoWithMounts(func() error {
		for _, b := range n.Binds {
			if err := b.mount(); err != nil {
				return err
			}
		}
		return cmd.Start()
	})
}

// mount binds in the mount namespace of the calling thread. Without an image
// a target that this machine does not have cannot be made up; the notes say
// which.
func (b bind) mount() error {
	if b.missing() {
		return nil
	}
	if err := unix.Mount(b.Source, b.Target, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("bind %s to %s: %w", b.Source, b.Target, err)
	}
	if !b.ReadOnly {
		return nil
	}
	if err := unix.Mount("", b.Target, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		return fmt.Errorf("bind %s to %s read-only: %w", b.Source, b.Target, err)
	}
	return nil
}

func (b bind) missing() bool {
	_, err := os.Stat(b.Target)
	return errors.Is(err, os.ErrNotExist)
}

// notes says what the file asks for and the lab does not do.
func (p *plan) notes() []string {
	notes := append([]string{}, p.Notes...)
	for _, n := range p.Nodes {
		for _, b := range n.Binds {
			if b.missing() {
				notes = append(notes, fmt.Sprintf("node %s: bind %s is left out: this machine has no %s to mount it on", n.Name, b.Source, b.Target))
			}
		}
	}
	return notes
}
