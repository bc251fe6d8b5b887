package steer

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/bgp/rib"
)

// Options of a Table.
type Options struct {
	// Identifier is the node's BGP Identifier: what is for other headends does not
	// count.
	Identifier netip.Addr
	Peers      []Peer
	// Grace is how long a peer that sends no End-of-RIB has in a new session until
	// what it has not said again ends.
	Grace time.Duration
}

// Peer is a configured one.
type Peer struct {
	Name    string
	Address netip.Addr
	// Families are those that count here; others are passed over.
	Families []message.Family
}

// Table is what peers have said.
type Table struct {
	o     Options
	peers map[string]*peer
}

type peer struct {
	Peer
	// alone: it is no peer any more, and what it said stays until all the others
	// have said everything.
	alone bool
	said  map[rib.Name]*said
	up    bool
	was   string                  // why there is no session
	began time.Time               // the session
	id    Originator              // of the session
	ended map[message.Family]bool // everything has been said in this session
}

// said is one object, a path or a route, or why it is neither.
type said struct {
	path  *Path
	route *Route
	wrong string
	stale bool
}

// maxObjects bounds what is kept of a peer, over all of its sessions.
const maxObjects = 100_000

// NewTable returns an empty one.
func NewTable(o Options) *Table {
	t := &Table{o: o, peers: map[string]*peer{}}
	for _, p := range o.Peers {
		t.peers[p.Name] = &peer{Peer: p, said: map[rib.Name]*said{}, was: "there was none yet"}
	}
	return t
}

// Take takes in news of a peer.
func (t *Table) Take(b rib.Batch) {
	p := t.peers[b.Peer]
	if p == nil {
		return
	}
	if b.Down != nil {
		p.up, p.was, p.ended = false, b.Down.Reason, nil
		for _, s := range p.said {
			s.stale = true
		}
	}
	if b.Up != nil {
		p.up, p.began, p.id, p.ended = true, b.Up.At, Originator{b.Up.AS, b.Up.ID}, map[message.Family]bool{}
	}
	for _, o := range b.Reach {
		if s := t.read(p, o); s != nil {
			p.said[o.Name] = s
		} else {
			delete(p.said, o.Name)
		}
	}
	for _, name := range b.Unreach {
		// Of what is stale this may be no withdrawal, but the end of a restart time.
		// If it was one, the End-of-RIB will tell.
		if s := p.said[name]; s != nil && !s.stale {
			delete(p.said, name)
		}
	}
	for _, f := range b.EndOfRIB {
		p.end(f)
	}
	if len(p.said) > maxObjects {
		maps.DeleteFunc(p.said, func(_ rib.Name, s *said) bool { return s.stale })
	}
	if b.Removed {
		p.alone, p.up = true, false
	}
	t.settle()
}

// end: what was not said again by now is not there any more.
func (p *peer) end(f message.Family) {
	if !p.up {
		return
	}
	p.ended[f] = true
	maps.DeleteFunc(p.said, func(name rib.Name, s *said) bool { return s.stale && name.Family == f })
}

func (p *peer) complete() bool {
	return p.up && !slices.ContainsFunc(p.Families, func(f message.Family) bool { return !p.ended[f] })
}

// Complete reports whether all peers have said everything in the sessions of now.
func (t *Table) Complete() bool {
	for _, p := range t.peers {
		if !p.alone && !p.complete() {
			return false
		}
	}
	return true
}

// settle forgets what former peers said, once all others have said everything.
func (t *Table) settle() {
	if t.Complete() {
		maps.DeleteFunc(t.peers, func(_ string, p *peer) bool { return p.alone })
	}
}

// Wake is when to call Expire; zero: there is nothing to wait for.
func (t *Table) Wake() (at time.Time) {
	for _, p := range t.peers {
		if end := p.began.Add(t.o.Grace); p.up && !p.complete() && (at.IsZero() || end.Before(at)) {
			at = end
		}
	}
	return at
}

// Expire ends the waiting for peers whose time of grace is over, and reports
// whether there are any.
func (t *Table) Expire(now time.Time) (expired bool) {
	for _, p := range t.peers {
		if p.up && !p.complete() && !now.Before(p.began.Add(t.o.Grace)) {
			for _, f := range p.Families {
				p.end(f)
			}
			expired = true
		}
	}
	t.settle()
	return expired
}

// Heard is what there is now.
func (t *Table) Heard() *Heard {
	h := &Heard{}
	for _, p := range t.peers {
		stale := 0
		for name, s := range p.said {
			if s.stale {
				stale++
			}
			switch {
			case s.path != nil:
				path := *s.path
				path.Lost = !p.up
				h.Paths = append(h.Paths, path)
			case s.route != nil:
				route := *s.route
				route.Lost = !p.up
				h.Routes = append(h.Routes, route)
			default:
				h.Faults = append(h.Faults, nodecfg.ObjectError{Object: object(name) + " of bgp peer " + p.Name, Error: s.wrong})
			}
		}
		if !p.alone {
			h.Sessions = append(h.Sessions, p.Address)
		}
		if why := p.doubt(stale); why != "" {
			h.Faults = append(h.Faults, nodecfg.ObjectError{Object: "bgp peer " + p.Name, Error: why})
		}
	}
	slices.SortFunc(h.Paths, func(a, b Path) int {
		return cmp.Or(cmp.Compare(a.Color, b.Color), a.Endpoint.Compare(b.Endpoint), cmp.Compare(a.Distinguisher, b.Distinguisher), cmp.Compare(a.Peer, b.Peer))
	})
	slices.SortFunc(h.Routes, func(a, b Route) int {
		return cmp.Or(a.Prefix.Compare(b.Prefix), cmp.Compare(a.Peer, b.Peer))
	})
	slices.SortFunc(h.Faults, func(a, b nodecfg.ObjectError) int {
		return cmp.Or(cmp.Compare(a.Object, b.Object), cmp.Compare(a.Error, b.Error))
	})
	slices.SortFunc(h.Sessions, netip.Addr.Compare)
	return h
}

// doubt says why what a peer has said may not be what it would say now.
func (p *peer) doubt(stale int) string {
	kept := ""
	if stale > 0 {
		kept = fmt.Sprintf("; %d objects that it has said before are kept and obeyed", stale)
	}
	switch {
	case p.alone && stale == 0:
		return ""
	case p.alone:
		return "it is no peer any more" + kept + " until all peers have said everything"
	case !p.up:
		return "it has no session: " + p.was + kept
	case stale > 0:
		return "it is back and has not said everything again" + kept + " until it has"
	}
	return ""
}

// object names one in reports.
func object(n rib.Name) string {
	if n.Policy.Endpoint.IsValid() {
		return n.Policy.String()
	}
	return "route " + n.Prefix.String()
}
