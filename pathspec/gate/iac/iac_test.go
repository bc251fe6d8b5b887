package iac

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/gate"
	"github.com/keiro-net/keiro/topology"
)

const square = `apiVersion: keiro/v1
kind: Topology
metadata: {name: square}
spec:
  defaults: {link: {srlgs: [], capacity: 1Gbps}}
  nodes: [{name: a}, {name: b}, {name: c}, {name: d}]
  links:
    - {name: ab, a: a, b: b, delay: 1ms}
    - {name: bd, a: b, b: d, delay: 1ms}
    - {name: ac, a: a, b: c, delay: 2ms}
    - {name: cd, a: c, b: d, delay: 2ms}
`

const rules = `apiVersion: keiro/v1
kind: GateMap
spec:
  unmapped: %s
  rules:
    - {type: wire, address: "module.old.*", link: "{name}", deleted: ignore}
    - {type: wire, link: "{tags.link}", set: {capacity: "{speed}Mbps", delay: "{delay}"}}
    - {type: "box_*", node: "{@name}", deleted: drain}
    - {type: duct, srlg: "{@index}"}
`

// resource is one of a plan: what, actions, before, after, what is unknown.
func resource(address, actions, before, after, unknown string) string {
	kind := address[strings.LastIndex(address[:strings.LastIndex(address, ".")], ".")+1 : strings.LastIndex(address, ".")]
	name := address[strings.LastIndex(address, ".")+1:]
	return fmt.Sprintf(`{"address":%q,"mode":"managed","type":%q,"name":%q,"index":7,"change":{"actions":[%s],"before":%s,"after":%s,"after_unknown":%s}}`,
		address, kind, name, `"`+strings.ReplaceAll(actions, ",", `","`)+`"`, before, after, unknown)
}

func plan(resources ...string) string {
	return `{"format_version":"1.2","planned_values":{"a":[{"b":null}]},"resource_changes":[` + strings.Join(resources, ",") + `],"x":1}`
}

