package world_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// What operators declare gets satisfied, installed and healthy, packets of
// every intent flow both ways, and the answer of the API stands the check.
func TestBringUp(t *testing.T) {
	c := demo(t)
	intents, err := c.Client.Intents(c.ctx)
	c.must(err)
	if len(intents) != 4 {
		t.Fatalf("%d intents, want 4", len(intents))
	}
	for _, i := range intents {
		held := map[string]resource.ConditionStatus{}
		for _, condition := range i.Status.Conditions {
			held[condition.Type] = condition.Status
		}
		for _, kind := range []string{resource.Satisfied, resource.Installed, resource.Healthy} {
			if held[kind] != resource.True {
				t.Errorf("intent %s: %s is %q", i.Metadata.Name, kind, held[kind])
			}
		}
	}

	c.lossless("every intent", slices.Concat(all, []traffic{gold6.back(), silver.back(), operators.back(), sovereign}), func() {})

	spec, err := topology.Parse("jp12.topology.yaml", example(t, "jp12.topology.yaml"))
	c.must(err)
	wanted, err := pathspec.Parse("intents.yaml", example(t, "intents.yaml"))
	c.must(err)
	solution, err := c.Client.Solution(c.ctx)
	c.must(err)
	for _, wrong := range pathspec.Check(spec, wanted, solution) {
		t.Error(wrong)
	}
}

// A trace names the hops of every path in their order, with times.
func TestTrace(t *testing.T) {
	c := demo(t)
	intent, err := c.Client.Intent(c.ctx, "tyo-osa-gold")
	c.must(err)
	trace, err := c.Client.Trace(c.ctx, "tyo-osa-gold")
	c.must(err)
	if len(trace.Paths) != 2 {
		t.Fatalf("%d paths traced, want 2: %+v", len(trace.Paths), trace)
	}
	for n, p := range trace.Paths {
		var hops []string
		for _, h := range p.Hops {
			hops = append(hops, h.Seen)
			if h.RTTUS <= 0 {
				t.Errorf("path %s: hop %s has no time", p.Name, h.Want)
			}
		}
		if got, want := strings.Join(hops, " "), strings.Join(intent.Status.Paths[n].Nodes[1:], " "); got != want {
			t.Errorf("path %s: hops %s, want %s", p.Name, got, want)
		}
		if p.Active != (n == 0) || p.RTTUS <= 0 {
			t.Errorf("path %d: %+v", n, p)
		}
	}
}
