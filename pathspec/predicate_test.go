package pathspec

import (
	"strings"
	"testing"

	"github.com/keiro-net/keiro/topology"
)

const predicateTopology = `
apiVersion: keiro/v1
kind: Topology
metadata: {name: t}
spec:
  sites: [{name: tokyo, country: JP, region: kanto}, {name: bare}]
  nodes:
    - {name: known, site: tokyo, operator: alpha, labels: {vendor: y}, evidence: 2}
    - {name: bare, site: bare}
    - {name: unknown}
  links:
    - {a: known, b: unknown, operator: alpha, capacity: 1Gbps, delay: 4ms, srlgs: [duct], qkd: true, labels: {fibre: g652}, metric: 7}
    - {a: known, b: bare}
`

func TestPredicateNode(t *testing.T) {
	topo, err := topology.Parse("t.yaml", []byte(predicateTopology))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		text                 string
		known, bare, unknown bool
	}{
		{`node.name == "known"`, true, false, false},
		{`node.name != "known"`, false, true, true},
		{`node.site == "tokyo"`, true, false, false},
		{`node.site != "tokyo"`, false, true, false},
		{`!(node.site == "tokyo")`, false, true, false},
		{`node.country == "JP"`, true, false, false},
		{`!(node.country == "CN")`, true, false, false},
		{`node.region in ["kanto", "kansai"]`, true, false, false},
		{`!(node.region in ["kansai"])`, true, false, false},
		{`node.operator == "alpha"`, true, false, false},
		{`node.operator != "beta"`, true, false, false},
		{`node.labels.vendor == "y"`, true, false, false},
		{`node.labels.vendor != "x"`, true, false, false},
		{`!(node.labels.vendor == "x")`, true, false, false},
		{`node.labels["vendor"].startsWith("y")`, true, false, false},
		{`!has(node.labels.vendor)`, false, true, true}, // labels are known, only this one is not there
		{`node.evidence >= 2`, true, false, false},
		{`!(node.evidence >= 3)`, true, false, false},
		{`!(node.evidence >= 2)`, false, false, false},
		{`node.evidence >= 2 ? true : true`, true, false, false},
		{`node.evidence >= 2 || node.name == "bare"`, true, true, false},
		{`node.name == "bare" || node.evidence >= 2`, true, true, false},
		{`!(node.evidence < 2 && node.name == "known")`, true, true, true}, // what is known decides
		{`node.name.matches("^(known|bare)$")`, true, true, false},
		{`true`, true, true, true},
	} {
		p, err := CompileNodes(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		for n, want := range []bool{c.known, c.bare, c.unknown} {
			if got := p.Node(topo, n); got != want {
				t.Errorf("%s: %s: got %v", c.text, topo.Nodes[n].Name, got)
			}
		}
	}
}

func TestPredicateLink(t *testing.T) {
	topo, err := topology.Parse("t.yaml", []byte(predicateTopology))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		text        string
		known, bare bool
	}{
		{`link.name == "known--unknown"`, true, false},
		{`link.operator == "alpha"`, true, false},
		{`link.operator != "beta"`, true, false},
		{`link.capacity_bps >= 1000000000`, true, false},
		{`!(link.capacity_bps > 1000000000)`, true, false},
		{`link.delay_us == 4000`, true, false},
		{`link.delay_us != 1`, true, false},
		{`link.metric == 7`, true, false},
		{`link.metric != 7`, false, true},
		{`"duct" in link.srlgs`, true, false},
		{`!("other" in link.srlgs)`, true, false},
		{`link.srlgs.all(g, g != "other")`, true, false},
		{`link.srlgs.exists(g, g == "duct")`, true, false},
		{`link.qkd`, true, false},
		{`!link.qkd`, false, true},
		{`link.labels.fibre == "g652"`, true, false},
	} {
		p, err := CompileLinks(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		for e, want := range []bool{c.known, c.bare} {
			for l := 2 * e; l <= 2*e+1; l++ {
				if got := p.Link(topo, l); got != want {
					t.Errorf("%s: %s: got %v", c.text, topo.Entries[e].Name, got)
				}
			}
		}
	}
}

func TestPredicateNil(t *testing.T) {
	var p *Predicate
	if !p.Node(nil, 0) || !p.Link(nil, 0) || p.String() != "" {
		t.Error("no condition must hold for everything")
	}
}

// The steps of an evaluation are bounded: what takes too long does not hold.
func TestPredicateCost(t *testing.T) {
	topo := topology.New("t", nil, []topology.Node{{Name: "a"}}, nil, nil)
	list := "[" + strings.Repeat("1,", 200) + "1]"
	for text, want := range map[string]bool{
		list + `.all(a, a == 1)`: true,
		list + `.all(a, ` + list + `.all(b, ` + list + `.all(c, a == c)))`: false,
	} {
		p, err := CompileNodes(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Node(topo, 0); got != want {
			t.Errorf("%.40s...: got %v", text, got)
		}
	}
}

func TestCompileErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{``, `bad condition: empty`},
		{`node.evidence >=`, `bad condition, column 17: Syntax error: mismatched input '<EOF>'`},
		{`node.nmae == "a"`, `bad condition, column 5: undeclared reference to 'node.nmae' (did you mean 'node.name'?)`},
		{`link.name == "a"`, `bad condition, column 1: undeclared reference to 'link'`},
		{`node.evidence >= "2"`, `bad condition, column 15: found no matching overload for '_>=_' applied to '(int, string)'`},
		{"true &&\n node.x", `bad condition, line 2, column 2 of it: undeclared reference to 'node'`},
		{strings.Repeat("(", 1000), `bad condition: expression recursion limit exceeded: 250`},
		{`node.name`, `bad condition: want one that is true or false, this is of type string`},
		{`dyn(true)`, `bad condition: want one that is true or false, this is of type dyn`},
		{`node.name.matches("(")`, "bad condition: error parsing regexp: missing closing ): `(`"},
		{strings.Repeat(" ", maxPredicate) + "true", `bad condition: 4100 bytes, the limit is 4096`},
	} {
		if _, err := CompileNodes(c.text); err == nil || err.Error() != c.want {
			t.Errorf("%.60q: got %v, want %s", c.text, err, c.want)
		}
	}
}

func FuzzCompile(f *testing.F) {
	for _, text := range []string{
		`node.labels.vendor != "x" && node.evidence >= 2`, `link.capacity_bps >= 1000000000`, `has(node.labels.x)`,
		`link.srlgs.exists(g, g.matches("a+"))`, `[1].map(x, x)[0] == 1`, `{"a": 1}.a == 1`, `1/0 == 1`, `!`, `((((`, "\x00",
	} {
		f.Add(text)
	}
	topo, err := topology.Parse("t.yaml", []byte(predicateTopology))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if p, err := CompileNodes(text); err == nil {
			p.Node(topo, 0)
			p.Node(topo, 2)
		}
		if p, err := CompileLinks(text); err == nil {
			p.Link(topo, 0)
			p.Link(topo, 3)
		}
	})
}
