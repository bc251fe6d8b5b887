package agent

import (
	"cmp"
	"reflect"
	"slices"
	"time"

	"github.com/keiro-net/keiro/agent/floor"
	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/probe/way"
)

// report makes ready a Report when there is something new to say; times says
// that new round trip times are enough.
func (l *loop) report(times bool) {
	r := l.compose()
	last := l.sent
	if l.pending != nil {
		last = l.pending
	}
	if last == nil || !same(last, r, times) {
		l.pending = r
	}
	if times {
		l.sentAt = time.Now()
	}
}

// message is what is to go out next, if anything.
func (l *loop) message() (chan<- nodecfg.FromAgent, nodecfg.FromAgent) {
	switch {
	case l.pending != nil:
		return l.Out, nodecfg.FromAgent{Report: l.pending}
	case len(l.answers) > 0:
		return l.Out, l.answers[0]
	}
	return nil, nodecfg.FromAgent{}
}

// offer gives out what waits if the session is ready to take it.
func (l *loop) offer() {
	out, msg := l.message()
	select {
	case out <- msg:
		l.delivered(msg)
	default:
	}
}

func (l *loop) delivered(msg nodecfg.FromAgent) {
	if msg.Report != nil {
		l.sent, l.pending, l.sentAt = msg.Report, nil, time.Now()
		return
	}
	l.answers = slices.Clone(l.answers[1:])
}

// compose states all that is known.
func (l *loop) compose() *nodecfg.Report {
	r := &nodecfg.Report{Node: l.Node}
	for _, e := range []*nodecfg.ObjectError{l.refused, l.unkept, l.blind, l.floorsUnkept, l.offFailed, l.unsteered, l.foreign} {
		if e != nil {
			r.Errors = append(r.Errors, *e)
		}
	}
	if l.cfg == nil {
		return r
	}
	r.Revision, r.Reached = l.cfg.Revision, l.reached
	if l.unseen != nil {
		r.Errors = append(r.Errors, nodecfg.ObjectError{Object: "kernel state", Error: l.unseen.Error()})
	}
	r.Errors = append(r.Errors, l.faults...)
	for _, f := range l.failures {
		r.Errors = append(r.Errors, nodecfg.ObjectError{Object: f.op.String(), Error: f.err.Error()})
	}
	slices.SortFunc(r.Errors, func(a, b nodecfg.ObjectError) int {
		return cmp.Or(cmp.Compare(a.Object, b.Object), cmp.Compare(a.Error, b.Error))
	})
	for _, s := range l.linkState {
		r.Links = append(r.Links, s)
	}
	slices.SortFunc(r.Links, func(a, b nodecfg.LinkState) int { return cmp.Compare(a.Name, b.Name) })
	r.Lanes = l.lanes()
	if l.Lanes != nil {
		r.Keying = l.Lanes.Keying()
	}
	r.Paths = l.paths(r.Lanes)
	r.Floors = l.floorStates
	r.Drifts, r.Drifted = l.drifts()
	if l.Samples != nil {
		r.Leaks = l.Samples.Leaks()
	}
	return r
}

