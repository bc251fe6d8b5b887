// Package why says why an intent cannot be met: the requirement to blame, the
// least set of named risks, missing values, exclusions or full links that
// blocks, the least single changes of the intent that would do, and the new
// links that would. It asks the same problem again in other words, and what it
// names it has solved again. It never says that an intent can or cannot be met,
// and changes no answer. The package admit calls it.
package why

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/disjoint"
	"github.com/keiro-net/keiro/pathspec/solve/problem"
	"github.com/keiro-net/keiro/topology"
)

// Question is an infeasible intent in the capacity that is left to it.
type Question struct {
	Topology *topology.Topology
	Intent   *pathspec.Intent
	Reserved problem.Reserved
	Halt     *disjoint.Halt
	Holders  func(link string) []string // names of the intents that have reserved on it
}

// Reason is a Why that names nothing.
func Reason(code, message string) *pathspec.Why {
	return &pathspec.Why{Code: code, Message: message, Cut: []string{}, Relaxations: []pathspec.Relaxation{}}
}

// Why explains an infeasible intent. It asks again for a single way, then for
// one requirement more at a time, and blames the first that cannot be met.
// What new links may help goes to wishes.
func (q *Question) Why(wishes *Wishes) *pathspec.Why {
	r := &q.Intent.Require
	bare := *q.Intent
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

	none := fmt.Sprintf("no path from %s to %s", q.Intent.From, q.Intent.To)
	if r.Multiplicity > 1 {
		none = fmt.Sprintf("no %d paths from %s to %s without a common %s", r.Multiplicity, q.Intent.From, q.Intent.To, kinds(r.Disjoint, " or "))
	}
	w := Reason(pathspec.WhyExhausted, none+" within all the bounds together")
	for _, step := range []struct {
		code    string
		in      *pathspec.Intent
		ignore  problem.Cause
		blame   problem.Cause
		only    problem.Cause // to be blamed only where the whole intent could be met without
		message string
	}{
		{pathspec.WhyNoPath, &single, problem.Missing | problem.Excluded | problem.Full, 0, 0, fmt.Sprintf("no way leads from %s to %s", q.Intent.From, q.Intent.To)},
		{pathspec.WhyDisjoint, &bare, problem.Missing | problem.Excluded | problem.Full, 0, 0, none},
		{pathspec.WhyUnknown, &bare, problem.Excluded | problem.Full, problem.Missing, 0, none + " by what is known: "},
		{pathspec.WhyExcluded, &bare, problem.Full, problem.Excluded, 0, none + " without what the intent excludes: "},
		{pathspec.WhyBandwidth, &bare, 0, problem.Full, 0, none + " with enough capacity left: "},
		{pathspec.WhyBandwidth, q.Intent, 0, problem.Full, problem.Full, none + " within the bounds and with enough capacity left: "},
		{pathspec.WhySeparation, &apart, 0, 0, 0, none + " and " + r.Separation.String() + " of ground between their cables"},
		{pathspec.WhyDelay, &delay, 0, 0, 0, none + " within maxDelay " + milliseconds(int64(r.MaxDelay))},
		{pathspec.WhyHops, &hops, 0, 0, 0, none + " within maxHops " + strconv.Itoa(r.MaxHops)},
		{pathspec.WhySpread, &spread, 0, 0, 0, none + " within maxDelaySpread"},
	} {
		if step.only != 0 && q.feasible(q.Intent, step.only) == nil {
			continue
		}
		if q.feasible(step.in, step.ignore) != nil {
			continue
		}
		if q.Halt.Stopped() {
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
	p := problem.Compile(q.Topology, q.Intent, q.Reserved, 0)
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
func (q *Question) feasible(in *pathspec.Intent, ignore problem.Cause) []disjoint.Path {
	return problem.Compile(q.Topology, in, q.Reserved, ignore).Any(q.Halt, nil)
}

// cut is a least set of risks that too many paths depend on, in order.
func (q *Question) cut(p *problem.Problem) (cut []int32, without int) {
	cut, without = p.Cut(q.Halt)
	slices.SortFunc(cut, func(a, b int32) int {
		return cmp.Or(cmp.Compare(p.Risk(a).Kind, p.Risk(b).Kind), cmp.Compare(p.Risk(a).Name, p.Risk(b).Name))
	})
	return cut, without
}

// passes names the risks of a cut and says what they block.
func (q *Question) passes(p *problem.Problem, cut []int32, without int) (names []string, message string) {
	var operators []string
	for _, r := range cut {
		names = append(names, p.Risk(r).String())
		for _, e := range p.Closes(r) {
			operators = append(operators, q.Topology.Entries[e].Operator)
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
func (q *Question) blocking(in *pathspec.Intent, ignore, blame problem.Cause) (names, details []string) {
	p := problem.Compile(q.Topology, in, q.Reserved, ignore|blame)
	strict := problem.Compile(q.Topology, in, q.Reserved, ignore)
	p.Reprice(func(l int) int64 {
		if strict.Closed[l] {
			return 1
		}
		return 0
	})
	p.Prepare()
	add := func(name, operator string, o problem.Obstacles, left string) {
		var what string
		switch {
		case blame == problem.Missing && len(o.Unstated) > 0:
			what = "nobody stated the " + strings.Join(o.Unstated, ", ") + " of " + name
		case blame == problem.Excluded && len(o.Excluded) > 0:
			what = name + " is excluded by " + strings.Join(o.Excluded, ", ")
		case blame == problem.Full && o.Full:
			what = name + " has " + left
		}
		if what != "" && !slices.Contains(names, name) {
			names = append(names, name)
			details = append(details, what+runBy([]string{operator}))
		}
	}
	for _, links := range p.Best(q.Halt) {
		for i, l := range links {
			link := &q.Topology.Links[l]
			entry := &q.Topology.Entries[link.Entry]
			if from := &q.Topology.Nodes[link.From]; i == 0 {
				add("node:"+from.Name, from.Operator, p.AtNode(in, link.From), "")
			}
			add("link:"+entry.Name, entry.Operator, p.OnLink(in, int(l), q.Reserved), q.left(int(l)))
			to := &q.Topology.Nodes[link.To]
			add("node:"+to.Name, to.Operator, p.AtNode(in, link.To), "")
		}
	}
	return names, details
}

// left says how much of a link is left, and who has the rest.
func (q *Question) left(l int) string {
	forth, _ := q.Topology.Links[l].Capacity.Get()
	back, _ := q.Topology.Links[l^1].Capacity.Get()
	s := fmt.Sprintf("%s left of %s", min(forth-q.Reserved[l], back-q.Reserved[l^1]), min(forth, back))
	if holders := q.Holders(q.Topology.Entries[q.Topology.Links[l].Entry].Name); len(holders) > 0 {
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
