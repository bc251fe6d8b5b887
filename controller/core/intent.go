package core

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/keiro-net/keiro/controller/compile"
	"github.com/keiro-net/keiro/controller/comply"
	"github.com/keiro-net/keiro/pathspec"
)

// intent is one declared intent and what has become of it.
type intent struct {
	spec       pathspec.Intent
	id         string           // fingerprint of spec
	answer     *pathspec.Answer // newest; stale while the Core is not fresh
	reason     string           // told last why it is not satisfied
	standing   Standing         // the path set given to the headends
	serving    []bool           // which paths of it the headends are to use
	lanes      []laneSeen       // of the paths, where they have lanes
	waiting    string           // why the answer is not installed yet
	conditions []Condition
	ledger     comply.Ledger // of its characteristics
	judged     judged
	told       comply.Status // worst that was told of it and is not over; "" nothing
}

// fingerprint tells whether two intents ask for the same paths: how packets
// share them is not in it.
func fingerprint(i pathspec.Intent) string {
	i.Mode, i.Weights = pathspec.Failover, nil
	sum := sha256.Sum256(pathspec.Format([]pathspec.Intent{i}))
	return hex.EncodeToString(sum[:8])
}

// pending is an answer of which the reason or the reserve is to come.
func pending(a pathspec.Answer) pathspec.Answer {
	switch a.Status {
	case pathspec.Infeasible:
		a.Pending = true
		a.Why = &pathspec.Why{Code: pathspec.WhyPending, Message: "no set of paths meets the requirement; why is being computed",
			Cut: []string{}, Relaxations: []pathspec.Relaxation{}}
	case pathspec.Satisfied:
		a.Pending = true
	}
	return a
}

func (c *Core) answer(now time.Time, i *intent, a pathspec.Answer) {
	was := i.answer
	i.answer = &a
	if was != nil && was.Status == a.Status {
		return
	}
	i.reason = ""
	c.record(now, "Answer", "intent:"+i.spec.Name, string(a.Status)+because(a.Why))
}

// explain completes the answer of an intent. A reason is told where it is
// another than before.
func (c *Core) explain(now time.Time, i *intent, a pathspec.Answer) {
	if i.answer == nil || !i.answer.Pending {
		return
	}
	full := *i.answer // views have the other
	full.Pending, full.Why, full.Reserve = false, a.Why, a.Reserve
	i.answer = &full
	if a.Why != nil && a.Why.Message != i.reason {
		i.reason = a.Why.Message
		c.record(now, "Reason", "intent:"+i.spec.Name, string(a.Status)+because(a.Why))
	}
}

func because(why *pathspec.Why) string {
	if why == nil {
		return ""
	}
	return ": " + why.Message
}

// decide gives every intent the path set it is to have now, and tells which
// of its paths serve.
func (c *Core) decide(now time.Time) {
	for _, i := range c.intents {
		satisfied := c.fresh() && i.answer != nil && i.answer.Status == pathspec.Satisfied
		set, taken, waiting := c.choose(i, satisfied)
		i.waiting = waiting
		next := Standing{Intent: i.standing.Intent, Paths: set, Blocked: c.blocks(i, satisfied, taken)}
		if taken {
			next.Intent = i.id
		}
		other := !equalPaths(set, i.standing.Paths)
		if other {
			c.record(now, "PathsChanged", "intent:"+i.spec.Name,
				fmt.Sprintf("%d of %d paths, was %d", len(set), i.spec.Require.Multiplicity, len(i.standing.Paths)))
		}
		if other || next.Intent != i.standing.Intent || next.Blocked != i.standing.Blocked {
			i.standing = next
			c.dirty = true
			c.sets++
			c.emit(Persist{Intent: i.spec.Name, Standing: &next})
		}
		if serving := c.serve(i); !slices.Equal(serving, i.serving) {
			i.serving, c.dirty = serving, true
		}
	}
}

