package solve

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/draw"
	"github.com/keiro-net/keiro/pathspec/solve/flow"
	"github.com/keiro-net/keiro/pathspec/solve/problem"
	"github.com/keiro-net/keiro/topology"
)

var numbers = flag.Bool("numbers", false, "measure against the peers and print the tables of docs/performance.md")

func wantNumbers(t *testing.T) {
	t.Helper()
	if !*numbers {
		t.Skip("make bench runs this")
	}
}

// readGraph reads an edge list of testdata/graphs.
func readGraph(t testing.TB, name string) (nodes int, links []flow.Link, cost []int64) {
	t.Helper()
	data, err := os.ReadFile("testdata/graphs/" + name + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		var a, b int32
		var c int64
		if strings.HasPrefix(line, "#") {
			continue
		}
		if n, _ := fmt.Sscan(line, &a, &b, &c); n == 2 {
			nodes = int(a)
			continue
		}
		links, cost = append(links, flow.Link{From: a, To: b}, flow.Link{From: b, To: a}), append(cost, c, c)
	}
	return nodes, links, cost
}

// attached is a graph like that of autonomous systems: 1,739 nodes, each new
// one linked to two or three that have many links already.
func attached() (nodes int, links []flow.Link, cost []int64) {
	r := rand.New(rand.NewPCG(5, 6))
	nodes = 1739
	ends := []int32{0, 1}
	for v := int32(1); v < int32(nodes); v++ {
		for i := range 3 {
			if len(links) == 2*4279 || i == 2 && r.IntN(100) >= 47 {
				continue
			}
			w := ends[r.IntN(len(ends))]
			if w >= v {
				w = v - 1
			}
			c := 1 + r.Int64N(1000)
			links, cost = append(links, flow.Link{From: v, To: w}, flow.Link{From: w, To: v}), append(cost, c, c)
			ends = append(ends, v, w)
		}
	}
	return nodes, links, cost
}

// pair asks for two link-disjoint paths and lists them, as LEMON does: the only
// place that knows the finder. A finder looks at the ends of the query before, so two take turns.
func pair(f *flow.Finder, turns *[2]flow.Query, i int, ends [2]int32) int64 {
	q := &turns[i%2]
	q.From[0], q.To[0] = ends[0], ends[1]
	cost, ok := f.Run(q)
	if !ok {
		return -1
	}
	f.Paths()
	return cost
}

// TestNumbersPairs: two link-disjoint paths on a warm graph, against LEMON and
// networkx, with the same cost for every question.
func TestNumbersPairs(t *testing.T) {
	wantNumbers(t)
	lemon := filepath.Join(t.TempDir(), "suurballe")
	if out, err := exec.CommandContext(t.Context(), "g++", "-O2", "-o", lemon, "testdata/peers/suurballe.cc").CombinedOutput(); err != nil {
		t.Fatalf("g++: %v\n%s", err, out)
	}
	fmt.Println("| graph | nodes | links | Keiro µs | LEMON µs | Keiro/LEMON | networkx ms | networkx/Keiro |\n|---|---|---|---|---|---|---|---|")
	for _, name := range []string{"japan48", "cogentco", "kdl", "attached"} {
		var nodes int
		var links []flow.Link
		var cost []int64
		if name == "attached" {
			nodes, links, cost = attached()
		} else {
			nodes, links, cost = readGraph(t, name)
		}
		const queries, few = 3000, 10
		r := rand.New(rand.NewPCG(1, 1))
		var ask [][2]int32
		for len(ask) < queries {
			if a, b := r.Int32N(int32(nodes)), r.Int32N(int32(nodes)); a != b {
				ask = append(ask, [2]int32{a, b})
			}
		}
		f := flow.NewFinder(flow.NewGraph(nodes, links))
		var turns [2]flow.Query
		for i := range turns {
			turns[i] = flow.Query{K: 2, From: make([]int32, 1), To: make([]int32, 1), Cost: cost}
		}
		ours := make([]int64, queries)
		best, theirs := time.Hour, time.Hour
		var peers []int64
		for range 5 { // in turns, the best of each
			start := processorTime()
			for i, a := range ask {
				ours[i] = pair(f, &turns, i, a)
			}
			best = min(best, processorTime()-start)
			var took time.Duration
			took, peers = peer(t, exec.CommandContext(t.Context(), lemon), nodes, links, cost, ask)
			theirs = min(theirs, took)
		}
		if !slices.Equal(ours, peers) {
			t.Errorf("%s: LEMON finds other costs", name)
		}
		slow := time.Hour
		var some []int64
		for range 3 {
			var took time.Duration
			took, some = peer(t, exec.CommandContext(t.Context(), "/usr/bin/python3", "testdata/peers/flow.py"), nodes, links, cost, ask[:few])
			slow = min(slow, took)
		}
		for i := range some {
			if some[i] < ours[i] && some[i] >= 0 { // networkx has no parallel links
				t.Errorf("%s: networkx finds a cheaper set", name)
			}
		}
		us := func(d time.Duration, n int) float64 { return float64(d.Nanoseconds()) / 1000 / float64(n) }
		fmt.Printf("| %s | %d | %d | %.2f | %.2f | %.2f | %.1f | %.0f |\n", name, nodes, len(links)/2, us(best, queries), us(theirs, queries),
			us(best, queries)/us(theirs, queries), us(slow, few)/1000, us(slow, few)/us(best, queries))
	}
}

