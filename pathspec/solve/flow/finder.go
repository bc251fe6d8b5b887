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
	marks   []int32  // nodes that are one or the other
	used    []bool   // links that carry a path
	held    []bool   // narrow nodes that carry a path
	at      []vertex // by number
	busy    []bool   // nodes that a path ever passed: others have no link in use
	start   int64    // potential of what stands before the sources
	best    int64    // least distance of the targets' end so far
	last    int32    // target that it is reached from
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

// vertex is what a search knows of one, side by side in memory.
type vertex struct {
	dist   int64
	height int64 // potential; that of the targets' end stays 0
	prev   int32 // vertex before
	via    int32 // link from there; ^link where one that is used is given up; split inside a node
}

const split = int32(-1) << 31

// NewFinder makes a finder for a graph.
func NewFinder(g *Graph) *Finder {
	n := g.Nodes()
	f := &Finder{
		Graph: g, source: make([]bool, n), target: make([]bool, n),
		used: make([]bool, len(g.Links)), held: make([]bool, n), at: make([]vertex, 2*n), busy: make([]bool, n), seen: make([]int32, n),
	}
	for v := range f.at {
		f.at[v].dist = Never
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
		for _, v := range [2]int32{f.Links[l].From, f.Links[l].To} {
			f.held[v], f.busy[v] = false, false
		}
	}
	f.marked = f.marked[:0]
	for v := range f.at {
		f.at[v].height = 0
	}
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

// relax offers a way to a vertex. What is not nearer than the end so far is on
// no shorter way.
func (f *Finder) relax(d int64, to, from, via int32) {
	v := &f.at[to]
	if d >= v.dist || d >= f.best {
		return
	}
	if v.dist == Never {
		f.touched = append(f.touched, to)
	}
	v.dist, v.prev, v.via = d, from, via
	if to < int32(len(f.target)) && f.target[to] {
		if end := d + v.height; end < f.best {
			f.best, f.last = end, to
		}
		return
	}
	f.queue.Push(Entry{Dist: d, Vertex: to})
}

// augment adds one path to the flow: Dijkstra's algorithm over what is left,
// with costs reduced by the potentials.
func (f *Finder) augment() bool {
	for _, v := range f.touched {
		f.at[v].dist = Never
	}
	f.touched, f.queue = f.touched[:0], f.queue[:0]
	f.best, f.last = Never, -1
	for _, v := range f.q.From {
		in := f.entrance(v)
		f.relax(f.start-f.at[in].height, in, -1, split)
	}
	n := int32(f.Nodes())
	for len(f.queue) > 0 {
		e := f.queue.Pop()
		v, d := e.Vertex, e.Dist
		if d >= f.best {
			break
		}
		if d > f.at[v].dist {
			continue
		}
		f.Settled++
		switch {
		case v >= n: // the entrance of a narrow node
			f.enter(v, d)
		case f.busy[v]:
			f.leave(v, d)
		default:
			f.leaveIdle(v, d)
		}
	}
	if f.last < 0 {
		return false
	}
	// Potentials change by the distance, at most that of the end; all are
	// shifted so that those far away need not be touched.
	for _, v := range f.touched {
		if u := &f.at[v]; u.dist < f.best {
			u.height += u.dist - f.best
		}
	}
	f.start -= f.best
	f.apply(f.last)
	return true
}

// leaveIdle is leave for a node that no path passes.
func (f *Finder) leaveIdle(v int32, d int64) {
	cost, shut, narrow := f.q.Cost, f.q.Shut, f.q.Narrow
	d += f.at[v].height
	for _, a := range f.leaving(v) {
		if shut != nil && shut[a.link] || f.source[a.to] {
			continue
		}
		to := a.to
		if narrow != nil && narrow[to] {
			to += int32(f.Nodes())
		}
		f.relax(d+cost[a.link]-f.at[to].height, to, v, a.link)
	}
}

// enter goes on from the entrance of a narrow node: through it, or back over
// the link by which another path enters it.
func (f *Finder) enter(in int32, d int64) {
	v := in - int32(f.Nodes())
	d += f.at[in].height
	if !f.held[v] {
		f.relax(d-f.at[v].height, v, in, split)
		return
	}
	f.giveUp(v, in, d)
}

// giveUp goes back over used links into node v.
func (f *Finder) giveUp(v, vertex int32, d int64) {
	for _, a := range f.leaving(v) {
		if f.used[a.link^1] {
			f.relax(d-f.q.Cost[a.link^1]-f.at[a.to].height, a.to, vertex, ^(a.link ^ 1))
		}
	}
}

// leave goes on from a node by its links.
func (f *Finder) leave(v int32, d int64) {
	q := f.q
	d += f.at[v].height
	narrow := f.narrow(v)
	if narrow && f.held[v] {
		in := v + int32(f.Nodes())
		f.relax(d-f.at[in].height, in, v, split)
	}
	for _, a := range f.leaving(v) {
		switch {
		case f.used[a.link^1]:
			if !narrow {
				f.relax(d-q.Cost[a.link^1]-f.at[a.to].height, a.to, v, ^(a.link ^ 1))
			}
		case !f.used[a.link] && (q.Shut == nil || !q.Shut[a.link]) && !f.source[a.to]:
			to := f.entrance(a.to)
			f.relax(d+q.Cost[a.link]-f.at[to].height, to, v, a.link)
		}
	}
}

// apply changes the flow along the path that ends at v.
func (f *Finder) apply(v int32) {
	n := int32(f.Nodes())
	for v >= 0 {
		from := f.at[v].prev
		switch l := f.at[v].via; {
		case l == split:
			if from >= n {
				f.held[v] = true
			} else if from >= 0 {
				f.held[from] = false
			}
		case l >= 0:
			f.used[l] = true
			f.busy[f.Links[l].From], f.busy[f.Links[l].To] = true, true
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
