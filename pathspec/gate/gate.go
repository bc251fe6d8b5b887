// Package gate says what a change of the network would do to each intent,
// before anybody makes it: which declared characteristic degrades, under which
// single failure, and by which change. It is pure. It never finds paths
// (pathspec/solve) and changes nothing. The command line (`keiro plan`) and
// the controller call it.
//
// A characteristic degrades where it held before and does not hold after:
//   - an intent that was satisfied is infeasible, or does not fit the topology;
//   - its margin of a kind is lower, or where asked for its reserve;
//   - with failures: one leaves less of it than before, see level.
//
// Longer delays within the bound, other paths and other costs are changes and
// no degradation; nor is an intent infeasible that was so before. An intent that
// is declared otherwise is its operator's wish: that it gets less margin or
// survives less is a change, and so is its removal; that it cannot be satisfied
// any more degrades, as does what it takes from others. Where a
// side is not known, or only a bound is, and the answer depends on it, the
// verdict is Unknown.
package gate

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/diff"
)

// Input is a question: two topologies and the intents, which must fit the one
// before (pathspec.Validate).
type Input struct {
	Before, After *topology.Topology
	Intents       []pathspec.Intent
	// BeforeIntents are what was declared before, where that is not Intents; nil:
	// it is.
	BeforeIntents []pathspec.Intent
	Drains        []Drain            // what else is out of use after
	Failures      string             // none (or ""), link, node or srlg: single failures to try
	Reserve       bool               // compare reserves as well, which costs far more than all the rest
	Stop          func() bool        // true ends the search; nil never stops
	Progress      func(done, of int) // called after each failure tried; may be nil
	// Where the topologies were written; nil where they were not.
	BeforeLines, AfterLines *topology.Lines
	// Asked is who asks for a change that no file holds, by the change's ID.
	Asked map[string]string
}

// Drain is a part of the network that is closed after.
type Drain struct {
	Name   string // such as srlg:tokaido-1
	Outage topology.Outage
	By     string
}

// Evaluate answers. Equal inputs give equal answers, as long as Stop does not
// end the search.
func Evaluate(in Input) *Plan {
	if in.BeforeIntents == nil {
		in.BeforeIntents = in.Intents
	}
	g := &gate{Input: in, diff: diff.Compare(in.Before, in.After), declared: declare(in.BeforeIntents, in.Intents)}
	if g.Stop == nil {
		g.Stop = func() bool { return false }
	}
	plan := &Plan{APIVersion: "keiro/v1", Kind: "Plan", Topology: in.After.Name, Intents: []Intent{}, Findings: []Finding{}, Changes: g.changes()}
	all := func(int) bool { return true }
	before := g.world(in.Before, all)
	before.solve()
	after := before
	if len(plan.Changes) > 0 {
		after = g.world(g.drained(in.After, nil), func(int) bool { return false })
		after.solve()
		after.reasons(before)
	}
	failures := g.survey(before, after, plan)
	for i, name := range g.names {
		b, a := before.state(i), after.state(i)
		item := Intent{Name: name, Verdict: Unchanged, Before: b, After: a}
		if len(plan.Changes) > 0 {
			findings := append(compare(i, before, after), failures[i]...)
			item.Verdict = verdict(item, findings)
			plan.Findings = append(plan.Findings, findings...)
		}
		plan.Intents = append(plan.Intents, item)
	}
	g.blame(plan)
	plan.Verdict = Unchanged
	for i := range plan.Intents {
		plan.Verdict = worse(plan.Verdict, plan.Intents[i].Verdict)
	}
	for i := range plan.Findings {
		plan.Findings[i].seal()
	}
	return plan
}

// gate is one question being answered.
type gate struct {
	Input
	*declared
	diff   *diff.Diff
	trials int // topologies and failures tried so far
}

// drained is a topology without what is drained, but for the drains that are
// reverted.
func (g *gate) drained(t *topology.Topology, reverted func(drain int) bool) *topology.Topology {
	for i, d := range g.Drains {
		if reverted == nil || !reverted(i) {
			t = t.Without(d.Outage)
		}
	}
	return t
}