// paths joins what probes say of the paths with what links, lanes and kernel
// say.
func (l *loop) paths(lanes []nodecfg.LaneState) []nodecfg.PathState {
	probed := make(map[string]nodecfg.PathState)
	for _, p := range l.Prober.States() {
		probed[p.Name] = p
	}
	var ways map[string]way.Way
	if l.Ways != nil {
		ways = l.Ways.Ways()
	}
	active, closed := l.active(), l.closed(lanes)
	why := make(map[string]string)
	for _, s := range lanes {
		why[s.Name] = s.Reason
	}
	for _, path := range l.floors.Unkept(l.floorsKept, l.cfg) {
		why[path] = "the floor of its intent is not on disk"
	}
	var states []nodecfg.PathState
	for i := range l.cfg.Policies {
		for _, path := range l.cfg.Policies[i].Paths {
			s, ok := probed[path.Name]
			if !ok {
				s = nodecfg.PathState{Name: path.Name, State: nodecfg.CannotTell, Changed: l.began}
			}
			if link := l.linkState[path.Link]; !link.Up {
				s.State, s.Cause, s.Changed = nodecfg.Down, nodecfg.DownByLink, link.Changed
			} else if closed[path.Name] {
				s.State, s.Cause = nodecfg.Down, nodecfg.DownByLane+": "+cmp.Or(why[path.Name], "not there yet")
			} else if path.Unprobed != "" {
				s.State, s.Cause = nodecfg.CannotTell, nodecfg.NotProbed+": "+path.Unprobed
			}
			s.Active = active[path.Name]
			if w := ways[path.Name]; s.State != nodecfg.Down { // else it has no packets
				s.Way, s.Deviation = w.Way, w.Deviation
			}
			states = append(states, s)
		}
	}
	slices.SortFunc(states, func(a, b nodecfg.PathState) int { return cmp.Compare(a.Name, b.Name) })
	return states
}

func (l *loop) active() map[string]bool {
	if l.cfg == nil {
		return nil
	}
	active := l.cfg.Active(l.have, l.leftOut, l.linkDown())
	for i := range l.cfg.Policies {
		if p := &l.cfg.Policies[i]; floor.Stopped(p, l.fences) {
			for _, path := range p.Paths {
				delete(active, path.Name)
			}
		}
	}
	return active
}

// mark adds to a trace what the prober does not know.
func (l *loop) mark(r *nodecfg.TraceResult) *nodecfg.TraceResult {
	active := l.active()
	lanes := make(map[string]*nodecfg.LaneState)
	for _, s := range l.lanes() {
		lanes[s.Name] = &s
	}
	weight := make(map[string]int)
	if l.cfg != nil {
		for _, p := range l.cfg.Policies {
			for _, path := range p.Paths {
				weight[path.Name] = path.Weight
			}
		}
	}
	for i := range r.Paths {
		p := &r.Paths[i]
		p.Active, p.Lane, p.Weight = active[p.Name], lanes[p.Name], weight[p.Name]
	}
	return r
}

// same says whether two Reports say the same; what is measured and counted is
// looked at only with times. What follows from it, such as that a path is
// beyond its bound, is news at once.
func same(a, b *nodecfg.Report, times bool) bool {
	return a.Node == b.Node && a.Revision == b.Revision && a.Reached == b.Reached &&
		slices.Equal(a.Errors, b.Errors) && slices.Equal(a.Floors, b.Floors) && slices.Equal(a.Links, b.Links) &&
		slices.EqualFunc(a.Paths, b.Paths, func(x, y nodecfg.PathState) bool {
			if !times {
				x.RTTUS, x.There, x.Back = y.RTTUS, y.There, y.Back
			}
			return x == y
		}) &&
		slices.EqualFunc(a.Lanes, b.Lanes, func(x, y nodecfg.LaneState) bool {
			if !times {
				x.Handshake, x.Sent, x.Received, x.Dropped = y.Handshake, y.Sent, y.Received, y.Dropped
			}
			return x == y
		}) &&
		slices.Equal(a.Drifts, b.Drifts) && (!times || a.Drifted == b.Drifted) &&
		sameKeying(a.Keying, b.Keying, times) && sameLeaks(a.Leaks, b.Leaks, times)
}

func sameKeying(a, b *nodecfg.Keying, times bool) bool {
	if a == nil || b == nil {
		return a == b
	}
	if times {
		return reflect.DeepEqual(a, b)
	}
	return slices.Equal(a.Alarms, b.Alarms) && slices.EqualFunc(a.Stores, b.Stores, func(x, y nodecfg.KeyStore) bool {
		return x.Peer == y.Peer && x.State == y.State && x.Known == y.Known && x.Reason == y.Reason
	})
}
