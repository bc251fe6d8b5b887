package flow

// Query asks for K cheapest disjoint paths.
type Query struct {
	K        int
	From, To []int32 // a path leads from any of these to any of those; none is both
	Cost     []int64 // of every link, none negative
	Shut     []bool  // of every link: not to be used; nil: none
	Narrow   []bool  // of every node: one path only, ends included; nil: none
}

// Finder answers queries on one graph by successive shortest augmentation, and
// keeps its memory between them. It is not for several goroutines at once.
//
// A narrow node is two vertices, entered at nodes+v and left at v, with an edge
// between them; any other is the one vertex v.
type Finder struct {
	*Graph
	q       *Query
	source  []bool
	target  []bool
	marks   []int32 // nodes that are one or the other
	used    []bool  // links that carry a path
	held    []bool  // narrow nodes that carry a path
	height  []int64 // potential of every vertex; that of the targets' end stays 0
	start   int64   // potential of what stands before the sources
	dist    []int64
	prev    []int32 // vertex before
	via     []int32 // link from there; ^link where one that is used is given up; split inside a node
	touched []int32
	marked  []int32 // links that were ever used, for the next reset
	queue   Queue
	walk    []int32 // links of the paths, one path after another
	paths   [][]int32
	seen    []int32 // where on the present path a node is, from 1
	ahead   []int64 // see Corridor
	behind  []int64
	Settled int // vertices settled so far: the work done
}

const split = int32(-1) << 31

// NewFinder makes a finder for a graph.
func NewFinder(g *Graph) *Finder {
	n := g.Nodes()
	f := &Finder{
		Graph: g, source: make([]bool, n), target: make([]bool, n),
		used: make([]bool, len(g.Links)), held: make([]bool, n), height: make([]int64, 2*n),
		dist: make([]int64, 2*n), prev: make([]int32, 2*n), via: make([]int32, 2*n), seen: make([]int32, n),
	}
	for v := range f.dist {
		f.dist[v] = Never
	}
	return f
}

// Run looks for the paths; false where there are not so many. The cost is
// that of the set. Links into a source and out of a target are not used: a
// path that did would have a cheaper part.
func (f *Finder) Run(q *Query) (cost int64, ok bool) {
	f.reset()
	f.q = q
	f.marks = append(append(f.marks[:0], q.From...), q.To...)
	for _, v := range q.From {
		f.source[v] = true
	}
	for _, v := range q.To {
		f.target[v] = true
	}
	for range q.K {
		if !f.augment() {
			return 0, false
		}
		cost -= f.start
	}
	return cost, true
}

func (f *Finder) reset() {
	for _, v := range f.marks {
		f.source[v], f.target[v] = false, false
	}
	for _, l := range f.marked {
		f.used[l] = false
		f.held[f.Links[l].From], f.held[f.Links[l].To] = false, false
	}
	f.marked = f.marked[:0]
	clear(f.height)
	f.start = 0
}

func (f *Finder) narrow(v int32) bool { return f.q.Narrow != nil && f.q.Narrow[v] }

// entrance is the vertex at which a path comes to node v.
func (f *Finder) entrance(v int32) int32 {
	if f.narrow(v) {
		return v + int32(f.Nodes())
	}
	return v
}

func (f *Finder) relax(d int64, vertex, from, via int32) {
	if d < f.dist[vertex] {
		if f.dist[vertex] == Never {
			f.touched = append(f.touched, vertex)
		}
		f.dist[vertex], f.prev[vertex], f.via[vertex] = d, from, via
		f.queue.Push(Entry{Dist: d, Vertex: vertex})
	}
}

