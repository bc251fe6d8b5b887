package flow

// reduced is the cost of link l by the potentials that Run leaves behind:
// cost + potential of the head - that of the tail. No link that a path could
// take instead has a negative one.
func (f *Finder) reduced(l int32) int64 {
	link := f.Links[l]
	return f.q.Cost[l] + f.at[link.From].height - f.at[f.entrance(link.To)].height
}

// LinkPrice is the multiplier of the constraint that one path at most uses
// link l, in the dual of the flow: what one more such link would save.
func (f *Finder) LinkPrice(l int32) int64 {
	if !f.used[l] {
		return 0
	}
	return max(0, -f.reduced(l))
}

// NodePrice is the multiplier of the constraint that one path at most passes
// narrow node v.
func (f *Finder) NodePrice(v int32) int64 {
	if !f.narrow(v) {
		return 0
	}
	return max(0, f.at[v].height-f.at[v+int32(f.Nodes())].height)
}

// pathPrice is what every path costs once links and nodes have their prices:
// K times that, less all prices, is the cost of the set.
func (f *Finder) pathPrice() int64 { return f.price[toTarget] - f.price[fromSource] }

// Cut lists a least set of links and narrow nodes without which no path is
// left, after Run has found too few: those that hold a path at the border of
// what can be reached from the sources.
func (f *Finder) Cut() (links, nodes []int32) {
	f.exhaust()
	for l, link := range f.Links {
		if f.used[l] && f.reached(link.From) && !f.reached(f.entrance(link.To)) {
			links = append(links, int32(l))
		}
	}
	for v := range f.Nodes() {
		if in := f.entrance(int32(v)); f.narrow(int32(v)) && f.held[v] && f.reached(in) && !f.reached(int32(v)) {
			nodes = append(nodes, int32(v))
		}
	}
	return links, nodes
}

// exhaust goes on from the sources, after Run has found too few, to all that
// can be reached.
func (f *Finder) exhaust() {
	f.bound = Never
	for f.front[fromSource].next() < Never {
		f.expand(fromSource)
	}
}

func (f *Finder) reached(v int32) bool { return f.at[v].dist[fromSource] < Never }
