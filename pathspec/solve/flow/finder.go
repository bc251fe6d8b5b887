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
	price   [2]int64 // potentials of what stands before the sources, and behind the targets
	front   [2]front // see search
	spare   Queue    // see settle
	next    [2]int64 // distance of the nearest vertex of each
	best    int64    // length of the shortest way so far
	bound   int64    // what the side whose turn it is finds as far away is on none shorter
	meet    int32    // vertex where its two parts meet
	touched []int32  // vertices that a search of this query reached
	short   bool     // Run found too few
	present int      // where those of the present search begin in it
	marked  []int32  // links that were ever used, for the next reset
	walk    []int32  // links of the paths, one path after another
	paths   [][]int32
	seen    []int32 // where on the present path a node is, from 1
	ahead   []int64 // see Corridor
	behind  []int64
	Settled int // vertices settled so far: the work done
}

// NewFinder makes a finder for a graph.
func NewFinder(g *Graph) *Finder {
	n := g.Nodes()
	f := &Finder{
		Graph: g, source: make([]bool, n), target: make([]bool, n),
		used: make([]bool, len(g.Links)), held: make([]bool, n), at: make([]vertex, 2*n), busy: make([]bool, n), seen: make([]int32, n),
	}
	for v := range f.at {
		f.at[v].dist = [2]int64{Never, Never}
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
		if f.short = !f.search(); f.short {
			return 0, false
		}
		f.apply(fromSource)
		f.apply(toTarget)
		cost += f.pathPrice()
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
	f.forget()
	for _, v := range f.touched {
		f.at[v].height = 0
	}
	f.touched, f.present, f.price = f.touched[:0], 0, [2]int64{}
}

func (f *Finder) narrow(v int32) bool { return f.q.Narrow != nil && f.q.Narrow[v] }

// entrance is the vertex at which a path comes to node v.
func (f *Finder) entrance(v int32) int32 {
	if f.narrow(v) {
		return v + int32(f.Nodes())
	}
	return v
}

// apply changes the flow along one part of the way that search found.
func (f *Finder) apply(s side) {
	n := int32(f.Nodes())
	for v := f.meet; f.at[v].via[s] != none; {
		switch l := f.at[v].via[s]; {
		case l == split:
			other := v + n
			if v >= n {
				other = v - n
			}
			f.held[min(v, other)] = (v < n) == (s == fromSource) // it is passed from the entrance
			v = other
		case l >= 0:
			link := f.Links[l]
			f.used[l], f.busy[link.From], f.busy[link.To] = true, true, true
			f.marked = append(f.marked, l)
			v = link.From
			if s == toTarget {
				v = f.entrance(link.To)
			}
		default:
			link := f.Links[^l]
			f.used[^l] = false
			v = link.From
			if s == fromSource {
				v = f.entrance(link.To)
			}
		}
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
