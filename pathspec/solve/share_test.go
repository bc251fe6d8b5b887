package solve

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/disjoint"
	"github.com/keiro-net/keiro/topology"
)

// ticks is a clock that strikes whenever it is asked, and a limit of so many.
func ticks(limit int) func() float64 {
	asked := 0
	return func() float64 { asked++; return float64(asked) / float64(limit) }
}

// hopeless asks for two paths of equal delay through a mesh of random delays:
// the search goes through most of the paths there are.
func hopeless() (*topology.Topology, pathspec.Intent) {
	in := pathspec.Intent{Name: "hopeless", From: "n26", To: "n117"}
	in.Require = pathspec.Require{Multiplicity: 2, Disjoint: []pathspec.Kind{pathspec.Link, pathspec.Node}, MaxDelaySpread: new(topology.Delay(0))}
	return mesh(12, 12), in
}

// TestHopelessFirst: one intent that takes all time there is takes none of the
// time of those after it, who are answered in full.
func TestHopelessFirst(t *testing.T) {
	topo, first := hopeless()
	intents := []pathspec.Intent{first}
	for i := range 9 {
		in := pathspec.Intent{Name: fmt.Sprint("easy", i), From: fmt.Sprint("n", i), To: fmt.Sprint("n", 143-i)}
		in.Require = pathspec.Require{Multiplicity: 1 + i%2, Disjoint: []pathspec.Kind{pathspec.Link}}
		intents = append(intents, in)
	}
	truth := Solve(Input{Topology: topo, Intents: intents[1:]})
	if answers := truth.Intents; !slices.ContainsFunc(answers, func(a pathspec.Answer) bool { return a.Status != answers[0].Status }) {
		t.Fatal("all easy ones have one status: they do not try reasons and reserves")
	}
	for _, policy := range []Policy{{}, {Joint: true, MaxMoves: 9}} {
		const limit = 50_000
		s := Solve(Input{Topology: topo, Intents: intents, Spent: ticks(limit), Policy: policy})
		if a := s.Intents[0]; a.Optimal || a.Status == pathspec.Infeasible {
			t.Errorf("%+v is proven: not hopeless enough", a)
		}
		for i, a := range s.Intents[1:] {
			got, _ := json.Marshal(a)
			if want, _ := json.Marshal(truth.Intents[i]); string(got) != string(want) {
				t.Errorf("%+v: got\n%s, want\n%s", policy, got, want)
			}
		}
	}
}

// TestSharedClaims: however short the time, what is said to be proven is so in
// the capacity that those before leave in the end, or with Joint all others of
// the same priority as well, and what is reserved is there.
func TestSharedClaims(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		topo := denseTopology(t)
		intents := randomIntents(t, topo)
		policy := Policy{Joint: rapid.Bool().Draw(t, "joint"), MaxMoves: 3}
		limit := rapid.IntRange(1, 400).Draw(t, "limit")
		in := Input{Topology: topo, Intents: intents, PathsOnly: true, Policy: policy}
		in.Spent = ticks(limit)
		s := Solve(in)
		holds(t, "shared", topo, intents, s)
		claims(t, topo, intents, policy, &s)
		in.Spent = ticks(limit)
		a, _ := json.Marshal(s)
		if b, _ := json.Marshal(Solve(in)); string(a) != string(b) {
			t.Errorf("two answers to one question:\n%s\n%s", a, b)
		}
	})
}

