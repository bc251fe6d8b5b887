package agent

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/rtnl"
)

// failure is an operation that did not succeed.
type failure struct {
	op    nodecfg.Op
	err   error
	retry time.Time
	delay time.Duration
	waits bool // for another operation; it has no time of its own
}

const (
	retryFirst = 100 * time.Millisecond
	retryMost  = time.Minute
)

var errNotSo = errors.New("the kernel accepted it, yet does not have it")

// converge makes the kernel as the Config says, and finds out whether it is.
func (l *loop) converge() {
	defer func() { l.account() }()
	ops := l.observe()
	for range 2 { // a link may have changed meanwhile
		if l.unseen != nil || !l.apply(ops) {
			break
		}
		ops = l.observe()
	}
	if l.unseen != nil {
		l.reached = false
		return
	}
	left := make(map[nodecfg.Object]bool)
	l.reached = !l.short
	for _, op := range ops {
		key := op.Object.Key()
		left[key] = true
		if f := l.failures[key]; f == nil || f.op != op {
			l.fail(op, errNotSo)
		}
		if nodecfg.Carries(op.Object) {
			l.reached = false
		}
	}
	maps.DeleteFunc(l.failures, func(key nodecfg.Object, _ *failure) bool { return !left[key] })
}

// observe lists the kernel's state and plans what is to be done.
func (l *loop) observe() []nodecfg.Op {
	l.observed, l.dirty = time.Now(), false
	told := l.watch.Take()
	seen, err := l.Kernel.Observe(l.want)
	l.listed = time.Since(l.observed)
	if err != nil {
		if l.unseen == nil {
			l.Log.Error("kernel state not listed", "error", err)
		}
		l.unseen = err
		return nil
	}
	l.unseen = nil
	first := l.have == nil
	l.notice(&seen, &told)
	l.have = seen.State
	clear(l.touched)
	if first {
		l.inherit()
	}
	l.setLinks(seen.Links)
	leftOut := l.leaveOut()
	if l.stale || !maps.Equal(leftOut, l.leftOut) {
		l.leftOut = leftOut
		l.want = l.desired()
	}
	return l.sift(nodecfg.Plan(l.have, l.withOAM(seen)))
}

// apply does the operations, except those that failed lately and those that
// must wait for another, and says whether it did any.
func (l *loop) apply(ops []nodecfg.Op) bool {
	var guard nodecfg.Guard
	tried := false
	now := time.Now()
	for _, op := range ops {
		key := op.Object.Key()
		if f := l.failures[key]; f != nil && f.op == op && !f.waits && now.Before(f.retry) {
			guard.Failed(op)
			continue
		}
		if !guard.Allows(op) {
			l.failures[key] = &failure{op: op, err: errors.New("waits for the fence and the rules of its table"), waits: true}
			continue
		}
		tried = true
		if err := l.Kernel.Apply(op); err != nil {
			guard.Failed(op)
			l.fail(op, err)
			if d, ok := op.Withdrawal(); ok && l.Kernel.Apply(d) == nil {
				l.did(d)
			}
			continue
		}
		l.Log.Debug("applied", "op", op)
		delete(l.failures, key)
		l.did(op)
	}
	return tried
}

// fail notes a failure, to be tried again after twice the time of the last.
func (l *loop) fail(op nodecfg.Op, err error) {
	key := op.Object.Key()
	f := l.failures[key]
	if f == nil || f.op != op || f.waits {
		f = &failure{op: op, delay: retryFirst / 2}
		l.failures[key] = f
		l.Log.Warn("not applied", "op", op, "error", err)
	}
	f.err = err
	f.delay = min(2*f.delay, retryMost)
	f.retry = time.Now().Add(f.delay)
}

// steer takes paths out of their tables and puts them back as probes, links
// and lanes say: at once, by what is known of the kernel's state. A listing
// follows.
func (l *loop) steer() {
	if l.cfg == nil || l.have == nil {
		return
	}
	l.turnTo(l.leaveOut())
}

// turnTo leaves out other paths.
func (l *loop) turnTo(leftOut map[string]bool) {
	if maps.Equal(leftOut, l.leftOut) {
		return
	}
	began := time.Now()
	ops := l.cfg.Switch(l.leftOut, leftOut)
	l.leftOut = leftOut
	for _, op := range ops {
		l.want.Apply(op)
	}
	l.apply(ops)
	l.dirty, l.stale = true, true
	l.Log.Info("paths switched", "left_out", fmt.Sprint(leftOut), "ops", len(ops), "took", time.Since(began))
}

// linkChanged takes a link event. The kernel itself has switched already; so
// first the controller is told.
func (l *loop) linkChanged(link rtnl.Link) {
	links := maps.Clone(l.links)
	maps.DeleteFunc(links, func(_ string, old rtnl.Link) bool { return old.Index == link.Index })
	if links == nil {
		links = make(map[string]rtnl.Link)
	}
	if !link.Gone {
		links[link.Name] = link
	}
	if l.setLinks(links) {
		l.report(false)
		l.offer()
		l.steer()
		l.report(false)
	}
}

// setLinks takes over the interfaces and says whether a link of the Config
// has changed. Where one has, all that failed is tried again at once.
func (l *loop) setLinks(links map[string]rtnl.Link) bool {
	l.links = links
	if l.cfg == nil {
		return false
	}
	old := l.linkState
	l.linkState = make(map[string]nodecfg.LinkState, len(l.cfg.Links))
	changed := false
	for _, c := range l.cfg.Links {
		dev := links[c.Interface] // without the interface: down
		s := nodecfg.LinkState{Name: c.Name, Up: dev.Up && dev.Carrier, MTU: dev.MTU}
		before, known := old[c.Name]
		if s.Changed = before.Changed; !known || s != before {
			s.Changed = time.Now()
			changed = true
		}
		l.linkState[c.Name] = s
	}
	if changed {
		for _, f := range l.failures {
			f.retry = time.Time{}
		}
	}
	return changed
}

// linkDown names the links of the Config that cannot carry a packet.
func (l *loop) linkDown() map[string]bool {
	down := make(map[string]bool)
	for name, s := range l.linkState {
		if !s.Up {
			down[name] = true
		}
	}
	return down
}

// leaveOut is LeftOut for all that is known now.
func (l *loop) leaveOut() map[string]bool {
	lanes := l.lanes()
	return l.cfg.LeftOut(l.leftOut, l.probeDown(), l.linkDown(), l.closed(lanes), nodecfg.Draining(lanes))
}

// closed names the paths that may not carry: their lane is not open, or the
// floor of their intent is not on disk.
func (l *loop) closed(lanes []nodecfg.LaneState) map[string]bool {
	closed := l.cfg.Closed(lanes)
	for _, path := range l.floors.Unkept(l.floorsKept, l.cfg) {
		closed[path] = true
	}
	return closed
}

func (l *loop) lanes() []nodecfg.LaneState {
	if l.Lanes == nil {
		return nil
	}
	return l.Lanes.States()
}

// probeDown names the paths that probes found down, in this life or, as far as is
// known yet, in the one before.
func (l *loop) probeDown() map[string]bool {
	down := maps.Clone(l.inherited.paths)
	if down == nil {
		down = make(map[string]bool)
	}
	for _, p := range l.Prober.States() {
		switch p.State {
		case nodecfg.Down:
			down[p.Name] = true
		case nodecfg.Up:
			delete(down, p.Name)
		}
	}
	return down
}
