package diff

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/topology"
)

const head = "apiVersion: keiro/v1\nkind: Topology\nmetadata: {name: t}\nspec:\n"

const base = head + `  sites: [{name: s, country: JP}, {name: r}]
  nodes: [{name: a, site: s, labels: {vendor: x, "b.c": d}}, {name: b, site: r}, {name: c}]
  links:
    - {name: ab, a: a, b: b, delay: 4ms, srlgs: [duct]}
    - {name: bc, a: b, b: c, delay: 1ms, ba: {delay: 2ms}, capacity: 1Gbps}
    - {name: ca, a: c, b: a, interfaces: {a: eth1}}
  srlgs: [{name: duct, number: 7}]
`

func parse(t *testing.T, text string) *topology.Topology {
	t.Helper()
	topo, err := topology.Parse("test.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return topo
}

func TestCompare(t *testing.T) {
	for _, c := range []struct {
		name string
		edit []string // pairs: old, new
		want []string // ID: text
	}{
		{"nothing", nil, nil},
		{"values", []string{"delay: 4ms, srlgs: [duct]", "delay: 9ms, srlgs: [duct, kabel], metric: 7", "country: JP", "country: US"}, []string{
			"site:s/country: site s: country JP -> US",
			"link:ab/delay: link ab: delay 4ms -> 9ms",
			"link:ab/metric: link ab: metric 1 -> 7",
			"link:ab/srlgs: link ab: srlgs [duct] -> [duct, kabel]",
		}},
		{"unknown", []string{", delay: 4ms, srlgs: [duct]", "", ", ba: {delay: 2ms}", ""}, []string{
			"link:ab/delay: link ab: delay 4ms -> unknown",
			"link:ab/srlgs: link ab: srlgs [duct] -> unknown",
			"link:bc/ba.delay: link bc: ba.delay 2ms -> as from a to b",
		}},
		{"labels and interfaces", []string{`vendor: x, "b.c": d`, `"b.c": e`, "{a: eth1}", "{a: eth1, b: eth7}"}, []string{
			`node:a/labels.vendor: node a: labels.vendor x -> none`,
			`node:a/labels["b.c"]: node a: labels["b.c"] d -> e`,
			"link:ca/interfaces.b: link ca: interfaces.b unknown -> eth7",
		}},
		{"a link goes, one comes", []string{"    - {name: ab, a: a, b: b, delay: 4ms, srlgs: [duct]}", "    - {name: new, a: a, b: b}"}, []string{
			"link:new: link new: added", "link:ab: link ab: removed",
		}},
		{"what an IGP says", []string{"{name: c}", "{name: c, routerID: 0000.0000.0001}", "interfaces: {a: eth1}", "interfaces: {a: eth1}, addresses: {b: 192.0.2.1}", "number: 7}", "number: 8}, {name: other, number: 9}"}, []string{
			"node:c/routerID: node c: routerID unknown -> 0000.0000.0001",
			"link:ca/addresses.b: link ca: addresses.b unknown -> 192.0.2.1",
			"srlg:duct/number: srlg duct: number 7 -> 8", "srlg:other: srlg other: added",
		}},
		{"who steers", []string{"{name: b, site: r}", "{name: b, site: r, steering: bgp}", "{name: c}", "{name: c, agent: false}"}, []string{
			"node:b/steering: node b: steering by the agent, if there is one -> bgp", "node:c/agent: node c: agent true -> false",
		}},
		{"who guards", []string{"{name: b, site: r}", "{name: b, site: r, guard: alert}"}, []string{"node:b/guard: node b: guard enforce -> alert"}},
		{"rename", []string{"name: ab", "name: xy"}, []string{"link:xy/name: link xy: name ab -> xy"}},
		{"a node goes with its links", []string{", {name: c}", "", "    - {name: bc, a: b, b: c, delay: 1ms, ba: {delay: 2ms}, capacity: 1Gbps}\n", "", "    - {name: ca, a: c, b: a, interfaces: {a: eth1}}\n", ""}, []string{
			"node:c: node c: removed, with bc, ca",
		}},
		{"order", []string{"{name: b, site: r}, {name: c}", "{name: c}, {name: b, site: r}"}, []string{"order:nodes: the order of nodes"}},
		{"a site ends", []string{", {name: r}", "", "{name: b, site: r}", "{name: b}"}, []string{
			"site:r: site r: removed", "node:b/site: node b: site r -> unknown",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := base
			for i := 0; i < len(c.edit); i += 2 {
				if !strings.Contains(text, c.edit[i]) {
					t.Fatalf("nothing to edit: %s", c.edit[i])
				}
				text = strings.Replace(text, c.edit[i], c.edit[i+1], 1)
			}
			before, after := parse(t, base), parse(t, text)
			d := Compare(before, after)
			var got []string
			for _, change := range d.Changes {
				got = append(got, change.ID()+": "+change.String())
			}
			if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
			if again, err := d.Revert(func(int) bool { return true }); err != nil || !equal(again, before) {
				t.Errorf("without all changes: %v\n%s", err, topology.Format(again))
			}
			if again, err := d.Revert(func(int) bool { return false }); err != nil || !equal(again, after) {
				t.Errorf("with all changes: %v\n%s", err, topology.Format(again))
			}
			for i := range d.Changes { // every single one leaves a topology
				if _, err := d.Revert(func(j int) bool { return i == j }); err != nil {
					t.Errorf("without %s: %v", d.Changes[i], err)
				}
			}
		})
	}
}

func equal(a, b *topology.Topology) bool { return bytes.Equal(topology.Format(a), topology.Format(b)) }

// TestRevertAll: whatever changes, without all changes it is as before, and
// with all as after.
func TestRevertAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before, after := draw(t, "before"), draw(t, "after")
		d := Compare(before, after)
		for _, c := range []struct {
			reverted bool
			want     *topology.Topology
		}{{true, before}, {false, after}} {
			got, err := d.Revert(func(int) bool { return c.reverted })
			if err != nil || !equal(got, c.want) {
				t.Fatalf("reverted %v: %v\ngot\n%s\nwant\n%s\nchanges %v", c.reverted, err, topology.Format(got), topology.Format(c.want), d.Changes)
			}
		}
		part := rapid.SliceOfN(rapid.Bool(), len(d.Changes), len(d.Changes)).Draw(t, "part")
		_, _ = d.Revert(func(i int) bool { return part[i] }) // may contradict itself: an error, no crash
	})
}

