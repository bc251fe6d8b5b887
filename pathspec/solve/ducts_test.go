package solve

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// load reads a topology of examples/.
func load(t testing.TB, name string) *topology.Topology {
	t.Helper()
	name, abroad := strings.CutSuffix(name, "-abroad")
	file := "../../examples/" + name + ".topology.yaml"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	topo, err := topology.Parse(file, data)
	if err != nil {
		t.Fatal(err)
	}
	if abroad {
		return withBusan(topo)
	}
	return topo
}

// withBusan adds an invented way through another country to jp12.
func withBusan(t *topology.Topology) *topology.Topology {
	sites := append(t.Sites, topology.Site{Name: "busan", Country: "KR"})
	nodes := append(t.Nodes, topology.Node{Name: "pus1", Site: "busan", Labels: map[string]string{"vendor": "z"}})
	entries, links := t.Entries, t.Links
	for _, c := range []struct {
		a, b, srlg string
		delay      topology.Delay
	}{{"hkt1", "pus1", "tsushima-cable", 1600}, {"pus1", "knz1", "east-sea-cable", 5300}} {
		a := slices.IndexFunc(nodes, func(n topology.Node) bool { return n.Name == c.a })
		b := slices.IndexFunc(nodes, func(n topology.Node) bool { return n.Name == c.b })
		e := len(entries)
		entries = append(entries, topology.Entry{
			Name: c.a + "--" + c.b, A: a, B: b, Operator: "epsilon", SRLGs: topology.Declare([]string{c.srlg}),
		})
		for _, ends := range [][2]int{{a, b}, {b, a}} {
			links = append(links, topology.Link{Entry: e, From: ends[0], To: ends[1], Metric: 1, Delay: topology.Declare(c.delay)})
		}
	}
	return topology.New(t.Name, sites, nodes, entries, links)
}

// question is a line of testdata/ducts.txt.
type duct struct {
	name, topology string
	intent         pathspec.Intent
	infeasible     bool
	ties           bool
	cost           int64
	paths          []string
}

func ducts(t testing.TB) (cases []duct) {
	t.Helper()
	data, err := os.ReadFile("testdata/ducts.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		f := strings.Split(line+" ||||", "|")
		for i := range f {
			f[i] = strings.TrimSpace(f[i])
		}
		ends := strings.Fields(f[2])
		d := duct{name: f[0], topology: f[1], infeasible: f[6] == "infeasible", ties: strings.HasSuffix(f[6], "~")}
		d.intent = pathspec.Intent{Name: d.name, From: ends[0], To: ends[1]}
		r := &d.intent.Require
		if r.Multiplicity, err = strconv.Atoi(f[3]); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		for _, k := range []pathspec.Kind{pathspec.Link, pathspec.Node, pathspec.SRLG, pathspec.Site, pathspec.Operator} {
			if slices.Contains(strings.Fields(f[4]), k.String()) {
				r.Disjoint = append(r.Disjoint, k)
			}
		}
		bound, value, _ := strings.Cut(f[5], " ")
		switch bound {
		case "":
		case "maxDelay":
			r.MaxDelay, err = topology.ParseDelay(value)
		case "maxDelaySpread":
			var spread topology.Delay
			spread, err = topology.ParseDelay(value)
			r.MaxDelaySpread = &spread
		case "vendor":
			r.Nodes, err = pathspec.CompileNodes(`node.labels.vendor != "x"`)
		case "countries":
			r.Countries.Allow = []string{value}
		default:
			t.Fatalf("%s: what is %s?", line, bound)
		}
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if !d.infeasible {
			if d.cost, err = strconv.ParseInt(strings.TrimSuffix(f[6], " ~"), 10, 64); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			d.paths = strings.Split(f[7], "; ")
		}
		cases = append(cases, d)
	}
	return cases
}

// checked solves and fails where Check finds fault.
func checked(t testing.TB, topo *topology.Topology, intents ...pathspec.Intent) []pathspec.Answer {
	t.Helper()
	s := Solve(Input{Topology: topo, Intents: intents})
	for _, v := range pathspec.Check(topo, intents, &s) {
		if !v.CannotTell() {
			t.Errorf("Check: %v", v)
		}
	}
	return s.Intents
}

func TestDucts(t *testing.T) {
	for _, d := range ducts(t) {
		t.Run(d.name, func(t *testing.T) {
			a := checked(t, load(t, d.topology), d.intent)[0]
			if d.infeasible {
				if a.Status != pathspec.Infeasible {
					t.Errorf("%s, want infeasible", a.Status)
				}
				return
			}
			if a.Status != pathspec.Satisfied || !a.Optimal || a.Cost != d.cost {
				t.Fatalf("%s, optimal %v, cost %d; want %d", a.Status, a.Optimal, a.Cost, d.cost)
			}
			var paths []string
			for _, p := range a.Paths {
				paths = append(paths, strings.Join(p.Nodes, " "))
			}
			if !d.ties && !slices.Equal(paths, d.paths) {
				t.Errorf("paths %q, want %q", paths, d.paths)
			}
		})
	}
}
