package gate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// level is what a failure leaves of an intent: met, the whole requirement, by
// other paths where need be; partial, not that, but at least one of its paths
// stands; or none. It is somewhere from low to high.
type level struct{ low, high int }

const (
	none = iota
	partial
	met
)

func (l level) String() string {
	if l.low != l.high {
		return "unknown"
	}
	return []string{"none", "partial", "met"}[l.low]
}

// candidates lists what may fail, by name. The empty name of an SRLG stands
// for one that nobody stated.
func (w *world) candidates() map[string]bool {
	names := map[string]bool{}
	switch w.Failures {
	case pathspec.Link.String():
		for i := range w.t.Entries {
			names[w.t.Entries[i].Name] = true
		}
	case pathspec.Node.String():
		for i := range w.t.Nodes {
			names[w.t.Nodes[i].Name] = true
		}
	case pathspec.SRLG.String():
		for i := range w.t.Entries {
			groups, known := w.t.Entries[i].SRLGs.Get()
			if !known {
				names[""] = true
			}
			for _, g := range groups {
				names[g] = true
			}
		}
	}
	return names
}

// outages is what a failure takes for sure, and what it may take: a link of
// unknown SRLGs may lie in any.
func (w *world) outages(name string) (sure, worst topology.Outage) {
	one := map[string]bool{name: true}
	switch w.Failures {
	case pathspec.Link.String():
		sure.Entries = one
	case pathspec.Node.String():
		sure.Nodes = one
	default:
		sure.SRLGs = one
	}
	worst = sure
	if w.Failures == pathspec.SRLG.String() {
		worst.Entries = map[string]bool{}
		for i := range w.t.Entries {
			if !w.t.Entries[i].SRLGs.Known() {
				worst.Entries[w.t.Entries[i].Name] = true
			}
		}
	}
	return sure, worst
}

// under gives the level of every intent while one thing is out.
func (w *world) under(name string) []level {
	levels, tried := w.levels[name]
	if tried {
		return levels
	}
	w.solvePaths()
	w.trials++
	levels = make([]level, len(w.specs))
	for i := range levels {
		levels[i] = w.untouched(i)
	}
	w.levels[name] = levels
	sure, worst := w.outages(name)
	taken := w.takenBy(worst)
	if len(taken) == 0 || !w.touches(taken) {
		return levels // who is not touched keeps the answer
	}
	w.lower(levels, w.stands(worst), taken, name)
	if len(worst.Entries) == len(sure.Entries) {
		return levels
	}
	// What is lost only if links of unknown SRLGs fall as well may be lost.
	best := make([]level, len(levels))
	for i := range best {
		best[i] = w.untouched(i)
	}
	if taken = w.takenBy(sure); len(taken) > 0 && !slices.Equal(best, levels) && w.touches(taken) {
		w.lower(best, w.stands(sure), taken, name)
	}
	for i := range levels {
		levels[i].high = max(levels[i].high, best[i].high)
	}
	return levels
}

// stands says of every intent that fits what can be met in an outage.
func (w *world) stands(o topology.Outage) []pathspec.Status {
	all, asked := make([]pathspec.Status, len(w.specs)), w.engine.Stands(o, w.Stop)
	for n, i := range w.rows {
		all[i] = asked[n]
	}
	return all
}

// lower sets the levels that intents have in an outage, by what can be met.
func (w *world) lower(levels []level, stand []pathspec.Status, taken map[string]bool, name string) {
	for i, status := range stand {
		if levels[i].high == none || w.misfits[i] != nil {
			continue
		}
		if in := w.specs[i]; w.Failures == pathspec.Node.String() && (in.From == name || in.To == name) {
			continue // ends do not fail
		}
		rest := none
		if slices.ContainsFunc(w.answers[i].Paths, func(p pathspec.Path) bool { return !hit(p, taken) }) {
			rest = partial
		}
		switch status {
		case pathspec.Satisfied:
			levels[i] = level{met, met}
		case pathspec.Infeasible:
			levels[i] = level{rest, rest}
		default:
			levels[i] = level{rest, met}
		}
	}
}

// untouched is the level of an intent while nothing fails.
func (w *world) untouched(i int) level {
	switch w.status(i) {
	case pathspec.Satisfied:
		return level{met, met}
	case pathspec.Infeasible:
		return level{none, none}
	}
	return level{none, met}
}

func (w *world) takenBy(o topology.Outage) map[string]bool {
	taken := map[string]bool{}
	for e := range w.t.Entries {
		if o.Takes(w.t, e) {
			taken[w.t.Entries[e].Name] = true
		}
	}
	return taken
}

// touches reports whether a path of any intent has one of the links.
func (w *world) touches(links map[string]bool) bool {
	return slices.ContainsFunc(w.answers, func(a *pathspec.Answer) bool {
		return a != nil && slices.ContainsFunc(a.Paths, func(p pathspec.Path) bool { return hit(p, links) })
	})
}

func hit(p pathspec.Path, links map[string]bool) bool {
	return slices.ContainsFunc(p.Links, func(l string) bool { return links[l] })
}