// changes lists those of the diff, then the drains, then those of the intents.
func (g *gate) changes() []Change {
	list := make([]Change, 0, len(g.diff.Changes)+len(g.Drains))
	for _, c := range g.diff.Changes {
		out := Change{
			ID: c.ID(), Text: c.String(), Kind: c.Kind, Name: c.Name, Op: string(c.Op), Field: c.Field,
			Before: c.Before, After: c.After, By: g.Asked[c.ID()],
		}
		if out.By == "" {
			g.locate(&out, c)
		}
		list = append(list, out)
	}
	for _, d := range g.Drains {
		kind, _, _ := strings.Cut(d.Name, ":")
		list = append(list, Change{
			ID: "drain:" + d.Name, Text: strings.Replace(d.Name, ":", " ", 1) + ": drained", Kind: kind,
			Name: d.Name[len(kind)+1:], Op: "drained", By: d.By,
		})
	}
	return append(list, g.declared.changes()...)
}

// locate says where a change is written.
func (g *gate) locate(out *Change, c diff.Change) {
	if l := g.AfterLines; l != nil {
		out.File = l.File
		switch c.Op {
		case diff.Reordered:
			out.Line = l.List(c.Kind)
		case diff.Removed:
			if out.Line = l.Of(c.Kind, c.Previous, ""); out.Line == 0 {
				out.Line = l.List(c.Kind)
			}
		case diff.Renamed:
			out.Line = l.Of(c.Kind, c.Name, "name")
		default:
			out.Line = l.Of(c.Kind, c.Name, c.Field)
		}
	}
	if l := g.BeforeLines; l != nil && c.Op != diff.Added && c.Op != diff.Reordered {
		name := c.Name
		if c.Op == diff.Renamed {
			name = c.Before
		}
		if line := l.Of(c.Kind, name, c.Field); line > 0 {
			out.Was = fmt.Sprintf("%s:%d", l.File, line)
		}
	}
}

// verdict of one intent.
func verdict(i Intent, findings []Finding) Verdict {
	v := Unchanged
	b, a := i.Before, i.After
	b.Why, a.Why = nil, nil // the reason of a refusal may be told in other words
	b.Survives, a.Survives = b.Survives.breaking(), a.Survives.breaking()
	if !reflect.DeepEqual(b, a) {
		v = Changes
	}
	for _, f := range findings {
		v = worse(v, f.Verdict)
	}
	return v
}

var rank = map[Verdict]int{Unchanged: 0, Changes: 1, Unknown: 2, Degraded: 3}

func worse(a, b Verdict) Verdict {
	if rank[b] > rank[a] {
		return b
	}
	return a
}

// seal gives a finding its names.
func (f *Finding) seal() {
	f.ID = f.Intent + "/" + f.Characteristic
	if f.Failure != "" {
		f.ID += "/" + f.Failure
	}
	sum := sha256.New()
	part := func(s string) { fmt.Fprintf(sum, "%d:%s", len(s), s) }
	for _, s := range []string{f.ID, string(f.Verdict), f.Before, f.After} {
		part(s)
	}
	if f.Blame != nil {
		sets := make([]string, len(f.Blame.Sets))
		for i, set := range f.Blame.Sets {
			sets[i] = strings.Join(slices.Sorted(slices.Values(set)), " ")
		}
		slices.Sort(sets) // another order of the file is not another finding
		part(strings.Join(sets, "\n"))
	}
	f.Fingerprint = hex.EncodeToString(sum.Sum(nil)[:16])
}

// Doubt makes degradations into ones that cannot be told, where another plan,
// for what may be as well, does not have them. The verdicts follow.
func (p *Plan) Doubt(other *Plan, why string) {
	certain := map[string]bool{}
	for _, f := range other.Findings {
		certain[f.Intent+"/"+f.Failure] = certain[f.Intent+"/"+f.Failure] || f.Verdict == Degraded
	}
	byIntent := map[string][]Finding{}
	for i := range p.Findings {
		f := &p.Findings[i]
		if f.Verdict == Degraded && !certain[f.Intent+"/"+f.Failure] {
			f.Verdict, f.Message = Unknown, why+"; with what is known: "+f.Message
			f.seal()
		}
		byIntent[f.Intent] = append(byIntent[f.Intent], *f)
	}
	p.Verdict = Unchanged
	for i := range p.Intents {
		in := &p.Intents[i]
		if in.Verdict == Degraded {
			in.Verdict = verdict(*in, byIntent[in.Name])
		}
		p.Verdict = worse(p.Verdict, in.Verdict)
	}
}
