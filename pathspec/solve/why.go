package solve

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/disjoint"
	"github.com/keiro-net/keiro/topology"
)

// package budget: what explains an answer asks the same questions as what finds
// it, of the same problem.

// why explains an infeasible intent. It asks again for a single way, then for
// one requirement more at a time, and blames the first that cannot be met.
// What new links may help goes to wishes.
func (q *question) why(wishes *wishes) *pathspec.Why {
	r := &q.in.Require
	bare := *q.in
	// A bound that nothing exceeds, not none: what it needs to know it still needs.
	beyond := topology.Delay(disjoint.Never)
	bare.Require.MaxHops = 0
	if r.MaxDelay > 0 {
		bare.Require.MaxDelay = beyond
	}
	if r.MaxDelaySpread != nil {
		bare.Require.MaxDelaySpread = &beyond
	}
	single, delay, hops, spread, apart := bare, bare, bare, bare, bare
	single.Require.Multiplicity = 1
	for _, v := range []*pathspec.Intent{&bare, &delay, &hops, &spread} {
		if v.Require.Separation > 0 {
			v.Require.Separation = 1 // no distance, but a route that is known
		}
	}
	delay.Require.MaxDelay, hops.Require.MaxHops, spread.Require.MaxDelaySpread = r.MaxDelay, r.MaxHops, r.MaxDelaySpread

	none := fmt.Sprintf("no path from %s to %s", q.in.From, q.in.To)
	if r.Multiplicity > 1 {
		none = fmt.Sprintf("no %d paths from %s to %s without a common %s", r.Multiplicity, q.in.From, q.in.To, kinds(r.Disjoint, " or "))
	}
	w := reason(pathspec.WhyExhausted, none+" within all the bounds together")
	for _, step := range []struct {
		code    string
		in      *pathspec.Intent
		ignore  cause
		blame   cause
		only    cause // to be blamed only where the whole intent could be met without
		message string
	}{
		{pathspec.WhyNoPath, &single, missing | excluded | full, 0, 0, fmt.Sprintf("no way leads from %s to %s", q.in.From, q.in.To)},
		{pathspec.WhyDisjoint, &bare, missing | excluded | full, 0, 0, none},
		{pathspec.WhyUnknown, &bare, excluded | full, missing, 0, none + " by what is known: "},
		{pathspec.WhyExcluded, &bare, full, excluded, 0, none + " without what the intent excludes: "},
		{pathspec.WhyBandwidth, &bare, 0, full, 0, none + " with enough capacity left: "},
		{pathspec.WhyBandwidth, q.in, 0, full, full, none + " within the bounds and with enough capacity left: "},
		{pathspec.WhySeparation, &apart, 0, 0, 0, none + " and " + r.Separation.String() + " of ground between their cables"},
		{pathspec.WhyDelay, &delay, 0, 0, 0, none + " within maxDelay " + milliseconds(int64(r.MaxDelay))},
		{pathspec.WhyHops, &hops, 0, 0, 0, none + " within maxHops " + strconv.Itoa(r.MaxHops)},
		{pathspec.WhySpread, &spread, 0, 0, 0, none + " within maxDelaySpread"},
	} {
		if step.only != 0 && q.feasible(q.in, step.only) == nil {
			continue
		}
		if q.feasible(step.in, step.ignore) != nil {
			continue
		}
		if q.halt.Stopped() {
			w.Message = none + "; the time limit passed before the reason was found"
			return w
		}
		w.Code, w.Message = step.code, step.message
		if step.blame != 0 {
			var details []string
			w.Cut, details = q.blocking(step.in, step.ignore, step.blame)
			w.Message += strings.Join(details, "; ")
		}
		break
	}
	p := compile(q.t, q.in, q.reserved, 0)
	risks, without := q.cut(p)
	if len(risks) > 0 {
		var message string
		w.Cut, message = q.passes(p, risks, without)
		w.Message += "; " + message
	} else if len(w.Cut) == 0 {
		w.Message += "; all possible paths were searched"
	}
	found := q.relaxations()
	links, spans := q.newLinks(p, risks)
	wishes.add(q, spans)
	w.Message += restored(found, links)
	if q.delayed() && !q.anyPlace() {
		w.Message += "; no new link was tried: nobody stated where the sites are, and so how long it would be"
	}
	for _, r := range slices.Concat(found, links) {
		w.Relaxations = append(w.Relaxations, r.Relaxation)
	}
	return w
}

