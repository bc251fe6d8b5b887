package solve

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/draw"
	"github.com/keiro-net/keiro/topology"
)

// randomIntents draws several, of which more than half reserve bandwidth.
func randomIntents(t *rapid.T, topo *topology.Topology) (intents []pathspec.Intent) {
	for i := range rapid.IntRange(1, 5).Draw(t, "intents") {
		in := randomIntent(t, topo, fmt.Sprint("i", i))
		if rapid.Bool().Draw(t, "reserves") {
			in.Require.Bandwidth = topology.Bandwidth(rapid.IntRange(1, 3).Draw(t, "bandwidth"))
		}
		intents = append(intents, in)
	}
	return intents
}

// changed draws a network that differs in a few links: lost, new, or of other
// values, and in another order now and then.
func changed(t *rapid.T, topo *topology.Topology, serial int) *topology.Topology {
	var entries []topology.Entry
	var links []topology.Link
	add := func(entry topology.Entry, ab, ba topology.Link) {
		ab.Entry, ba.Entry = len(entries), len(entries)
		ab.From, ab.To, ba.From, ba.To = entry.A, entry.B, entry.B, entry.A
		entries, links = append(entries, entry), append(links, ab, ba)
	}
	for e, entry := range topo.Entries {
		ab, ba := topo.Links[2*e], topo.Links[2*e+1]
		switch rapid.SampledFrom(order(24)).Draw(t, "change of link") {
		case 0, 1:
			continue
		case 2, 3:
			ab.Capacity = topology.Declare(topology.Bandwidth(rapid.IntRange(0, 6).Draw(t, "capacity")))
		case 4:
			ba.Delay = topology.Declare(topology.Delay(rapid.IntRange(0, 8).Draw(t, "delay")))
		case 5:
			ab.Delay = topology.Attr[topology.Delay]{}
		case 6:
			ab.Metric = int64(rapid.IntRange(0, 6).Draw(t, "metric"))
		case 7:
			entry.SRLGs = topology.Declare(rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"g0", "g1", "g2"}), 0, 2, rapid.ID).Draw(t, "srlgs"))
		case 8:
			entry.Operator, entry.QKD = "alpha", !entry.QKD
		}
		add(entry, ab, ba)
	}
	if rapid.SampledFrom(order(3)).Draw(t, "new link") == 0 {
		a := rapid.SampledFrom(order(len(topo.Nodes))).Draw(t, "a")
		b := (a + 1 + rapid.SampledFrom(order(len(topo.Nodes)-1)).Draw(t, "b")) % len(topo.Nodes)
		l := topology.Link{
			Metric: int64(rapid.IntRange(0, 4).Draw(t, "metric")), Delay: topology.Declare(topology.Delay(rapid.IntRange(0, 6).Draw(t, "delay"))),
			Capacity: topology.Declare(topology.Bandwidth(rapid.IntRange(0, 5).Draw(t, "capacity"))),
		}
		add(topology.Entry{Name: fmt.Sprint("new", serial), A: a, B: b, Operator: "beta", SRLGs: topology.Declare([]string{"g1"})}, l, l)
	}
	next := topology.New(topo.Name, topo.Sites, topo.Nodes, entries, links)
	if rapid.SampledFrom(order(12)).Draw(t, "order") == 0 {
		return shuffled(t, next)
	}
	return next
}

// randomOutage draws what fails.
func randomOutage(t *rapid.T, topo *topology.Topology) topology.Outage {
	o := topology.Outage{Nodes: map[string]bool{}, Entries: map[string]bool{}, SRLGs: map[string]bool{}}
	switch rapid.IntRange(0, 2).Draw(t, "what fails") {
	case 0:
		if len(topo.Entries) > 0 {
			o.Entries[topo.Entries[rapid.SampledFrom(order(len(topo.Entries))).Draw(t, "link")].Name] = true
		}
	case 1:
		o.Nodes[topo.Nodes[rapid.SampledFrom(order(len(topo.Nodes))).Draw(t, "node")].Name] = true
	case 2:
		o.SRLGs[rapid.SampledFrom([]string{"g0", "g1", "g2", "g3", "g4"}).Draw(t, "srlg")] = true
	}
	return o
}