// claims asks for every proven answer again, with all time.
func claims(t rapid.TB, topo *topology.Topology, intents []pathspec.Intent, policy Policy, s *pathspec.Solution) {
	topo = ordered(topo)
	r := newRun(topo, intents, policy, nil)
	for i := range r.now {
		set, _ := r.read(&s.Intents[i])
		r.now[i] = found{s.Intents[i], set}
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

// TestSecondRound: one whose share was too short is answered in the second
// round, takes the capacity that is its due, and in the end all is as it is
// without a limit.
func TestSecondRound(t *testing.T) {
	topo := inNameOrder(geometric(drawing{nodes: 40, links: 120, risks: localRisks, perLink: 1, groups: 60, sites: 13, seed: 3}))
	var intents []pathspec.Intent
	for i := range 8 {
		in := pathspec.Intent{Name: fmt.Sprint("i", i), From: topo.Nodes[i/2].Name, To: topo.Nodes[39-i/2].Name, Priority: 4 - i/4}
		in.Require = pathspec.Require{Multiplicity: 1 + (8-i)/3, Disjoint: []pathspec.Kind{pathspec.Link, pathspec.SRLG}, Bandwidth: 2}
		intents = append(intents, in)
	}
	for _, policy := range []Policy{{}, {Joint: true, MaxMoves: 9}} {
		truth, _ := json.Marshal(Solve(Input{Topology: topo, Intents: intents, PathsOnly: true, Policy: policy}))
		first, second, made, short := 0, 0, 0, 0
		for limit := 50; limit < 100_000; limit += limit / 8 {
			c := &clock{spent: ticks(limit)}
			c.stop = func() bool { return c.spent() >= 1 }
			r := newRun(ordered(topo), intents, policy, c.stop).share(c, 1)
			s := r.solution(paths)
			if r.turn(0); r.hurried {
				short++
				claims(t, topo, intents, policy, &s)
				continue
			}
			if r.prior == nil {
				first++
			} else if second++; !slices.EqualFunc(r.first, r.prior.first, func(a, b found) bool { return sameSet(a.set, b.set) }) {
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

// beside is two networks as one.
func beside(t, u *topology.Topology) *topology.Topology {
	entries, links := slices.Clone(t.Entries), slices.Clone(t.Links)
	for _, e := range u.Entries {
		e.A, e.B = e.A+len(t.Nodes), e.B+len(t.Nodes)
		entries = append(entries, e)
	}
	for _, l := range u.Links {
		l.Entry, l.From, l.To = l.Entry+len(t.Entries), l.From+len(t.Nodes), l.To+len(t.Nodes)
		links = append(links, l)
	}
	return topology.New(t.Name, nil, append(slices.Clone(t.Nodes), u.Nodes...), entries, links)
}

// TestHopelessEqual: nobody waits for one that is open to make room.
func TestHopelessEqual(t *testing.T) {
	topo, first := hopeless()
	for l := range topo.Links {
		topo.Links[l].Capacity = topology.Declare(topology.Bandwidth(2))
	}
	first.From, first.To, first.Require.Bandwidth = "n50", "n93", 1
	topo = beside(topo, wires("a x 1 10", "x b 1 10", "a y 2 10", "y b 1 10", "c a 1 10", "c z 50 10", "z b 51 10"))
	intents := append([]pathspec.Intent{first}, wants("early a b 10 0", "late c b 10 0")...) // see TestCheaperTogether
	intents[2].Require.Avoid.Nodes = []string{"y"}
	policy := Policy{Joint: true, MaxMoves: 9}
	s := Solve(Input{Topology: topo, Intents: intents, Spent: ticks(120_000), Policy: policy, PathsOnly: true})
	claims(t, topo, intents, policy, &pathspec.Solution{Intents: s.Intents})
	if a := s.Intents[0]; a.Status != pathspec.Satisfied || a.Optimal || s.Joint.Moves == 0 {
		t.Errorf("%s, optimal %v, %d moves: it tries nothing", a.Status, a.Optimal, s.Joint.Moves)
	}
	for _, a := range s.Intents[1:] {
		if !a.Optimal && a.Status != pathspec.Infeasible {
			t.Errorf("%s: %s %d is not proven", a.Name, a.Status, a.Cost)
		}
	}
}

// TestBetter: of two rounds an intent has the better answer that is true in
// the capacity that is left in the second.
func TestBetter(t *testing.T) {
	topo := wires(square...)
	intents := wants("i a b 10 0")
	open := found{Answer: pathspec.Answer{Name: "i", Status: pathspec.Undecided}}
	first := newRun(topo, intents, Policy{}, nil)
	first.book(0, []disjoint.Path{{0, 2}}, 1) // somebody else has the short way
	first.first[0] = first.find(0)
	if f := first.first[0]; f.Cost != 10 || !f.proven() {
		t.Fatalf("%+v", f)
	}
	p := &prior{first, slices.Clone(first.reserved)}
	second := newRun(topo, intents, Policy{}, nil)
	if _, kept := p.keep(second, 0); kept {
		t.Error("kept, though the short way is free")
	}
	if f := p.better(second, 0, open); f.Cost != 10 || f.Status != pathspec.Satisfied || f.proven() {
		t.Errorf("the set fits in, and is not the best: %+v", f)
	}
	if f := p.better(second, 0, second.find(0)); f.Cost != 2 || !f.proven() {
		t.Errorf("proven now: %+v", f)
	}
	second.book(0, []disjoint.Path{{4, 6}}, 1)
	if f := p.better(second, 0, open); f.Status != pathspec.Undecided {
		t.Errorf("the set does not fit in: %+v", f)
	}
	copy(second.reserved, first.reserved)
	if f, kept := p.keep(second, 0); !kept || f.Cost != 10 || !f.proven() {
		t.Errorf("all is as it was: %+v", f)
	}
	first.first[0].Optimal, first.first[0].Bound = false, 7
	if f, kept := p.keep(second, 0); kept {
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
