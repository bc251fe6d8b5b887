package foreign

import "github.com/keiro-net/keiro/topology"

// values are what the two directions of a link should have in common.
type values struct {
	metric   int64
	capacity topology.Attr[topology.Bandwidth]
	delay    topology.Attr[topology.Delay]
}

func (e *Edge) values() values { return values{e.Metric, e.Capacity, e.Delay} }

// addEdges makes links of edges: one of each undirected edge, one of two
// directed edges that lead opposite ways. An edge that leads one way only
// cannot carry a path, which needs both directions, and is left out.
func (b *builder) addEdges() {
	g := b.g
	ends := make([][2]int, len(g.Edges))
	for i := range g.Edges {
		e := &g.Edges[i]
		ends[i] = [2]int{g.end(e.Line, e.From), g.end(e.Line, e.To)}
	}
	if len(g.Errors) > 0 {
		return
	}
	back := g.pair(ends)
	for i := range g.Edges {
		e := &g.Edges[i]
		switch from, to := b.nodes[ends[i][0]].Name, b.nodes[ends[i][1]].Name; {
		case ends[i][0] == ends[i][1]:
			g.Report.Add("self-loops, left out", from)
		case !e.Directed:
			b.addLink(e, e, ends[i])
		case back[i] < 0:
			g.Report.Add("edges that lead one way only, left out", from+"->"+to)
		case i < back[i]:
			b.addLink(e, &g.Edges[back[i]], ends[i])
		}
	}
	b.nameLinks()
	g.Report.Count("links whose shared risks are unknown, so that no path over them counts as SRLG-disjoint", len(b.entries))
}

// pair finds for each directed edge the one of the opposite direction, or -1:
// first those of equal values, then, in the order of the file, what remains.
func (g *Graph) pair(ends [][2]int) []int {
	type way struct {
		from, to int
		values
	}
	back := make([]int, len(g.Edges))
	for i := range back {
		back[i] = -1
	}
	match := func(key func(i int) values) {
		waiting := map[way][]int{}
		for i := range g.Edges {
			e := &g.Edges[i]
			if !e.Directed || back[i] >= 0 || ends[i][0] == ends[i][1] {
				continue
			}
			v := key(i)
			opposite := way{ends[i][1], ends[i][0], v}
			if others := waiting[opposite]; len(others) > 0 {
				back[i], back[others[0]] = others[0], i
				waiting[opposite] = others[1:]
				continue
			}
			own := way{ends[i][0], ends[i][1], v}
			waiting[own] = append(waiting[own], i)
		}
	}
	match(func(i int) values { return g.Edges[i].values() })
	match(func(int) values { return values{} })
	return back
}

// addLink adds a link from the edges of its two directions, which are the same
// edge where the file has one for both.
func (b *builder) addLink(e, back *Edge, ends [2]int) {
	if e.values() != back.values() {
		b.g.Report.Add("links of two directed edges with different values",
			b.nodes[ends[0]].Name+"--"+b.nodes[ends[1]].Name)
	}
	entry := len(b.entries)
	b.entries = append(b.entries, topology.Entry{A: ends[0], B: ends[1], Labels: legalLabels(e.Labels)})
	b.links = append(b.links, b.direction(e, entry, ends[0], ends[1]), b.direction(back, entry, ends[1], ends[0]))
}

func (b *builder) direction(e *Edge, entry, from, to int) topology.Link {
	l := topology.Link{
		Entry: entry, From: from, To: to,
		Metric: max(1, e.Metric), Capacity: e.Capacity, Delay: e.Delay,
	}
	if l.Delay.Known() {
		return l
	}
	p, haveP := b.where[from].Get()
	q, haveQ := b.where[to].Get()
	if haveP && haveQ {
		l.Delay = topology.Derive(topology.CableDelay(topology.GreatCircle(p, q)))
	}
	return l
}

// nameLinks names the links after their ends and reports what is special about
// them.
func (b *builder) nameLinks() {
	ends := make([][2]string, len(b.entries))
	for i := range ends {
		ends[i] = [2]string{b.nodes[b.entries[i].A].Name, b.nodes[b.entries[i].B].Name}
	}
	seen := map[[2]int]bool{}
	for i, name := range topology.LinkNames(make([]string, len(ends)), ends) {
		entry, link := &b.entries[i], &b.links[2*i]
		entry.Name = name
		pair := [2]int{min(entry.A, entry.B), max(entry.A, entry.B)}
		if seen[pair] {
			b.g.Report.Add("parallel links, beyond the first between two nodes", name)
		}
		seen[pair] = true
		delay, known := link.Delay.Get()
		switch {
		case !known:
			b.g.Report.Add("links whose delay is unknown, for want of a place of an end", name)
		case link.Delay.Source() == topology.Derived:
			b.g.Report.Add("links whose delay is derived ("+topology.DelayRule+")", "")
		}
		if known && delay == 0 {
			b.g.Report.Add("links with a delay of 0", name)
		}
		if !link.Capacity.Known() {
			b.g.Report.Add("links whose capacity is unknown", "")
		}
	}
}
