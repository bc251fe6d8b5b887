package flow

// Distances is Dijkstra's algorithm from some nodes, or to them where back,
// over links that are not shut. What is further than limit stays Never. dst
// has an entry for every node. cost nil counts links.
func (f *Finder) Distances(dst []int64, from []int32, cost []int64, shut []bool, back bool, limit int64) {
	for v := range dst {
		dst[v] = Never
	}
	f.queue = f.queue[:0]
	for _, v := range from {
		dst[v] = 0
		f.queue.Push(Entry{Vertex: v})
	}
	for len(f.queue) > 0 {
		e := f.queue.Pop()
		if e.Dist > dst[e.Vertex] {
			continue
		}
		f.Settled++
		for _, a := range f.leaving(e.Vertex) {
			l := a.link
			if back {
				l ^= 1
			}
			d := e.Dist + 1
			if cost != nil {
				d = e.Dist + cost[l]
			}
			if d <= limit && d < dst[a.to] && (shut == nil || !shut[l]) {
				dst[a.to] = d
				f.queue.Push(Entry{Dist: d, Vertex: a.to})
			}
		}
	}
}

// Corridor lists the links, in order, that a path of a set may have which
// costs at most slack more than the one that Run found; all others are proven
// to be on none. more: there are others, which a larger slack may admit. Of
// each path the excess over its share of the dual is counted: every path has
// one of zero at the least, so one alone cannot have more than slack.
func (f *Finder) Corridor(slack int64) (links []int32, more bool) {
	if f.ahead == nil {
		f.ahead, f.behind = make([]int64, f.Nodes()), make([]int64, f.Nodes())
	}
	more = f.spread(f.behind, slack, false)
	more = f.spread(f.ahead, slack, true) || more
	for v := range f.Nodes() {
		if f.behind[v] > slack {
			continue
		}
		for _, a := range f.leaving(int32(v)) {
			if f.barred(a.link) || f.ahead[a.to] == Never {
				continue
			}
			if f.behind[v]+f.Excess(a.link)+f.ahead[a.to] > slack {
				more = true
				continue
			}
			links = append(links, a.link)
		}
	}
	return links, more
}

// barred reports whether no path takes link l.
func (f *Finder) barred(l int32) bool {
	link := f.Links[l]
	return f.q.Shut != nil && f.q.Shut[l] || f.source[link.To] || f.target[link.From]
}

// Offset is the least excess from the sources to node v and from it to the
// targets, as Corridor found it.
func (f *Finder) Offset(v int32) (behind, ahead int64) { return f.behind[v], f.ahead[v] }

// Excess is what link l and the node behind it cost a path over their share.
func (f *Finder) Excess(l int32) int64 {
	return f.Reduced(l) + f.LinkPrice(l) + f.within(f.Links[l].To)
}

// within is the part of excess that is the node's.
func (f *Finder) within(v int32) int64 {
	if !f.narrow(v) {
		return 0
	}
	return max(0, f.at[v+int32(f.Nodes())].height-f.at[v].height)
}

// spread computes the least excess from the sources to every node, or from it
// to the targets; more: some nodes are further than slack.
func (f *Finder) spread(dst []int64, slack int64, back bool) (more bool) {
	for v := range dst {
		dst[v] = Never
	}
	f.queue = f.queue[:0]
	reach := func(v int32, d int64) {
		if d > slack {
			more = true
		} else if d < dst[v] {
			dst[v] = d
			f.queue.Push(Entry{Dist: d, Vertex: v})
		}
	}
	if back {
		for _, v := range f.q.To {
			reach(v, f.at[v].height)
		}
	} else {
		for _, v := range f.q.From {
			reach(v, f.start-f.at[f.entrance(v)].height+f.within(v))
		}
	}
	for len(f.queue) > 0 {
		e := f.queue.Pop()
		if e.Dist > dst[e.Vertex] {
			continue
		}
		f.Settled++
		for _, a := range f.leaving(e.Vertex) {
			l := a.link
			if back {
				l ^= 1
			}
			if !f.barred(l) {
				reach(a.to, e.Dist+f.Excess(l))
			}
		}
	}
	return more
}
