package lab

import (
	"errors"
	"os"

	"github.com/keiro-net/keiro/lab/netns"
	"github.com/keiro-net/keiro/lab/wire"
)

// Tap sees every frame on every cable of a lab, once: where a node sends it
// into the cable. It stands between the nodes, and leaves no trace in any. It
// is not for concurrent use.
type Tap struct {
	*wire.Tap
	plan *plan
}

// Frame is one of them, with its link and the node that it leaves for another.
type Frame struct {
	wire.Frame
	Link, From, To string
}

// Tap taps the cables, until Close or the end of the lab.
func (l *Lab) Tap() (*Tap, error) {
	d := rundir{path: runPath(l.name)}
	ns, err := netns.Open(d.wire())
	if errors.Is(err, os.ErrNotExist) {
		err = ErrNotUp
	}
	if err != nil {
		return nil, err
	}
	defer ns.Close()
	t, err := wire.Listen(ns)
	if err != nil {
		return nil, err
	}
	return &Tap{t, l.plan}, nil
}

// Next waits a moment for the next frame and reads it into buf; ok is false
// where none came. A frame longer than buf is an error.
func (t *Tap) Next(buf []byte) (f Frame, ok bool, err error) {
	w, ok, err := t.Tap.Next(buf)
	if !ok || w.Number < 0 || w.Number >= len(t.plan.Links) {
		return f, false, err
	}
	link := &t.plan.Links[w.Number]
	return Frame{w, link.Name, link.Ends[w.End].Node, link.Ends[1-w.End].Node}, true, nil
}