// same fails where a warm and a cold answer differ in status or cost, or a
// warm one does not hold.
func same(t *rapid.T, what string, topo *topology.Topology, intents []pathspec.Intent, warm, cold pathspec.Solution) {
	t.Helper()
	for i, a := range warm.Intents {
		if b := cold.Intents[i]; a.Status != b.Status || a.Cost != b.Cost || a.Optimal != b.Optimal {
			t.Errorf("%s: %s: warm %s %d %v, cold %s %d %v", what, a.Name, a.Status, a.Cost, a.Optimal, b.Status, b.Cost, b.Optimal)
		}
	}
	holds(t, what, topo, intents, warm)
}

// alike fails where it is said that an intent can be met, or cannot, and it is
// not so.
func alike(t *rapid.T, what string, warm []pathspec.Status, cold pathspec.Solution) {
	t.Helper()
	for i, status := range warm {
		if b := cold.Intents[i]; status != b.Status {
			t.Errorf("%s: %s: %s, cold %s", what, b.Name, status, b.Status)
		}
	}
}

func holds(t *rapid.T, what string, topo *topology.Topology, intents []pathspec.Intent, s pathspec.Solution) {
	t.Helper()
	for _, v := range pathspec.Check(topo, intents, &s) {
		if !v.CannotTell() {
			t.Errorf("%s: Check: %v", what, v)
		}
	}
}

// TestWarmTwin: an engine that lives through changes and failures answers as a
// cold run does.
func TestWarmTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		topo := randomTopology(t)
		intents := randomIntents(t, topo)
		policy := Policy{Joint: rapid.Bool().Draw(t, "joint"), MaxMoves: 2}
		e := NewEngine(topo, intents)
		e.Share(policy)
		if rapid.Bool().Draw(t, "hurried") {
			e.Begin(after(rapid.IntRange(0, 60).Draw(t, "questions before the stop")))
		}
		cold := func(on *topology.Topology) pathspec.Solution {
			return Solve(Input{Topology: on, Intents: intents, PathsOnly: true, Policy: policy})
		}
		for step := range rapid.IntRange(1, 5).Draw(t, "steps") {
			o := randomOutage(t, topo)
			same(t, fmt.Sprint(step, ": fail"), topo.Without(o), intents, e.Fail(o, nil), cold(topo.Without(o)))
			other := randomOutage(t, topo) // after what is known of the one before
			for _, o := range []topology.Outage{o, other} {
				alike(t, fmt.Sprint(step, ": stands"), e.Stands(o, nil), cold(topo.Without(o)))
			}
			topo = changed(t, topo, step)
			same(t, fmt.Sprint(step, ": change"), topo, intents, e.Change(topo, nil), cold(topo))
		}
		for i, a := range e.Solve(nil).Intents {
			if b := cold(topo).Intents[i]; a.Status != b.Status || a.Cost != b.Cost {
				t.Errorf("at last: %s: %s %d, cold %s %d", a.Name, a.Status, a.Cost, b.Status, b.Cost)
			}
		}
	})
}

// after stops a search at the nth time that it asks.
func after(n int) func() bool {
	return func() bool { n--; return n < 0 }
}

// TestExplainTwin: paths first and what explains them later is the answer that
// is given at once, byte by byte.
func TestExplainTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		topo := randomTopology(t)
		intents := randomIntents(t, topo)
		in := Input{Topology: topo, Intents: intents, Policy: Policy{Joint: rapid.Bool().Draw(t, "joint"), MaxMoves: 2}, NoReserve: rapid.Bool().Draw(t, "no reserve")}
		want, _ := json.Marshal(Solve(in))
		first := in
		first.PathsOnly = true
		got, _ := json.Marshal(Explain(in, Solve(first)))
		if string(got) != string(want) {
			t.Errorf("explained later:\n%s\nat once:\n%s", got, want)
		}
	})
}