// processorTime is what this process has used: unlike the clock it does not
// count how long others had the processor.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peer puts the questions to another program, which measures likewise.
func peer(t *testing.T, c *exec.Cmd, nodes int, links []flow.Link, cost []int64, ask [][2]int32) (took time.Duration, costs []int64) {
	t.Helper()
	order := make([]int, len(links))
	for l := range order {
		order[l] = l
	}
	slices.SortStableFunc(order, func(l, m int) int { return int(links[l].From - links[m].From) })
	var in bytes.Buffer
	fmt.Fprintln(&in, nodes, len(links), len(ask), 2)
	for _, l := range order {
		fmt.Fprintln(&in, links[l].From, links[l].To, cost[l])
	}
	for _, a := range ask {
		fmt.Fprintln(&in, a[0], a[1])
	}
	c.Stdin = &in
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s: %v", c.Path, err)
	}
	for word := range strings.FieldsSeq(string(out)) {
		var v int64
		if _, err := fmt.Sscan(word, &v); err != nil {
			t.Fatal(err)
		}
		costs = append(costs, v)
	}
	return time.Duration(costs[0]), costs[1:]
}

// TestNumbersSRLG: sets disjoint in shared risks with a bound on delay, on
// warm networks; each question may take 1s, then it counts as open. A trap is
// a pair where greedy finds too few paths.
func TestNumbersSRLG(t *testing.T) {
	wantNumbers(t)
	fmt.Println("| nodes | links | risks | per link | k | asked | open | median ms | worst ms | traps | median ms | worst ms | CBC/Keiro |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|")
	for _, w := range []draw.Plan{
		{Nodes: 1000, Links: 7000, Risks: draw.LocalRisks, PerLink: 1, Groups: 1750},
		{Nodes: 1000, Links: 7000, Risks: draw.LocalRisks, PerLink: 2, Groups: 1750},
		{Nodes: 1000, Links: 7000, Risks: draw.RandomRisks, PerLink: 1, Groups: 1750},
		{Nodes: 1000, Links: 7000, Risks: draw.RandomRisks, PerLink: 2, Groups: 1750},
		{Nodes: 10_000, Links: 70_000, Risks: draw.LocalRisks, PerLink: 1, Groups: 17_500},
		{Nodes: 10_000, Links: 70_000, Risks: draw.RandomRisks, PerLink: 1, Groups: 17_500},
	} {
		topo := problem.Ordered(draw.Geometric(w))
		for k := 2; k <= 4; k++ {
			r := rand.New(rand.NewPCG(uint64(k), 9))
			var plain, traps []time.Duration
			open, ratio := 0, "-"
			for i := range 24 {
				in := farIntent(r, topo, k)
				a, took := timed(topo, in, time.Second)
				if a.Status == pathspec.Undecided || a.Status == pathspec.Satisfied && !a.Optimal {
					open++
				}
				if a.Status != pathspec.Infeasible && greedy(topo, in) < 0 {
					traps = append(traps, took)
				} else {
					plain = append(plain, took)
				}
				if i == 0 && k == 2 && w.Nodes == 1000 {
					ratio = againstCBC(t, topo, in, a, took)
				}
			}
			fmt.Printf("| %d | %d | %s | %d | %d | %d | %d | %s | %d | %s | %s |\n", w.Nodes, w.Links, w.Risks, w.PerLink, k, len(plain)+len(traps), open,
				middle(plain), len(traps), middle(traps), ratio)
		}
	}
}

// middle is median and worst as two cells.
func middle(d []time.Duration) string {
	if len(d) == 0 {
		return "- | -"
	}
	slices.Sort(d)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return fmt.Sprintf("%.2f | %.2f", ms(d[len(d)/2]), ms(d[len(d)-1]))
}

// againstCBC fails where CBC proves another answer, and returns how many times
// longer it took. CBC gets a minute.
func againstCBC(t *testing.T, topo *topology.Topology, in pathspec.Intent, a pathspec.Answer, took time.Duration) string {
	v := cbc(t, write(topo, &in), time.Minute)
	if v.status == pathspec.Undecided {
		return fmt.Sprintf("> %.0f", float64(v.elapsed)/float64(took))
	}
	if (a.Optimal || a.Status == pathspec.Infeasible) && (v.status != a.Status || v.cost != a.Cost) {
		t.Errorf("%s %d, CBC says %s %d: %+v", a.Status, a.Cost, v.status, v.cost, in)
	}
	return fmt.Sprintf("%.0f", float64(v.elapsed)/float64(took))
}

