package core

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/bgp/lsdb"
	"github.com/keiro-net/keiro/controller/compile"
	"github.com/keiro-net/keiro/controller/comply"
	"github.com/keiro-net/keiro/controller/live"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// View is what the Core knows, for people and programs to read. It shares no
// memory that later Steps change.
type View struct {
	Spec     Spec
	Outage   topology.Outage
	Live     *live.Result // the declared topology joined with Learned; nil: nobody is listened to, or nothing is declared
	Learned  *lsdb.View   // what routers say; nil: nobody is listened to
	Fresh    bool         // the answers are for the present spec and outage
	Holding  bool         // a new controller still waits for agents it knows
	Intents  []IntentView
	Nodes    []NodeView
	Links    []LinkView
	Lanes    []LaneView
	Keying   []KeyingView
	Drains   []Drain
	Alarms   []Alarm
	Question uint64            // counts the questions posed so far
	NewLink  *pathspec.NewLink // that would help most; nil: none, or not computed yet
}

// IntentView is one intent and what has become of it.
type IntentView struct {
	Spec       pathspec.Intent
	Answer     *pathspec.Answer // nil: none yet
	Conditions []Condition
	// Characteristics are what is known of each of them.
	Characteristics []comply.Condition
	Standing        []PathView
	Heads           []string // nodes where its packets begin, from side first
	Leaks           []LeakView
}

// LeakView is packets of an intent where they should not be, as a node saw them.
type LeakView struct {
	Node string
	nodecfg.Leak
}

// PathView is one path of the standing set.
type PathView struct {
	Path    pathspec.Path
	Serving bool                         // the headends are told to use it
	Seen    map[string]nodecfg.PathState // by headend
	Told    map[string]Seen              // what headends with steering by BGP were told and report, by headend
}

// NodeView is one node and its agent.
type NodeView struct {
	Name      string
	NoAgent   bool // none is expected: the node is declared so
	Connected bool
	Revoked   bool   // and not enrolled again
	Wanted    uint64 // revision
	Reached   uint64
	Errors    []nodecfg.ObjectError
	Drifts    []nodecfg.Drift // the latest, the oldest first
	Drifted   uint64          // all since its agent began
	Since     time.Time       // when its agent connected or was lost; zero: it never was there
}

// LinkView is one link.
type LinkView struct {
	Name    string
	A, B    string
	State   LinkState
	Drained bool
	Keyless string // why its QKD keys cannot be counted on; "" they can, by what is known, or there are none
	Since   time.Time
	MTU     int
	Ends    []EndView // what is said of it, by whom
}

// EndView is what one observer says of a link: the agent of one of its nodes, by
// the node's name, or (bgp-ls).
type EndView struct {
	By    string
	Up    bool
	MTU   int       // 0: it does not say
	Since time.Time // by its clock
}

// LinkState is yes, no, cannot tell; and a link that is up again but has not
// been so for long enough.
type LinkState string

// The states of a link. Up needs the present word of both ends: of their agents,
// and where there is none of BGP-LS.
const (
	LinkUp        LinkState = "up"
	LinkDown      LinkState = "down"
	LinkRestoring LinkState = "restoring"
	LinkUnknown   LinkState = "unknown"
)

// View returns a snapshot.
func (c *Core) View(now time.Time) View {
	v := View{Spec: c.spec, Live: c.live, Learned: c.learned, Outage: c.outage, Fresh: c.fresh(), Question: c.wanted}
	if _, v.Holding = c.holding(now); v.Fresh {
		v.NewLink = c.newLink
	}
	for d := range c.drains {
		v.Drains = append(v.Drains, d)
	}
	slices.SortFunc(v.Drains, func(a, b Drain) int { return strings.Compare(a.Kind+":"+a.Name, b.Kind+":"+b.Name) })
	for _, key := range sortedKeys(c.alarms) {
		v.Alarms = append(v.Alarms, c.alarms[key])
	}
	if c.spec.Topology == nil {
		return v
	}
	for _, i := range c.intents {
		v.Intents = append(v.Intents, c.viewIntent(i))
	}
	t := c.spec.Topology
	for n := range t.Nodes {
		name := t.Nodes[n].Name
		node := c.nodes[name]
		out := NodeView{Name: name, NoAgent: t.Nodes[n].NoAgent, Connected: node.connected, Revoked: c.revoked(name), Since: node.since, Wanted: node.revision}
		if node.report != nil {
			out.Reached, out.Errors = node.report.Revision, node.report.Errors
			out.Drifts, out.Drifted = node.report.Drifts, node.report.Drifted
			if !node.report.Reached && out.Reached == out.Wanted {
				out.Reached = 0
			}
		}
		v.Nodes = append(v.Nodes, out)
	}
	said := make([]EndView, 0, 2*len(t.Entries)) // of all links, for there are many
	for e := range t.Entries {
		l := c.viewLink(t, e)
		from := len(said)
		said = c.viewEnds(said, l.Name)
		l.Ends = said[from:len(said):len(said)]
		v.Links = append(v.Links, l)
	}
	v.Lanes, v.Keying = c.viewLanes(), c.viewKeying()
	return v
}

func (c *Core) viewIntent(i *intent) IntentView {
	out := IntentView{Spec: i.spec, Answer: i.answer, Conditions: slices.Clone(i.conditions), Characteristics: i.ledger.Conditions}
	for _, end := range c.ends(i) {
		out.Heads = append(out.Heads, end.Node)
	}
	states := c.pathStates(i.spec.Name)
	for n, p := range i.standing.Paths {
		path := PathView{Path: p, Serving: i.serving[n], Seen: map[string]nodecfg.PathState{}, Told: c.viewSeen(i, n)}
		for node, seen := range states {
			for _, s := range seen {
				if s.Name == compile.PathName(i.spec.Name, n) {
					path.Seen[node] = s
				}
			}
		}
		out.Standing = append(out.Standing, path)
	}
	for name, n := range c.nodes {
		if n.report == nil || !n.connected {
			continue
		}
		for _, l := range n.report.Leaks {
			if l.Intent == i.spec.Name {
				out.Leaks = append(out.Leaks, LeakView{name, l})
			}
		}
	}
	slices.SortFunc(out.Leaks, func(a, b LeakView) int {
		return cmp.Or(strings.Compare(a.Node, b.Node), strings.Compare(a.Link, b.Link), strings.Compare(a.Kind, b.Kind))
	})
	return out
}

// viewEnds appends what is said of a link, by whom in ascending order.
func (c *Core) viewEnds(out []EndView, name string) []EndView {
	l := c.links[name]
	if l == nil {
		return out
	}
	from := len(out)
	for by, s := range l.ends {
		out = append(out, EndView{By: by, Up: s.Up, MTU: s.MTU, Since: s.Changed})
	}
	slices.SortFunc(out[from:], func(a, b EndView) int { return strings.Compare(a.By, b.By) })
	return out
}

func (c *Core) viewLink(t *topology.Topology, e int) LinkView {
	entry := &t.Entries[e]
	out := LinkView{Name: entry.Name, A: t.Nodes[entry.A].Name, B: t.Nodes[entry.B].Name, State: LinkUnknown, Drained: c.drained().Takes(t, e)}
	l := c.links[entry.Name]
	if l != nil {
		out.Since, out.MTU = l.since, l.mtu()
		if entry.QKD {
			out.Keyless = l.keyless()
		}
	}
	switch {
	case l != nil && l.down && l.restoreAt.IsZero():
		out.State = LinkDown
	case l != nil && l.down:
		out.State = LinkRestoring
	case l != nil && c.attested(e, l):
		out.State = LinkUp
	}
	return out
}
