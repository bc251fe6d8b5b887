package lsdb_test

import (
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/keiro-net/keiro/bgp/ls"
)

// The twin keeps the last words of each peer and nothing else. What it is asked
// it works out from all of them, by trying every pair.

type twin struct {
	peers map[string]map[ls.NLRI]*last
}

// last is the last word of a peer, with the time of each value that it gave.
type last struct {
	gone, stale bool
	heard       time.Time
	attribute   ls.Attribute
	since       map[string]time.Time // by field
}

// values are what the twin knows of attributes.
func values(a ls.Attribute) map[string]any {
	out := map[string]any{}
	switch a := a.(type) {
	case *ls.NodeAttribute:
		if a.Flags.Known {
			out["flags"] = a.Flags.Value
		}
		if len(a.IPv4RouterIDs) > 0 {
			out["router IDs"] = a.IPv4RouterIDs[0] // one at most is drawn
		}
	case *ls.LinkAttribute:
		if a.Delay.Known {
			out["delay"] = a.Delay.Value.Delay
		}
	}
	return out
}

func (w *twin) said(n ls.NLRI) bool {
	return slices.ContainsFunc(slices.Collect(maps.Values(w.peers)), func(p map[ls.NLRI]*last) bool { return p[n] != nil && !p[n].gone })
}

func (w *twin) stands(n ls.NLRI) bool {
	var there, gone time.Time
	for _, p := range w.peers {
		l := p[n]
		switch {
		case l == nil:
		case l.gone && l.heard.After(gone):
			gone = l.heard
		case !l.gone && !l.stale:
			return true
		case !l.gone && l.heard.After(there):
			there = l.heard
		}
	}
	return w.said(n) && !gone.After(there)
}

// believed is what is believed of one field of an object, nil if it is unknown.
func (w *twin) believed(n ls.NLRI, field string) (value any, stale bool) {
	var best *last
	for _, name := range slices.Sorted(maps.Keys(w.peers)) {
		l := w.peers[name][n]
		if l == nil || l.gone || values(l.attribute)[field] == nil {
			continue
		}
		if best == nil || best.stale && !l.stale || best.stale == l.stale && l.since[field].After(best.since[field]) {
			best = l
		}
	}
	if best == nil {
		return nil, false
	}
	return values(best.attribute)[field], best.stale
}

// reach takes in a word.
func (w *twin) reach(peer string, n ls.NLRI, a ls.Attribute, now time.Time) {
	before, l := w.peers[peer][n], &last{heard: now, attribute: a, since: map[string]time.Time{}}
	for _, field := range []string{"flags", "router IDs", "delay"} {
		if l.since[field] = now; before != nil && !before.gone && reflect.DeepEqual(values(before.attribute)[field], values(a)[field]) {
			l.since[field] = before.since[field]
		}
	}
	w.put(peer, n, l)
}

func (w *twin) put(peer string, n ls.NLRI, l *last) {
	if w.peers[peer] == nil {
		w.peers[peer] = map[ls.NLRI]*last{}
	}
	w.peers[peer][n] = l
	w.forget(n)
}

// forget drops what nobody says is there, and who said that it is not.
func (w *twin) forget(n ls.NLRI) {
	if !w.said(n) {
		for _, p := range w.peers {
			delete(p, n)
		}
	}
}

func (w *twin) unreach(peer string, n ls.NLRI, now time.Time) {
	if w.peers[peer][n] != nil {
		w.put(peer, n, &last{heard: now, gone: true})
	}
}

func (w *twin) lost(peer string) {
	for n, l := range w.peers[peer] {
		stale := *l
		stale.stale = true
		w.peers[peer][n] = &stale
	}
}

func (w *twin) end(peer string, now time.Time) {
	for n, l := range w.peers[peer] {
		if l.stale {
			w.unreach(peer, n, now)
		}
	}
}

func (w *twin) remove(peer string) {
	was := w.peers[peer]
	delete(w.peers, peer)
	for n := range was {
		w.forget(n)
	}
}

func (w *twin) objects() (out []ls.NLRI) {
	seen := map[ls.NLRI]bool{}
	for _, p := range w.peers {
		for n := range p {
			if !seen[n] && w.stands(n) {
				seen[n] = true
				out = append(out, n)
			}
		}
	}
	return out
}
