package nodecfg

import (
	"cmp"
	"slices"
	"strings"
)

// Plan returns the operations that lead from have to want, so that nothing
// ever leads into what is not there yet: adds and replacements from the
// ground up, rules last; then deletions, rules first. Rules come in the order
// in which they are matched and go in the reverse, so that each comes after
// the fences before it and goes before them. Equal States need none.
// Sysctls are never deleted, and no interface is set down: there is no knowing
// what they were.
func Plan(have, want State) []Op {
	var ops []Op
	for k, w := range want {
		switch h := have[k]; h {
		case w:
		case nil:
			ops = append(ops, Op{Add, w})
		default:
			ops = append(ops, Op{Replace, w})
		}
	}
	for k, h := range have {
		if want[k] != nil {
			continue
		}
		switch h.(type) {
		case Sysctl, LinkUp:
		default:
			ops = append(ops, Op{Delete, h})
		}
	}
	slices.SortFunc(ops, compareOps)
	return ops
}

func compareOps(a, b Op) int {
	x, y := a.order(), b.order()
	return cmp.Or(
		cmp.Compare(x.step, y.step),
		cmp.Compare(x.pref, y.pref),
		cmp.Compare(x.table, y.table),
		cmp.Compare(x.metric, y.metric),
		strings.Compare(a.String(), b.String()))
}

// BeforeLanes returns those operations of a Plan that come before lanes are
// made and get keys: fences, rules and what keeps their outer packets on their
// paths. So neither a packet of an intent nor one of a lane finds another way
// while lanes come up, which may take seconds. Nothing is taken away yet, and
// nothing is put into a lane, whose interface may not be there.
func BeforeLanes(ops []Op) []Op {
	return slices.DeleteFunc(slices.Clone(ops), func(op Op) bool {
		r, route := op.Object.(Route)
		return op.Verb == Delete || route && strings.HasPrefix(r.Dev, LanePrefix)
	})
}

// order is the place of an operation in a Plan.
type order struct {
	step          int
	pref          int64
	table, metric uint32
}

// The steps of a Plan: each needs only what those before it made.
const (
	stepSysctl = iota
	stepUp
	stepAddr
	stepTunSrc
	stepOAM    // after the numbers that it says
	stepDirect // neighbours' addresses, and the end of our own locator
	stepSID
	stepVia   // through those neighbours
	stepOuter // of lanes, by SIDs that those lead
	stepFence
	stepLast // the fences behind all rules
	stepPath
	stepRule
	steps
)

func (op Op) order() order {
	var at order
	switch o := op.Object.(type) {
	case Sysctl:
		at.step = stepSysctl
	case LinkUp:
		at.step = stepUp
	case Addr:
		at.step = stepAddr
	case TunSrc:
		at.step = stepTunSrc
	case OAMNamespace:
		at.step = stepOAM
	case Route:
		at = order{step: o.step(), table: o.Table, metric: o.Metric}
	case Rule:
		at = order{step: stepRule, pref: int64(o.Pref)}
		if o.Pref == LastRulePref {
			at.step = stepLast
		}
	}
	if op.Verb == Delete {
		at.step, at.pref = 2*steps-at.step, -at.pref
	}
	return at
}

func (r Route) step() int {
	switch {
	case r.isFence():
		return stepFence
	case r.Table != MainTable:
		return stepPath
	case r.Via.IsValid():
		return stepVia
	case r.Encap != nil:
		if _, outer := r.Encap.(Seg6); outer {
			return stepOuter
		}
		return stepSID
	}
	return stepDirect
}

// isFence says whether a route is the end of a policy's table.
func (r Route) isFence() bool {
	return r.Table != MainTable && r.Type == Unreachable && r.To.Bits() == 0
}

// Guard keeps the order of a Plan when operations fail: no rule without its
// fence. The zero value is ready.
type Guard struct {
	held map[uint32]bool // tables
	// open: a fence that is a rule is missing. stuck: a rule could not be
	// deleted, which a fence may be holding.
	open, stuck bool
}

// Failed notes an operation that failed or was not allowed.
func (g *Guard) Failed(op Op) {
	table, guards := uint32(0), false
	switch o := op.Object.(type) {
	case Route:
		table, guards = o.Table, o.isFence() && op.Verb != Delete
	case Rule:
		g.open = g.open || o.Table == 0 && op.Verb != Delete
		g.stuck = g.stuck || o.Table != 0 && op.Verb == Delete
		table, guards = o.Table, op.Verb == Delete && o.Table != 0
	}
	if guards {
		if g.held == nil {
			g.held = make(map[uint32]bool)
		}
		g.held[table] = true
	}
}

// Allows says whether an operation may follow those that failed: no rule is
// added to a table whose fence failed, and nothing is deleted from a table
// whose rule is still there. Where fences that are rules are missing no rule is
// added, and none of them is deleted, nor while a rule is left that should be
// gone.
func (g *Guard) Allows(op Op) bool {
	switch o := op.Object.(type) {
	case Route:
		return op.Verb != Delete || !g.held[o.Table]
	case Rule:
		switch {
		case o.Table == 0:
			return op.Verb != Delete || !g.stuck && !g.open
		case op.Verb == Delete:
			return true
		}
		return !g.open && !g.held[o.Table]
	}
	return true
}