// survey tries all single failures on both worlds, notes their survival, and
// returns what degrades for every intent.
func (g *gate) survey(before, after *world, plan *Plan) [][]Finding {
	found := make([][]Finding, len(g.names))
	plan.Failures.Kind = cmp.Or(g.Failures, "none")
	if plan.Failures.Kind == "none" {
		return found
	}
	was, is := before.candidates(), after.candidates()
	all := maps.Clone(was)
	maps.Copy(all, is)
	names := slices.Sorted(maps.Keys(all))
	plan.Failures.Of = len(names)
	for _, name := range names {
		if g.Stop() {
			break
		}
		before.under(name)
		after.under(name)
		plan.Failures.Tried++
		if g.Progress != nil {
			g.Progress(plan.Failures.Tried, len(names))
		}
	}
	tried := names[:plan.Failures.Tried]
	for i := range found {
		before.count(i, tried, was)
		after.count(i, tried, is)
		if g.same(i) && before.status(i) == pathspec.Satisfied && after.status(i) == pathspec.Satisfied {
			found[i] = g.survivals(i, before, after, tried, len(names)-len(tried), was, is)
		}
	}
	return found
}

// count notes how many failures an intent survives; one that has no paths
// survives nothing.
func (w *world) count(i int, tried []string, exist map[string]bool) {
	if w.status(i) != pathspec.Satisfied {
		return
	}
	s := &Survival{}
	for _, name := range tried {
		if !exist[name] {
			continue
		}
		switch w.under(name)[i].String() {
		case "met":
			s.Met++
		case "partial":
			s.Partial++
		case "none":
			s.None++
		default:
			s.Unknown++
		}
	}
	w.survival[i] = s
}

// survivals compares for intent i what each failure leaves. A failure that is
// possible on both sides is compared with itself. Those that are new (a new
// link, a duct by a new name) are compared with those that are gone, the worst
// with the worst; so a replacement or another name is no degradation, and one
// way more to fail is.
func (g *gate) survivals(i int, before, after *world, tried []string, missed int, was, is map[string]bool) (list []Finding) {
	var gone, fresh []string
	baseline := map[string]level{}
	for _, name := range tried {
		switch {
		case was[name] && is[name]:
			baseline[name] = before.under(name)[i]
		case was[name]:
			gone = append(gone, name)
		default:
			fresh = append(fresh, name)
		}
	}
	worstFirst := func(w *world) func(a, b string) int {
		return func(a, b string) int {
			p, q := w.under(a)[i], w.under(b)[i]
			return cmp.Or(cmp.Compare(p.low, q.low), cmp.Compare(p.high, q.high), cmp.Compare(a, b))
		}
	}
	slices.SortFunc(gone, worstFirst(before))
	slices.SortFunc(fresh, worstFirst(after))
	for n, name := range fresh {
		baseline[name] = before.untouched(i)
		if n < len(gone) {
			baseline[name] = before.under(gone[n])[i]
		}
	}
	var open []string
	for _, name := range tried {
		b, a := baseline[name], after.under(name)[i]
		switch {
		case !is[name] || a.low >= b.high:
		case a.high < b.low:
			list = append(list, g.survivalFinding(i, name, b, a))
		default:
			open = append(open, g.failureName(name))
		}
	}
	if len(open) > 0 || missed > 0 {
		list = append(list, Finding{
			Intent: g.names[i], Verdict: Unknown, Characteristic: survivesOf + g.Failures,
			Before: "unknown", After: "unknown", Message: cannotTell(open, missed, g.Failures),
		})
	}
	return list
}

func cannotTell(open []string, missed int, kind string) string {
	var parts []string
	if missed > 0 {
		parts = append(parts, fmt.Sprintf("the time limit passed before %s were tried", failuresOf(missed, kind)))
	}
	if n := len(open); n > 0 {
		const most = 5
		names := strings.Join(open[:min(n, most)], ", ")
		if n > most {
			names += fmt.Sprintf(" and %d more", n-most)
		}
		parts = append(parts, "cannot tell what is left under "+names+": not decided, or links whose srlgs nobody stated may fall as well")
	}
	return strings.Join(parts, "; ")
}

func failuresOf(n int, kind string) string {
	if n == 1 {
		return "1 " + kind + " failure"
	}
	return fmt.Sprintf("%d %s failures", n, kind)
}

func (g *gate) failureName(name string) string {
	return g.Failures + ":" + cmp.Or(name, "(not stated)")
}

func (g *gate) survivalFinding(i int, name string, b, a level) Finding {
	f := Finding{
		Intent: g.names[i], Verdict: Degraded, Characteristic: survivesOf + g.Failures, Failure: g.failureName(name),
		Before: b.String(), After: a.String(),
		restored: func(w *world) bool { return w.under(name)[i].low >= b.low },
	}
	left := "no path is left"
	switch {
	case a.low != a.high:
		left = "the requirement cannot be met"
	case a.low == partial:
		left = "the requirement cannot be met, though one of the paths stands"
	}
	f.Message = fmt.Sprintf("when %s fails, %s", f.Failure, left)
	return f
}
