package gate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/diff"
)

// A square of nodes with a diagonal: three ways from a to d.
const square = `apiVersion: keiro/v1
kind: Topology
metadata: {name: square}
spec:
  defaults: {link: {srlgs: [], capacity: 1Gbps}}
  sites: [{name: s, country: JP}, {name: r, country: JP}]
  nodes: [{name: a, site: s}, {name: b, site: r}, {name: c}, {name: d}]
  links:
    - {name: ab, a: a, b: b, delay: 1ms, srlgs: [g1]}
    - {name: bd, a: b, b: d, delay: 1ms, srlgs: [g2]}
    - {name: ac, a: a, b: c, delay: 2ms, srlgs: [g3]}
    - {name: cd, a: c, b: d, delay: 2ms, srlgs: [g4]}
    - {name: ad, a: a, b: d, delay: 9ms, srlgs: [g5]}
`

func intent(name, spec string) string {
	return fmt.Sprintf("---\napiVersion: keiro/v1\nkind: PathIntent\nmetadata: {name: %s}\nspec: {%s}\n", name, spec)
}

func parseTopology(t testing.TB, text string) (*topology.Topology, *topology.Lines) {
	t.Helper()
	topo, lines, err := topology.ParseLines("t.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return topo, lines
}

// edit replaces pairs of texts, each of which must be there.
func edit(t *testing.T, text string, pairs []string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("nothing to edit: %s", pairs[i])
		}
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	return text
}