// farIntent asks for k paths between two nodes anywhere, each at most half as
// long again as the shortest.
func farIntent(r *rand.Rand, t *topology.Topology, k int) pathspec.Intent {
	for {
		in := pathspec.Intent{Name: "a", From: t.Nodes[r.IntN(len(t.Nodes))].Name, To: t.Nodes[r.IntN(len(t.Nodes))].Name, Require: pathspec.Require{Multiplicity: 1}}
		if in.From == in.To {
			continue
		}
		a, _ := timed(t, in, time.Minute)
		in.Require = pathspec.Require{Multiplicity: k, Disjoint: []pathspec.Kind{pathspec.Link, pathspec.SRLG}, MaxDelay: topology.Delay(a.Cost * 3 / 2)}
		return in
	}
}

func timed(t *topology.Topology, in pathspec.Intent, limit time.Duration) (pathspec.Answer, time.Duration) {
	start := processorTime()
	s := Solve(Input{Topology: t, Intents: []pathspec.Intent{in}, PathsOnly: true, Stop: func() bool { return processorTime()-start > limit }})
	return s.Intents[0], processorTime() - start
}

// greedy takes the shortest path, then the shortest that shares no risk with
// those before, and so on; -1 where that ends in a trap.
func greedy(t *topology.Topology, in pathspec.Intent) (cost int64) {
	k := in.Require.Multiplicity
	in.Require.Multiplicity = 1
	in.Require.Avoid.Links = nil
	for range k {
		a, _ := timed(t, in, time.Minute)
		if a.Status != pathspec.Satisfied {
			return -1
		}
		cost += a.Cost
		for _, l := range a.Paths[0].Links {
			e, _ := t.Entry(l)
			groups, _ := t.Entries[e].SRLGs.Get()
			in.Require.Avoid.Links = append(in.Require.Avoid.Links, l)
			in.Require.Avoid.SRLGs = append(in.Require.Avoid.SRLGs, groups...)
		}
	}
	return cost
}

// TestNumbersReplan: 1,000 intents on 1,739 nodes when one group is cut.
func TestNumbersReplan(t *testing.T) {
	wantNumbers(t)
	topo := problem.Ordered(draw.Geometric(draw.Plan{Nodes: 1739, Links: 4279, Risks: draw.LocalRisks, PerLink: 1, Groups: 1000}))
	r := rand.New(rand.NewPCG(2, 2))
	var intents []pathspec.Intent
	for len(intents) < 1000 {
		in := pathspec.Intent{Name: fmt.Sprint("i", len(intents)), From: topo.Nodes[r.IntN(1739)].Name, To: topo.Nodes[r.IntN(1739)].Name}
		in.Require = pathspec.Require{Multiplicity: 2, Disjoint: []pathspec.Kind{pathspec.Link}}
		if in.From != in.To {
			intents = append(intents, in)
		}
	}
	cut := topology.Outage{SRLGs: map[string]bool{"g500": true}}
	e := NewEngine(topo, intents)
	e.Fail(topology.Outage{}, nil)
	start := time.Now()
	e.Fail(cut, nil)
	warm := time.Since(start)
	start = time.Now()
	Solve(Input{Topology: topo.Without(cut), Intents: intents, PathsOnly: true})
	cold := time.Since(start)
	fmt.Printf("re-plan of 1,000 intents after a cut: %v, cold %v, ratio %.2f\n", warm, cold, float64(warm)/float64(cold))
}

// TestNumbersMemory: large networks, made and asked for two paths.
func TestNumbersMemory(t *testing.T) {
	wantNumbers(t)
	for _, w := range []draw.Plan{{Nodes: 100_000, Links: 400_000}, {Nodes: 1_000_000, Links: 1_000_000}} {
		topo := problem.Ordered(draw.Geometric(w))
		in := pathspec.Intent{Name: "a", From: topo.Nodes[0].Name, To: topo.Nodes[w.Nodes/2].Name}
		in.Require = pathspec.Require{Multiplicity: 2, Disjoint: []pathspec.Kind{pathspec.Link}}
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		a, took := timed(topo, in, time.Minute)
		runtime.ReadMemStats(&after)
		fmt.Printf("%d nodes, %d Links: topology %d MiB, query on top %d MiB, %v, %s\n", w.Nodes, len(topo.Entries),
			before.HeapAlloc>>20, (after.TotalAlloc-before.TotalAlloc)>>20, took, a.Status)
		runtime.KeepAlive(topo)
	}
}
