package geo

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"

	"github.com/keiro-net/keiro/topology"
)

// Shared is ground that several cables share: one event there may take them
// all.
type Shared struct {
	Entries  []int32        // sorted
	Length   float64        // metres, of all places together, along the cable that is longest there
	From, To topology.Point // the longest stretch of it
	Least    float64        // metres between the two of them that come nearest
	At       topology.Point // where they do
}

// Shared lists the ground that cables share, in the order of their entries.
//
// Two cables run side by side where they are within the distance of each other
// for at least `length`, all places together. Several share ground where all
// are within the distance of one place on one of them, side by side with that
// one: an event of that radius there takes them all. Of such sets that last for
// at least `length` only the largest are listed: each pair that runs side by
// side is in one of them.
func (g *Ground) Shared(within, length topology.Distance) []Shared {
	angle := (float64(within) + Tolerance) / Radius
	enough := (float64(length) - Tolerance) / Radius
	sides := make([][]side, len(g.lines))
	pairs := map[[2]int32]Shared{}
	var found []Shared
	like := g.like()
	measured := map[[2]int32]meeting{} // by the first entries with these routes
	for _, p := range g.each(g.Near(within)) {
		key := [2]int32{like[p[0]], like[p[1]]}
		m, ok := measured[key]
		if !ok {
			m = g.meet(key[0], key[1], angle)
			measured[key] = m
		}
		spans := m.spans
		first, _ := total(spans[0])
		second, _ := total(spans[1])
		if max(first, second) < enough {
			continue
		}
		longer := 0
		if second > first {
			longer = 1
		}
		sides[p[0]] = append(sides[p[0]], side{p[1], spans[0]})
		sides[p[1]] = append(sides[p[1]], side{p[0], spans[1]})
		both := g.stretch(p[longer], spans[longer])
		both.Entries = p[:]
		both.Least, both.At = m.least, m.at
		if both.Length == 0 { // they only touch
			both.From, both.To = both.At, both.At
		}
		pairs[p] = both
		found = append(found, both)
	}
	for e := range sides {
		found = append(found, g.together(int32(e), sides[e], enough)...)
	}
	found = largest(found)
	for i := range found {
		found[i].nearest(pairs)
	}
	return found
}

// like tells for each entry the first one with the same route. Many links in
// one cable are common, and measured once.
func (g *Ground) like() []int32 {
	first := map[string]int32{}
	like := make([]int32, len(g.lines))
	for e := range like {
		key, _ := keys(g.t.Entries[e].Route)
		if _, ok := first[key]; !ok {
			first[key] = int32(e)
		}
		like[e] = first[key]
	}
	return like
}

// meeting is where two cables run beside each other, on each of them.
type meeting struct {
	spans [2][]span
	least float64
	at    topology.Point
}

func (g *Ground) meet(a, b int32, angle float64) (m meeting) {
	k, l := g.lines[a], g.lines[b]
	m.spans = [2][]span{k.beside(l, angle), l.beside(k, angle)}
	m.least, m.at = Distance(k, l)
	return m
}

// stretch is shared ground on the cable of entry e.
func (g *Ground) stretch(e int32, spans []span) Shared {
	sum, longest := total(spans)
	return Shared{Length: sum * Radius, From: g.lines[e].at(longest.from), To: g.lines[e].at(longest.to)}
}

// nearest finds the two of the cables that come nearest.
func (s *Shared) nearest(pairs map[[2]int32]Shared) {
	first := true
	for i, a := range s.Entries {
		for _, b := range s.Entries[i+1:] {
			if p, ok := pairs[[2]int32{a, b}]; ok && (first || p.Least < s.Least) {
				s.Least, s.At, first = p.Least, p.At, false
			}
		}
	}
}

// side is a cable that runs beside another one, and where on that.
type side struct {
	entry int32
	spans []span
}

// together finds the sets of three cables and more that share ground on the
// cable of entry e, which the others run beside.
func (g *Ground) together(e int32, sides []side, enough float64) (found []Shared) {
	sections := sweep(sides)
	tried := map[string]bool{}
	for _, s := range sections {
		key := fmt.Sprint(s.set)
		if s.set.len() < 2 || tried[key] {
			continue
		}
		tried[key] = true
		var spans []span
		for _, more := range sections {
			if more.set.holds(s.set) {
				spans = append(spans, more.span)
			}
		}
		spans = merge(spans)
		if sum, _ := total(spans); sum < enough {
			continue
		}
		ground := g.stretch(e, spans)
		ground.Entries = []int32{e}
		for i := range sides {
			if s.set.has(i) {
				ground.Entries = append(ground.Entries, sides[i].entry)
			}
		}
		slices.Sort(ground.Entries)
		found = append(found, ground)
	}
	return found
}

// section is a part of a cable along which the same others run beside it.
type section struct {
	span
	set set
}

// sweep goes along a cable from where others come near to where they leave.
func sweep(sides []side) (sections []section) {
	type event struct {
		at   float64
		side int
	}
	var events []event
	for i := range sides {
		for _, s := range sides[i].spans {
			events = append(events, event{s.from, i}, event{s.to, i})
		}
	}
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	now := make(set, (len(sides)+63)/64)
	for i, e := range events {
		now[e.side/64] ^= 1 << (e.side % 64) // the spans of a side are apart
		if i+1 < len(events) && e.at < events[i+1].at {
			sections = append(sections, section{span{e.at, events[i+1].at}, slices.Clone(now)})
		}
	}
	return sections
}

// set is a set of small numbers, a bit for each.
type set []uint64

func (s set) has(i int) bool { return s[i/64]>>(i%64)&1 == 1 }

func (s set) len() (n int) {
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

func (s set) holds(t set) bool {
	for i := range s {
		if t[i]&^s[i] != 0 {
			return false
		}
	}
	return true
}

// largest drops what another one holds, and sorts the rest.
func largest(all []Shared) (kept []Shared) {
	slices.SortStableFunc(all, func(a, b Shared) int {
		return cmp.Or(cmp.Compare(len(b.Entries), len(a.Entries)), slices.Compare(a.Entries, b.Entries), cmp.Compare(b.Length, a.Length))
	})
	of := map[int32][]int{} // what is kept of each entry
	for _, s := range all {
		if slices.ContainsFunc(of[s.Entries[0]], func(i int) bool { return holds(kept[i].Entries, s.Entries) }) {
			continue
		}
		for _, e := range s.Entries {
			of[e] = append(of[e], len(kept))
		}
		kept = append(kept, s)
	}
	slices.SortFunc(kept, func(a, b Shared) int { return slices.Compare(a.Entries, b.Entries) })
	return kept
}

// holds reports whether the sorted list has all that the other has.
func holds(list, other []int32) bool {
	for _, e := range other {
		if _, ok := slices.BinarySearch(list, e); !ok {
			return false
		}
	}
	return true
}