// summary is a plan in a few lines.
func summary(p *Plan) string {
	var b strings.Builder
	fmt.Fprintln(&b, p.Verdict)
	for _, i := range p.Intents {
		fmt.Fprintf(&b, "%s: %s\n", i.Name, i.Verdict)
	}
	for _, f := range p.Findings {
		fmt.Fprintf(&b, "%s %s: %s -> %s", f.Verdict, f.ID, f.Before, f.After)
		if f.Blame != nil {
			fmt.Fprintf(&b, " by %v", f.Blame.Sets)
			if !f.Blame.Least {
				b.WriteString(" at most")
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestEvaluate(t *testing.T) {
	const one = "from: a, to: d"
	for _, c := range []struct {
		name     string
		edit     []string
		intents  []string // specs of a, b, ...
		failures string
		drain    []string
		want     string
	}{
		{"nothing changes", nil, []string{one}, "", nil, "unchanged\na: unchanged\n"},
		{"nothing changes for the intent", []string{"{name: c}", "{name: c, labels: {x: y}}"}, []string{one}, "srlg", nil, "unchanged\na: unchanged\n"},
		{"no intents", []string{"delay: 9ms", "delay: 8ms"}, nil, "link", nil, "unchanged\n"},
		{"longer within the bound", []string{"ab, a: a, b: b, delay: 1ms", "ab, a: a, b: b, delay: 2ms"}, []string{one + ", require: {maxDelay: 4ms}"}, "", nil,
			"changes\na: changes\n"},
		{"a better way", []string{"delay: 9ms", "delay: 1ms"}, []string{one}, "", nil, "changes\na: changes\n"},
		{"longer than the bound", []string{"ab, a: a, b: b, delay: 1ms", "ab, a: a, b: b, delay: 8ms", "delay: 2ms", "delay: 5ms", "{name: c}", "{name: c, labels: {x: y}}"},
			[]string{one + ", require: {maxDelay: 4ms}"}, "", nil,
			"degraded\na: degraded\ndegraded a/maxDelay: satisfied -> infeasible by [[link:ab/delay] [link:ac/delay]]\n"},
		{"unknown delays satisfy no bound", []string{"ab, a: a, b: b, delay: 1ms, ", "ab, a: a, b: b, ", "ac, a: a, b: c, delay: 2ms, ", "ac, a: a, b: c, ", "ad, a: a, b: d, delay: 9ms, ", "ad, a: a, b: d, "},
			[]string{one}, "", nil,
			"degraded\na: degraded\ndegraded a/known: satisfied -> infeasible by [[link:ab/delay] [link:ac/delay] [link:ad/delay]]\n"},
		{"fewer disjoint paths", []string{"[g1]", "[g1, x]", "[g4]", "[g4, x]", "[g5]", "[g5, x]"}, []string{one + ", require: {multiplicity: 2, disjoint: [srlg]}"}, "", nil,
			"degraded\na: degraded\ndegraded a/disjoint: satisfied -> infeasible by [[link:ab/srlgs] [link:cd/srlgs] [link:ad/srlgs]]\n"},
		{"only both are to blame", []string{"    - {name: ab, a: a, b: b, delay: 1ms, srlgs: [g1]}\n", "", "    - {name: ac, a: a, b: c, delay: 2ms, srlgs: [g3]}\n", ""},
			[]string{one + ", require: {multiplicity: 3}"}, "", nil,
			"degraded\na: degraded\ndegraded a/disjoint: satisfied -> infeasible by [[link:ab link:ac]]\n"},
		{"no way at all", []string{"    - {name: ab, a: a, b: b, delay: 1ms, srlgs: [g1]}\n", "", "    - {name: ac, a: a, b: c, delay: 2ms, srlgs: [g3]}\n", "", "    - {name: ad, a: a, b: d, delay: 9ms, srlgs: [g5]}\n", ""},
			[]string{one}, "", nil,
			"degraded\na: degraded\ndegraded a/reach: satisfied -> infeasible by [[link:ab] [link:ac] [link:ad]]\n"},
		{"a country less", []string{"{name: r, country: JP}", "{name: r, country: US}"}, []string{"from: a, to: b, require: {countries: {allow: [JP]}}"}, "", nil,
			"degraded\na: degraded\ndegraded a/admissible: satisfied -> infeasible by [[site:r/country]]\n"},
		{"more hops", []string{"    - {name: ad, a: a, b: d, delay: 9ms, srlgs: [g5]}\n", ""}, []string{one + ", require: {maxHops: 1}"}, "", nil,
			"degraded\na: degraded\ndegraded a/maxHops: satisfied -> infeasible by [[link:ad]]\n"},
		{"a wider spread", []string{"ac, a: a, b: c, delay: 2ms", "ac, a: a, b: c, delay: 8ms"}, []string{one + ", require: {multiplicity: 2, maxDelaySpread: 2ms}"}, "", nil,
			"changes\na: changes\n"},
		{"the lowest priority loses", []string{"capacity: 1Gbps", "capacity: 300Mbps"},
			[]string{one + ", priority: 1, require: {bandwidth: 200Mbps}", one + ", priority: 9, require: {multiplicity: 3, bandwidth: 200Mbps}"}, "", nil,
			"degraded\na: degraded\nb: unchanged\ndegraded a/bandwidth: satisfied -> infeasible by [[link:ad/capacity]]\n"},
		{"an end is gone", []string{", {name: d}", "", "    - {name: bd, a: b, b: d, delay: 1ms, srlgs: [g2]}\n", "", "    - {name: cd, a: c, b: d, delay: 2ms, srlgs: [g4]}\n", "", "    - {name: ad, a: a, b: d, delay: 9ms, srlgs: [g5]}\n", ""},
			[]string{one, "from: a, to: b"}, "link", nil,
			"degraded\na: degraded\nb: degraded\ndegraded a/ends: satisfied -> does not fit by [[node:d]]\n" +
				"degraded b/reserve-link: 1 -> 0 by [[node:d]]\n" +
				"degraded b/reserve-node: 2 -> 1 by [[node:d]]\n" +
				"degraded b/reserve-srlg: 1 -> 0 by [[node:d]]\n" +
				"degraded b/survives-link/link:ab: met -> none by [[node:d]]\n"},
		{"a site as an end is gone", []string{", {name: r, country: JP}", "", "{name: b, site: r}", "{name: b}"}, []string{"from: s, to: r"}, "", nil,
			"degraded\na: degraded\ndegraded a/ends: satisfied -> does not fit by [[node:b/site]]\n"},
		{"an avoided name is gone", []string{"[g5]", "[g6]"}, []string{one + ", require: {avoid: {srlgs: [g5]}}"}, "", nil,
			"degraded\na: degraded\ndegraded a/names: satisfied -> does not fit by [[link:ad/srlgs]]\n"},
		{"infeasible as before", []string{"[g1]", "[x]"}, []string{one + ", require: {multiplicity: 4}"}, "srlg", nil, "unchanged\na: unchanged\n"},
		{"feasible now", []string{"    - {name: ad,", "    - {name: ad2, a: a, b: d}\n    - {name: ad,"}, []string{one + ", require: {multiplicity: 4}, objective: hops"}, "", nil,
			"changes\na: changes\n"},
		{"less margin", []string{"[g1]", "[g1, x]", "[g3]", "[g3, x]"}, []string{one + ", require: {multiplicity: 2}"}, "", nil,
			"degraded\na: degraded\n" +
				"degraded a/margin-srlg: 1 -> 0 by [[link:ab/srlgs] [link:ac/srlgs]]\n" +
				"degraded a/reserve-srlg: 1 -> 0 by [[link:ab/srlgs] [link:ac/srlgs]]\n"},
		{"less reserve", []string{"    - {name: ad, a: a, b: d, delay: 9ms, srlgs: [g5]}\n", ""}, []string{one + ", require: {multiplicity: 2}"}, "", nil,
			"degraded\na: degraded\n" +
				"degraded a/reserve-link: 1 -> 0 by [[link:ad]]\n" +
				"degraded a/reserve-node: 1 -> 0 by [[link:ad]]\n" +
				"degraded a/reserve-srlg: 1 -> 0 by [[link:ad]]\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := summary(evaluate(t, c.edit, c.intents, c.failures, c.drain))
			if got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func evaluate(t *testing.T, pairs, specs []string, failures string, drains []string) *Plan {
	t.Helper()
	in := input(t, pairs, specs)
	in.Failures, in.Reserve = failures, true
	for _, d := range drains {
		o, err := diff.ParseDrain(in.After, d)
		if err != nil {
			t.Fatal(err)
		}
		in.Drains = append(in.Drains, Drain{Name: d, Outage: o})
	}
	return Evaluate(in)
}

func input(t *testing.T, pairs, specs []string) Input {
	t.Helper()
	var in Input
	in.Before, in.BeforeLines = parseTopology(t, square)
	in.After, in.AfterLines = parseTopology(t, edit(t, square, pairs))
	var text string
	for i, spec := range specs {
		text += intent(string(rune('a'+i)), spec)
	}
	var err error
	if in.Intents, err = pathspec.Parse("i.yaml", []byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := pathspec.Validate(in.Before, in.Intents); err != nil {
		t.Fatal(err)
	}
	return in
}

func TestFailures(t *testing.T) {
	const two = "from: a, to: d, require: {multiplicity: 2, disjoint: [srlg]}"
	diagonal := []string{"    - {name: ad, a: a, b: d, delay: 9ms, srlgs: [g5]}\n", ""}
	for _, c := range []struct {
		name, failures string
		edit, specs    []string
		drain          []string
		want           []string // findings that survive: failure: before -> after
	}{
		{"link", "link", diagonal, []string{two}, nil, []string{
			"link:ab: met -> partial", "link:ac: met -> partial", "link:bd: met -> partial", "link:cd: met -> partial"}},
		{"node", "node", diagonal, []string{two}, nil, []string{"node:b: met -> partial", "node:c: met -> partial"}},
		{"srlg", "srlg", diagonal, []string{two}, nil, []string{
			"srlg:g1: met -> partial", "srlg:g2: met -> partial", "srlg:g3: met -> partial", "srlg:g4: met -> partial"}},
		{"drain", "srlg", nil, []string{two}, []string{"link:ad"}, []string{
			"srlg:g1: met -> partial", "srlg:g2: met -> partial", "srlg:g3: met -> partial", "srlg:g4: met -> partial"}},
		{"one risk takes all", "srlg", []string{"[g1]", "[g1, x]", "[g3]", "[g3, x]", "[g5]", "[g5, x]"}, []string{"from: a, to: d"}, nil, []string{"srlg:x: met -> none"}},
		{"another name", "srlg", []string{"[g1]", "[h1]"}, []string{two}, nil, nil},
		{"another name of a link", "link", []string{"name: ab", "name: xx"}, []string{two}, nil, nil},
		{"unknown risks", "srlg", []string{"capacity: 1Gbps}", "capacity: 1Gbps}", "srlgs: [g1]}", "capacity: 2Gbps}", "srlgs: [], ", ""}, []string{"from: a, to: d, require: {maxDelay: 2ms}"}, nil, []string{
			"unknown"}},
		{"none", "none", diagonal, []string{two}, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := evaluate(t, c.edit, c.specs, c.failures, c.drain)
			var got []string
			for _, f := range p.Findings {
				switch {
				case f.Verdict == Unknown:
					got = append(got, "unknown")
				case strings.HasPrefix(f.Characteristic, survivesOf):
					got = append(got, fmt.Sprintf("%s: %s -> %s", f.Failure, f.Before, f.After))
				}
			}
			if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
				t.Errorf("got\n%s\nwant\n%s\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"), summary(p))
			}
		})
	}
}

// TestReservesAreOptional: without them reasons are found all the same.
func TestReservesAreOptional(t *testing.T) {
	specs := []string{"from: a, to: d, require: {multiplicity: 3}", "from: a, to: d, require: {multiplicity: 2}"}
	in := input(t, []string{"    - {name: ad, a: a, b: d, delay: 9ms, srlgs: [g5]}\n", ""}, specs)
	p := Evaluate(in)
	want := "degraded\na: degraded\nb: unchanged\ndegraded a/disjoint: satisfied -> infeasible by [[link:ad]]\n"
	if got := summary(p); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if why := p.Intents[0].After.Why; why == nil || why.Code != pathspec.WhyDisjoint || p.Intents[1].After.Reserve != nil {
		t.Errorf("why %+v, reserve %+v", why, p.Intents[1].After.Reserve)
	}
}

func TestDrainedEnd(t *testing.T) {
	p := evaluate(t, []string{"delay: 9ms", "delay: 8ms"}, []string{"from: a, to: d"}, "", []string{"node:d", "srlg:g1"})
	want := "degraded\na: degraded\ndegraded a/reach: satisfied -> infeasible by [[drain:node:d]]\n"
	if got := summary(p); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestChangesAreLocated(t *testing.T) {
	in := input(t, []string{"delay: 9ms", "delay: 8ms", "    - {name: ac, a: a, b: c, delay: 2ms, srlgs: [g3]}\n", "", "capacity: 1Gbps}", "capacity: 2Gbps}", "name: cd", "name: dc"}, nil)
	in.Asked = map[string]string{"link:ac": "--remove link:ac"}
	var got []string
	for _, c := range Evaluate(in).Changes {
		got = append(got, fmt.Sprintf("%s %s:%d %s %s", c.ID, c.File, c.Line, c.Was, c.By))
	}
	want := []string{
		"link:ab/capacity t.yaml:5 t.yaml:5 ", "link:bd/capacity t.yaml:5 t.yaml:5 ",
		"link:dc t.yaml:11  ",
		"link:ad/capacity t.yaml:5 t.yaml:5 ", "link:ad/delay t.yaml:12 t.yaml:13 ",
		"link:ac :0  --remove link:ac", "link:cd t.yaml:10 t.yaml:12 ",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestStop(t *testing.T) {
	in := input(t, []string{"delay: 9ms", "delay: 8ms"}, []string{"from: a, to: d", "from: a, to: b"})
	in.Failures, in.Stop = "link", func() bool { return true }
	if p := Evaluate(in); p.Verdict != Unknown || p.Failures.Tried != 0 || p.Failures.Of != 5 {
		t.Errorf("stopped at once: %s %+v", p.Verdict, p.Failures)
	}
	// At whatever moment it stops, what it says is not better than the truth.
	truth := input(t, []string{"    - {name: ab, a: a, b: b, delay: 1ms, srlgs: [g1]}\n", ""}, []string{"from: a, to: d, require: {maxDelay: 2ms}"})
	truth.Failures = "link"
	asked := 0
	truth.Stop = func() bool { asked++; return false }
	if p := Evaluate(truth); p.Verdict != Degraded {
		t.Fatalf("%s", summary(p))
	}
	for after := 0; after <= asked; after += 1 + asked/50 {
		n := 0
		truth.Stop = func() bool { n++; return n > after }
		if p := Evaluate(truth); p.Verdict != Degraded && p.Verdict != Unknown {
			t.Errorf("stopped after %d: %s", after, summary(p))
		}
	}
}

// TestManyChangesAreHalved: one of many changes is to blame.
func TestManyChangesAreHalved(t *testing.T) {
	var nodes, links strings.Builder
	for i := range 100 {
		fmt.Fprintf(&nodes, ", {name: n%d}", i)
		fmt.Fprintf(&links, "    - {name: l%d, a: a, b: n%d, delay: 1ms}\n", i, i)
	}
	before := strings.Replace(square, ", {name: d}", ", {name: d}"+nodes.String(), 1) + links.String()
	after := strings.ReplaceAll(before, "delay: 1ms}", "delay: 2ms}")
	after = strings.Replace(after, "delay: 9ms", "delay: 50ms", 1)
	var in Input
	in.Before, _ = parseTopology(t, before)
	in.After, _ = parseTopology(t, after)
	in.Intents, _ = pathspec.Parse("i.yaml", []byte(intent("x", "from: a, to: d, require: {maxHops: 1, maxDelay: 10ms}")))
	p := Evaluate(in)
	if want := "degraded\nx: degraded\ndegraded x/requirement: satisfied -> infeasible by [[link:ad/delay]]\n"; summary(p) != want || len(p.Changes) != 101 {
		t.Errorf("%d changes\n%s", len(p.Changes), summary(p))
	}
}

// TestEqualBytes: equal inputs give equal bytes, and links in another order
// (in both files) the same changes, findings and answers.
func TestEqualBytes(t *testing.T) {
	pairs := []string{"[g1]", "[g1, x]", "[g3]", "[g3, x]", "delay: 9ms", "delay: 8ms"}
	specs := []string{"from: a, to: d, require: {multiplicity: 2}", "from: a, to: c"}
	plan := func(r *rand.Rand) []byte {
		in := input(t, pairs, specs)
		in.BeforeLines, in.AfterLines, in.Failures = nil, nil, "srlg"
		order := r.Perm(len(in.Before.Entries))
		in.Before, in.After = reordered(in.Before, order), reordered(in.After, order)
		p := Evaluate(in)
		slices.SortFunc(p.Changes, func(a, b Change) int { return strings.Compare(a.ID, b.ID) })
		for _, f := range p.Findings {
			slices.SortFunc(f.Blame.Sets, slices.Compare)
		}
		data, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	want := plan(rand.New(rand.NewPCG(1, 1)))
	if !bytes.Equal(plan(rand.New(rand.NewPCG(1, 1))), want) {
		t.Error("equal inputs, other bytes")
	}
	for seed := range uint64(30) {
		if got := plan(rand.New(rand.NewPCG(seed, 2))); !bytes.Equal(got, want) {
			t.Fatalf("got\n%s\nwant\n%s", got, want)
		}
	}
}

func reordered(t *topology.Topology, order []int) *topology.Topology {
	entries, links := make([]topology.Entry, 0, len(order)), make([]topology.Link, 0, 2*len(order))
	for n, e := range order {
		ab, ba := t.Links[2*e], t.Links[2*e+1]
		ab.Entry, ba.Entry = n, n
		entries, links = append(entries, t.Entries[e]), append(links, ab, ba)
	}
	return topology.New(t.Name, t.Sites, t.Nodes, entries, links)
}
