package solve

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/disjoint"
	"github.com/keiro-net/keiro/topology"
)

func geometric(n, m int, local bool, perLink int, seed uint64) *topology.Topology {
	r := rand.New(rand.NewPCG(seed, 5))
	xs, ys := make([]float64, n), make([]float64, n)
	for i := range n {
		xs[i], ys[i] = r.Float64(), r.Float64()
	}
	type pair struct {
		a, b int
		d    float64
	}
	var ps []pair
	rad := math.Sqrt(float64(2*m)/float64(n)/float64(n)/math.Pi) * 1.1
	cell := map[[2]int][]int{}
	for i := range n {
		k := [2]int{int(xs[i] / rad), int(ys[i] / rad)}
		cell[k] = append(cell[k], i)
	}
	for i := range n {
		cx, cy := int(xs[i]/rad), int(ys[i]/rad)
		for dx := -1; dx <= 1; dx++ {
			for dy := -1; dy <= 1; dy++ {
				for _, j := range cell[[2]int{cx + dx, cy + dy}] {
					if j > i {
						if d := math.Hypot(xs[i]-xs[j], ys[i]-ys[j]); d < rad*1.2 {
							ps = append(ps, pair{i, j, d})
						}
					}
				}
			}
		}
	}
	slices.SortFunc(ps, func(a, b pair) int {
		if a.d < b.d {
			return -1
		}
		return 1
	})
	ps = ps[:min(m, len(ps))]
	var nodes []topology.Node
	for i := range n {
		nodes = append(nodes, topology.Node{Name: fmt.Sprintf("n%06d", i)})
	}
	groups := m / 4
	gx, gy := make([]float64, groups), make([]float64, groups)
	for g := range groups {
		gx[g], gy[g] = r.Float64(), r.Float64()
	}
	gcell := map[[2]int][]int{}
	grad := 1.5 / math.Sqrt(float64(groups))
	for g := range groups {
		k := [2]int{int(gx[g] / grad), int(gy[g] / grad)}
		gcell[k] = append(gcell[k], g)
	}
	var entries []topology.Entry
	var links []topology.Link
	for e, p := range ps {
		var s []string
		mx, my := (xs[p.a]+xs[p.b])/2, (ys[p.a]+ys[p.b])/2
		for range perLink {
			g := r.IntN(groups)
			if local {
				near := gcell[[2]int{int(mx / grad), int(my / grad)}]
				if len(near) == 0 {
					continue
				}
				g = near[r.IntN(len(near))]
			}
			if nm := fmt.Sprint("g", g); !slices.Contains(s, nm) {
				s = append(s, nm)
			}
		}
		entries = append(entries, topology.Entry{Name: fmt.Sprintf("e%06d", e), A: p.a, B: p.b, SRLGs: topology.Declare(s)})
		d := topology.Declare(topology.Delay(1 + p.d*10000*(1+r.Float64()*0.3)))
		links = append(links, topology.Link{Entry: e, From: p.a, To: p.b, Metric: 1, Delay: d}, topology.Link{Entry: e, From: p.b, To: p.a, Metric: 1, Delay: d})
	}
	return topology.New("geo", nil, nodes, entries, links)
}

func TestScratch(t *testing.T) {
	if os.Getenv("SCRATCH") == "" {
		t.Skip()
	}
	n, m, pairs, perLink := 1000, 7000, 40, 1
	if os.Getenv("PER") == "2" {
		perLink = 2
	}
	if os.Getenv("SCRATCH") == "big" {
		n, m, pairs = 10000, 70000, 20
	}
	for _, local := range []bool{true, false} {
		topo := geometric(n, m, local, perLink, 1)
		for _, k := range []int{2, 3, 4} {
			r := rand.New(rand.NewPCG(9, 9))
			var times, comp []time.Duration
			feas, stop, nodes := 0, 0, 0
			for range pairs {
				from, to := r.IntN(n), r.IntN(n)
				if from == to {
					continue
				}
				in := pathspec.Intent{Name: "a", From: topo.Nodes[from].Name, To: topo.Nodes[to].Name}
				in.Require = pathspec.Require{Multiplicity: 1}
				sp := Solve(Input{Topology: topo, Intents: []pathspec.Intent{in}, PathsOnly: true}).Intents[0]
				in.Require = pathspec.Require{Multiplicity: k, Disjoint: []pathspec.Kind{pathspec.Link, pathspec.SRLG}, MaxDelay: topology.Delay(sp.Cost * 14 / 10)}
				began := time.Now()
				p := compile(topo, &in, make([]topology.Bandwidth, len(topo.Links)), 0)
				c := time.Now()
				h := disjoint.NewHalt(func() bool { return time.Since(c) > time.Second })
				set := p.Best(h)
				d := time.Since(c)
				comp = append(comp, c.Sub(began))
				times = append(times, d)
				if set != nil {
					feas++
				}
				if h.Stopped() {
					stop++
				}
				if d > 200*time.Millisecond {
					t.Logf("slow: %s-%s k=%d %v set=%v stopped=%v", in.From, in.To, k, d, set != nil, h.Stopped())
				}
			}
			slices.Sort(times)
			slices.Sort(comp)
			t.Logf("local=%v k=%d links=%d: median %v p90 %v max %v; compile %v; feasible %d stopped %d nodes %d", local, k, len(topo.Entries), times[len(times)/2], times[len(times)*9/10], times[len(times)-1], comp[len(comp)/2], feas, stop, nodes)
		}
	}
}
