package core

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keiro-net/keiro/controller/live"
)

// routerAlarm begins the keys of alarms about what is heard by BGP.
const routerAlarm = "bgp/"

// toldElsewhere are conditions of links that are no contradiction: a link that is
// down is told as such, and a node that nobody knows as that.
var toldElsewhere = []live.ConditionType{live.LinkUnusable, live.LinkHalfKnown, live.LinkMissing, live.NodeMissing, live.NodeAmbiguous}

// contradictions are what the conditions of a live topology come to, by type.
type contradictions struct {
	of     *live.Result // that they are those of
	byType map[live.ConditionType]*contradiction
}

// contradiction is a condition and all that has it.
type contradiction struct {
	says         []string // the first few, in the order of the file
	all          int      // how often it is there
	links, nodes map[string]bool
}

// tellRouters raises the alarms of BGP sessions and of what is learned in them
// for what is so now, and resolves those that are over.
func (c *Core) tellRouters(now time.Time) {
	found := map[string]Alarm{}
	c.peersDown(now, found)
	c.contradict(now, found)
	c.bring(now, routerAlarm, found, c.endsRouterAlarm)
}

// endsRouterAlarm: that of a session is over at once, the others when their
// cause has been away for long enough and everybody who could tell otherwise has
// said all.
func (c *Core) endsRouterAlarm(a Alarm) (calm time.Duration, ok bool) {
	if a.Name == PeerDown {
		return 0, true
	}
	return c.params.WaitToRestore, c.allTold()
}

// peersDown finds the sessions that have been lost for too long, or did not come
// up since the controller has.
func (c *Core) peersDown(now time.Time, found map[string]Alarm) {
	for _, p := range c.bgp {
		if p.Up {
			continue
		}
		key := routerAlarm + "peer/" + p.Name
		since, words := p.Since, "has not come up since the controller started"
		means := "nothing has been heard from it, and what it is to do does not reach it"
		if since.IsZero() {
			since = c.started
			if was := c.alarms[key]; was.Firing && was.CausedAt.Before(since) { // the controller before knew
				since = was.CausedAt
				words += ", and was down before, since " + since.UTC().Format(time.RFC3339)
			}
		} else {
			words = "is down since " + since.UTC().Format(time.RFC3339)
			means = "nothing new is heard from it, and what it is to do reaches it no more. What it had said counts on as stale"
		}
		if due := since.Add(c.params.AgentLost); now.Before(due) && !c.alarms[key].Firing {
			c.emit(WakeAt{due})
			continue
		}
		if p.Reason != "" {
			words += " (" + p.Reason + ")"
		}
		found[key] = Alarm{
			Key: key, Name: PeerDown, Severity: "warning", Cause: "peer:" + p.Name, Before: "up", After: "down", CausedAt: since, DetectedAt: now,
			Evidence: []Evidence{{ByBGP, "peer:" + p.Name, "no session: " + cmp.Or(p.Reason, "nobody says why"), since}},
			Message:  fmt.Sprintf("BGP session with peer %s %s: %s. `keiro describe peer %s` says more", p.Name, words, means, p.Name),
		}
	}
}

// contradict finds what routers say that no live peer says any more, and what
// they say otherwise than it is declared. One alarm of each kind: a renumbered
// network is one mistake.
func (c *Core) contradict(now time.Time, found map[string]Alarm) {
	if c.live == nil {
		return
	}
	if c.said.of != c.live {
		c.said.of, c.said.byType = c.live, conditionsOf(c.live)
	}
	for kind, x := range c.said.byType {
		key := routerAlarm + string(kind)
		a := Alarm{Key: key, CausedAt: now, DetectedAt: now, Severity: "warning", Intents: c.standingOver(x.links), After: x.count()}
		if kind == live.Stale {
			if due, waits := c.staleDue(now); waits && !c.alarms[key].Firing {
				c.emit(WakeAt{due})
				continue
			}
			lost := c.silentPeers()
			a.Name, a.Cause, a.Before = TopologyStale, "peer:"+strings.Join(lost, ","), "live"
			a.Message = fmt.Sprintf("of %s no live BGP peer says anything any more (lost: %s): %s. They count as they were said last, and a failure there is not seen", x.count(), some(lost), x.text())
		} else {
			a.Name, a.Cause, a.Before = TopologyContradiction, "learned:"+string(kind), "as declared"
			a.Message = fmt.Sprintf("what routers say contradicts what is declared (%s) of %s: %s. Correct the topology or the network", kind, x.count(), x.text())
		}
		found[key] = a
	}
}

// conditionsOf gathers the conditions of what is learned.
func conditionsOf(r *live.Result) map[live.ConditionType]*contradiction {
	out := map[live.ConditionType]*contradiction{}
	add := func(kind live.ConditionType) *contradiction {
		x := out[kind]
		if x == nil {
			x = &contradiction{links: map[string]bool{}, nodes: map[string]bool{}}
			out[kind] = x
		}
		return x
	}
	for n := range r.Nodes {
		for _, condition := range r.Nodes[n].Conditions {
			x := add(condition.Type)
			x.nodes[r.Nodes[n].Name] = true
			x.say("node "+r.Nodes[n].Name, condition)
		}
	}
	for e := range r.Links {
		for _, condition := range r.Links[e].Conditions {
			if slices.Contains(toldElsewhere, condition.Type) {
				continue
			}
			x := add(condition.Type)
			x.links[r.Links[e].Name] = true
			x.say("link "+r.Links[e].Name, condition)
		}
	}
	return out
}

func (x *contradiction) say(what string, condition live.Condition) {
	x.all++
	if len(x.says) >= named {
		return
	}
	if condition.Type != live.Stale { // which says the same of all
		what += " (" + condition.Message + ")"
	}
	x.says = append(x.says, what)
}

func (x *contradiction) text() string {
	if more := x.all - len(x.says); more > 0 {
		return strings.Join(x.says, ", ") + fmt.Sprintf(", and %d more", more)
	}
	return strings.Join(x.says, ", ")
}

func (x *contradiction) count() string {
	return fmt.Sprintf("%d links, %d nodes", len(x.links), len(x.nodes))
}

// standingOver are the intents with a path over one of the links.
func (c *Core) standingOver(links map[string]bool) (names []string) {
	if len(links) == 0 {
		return nil
	}
	for _, i := range c.intents {
	paths:
		for _, p := range i.standing.Paths {
			for _, l := range p.Links {
				if links[l] {
					names = append(names, i.spec.Name)
					break paths
				}
			}
		}
	}
	return names
}

// silentPeers are the peers whose word is stale.
func (c *Core) silentPeers() (names []string) {
	for _, p := range c.learned.Peers {
		if !p.Up && p.Stale > 0 {
			names = append(names, p.Name)
		}
	}
	return names
}

// staleDue is when it is told that what counts is stale: a router that restarts
// is back by then.
func (c *Core) staleDue(now time.Time) (due time.Time, waits bool) {
	for _, p := range c.learned.Peers {
		if at := p.Since.Add(c.params.AgentLost); !p.Up && p.Stale > 0 && at.After(due) {
			due = at
		}
	}
	return due, now.Before(due)
}