// augment adds one path to the flow: Dijkstra's algorithm over what is left,
// with costs reduced by the potentials.
func (f *Finder) augment() bool {
	for _, v := range f.touched {
		f.dist[v] = Never
	}
	f.touched, f.queue = f.touched[:0], f.queue[:0]
	for _, v := range f.q.From {
		in := f.entrance(v)
		f.relax(f.start-f.height[in], in, -1, split)
	}
	n := int32(f.Nodes())
	best, last := Never, int32(-1)
	for len(f.queue) > 0 {
		e := f.queue.Pop()
		v, d := e.Vertex, e.Dist
		if d > f.dist[v] {
			continue
		}
		if d >= best {
			break
		}
		f.Settled++
		switch {
		case v >= n: // the entrance of a narrow node
			f.enter(v, d)
		case f.target[v]:
			if end := d + f.height[v]; end < best {
				best, last = end, v
			}
		default:
			f.leave(v, d)
		}
	}
	if last < 0 {
		return false
	}
	// Potentials change by the distance, at most that of the end; all are
	// shifted so that those far away need not be touched.
	for _, v := range f.touched {
		if f.dist[v] < best {
			f.height[v] += f.dist[v] - best
		}
	}
	f.start -= best
	f.apply(last)
	return true
}

// enter goes on from the entrance of a narrow node: through it, or back over
// the link by which another path enters it.
func (f *Finder) enter(in int32, d int64) {
	v := in - int32(f.Nodes())
	d += f.height[in]
	if !f.held[v] {
		f.relax(d-f.height[v], v, in, split)
		return
	}
	f.giveUp(v, in, d)
}

// giveUp goes back over used links into node v.
func (f *Finder) giveUp(v, vertex int32, d int64) {
	for _, a := range f.leaving(v) {
		if f.used[a.link^1] {
			f.relax(d-f.q.Cost[a.link^1]-f.height[a.to], a.to, vertex, ^(a.link ^ 1))
		}
	}
}

// leave goes on from a node by its links.
func (f *Finder) leave(v int32, d int64) {
	q := f.q
	d += f.height[v]
	narrow := f.narrow(v)
	if narrow && f.held[v] {
		in := v + int32(f.Nodes())
		f.relax(d-f.height[in], in, v, split)
	}
	for _, a := range f.leaving(v) {
		switch {
		case f.used[a.link^1]:
			if !narrow {
				f.relax(d-q.Cost[a.link^1]-f.height[a.to], a.to, v, ^(a.link ^ 1))
			}
		case !f.used[a.link] && (q.Shut == nil || !q.Shut[a.link]) && !f.source[a.to]:
			to := f.entrance(a.to)
			f.relax(d+q.Cost[a.link]-f.height[to], to, v, a.link)
		}
	}
}

// apply changes the flow along the path that ends at v.
func (f *Finder) apply(v int32) {
	n := int32(f.Nodes())
	for v >= 0 {
		from := f.prev[v]
		switch l := f.via[v]; {
		case l == split:
			if from >= n {
				f.held[v] = true
			} else if from >= 0 {
				f.held[from] = false
			}
		case l >= 0:
			f.used[l] = true
			f.marked = append(f.marked, l)
		default:
			f.used[^l] = false
		}
		v = from
	}
}

// Paths takes the flow apart. The slices are good until the next Run.
func (f *Finder) Paths() [][]int32 {
	f.walk, f.paths = f.walk[:0], f.paths[:0]
	for _, s := range f.q.From {
		for _, a := range f.leaving(s) {
			if f.used[a.link] {
				f.paths = append(f.paths, f.follow(a.link))
			}
		}
	}
	for _, l := range f.walk {
		f.used[l] = true
	}
	return f.paths
}

// follow takes one path out of the flow, without its round trips, which cost
// nothing.
func (f *Finder) follow(l int32) []int32 {
	first := len(f.walk)
	for {
		f.used[l] = false
		f.walk = append(f.walk, l)
		v := f.Links[l].To
		if f.target[v] {
			break
		}
		if at := f.seen[v]; at > 0 { // a round trip
			for _, again := range f.walk[first+int(at):] {
				f.seen[f.Links[again].To] = 0
			}
			f.walk = f.walk[:first+int(at)]
			f.seen[v] = at
		} else {
			f.seen[v] = int32(len(f.walk) - first)
		}
		next := int32(-1)
		for _, a := range f.leaving(v) {
			if f.used[a.link] {
				next = a.link
				break
			}
		}
		l = next // what enters a node leaves it
	}
	for _, l := range f.walk[first:] {
		f.seen[f.Links[l].To] = 0
	}
	return f.walk[first:]
}
