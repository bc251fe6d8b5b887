package flow

// side is one of the two searches that meet: forth from the sources, and back
// from the targets.
type side int32

const (
	fromSource side = iota
	toTarget
)

// vertex is what the searches know of one, side by side in memory.
type vertex struct {
	height int64    // potential
	dist   [2]int64 // from the sources, to the targets
	via    [2]int32 // edge by which the way comes, and by which it goes on
}

// An edge is a link; ^link where one that is used is given up, against its
// direction; or one of these.
const (
	split = int32(-1) << 31 // between the two vertices of a narrow node
	none  = split + 1       // the way begins or ends here
)

// search finds a shortest way from the sources to the targets over what is
// left, with costs reduced by the potentials, and moves the potentials so that
// its length is 0; false where there is none. It is Dijkstra's algorithm from
// both ends, in turns, the side with the shorter queue first, until what is
// still in the queues is on no shorter way (Pohl, Machine Intelligence 6, 1971).
func (f *Finder) search() bool {
	f.forget()
	f.best, f.bound = Never, Never
	for _, v := range f.q.From {
		in := f.entrance(v)
		f.relax(fromSource, f.price[fromSource]-f.at[in].height, in, none)
	}
	for _, v := range f.q.To {
		f.relax(toTarget, f.at[v].height-f.price[toTarget], v, none)
	}
	f.next = [2]int64{f.front[fromSource].next(), f.front[toTarget].next()}
	var s side
	for f.next[fromSource]+f.next[toTarget] < f.best {
		s = fromSource
		if f.front[toTarget].size() < f.front[fromSource].size() {
			s = toTarget
		}
		f.bound = f.best - f.next[1-s]
		f.expand(s)
		f.next[s] = f.front[s].next()
	}
	if f.best == Never {
		return false
	}
	f.raise(s)
	return true
}

// raise moves the potentials by the distances: those from the sources as far as
// one radius, those to the targets as far as another, which are together the
// length of the way. Up to there each side knows all distances, and potentials
// they stay, since no edge can cross both borders for less. Those of vertices
// beyond need not be touched. last is the side that was last expanded.
func (f *Finder) raise(last side) {
	var radius [2]int64
	radius[1-last] = f.next[1-last]
	radius[last] = f.best - radius[1-last]
	for _, v := range f.touched[f.present:] {
		u := &f.at[v]
		u.height += max(0, radius[toTarget]-u.dist[toTarget]) - max(0, radius[fromSource]-u.dist[fromSource])
	}
	f.price[fromSource] -= radius[fromSource]
	f.price[toTarget] += radius[toTarget]
}

// forget takes back what the last search left at the vertices, but for their
// potentials.
func (f *Finder) forget() {
	for _, v := range f.touched[f.present:] {
		f.at[v].dist = [2]int64{Never, Never}
	}
	f.present = len(f.touched)
	f.front[fromSource].clear()
	f.front[toTarget].clear()
}

// relax offers a way to a vertex. What the other side will be too far from is
// on no shorter way.
func (f *Finder) relax(s side, d int64, to, via int32) {
	if d < f.at[to].dist[s&1] && d < f.bound {
		f.take(s, d, to, via)
	}
}

// take accepts a way to a vertex.
func (f *Finder) take(s side, d int64, to, via int32) {
	v := &f.at[to]
	other := v.dist[s&1^1]
	if other == Never && v.dist[s&1] == Never {
		f.touched = append(f.touched, to)
	}
	v.dist[s&1], v.via[s&1] = d, via
	if other < Never && d+other < f.best {
		f.best, f.meet = d+other, to
		if f.bound = f.best - f.next[s&1^1]; d >= f.bound {
			return
		}
	}
	f.front[s&1].push(d, to)
}

// expand goes on from the nearest vertex of a side.
func (f *Finder) expand(s side) {
	d, v := f.front[s&1].pop()
	n := int32(f.Nodes())
	if d > f.at[v].dist[s&1] {
		return
	}
	f.Settled++
	outer := (v < n) == (s == fromSource) // where the side leaves a narrow node
	d += s.sign() * f.at[v].height
	if v < n && !f.narrow(v) {
		f.links(s, v, d)
		if f.busy[v] {
			f.givenUp(s, v, d)
		}
		return
	}
	node, other := v, v+n
	if v >= n {
		node, other = v-n, v-n
	}
	if outer == f.held[node] {
		f.relax(s, d-s.sign()*f.at[other].height, other, split)
	}
	if outer {
		f.links(s, node, d)
	} else if f.held[node] {
		f.givenUp(s, node, d)
	}
}

// sign is that of potentials in the reduced cost of an edge that a side goes
// over: they are added where it comes from.
func (s side) sign() int64 { return 1 - 2*int64(s) }

// links goes over the links of a node that carry no path, whichever way.
func (f *Finder) links(s side, v int32, d int64) {
	cost, shut, narrow, at, n := f.q.Cost, f.q.Shut, f.q.Narrow, f.at, int32(f.Nodes())
	sign, busy := s.sign(), f.busy[v]
	if !busy && shut == nil && narrow == nil { // nothing to look out for
		for _, a := range f.leaving(v) {
			u, l := &at[a.to], a.link^int32(s)
			if d := d + cost[l] - sign*u.height; d < u.dist[s&1] && d < f.bound {
				f.take(s, d, a.to, l)
			}
		}
		return
	}
	for _, a := range f.leaving(v) {
		l, to := a.link^int32(s), a.to
		if shut != nil && shut[l] || busy && (f.used[l] || f.used[l^1]) {
			continue
		}
		if s == fromSource && narrow != nil && narrow[to] {
			to += n
		}
		u := &at[to]
		if d := d + cost[l] - sign*u.height; d < u.dist[s&1] && d < f.bound {
			f.take(s, d, to, l)
		}
	}
}

// givenUp goes over the links of a node that carry a path, against it.
func (f *Finder) givenUp(s side, v int32, d int64) {
	for _, a := range f.leaving(v) {
		l, to := a.link^1^int32(s), a.to
		if !f.used[l] {
			continue
		}
		if s == toTarget {
			to = f.entrance(to)
		}
		f.relax(s, d-f.q.Cost[l]-s.sign()*f.at[to].height, to, ^l)
	}
}
