package solve

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/draw"
	"github.com/keiro-net/keiro/topology"
)

// told writes one line for an answer: its paths, or why there are none.
func told(s pathspec.Solution) (lines []string) {
	for _, a := range s.Intents {
		line := a.Name
		for _, p := range a.Paths {
			line += " " + strings.Join(p.Links, ",")
		}
		if a.Status == pathspec.Satisfied {
			line += fmt.Sprintf(" cost %d", a.Cost)
			if !a.Optimal {
				line += " not optimal"
			}
		} else {
			line += fmt.Sprintf(" %s %s", a.Status, a.Why.Code)
		}
		lines = append(lines, line)
	}
	return lines
}

func expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// square has a short way a-x-b for all, and a long one a-y-b; only the short
// one leads to x.
var square = []string{"a x 1 10", "x b 1 10", "a y 5 10", "y b 5 10"}

// TestMakeRoom: whoever can go elsewhere makes room for one who cannot.
func TestMakeRoom(t *testing.T) {
	topo, intents := draw.Wires(square...), draw.Wants("early a b 10 0", "late a x 10 0")
	ask := func(p Policy) pathspec.Solution {
		s := Solve(Input{Topology: topo, Intents: intents, PathsOnly: true, Policy: p})
		for _, v := range pathspec.Check(topo, intents, &s) {
			if !v.CannotTell() {
				t.Error(v)
			}
		}
		return s
	}
	// a-x is all that late may use.
	intents[1].Require.MaxHops = 1
	expect(t, told(ask(Policy{})), "early a-x,x-b cost 2", "late infeasible not-sought")
	expect(t, told(ask(Policy{Joint: true})), "early a-x,x-b cost 2", "late infeasible not-sought")
	s := ask(Policy{Joint: true, MaxMoves: 1})
	expect(t, told(s), "early a-y,y-b cost 10", "late a-x cost 1")
	if j := s.Joint; j.Admitted != 2 || j.FirstCome != 1 || j.Moves != 1 || j.Costs[0].Cost != 11 || *j.Costs[0].Bound != 3 {
		t.Errorf("%+v %+v", *j, j.Costs[0])
	}
	// It does not for one of lower priority, and one of higher does not ask.
	intents[0].Priority = 1
	expect(t, told(ask(Policy{Joint: true, MaxMoves: 9})), "early a-x,x-b cost 2", "late infeasible not-sought")
	intents[1].Priority = 2
	expect(t, told(ask(Policy{})), "early a-y,y-b cost 10", "late a-x cost 1")
}

// TestChain: who makes room may need room that a third one makes.
func TestChain(t *testing.T) {
	topo := draw.Wires("a x 1 10", "x b 1 10", "a y 2 10", "y b 2 10", "a z 9 10", "z b 9 10")
	intents := draw.Wants("one a b 10 0", "two a y 10 0", "three a x 10 0")
	intents[2].Require.MaxHops = 1
	intents[0].Require.MaxDelay = 4 // x or y
	intents[1].Require.MaxHops = 3  // a-y, or by z and b
	for moves, want := range [][]string{
		{"one a-x,x-b cost 2", "two a-y cost 2", "three infeasible not-sought"},
		{"one a-x,x-b cost 2", "two a-y cost 2", "three infeasible not-sought"},
		{"one a-y,y-b cost 4", "two infeasible not-sought", "three a-x cost 1"},
	} {
		if moves == 2 {
			// y-b is full of one, so two needs another link to y.
			topo = draw.Wires("a x 1 10", "x b 1 10", "a y 2 10", "y b 2 10", "a z 9 10", "z y 9 10")
			want = []string{"one a-y,y-b cost 4", "two a-z,z-y cost 18", "three a-x cost 1"}
		}
		s := Solve(Input{Topology: topo, Intents: intents, PathsOnly: true, Policy: Policy{Joint: true, MaxMoves: moves}})
		expect(t, told(s), want...)
	}
}

// TestCheaperTogether: two equals swap where that is cheaper for both together.
func TestCheaperTogether(t *testing.T) {
	// early gains 1 at x, late loses 100 without it.
	topo, intents := draw.Wires("a x 1 10", "x b 1 10", "a y 2 10", "y b 1 10", "c a 1 10", "c z 50 10", "z b 51 10"), draw.Wants("early a b 10 0", "late c b 10 0")
	intents[1].Require.Avoid.Nodes = []string{"y"}
	first := Solve(Input{Topology: topo, Intents: intents, PathsOnly: true})
	expect(t, told(first), "early a-x,x-b cost 2", "late c-z,z-b cost 101")
	joint := Solve(Input{Topology: topo, Intents: intents, PathsOnly: true, Policy: Policy{Joint: true, MaxMoves: 2}})
	expect(t, told(joint), "early a-y,y-b cost 3", "late c-a,a-x,x-b cost 3")
	if c := joint.Joint.Costs[0]; c.FirstCome != 103 || c.Cost != 6 || *c.Bound != 5 {
		t.Errorf("%+v", c)
	}
}

