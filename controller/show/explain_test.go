package show

import (
	"slices"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/controller/core"
	"github.com/keiro-net/keiro/controller/declare"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// What is still being computed is said to be so, and no reserve or reason is
// given for it.
func TestExplainSaysWhatIsToCome(t *testing.T) {
	reserve := &pathspec.Reserve{Exact: true}
	satisfied := pathspec.Answer{Name: "gold", Status: pathspec.Satisfied, Optimal: true, Pending: true}
	for _, c := range []struct {
		name   string
		change func(*resource.IntentStatus)
		want   []string
		not    []string
	}{
		{"pending", func(*resource.IntentStatus) {}, []string{"reserve: being computed"}, nil},
		{"explained", func(s *resource.IntentStatus) { s.Answer.Pending, s.Answer.Reserve = false, reserve },
			[]string{"reserve: the whole requirement can still be met after exactly 0 link, 0 node, 0 srlg failures"}, []string{"reserve: being computed"}},
		{"the world has changed", func(s *resource.IntentStatus) { s.ObservedGeneration = 0 },
			[]string{"the answer to what changed last is being computed"}, nil},
		{"no answer", func(s *resource.IntentStatus) { s.Answer = Answer(core.IntentView{}) }, []string{"why: no answer yet"}, []string{"reserve: being computed"}},
	} {
		i := &resource.Intent{Status: resource.IntentStatus{ObservedGeneration: 1, Answer: satisfied}}
		c.change(&i.Status)
		lines := Explain(i, &resource.State{}, declare.State{}).Lines
		for _, want := range c.want {
			if !slices.Contains(lines, want) {
				t.Errorf("%s: no line %q in %q", c.name, want, lines)
			}
		}
		for _, not := range c.not {
			if slices.Contains(lines, not) {
				t.Errorf("%s: line %q in %q", c.name, not, lines)
			}
		}
	}
}

// An intent that wants QKD keys says who sees them, by what is declared and not
// by what stores have just now, and which links have none to be counted on.
func TestExplainSaysWhoSeesKeys(t *testing.T) {
	topo, err := topology.Parse("t.yaml", []byte("{apiVersion: keiro/v1, kind: Topology, metadata: {name: t}, spec: {nodes: [{name: a}, {name: b}, {name: c}], links: [{a: a, b: b, qkd: true}, {a: b, b: c, qkd: true}]}}"))
	if err != nil {
		t.Fatal(err)
	}
	in := pathspec.Intent{Name: "gold", From: "a", To: "c", Require: pathspec.Require{Multiplicity: 1, Encryption: pathspec.QKD}}
	d := declare.State{Spec: core.Spec{Topology: topo, Intents: []pathspec.Intent{in}}}
	i := &resource.Intent{Metadata: resource.Metadata{Name: "gold"}, Status: resource.IntentStatus{Answer: pathspec.Answer{Name: "gold", Status: pathspec.Infeasible}}}
	state := &resource.State{Links: []*resource.Link{{Name: "a--b", QKD: true, Keyless: "the store of QKD keys at node a is low"}, {Name: "b--c", QKD: true}}}
	got := Explain(i, state, d)
	for _, want := range []string{
		"QKD keys of a and c are seen by the KMEs of both, and by the trusted nodes between them: b; the KMEs do not tell which way a key took",
		"no QKD keys to be counted on now: link a--b: the store of QKD keys at node a is low",
	} {
		if !slices.Contains(got.Lines, want) {
			t.Errorf("no line %q in %q", want, got.Lines)
		}
	}
	if len(got.KeyHolders) != 1 || !slices.Equal(got.KeyHolders[0].Relays, []string{"b"}) {
		t.Errorf("%+v", got.KeyHolders)
	}
	d.Intents[0].Require.Encryption = pathspec.PQ
	if got := Explain(i, state, d); len(got.KeyHolders) > 0 || slices.ContainsFunc(got.Lines, func(l string) bool { return strings.Contains(l, "QKD") }) {
		t.Errorf("without QKD: %q", got.Lines)
	}
}