func draw(t *rapid.T, label string) *topology.Topology {
	var b strings.Builder
	b.WriteString(head)
	sites := rapid.Permutation([]string{"s", "r"}).Draw(t, label)[:rapid.IntRange(0, 2).Draw(t, label)]
	nodes := rapid.Permutation([]string{"a", "b", "c", "d"}).Draw(t, label)[:rapid.IntRange(1, 4).Draw(t, label)]
	for i, s := range sites {
		if i == 0 {
			b.WriteString("  sites:\n")
		}
		fmt.Fprintf(&b, "    - {name: %s}\n", s)
	}
	for i, n := range nodes {
		if i == 0 {
			b.WriteString("  nodes:\n")
		}
		fmt.Fprintf(&b, "    - {name: %s", n)
		if len(sites) > 0 && rapid.Bool().Draw(t, label) {
			fmt.Fprintf(&b, ", site: %s", sites[rapid.IntRange(0, len(sites)-1).Draw(t, label)])
		}
		b.WriteString(rapid.SampledFrom([]string{"", "", ", steering: bgp", ", agent: false", ", guard: alert"}).Draw(t, label))
		b.WriteString("}\n")
	}
	if len(nodes) > 1 {
		names := rapid.Permutation([]string{"u", "v", "w"}).Draw(t, label)[:rapid.IntRange(0, 3).Draw(t, label)]
		for i, name := range names {
			if i == 0 {
				b.WriteString("  links:\n")
			}
			ends := rapid.Permutation(nodes).Draw(t, label)
			fmt.Fprintf(&b, "    - {name: %s, a: %s, b: %s, metric: %d}\n", name, ends[0], ends[1], rapid.IntRange(1, 2).Draw(t, label))
		}
	}
	topo, err := topology.Parse("drawn", []byte(b.String()))
	if err != nil {
		t.Fatalf("%v\n%s", err, b.String())
	}
	return topo
}

func TestEdit(t *testing.T) {
	before := parse(t, strings.ReplaceAll(base, "name: ca", "name: ab.x"))
	for _, c := range []struct{ set, want string }{
		{"link:ab.delay=9ms", "link ab: delay 4ms -> 9ms"},
		{"link:ab.ba.delay=9ms", "link ab: ba.delay as from a to b -> 9ms"},
		{"link:ab.x.metric=7", "link ab.x: metric 1 -> 7"}, // the longest name
		{"link:ab.srlgs=[duct, kabel]", "link ab: srlgs [duct] -> [duct, kabel]"},
		{"link:ab.srlgs=", "link ab: srlgs [duct] -> []"},
		{"link:ab.srlgs=unknown", "link ab: srlgs [duct] -> unknown"},
		{"link:ab.qkd=true", "link ab: qkd false -> true"},
		{"link:bc.capacity=unknown", "link bc: capacity 1Gbps -> unknown"},
		{"node:a.labels.vendor=7", "node a: labels.vendor x -> 7"},
		{"node:c.site=s", "node c: site unknown -> s"},
		{"site:s.country=US", "site s: country JP -> US"},
		{"link:ab.delay=9xs", `error: bad delay "9xs": want a unit of us, ms, s, such as 4ms`},
		{"link:ab.delai=9ms", "error: unknown key: did you mean delay?"},
		{"link:ab.metric=x", `error: want a whole number, found the text "x"`},
		{"link:zz.delay=9ms", `error: no such link "zz"`},
		{"link:ab.name=q", `error: "link:ab.name=q": a name cannot be set: write a topology with it and give that`},
		{"node:c.site=nowhere", `error: no such site "nowhere"`},
		{"delay=9ms", `error: want KIND:NAME.FIELD=VALUE with a kind of site, node, link, srlg, such as link:z.delay=9ms, found "delay=9ms"`},
	} {
		e, err := ParseSet(before, c.set)
		var after *topology.Topology
		if err == nil {
			after, err = Apply(before, e)
		}
		got := fmt.Sprint("error: ", err)
		if err == nil {
			d := Compare(before, after)
			if len(d.Changes) != 1 || d.Changes[0].ID() != e.ID() {
				t.Errorf("%s: %v", c.set, d.Changes)
				continue
			}
			got = d.Changes[0].String()
		}
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.set, got, c.want)
		}
	}
}

