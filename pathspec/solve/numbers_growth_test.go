package solve

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/draw"
	"github.com/keiro-net/keiro/pathspec/solve/problem"
	"github.com/keiro-net/keiro/topology"
)

// TestNumbersGrowth: how the time of a question grows with the network, the
// groups of a link and the paths, as rows of a table. Each question has a
// quarter of a second; then it is open.
func TestNumbersGrowth(t *testing.T) {
	wantNumbers(t)
	const asked, limit = 9, time.Second / 4
	fmt.Println("| nodes | links | risks | groups a link | k | open of 9 | median ms | worst ms |\n|---|---|---|---|---|---|---|---|")
	for _, nodes := range []int{100, 1000, 10_000} {
		for _, degree := range []int{3, 7} {
			for _, w := range []draw.Plan{
				{}, {Risks: draw.LocalRisks, PerLink: 1}, {Risks: draw.LocalRisks, PerLink: 2}, {Risks: draw.LocalRisks, PerLink: 4},
				{Risks: draw.RandomRisks, PerLink: 1}, {Risks: draw.RandomRisks, PerLink: 2}, {Risks: draw.RandomRisks, PerLink: 4},
			} {
				w.Nodes, w.Links, w.Groups = nodes, nodes*degree, nodes*degree/4
				topo := problem.Ordered(draw.Geometric(w))
				for k := 2; k <= 4; k++ {
					r := rand.New(rand.NewPCG(uint64(k), 9))
					var times []time.Duration
					open := 0
					for range asked {
						a, took := timed(topo, farIntent(r, topo, k), limit)
						times = append(times, took)
						if !settled(a) {
							open++
						}
					}
					fmt.Printf("| %d | %d | %s | %d | %d | %d | %s |\n", nodes, w.Links, w.Risks, w.PerLink, k, open, middle(times))
				}
			}
		}
	}
}

// settled reports whether an answer is proven.
func settled(a pathspec.Answer) bool { return a.Optimal || a.Status == pathspec.Infeasible }

// loaded names the files that the child of TestNumbersResident reads.
const loaded = "KEIRO_TEST_LOAD"

// TestNumbersResident: the most memory that a process has at once which reads
// a large network and finds two paths, as the kernel counts it.
func TestNumbersResident(t *testing.T) {
	if dir := os.Getenv(loaded); dir != "" {
		load100k(t, dir)
		return
	}
	wantNumbers(t)
	dir := t.TempDir()
	write := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text := lattice(100_000)
	write("topology.yaml", text)
	write("intents.yaml", []byte("apiVersion: keiro/v1\nkind: PathIntent\nmetadata: {name: a}\nspec: {from: n0, to: n50000, require: {multiplicity: 2}}\n"))
	for _, limit := range []string{"off", "1000MiB"} { // what Go is told not to exceed, where it can
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestNumbersResident$", "-test.v")
		child.Env = append(os.Environ(), loaded+"="+dir, "GOMEMLIMIT="+limit)
		out, err := child.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		usage, ok := child.ProcessState.SysUsage().(*syscall.Rusage)
		if !ok {
			t.Fatal("the kernel does not count")
		}
		mib := usage.Maxrss >> 10
		verdict := "under 1 GiB"
		if mib >= 1024 {
			verdict = "1 GiB is missed"
		}
		fmt.Printf("a process that reads 100,000 nodes and 400,000 links from %d MiB of YAML and finds two paths, GOMEMLIMIT=%s: %d MiB resident at most, %s, %v of CPU\n%s",
			len(text)>>20, limit, mib, verdict, child.ProcessState.UserTime().Round(time.Millisecond), out)
	}
}

// lattice is a file with so many nodes and four times as many links, which say
// what they must and no more.
func lattice(nodes int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	text := []byte("apiVersion: keiro/v1\nkind: Topology\nmetadata: {name: lattice}\nspec:\n  defaults: {link: {srlgs: []}}\n  nodes:\n")
	for n := range nodes {
		text = fmt.Appendf(text, "    - {name: n%d}\n", n)
	}
	text = append(text, "  links:\n"...)
	for n := range nodes {
		for _, step := range []int{1, 2, 317, 1009} {
			text = fmt.Appendf(text, "    - {a: n%d, b: n%d, delay: %dus}\n", n, (n+step)%nodes, 100+r.IntN(1000))
		}
	}
	return text
}

// load100k is what the child does.
func load100k(t *testing.T, dir string) {
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	start := time.Now()
	topo, err := topology.Parse("topology.yaml", read("topology.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	intents, err := pathspec.Parse("intents.yaml", read("intents.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := pathspec.Validate(topo, intents); err != nil {
		t.Fatal(err)
	}
	parsed := time.Since(start)
	a, took := timed(topo, intents[0], time.Minute)
	if a.Status != pathspec.Satisfied || !a.Optimal {
		t.Errorf("%s, optimal %v", a.Status, a.Optimal)
	}
	fmt.Printf("reading took %v, the question %v\n", parsed.Round(time.Millisecond), took.Round(time.Millisecond))
}
