package declare

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

var noon = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)

// pended is a state of which a change awaits its confirmation, as it is after a
// restart: another link and another intent, and a declared intent that differs.
func pended(t *testing.T) (before, after State) {
	t.Helper()
	before, _ = mustDeclare(t, empty(t), square, gold)
	after, _ = mustDeclare(t, before, square+"    - {a: a, b: c}\n", strings.Replace(gold, "maxHops: 4", "maxHops: 2", 1),
		strings.NewReplacer("gold", "silver", "10.1", "10.7").Replace(gold))
	blob, err := after.Pended(before, "alice", noon, 5*time.Minute).Encode()
	if err == nil {
		after, err = Decode(blob)
	}
	if err != nil {
		t.Fatal(err)
	}
	return before, after
}

func TestPendedSurvivesARestart(t *testing.T) {
	before, after := pended(t)
	want := resource.Pending{Generation: 2, By: "alice", Since: noon, Until: noon.Add(5 * time.Minute)}
	if after.Pending == nil || after.Pending.Pending != want {
		t.Fatalf("%+v", after.Pending)
	}
	if was, _ := before.Encode(); string(was) != string(must(t, *after.Pending.Before)) {
		t.Error("the state before is another")
	}
	var refusal *resource.Error
	if err := after.Hold(); !errors.As(err, &refusal) || refusal.Kind != resource.Conflict || !strings.Contains(err.Error(), "change 2 of alice") || !strings.Contains(err.Error(), "12:05:00Z") {
		t.Errorf("hold: %v", err)
	}
	if err := before.Hold(); err != nil {
		t.Errorf("hold of a state that stays: %v", err)
	}
}

func must(t *testing.T, d State) []byte {
	t.Helper()
	blob, err := d.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return blob
}

func TestRollback(t *testing.T) {
	before, after := pended(t)
	next, changes, err := after.Rollback(2)
	if err != nil {
		t.Fatal(err)
	}
	if got := actions(changes); got != "Topology square configured, PathIntent gold configured, PathIntent silver deleted" {
		t.Errorf("changes: %s", got)
	}
	if string(topology.Format(next.Topology)) != string(topology.Format(before.Topology)) || string(pathspec.Format(next.Intents)) != string(pathspec.Format(before.Intents)) {
		t.Error("it is not what was declared before")
	}
	if next.Pending != nil || next.Generation != 3 || next.TopologyGeneration != 3 || !reflect.DeepEqual(next.Generations, map[string]uint64{"gold": 3}) {
		t.Errorf("generation %d, of the topology %d, of intents %v, pending %v", next.Generation, next.TopologyGeneration, next.Generations, next.Pending)
	}
	if !reflect.DeepEqual(next.IDs.Intents, before.IDs.Intents) || !reflect.DeepEqual(next.IDs.Links, before.IDs.Links) || !reflect.DeepEqual(next.IDs.Locators, before.IDs.Locators) {
		t.Error("what comes back has other numbers than before")
	}
	bronze, _ := mustDeclare(t, next, strings.NewReplacer("gold", "bronze", "10.1", "10.8").Replace(gold))
	if bronze.IDs.Intents["bronze"] == after.IDs.Intents["silver"] {
		t.Error("the number of what was taken back is given again at once")
	}
	if before.Generations["gold"] != 1 || after.Pending == nil {
		t.Error("a state was changed in place")
	}
}

func TestConfirm(t *testing.T) {
	before, after := pended(t)
	next, changes, err := after.Confirm(0)
	if err != nil || len(changes) != 0 || next.Pending != nil || next.Generation != 3 {
		t.Fatalf("%+v, %+v, %v", next, changes, err)
	}
	if string(pathspec.Format(next.Intents)) != string(pathspec.Format(after.Intents)) || next.Generations["gold"] != 2 || next.TopologyGeneration != 2 {
		t.Error("to confirm changed what is declared")
	}
	for _, word := range []func(State, uint64) (State, []resource.ObjectChange, error){State.Confirm, State.Rollback} {
		for _, c := range []struct {
			state  State
			change uint64
			kind   resource.ErrorKind
		}{{before, 0, resource.NotFound}, {next, 2, resource.NotFound}, {after, 1, resource.Stale}} {
			var refusal *resource.Error
			if _, _, err := word(c.state, c.change); !errors.As(err, &refusal) || refusal.Kind != c.kind {
				t.Errorf("change %d: %v, want %s", c.change, err, c.kind)
			}
		}
	}
}
