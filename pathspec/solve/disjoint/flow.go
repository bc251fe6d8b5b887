package disjoint

import "slices"

// flow finds cheapest sets of paths with no entry in common, nor a node that
// has a risk, by successive shortest augmentation (Suurballe 1974;
// Ahuja, Magnanti, Orlin: Network Flows, section 9.7). All other risks and all
// bounds are left out: it is a relaxation of the problem. Where there is no
// such set there is no answer, and its cost is never above that of an answer.
//
// Every node is two vertices with an edge between them, which carries one path
// or any number. Two more vertices stand before the sources and behind the
// targets.
type flow struct {
	p         *Problem
	edges     []edge    // edge e and its reverse e^1
	leaving   [][]int32 // edges of every vertex
	room      []int8    // of every edge, how many more paths
	height    []int64   // potential of every vertex
	dist      []int64
	via       []int32 // edge that leads to every vertex
	settled   int     // vertices settled so far: the work done
	queue     queue
	used      []bool // links that carry a path
	remaining []int8 // paths that still end at every node
}

type edge struct {
	to   int32
	cost int64
	kind edgeKind
	item int32 // node or link
}

type edgeKind uint8

const (
	linkEdge edgeKind = iota
	nodeEdge
	startEdge
	endEdge
)

func newFlow(p *Problem) *flow {
	n := len(p.Source)
	f := &flow{
		p: p, leaving: make([][]int32, 2*n+2),
		height: make([]int64, 2*n+2), dist: make([]int64, 2*n+2), via: make([]int32, 2*n+2),
		used: make([]bool, len(p.Links)), remaining: make([]int8, n),
	}
	for v := range n {
		f.add(2*v, 2*v+1, 0, nodeEdge, v)
		if p.Source[v] {
			f.add(2*n, 2*v, 0, startEdge, v)
		}
		if p.Target[v] {
			f.add(2*v+1, 2*n+1, 0, endEdge, v)
		}
		for _, l := range p.out[v] {
			f.add(2*v+1, 2*int(p.Links[l].To), p.Cost[l], linkEdge, int(l))
		}
	}
	f.room = make([]int8, len(f.edges))
	return f
}

func (f *flow) add(from, to int, cost int64, kind edgeKind, item int) {
	f.leaving[from] = append(f.leaving[from], int32(len(f.edges)))
	f.leaving[to] = append(f.leaving[to], int32(len(f.edges)+1))
	f.edges = append(f.edges, edge{int32(to), cost, kind, int32(item)}, edge{int32(from), -cost, kind, int32(item)})
}

// paths returns k cheapest disjoint paths that have no risk which somebody
// owns and no entry that is down; false where there are none.
func (f *flow) paths(k int, owner []int8, down []int16) (set []Path, ok bool) {
	f.reset(int8(k), owner, down)
	for range k {
		if !f.augment() {
			return nil, false
		}
	}
	return f.decompose(k), true
}

func (f *flow) reset(k int8, owner []int8, down []int16) {
	p := f.p
	free := func(risks []int32) bool {
		return !slices.ContainsFunc(risks, func(r int32) bool { return owner[r] != 0 })
	}
	for e := 0; e < len(f.edges); e += 2 {
		item, room := f.edges[e].item, k
		switch f.edges[e].kind {
		case nodeEdge:
			if len(p.enter[item]) > 0 {
				room = 1
			}
			if !free(p.enter[item]) {
				room = 0
			}
		case linkEdge:
			room = 1
			if entry := item / 2; down != nil && down[entry] > 0 || !free(p.OnEntry[entry]) {
				room = 0
			}
		}
		f.room[e], f.room[e+1] = room, 0
	}
	// The least costs to a target are a valid first potential, and lead the
	// search there.
	n := len(p.Source)
	least := Never
	for v := range n {
		f.height[2*v], f.height[2*v+1] = -p.toCost[v], -p.toCost[v]
		if p.Source[v] {
			least = min(least, p.toCost[v])
		}
	}
	f.height[2*n], f.height[2*n+1] = -least, 0
}

// augment adds one path to the flow.
func (f *flow) augment() bool {
	start, end := int32(len(f.leaving)-2), int32(len(f.leaving)-1)
	for v := range f.dist {
		f.dist[v] = Never
	}
	f.dist[start] = 0
	f.queue = f.queue[:0]
	f.queue.push(0, start)
	for len(f.queue) > 0 {
		d, v := f.queue.pop()
		if d > f.dist[v] {
			continue
		}
		f.settled++
		if v == end {
			break
		}
		for _, e := range f.leaving[v] {
			if f.room[e] == 0 {
				continue
			}
			to := f.edges[e].to
			if next := d + f.edges[e].cost + f.height[v] - f.height[to]; next < f.dist[to] {
				f.dist[to], f.via[to] = next, e
				f.queue.push(next, to)
			}
		}
	}
	if f.dist[end] >= Never {
		return false
	}
	for v := range f.height {
		f.height[v] += min(f.dist[v], f.dist[end])
	}
	for v := end; v != start; {
		e := f.via[v]
		f.room[e]--
		f.room[e^1]++
		v = f.edges[e^1].to
	}
	return true
}

// decompose turns the flow into k paths. Two that pass one entry in opposite
// directions trade their rest instead, which costs no more; so does leaving
// out a round trip.
func (f *flow) decompose(k int) []Path {
	p := f.p
	starts := make([]int32, 0, k)
	for e := 0; e < len(f.edges); e += 2 {
		item, flown := f.edges[e].item, f.room[e+1]
		switch f.edges[e].kind {
		case startEdge:
			for range flown {
				starts = append(starts, item)
			}
		case endEdge:
			f.remaining[item] = flown
		case linkEdge:
			f.used[item] = flown > 0
		}
	}
	set := make([]Path, 0, k)
	for _, n := range starts {
		nodes, links := []int32{n}, Path{}
		for {
			if f.remaining[n] > 0 {
				f.remaining[n]--
				break
			}
			i := slices.IndexFunc(p.out[n], func(l int32) bool { return f.used[l] && !f.used[l^1] })
			if i < 0 {
				break // cannot be: what enters a node leaves it
			}
			l := p.out[n][i]
			f.used[l] = false
			n = p.Links[l].To
			links = append(links, l)
			if seen := slices.Index(nodes, n); seen >= 0 {
				nodes, links = nodes[:seen+1], links[:seen]
			} else {
				nodes = append(nodes, n)
			}
		}
		set = append(set, links)
	}
	for l := range f.used {
		f.used[l] = false
	}
	return set
}
