package show

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/controller/declare"
	"github.com/keiro-net/keiro/pathspec"
)

// Explain says for people why an intent has its answer. What is declared says
// who sees its QKD keys.
func Explain(intent *resource.Intent, state *resource.State, d declare.State) *resource.Explanation {
	a := intent.Status.Answer
	out := &resource.Explanation{Intent: a.Name, Answer: a, Outage: OutageNames(state), KeyHolders: holders(intent, d)}
	say := func(format string, args ...any) { out.Lines = append(out.Lines, fmt.Sprintf(format, args...)) }
	say("intent %s is %s", a.Name, a.Status)
	if intent.Status.ObservedGeneration == 0 {
		say("the answer to what changed last is being computed")
	}
	if a.Status == pathspec.Satisfied {
		proof := "no cheaper path set exists in the capacity that intents before it leave"
		if !a.Optimal {
			proof = "a cheaper path set may exist"
		}
		say("cost %d: %s", a.Cost, proof)
		for n, p := range a.Paths {
			say("path %d: %s", n, strings.Join(p.Nodes, " "))
		}
	}
	if m := a.Margin; m != nil {
		for _, k := range []struct {
			kind   string
			count  *int
			breaks pathspec.Breaks
		}{
			{"link", m.Link, pathspec.Breaks{Link: m.Breaks.Link}}, {"node", m.Node, pathspec.Breaks{Node: m.Breaks.Node}},
			{"srlg", m.SRLG, pathspec.Breaks{SRLG: m.Breaks.SRLG}},
		} {
			line := "no failures of kind " + k.kind + " take all paths"
			if k.count != nil {
				line = fmt.Sprintf("some path is left after any %d failures of kind %s", *k.count, k.kind)
			}
			if when := k.breaks.String(); when != "" {
				line += "; none is left when " + when
			}
			say("margin: %s", line)
		}
	}
	if r := a.Reserve; r != nil {
		bound := "exactly"
		if !r.Exact {
			bound = "at least"
		}
		say("reserve: the whole requirement can still be met after %s %d link, %d node, %d srlg failures", bound, r.Link, r.Node, r.SRLG)
		if when := r.Breaks.String(); when != "" {
			say("the promise breaks when %s", when)
		}
	}
	if a.Pending && a.Status == pathspec.Satisfied {
		say("reserve: being computed")
	}
	if w := a.Why; w != nil {
		say("why: %s", w.Message)
		if len(w.Cut) > 0 {
			say("what blocks it: %s", strings.Join(w.Cut, ", "))
		}
		for _, r := range w.Relaxations {
			say("what would help: %s (cost %d)", r.Change, r.Cost)
		}
	}
	for _, h := range out.KeyHolders {
		say("%s", h)
	}
	if len(out.KeyHolders) > 0 {
		lacking := Keyless(state)
		for _, link := range slices.Sorted(maps.Keys(lacking)) {
			say("no QKD keys to be counted on now: link %s: %s", link, lacking[link])
		}
	}
	if len(out.Outage) > 0 {
		say("out of use now: %s", strings.Join(out.Outage, ", "))
	}
	for _, c := range intent.Status.Conditions {
		if c.Type == resource.Satisfied {
			continue // said above
		}
		say("%s is %s (%s): %s", c.Type, c.Status, c.Reason, c.Message)
	}
	for n := range intent.Status.Paths {
		if p := &intent.Status.Paths[n]; p.SRPolicy != nil {
			say("%s", toldByBGP(p))
		}
	}
	return out
}

// holders are those of the paths that stand, or of the ends where none does.
func holders(intent *resource.Intent, d declare.State) []pathspec.Holders {
	for i := range d.Intents {
		if in := &d.Intents[i]; in.Name == intent.Metadata.Name && d.Topology != nil {
			paths := []pathspec.Path{{Nodes: []string{in.From, in.To}}}
			if len(intent.Status.Answer.Paths) > 0 {
				paths = intent.Status.Answer.Paths
			}
			return pathspec.HoldersOf(d.Topology, &in.Require, paths)
		}
	}
	return []pathspec.Holders{}
}

// OutageNames are the links that carry no traffic and what is drained.
func OutageNames(state *resource.State) []string {
	names := []string{}
	for _, l := range state.Links {
		if l.State == resource.LinkDown {
			names = append(names, "link:"+l.Name)
		}
	}
	for _, d := range state.Drains {
		names = append(names, d.Kind+":"+d.Name)
	}
	return names
}

// Keyless are the links whose QKD keys cannot be counted on, with the reason.
func Keyless(state *resource.State) map[string]string {
	found := map[string]string{}
	for _, l := range state.Links {
		if l.Keyless != "" {
			found[l.Name] = l.Keyless
		}
	}
	return found
}
