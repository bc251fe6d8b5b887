package world_test

import (
	"slices"
	"testing"
	"time"

	"github.com/keiro-net/keiro/topology/clab"
)

// Two worlds of one file, with the same addresses and interfaces, do not meet.
func TestTwoWorlds(t *testing.T) {
	var worlds [2]*cloud
	for n, name := range []string{"left", "right"} {
		f := jp12(t)
		f.Name += "-" + name
		worlds[n] = declared(start(t, f))
	}
	left, right := worlds[0], worlds[1]
	kernel := right.kernel()
	if pids := append(left.processes(), right.processes()...); len(slices.Compact(slices.Sorted(slices.Values(pids)))) != 24 {
		t.Errorf("want 12 agents in each world and none in both: %v", pids)
	}
	right.lossless("a cut in another world", all, func() {
		s := left.stream(gold, time.Second)
		left.flows(s, 50)
		left.cut("node:nag1")
		left.settled()
		left.flows(s, 50)
		s.Stop()
		right.settled()
	})
	if got := right.kernel(); got != kernel {
		t.Errorf("a cut in one world changed the other:\n%s", difference(kernel, got))
	}
	right.lossless("another world that ends", all, func() { left.must(left.Close(left.ctx)) })
	if got := right.kernel(); got != kernel {
		t.Errorf("the end of one world changed the other:\n%s", difference(kernel, got))
	}
}

func (c *cloud) processes() []int {
	c.t.Helper()
	status, err := c.Lab.Status(c.ctx)
	c.must(err)
	var pids []int
	for _, n := range status.Nodes {
		pids = append(pids, n.Processes...)
	}
	return pids
}

// pair is a lab of two nodes, for what needs no network.
func pair(t testing.TB, name string) *clab.File {
	t.Helper()
	f, err := clab.Parse("pair", []byte(`
name: pair
topology:
  kinds: {linux: {image: none}}
  nodes: {a: {kind: linux}, b: {kind: linux}}
  links: [{endpoints: ["a:eth1", "b:eth1"]}]
`), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	f.Name = labName(t.Name()) + name
	return f
}
