package gate

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve"
	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/diff"
)

func drawTopology(t *rapid.T, label string) *topology.Topology {
	var b strings.Builder
	b.WriteString("apiVersion: keiro/v1\nkind: Topology\nmetadata: {name: t}\nspec:\n  nodes: [{name: a}, {name: b}, {name: c}, {name: d}]\n  links:\n")
	pick := func(list ...string) string { return rapid.SampledFrom(list).Draw(t, label) }
	for i, ends := range []string{"a, b: b", "a, b: c", "a, b: d", "b, b: d", "c, b: d", "b, b: c"} {
		if i > 0 && rapid.IntRange(0, 5).Draw(t, label) == 0 {
			continue
		}
		fmt.Fprintf(&b, "    - {name: l%d, a: %s, delay: %s, capacity: %s%s}\n", i, ends,
			pick("1ms", "2ms", "unknown"), pick("1Gbps", "2Gbps"), pick(", srlgs: []", ", srlgs: [x]", ", srlgs: [y]", ", srlgs: [x, y]", ""))
	}
	topo, err := topology.Parse("drawn", []byte(b.String()))
	if err != nil {
		t.Fatalf("%v\n%s", err, b.String())
	}
	return topo
}

func drawIntents(t *rapid.T) []pathspec.Intent {
	var text string
	for i := range rapid.IntRange(1, 3).Draw(t, "intents") {
		text += intent(fmt.Sprint("i", i), fmt.Sprintf("from: a, to: %s, priority: %d, objective: %s, require: {multiplicity: %d, bandwidth: %dGbps%s}",
			rapid.SampledFrom([]string{"b", "c", "d"}).Draw(t, "to"), rapid.IntRange(0, 1).Draw(t, "priority"),
			rapid.SampledFrom([]string{"hops", "delay"}).Draw(t, "objective"),
			rapid.IntRange(1, 2).Draw(t, "multiplicity"), rapid.IntRange(0, 1).Draw(t, "bandwidth"),
			rapid.SampledFrom([]string{"", ", disjoint: [srlg]", ", maxDelay: 3ms"}).Draw(t, "more")))
	}
	intents, err := pathspec.Parse("drawn", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return intents
}

// TestAgainstTheNaive: what the gate says of single failures is what a cold
// solver says of each; what it blames restores the characteristic, and less
// than that does not.
func TestAgainstTheNaive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := Input{
			Before: drawTopology(t, "before"), After: drawTopology(t, "after"), Intents: drawIntents(t),
			Failures: rapid.SampledFrom([]string{"none", "link", "node", "srlg"}).Draw(t, "failures"),
		}
		p := Evaluate(in)
		status := func(topo *topology.Topology, o topology.Outage, i int) pathspec.Status {
			return solve.Solve(solve.Input{Topology: topo.Without(o), Intents: in.Intents, PathsOnly: true}).Intents[i].Status
		}
		d := diff.Compare(in.Before, in.After)
		for i := range in.Intents {
			broken := p.Intents[i].Before.Status == pathspec.Satisfied && p.Intents[i].After.Status == pathspec.Infeasible
			if p.Intents[i].Before.Status != status(in.Before, topology.Outage{}, i) || p.Intents[i].After.Status != status(in.After, topology.Outage{}, i) {
				t.Fatalf("intent %d: %+v", i, p.Intents[i])
			}
			if broken != slices.ContainsFunc(p.Findings, func(f Finding) bool {
				return f.Intent == in.Intents[i].Name && f.Before == "satisfied" && f.After == "infeasible"
			}) {
				t.Fatalf("intent %d breaks: %v\n%s", i, broken, summary(p))
			}
		}
		for _, f := range p.Findings {
			i := slices.IndexFunc(in.Intents, func(in pathspec.Intent) bool { return in.Name == f.Intent })
			kind, name, _ := strings.Cut(f.Failure, ":")
			o := topology.Outage{}
			switch kind {
			case "link":
				o.Entries = map[string]bool{name: true}
			case "node":
				o.Nodes = map[string]bool{name: true}
			case "srlg":
				o.SRLGs = map[string]bool{name: true}
			}
			if f.Verdict == Degraded && f.Failure != "" && status(in.After, o, i) == pathspec.Satisfied {
				t.Fatalf("%s: the requirement is met\n%s", f.ID, summary(p))
			}
			if f.Verdict != Degraded || !f.Blame.Least || f.Before != "satisfied" {
				continue
			}
			for _, set := range f.Blame.Sets {
				restored := func(set []string) bool {
					topo, err := d.Revert(func(j int) bool { return slices.Contains(set, d.Changes[j].ID()) })
					return err == nil && status(topo, topology.Outage{}, i) == pathspec.Satisfied
				}
				if !restored(set) {
					t.Fatalf("%s: %v does not restore it", f.ID, set)
				}
				for k := range set {
					if rest := slices.Delete(slices.Clone(set), k, k+1); len(rest) > 0 && restored(rest) {
						t.Fatalf("%s: of %v %s is not needed", f.ID, set, set[k])
					}
				}
			}
		}
	})
}
