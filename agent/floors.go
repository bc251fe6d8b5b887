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

// above takes a Config in: what it comes to, the floors with it, and their
// fences.
func (l *loop) above(asked *nodecfg.Config) (cfg *nodecfg.Config, f floor.Floors, fences []nodecfg.Rule, err error) {
	cfg = l.floors.Obey(asked)
	if f, err = l.floors.Raise(cfg); err == nil {
		fences, err = f.Fences(cfg)
	}
	return cfg, f, fences, err
}

// raise keeps the floors of a Config, on disk before the kernel has anything
// of it: a crash in between forgets none. It returns what the Config comes to.
func (l *loop) raise(asked *nodecfg.Config) *nodecfg.Config {
	cfg, floors, fences, err := l.above(asked)
	if err != nil { // acceptable has refused such a Config
		l.Log.Error("floors of a config", "revision", asked.Revision, "error", err)
	}
	l.asked, l.floors = asked, floors
	l.fences = make(map[nodecfg.Rule]bool, len(fences))
	for _, r := range fences {
		l.fences[r] = true
	}
	l.floorStates = floors.States(asked)
	for _, s := range l.floorStates {
		if s.Reason != "" {
			l.Log.Warn("the config asks for less than a floor", "intent", s.Intent, "floor", s.Level, "fenced", s.Fenced, "reason", s.Reason)
		}
	}
	l.keepFloors()
	return cfg
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
// and the main table would carry what has a floor.
func (l *loop) fenceOff() {
	fences, _ := l.floors.Fences(new(nodecfg.Config)) // too many only with a Config
	for _, r := range fences {
		op := nodecfg.Op{Verb: nodecfg.Add, Object: r}
		if err := l.Kernel.Apply(op); err != nil {
			l.Log.Error("not applied", "op", op, "error", err)
		}
	}
}

// desired is what the kernel must have for a Config and the floors.
func (l *loop) desired() nodecfg.State {
	want := l.cfg.Desired(l.leftOut)
	for r := range l.fences {
		want.Add(r)
	}
	return want
}

// vacate takes paths out of their tables whose lane another intent is to have.
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
	if l.asked != nil {
		l.obey(l.asked)
		l.report(false)
	}
	return nil
}
