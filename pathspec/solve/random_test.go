package solve

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// randomTopology draws up to 7 nodes and 11 links in which anything may be
// unknown.
func randomTopology(t *rapid.T) *topology.Topology {
	return drawTopology(t, []int{2, 3, 4, 5, 5, 6, 6, 7}, []int{2, 7, 8, 9, 10, 11})
}

// denseTopology draws networks with many links for their nodes, in which there
// is room for three and four paths.
func denseTopology(t *rapid.T) *topology.Topology {
	return drawTopology(t, []int{3, 4, 5, 6, 7}, []int{11, 12, 13})
}

func drawTopology(t *rapid.T, nodeCounts, linkCounts []int) *topology.Topology {
	maybe := func(what string, most int) topology.Attr[int] {
		if rapid.SampledFrom(order(30)).Draw(t, what+" unknown") == 29 {
			return topology.Attr[int]{}
		}
		return topology.Declare(rapid.IntRange(0, most).Draw(t, what))
	}
	name := func(what string, names ...string) string { return rapid.SampledFrom(names).Draw(t, what) }
	sites := []topology.Site{
		{Name: "s0", Country: "JP", Where: topology.Declare(topology.Point{Lat: 35, Lon: 135})},
		{Name: "s1", Country: "KR", Where: topology.Declare(topology.Point{Lat: 35.5, Lon: 136})}, {Name: "s2"},
	}
	var nodes []topology.Node
	for i := range rapid.SampledFrom(nodeCounts).Draw(t, "nodes") {
		nodes = append(nodes, topology.Node{
			Name:     fmt.Sprint("n", i),
			Site:     name("site", "s0", "s0", "s0", "s1", "s1", "s1", "s2", "s2", ""),
			Operator: name("node operator", "", "", "", "alpha", "beta"),
		})
	}
	var entries []topology.Entry
	var links []topology.Link
	for e := range rapid.SampledFrom(linkCounts).Draw(t, "links") {
		// A chain of all nodes first, then links anywhere.
		a, b := e%len(nodes), (e+1)%len(nodes)
		if e >= len(nodes) {
			a = rapid.SampledFrom(order(len(nodes))).Draw(t, "a")
			b = rapid.SampledFrom(slices.DeleteFunc(order(len(nodes)), func(n int) bool { return n == a })).Draw(t, "b")
		}
		entry := topology.Entry{
			Name: fmt.Sprint("e", e), A: a, B: b, QKD: rapid.Bool().Draw(t, "qkd"),
			Operator: name("operator", "alpha", "beta", "gamma", "alpha", "beta", "gamma", "alpha", "beta", "gamma", ""),
		}
		if entry.QKD && rapid.IntRange(0, 3).Draw(t, "keyless") == 0 {
			entry.Keyless = "its store is low"
		}
		if _, ok := maybe("srlgs", 0).Get(); ok {
			entry.SRLGs = topology.Declare(rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"g0", "g1", "g2", "g3", "g4"}), 0, 2, rapid.ID).Draw(t, "srlgs"))
		}
		if _, ok := maybe("route", 0).Get(); ok {
			entry.Route = []topology.Point{place(a), {Lat: 35 + 0.25*float64(rapid.IntRange(0, 4).Draw(t, "bend")), Lon: 135.6}, place(b)}
		}
		entries = append(entries, entry)
		for range 2 {
			l := topology.Link{Entry: e, From: a, To: b, Metric: int64(rapid.IntRange(0, 4).Draw(t, "metric"))}
			if d, ok := maybe("delay", 6).Get(); ok {
				l.Delay = topology.Declare(topology.Delay(d))
			}
			if c, ok := maybe("capacity", 5).Get(); ok {
				l.Capacity = topology.Declare(topology.Bandwidth(c))
			}
			links = append(links, l)
			a, b = b, a
		}
	}
	return topology.New("random", sites, nodes, entries, links)
}

