package flow

// Distances are those from some nodes, or to them where back, over links that
// are not shut. What is further than limit stays Never. dst has an entry for
// every node. cost nil counts links.
func (f *Finder) Distances(dst []int64, from []int32, cost []int64, shut []bool, back bool, limit int64) {
	f.begin(dst)
	for _, v := range from {
		f.reach(dst, v, 0, limit)
	}
	f.settle(dst, back, limit, func(l int32) int64 {
		switch {
		case shut != nil && shut[l]:
			return Never
		case cost == nil:
			return 1
		}
		return cost[l]
	})
}

// begin, reach and settle are Dijkstra's algorithm: begin, then reach the first
// nodes, then settle all that are not further than limit. more: some are.
func (f *Finder) begin(dst []int64) {
	for v := range dst {
		dst[v] = Never
	}
	f.spare = f.spare[:0]
}

func (f *Finder) reach(dst []int64, v int32, d, limit int64) (more bool) {
	if d < dst[v] && d <= limit {
		dst[v] = d
		f.spare.Push(Entry{Dist: d, Vertex: v})
	}
	return d > limit
}

// settle goes over links of the given length, Never for those that are not to
// be used; against them where back.
func (f *Finder) settle(dst []int64, back bool, limit int64, length func(l int32) int64) (more bool) {
	for len(f.spare) > 0 {
		e := f.spare.Pop()
		if e.Dist > dst[e.Vertex] {
			continue
		}
		f.Settled++
		for _, a := range f.leaving(e.Vertex) {
			l := a.link
			if back {
				l ^= 1
			}
			if by := length(l); by < Never && f.reach(dst, a.to, e.Dist+by, limit) {
				more = true
			}
		}
	}
	return more
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
			if f.behind[v]+f.excess(a.link)+f.ahead[a.to] > slack {
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

// excess is what link l and the node behind it cost a path over their share.
func (f *Finder) excess(l int32) int64 {
	return f.reduced(l) + f.LinkPrice(l) + f.within(f.Links[l].To)
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
	f.begin(dst)
	if back {
		for _, v := range f.q.To {
			more = f.reach(dst, v, f.at[v].height-f.price[toTarget], slack) || more
		}
	} else {
		for _, v := range f.q.From {
			more = f.reach(dst, v, f.price[fromSource]-f.at[f.entrance(v)].height+f.within(v), slack) || more
		}
	}
	return f.settle(dst, back, slack, func(l int32) int64 {
		if f.barred(l) {
			return Never
		}
		return f.excess(l)
	}) || more
}
