package core

import (
	"slices"
	"strings"

	"github.com/keiro-net/keiro/pathspec"
)

// sick are paths of which a headend says the same bad thing, and where that
// may come from.
type sick struct {
	cause string   // link:NAME, links:A,B where it is one of them, or path:NAME
	paths []string // sorted
}

// suspects explains what ails paths by as few links as possible: each link that
// is on paths which ail and on none that is known to be well. Links that explain
// the same paths cannot be told apart. A path that shares no suspect with
// another stands for itself, unless only one link is left.
func suspects(ailing map[string]pathspec.Path, well []pathspec.Path) []sick {
	sound := map[string]bool{}
	for _, p := range well {
		for _, l := range p.Links {
			sound[l] = true
		}
	}
	over := map[string][]string{} // paths by link
	for _, name := range sortedKeys(ailing) {
		for _, l := range ailing[name].Links {
			if !sound[l] {
				over[l] = append(over[l], name)
			}
		}
	}
	var out []sick
	left := map[string]bool{}
	for name := range ailing {
		left[name] = true
	}
	for len(left) > 0 {
		var best []string // links
		var explained []string
		for _, l := range sortedKeys(over) {
			covers := slices.DeleteFunc(slices.Clone(over[l]), func(name string) bool { return !left[name] })
			switch {
			case len(covers) > len(explained):
				best, explained = []string{l}, covers
			case len(covers) > 0 && slices.Equal(covers, explained):
				best = append(best, l)
			}
		}
		s := sick{paths: explained}
		switch {
		case len(best) == 1:
			s.cause = "link:" + best[0]
		case len(explained) > 1 && len(best) <= named:
			s.cause = "links:" + strings.Join(best, ",")
		default: // nothing is suspected, or the whole path is
			if len(explained) == 0 {
				s.paths = sortedKeys(left)
			}
			s.paths = s.paths[:1]
			s.cause = "path:" + s.paths[0]
		}
		for _, name := range s.paths {
			delete(left, name)
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b sick) int { return strings.Compare(a.cause, b.cause) })
	return out
}
