package flow

// Sole reports, after Run has found the paths, that no other set of them costs
// as little. True is proven; false may be due to links that cost nothing. Two
// flows of equal cost differ by round trips in what is left of which every
// step costs nothing at the potentials, and each such trip gives up a link
// that is used (Ahuja, Magnanti, Orlin, section 9.3). So it is enough to go
// back from the paths over such steps and to find no round trip.
func (f *Finder) Sole() bool {
	if len(f.q.From) > 1 || len(f.q.To) > 1 {
		return false // another end for the same cost is not looked for
	}
	s := &trips{Finder: f, state: map[int32]bool{}}
	for _, l := range f.marked {
		if f.used[l] && s.found(f.entrance(f.Links[l].To)) {
			return false
		}
	}
	return true
}

// trips looks for round trips that cost nothing.
type trips struct {
	*Finder
	state map[int32]bool // vertices seen: true while on the way
}

// found reports whether a round trip leads to vertex v, from where the search
// has gone back no more than once.
func (s *trips) found(v int32) bool {
	if open, seen := s.state[v]; seen {
		return open
	}
	s.state[v] = true
	n := int32(s.Nodes())
	node, out := v, true // out: links leave the vertex
	if v >= n {
		node, out = v-n, false
	}
	in := !s.narrow(node) || !out // links lead to the vertex
	for _, a := range s.leaving(node) {
		l, back := a.link, a.link^1
		if in && !s.used[l] && !s.used[back] && !s.barred(back) && s.reduced(back) == 0 && s.found(a.to) ||
			out && s.used[l] && s.reduced(l) == 0 && s.found(s.entrance(a.to)) {
			return true
		}
	}
	if s.narrow(node) && s.at[node].height == s.at[node+n].height {
		if s.held[node] && !out && s.found(node) || !s.held[node] && out && s.found(node+n) {
			return true
		}
	}
	s.state[v] = false
	return false
}

// Opens reports, after Run, whether link l, which was shut, may make the answer
// another were it open: there may be a set that has it and costs at most slack
// more. Where it is false for several links, all of them may be opened: any
// set that has one of them costs more, or there still is none.
func (f *Finder) Opens(l int32, slack int64) bool {
	link := f.Links[l]
	switch {
	case link.From == link.To || f.source[link.To] || f.target[link.From]:
		return false
	case f.short: // what is left leads no further than this
		f.exhaust()
		return f.reached(link.From) && !f.reached(f.entrance(link.To))
	}
	return f.reduced(l) <= slack
}