// restored says what would help: the two changes that give up least, and the
// shortest link.
func restored(found, links []relaxation) string {
	var ways []string
	for _, r := range slices.Concat(found[:min(len(found), 2)], links[:min(len(links), 1)]) {
		ways = append(ways, r.plain)
	}
	if len(ways) == 0 {
		return ""
	}
	return "; " + strings.Join(ways, ", or ") + " restores it"
}

// feasible returns some set for a variant of the intent; nil also where halt
// stopped it.
func (q *question) feasible(in *pathspec.Intent, ignore cause) []disjoint.Path {
	return compile(q.t, in, q.reserved, ignore).Any(q.halt, nil)
}

// cut is a least set of risks that too many paths depend on, in order.
func (q *question) cut(p *problem) (cut []int32, without int) {
	cut, without = p.Cut(q.halt)
	slices.SortFunc(cut, func(a, b int32) int {
		return cmp.Or(cmp.Compare(p.risks[a].kind, p.risks[b].kind), cmp.Compare(p.risks[a].name, p.risks[b].name))
	})
	return cut, without
}

// passes names the risks of a cut and says what they block.
func (q *question) passes(p *problem, cut []int32, without int) (names []string, message string) {
	var operators []string
	for _, r := range cut {
		names = append(names, p.risks[r].String())
		for _, e := range p.Closes(r) {
			operators = append(operators, q.t.Entries[e].Operator)
		}
	}
	message = "every way passes " + strings.Join(names, " or ")
	if without > 1 {
		message = fmt.Sprintf("no %d of them are without %s", without, strings.Join(names, " and "))
	}
	if len(cut) == 1 {
		message += ", which serves one path only"
	} else {
		message += ", and each serves one path only"
	}
	return names, message + runBy(operators)
}

// runBy names whom to call.
func runBy(operators []string) string {
	slices.Sort(operators)
	operators = slices.DeleteFunc(slices.Compact(operators), func(name string) bool { return name == "" })
	if len(operators) == 0 {
		return ""
	}
	return " (run by " + strings.Join(operators, ", ") + ")"
}

// blocking names the things that a set would need if it could have them, as
// few as possible: those that lack a value, are excluded, or are full.
func (q *question) blocking(in *pathspec.Intent, ignore, blame cause) (names, details []string) {
	p := compile(q.t, in, q.reserved, ignore|blame)
	strict := compile(q.t, in, q.reserved, ignore)
	p.price(func(l int) int64 {
		if strict.Closed[l] {
			return 1
		}
		return 0
	})
	p.Prepare()
	add := func(name, operator string, o obstacles, left string) {
		var what string
		switch {
		case blame == missing && len(o.unstated) > 0:
			what = "nobody stated the " + strings.Join(o.unstated, ", ") + " of " + name
		case blame == excluded && len(o.excluded) > 0:
			what = name + " is excluded by " + strings.Join(o.excluded, ", ")
		case blame == full && o.full:
			what = name + " has " + left
		}
		if what != "" && !slices.Contains(names, name) {
			names = append(names, name)
			details = append(details, what+runBy([]string{operator}))
		}
	}
	for _, links := range p.Best(q.halt) {
		for i, l := range links {
			link := &q.t.Links[l]
			entry := &q.t.Entries[link.Entry]
			if from := &q.t.Nodes[link.From]; i == 0 {
				add("node:"+from.Name, from.Operator, p.atNode(in, link.From), "")
			}
			add("link:"+entry.Name, entry.Operator, p.onLink(in, int(l), q.reserved), q.left(int(l)))
			to := &q.t.Nodes[link.To]
			add("node:"+to.Name, to.Operator, p.atNode(in, link.To), "")
		}
	}
	return names, details
}

// left says how much of a link is left, and who has the rest.
func (q *question) left(l int) string {
	forth, _ := q.t.Links[l].Capacity.Get()
	back, _ := q.t.Links[l^1].Capacity.Get()
	s := fmt.Sprintf("%s left of %s", min(forth-q.reserved[l], back-q.reserved[l^1]), min(forth, back))
	if holders := q.holders(q.t.Entries[q.t.Links[l].Entry].Name); len(holders) > 0 {
		s += ", the rest reserved by " + strings.Join(holders, ", ")
	}
	return s
}

func kinds(list []pathspec.Kind, separator string) string {
	names := make([]string, len(list))
	for i, k := range list {
		names[i] = k.String()
	}
	return strings.Join(names, separator)
}
