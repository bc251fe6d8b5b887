package nodecfg

import (
	"cmp"
	"slices"
	"strings"
)

// Plan returns the operations that lead from have to want, so that nothing
// ever leads into what is not there yet: adds and replacements from the
// ground up, rules last; then deletions, rules first. Equal States need none.
// Sysctls are never deleted: there is no knowing what they were.
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
		if _, sysctl := h.(Sysctl); !sysctl && want[k] == nil {
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
	table, metric uint32
}

// The steps of a Plan: each needs only what those before it made.
const (
	stepSysctl = iota
	stepAddr
	stepTunSrc
	stepDirect // neighbours' addresses, and the end of our own locator
	stepSID
	stepVia // through those neighbours
	stepFence
	stepPath
	stepRule
	steps
)

func (op Op) order() order {
	var at order
	switch o := op.Object.(type) {
	case Sysctl:
		at.step = stepSysctl
	case Addr:
		at.step = stepAddr
	case TunSrc:
		at.step = stepTunSrc
	case Route:
		at = order{o.step(), o.Table, o.Metric}
	case Rule:
		at = order{stepRule, o.Table, 0}
	}
	if op.Verb == Delete {
		at.step = 2*steps - at.step
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
type Guard struct{ held map[uint32]bool }

// Failed notes an operation that failed or was not allowed.
func (g *Guard) Failed(op Op) {
	table, guards := uint32(0), false
	switch o := op.Object.(type) {
	case Route:
		table, guards = o.Table, o.isFence() && op.Verb != Delete
	case Rule:
		table, guards = o.Table, op.Verb == Delete
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
// whose rule is still there.
func (g *Guard) Allows(op Op) bool {
	switch o := op.Object.(type) {
	case Route:
		return op.Verb != Delete || !g.held[o.Table]
	case Rule:
		return op.Verb == Delete || !g.held[o.Table]
	}
	return true
}
