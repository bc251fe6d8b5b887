package solve

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// rope is n nodes in a ring, with what a file or a program may get wrong:
// links from a node to itself, doubled links and a part that hangs on nothing.
func rope(n int) *topology.Topology {
	var nodes []topology.Node
	var entries []topology.Entry
	var links []topology.Link
	add := func(a, b int, delay topology.Attr[topology.Delay], capacity topology.Attr[topology.Bandwidth]) {
		e := topology.Entry{Name: fmt.Sprintf("e%07d", len(entries)), A: a, B: b}
		if len(entries)%2 == 0 { // on half of the links
			e.SRLGs = topology.Declare([]string{fmt.Sprint("g", a)})
		}
		l := topology.Link{Entry: len(entries), From: a, To: b, Metric: 1, Delay: delay, Capacity: capacity}
		back := l
		back.From, back.To = b, a
		entries, links = append(entries, e), append(links, l, back)
	}
	ms, huge := topology.Declare(topology.Delay(1000)), topology.Declare(topology.Bandwidth(math.MaxInt64))
	for i := range n {
		nodes = append(nodes, topology.Node{Name: fmt.Sprintf("n%07d", i)})
		add(i, (i+1)%n, ms, huge)
	}
	for i := range 3 {
		nodes = append(nodes, topology.Node{Name: fmt.Sprintf("o%d", i)}) // an island
	}
	add(n, n+1, ms, huge)
	add(n+1, n+2, topology.Attr[topology.Delay]{}, topology.Declare(topology.Bandwidth(0)))
	add(n+1, n+2, ms, topology.Declare(topology.Bandwidth(0)))
	add(0, 0, topology.Declare(topology.Delay(0)), huge)
	add(0, 1, topology.Attr[topology.Delay]{}, huge)
	add(0, 1, topology.Declare(topology.Delay(0)), topology.Declare(topology.Bandwidth(0)))
	return topology.New("rope", nil, nodes, entries, links)
}

// TestBadInput: a right answer or a clear reason, in bounded time.
func TestBadInput(t *testing.T) {
	topo := rope(10)
	for _, c := range []struct {
		what     string
		from, to string
		require  pathspec.Require
		goal     pathspec.Objective
		want     string // status, cost and the code of why
	}{
		{"a link of no delay is used, one of unknown delay is not", "n0000000", "n0000001", pathspec.Require{Multiplicity: 2}, pathspec.MinDelay, "satisfied 1000"},
		{"an unknown delay does not matter to hops", "n0000000", "n0000001", pathspec.Require{Multiplicity: 4}, pathspec.MinHops, "satisfied 12"},
		{"more paths than links at the node", "n0000005", "n0000007", pathspec.Require{Multiplicity: 8}, pathspec.MinDelay, "infeasible 0 not-disjoint"},
		{"ends in different parts", "n0000000", "o1", pathspec.Require{Multiplicity: 1}, pathspec.MinDelay, "infeasible 0 no-path"},
		{"no capacity", "o1", "o2", pathspec.Require{Multiplicity: 1, Bandwidth: 1}, pathspec.MinDelay, "infeasible 0 bandwidth"},
		{"no capacity is needed", "o1", "o2", pathspec.Require{Multiplicity: 1}, pathspec.MinDelay, "satisfied 1000"},
		{"all the capacity there can be", "n0000000", "n0000003", pathspec.Require{Multiplicity: 1, Bandwidth: math.MaxInt64}, pathspec.MinHops, "satisfied 3"},
		{"utilisation of an enormous capacity", "n0000000", "n0000003", pathspec.Require{Multiplicity: 1, Bandwidth: math.MaxInt64 / 2}, pathspec.Balance, "satisfied 499999"},
		{"groups unknown on half of the links", "n0000003", "n0000005", pathspec.Require{Multiplicity: 2, Disjoint: []pathspec.Kind{pathspec.Link, pathspec.SRLG}}, pathspec.MinDelay, "infeasible 0 unknown-value"},
	} {
		t.Run(c.what, func(t *testing.T) {
			in := pathspec.Intent{Name: "a", From: c.from, To: c.to, Require: c.require, Objective: c.goal}
			if in.Require.Disjoint == nil && c.require.Multiplicity > 1 {
				in.Require.Disjoint = []pathspec.Kind{pathspec.Link}
			}
			s := Solve(Input{Topology: topo, Intents: []pathspec.Intent{in}})
			a := s.Intents[0]
			got := fmt.Sprint(a.Status, " ", a.Cost)
			if a.Why != nil {
				got += " " + a.Why.Code
			}
			if got != c.want {
				t.Errorf("%s, want %s: %+v", got, c.want, a.Why)
			}
			for _, v := range pathspec.Check(topo, []pathspec.Intent{in}, &s) {
				if !v.CannotTell() {
					t.Errorf("Check: %v", v)
				}
			}
		})
	}
}

// TestUnknownDelay: where no delay is known a bound on it cannot be met, and
// the reason says so.
func TestUnknownDelay(t *testing.T) {
	topo := rope(6)
	for l := range topo.Links {
		topo.Links[l].Delay = topology.Attr[topology.Delay]{}
	}
	in := pathspec.Intent{Name: "a", From: "n0000002", To: "n0000004", Objective: pathspec.MinHops}
	in.Require = pathspec.Require{Multiplicity: 2, Disjoint: []pathspec.Kind{pathspec.Link}, MaxDelay: 1_000_000}
	a := Solve(Input{Topology: topo, Intents: []pathspec.Intent{in}}).Intents[0]
	if a.Status != pathspec.Infeasible || a.Why.Code != pathspec.WhyUnknown || len(a.Why.Cut) == 0 {
		t.Errorf("%s %+v", a.Status, a.Why)
	}
}

// TestLongRope: a path of 2,000 links, and the set of both ways round, within
// seconds. `make bench` has a million nodes.
func TestLongRope(t *testing.T) {
	topo := rope(4_000)
	start := time.Now()
	in := pathspec.Intent{Name: "a", From: "n0000010", To: "n0002010"}
	in.Require = pathspec.Require{Multiplicity: 2, Disjoint: []pathspec.Kind{pathspec.Link, pathspec.Node}}
	a := Solve(Input{Topology: topo, Intents: []pathspec.Intent{in}, PathsOnly: true}).Intents[0]
	// Of the two ways from n0 to n1, the doubled link of no delay is the shorter.
	if a.Status != pathspec.Satisfied || a.Cost != 4_000*1000-1000 || !a.Optimal {
		t.Errorf("%s %d, optimal %v", a.Status, a.Cost, a.Optimal)
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("took %v", took)
	}
}
