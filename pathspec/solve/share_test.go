package solve

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

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
	topo = beside(topo, draw.Wires("a x 1 10", "x b 1 10", "a y 2 10", "y b 1 10", "c a 1 10", "c z 50 10", "z b 51 10"))
	intents := append([]pathspec.Intent{first}, draw.Wants("early a b 10 0", "late c b 10 0")...) // see TestCheaperTogether
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

// claims asks for every proven answer again, with all time.
func claims(t rapid.TB, topo *topology.Topology, intents []pathspec.Intent, policy Policy, s *pathspec.Solution) {
	topo = problem.Ordered(topo)
	place := make([]int, len(intents)) // in the order of admission
	for i := range intents {
		for j := range intents {
			if intents[j].Priority > intents[i].Priority || intents[j].Priority == intents[i].Priority && j < i {
				place[i]++
			}
		}
	}
	for i := range intents {
		left := problem.Nothing(topo)
		for j := range intents {
			if j != i && (place[j] < place[i] || policy.Joint && intents[j].Priority == intents[i].Priority) {
				left.Book(&intents[j], links(topo, &s.Intents[j]), 1)
			}
		}
		a := &s.Intents[i]
		set, cost := problem.Compile(topo, &intents[i], left, 0).Cheapest(disjoint.NewHalt(nil))
		switch {
		case policy.Joint && intents[i].Objective == pathspec.Balance: // its cost counts those before only
		case a.Status == pathspec.Infeasible && set != nil, a.Optimal && (set == nil || cost != a.Cost):
			t.Errorf("%s: %s %d optimal %v, with time %d paths at %d", a.Name, a.Status, a.Cost, a.Optimal, len(set), cost)
		case a.Bound > 0 && set != nil && cost < a.Bound:
			t.Errorf("%s: no set is said to cost less than %d, one costs %d", a.Name, a.Bound, cost)
		}
	}
}

// links are the paths of an answer in numbers.
func links(topo *topology.Topology, a *pathspec.Answer) (set []disjoint.Path) {
	for _, p := range a.Paths {
		var path disjoint.Path
		for h, name := range p.Links {
			e, _ := topo.Entry(name)
			l := int32(2 * e)
			if topo.Nodes[topo.Links[l].From].Name != p.Nodes[h] {
				l++
			}
			path = append(path, l)
		}
		set = append(set, path)
	}
	return set
}
