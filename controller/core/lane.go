package core

import (
	"cmp"
	"slices"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/controller/compile"
	"github.com/keiro-net/keiro/pathspec"
)

// LaneView is the encrypted tunnel on one path of an intent, as both its ends
// tell of it.
type LaneView struct {
	Name       string // of the path
	Intent     string
	Index      int
	Encryption string // what the intent asks for
	Path       pathspec.Path
	Serving    bool       // the headends are told to use it
	Ends       [2]LaneEnd // at the path's first node and at its last
}

// LaneEnd is one end of a lane.
type LaneEnd struct {
	Node  string
	State *nodecfg.LaneState // nil: cannot tell
}

// KeyingView is what a node says of the keys of all its lanes.
type KeyingView struct {
	Node   string
	Keying nodecfg.Keying
	Floors []nodecfg.FloorState
}

// lane is the nth path of an encrypted intent with the word of both ends.
type lane struct {
	intent *intent
	index  int
	name   string
	path   *pathspec.Path
	ends   [2]LaneEnd
	seen   *laneSeen
}

// laneSeen is what must be remembered of a lane, because reports only say how
// it is now.
type laneSeen struct {
	open   bool      // both ends have said so since it is in service
	closed time.Time // since when an end says that it is not; zero: none does
	says   string    // that end, and why
	differ time.Time // since when the ends have keys of different epochs
}

// eachLane calls do for every lane of the path sets that stand.
func (c *Core) eachLane(do func(*lane)) {
	for _, i := range c.intents {
		if i.spec.Require.Encryption == pathspec.NoEncryption {
			continue
		}
		for n := range i.standing.Paths {
			p := &i.standing.Paths[n]
			l := lane{intent: i, index: n, name: compile.PathName(i.spec.Name, n), path: p}
			head, tail := p.Nodes[0], p.Nodes[len(p.Nodes)-1]
			l.ends = [2]LaneEnd{{head, c.laneState(head, tail, l.name)}, {tail, c.laneState(tail, head, l.name)}}
			if n < len(i.lanes) {
				l.seen = &i.lanes[n]
			}
			do(&l)
		}
	}
}

// laneState is what a node says now of its end of a lane to a peer; nil:
// nothing. A lane to somebody else is that of a path set before.
func (c *Core) laneState(node, peer, name string) *nodecfg.LaneState {
	n := c.nodes[node]
	if n == nil || !n.connected || n.report == nil {
		return nil
	}
	s := n.lanes[name]
	if s != nil && s.Peer != "" && s.Peer != peer {
		return nil
	}
	return s
}

// inService: the headends are to use the lane, and its path is there. Of a path
// that is not, other alarms tell.
func (c *Core) inService(l *lane) bool {
	return l.intent.serving[l.index] && !c.failed(*l.path)
}

// closedEnd is the first end that says that nothing may enter the lane; nil:
// none does.
func (l *lane) closedEnd() *LaneEnd {
	for n := range l.ends {
		if s := l.ends[n].State; s != nil && !s.Open {
			return &l.ends[n]
		}
	}
	return nil
}

// known: both ends tell of the lane.
func (l *lane) known() bool { return l.ends[0].State != nil && l.ends[1].State != nil }

// watchLanes notes since when lanes are closed, or keyed differently. What
// cannot be told now is as it was.
func (c *Core) watchLanes(now time.Time) {
	for _, i := range c.intents {
		if want := len(i.standing.Paths); len(i.lanes) != want {
			i.lanes = append(slices.Clone(i.lanes[:min(want, len(i.lanes))]), make([]laneSeen, want-min(want, len(i.lanes)))...)
		}
	}
	c.eachLane(func(l *lane) {
		if !c.inService(l) {
			*l.seen = laneSeen{} // when it returns, it begins without a key
			return
		}
		if end := l.closedEnd(); end != nil {
			l.seen.closed, l.seen.says = since(l.seen.closed, now), end.Node+": "+reasonOf(end.State.Reason)
		} else if l.known() {
			l.seen.open, l.seen.closed = true, time.Time{}
		}
		if l.known() {
			switch a, b := l.ends[0].State.Epoch, l.ends[1].State.Epoch; {
			case a == b || a == 0 || b == 0:
				l.seen.differ = time.Time{}
			default:
				l.seen.differ = since(l.seen.differ, now)
			}
		}
	})
}

// since keeps the time at which something began.
func since(began, now time.Time) time.Time {
	if began.IsZero() {
		return now
	}
	return began
}

// pair names two nodes with lanes between them, whatever their order.
func pair(a, b string) string { return "pair:" + min(a, b) + "~" + max(a, b) }

// viewLanes lists the lanes in the order of intents and paths.
func (c *Core) viewLanes() []LaneView {
	var out []LaneView
	c.eachLane(func(l *lane) {
		out = append(out, LaneView{
			Name: l.name, Intent: l.intent.spec.Name, Index: l.index, Encryption: l.intent.spec.Require.Encryption.String(),
			Path: *l.path, Serving: l.intent.serving[l.index], Ends: l.ends,
		})
	})
	return out
}

// viewKeying lists the nodes that tell of keys or floors now, by name.
func (c *Core) viewKeying() []KeyingView {
	var out []KeyingView
	for name, n := range c.nodes {
		if n.report == nil || !n.connected || !c.exists(name) || n.report.Keying == nil && len(n.report.Floors) == 0 {
			continue
		}
		v := KeyingView{Node: name, Floors: n.report.Floors}
		if n.report.Keying != nil {
			v.Keying = *n.report.Keying
		}
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b KeyingView) int { return cmp.Compare(a.Node, b.Node) })
	return out
}
