package solve

import (
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/disjoint"
	"github.com/keiro-net/keiro/topology"
)

func TestScratch2(t *testing.T) {
	if os.Getenv("SCRATCH2") == "" {
		t.Skip()
	}
	n := 1000
	topo := geometric(n, 7000, os.Getenv("SCRATCH2") == "local", 1, 1)
	reserved := make([]topology.Bandwidth, len(topo.Links))
	for _, bounded := range []bool{true, false} {
		for _, k := range []int{3, 4} {
			r := rand.New(rand.NewPCG(9, 9))
			for range 10 {
				from, to := r.IntN(n), r.IntN(n)
				in := pathspec.Intent{Name: "a", From: topo.Nodes[from].Name, To: topo.Nodes[to].Name}
				in.Require = pathspec.Require{Multiplicity: 1}
				p := compile(topo, &in, reserved, 0)
				sp := p.Total(p.Best(disjoint.NewHalt(nil)))
				in.Require = pathspec.Require{Multiplicity: k, Disjoint: []pathspec.Kind{pathspec.Link, pathspec.SRLG}}
				if bounded {
					in.Require.MaxDelay = topology.Delay(sp * 14 / 10)
				}
				p = compile(topo, &in, reserved, 0)
				c := time.Now()
				h := disjoint.NewHalt(func() bool { return time.Since(c) > 500*time.Millisecond })
				set := p.Best(h)
				t.Logf("bounded=%v k=%d sp=%d cost=%d proven=%d stopped=%v %v  %s", bounded, k, sp, p.Total(set), p.Proven, h.Stopped(), time.Since(c), disjoint.Debug)
			}
		}
	}
}
