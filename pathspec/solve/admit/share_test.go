package admit

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/disjoint"
	"github.com/keiro-net/keiro/pathspec/solve/draw"
	"github.com/keiro-net/keiro/pathspec/solve/problem"
	"github.com/keiro-net/keiro/topology"
)

// ticks is a clock that strikes whenever it is asked, and a limit of so many.
func ticks(limit int) func() float64 {
	asked := 0
	return func() float64 { asked++; return float64(asked) / float64(limit) }
}

// TestSecondRound: one whose share was too short is answered in the second
// round, takes the capacity that is its due, and in the end all is as it is
// without a limit.
func TestSecondRound(t *testing.T) {
	topo := problem.Ordered(draw.Geometric(draw.Plan{Nodes: 40, Links: 120, Risks: draw.LocalRisks, PerLink: 1, Groups: 60, Sites: 13, Seed: 3}))
	var intents []pathspec.Intent
	for i := range 8 {
		in := pathspec.Intent{Name: fmt.Sprint("i", i), From: topo.Nodes[i/2].Name, To: topo.Nodes[39-i/2].Name, Priority: 4 - i/4}
		in.Require = pathspec.Require{Multiplicity: 1 + (8-i)/3, Disjoint: []pathspec.Kind{pathspec.Link, pathspec.SRLG}, Bandwidth: 2}
		intents = append(intents, in)
	}
	for _, policy := range []Policy{{}, {Joint: true, MaxMoves: 9}} {
		whole := New(topo, intents, policy, nil)
		whole.Walk()
		truth, _ := json.Marshal(whole.Solution(Paths))
		first, second, made, short := 0, 0, 0, 0
		for limit := 50; limit < 100_000; limit += limit / 8 {
			c := &Clock{spent: ticks(limit)}
			c.stop = func() bool { return c.spent() >= 1 }
			r := New(topo, intents, policy, c.stop).Share(c, Paths)
			s := r.Solution(Paths)
			if r.turn(0); r.hurried {
				short++
				claims(t, topo, intents, policy, &s)
				continue
			}
			if r.past == nil {
				first++
			} else if second++; !slices.EqualFunc(r.first, r.past.first, func(a, b Found) bool { return sameSet(a.Set, b.Set) }) {
				made++
			}
			if got, _ := json.Marshal(s); string(got) != string(truth) {
				t.Fatalf("limit %d: got\n%s, want\n%s", limit, got, truth)
			}
		}
		if first == 0 || second == 0 || made == 0 || short == 0 {
			t.Errorf("%+v: %d limits were enough at once, %d in the second round, which made other sets in %d, %d were too short: they try nothing",
				policy, first, second, made, short)
		}
	}
}

// claims asks for every proven answer again, with all time.
func claims(t *testing.T, topo *topology.Topology, intents []pathspec.Intent, policy Policy, s *pathspec.Solution) {
	r := New(topo, intents, policy, nil)
	for i := range r.now {
		set, _ := r.read(&s.Intents[i])
		r.now[i] = Found{s.Intents[i], set}
	}
	r.each(func(i int, q *question) {
		a := &s.Intents[i]
		truth, _, _ := q.answer()
		switch {
		case policy.Joint && intents[i].Objective == pathspec.Balance: // its cost counts those before only
		case a.Status == pathspec.Infeasible && truth.Status != a.Status, a.Optimal && (truth.Status != a.Status || truth.Cost != a.Cost):
			t.Errorf("%s: %s %d optimal %v, with time %s %d", a.Name, a.Status, a.Cost, a.Optimal, truth.Status, truth.Cost)
		case a.Bound > 0 && truth.Cost < a.Bound:
			t.Errorf("%s: no set is said to cost less than %d, one costs %d", a.Name, a.Bound, truth.Cost)
		}
	})
}

// TestBetter: of two rounds an intent has the better answer that is true in
// the capacity that is left in the second.
func TestBetter(t *testing.T) {
	topo := draw.Wires("a x 1 10", "x b 1 10", "a y 5 10", "y b 5 10")
	intents := draw.Wants("i a b 10 0")
	open := Found{Answer: pathspec.Answer{Name: "i", Status: pathspec.Undecided}}
	first := New(topo, intents, Policy{}, nil)
	first.book(0, []disjoint.Path{{0, 2}}, 1) // somebody else has the short way
	first.first[0] = first.find(0)
	if f := first.first[0]; f.Cost != 10 || !f.Proven() {
		t.Fatalf("%+v", f)
	}
	p := &past{first, slices.Clone(first.reserved)}
	second := New(topo, intents, Policy{}, nil)
	if _, kept := p.still(second, 0); kept {
		t.Error("kept, though the short way is free")
	}
	if f := p.better(second, 0, open); f.Cost != 10 || f.Status != pathspec.Satisfied || f.Proven() {
		t.Errorf("the set fits in, and is not the best: %+v", f)
	}
	if f := p.better(second, 0, second.find(0)); f.Cost != 2 || !f.Proven() {
		t.Errorf("proven now: %+v", f)
	}
	second.book(0, []disjoint.Path{{4, 6}}, 1)
	if f := p.better(second, 0, open); f.Status != pathspec.Undecided {
		t.Errorf("the set does not fit in: %+v", f)
	}
	copy(second.reserved, first.reserved)
	if f, kept := p.still(second, 0); !kept || f.Cost != 10 || !f.Proven() {
		t.Errorf("all is as it was: %+v", f)
	}
	first.first[0].Optimal, first.first[0].Bound = false, 7
	if f, kept := p.still(second, 0); kept {
		t.Errorf("kept, though open: %+v", f)
	}
	if f := p.better(second, 0, open); f.Bound != 7 || f.Cost != 10 {
		t.Errorf("nothing changed, so that the bound holds: %+v", f)
	}
	clear(second.reserved)
	if f := p.better(second, 0, open); f.Bound != 0 || f.Cost != 10 {
		t.Errorf("with more capacity the bound does not hold: %+v", f)
	}
}
