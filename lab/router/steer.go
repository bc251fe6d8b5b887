package router

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/keiro-net/keiro/lab/router/rib"
)

// steering is a route into a path, as the kernel gets it: what is for a
// prefix leaves over a link with these segments, or is dropped.
type steering struct {
	to       netip.Prefix
	drop     bool
	link     int
	segments []netip.Addr
}

// way is the link that a segment list begins with, and what is left of it then;
// or there is none, and what would take it is dropped.
type way struct {
	drop bool
	link int
	rest []netip.Addr
}

// steer resolves the routes of a RIB. It also returns what has become of the
// candidate paths, and why some of it is not used.
func (cfg *Config) steer(at ports, candidates []rib.Candidate, routes []rib.Colored) (out []steering, paths []standing, refused []string) {
	active := map[rib.Policy]way{}
	slices.SortFunc(candidates, rib.Better)
	for _, c := range candidates {
		path := standing{Candidate: c}
		w, err := cfg.resolve(at, c)
		path.valid = err == nil
		if err != nil && (len(c.Lists) > 0 || !c.Drop) { // else it says nothing but that
			refused = append(refused, fmt.Sprintf("color %d endpoint %v distinguisher %d: %v", c.Color, c.Endpoint, c.Distinguisher, err))
		}
		if _, better := active[c.Policy]; path.valid && !better {
			active[c.Policy], path.active = w, true
		}
		paths = append(paths, path)
	}
	for i := range paths {
		p := &paths[i]
		if _, ok := active[p.Policy]; !ok && p.Drop {
			active[p.Policy], p.dropping = way{drop: true}, true
		}
	}
	slices.SortFunc(routes, func(a, b rib.Colored) int { return a.Prefix.Compare(b.Prefix) })
	first := map[netip.Addr]int{} // the link that leads to a first SID
	for _, r := range routes {
		s, err := over(r, active)
		if err == nil && !s.drop {
			sid := s.segments[0]
			if link, taken := first[sid]; taken && link != s.link {
				err = fmt.Errorf("its first SID %v is led over %s for another route", sid, cfg.Links[link].Interface)
			} else {
				first[sid] = s.link
			}
		}
		if err != nil {
			refused = append(refused, fmt.Sprintf("route %v: %v", r.Prefix, err))
			continue
		}
		out = append(out, s)
	}
	return out, paths, refused
}

// taken is the segment list that is used of several: the first of the greatest
// weight.
func taken(lists []rib.SegmentList) int {
	best := 0
	for i, l := range lists {
		if l.Weight > lists[best].Weight {
			best = i
		}
	}
	return best
}

// resolve finds the link of a candidate path. An explicit path is valid if its
// first SID resolves (RFC 9256 section 5.1): here, if it is an End.X of this
// router over a link with carrier.
func (cfg *Config) resolve(at ports, c rib.Candidate) (way, error) {
	if len(c.Lists) == 0 {
		return way{}, fmt.Errorf("there is no segment list")
	}
	list := c.Lists[taken(c.Lists)]
	if len(list.Segments) == 0 {
		return way{}, fmt.Errorf("the segment list is empty")
	}
	for i, l := range cfg.Links {
		if list.Segments[0] != cfg.endX(i) {
			continue
		}
		if !at[i].up {
			return way{}, fmt.Errorf("%s is down", l.Interface)
		}
		return way{link: i, rest: list.Segments[1:]}, nil
	}
	return way{}, fmt.Errorf("the first SID %v is no End.X of this router", list.Segments[0])
}

// over steers a route into the first of its colors that there is a path for
// (RFC 9256 section 8.4.1).
func over(r rib.Colored, active map[rib.Policy]way) (steering, error) {
	for _, color := range r.Colors {
		w, ok := active[rib.Policy{Color: color, Endpoint: r.NextHop}]
		if !ok {
			continue
		}
		if w.drop {
			return steering{to: r.Prefix, drop: true}, nil
		}
		segments := slices.Clone(w.rest)
		if r.Service.IsValid() {
			segments = append(segments, r.Service)
		}
		if len(segments) == 0 {
			return steering{}, fmt.Errorf("nothing would decapsulate it: neither a segment nor a service SID is left")
		}
		return steering{to: r.Prefix, link: w.link, segments: segments}, nil
	}
	return steering{}, fmt.Errorf("no valid policy of colors %v to %v", r.Colors, r.NextHop)
}
