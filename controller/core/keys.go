package core

import (
	"fmt"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/pathspec"
)

// The agents at the ends of a link with a QKD system watch the store of keys
// that they share. A link whose store does not last is left by the intents that
// need such keys before it is dry, as their paths are left when links are
// drained: others first, then these. What their lanes may carry, and how long,
// is not decided here but by the agents, who have the keys.

// observeKeys takes in what a node says of the stores that it shares with its
// neighbours. Of one that it does not mention it has yet to hear, and what was
// said before still stands: an agent that begins anew is no reason to move.
func (c *Core) observeKeys(now time.Time, r *nodecfg.Report) {
	if r.Keying == nil || c.spec.Topology == nil {
		return
	}
	t := c.spec.Topology
	here, known := t.Node(r.Node)
	for _, s := range r.Keying.Stores {
		there, also := t.Node(s.Peer)
		for e := range t.Entries {
			entry := &t.Entries[e]
			if !known || !also || !entry.QKD || entry.A+entry.B != here+there || entry.A != here && entry.B != here {
				continue
			}
			name := entry.Name
			l := c.links[name]
			if l == nil {
				continue // its ends tell of the link before
			}
			if l.keys == nil {
				l.keys = map[string]nodecfg.KeyStore{}
			}
			before, told := l.keys[r.Node]
			l.keys[r.Node] = s
			if was, is := lacking(before), lacking(s); told && was != is || !told && is != "" {
				c.record(now, "KeyStore", "link:"+name, fmt.Sprintf("node %s: store of QKD keys %s", r.Node, orEnough(is)))
			}
		}
	}
	c.setOutage()
}

// lacking says what is wrong with a store; "" it lasts.
func lacking(s nodecfg.KeyStore) string {
	switch {
	case s.State == "enough":
		return ""
	case s.State == "low":
		return "is low"
	case s.Known:
		return "is empty"
	}
	return "is unknown"
}

func orEnough(lack string) string {
	if lack == "" {
		return "lasts"
	}
	return lack
}

// keyless are the links of whose store an end says that it does not last, with
// the reason. As long as no end has said anything, what was declared is
// believed: that a QKD system runs there.
func (c *Core) keyless() map[string]string {
	needed := false
	for _, i := range c.intents {
		needed = needed || i.spec.Require.Encryption == pathspec.QKD
	}
	if !needed {
		return nil
	}
	found := map[string]string{}
	for e := range c.spec.Topology.Entries {
		if entry := &c.spec.Topology.Entries[e]; entry.QKD {
			if why := c.links[entry.Name].keyless(); why != "" {
				found[entry.Name] = why
			}
		}
	}
	return found
}

// keyless says why the link's keys cannot be counted on; "" they can, by what
// is known.
func (l *link) keyless() string {
	if l == nil {
		return ""
	}
	for _, node := range sortedKeys(l.keys) {
		if lack := lacking(l.keys[node]); lack != "" {
			return fmt.Sprintf("the store of QKD keys at node %s %s", node, lack)
		}
	}
	return ""
}

// wantsKeysOnly reports whether the set that stands is an answer to the intent
// but for stores of keys that do not last. Its lanes have keys still, so an
// intent that fails closed is not closed for that; a lane without keys closes
// itself.
func (c *Core) wantsKeysOnly(i *intent) bool {
	if len(c.outage.Keyless) == 0 || i.standing.Intent != i.id || i.spec.Require.Encryption != pathspec.QKD {
		return false
	}
	o := c.outage
	o.Keyless = nil
	left := c.spec.Topology.Without(o)
	answer := pathspec.Solution{APIVersion: "keiro/v1", Kind: "Solution", Topology: left.Name, Intents: []pathspec.Answer{
		{Name: i.spec.Name, Status: pathspec.Satisfied, Paths: i.standing.Paths},
	}}
	for _, v := range pathspec.Check(left, []pathspec.Intent{i.spec}, &answer) {
		switch v.Rule {
		case pathspec.RuleStated, pathspec.RuleCost, pathspec.RuleOrder, pathspec.RuleMargin, pathspec.RuleStatus:
			continue // claims of an answer, which this is not
		}
		return false
	}
	return true
}
