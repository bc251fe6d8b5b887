package solve

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/draw"
	"github.com/keiro-net/keiro/topology"
)

// TestCBC compares 200 intents on random networks of 12 to 60 nodes with CBC:
// all kinds of disjointness mixed, sites as ends, bounds on delay, hops and
// spread, one to four paths. Statuses and costs are equal.
func TestCBC(t *testing.T) {
	needCBC(t)
	const instances = 200
	var mutex sync.Mutex
	count := map[string]int{}
	t.Run("instances", func(t *testing.T) {
		for seed := range uint64(instances) {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				topo, in := mixed(seed)
				end := time.Now().Add(20 * time.Second)
				s := Solve(Input{Topology: topo, Intents: []pathspec.Intent{in}, PathsOnly: true, Stop: func() bool { return time.Now().After(end) }})
				a := s.Intents[0]
				v := cbc(t, write(topo, &in), time.Minute)
				if a.Status != v.status || a.Cost != v.cost || a.Optimal != (a.Status == pathspec.Satisfied) {
					t.Errorf("%s %d, optimal %v; cbc says %s %d\n%+v", a.Status, a.Cost, a.Optimal, v.status, v.cost, in)
				}
				for _, w := range pathspec.Check(topo, []pathspec.Intent{in}, &s) {
					if !w.CannotTell() {
						t.Errorf("Check: %v", w)
					}
				}
				mutex.Lock()
				count[fmt.Sprintf("%d paths: %s", in.Require.Multiplicity, a.Status)]++
				mutex.Unlock()
			})
		}
	})
	t.Log(count)
	for k := range 4 {
		for _, s := range []pathspec.Status{pathspec.Satisfied, pathspec.Infeasible} {
			if what := fmt.Sprintf("%d paths: %s", k+1, s); count[what] < 5 && !t.Failed() {
				t.Errorf("%s: %d of %d instances only: they do not try the solver", what, count[what], instances)
			}
		}
	}
}

// mixed is a random network and an intent on it.
func mixed(seed uint64) (*topology.Topology, pathspec.Intent) {
	r := rand.New(rand.NewPCG(seed, 3))
	nodes := 12 + r.IntN(49)*(1+r.IntN(48))/48 // small ones mostly: CBC needs seconds for the others
	t := draw.Geometric(draw.Plan{
		Nodes: nodes, Links: nodes*5/2 + r.IntN(2*nodes), Seed: seed,
		Risks: draw.LocalRisks, PerLink: 1 + r.IntN(2), Groups: 2 * nodes, Unknown: 40, Sites: 2 * nodes / 3,
	})
	in := pathspec.Intent{
		Name: "a", From: t.Nodes[r.IntN(nodes)].Name, To: t.Nodes[r.IntN(nodes)].Name,
		Objective: []pathspec.Objective{pathspec.MinDelay, pathspec.MinMetric, pathspec.MinHops}[r.IntN(3)],
	}
	for _, end := range []*string{&in.From, &in.To} {
		if r.IntN(4) == 0 {
			*end = t.Sites[r.IntN(len(t.Sites))].Name
		}
	}
	if in.From == in.To {
		return mixed(seed + 1000)
	}
	q := &in.Require
	q.Multiplicity = 1 + r.IntN(4)
	q.Disjoint = []pathspec.Kind{pathspec.Link}
	// Operators are few, so that disjointness in them is for two paths mostly.
	for _, k := range []struct {
		kind pathspec.Kind
		odds int
	}{{pathspec.Node, 2}, {pathspec.SRLG, 2}, {pathspec.Site, 3}, {pathspec.Operator, 3 * q.Multiplicity}} {
		if r.IntN(k.odds) == 0 {
			q.Disjoint = append(q.Disjoint, k.kind)
		}
	}
	if r.IntN(2) == 0 {
		q.MaxDelay = topology.Delay(300 + r.IntN(2000))
	}
	if r.IntN(3) == 0 {
		q.MaxHops = 4 + r.IntN(6)
	}
	if r.IntN(8) == 0 && q.Multiplicity == 2 && nodes < 20 {
		q.MaxDelaySpread = new(topology.Delay(r.IntN(300)))
	}
	if r.IntN(6) == 0 {
		q.Bandwidth = topology.Bandwidth(1 + r.IntN(3))
	}
	return t, in
}