// TestDerived: whether a value was computed is no change, and a value that is
// set is declared.
func TestDerived(t *testing.T) {
	declared := strings.Replace(base, "delay: 1ms, ba: {delay: 2ms}", "delay: 1ms", 1)
	computed := parse(t, strings.Replace(declared, "delay: 1ms,", "delay: 1ms, derived: [delay],", 1))
	if d := Compare(parse(t, declared), computed); len(d.Changes) > 0 {
		t.Errorf("%v", d.Changes)
	}
	for _, set := range []string{"3ms", "unknown"} {
		e, err := ParseSet(computed, "link:bc.delay="+set)
		if err != nil {
			t.Fatal(err)
		}
		after, err := Apply(computed, e)
		if err != nil {
			t.Fatal(err)
		}
		d := Compare(computed, after)
		if want := "[link bc: delay 1ms -> " + set + "]"; fmt.Sprint(d.Changes) != want {
			t.Errorf("%v, want %s", d.Changes, want)
		}
		if _, err := d.Revert(func(int) bool { return true }); err != nil {
			t.Error(err)
		}
	}
}

func TestRemove(t *testing.T) {
	before := parse(t, strings.NewReplacer("name: c}]", "name: c, operator: o}]", "delay: 4ms,", "delay: 4ms, operator: o,").Replace(base))
	for _, c := range []struct{ text, want string }{
		{"link:ab", "link ab: removed"},
		{"node:c", "node c: removed, with bc, ca"},
		{"srlg:duct", "link ab: removed"},
		{"site:s", "site s: removed; node a: removed, with ab, ca"},
		{"operator:o", "node c: removed, with bc, ca; link ab: removed"},
		{"link:zz", `error: no such link "zz"`},
		{"site:zz", `error: no such site "zz"`},
		{"srlg:", `error: no such srlg ""`},
		{"duct", `error: want node:NAME, link:NAME, srlg:NAME, site:NAME or operator:NAME, found "duct"`},
	} {
		edits, err := ParseRemove(before, c.text)
		got := fmt.Sprintf("error: %v", err)
		if err == nil {
			after, err := Apply(before, edits...)
			if err != nil {
				t.Fatalf("%s: %v", c.text, err)
			}
			for _, e := range edits {
				if _, err := Apply(after, e); err == nil {
					t.Errorf("%s: removed twice", c.text)
				}
			}
			var changes, asked []string
			for _, change := range Compare(before, after).Changes {
				changes, asked = append(changes, change.String()), append(asked, change.ID())
			}
			got = strings.Join(changes, "; ")
			for _, e := range edits { // so that each change is told who asked for it
				if !slices.Contains(asked, e.ID()) {
					t.Errorf("%s: no change %s in %v", c.text, e.ID(), asked)
				}
			}
			if len(edits) != len(asked) {
				t.Errorf("%s: %d edits, changes %v", c.text, len(edits), asked)
			}
		}
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.text, got, c.want)
		}
	}
}

func TestDrain(t *testing.T) {
	data, err := os.ReadFile("../../examples/jp12.topology.yaml")
	if err != nil {
		t.Fatal(err)
	}
	topo := parse(t, string(data))
	for _, c := range []struct {
		text string
		left int // links
		err  string
	}{
		{"node:nag1", 13, ""},
		{"site:nagoya", 13, ""},
		{"link:nag1--osa1", 16, ""},
		{"srlg:keihan-duct", 15, ""},
		{"operator:delta", 15, ""},
		{"srlg:nothing", 0, `no such srlg "nothing"`},
		{"node:", 0, `no such node ""`},
		{"duct:x", 0, `want node:NAME, link:NAME, srlg:NAME, site:NAME or operator:NAME, found "duct:x"`},
	} {
		o, err := ParseDrain(topo, c.text)
		if c.err != "" {
			if err == nil || err.Error() != c.err {
				t.Errorf("%s: got %v", c.text, err)
			}
		} else if n := len(topo.Without(o).Entries); err != nil || n != c.left {
			t.Errorf("%s: %d links, %v", c.text, n, err)
		}
	}
}