// choose returns the path set an intent is to have now, whether it is the
// answer to the intent as it is, and what an answer not taken yet waits for.
func (c *Core) choose(i *intent, satisfied bool) (set []pathspec.Path, taken bool, waiting string) {
	standing := i.standing.Paths
	if c.holds(i) {
		return standing, true, "" // an answer to this intent: not touched
	}
	if satisfied {
		if !equalPaths(i.answer.Paths, standing) {
			waiting = c.missing(i)
		}
		if waiting == "" {
			return i.answer.Paths, true, ""
		}
	}
	if !c.fresh() || waiting != "" {
		return standing, false, waiting // the nodes keep the SIDs of links that have left
	}
	for _, p := range i.standing.Paths {
		if c.exist(p) && c.joins(i, p) {
			set = append(set, p)
		}
	}
	return set, false, waiting
}

// holds reports whether an intent keeps its set, whatever the answer is.
func (c *Core) holds(i *intent) bool {
	return i.spec.OnViolation == pathspec.Alert && i.standing.Intent == i.id &&
		len(i.standing.Paths) >= i.spec.Require.Multiplicity && c.exist(i.standing.Paths...)
}

// blocks tells whether an intent that fails closed is closed: from when its
// set has a failed link, is not an answer to the intent as it is, or no set
// meets the requirement, until an answer was taken.
func (c *Core) blocks(i *intent, satisfied, taken bool) bool {
	switch {
	case i.spec.OnViolation != pathspec.Block:
		return false
	case taken && !c.failed(i.answer.Paths...):
		return false
	case c.fresh() && !satisfied && !c.wantsKeysOnly(i), i.standing.Intent != i.id, c.failed(i.standing.Paths...):
		return true
	}
	return i.standing.Blocked
}

// serve tells which paths of the standing set the headends are to use: none
// where the intent is blocked; else those without a failed link. When all have
// failed they all stay: to take them away would gain nothing, and a link that
// comes back is used at once. A drained link is no failed link: its paths
// serve until others stand.
func (c *Core) serve(i *intent) []bool {
	serving := make([]bool, len(i.standing.Paths))
	if i.standing.Blocked {
		return serving
	}
	left := 0
	for n, p := range i.standing.Paths {
		if serving[n] = !c.failed(p); serving[n] {
			left++
		}
	}
	if left == 0 {
		for n := range serving {
			serving[n] = true
		}
	}
	return serving
}

// failed reports whether a link of one of the paths carries no traffic.
func (c *Core) failed(paths ...pathspec.Path) bool {
	for _, p := range paths {
		for _, name := range p.Links {
			if l := c.links[name]; l != nil && l.down {
				return true
			}
		}
	}
	return false
}

// exist reports whether the links of the paths are in the topology and join
// the paths' nodes.
func (c *Core) exist(paths ...pathspec.Path) bool {
	t := c.spec.Topology
	for _, p := range paths {
		for n, name := range p.Links {
			e, ok := t.Entry(name)
			if !ok {
				return false
			}
			a, b := t.Nodes[t.Entries[e].A].Name, t.Nodes[t.Entries[e].B].Name
			from, to := p.Nodes[n], p.Nodes[n+1]
			if !(a == from && b == to) && !(a == to && b == from) {
				return false
			}
		}
	}
	return true
}

// joins reports whether the path leads between the ends the intent has now.
func (c *Core) joins(i *intent, p pathspec.Path) bool {
	return c.isEnd(p.Nodes[0], i.spec.From) && c.isEnd(p.Nodes[len(p.Nodes)-1], i.spec.To)
}

func (c *Core) isEnd(node, end string) bool {
	if node == end {
		return true
	}
	n, ok := c.spec.Topology.Node(node)
	return ok && c.spec.Topology.Nodes[n].Site == end
}

// ends are the nodes at which packets of the intent may begin.
func (c *Core) ends(i *intent) []compile.End {
	var ends []compile.End
	for n := range c.spec.Topology.Nodes {
		switch node := &c.spec.Topology.Nodes[n]; {
		case node.Name == i.spec.From, node.Site == i.spec.From:
			ends = append(ends, compile.End{Node: node.Name})
		case node.Name == i.spec.To, node.Site == i.spec.To:
			ends = append(ends, compile.End{Node: node.Name, Reverse: true})
		}
	}
	return ends
}

func equalPaths(a, b []pathspec.Path) bool {
	return slices.EqualFunc(a, b, func(p, q pathspec.Path) bool {
		return slices.Equal(p.Links, q.Links) && slices.Equal(p.Nodes, q.Nodes)
	})
}
