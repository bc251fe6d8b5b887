package solve

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/draw"
	"github.com/keiro-net/keiro/pathspec/solve/problem"
	"github.com/keiro-net/keiro/topology"
)

// TestNumbersCBC: the same instances put to CBC, which has 30 s for each. Where
// both prove, the costs are equal, or the run fails.
func TestNumbersCBC(t *testing.T) {
	wantNumbers(t)
	needCBC(t)
	const limit = 30 * time.Second
	fmt.Println("| nodes | links | risks | k | answer | Keiro ms | CBC ms | CBC/Keiro | same cost |\n|---|---|---|---|---|---|---|---|---|")
	for _, size := range []struct{ nodes, instances int }{{200, 2}, {500, 2}, {1000, 1}} {
		for _, risks := range []draw.Risks{draw.LocalRisks, draw.RandomRisks} {
			for k := 2; k <= 3; k++ {
				for seed := range size.instances {
					w := draw.Plan{Nodes: size.nodes, Links: 4 * size.nodes, Risks: risks, PerLink: 1, Groups: size.nodes, Seed: uint64(seed)}
					topo := problem.Ordered(draw.Geometric(w))
					in := farIntent(rand.New(rand.NewPCG(uint64(seed), 7)), topo, k)
					a, took := timed(topo, in, limit)
					v := cbc(t, write(topo, &in), limit)
					same := "yes"
					switch {
					case v.status == pathspec.Undecided:
						same = "CBC has no proof"
					case !settled(a):
						same = "Keiro has no proof"
					case v.status != a.Status || v.cost != a.Cost:
						t.Errorf("%s %d, CBC says %s %d: %+v", a.Status, a.Cost, v.status, v.cost, in)
						same = "NO"
					}
					more := map[bool]string{true: "> "}[v.status == pathspec.Undecided]
					ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
					fmt.Printf("| %d | %d | %s | %d | %s %d | %.2f | %s%.0f | %s%.0f | %s |\n", w.Nodes, w.Links, risks, k, a.Status, a.Cost,
						ms(took), more, ms(v.elapsed), more, float64(v.elapsed)/float64(took), same)
				}
			}
		}
	}
}

// TestNumbersTraps: pairs on which greedy fails by construction.
func TestNumbersTraps(t *testing.T) {
	wantNumbers(t)
	const planted, limit = 20, time.Second
	fmt.Println("| nodes | links | risks | k | traps | open | median ms | worst ms |\n|---|---|---|---|---|---|---|---|")
	for _, risks := range []draw.Risks{draw.LocalRisks, draw.RandomRisks} {
		base := draw.Geometric(draw.Plan{Nodes: 1000, Links: 7000, Risks: risks, PerLink: 1, Groups: 1750})
		for k := 2; k <= 4; k++ {
			r := rand.New(rand.NewPCG(uint64(k), 11))
			var times []time.Duration
			open := 0
			for len(times) < planted {
				topo, in, ok := plantTrap(r, base, k)
				if !ok {
					continue
				}
				topo = problem.Ordered(topo)
				timed(topo, pathspec.Intent{Name: "warm", From: in.From, To: in.To, Require: pathspec.Require{Multiplicity: 1}}, limit)
				a, took := timed(topo, in, limit)
				if a.Status == pathspec.Infeasible {
					continue // no trap: there is nothing to find
				}
				if greedy(topo, in) >= 0 {
					t.Fatalf("greedy gets out of the trap: %+v", in)
				}
				times = append(times, took)
				if !settled(a) {
					open++
				}
			}
			fmt.Printf("| %d | %d | %s | %d | %d | %d | %s |\n", len(base.Nodes), len(base.Entries), risks, k, len(times), open, middle(times))
		}
	}
}

// plantTrap adds two ends to a network, each linked to k nodes that lie near
// each other, so that k paths need all these links. A short cut between them
// lies in the duct of another one of these Links: greedy takes it, and has one
// link too few left.
func plantTrap(r *rand.Rand, base *topology.Topology, k int) (*topology.Topology, pathspec.Intent, bool) {
	u, v := r.IntN(len(base.Nodes)), r.IntN(len(base.Nodes))
	from, to := beyond(base, u, k), beyond(base, v, k)
	if from == nil || to == nil || u == v || slices.ContainsFunc(from, func(n int) bool { return slices.Contains(to, n) }) {
		return nil, pathspec.Intent{}, false
	}
	across, _ := timed(base, pathspec.Intent{Name: "a", From: base.Nodes[from[0]].Name, To: base.Nodes[to[0]].Name, Require: pathspec.Require{Multiplicity: 1}}, time.Minute)
	nodes := append(slices.Clone(base.Nodes), topology.Node{Name: "s"}, topology.Node{Name: "t"})
	entries, links := slices.Clone(base.Entries), slices.Clone(base.Links)
	s, target := len(base.Nodes), len(base.Nodes)+1
	add := func(name string, a, b int, delay int64, group string) {
		l := topology.Link{Entry: len(entries), From: a, To: b, Metric: 1, Delay: topology.Declare(topology.Delay(delay))}
		back := l
		back.From, back.To = b, a
		entries = append(entries, topology.Entry{Name: name, A: a, B: b, SRLGs: topology.Declare([]string{group})})
		links = append(links, l, back)
	}
	for i := range k {
		add(fmt.Sprint("exit", i), s, from[i], 1+r.Int64N(50), fmt.Sprint("exit", i))
		add(fmt.Sprint("entry", i), to[i], target, 1+r.Int64N(50), fmt.Sprint("entry", i))
	}
	add("short cut", from[0], to[0], across.Cost/3, "exit1")
	in := pathspec.Intent{Name: "trap", From: "s", To: "t"}
	in.Require = pathspec.Require{
		Multiplicity: k, Disjoint: []pathspec.Kind{pathspec.Link, pathspec.SRLG}, MaxDelay: topology.Delay(across.Cost*3/2 + 100),
	}
	return topology.New("trap", nil, nodes, entries, links), in, across.Cost > 600
}

// beyond is node n and others one link from it, k in all; nil where there are
// fewer.
func beyond(t *topology.Topology, n, k int) []int {
	found := []int{n}
	for l := range t.Links {
		if to := t.Links[l].To; len(found) < k && t.Links[l].From == n && !slices.Contains(found, to) {
			found = append(found, to)
		}
	}
	if len(found) < k {
		return nil
	}
	return found
}
