package declare

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/controller/api/resource"
)

const square = `apiVersion: keiro/v1
kind: Topology
metadata: {name: square}
spec:
  nodes: [{name: a}, {name: b}, {name: c}]
  links:
    - {a: a, b: b}
    - {a: b, b: c}
`

const gold = `apiVersion: keiro/v1
kind: PathIntent
metadata: {name: gold}
spec:
  from: a
  to: c
  traffic: [{from: 10.1.0.0/16, to: 10.3.0.0/16}]
  require: {maxHops: 4}
  objective: hops
`

func docs(texts ...string) []resource.Document {
	var out []resource.Document
	for _, text := range texts {
		out = append(out, resource.Document{Name: "f.yaml", Data: []byte(text)})
	}
	return out
}

func mustDeclare(t *testing.T, d State, texts ...string) (State, []resource.ObjectChange) {
	t.Helper()
	next, changes, err := d.Declare(docs(texts...))
	if err != nil {
		t.Fatal(err)
	}
	return next, changes
}

func empty(t *testing.T) State {
	t.Helper()
	d, err := Decode(nil)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func actions(changes []resource.ObjectChange) string {
	var out []string
	for _, c := range changes {
		out = append(out, c.Kind+" "+c.Name+" "+string(c.Action))
	}
	return strings.Join(out, ", ")
}

func TestDeclare(t *testing.T) {
	d, changes := mustDeclare(t, empty(t), square, gold)
	if got, want := actions(changes), "Topology square created, PathIntent gold created"; got != want {
		t.Errorf("changes %q, want %q", got, want)
	}
	if d.Generation != 1 || d.TopologyGeneration != 1 || d.Generations["gold"] != 1 {
		t.Errorf("generations %d %d %v, want 1 each", d.Generation, d.TopologyGeneration, d.Generations)
	}

	same, changes := mustDeclare(t, d, square, gold)
	if got, want := actions(changes), "Topology square unchanged, PathIntent gold unchanged"; got != want {
		t.Errorf("changes %q, want %q", got, want)
	}
	if same.Generation != 1 {
		t.Errorf("nothing changed, but the generation is %d", same.Generation)
	}

	tighter, changes := mustDeclare(t, d, strings.Replace(gold, "maxHops: 4", "maxHops: 3", 1))
	if len(changes) != 1 || changes[0].Action != resource.Configured ||
		!reflect.DeepEqual(changes[0].Fields, []string{"- maxHops: 4", "+ maxHops: 3"}) {
		t.Errorf("changes %+v", changes)
	}
	if tighter.Generation != 2 || tighter.Generations["gold"] != 2 || tighter.TopologyGeneration != 1 {
		t.Errorf("generations %d %v %d", tighter.Generation, tighter.Generations, tighter.TopologyGeneration)
	}
	if d.Intents[0].Require.MaxHops != 4 {
		t.Error("the state before was changed too")
	}

	two, _ := mustDeclare(t, d, strings.Replace(gold, "maxHops: 4", "multiplicity: 2", 1))
	_, changes = mustDeclare(t, two, strings.Replace(gold, "{maxHops: 4}", "{multiplicity: 2}\n  mode: spread\n  weights: [3, 1]", 1))
	if len(changes) != 1 || !slices.Contains(changes[0].Fields, "+ mode: spread") || !slices.Contains(changes[0].Fields, "+ weights: [3, 1]") {
		t.Errorf("another mode: changes %+v", changes)
	}

	gone, changes, err := tighter.Remove("gold")
	if err != nil || actions(changes) != "PathIntent gold deleted" || len(gone.Intents) != 0 || gone.Generation != 3 {
		t.Errorf("remove: %v %v %+v", err, changes, gone)
	}
	if len(tighter.Intents) != 1 {
		t.Error("the state before was changed too")
	}
}

func TestDeclareNumbersStay(t *testing.T) {
	d, _ := mustDeclare(t, empty(t), square, gold)
	locator, link, intent := d.IDs.Locator("b"), d.IDs.Link("b", "b--c"), d.IDs.Intents["gold"]
	// Others come before them in the file, and a--b goes.
	next, _ := mustDeclare(t, d, strings.Replace(strings.Replace(square, "[{name: a}", "[{name: z}, {name: a}", 1), "{a: a, b: b}", "{a: z, b: b}", 1))
	if next.IDs.Locator("b") != locator || next.IDs.Link("b", "b--c") != link || next.IDs.Intents["gold"] != intent {
		t.Errorf("numbers moved: %v", next.IDs)
	}
	if got := next.IDs.Link("b", "z--b"); got == d.IDs.Link("b", "a--b") {
		t.Errorf("z--b has the number %d that a--b just had", got)
	}
}

func TestDeclareRefuses(t *testing.T) {
	full, _ := mustDeclare(t, empty(t), square, gold)
	for _, c := range []struct{ name, text, want string }{
		{"no topology yet", gold, "no topology is declared"},
		{"all mistakes at once", strings.Replace(gold, "maxHops: 4", "maxHops: -4", 1) + "---\n" + strings.Replace(square, "b: c", "b: nowhere", 1), "nowhere"},
		{"end unknown", square + "---\n" + strings.Replace(gold, "to: c", "to: moon", 1), "moon"},
	} {
		t.Run(c.name, func(t *testing.T) {
			from := empty(t)
			_, _, err := from.Declare(docs(c.text))
			var refusal *resource.Error
			if !errors.As(err, &refusal) || refusal.Kind != resource.Invalid || !strings.Contains(refusal.Error(), c.want) {
				t.Errorf("error %v, want Invalid with %q", err, c.want)
			}
		})
	}
	if _, _, err := full.Declare(docs(strings.Replace(square, "name: c", "name: d", 1))); err == nil {
		t.Error("a topology without the end of an intent was taken")
	}
	if _, _, err := full.Remove("silver"); err == nil {
		t.Error("an intent that is not there was removed")
	}
}

func TestDeclaredIsStored(t *testing.T) {
	d, _ := mustDeclare(t, empty(t), square, gold)
	blob, err := d.Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := Decode(blob)
	if err != nil {
		t.Fatal(err)
	}
	again, err := back.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if string(blob) != string(again) {
		t.Errorf("stored\n%s\nread back as\n%s", blob, again)
	}
	if _, err := Decode([]byte("{")); err == nil {
		t.Error("a torn blob was read")
	}
}