// place is where the cables of node n begin.
func place(n int) topology.Point {
	return topology.Point{Lat: 35 + 0.5*float64(n%3), Lon: 135 + 0.5*float64(n/3)}
}

// order is 0 to n-1: drawing from it is even, drawing an integer prefers small ones.
func order(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// randomIntent draws an intent that asks for a few things.
func randomIntent(t *rapid.T, topo *topology.Topology, name string) pathspec.Intent {
	return drawIntent(t, topo, name, 5, []int{1, 2, 2, 3})
}

// mixedIntent draws an intent that asks for many things at once.
func mixedIntent(t *rapid.T, topo *topology.Topology, name string) pathspec.Intent {
	return drawIntent(t, topo, name, 2, []int{2, 2, 3, 4})
}

// drawIntent draws an intent in which one in so many requirements is made.
func drawIntent(t *rapid.T, topo *topology.Topology, name string, oneIn int, multiplicities []int) pathspec.Intent {
	var ends []string
	for i := range topo.Nodes {
		ends = append(ends, topo.Nodes[i].Name)
	}
	ends = append(ends, "s0", "s1")
	in := pathspec.Intent{
		Name: name, From: rapid.SampledFrom(ends).Draw(t, "from"), To: rapid.SampledFrom(ends).Draw(t, "to"),
		Priority:  rapid.IntRange(0, 1).Draw(t, "priority"),
		Objective: rapid.SampledFrom([]pathspec.Objective{pathspec.MinDelay, pathspec.MinMetric, pathspec.MinHops, pathspec.Balance}).Draw(t, "objective"),
	}
	if in.From == in.To {
		in.To = ends[(slices.Index(ends, in.To)+1)%len(ends)]
	}
	one := func(what string) bool { return rapid.SampledFrom(order(oneIn)).Draw(t, what) == oneIn-1 }
	r := &in.Require
	r.Multiplicity = rapid.SampledFrom(multiplicities).Draw(t, "multiplicity")
	r.Disjoint = []pathspec.Kind{pathspec.Link}
	for _, k := range []pathspec.Kind{pathspec.Node, pathspec.SRLG, pathspec.Site, pathspec.Operator} {
		if one("disjoint " + k.String()) {
			r.Disjoint = append(r.Disjoint, k)
		}
	}
	if one("bandwidth") {
		r.Bandwidth = topology.Bandwidth(rapid.IntRange(1, 3).Draw(t, "bandwidth"))
	}
	if one("maxDelay") {
		r.MaxDelay = topology.Delay(rapid.IntRange(1, 20).Draw(t, "maxDelay"))
	}
	if one("spread") {
		spread := topology.Delay(rapid.IntRange(0, 6).Draw(t, "spread"))
		r.MaxDelaySpread = &spread
	}
	if one("maxHops") {
		r.MaxHops = rapid.IntRange(1, 5).Draw(t, "maxHops")
	}
	if r.Multiplicity > 1 && one("separation") {
		r.Separation = rapid.SampledFrom([]topology.Distance{1, 20_000, 50_000}).Draw(t, "separation")
		r.SeparationExcept = rapid.SampledFrom([]topology.Distance{0, 30_000, 60_000}).Draw(t, "except")
	}
	switch rapid.SampledFrom(order(24)).Draw(t, "where") {
	case 0:
		r.Countries.Allow = []string{"JP"}
	case 1:
		r.Countries.Deny = []string{"KR"}
	case 2:
		r.Avoid = pathspec.Avoid{Nodes: []string{"n2"}, SRLGs: []string{"g0"}}
	case 3:
		r.Avoid = pathspec.Avoid{Links: []string{"e0", "e1"}, Operators: []string{"gamma"}}
	case 4:
		r.Avoid = pathspec.Avoid{Sites: []string{"s2"}}
	case 5:
		r.Encryption = pathspec.QKD
	}
	return in
}
