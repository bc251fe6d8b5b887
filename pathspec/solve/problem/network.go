package problem

import (
	"slices"
	"sync"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/flow"
	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/geo"
)

// network is a topology in numbers: what all intents on it have in common. It
// is made once for a topology and not changed.
type network struct {
	graph   *flow.Graph
	delay   []int64 // of every link; 0 where unknown
	metric  []int64
	one     []int64
	unknown struct { // whether something somewhere is
		delay, groups, operator bool
	}
	risks     []Risk                    // by number: links, then groups, nodes, sites, operators
	groups    [][]int32                 // risks of every entry: its groups
	firstNode int32                     // risk that is node 0 itself
	runner    []int32                   // risk of every entry: its operator; -1: unknown
	place     []int32                   // risk of every node: its site; -1: unknown
	host      []int32                   // risk of every node: its operator; -1: unknown
	members   map[int32][]int           // nodes of a site
	sites     map[string]int32          // risk of every site that has nodes
	lists     [1 << 5]func() *riskLists // by the kinds, as bits; made when first asked for
	survey    func() *geo.Ground        // the cables as laid
	near      sync.Map                  // see pairs
	free      *riskLists                // none
}

// riskLists are the risks of entries and nodes for one choice of kinds,
// without what is excepted at the ends of an intent.
type riskLists struct {
	onEntry, through, atEnd [][]int32
}

// derived is what is kept with a topology.
type derived struct {
	ordered func() *topology.Topology // see inNameOrder
	network func() *network
}

func derivedOf(t *topology.Topology) *derived {
	return t.Memo(func() any {
		return &derived{
			sync.OnceValue(func() *topology.Topology { return inNameOrder(t) }),
			sync.OnceValue(func() *network { return newNetwork(t) }),
		}
	}).(*derived)
}

// Ordered is the topology in the order of names.
func Ordered(t *topology.Topology) *topology.Topology { return derivedOf(t).ordered() }

// networkOf is the network of a topology.
func networkOf(t *topology.Topology) *network { return derivedOf(t).network() }

func newNetwork(t *topology.Topology) *network {
	n := &network{members: map[int32][]int{}, sites: map[string]int32{}}
	links := make([]flow.Link, len(t.Links))
	n.delay, n.metric, n.one = make([]int64, len(links)), make([]int64, len(links)), slices.Repeat([]int64{1}, len(links))
	for l := range t.Links {
		link := &t.Links[l]
		links[l] = flow.Link{From: int32(link.From), To: int32(link.To)}
		delay, known := link.Delay.Get()
		n.unknown.delay = n.unknown.delay || !known
		n.delay[l], n.metric[l] = int64(delay), link.Metric
	}
	n.graph = flow.NewGraph(len(t.Nodes), links)
	n.number(t)
	for mask := range n.lists {
		n.lists[mask] = sync.OnceValue(func() *riskLists { return n.list(t, mask) })
	}
	n.survey = sync.OnceValue(func() *geo.Ground { return geo.Survey(t) })
	n.free = &riskLists{make([][]int32, len(t.Entries)), make([][]int32, len(t.Nodes)), make([][]int32, len(t.Nodes))}
	return n
}

