package controller

import (
	"errors"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/controller/store"
	"github.com/keiro-net/keiro/pathspec/gate"
)

const ring = `apiVersion: keiro/v1
kind: Topology
metadata: {name: ring}
spec:
  defaults: {link: {srlgs: []}}
  nodes: [{name: a}, {name: b}, {name: c}]
  links:
    - {a: a, b: b}
    - {a: b, b: c}
    - {a: a, b: c}
`

const pair = `apiVersion: keiro/v1
kind: PathIntent
metadata: {name: gold}
spec:
  from: a
  to: c
  traffic: [{from: 10.1.0.0/16, to: 10.3.0.0/16}]
  require: {multiplicity: 2, disjoint: [link]}
  objective: hops
`

// loses demands that a change was refused for what gold would lose.
func loses(t *testing.T, what string, err error) {
	t.Helper()
	var refusal *resource.Error
	if !errors.As(err, &refusal) || refusal.Kind != resource.Conflict || len(refusal.Findings) == 0 {
		t.Errorf("%s: %v", what, err)
		return
	}
	if f := refusal.Findings[0]; f.Intent != "gold" || f.Verdict != gate.Degraded || !strings.Contains(err.Error(), "intent:gold") {
		t.Errorf("%s: %+v", what, f)
	}
}

func TestGuard(t *testing.T) {
	clock := &hand{}
	clock.set(0, 0)
	o := open(t, store.Memory(), clock)
	must := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err := o.apply(t, 0, ring, pair)
	must("the first declaration", err)
	without := strings.Replace(ring, "    - {a: a, b: c}\n", "", 1)
	_, err = o.apply(t, 0, without)
	loses(t, "a link taken away", err)
	if len(o.links()) != 3 {
		t.Error("what was refused was done")
	}
	for _, what := range []resource.Drain{{Kind: "link", Name: "a--b"}, {Kind: "node", Name: "b"}} {
		_, err = o.Drain(t.Context(), what)
		loses(t, "drain "+what.Name, err)
	}
	if s := o.State(); len(s.Drains) != 0 {
		t.Errorf("refused, and drained: %v", s.Drains)
	}
	impossible := strings.NewReplacer("gold", "silver", "multiplicity: 2", "multiplicity: 3", "10.1", "10.7").Replace(pair)
	_, err = o.apply(t, 0, impossible)
	must("a new intent that nothing can meet", err)
	_, err = o.DeleteIntent(t.Context(), "silver", 0)
	must("an intent taken back", err)
	weaker := strings.NewReplacer("multiplicity: 2, disjoint: [link]", "multiplicity: 1").Replace(pair)
	_, err = o.apply(t, 0, weaker, without)
	must("less is wanted, and less is there", err)
	_, err = o.Drain(t.Context(), resource.Drain{Kind: "link", Name: "a--b"})
	loses(t, "drain the only way", err)
	_, err = o.apply(t, 0, ring)
	must("the link comes back", err)
	_, err = o.Drain(t.Context(), resource.Drain{Kind: "link", Name: "a--b"})
	must("drain what one path does not need", err)
	_, err = o.Drain(t.Context(), resource.Drain{Kind: "link", Name: "a--b", Reason: "splice"})
	must("another reason", err)
	_, err = o.Drain(t.Context(), resource.Drain{Kind: "link", Name: "a--c"})
	loses(t, "drain what is left", err)
	must("undrain", o.Undrain(t.Context(), "link", "a--b"))
	_, err = o.Drain(t.Context(), resource.Drain{Kind: "link", Name: "a--c"})
	must("a longer way for one path, which declares no margin", err)
}

func TestChanges(t *testing.T) {
	clock := &hand{}
	clock.set(0, 0)
	o := open(t, store.Memory(), clock)
	_, err := o.Changes(t.Context(), resource.Changes{})
	refused(t, err, resource.Invalid, "no topology")
	if _, err := o.apply(t, 0, ring, strings.Replace(pair, "multiplicity: 2, disjoint: [link]", "multiplicity: 1", 1)); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Drain(t.Context(), resource.Drain{Kind: "link", Name: "a--b"}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what string
		ask  resource.Changes
		want gate.Verdict
	}{
		{"nothing", resource.Changes{}, gate.Unchanged},
		{"drain what is left", resource.Changes{Drain: []string{"link:a--c"}}, gate.Degraded},
		{"one for the other", resource.Changes{Drain: []string{"link:a--c"}, Undrain: []string{"link:a--b"}}, gate.Degraded}, // its margin
		{"take the intent back", resource.Changes{Remove: []string{"gold"}, Drain: []string{"link:a--c"}}, gate.Changes},
		{"documents", resource.Changes{Documents: []resource.Document{{Name: "f", Data: []byte(strings.Replace(ring, "    - {a: a, b: c}\n", "", 1))}}}, gate.Degraded},
	} {
		plan, err := o.Changes(t.Context(), c.ask)
		if err != nil || plan.Verdict != c.want {
			t.Errorf("%s: %v, %+v", c.what, err, plan)
		}
	}
	_, err = o.Changes(t.Context(), resource.Changes{Undrain: []string{"link:a--c"}})
	refused(t, err, resource.NotFound, "link:a--c is not drained")
	_, err = o.Changes(t.Context(), resource.Changes{Drain: []string{"link:z"}})
	refused(t, err, resource.NotFound, "no link:z")
	if d, _ := o.now(); d.Generation != 1 || len(o.State().Drains) != 1 {
		t.Error("to ask changed something")
	}
}
