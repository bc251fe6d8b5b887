package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/topology"
)

// Everything a lab is made of hangs on its run directory
//
//	/run/keiro/lab/NAME/state.json   what it is to be, and what is cut
//	/run/keiro/lab/NAME/wire         namespace of the cabling
//	/run/keiro/lab/NAME/netns/NODE   namespaces of the nodes
//
// and /run/netns only has symbolic links into it. A name is there before the
// thing it names, and no interface, route or process lies outside of these
// namespaces. So whatever a crash leaves behind is found by reading the
// directory, and is surely the lab's own.
const (
	baseDir  = "/run/keiro/lab"
	netnsDir = "/run/netns" // of iproute2
)

// ErrNotUp says that there is no such lab, ErrUp that there is one already.
var (
	ErrNotUp = errors.New("lab is not up")
	ErrUp    = errors.New("lab is up already")
)

// rundir is the run directory of a lab, held by one command at a time.
type rundir struct {
	path string
	hold *os.File
}

func runPath(name string) string { return filepath.Join(baseDir, name) }

// enter takes hold of the run directory of a lab and waits for whoever holds
// it. Only with make it may be missing, and is made.
func enter(ctx context.Context, name string, make bool) (*rundir, error) {
	if err := topology.CheckName(name); err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	d := &rundir{path: runPath(name)}
	for {
		if make {
			if err := os.MkdirAll(d.path, 0o755); errors.Is(err, os.ErrNotExist) {
				continue // the `down` of another lab took an empty parent away
			} else if err != nil {
				return nil, fmt.Errorf("lab %s: %w (a lab needs root, or a user namespace)", name, err)
			}
		}
		hold, err := os.Open(d.path)
		if errors.Is(err, os.ErrNotExist) {
			if make {
				continue // a `down` removed it just now
			}
			return nil, fmt.Errorf("lab %s: %w", name, ErrNotUp)
		}
		if err != nil {
			return nil, fmt.Errorf("lab %s: %w", name, err)
		}
		if err := lock(ctx, hold); err != nil {
			return nil, fmt.Errorf("lab %s: wait for another command on it: %w", name, err)
		}
		// The last holder may have removed what we waited for.
		held, err1 := hold.Stat()
		now, err2 := os.Stat(d.path)
		if err1 == nil && err2 == nil && os.SameFile(held, now) {
			d.hold = hold
			return d, nil
		}
		hold.Close()
	}
}

// lock waits for the exclusive lock on file and closes it if the context ends
// before. A kill gives the lock back.
func lock(ctx context.Context, file *os.File) error {
	locked := make(chan error)
	go func() {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX)
		select {
		case locked <- err:
		case <-ctx.Done():
			file.Close()
		}
	}()
	select {
	case err := <-locked:
		if err != nil {
			file.Close()
		}
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (d *rundir) leave() { d.hold.Close() }

func (d *rundir) wire() string            { return filepath.Join(d.path, "wire") }
func (d *rundir) node(name string) string { return filepath.Join(d.path, "netns", name) }
func (d *rundir) execLog() string         { return filepath.Join(d.path, "exec.log") }

// namespaces lists where namespaces of the lab are or were to be.
func (d *rundir) namespaces() ([]string, error) {
	nodes, err := os.ReadDir(filepath.Join(d.path, "netns"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	var paths []string
	for _, n := range nodes {
		paths = append(paths, d.node(n.Name()))
	}
	if _, err := os.Lstat(d.wire()); err == nil {
		paths = append(paths, d.wire())
	}
	return paths, nil
}

// publish makes a namespace known to `ip netns` under the given name.
func (d *rundir) publish(name, path string) error {
	if err := os.MkdirAll(netnsDir, 0o755); err != nil {
		return err
	}
	err := os.Symlink(path, filepath.Join(netnsDir, name))
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("network namespace %s exists already and is not of this lab", name)
	}
	return err
}

// unpublish takes back every name that leads into the run directory.
func (d *rundir) unpublish() error {
	names, err := os.ReadDir(netnsDir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, name := range names {
		link := filepath.Join(netnsDir, name.Name())
		target, err := os.Readlink(link)
		if err != nil || !strings.HasPrefix(target, d.path+"/") {
			continue
		}
		if err := os.Remove(link); err != nil {
			return err
		}
	}
	return nil
}

// remove deletes the run directory, of which nothing is mounted any more, and
// the directories above it when they are empty.
func (d *rundir) remove() error {
	if err := os.RemoveAll(d.path); err != nil {
		return err
	}
	// In use they are not empty, and stay.
	_ = os.Remove(baseDir)
	_ = os.Remove(filepath.Dir(baseDir))
	return nil
}

// state is the content of state.json. A command writes first and acts then.
type state struct {
	Up         bool                 `json:"up"` // the building is over
	Plan       *plan                `json:"plan"`
	Conditions map[string]condition `json:"conditions"` // by link; only where there is one
}

// condition is what was done to a link after the building.
type condition struct {
	Causes   []string `json:"causes"` // why it is cut, sorted: "link:a--b", "node:a", "srlg:x"
	Loss     int64    `json:"loss_ppm"`
	LossFrom string   `json:"loss_from,omitempty"` // node; "": in both directions
	Rate     int64    `json:"rate_bps"`            // 0: as the file says
}

func (s *state) set(link string, c condition) {
	if len(c.Causes) == 0 && c.Loss == 0 && c.Rate == 0 {
		delete(s.Conditions, link)
		return
	}
	s.Conditions[link] = c
}

func (d *rundir) statePath() string { return filepath.Join(d.path, "state.json") }

// load reads the state; the error is ErrNotUp where the lab is half built or
// half removed.
func (d *rundir) load() (*state, error) {
	s := &state{}
	data, err := os.ReadFile(d.statePath())
	if err == nil {
		err = json.Unmarshal(data, s)
	}
	if err == nil && (!s.Up || s.Plan == nil) {
		err = errors.New("its building was interrupted")
	}
	if err != nil {
		name := filepath.Base(d.path)
		return nil, fmt.Errorf("%w: remains of a lab %s (%w): remove them with `keiro lab down`", ErrNotUp, name, err)
	}
	if s.Conditions == nil {
		s.Conditions = map[string]condition{}
	}
	return s, nil
}

func (d *rundir) save(s *state) error {
	data, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return err
	}
	next := d.statePath() + ".new"
	if err := os.WriteFile(next, data, 0o600); err != nil {
		return fmt.Errorf("write lab state: %w", err)
	}
	return os.Rename(next, d.statePath())
}

// List names the labs of this machine, whole or not, in order.
func List() ([]string, error) {
	entries, err := os.ReadDir(baseDir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("list labs: %w", err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	slices.Sort(names)
	return names, nil
}