// TestKeep: what stands stays, unless another set gains more than the margin,
// does not meet its intent any more, or is in the way of who comes before.
func TestKeep(t *testing.T) {
	topo, intents := draw.Wires("a x 10 10", "x b 10 10", "a y 11 10", "y b 11 10"), draw.Wants("i a b 10 0")
	stands := Solve(Input{Topology: topo.Without(topology.Outage{Entries: map[string]bool{"a-x": true}}), Intents: intents, PathsOnly: true})
	ask := func(topo *topology.Topology, margin, moves int, intents ...pathspec.Intent) pathspec.Solution {
		return Solve(Input{Topology: topo, Intents: intents, Policy: Policy{Joint: true, Standing: &stands, KeepMargin: margin, MaxMoves: moves}})
	}
	expect(t, told(ask(topo, 10, 9, intents...)), "i a-y,y-b cost 22 not optimal")
	expect(t, told(ask(topo, 5, 9, intents...)), "i a-x,x-b cost 20")
	s := ask(topo, 5, 0, intents...)
	expect(t, told(s), "i a-y,y-b cost 22 not optimal")
	if s.Joint.Kept != 1 || s.Joint.Moves != 0 {
		t.Errorf("%+v", *s.Joint)
	}
	strict := slices.Clone(intents)
	strict[0].Require.MaxDelay = 21
	expect(t, told(ask(topo, 50, 0, strict...)), "i a-x,x-b cost 20")
	cut := topo.Without(topology.Outage{Entries: map[string]bool{"y-b": true}})
	expect(t, told(ask(cut, 50, 0, intents...)), "i a-x,x-b cost 20")

	// More important ones take what they need; what stood is told who did.
	strong := draw.Wants("strong a y 10 9", "stronger a x 10 9")
	strong[0].Require.MaxHops, strong[1].Require.MaxHops = 1, 1
	expect(t, told(ask(topo, 10, 0, intents[0], strong[0])), "i a-x,x-b cost 20", "strong a-y cost 11")
	s = ask(topo, 10, 0, intents[0], strong[0], strong[1])
	expect(t, told(s), "i infeasible pre-empted", "strong a-y cost 11", "stronger a-x cost 10")
	if why := s.Intents[0].Why; !strings.HasPrefix(why.Message, "pre-empted: strong took the capacity of a-y") || s.Joint.Preempted != 1 {
		t.Errorf("%q %+v", why.Message, *s.Joint)
	}
}

// TestStandingTwin: what stands costs no answer, holds beside all others, and
// moves no more than allowed by choice; where it is kept whole, nothing moves.
func TestStandingTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		topo := randomTopology(t)
		intents := randomIntents(t, topo)
		policy := Policy{Joint: true, MaxMoves: rapid.IntRange(0, 3).Draw(t, "moves"), KeepMargin: rapid.SampledFrom([]int{0, 10, 100}).Draw(t, "margin")}
		stands := Solve(Input{Topology: topo, Intents: intents, PathsOnly: true, Policy: policy})
		again := policy
		again.Standing = &stands
		s := Solve(Input{Topology: topo, Intents: intents, PathsOnly: true, Policy: again})
		if s.Joint.Moves > 0 {
			t.Errorf("%d moves where nothing has changed", s.Joint.Moves)
		}
		next := changed(t, topo, 0)
		free := Solve(Input{Topology: next, Intents: intents, PathsOnly: true, Policy: policy})
		held := Solve(Input{Topology: next, Intents: intents, PathsOnly: true, Policy: again})
		holds(t, "held", next, intents, held)
		for _, priority := range []int{1, 0} {
			was, is := 0, 0
			for i, in := range intents {
				if in.Priority == priority && free.Intents[i].Status == pathspec.Satisfied {
					was++
				}
				if in.Priority == priority && held.Intents[i].Status == pathspec.Satisfied {
					is++
				}
			}
			if is < was {
				t.Errorf("priority %d: %d admitted, %d where nothing stands", priority, is, was)
			}
			if was > 0 && priority == 1 {
				break // what is kept above may leave more or less below
			}
		}
		a, _ := json.Marshal(held)
		b, _ := json.Marshal(Solve(Input{Topology: next, Intents: intents, PathsOnly: true, Policy: again}))
		if string(a) != string(b) {
			t.Errorf("two answers to one question:\n%s\n%s", a, b)
		}
	})
}
