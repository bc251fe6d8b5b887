package core

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/controller/compile"
	"github.com/keiro-net/keiro/pathspec"
)

// Condition is one thing to be known of an intent: yes, no, cannot tell.
type Condition struct {
	Type    string    `json:"type"`
	Status  string    `json:"status"` // True, False or Unknown
	Reason  string    `json:"reason"`
	Message string    `json:"message"`
	Since   time.Time `json:"lastTransitionTime"`
}

// The conditions of an intent, in the order of output.
const (
	Satisfied = "Satisfied" // a path set meets the whole requirement now
	Installed = "Installed" // its headends have confirmed it
	Healthy   = "Healthy"   // probes come back over every path
)

const (
	yes   = "True"
	no    = "False"
	maybe = "Unknown"
)

// judge brings the conditions of every intent up to date and tells of those that
// cannot be satisfied.
func (c *Core) judge(now time.Time) {
	for _, i := range c.intents {
		if c.fresh() || len(i.conditions) == 0 {
			c.judgeAnswer(now, i)
		}
		status, reason, message := c.judgeInstalled(i)
		i.set(now, Installed, status, reason, message)
		status, reason, message = c.judgeHealth(i)
		i.set(now, Healthy, status, reason, message)
	}
	c.tellAnswers(now)
}

func (c *Core) judgeAnswer(now time.Time, i *intent) {
	if i.answer == nil {
		i.set(now, Satisfied, maybe, "Computing", "no answer yet")
		return
	}
	switch i.answer.Status {
	case pathspec.Satisfied:
		i.set(now, Satisfied, yes, "Proven", fmt.Sprintf("%d paths meet the whole requirement", len(i.answer.Paths)))
	case pathspec.Infeasible:
		i.set(now, Satisfied, no, "Infeasible", i.answer.Why.Message)
	default:
		i.set(now, Satisfied, maybe, "Undecided", i.answer.Why.Message)
	}
}

func (c *Core) judgeInstalled(i *intent) (status, reason, message string) {
	if i.waiting != "" {
		return no, "Waiting", i.waiting
	}
	if len(i.standing.Paths) == 0 {
		return no, "NoPath", "no path set stands; packets of the intent are answered with unreachable"
	}
	doubt, why := "", ""
	for _, end := range c.ends(i) {
		n := c.nodes[end.Node]
		if c.byBGP(end.Node) {
			switch status, reason, message = c.judgeHeadend(i, end.Node); status {
			case no:
				return status, reason, message
			case maybe:
				doubt, why = reason, message
			}
		}
		if c.hasNoAgent(end.Node) {
			continue
		}
		switch {
		case n.refused != "":
			return no, "Error", fmt.Sprintf("node %s cannot be told what it is to be: %s", end.Node, n.refused)
		case c.revoked(end.Node):
			return no, "AgentRevoked", "agent of node " + end.Node + " was revoked; `keiro token create " + end.Node + "` lets it enrol again"
		case !n.connected:
			return maybe, "AgentAway", "agent of node " + end.Node + " is away; the node goes on as it was last told"
		case !n.confirmed() && n.report != nil && len(n.report.Errors) > 0:
			return no, "Error", fmt.Sprintf("node %s: %s: %s", end.Node, n.report.Errors[0].Object, n.report.Errors[0].Error)
		case !n.confirmed():
			return no, "Waiting", "node " + end.Node + " has not confirmed yet"
		}
	}
	doubts, lacks := c.learnedOf(i)
	switch {
	case lacks != "":
		return no, "NotLearned", lacks
	case doubt != "":
		return maybe, doubt, why
	}
	return yes, "Confirmed", "the headends are as they were told" + doubts
}

// learnedOf says of paths that cross routers without an agent why one of them is
// not installed, or else what an operator should know of the SIDs that are used.
func (c *Core) learnedOf(i *intent) (doubts, lacks string) {
	policy := compile.Policy{}
	for n, p := range i.standing.Paths {
		if !i.serving[n] || !slices.ContainsFunc(p.Nodes, c.hasNoAgent) {
			continue
		}
		if policy.Intent == "" {
			policy = c.policy(i)
		}
		in := c.inputNow()
		for _, way := range []pathspec.Path{p, compile.Reversed(p)} {
			if c.byBGP(way.Nodes[0]) {
				continue // it goes on as it was told
			}
			if why := in.Against(&policy, way); why != "" {
				return "", fmt.Sprintf("path %d from %s: %s", n, way.Nodes[0], why)
			}
		}
		if doubt := in.Doubts(p); doubt != "" && doubts == "" {
			doubts = "; but " + doubt
		}
	}
	return doubts, ""
}

// judgeHealth asks both headends of every path. Only the word of one that has
// confirmed what it was told counts: before, its paths may be others.
func (c *Core) judgeHealth(i *intent) (status, reason, message string) {
	if len(i.standing.Paths) == 0 {
		return maybe, "NoPath", "there is no path to probe"
	}
	unknown, why := "", ""
	for n, p := range i.standing.Paths {
		if c.failed(p) {
			return no, "LinkDown", fmt.Sprintf("path %d crosses a link that is down", n)
		}
		name := compile.PathName(i.spec.Name, n)
		heads := c.probers(p)
		if len(heads) == 0 {
			unknown, why = "NotProbed", fmt.Sprintf("path %d has no agent at its ends that probes it", n)
		}
		for _, head := range heads {
			node := c.nodes[head]
			if node == nil || !node.connected || node.report == nil || !node.confirmed() {
				unknown, why = "NoReport", fmt.Sprintf("node %s has not told of path %s as it is now", head, name)
				continue
			}
			switch seen := node.paths[name]; {
			case seen == nil:
				unknown, why = "Probing", fmt.Sprintf("path %s seen from %s: no verdict yet", name, head)
			case strings.HasPrefix(seen.Cause, nodecfg.DownByLane):
				return no, "LaneClosed", fmt.Sprintf("path %s carries nothing at %s (%s)", name, head, seen.Cause)
			case seen.State == nodecfg.Down:
				return no, "ProbesLost", fmt.Sprintf("path %s seen from %s is down (%s)", name, head, seen.Cause)
			case seen.State == nodecfg.CannotTell && strings.HasPrefix(seen.Cause, nodecfg.NotProbed):
				unknown, why = "NotProbed", fmt.Sprintf("path %s is not probed from %s (%s)", name, head, seen.Cause)
			case seen.State != nodecfg.Up:
				unknown, why = "Probing", fmt.Sprintf("path %s seen from %s: no verdict yet", name, head)
			}
		}
	}
	if unknown != "" {
		return maybe, unknown, why
	}
	return yes, "ProbesReturn", "probes come back over every path"
}

// probers are the ends of a path that probe it, there and back: those that an
// agent steers.
func (c *Core) probers(p pathspec.Path) (heads []string) {
	for _, head := range []string{p.Nodes[0], p.Nodes[len(p.Nodes)-1]} {
		if !c.byBGP(head) {
			heads = append(heads, head)
		}
	}
	return heads
}

// set notes a condition; its time changes with its status only.
func (i *intent) set(now time.Time, kind, status, reason, message string) {
	for n := range i.conditions {
		if old := &i.conditions[n]; old.Type == kind {
			if old.Status != status {
				old.Since = now
			}
			old.Status, old.Reason, old.Message = status, reason, message
			return
		}
	}
	i.conditions = append(i.conditions, Condition{kind, status, reason, message, now})
}
