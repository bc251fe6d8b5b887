package problem

import (
	"fmt"
	"slices"
	"testing"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/disjoint"
	"github.com/keiro-net/keiro/topology"
)

// TestDuct: a thousand cables in one duct are one risk.
func TestDuct(t *testing.T) {
	route := []topology.Point{{Lat: 35, Lon: 135}, {Lat: 35.5, Lon: 135.5}, {Lat: 36, Lon: 136}}
	var entries []topology.Entry
	var links []topology.Link
	for e := range 1000 {
		own := slices.Clone(route)
		l := topology.Link{Entry: e, To: 1, Metric: 1, Delay: topology.Declare(topology.Delay(e))}
		back := l
		back.From, back.To = 1, 0
		entries = append(entries, topology.Entry{Name: fmt.Sprint("e", e), B: 1, Route: own})
		links = append(links, l, back)
	}
	topo := topology.New("duct", nil, []topology.Node{{Name: "a"}, {Name: "b"}}, entries, links)
	in := pathspec.Intent{Name: "i", From: "a", To: "b"}
	in.Require = pathspec.Require{Multiplicity: 2, Disjoint: []pathspec.Kind{pathspec.Link}, Separation: 100}
	p := Compile(topo, &in, Nothing(topo), 0)
	if n := p.Risks - len(networkOf(topo).risks); n != 1 {
		t.Errorf("%d risks", n)
	}
	if set, _ := p.Cheapest(disjoint.NewHalt(nil)); set != nil {
		t.Errorf("apart: %v", set)
	}
}
