package core

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// eachReport calls do for every node of the topology with a report of now, by
// name.
func (c *Core) eachReport(do func(node string, r *nodecfg.Report)) {
	for _, name := range sortedKeys(c.nodes) {
		if n := c.nodes[name]; n.connected && n.report != nil && c.exists(name) {
			do(name, n.report)
		}
	}
}

// floorsHold finds the intents of which a node would carry packets with less
// encryption than it ever did, and does not: it keeps to more, or lets none
// through. Lanes whose key is weaker than declared are among them.
func (c *Core) floorsHold(now time.Time, add func(Alarm)) {
	type holding struct{ nodes, fenced, says []string }
	hold := map[string]*holding{}
	at := func(intent, node string, fenced bool, why string) {
		h := hold[intent]
		if h == nil {
			h = &holding{}
			hold[intent] = h
		}
		h.says = append(h.says, node+": "+why)
		h.nodes = append(h.nodes, node)
		if fenced {
			h.fenced = append(h.fenced, node)
		}
	}
	c.eachReport(func(node string, r *nodecfg.Report) {
		told := map[string]bool{}
		for _, f := range r.Floors {
			if f.Fenced || f.Reason != "" {
				told[f.Intent] = true
				at(f.Intent, node, f.Fenced, fmt.Sprintf("its floor is %s, %s", f.Level, reasonOf(f.Reason)))
			}
		}
		if r.Keying == nil {
			return
		}
		for _, a := range r.Keying.Alarms {
			if intent, _, _ := strings.Cut(a.Lane, "/"); a.Name == FloorRefused && !told[intent] {
				told[intent] = true
				at(intent, node, false, a.Message)
			}
		}
	})
	c.eachLane(func(l *lane) {
		end := l.closedEnd()
		if end == nil || end.State.Level == "" || !weaker(end.State.Level, l.intent.spec.Require.Encryption.String()) || l.seen.closed.IsZero() {
			return
		}
		if due := l.seen.closed.Add(newLane); now.Before(due) { // it was just asked for
			c.emit(WakeAt{due})
			return
		}
		at(l.intent.spec.Name, end.Node, false, fmt.Sprintf("the key of lane %s is %s, %s is declared: it carries nothing", l.name, end.State.Level, l.intent.spec.Require.Encryption))
	})
	for _, intent := range sortedKeys(hold) {
		h := hold[intent]
		a := Alarm{
			Key: "floor/" + intent, Name: FloorViolated, Severity: "warning", Cause: "intent:" + intent, Intents: []string{intent},
			Nodes: slices.Compact(h.nodes), Before: "encrypted as declared", After: "what is declared is less than the floor",
		}
		a.Message = fmt.Sprintf("the floor of intent %s holds: %s.", intent, some(h.says))
		if len(h.fenced) > 0 {
			a.Severity, a.After = "critical", "fenced"
			a.Message += fmt.Sprintf(" Packets of the intent are answered with unreachable at %s. Declare that encryption again; if less is really wanted, say so as root on %s: `keiro-agent floor lower %s`.",
				strings.Join(h.fenced, ", "), strings.Join(h.fenced, " and on "), intent)
		}
		add(a)
	}
}

// weaker reports whether a key's level is below another; of a level that we do
// not know it is.
func weaker(level, than string) bool {
	return slices.Index(nodecfg.Encryptions, level) < slices.Index(nodecfg.Encryptions, than)
}

// storesLow finds the pairs of nodes whose KMEs will soon have no key for their
// lanes, by the word of either.
func (c *Core) storesLow(add func(Alarm)) {
	found := map[string]Alarm{}
	c.eachReport(func(node string, r *nodecfg.Report) {
		if r.Keying == nil {
			return
		}
		for _, s := range r.Keying.Stores {
			if s.State == storeEnough || !c.exists(s.Peer) {
				continue
			}
			cause := pair(node, s.Peer)
			a, known := found[cause]
			if !known {
				a = Alarm{Key: "store/" + cause, Name: KeyStoreLow, Severity: "warning", Cause: cause, Before: storeEnough, After: s.State,
					Intents: c.onQKD(node, s.Peer), Message: "the store of QKD keys between " + between(cause) + " runs dry."}
			}
			if s.State != storeLow { // none, or a word that we do not know
				a.After = s.State
				if len(a.Intents) > 0 {
					a.Severity = "critical"
				}
			}
			a.Nodes = append(a.Nodes, node)
			a.Message += fmt.Sprintf(" Node %s: %s.", node, storeSays(s))
			found[cause] = a
		}
	})
	for _, cause := range sortedKeys(found) {
		a := found[cause]
		if len(a.Intents) > 0 {
			a.Message += " Lanes that need its keys are drained, then closed: " + some(a.Intents) + "."
		}
		add(a)
	}
}