func parse(t testing.TB) (*topology.Topology, []pathspec.Intent) {
	t.Helper()
	topo, err := topology.Parse("t.yaml", []byte(square))
	if err != nil {
		t.Fatal(err)
	}
	intents, err := pathspec.Parse("i.yaml", []byte("apiVersion: keiro/v1\nkind: PathIntent\nmetadata: {name: pair}\nspec: {from: a, to: d, require: {multiplicity: 2, bandwidth: 500Mbps}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	return topo, intents
}

// TestApply: what becomes of resources, in the words of the gate.
func TestApply(t *testing.T) {
	topo, intents := parse(t)
	const tagged = `{"tags":{"link":"ab"},"speed":1000,"delay":"1ms"}`
	for _, c := range []struct {
		name      string
		resources []string
		unmapped  string
		want      string // verdict, changes, notes; or an error
	}{
		{"nothing", []string{resource("wire.x", "no-op", tagged, tagged, `{}`), resource("wire.y", "read", "null", "null", `{}`)}, "fail", "unchanged"},
		{"deleted", []string{resource("wire.x", "delete", tagged, "null", `{}`)}, "fail", "degraded; link ab: removed by wire.x is deleted"},
		{"deleted elsewhere", []string{resource("module.old.wire.x", "delete", `{"name":"ab"}`, "null", `{}`)}, "fail", "unchanged"},
		{"replaced", []string{resource("wire.x", "create,delete", tagged, tagged, `{}`)}, "fail", "degraded; link ab: drained by wire.x is replaced"},
		{"a box drained", []string{resource("box_big.b", "delete", "{}", "null", `{}`)}, "fail", "degraded; node b: drained by box_big.b is deleted"},
		{"slower", []string{resource("wire.x", "update", tagged, strings.Replace(tagged, "1000", "400", 1), `{}`)}, "fail",
			"degraded; link ab: capacity 1Gbps -> 400Mbps by wire.x is updated"},
		{"still fast", []string{resource("wire.x", "update", tagged, strings.Replace(tagged, "1000", "600", 1), `{}`)}, "fail",
			"changes|unchanged; link ab: capacity 1Gbps -> 600Mbps by wire.x is updated"},
		{"nobody knows yet", []string{resource("wire.x", "update", tagged, `{"tags":{"link":"ab"},"delay":"1ms"}`, `{"speed":true}`)}, "fail",
			"unknown; link ab: capacity 1Gbps -> unknown by wire.x is updated"},
		{"nobody knows anything", []string{resource("wire.x", "update", tagged, `null`, `true`)}, "fail",
			"unknown; link ab: capacity 1Gbps -> unknown by wire.x is updated; link ab: delay 1ms -> unknown by wire.x is updated"},
		{"certain and open", []string{resource("wire.x", "update", tagged, `{"delay":"1ms"}`, `{"speed":true}`), resource("box_big.c", "delete", "{}", "null", `{}`)}, "fail", "degraded; link ab: capacity 1Gbps -> unknown by wire.x is updated; node c: drained by box_big.c is deleted"},
		{"created", []string{resource("wire.x", "create", "null", tagged, `{}`)}, "fail", "unchanged; # wire.x is created: it counts when the topology has it"},
		{"not mapped", []string{resource("cloud.x", "update", "{}", "{}", `{}`)}, "tell", "unchanged; # 1 resources of type cloud change and are not mapped"},
		{"not to be mapped", []string{resource("cloud.x", "update", "{}", "{}", `{}`)}, "ignore", "unchanged"},
		{"must be mapped", []string{resource("cloud.x", "delete", "{}", "null", `{}`)}, "fail", "error: 1 resources of type cloud change and are not mapped: add a rule, or `unmapped: tell`"},
		{"no such link", []string{resource("wire.x", "delete", `{"tags":{"link":"zz"}}`, "null", `{}`)}, "fail", "error: wire.x (map.yaml:7): "},
		{"no such attribute", []string{resource("wire.x", "delete", `{"tags":{}}`, "null", `{}`)}, "fail", "error: wire.x (map.yaml:7): attribute tags.link: there is no tags.link"},
		{"an odd attribute", []string{resource("wire.x", "delete", `{"tags":{"link":["ab"]}}`, "null", `{}`)}, "fail", `error: wire.x (map.yaml:7): attribute tags.link: want text, a number or a truth value, not ["ab"]`},
		{"unknown actions", []string{resource("wire.x", "explode", tagged, "null", `{}`)}, "fail", `error: wire.x: actions ["explode"] are not known`},
	} {
		m, err := ParseMap("map.yaml", fmt.Appendf(nil, rules, c.unmapped))
		if err != nil {
			t.Fatal(err)
		}
		e, err := Apply(topo, m, "plan.json", strings.NewReader(plan(c.resources...)))
		if err != nil {
			if text := "error: " + err.Error(); !strings.HasPrefix(text, c.want) {
				t.Errorf("%s: %s, want %s", c.name, text, c.want)
			}
			continue
		}
		p := e.Evaluate(gate.Input{Before: topo, Intents: intents})
		got := []string{string(p.Verdict)}
		for _, change := range p.Changes {
			got = append(got, change.Text+" by "+change.By)
		}
		for _, note := range e.Notes {
			got = append(got, "# "+note)
		}
		text := strings.Join(got, "; ")
		if first, rest, either := strings.Cut(c.want, "|"); text != c.want && !(either && (text == rest || strings.HasPrefix(text, first+";"))) {
			t.Errorf("%s: %s, want %s", c.name, text, c.want)
		}
	}
}

// TestPlanRefused: what is no plan is told as such, and where.
func TestPlanRefused(t *testing.T) {
	for text, want := range map[string]string{
		``:                         "at byte 0: unexpected EOF",
		`[]`:                       "want {, not [",
		`{}`:                       "no format_version",
		`{"format_version":"1.0"}`: "no resource_changes",
		`{"format_version":"2.0","resource_changes":[]}`:                                     `format_version "2.0": this program knows 0 and 1`,
		`{"format_version":"1.0","resource_changes":[{}]}`:                                   "[0]: no address, type or actions",
		`{"format_version":"1.0","resource_changes":{}}`:                                     "want [, not {",
		`{"format_version":"1.0","resource_changes":[`:                                       "unexpected EOF",
		`{"format_version":"1.0","resource_changes":[{"address":1}]}`:                        "[0]: json",
		`{"format_version":"1.0","resource_changes":[],"deep":` + strings.Repeat("[", 20000): "unexpected EOF",
	} {
		err := ReadPlan("plan.json", strings.NewReader(text), func(*Resource) error { return nil })
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "plan.json: ") {
			t.Errorf("%.60s: %v, want %s", text, err, want)
		}
	}
}

func TestMapRefused(t *testing.T) {
	_, err := ParseMap("map.yaml", []byte(`apiVersion: keiro/v1
kind: GateMap
spec:
  unmapped: maybe
  rules:
    - {type: a}
    - {type: a, link: x, node: y}
    - {type: "[", link: x}
    - {type: a, link: "{x"}
    - {type: a, link: "x", deleted: burn, set: {capacity: "}"}}
    - {type: a, link: "x", colour: red}
`))
	for n, want := range []string{
		`map.yaml:4: spec.unmapped: "maybe": want ignore, tell or fail`, "map.yaml:6: spec.rules[0]: want one of link", "map.yaml:7: spec.rules[1]: link and node: want one object",
		`map.yaml:8: spec.rules[2]: "[": bad pattern`, `map.yaml:9: spec.rules[3]: "{x": want {attribute}`, `spec.rules[4].deleted: "burn"`, `spec.rules[4].set.capacity: "}": } without {`, "colour",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%d: %v\nwant %s", n, err, want)
		}
	}
}

