package lsdb

import (
	"fmt"
	"net/netip"

	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/said"
)

// side is a half that another is looked for.
type side struct {
	o      *object
	ids    [2]uint32     // local and remote, 0 is unknown
	v4, v6 [2]netip.Addr // of the interface and the neighbor
	mate   *side
}

func newSide(o *object) *side {
	l := o.nlri.(ls.Link)
	s := &side{o: o, v4: [2]netip.Addr{l.IPv4Interface, l.IPv4Neighbor}, v6: [2]netip.Addr{l.IPv6Interface, l.IPv6Neighbor}}
	id, known := l.Identifiers.Get()
	if !known {
		id, _ = said.Get(o.words, said.Identifiers)
	}
	s.ids = [2]uint32{id.Local, id.Remote}
	return s
}

// pair finds for each half the one back. Halves are of one instance, level, area
// and topology, to and fro between two routers.
func pair(to, fro []*side) {
	if len(to) == 1 && len(fro) == 1 {
		ids, v4, v6 := mirrored(to[0].ids, fro[0].ids), mirrored(to[0].v4, fro[0].v4), mirrored(to[0].v6, fro[0].v6)
		if ids == yes || v4 == yes || v6 == yes || ids != no && v4 != no && v6 != no {
			to[0].mate, fro[0].mate = fro[0], to[0]
		}
		return
	}
	match(to, fro, func(s *side) [2]uint32 { return s.ids })
	match(to, fro, func(s *side) [2]netip.Addr { return s.v4 })
	match(to, fro, func(s *side) [2]netip.Addr { return s.v6 })
}

// answer is yes, no or cannot tell.
type answer int

const (
	maybe answer = iota
	yes
	no
)

// mirrored reports whether two halves are those of one link, by what each says of
// its own end and of the other.
func mirrored[K comparable](to, fro [2]K) answer {
	var none K
	switch {
	case to[1] != none && fro[0] != none && to[1] != fro[0], to[0] != none && fro[1] != none && to[0] != fro[1]:
		return no
	case to[0] != none && to[0] == fro[1] && (to[1] == none || to[1] == fro[0]),
		fro[0] != none && fro[0] == to[1] && fro[1] == none: // as match does
		return yes
	}
	return maybe
}

// match pairs halves that mirror each other: first those that both know both
// ends, then those of which one does not know the other's. What fits several is
// left alone.
func match[K comparable](to, fro []*side, of func(*side) [2]K) {
	var none K
	type key [2]K
	unique(to, fro,
		func(s *side) (key, bool) { e := of(s); return key{e[0], e[1]}, e[0] != none && e[1] != none },
		func(s *side) (key, bool) { e := of(s); return key{e[1], e[0]}, e[0] != none && e[1] != none })
	unique(to, fro,
		func(s *side) (key, bool) { e := of(s); return key{e[0]}, e[0] != none && e[1] == none },
		func(s *side) (key, bool) { e := of(s); return key{e[1]}, e[1] != none })
	unique(to, fro,
		func(s *side) (key, bool) { e := of(s); return key{e[1]}, e[1] != none },
		func(s *side) (key, bool) { e := of(s); return key{e[0]}, e[0] != none && e[1] == none })
}

// unique pairs halves without a mate that have a key alone, on both sides.
func unique[K comparable](to, fro []*side, keyTo, keyFro func(*side) (K, bool)) {
	alone := func(list []*side, keyOf func(*side) (K, bool)) map[K]*side {
		by := make(map[K]*side, len(list))
		for _, s := range list {
			if k, ok := keyOf(s); ok && s.mate == nil {
				if _, twice := by[k]; twice {
					by[k] = nil
				} else {
					by[k] = s
				}
			}
		}
		return by
	}
	back := alone(fro, keyFro)
	for k, s := range alone(to, keyTo) {
		if mate := back[k]; s != nil && mate != nil {
			s.mate, mate.mate = mate, s
		}
	}
}

// lonely says why a half has no mate.
func lonely(back []*side) string {
	free, last := 0, (*side)(nil)
	for _, s := range back {
		if s.mate == nil {
			free, last = free+1, s
		}
	}
	switch {
	case len(back) == 0:
		return "no peer tells of the way back"
	case free == 0:
		return fmt.Sprintf("no peer tells of the way back: all %d halves back are of other links", len(back))
	case len(back) == 1:
		return fmt.Sprintf("the only half back is of another link, by its identifiers or addresses:%v", last.o.nlri.(ls.Link).LinkDescriptor)
	}
	return fmt.Sprintf("of %d halves back %d are free, and neither identifiers nor addresses tell which is of this link", len(back), free)
}
