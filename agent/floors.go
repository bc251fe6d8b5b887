package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/keiro-net/keiro/agent/floor"
	"github.com/keiro-net/keiro/agent/internal/durable"
	"github.com/keiro-net/keiro/agent/nodecfg"
)

// floorsFile holds the floors of a node, below its state directory.
const floorsFile = "floors.json"

// LoadFloors reads the floors that an agent keeps in its state directory. A
// directory without any is that of a node that never carried anything
// encrypted. Of a file that cannot be read the error says what to do.
func LoadFloors(dir, node string) (floor.Floors, error) {
	path := filepath.Join(dir, floorsFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return floor.Floors{}, nil
	}
	var f floor.Floors
	if err == nil {
		f, err = floor.Decode(node, b)
	}
	if err != nil {
		return floor.Floors{Blind: true}, fmt.Errorf("%s: %w; no intent without encryption carries anything, for it may have had some. Put back the file of the "+
			"last backup, or, if you know that nobody has tampered with it, move it away, and start the agent again: then each floor is what the configuration asks for", path, err)
	}
	return f, nil
}

// taken is a Config with what it comes to above the floors of now.
type taken struct {
	given, asked, cfg *nodecfg.Config
	faults            []nodecfg.ObjectError // of what BGP brings
	unsteered         *nodecfg.ObjectError  // why it is not obeyed
	floors            floor.Floors          // with it
	fences            []nodecfg.Rule
}

// above takes a Config in.
func (l *loop) above(asked *nodecfg.Config) (*taken, error) {
	t := &taken{asked: asked, cfg: l.floors.Obey(asked)}
	var err error
	if t.floors, err = l.floors.Raise(t.cfg); err == nil {
		t.fences, err = t.floors.Fences(t.cfg)
	}
	return t, err
}

// raise keeps the floors of a Config, on disk before the kernel has anything
// of it: a crash in between forgets none.
func (l *loop) raise(t *taken) {
	l.asked, l.floors = t.asked, t.floors
	l.fences = make(map[nodecfg.Rule]bool, len(t.fences))
	for _, r := range t.fences {
		l.fences[r] = true
	}
	l.floorStates = t.floors.States(t.asked)
	for _, s := range l.floorStates {
		if s.Reason != "" {
			l.Log.Warn("the config asks for less than a floor", "intent", s.Intent, "floor", s.Level, "fenced", s.Fenced, "reason", s.Reason)
		}
	}
	l.keepFloors()
}

// keepFloors writes the floors to disk if they are not there. What cannot be
// read is left as it is, for somebody to look at.
func (l *loop) keepFloors() {
	if l.floors.Blind || l.floors.Equal(l.floorsKept) {
		l.floorsUnkept = nil
		return
	}
	err := durable.Write(filepath.Join(l.Dir, floorsFile), l.floors.Encode(l.Node))
	if err != nil {
		if l.floorsUnkept == nil {
			l.Log.Error("floors not kept: intents with a new floor carry nothing until they are", "error", err)
		}
		l.floorsRetry = time.Now().Add(resync / 60)
		l.floorsUnkept = &nodecfg.ObjectError{Object: "floors on disk", Error: err.Error()}
		return
	}
	l.floorsKept, l.floorsUnkept = l.floors, nil
}

// fenceOff puts the fences behind all policies into the kernel, before there
// is a Config to obey, if there ever is: after a reboot nothing else is there,
// and the main table would carry what has a floor. Those that fail are tried
// again until they stand, or a Config has them in what it wants.
func (l *loop) fenceOff() {
	var failed []nodecfg.Rule
	var first error
	for _, r := range l.offDue {
		op := nodecfg.Op{Verb: nodecfg.Add, Object: r}
		if err := l.Kernel.Apply(op); err != nil {
			failed = append(failed, r)
			if first == nil {
				first = fmt.Errorf("%s: %w", op, err)
			}
		}
	}
	if l.offDue = failed; first == nil {
		l.offFailed = nil
		return
	}
	if l.offFailed == nil {
		l.offDelay = retryFirst / 2
		l.Log.Error("fences of floors do not stand", "missing", len(failed), "error", first)
	}
	l.offDelay = min(2*l.offDelay, retryMost)
	l.offRetry = time.Now().Add(l.offDelay)
	l.offFailed = &nodecfg.ObjectError{Object: "fences of the floors",
		Error: fmt.Sprintf("%d do not stand, so the main table may carry what must be encrypted; tried again: %v", len(failed), first)}
}

// desired is what the kernel must have for a Config and the floors.
func (l *loop) desired() nodecfg.State {
	want := l.cfg.Desired(l.leftOut)
	l.stale = false
	for r := range l.fences {
		want.Add(r)
	}
	return want
}

// vacate takes paths out of their tables whose lane goes, or another intent is
// to have: at once, before anything that may take longer.
func (l *loop) vacate(next *nodecfg.Config) {
	if l.cfg == nil || l.have == nil {
		return
	}
	leftOut := maps.Clone(l.leftOut)
	for _, path := range floor.Moved(l.cfg, next) {
		leftOut[path] = true
	}
	l.turnTo(leftOut)
}

// order does what root asks.
func (l *loop) order(o floor.Order) {
	var err error
	if o.Lower != "" {
		err = l.lower(o.Lower)
	}
	a := floor.Answer{Node: l.Node, Floors: l.floors.Views(l.floorStates)}
	if l.cfg != nil {
		a.Revision = l.cfg.Revision
	}
	if o.Status {
		a.Report = l.compose()
	}
	if err != nil {
		a.Error = err.Error()
	}
	o.Answer <- a
}

func (l *loop) lower(intent string) error {
	lowered, err := l.floors.Lower(intent, time.Now())
	if err == nil && l.asked != nil {
		lowered, err = lowered.Raise(lowered.Obey(l.asked))
	}
	if err == nil {
		err = durable.Write(filepath.Join(l.Dir, floorsFile), lowered.Encode(l.Node))
	}
	if err != nil {
		return fmt.Errorf("floor not lowered: %w", err)
	}
	l.Log.Warn("floor lowered by the node's root", "intent", intent)
	l.floors, l.floorsKept = lowered, lowered
	if l.given != nil {
		t, err := l.take(l.given)
		if err != nil {
			return fmt.Errorf("floor lowered, but the config is no longer obeyed: %w", err)
		}
		l.obey(t)
		l.report(false)
	}
	return nil
}