// The states of a store of QKD keys, as package keys/qkd/level calls them.
const (
	storeEnough = "enough"
	storeLow    = "low"
)

// awaitsStore: a link of the topology needs the store, and an end that called
// it low does not say now that it lasts. An agent that begins anew has not asked
// its KME yet.
func (c *Core) awaitsStore(a Alarm) bool {
	one, other, _ := strings.Cut(strings.TrimPrefix(a.Cause, "pair:"), "~")
	t := c.spec.Topology
	x, known := t.Node(one)
	y, also := t.Node(other)
	if !known || !also || !slices.ContainsFunc(t.Entries, func(e topology.Entry) bool { return e.QKD && (e.A == x && e.B == y || e.A == y && e.B == x) }) {
		return false
	}
	for _, name := range a.Nodes {
		n := c.nodes[name]
		if n == nil || n.report == nil || n.report.Keying == nil || !slices.ContainsFunc(n.report.Keying.Stores, func(s nodecfg.KeyStore) bool {
			return s.State == storeEnough && (s.Peer == one || s.Peer == other)
		}) {
			return true
		}
	}
	return false
}

func storeSays(s nodecfg.KeyStore) string {
	out := s.State + ", nobody knows how many keys there are"
	if s.Known {
		out = fmt.Sprintf("%s, %d keys, which last %s", s.State, s.Keys, (time.Duration(s.Lasts) * time.Microsecond).Round(time.Second))
	}
	if s.Reason != "" {
		out += " (" + s.Reason + ")"
	}
	return out
}

// onQKD are the intents whose lanes take QKD keys that the two nodes share: at
// the lanes' ends, or for a link of the path.
func (c *Core) onQKD(a, b string) (names []string) {
	same := func(x, y string) bool { return x == a && y == b || x == b && y == a }
	for _, i := range c.intents {
		if i.spec.Require.Encryption != pathspec.QKD {
			continue
		}
		if slices.ContainsFunc(i.standing.Paths, func(p pathspec.Path) bool {
			for n := 1; n < len(p.Nodes); n++ {
				if same(p.Nodes[n-1], p.Nodes[n]) {
					return true
				}
			}
			return same(p.Nodes[0], p.Nodes[len(p.Nodes)-1])
		}) {
			names = append(names, i.spec.Name)
		}
	}
	return names
}

// identityChanged is the agent's word for a peer that is not who it was: by
// mistake, or since this controller or its authority is not to be trusted.
const identityChanged = "IdentityChanged"

// failures are the agents' own alarms that are passed on under their names;
// the others are in those above.
var failures = map[string]string{ // severity
	"SilenceError":  "critical", // a lane that is closed, or gone, may still carry
	identityChanged: "critical", // who is at the other end is perhaps somebody else
	"StateRefused":  "warning",  // the state of a pair on disk cannot be read
	"DiskFailed":    "warning",  // it cannot be written
	"InstallError":  "warning",  // WireGuard did not take a key
}

// keyingFails passes on what goes wrong with the keys within a node.
func (c *Core) keyingFails(add func(Alarm)) {
	c.eachReport(func(node string, r *nodecfg.Report) {
		if r.Keying == nil {
			return
		}
		found := map[string]*Alarm{}
		says := map[string][]string{}
		for _, a := range r.Keying.Alarms {
			severity, known := failures[a.Name]
			if !known {
				continue
			}
			if found[a.Name] == nil {
				found[a.Name] = &Alarm{Key: "keying/" + node + "/" + a.Name, Name: a.Name, Severity: severity, Cause: "node:" + node,
					Before: "works", After: "fails", Nodes: []string{node}}
				if a.Name == identityChanged {
					found[a.Name].Before, found[a.Name].After = "no peer has another identity than a day ago", "a peer has another identity"
				}
			}
			what := "with " + a.Peer
			if a.Peer == "" {
				what = "of no lane"
			}
			if intent, _, _ := strings.Cut(a.Lane, "/"); intent != "" {
				what = a.Lane + " " + what
				if f := found[a.Name]; !slices.Contains(f.Intents, intent) {
					f.Intents = append(f.Intents, intent)
				}
			}
			says[a.Name] = append(says[a.Name], what+": "+a.Message)
		}
		for _, name := range sortedKeys(found) {
			a := found[name]
			a.Message = fmt.Sprintf("node %s has trouble with keys: %s. Its agent's log says more.", node, some(says[name]))
			if name == identityChanged {
				a.Message = fmt.Sprintf("node %s knows a peer by another identity than before, %s. This ends a day after the change; its agent's log and state directory keep it.",
					node, some(says[name]))
			}
			add(*a)
		}
	})
}
