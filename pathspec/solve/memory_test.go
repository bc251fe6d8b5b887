package solve

import (
	"encoding/json"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/admit"
	"github.com/keiro-net/keiro/pathspec/solve/problem"
	"github.com/keiro-net/keiro/topology"
)

// TestMemoryTwin: a run that remembers answers as it goes gives, to the byte,
// the solution of one that remembers nothing.
func TestMemoryTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		topo := randomTopology(t)
		intents := randomIntents(t, topo)
		policy := Policy{Joint: true, MaxMoves: rapid.IntRange(1, 4).Draw(t, "moves")}
		again := policy
		stands := Solve(Input{Topology: topo, Intents: intents, PathsOnly: true, Policy: policy})
		again.Standing = &stands
		next := changed(t, topo, 0)
		for _, p := range []Policy{policy, again} {
			r := admit.New(problem.Ordered(next), intents, p, nil)
			r.Walk()
			forgetful, _ := json.Marshal(r.Solution(admit.Paths))
			if s, _ := json.Marshal(Solve(Input{Topology: next, Intents: intents, PathsOnly: true, Policy: p})); string(s) != string(forgetful) {
				t.Errorf("with memory\n%s\nwithout\n%s", s, forgetful)
			}
		}
	})
}

// TestScarceTwin: where links are full and intents move, an engine that has
// seen other failures and changes gives the statuses and costs of a run that
// remembers nothing. Most answers come from memory there.
func TestScarceTwin(t *testing.T) {
	topo := grid(9, 7, 6)
	intents := crowd(topo, 60, []pathspec.Kind{pathspec.Link}, 1)
	for i := range intents {
		if i%5 == 0 {
			intents[i].Require.Disjoint = []pathspec.Kind{pathspec.Link, pathspec.SRLG}
		}
		if i%7 == 0 {
			intents[i].Require.MaxHops = 20
		}
	}
	for _, joint := range []bool{false, true} {
		policy := Policy{Joint: joint, MaxMoves: DefaultMaxMoves}
		cold := func(on *topology.Topology) pathspec.Solution {
			r := admit.New(problem.Ordered(on), intents, policy, nil)
			r.Walk()
			return r.Solution(admit.Paths)
		}
		e := NewEngine(topo, intents)
		e.Share(policy)
		full := 0
		compare := func(what string, warm, cold pathspec.Solution) {
			t.Helper()
			for i, a := range warm.Intents {
				if b := cold.Intents[i]; a.Status != b.Status || a.Cost != b.Cost || a.Optimal != b.Optimal {
					t.Errorf("joint=%v: %s: %s: warm %s %d %v, cold %s %d %v", joint, what, a.Name, a.Status, a.Cost, a.Optimal, b.Status, b.Cost, b.Optimal)
				} else if a.Status != pathspec.Satisfied {
					full++
				}
			}
		}
		for duct := range 21 {
			name := fmt.Sprint("duct", duct)
			o := topology.Outage{SRLGs: map[string]bool{name: true}}
			cut := topo.Without(o)
			want := cold(cut)
			compare("fail "+name, e.Fail(o, nil), want)
			if duct%3 == 0 {
				compare("cut "+name, e.Change(cut, nil), want)
				compare("mend "+name, e.Change(topo, nil), cold(topo))
			}
		}
		if full == 0 {
			t.Error("no intent lacks capacity: this tests nothing")
		}
	}
}