// endless is a plan of many resources, made as it is read.
type endless struct {
	left int
	buf  string
}

func (e *endless) Read(p []byte) (int, error) {
	if e.buf == "" {
		switch {
		case e.left > 0:
			e.buf = resource("cloud.x", "update", `{"text":"`+strings.Repeat("x", 1<<16)+`"}`, "{}", "{}")
			if e.left--; e.left > 0 {
				e.buf += ","
			}
		case e.left == 0:
			e.left--
			e.buf = "]}"
		default:
			return 0, io.EOF
		}
	}
	n := copy(p, e.buf)
	e.buf = e.buf[n:]
	return n, nil
}

// TestLargePlan: a plan of 100 MB is read in little memory, and one beyond the
// limit is refused.
func TestLargePlan(t *testing.T) {
	read := func(size, limit int) (most uint64, count int, err error) {
		var stats runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&stats)
		before := stats.HeapAlloc
		err = readAtMost(int64(limit), "plan.json", io.MultiReader(strings.NewReader(`{"format_version":"1.2","resource_changes":[`), &endless{left: size >> 16}), func(*Resource) error {
			if count++; count%200 == 0 {
				runtime.GC() // what is held, not what is garbage
				runtime.ReadMemStats(&stats)
				most = max(most, stats.HeapAlloc-min(before, stats.HeapAlloc))
			}
			return nil
		})
		return most, count, err
	}
	most, count, err := read(100<<20, MaxPlan)
	if err != nil || count != 1600 || most > 8<<20 {
		t.Errorf("%d resources, %d bytes of memory, %v", count, most, err)
	}
	if _, _, err := read(3<<20, 2<<20); err == nil || !strings.Contains(err.Error(), "too large: the limit is 2 MiB") {
		t.Errorf("beyond the limit: %v", err)
	}
}

// FuzzPlan: whatever a plan says, it makes a topology or an error.
func FuzzPlan(f *testing.F) {
	topo, _ := parse(f)
	m, err := ParseMap("map.yaml", fmt.Appendf(nil, rules, "tell"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(plan(resource("wire.x", "delete", `{"tags":{"link":"ab"}}`, "null", `{}`))))
	f.Add([]byte(plan(resource("wire.x", "update", `{"tags":{"link":"ab"},"speed":1,"delay":"1ms"}`, `{"speed":2,"delay":"2ms"}`, `{"speed":true}`))))
	f.Add([]byte(plan(resource("duct.x", "delete", `{}`, "null", `{}`), resource("box_a.a", "delete,create", `{}`, "null", `{}`))))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := Apply(topo, m, "plan.json", strings.NewReader(string(data)))
		if err == nil && e.After == nil {
			t.Fatal("neither a topology nor an error")
		}
	})
}

func FuzzMap(f *testing.F) {
	f.Add(fmt.Appendf(nil, rules, "tell"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if m, err := ParseMap("map.yaml", data); err == nil {
			for _, r := range m.Rules {
				if r.Kind == "" || checkTemplate(r.Object) != nil {
					t.Fatalf("%+v", r)
				}
			}
		}
	})
}
