package draw

import (
	"fmt"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// Wires builds a network from lines `a b delay capacity`; links are named a-b.
func Wires(lines ...string) *topology.Topology {
	var nodes []topology.Node
	index := map[string]int{}
	node := func(name string) int {
		if _, ok := index[name]; !ok {
			index[name] = len(nodes)
			nodes = append(nodes, topology.Node{Name: name})
		}
		return index[name]
	}
	var entries []topology.Entry
	var links []topology.Link
	for _, line := range lines {
		var a, b string
		var delay, capacity int64
		if _, err := fmt.Sscan(line, &a, &b, &delay, &capacity); err != nil {
			panic(err)
		}
		l := topology.Link{
			Entry: len(entries), From: node(a), To: node(b), Metric: 1,
			Delay: topology.Declare(topology.Delay(delay)), Capacity: topology.Declare(topology.Bandwidth(capacity)),
		}
		back := l
		back.From, back.To = l.To, l.From
		entries = append(entries, topology.Entry{Name: a + "-" + b, A: l.From, B: l.To, SRLGs: topology.Declare([]string{})})
		links = append(links, l, back)
	}
	return topology.New("wires", nil, nodes, entries, links)
}

// Wants reads lines `name from to bandwidth priority`.
func Wants(lines ...string) (intents []pathspec.Intent) {
	for _, line := range lines {
		in := pathspec.Intent{Require: pathspec.Require{Multiplicity: 1}}
		var bandwidth int64
		if _, err := fmt.Sscan(line, &in.Name, &in.From, &in.To, &bandwidth, &in.Priority); err != nil {
			panic(err)
		}
		in.Require.Bandwidth = topology.Bandwidth(bandwidth)
		intents = append(intents, in)
	}
	return intents
}