// TestWarmPlanted: an answer whose links are as they were is not kept where
// others reserve elsewhere, or capacity came or went.
func TestWarmPlanted(t *testing.T) {
	short, long := []string{"a x 1 10", "x b 1 10"}, []string{"a y 5 10", "y b 5 10"}
	narrow, unknown := draw.Wires(append([]string{"a x 1 1", "x b 1 1"}, long...)...), draw.Wires(append(short, long...)...)
	unknown.Links[0].Capacity = topology.Attr[topology.Bandwidth]{}
	wide := draw.Wires(append(short, long...)...)
	idle := draw.Wants("strong a b 5 9", "idle a b 0 0") // balance, which looks at what strong reserves
	idle[1].Objective = pathspec.Balance
	for _, c := range []struct {
		name          string
		before, after *topology.Topology
		intents       []pathspec.Intent
		was, is       string
	}{
		{"others move", wide, wide.Without(topology.Outage{Entries: map[string]bool{"a-x": true}}), idle, "[2 0]", "[10 500000]"},
		{"a link is wider", narrow, wide, draw.Wants("one a b 1 0", "two a b 1 0"), "[2 10]", "[2 2]"},
		{"a capacity is unknown", wide, unknown, draw.Wants("one a b 1 0", "two a b 1 0"), "[2 2]", "[10 10]"},
	} {
		costs := func(s pathspec.Solution) string {
			return fmt.Sprint([]int64{s.Intents[0].Cost, s.Intents[1].Cost})
		}
		e := NewEngine(c.before, c.intents)
		if was := costs(e.Fail(topology.Outage{}, nil)); was != c.was {
			t.Errorf("%s: %s before, want %s", c.name, was, c.was)
		}
		if is := costs(e.Change(c.after, nil)); is != c.is {
			t.Errorf("%s: %s, want %s", c.name, is, c.is)
		}
	}
}

// TestStandsTwin: where no link can be full, what an engine says of outage
// after outage, mostly by sets that it knows, is what a cold run says of each.
func TestStandsTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		topo := randomTopology(t)
		intents := randomIntents(t, topo)
		for i := range intents {
			intents[i].Require.Bandwidth = 0
			if intents[i].Objective == pathspec.Balance {
				intents[i].Objective = pathspec.MinHops
			}
		}
		e := NewEngine(topo, intents)
		if !e.ample {
			t.Fatal("a link may be full")
		}
		for step := range 8 {
			o := randomOutage(t, topo)
			cold := Solve(Input{Topology: topo.Without(o), Intents: intents, PathsOnly: true})
			alike(t, fmt.Sprint(step), e.Stands(o, nil), cold)
		}
	})
}

// TestJointTwin: no priority admits fewer than first come, first served does,
// every answer holds, and no cheaper one is left to it.
func TestJointTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		topo := randomTopology(t)
		intents := randomIntents(t, topo)
		for i := range intents {
			intents[i].Require.Bandwidth = topology.Bandwidth(rapid.IntRange(0, 3).Draw(t, "bandwidth"))
		}
		moves := rapid.IntRange(0, 3).Draw(t, "moves")
		first := Solve(Input{Topology: topo, Intents: intents, PathsOnly: true})
		joint := Solve(Input{Topology: topo, Intents: intents, PathsOnly: true, Policy: Policy{Joint: true, MaxMoves: moves}})
		holds(t, "joint", topo, intents, joint)
		if joint.Joint.Moves > moves {
			t.Errorf("%d moves of %d", joint.Joint.Moves, moves)
		}
		for _, c := range joint.Joint.Costs {
			if c.Bound != nil && *c.Bound > c.Cost {
				t.Errorf("%s: cost %d below the bound %d", c.Objective, c.Cost, *c.Bound)
			}
		}
		for _, priority := range []int{1, 0} {
			was, is := 0, 0
			for i, in := range intents {
				if in.Priority == priority && first.Intents[i].Status == pathspec.Satisfied {
					was++
				}
				if in.Priority == priority && joint.Intents[i].Status == pathspec.Satisfied {
					is++
				}
			}
			if is < was {
				t.Errorf("priority %d: %d admitted, %d by first come, first served", priority, is, was)
			}
			if is > was {
				break
			}
		}
		for i, a := range joint.Intents {
			// What is of lower priority does not count for it.
			others := slices.Clone(joint.Intents)
			for j := range others {
				if intents[j].Priority < intents[i].Priority {
					others[j] = pathspec.Answer{Name: intents[j].Name, Status: pathspec.Infeasible}
				}
			}
			if intents[i].Objective == pathspec.Balance && a.Status == pathspec.Satisfied {
				continue // its cost counts those before it only
			}
			last := slices.Clone(intents) // all others count
			last[i].Priority = -1
			cost, ok := newNaive(topo, last, others, i).best()
			if a.Status == pathspec.Infeasible && ok || a.Optimal && a.Cost != cost {
				t.Errorf("%s: %s %d %v, the naive solver says %d %v", a.Name, a.Status, a.Cost, a.Optimal, cost, ok)
			}
		}
	})
}