// number gives every risk its number.
func (n *network) number(t *topology.Topology) {
	known := map[Risk]int32{}
	add := func(kind pathspec.Kind, name string) int32 {
		if name == "" {
			return -1
		}
		key := Risk{kind, name}
		id, ok := known[key]
		if !ok {
			id = int32(len(n.risks))
			known[key] = id
			n.risks = append(n.risks, key)
		}
		return id
	}
	for e := range t.Entries {
		n.risks = append(n.risks, Risk{pathspec.Link, t.Entries[e].Name})
	}
	n.groups, n.runner = make([][]int32, len(t.Entries)), make([]int32, len(t.Entries))
	for e := range t.Entries {
		groups, ok := t.Entries[e].SRLGs.Get()
		n.unknown.groups = n.unknown.groups || !ok
		for _, g := range groups {
			n.groups[e] = append(n.groups[e], add(pathspec.SRLG, g))
		}
	}
	n.firstNode = int32(len(n.risks))
	for v := range t.Nodes {
		n.risks = append(n.risks, Risk{pathspec.Node, t.Nodes[v].Name})
	}
	n.place, n.host = make([]int32, len(t.Nodes)), make([]int32, len(t.Nodes))
	for v := range t.Nodes {
		if n.place[v] = add(pathspec.Site, t.Nodes[v].Site); n.place[v] >= 0 {
			n.sites[t.Nodes[v].Site] = n.place[v]
			n.members[n.place[v]] = append(n.members[n.place[v]], v)
		}
	}
	for v := range t.Nodes {
		n.host[v] = add(pathspec.Operator, t.Nodes[v].Operator)
	}
	for e := range t.Entries {
		n.runner[e] = add(pathspec.Operator, t.Entries[e].Operator)
		n.unknown.operator = n.unknown.operator || n.runner[e] < 0
	}
}

func asksFor(mask int, k pathspec.Kind) bool { return mask>>k&1 == 1 }

// list makes the lists of one choice of kinds, all in two pieces of memory.
func (n *network) list(t *topology.Topology, mask int) *riskLists {
	l := &riskLists{onEntry: make([][]int32, len(t.Entries)), through: make([][]int32, len(t.Nodes)), atEnd: make([][]int32, len(t.Nodes))}
	var items []int32
	for e := range t.Entries {
		from := len(items)
		items = append(items, int32(e))
		if asksFor(mask, pathspec.SRLG) {
			items = append(items, n.groups[e]...)
		}
		if asksFor(mask, pathspec.Operator) && n.runner[e] >= 0 {
			items = append(items, n.runner[e])
		}
		l.onEntry[e] = items[from:len(items):len(items)]
	}
	for v := range t.Nodes {
		from := len(items)
		if asksFor(mask, pathspec.Node) {
			items = append(items, n.firstNode+int32(v))
		}
		if asksFor(mask, pathspec.Site) && n.place[v] >= 0 {
			items = append(items, n.place[v])
		}
		l.atEnd[v] = items[from:len(items):len(items)]
		if asksFor(mask, pathspec.Operator) && n.host[v] >= 0 {
			items = append(items, n.host[v])
		}
		l.through[v] = items[from:len(items):len(items)]
	}
	return l
}

// assign gives a problem its risks, less what the design excepts at the ends.
func (n *network) assign(p *Problem, in *pathspec.Intent) {
	mask := 1 << pathspec.Link
	for _, k := range in.Require.Disjoint {
		mask |= 1 << k
	}
	lists := n.free
	if p.several {
		lists = n.lists[mask]()
	}
	p.risks, p.Risks, p.OnEntry = n.risks, len(n.risks), lists.onEntry
	p.Through, p.AtEnd = lists.through, lists.atEnd
	if !p.several || mask&^(1<<pathspec.Link|1<<pathspec.SRLG) == 0 {
		return // nodes have no risks
	}
	p.Through, p.AtEnd = slices.Clone(p.Through), slices.Clone(p.AtEnd)
	for _, end := range []string{in.From, in.To} {
		site, ok := n.sites[siteOf(p.t, end)]
		if !ok {
			continue
		}
		for _, v := range n.members[site] {
			other := func(r int32) bool { return r == site }
			p.Through[v] = slices.DeleteFunc(slices.Clone(p.Through[v]), other)
			p.AtEnd[v] = slices.DeleteFunc(slices.Clone(p.AtEnd[v]), other)
		}
	}
	for _, end := range []string{in.From, in.To} {
		if v, ok := p.t.Node(end); ok {
			p.Through[v], p.AtEnd[v] = nil, nil
		}
	}
}

// siteOf is the site of an end: its own name, or where the named node is.
func siteOf(t *topology.Topology, end string) string {
	if n, ok := t.Node(end); ok {
		return t.Nodes[n].Site
	}
	return end
}
