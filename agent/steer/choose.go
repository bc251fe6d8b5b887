package steer

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/bgp/route"
	"github.com/keiro-net/keiro/bgp/srpolicy"
)

// defaultPreference is that of a path that says none (RFC 9256 section 2.7).
const defaultPreference = 100

// key names an SR Policy of this headend (RFC 9256 section 2.1).
type key struct {
	color    uint32
	endpoint netip.Addr
}

func (k key) String() string {
	return fmt.Sprintf("SR Policy color %d endpoint %v", k.color, k.endpoint)
}

// ranked sorts the candidate paths of a policy so that the first valid one is the
// active one (RFC 9256 section 2.9). All are of one protocol origin, BGP, and none is
// preferred for being installed already: the choice follows from what is said alone.
// What a peer without a session has said comes last, as with long-lived graceful
// restart (RFC 9494): it may be of yesterday, and another peer may know better. Of
// what several peers say of the same path one counts.
func ranked(paths []Path) []Path {
	paths = slices.Clone(paths)
	slices.SortStableFunc(paths, func(a, b Path) int {
		return cmp.Or(a.Originator.compare(b.Originator), cmp.Compare(a.Distinguisher, b.Distinguisher),
			live(a.Lost, b.Lost), cmp.Compare(a.Peer, b.Peer))
	})
	paths = slices.CompactFunc(paths, func(a, b Path) bool {
		return a.Originator == b.Originator && a.Distinguisher == b.Distinguisher
	})
	slices.SortStableFunc(paths, func(a, b Path) int {
		return cmp.Or(live(a.Lost, b.Lost), cmp.Compare(b.preference(), a.preference()),
			a.Originator.compare(b.Originator), cmp.Compare(b.Distinguisher, a.Distinguisher))
	})
	return paths
}

func (p *Path) preference() uint32 {
	if v, known := p.Preference.Get(); known {
		return v
	}
	return defaultPreference
}

// live puts what is said now before what was said in a session that is lost.
func live(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// best is the route that counts of those of one prefix: what is said now, then the
// greatest local preference (RFC 4271 section 9.1.1), then the first peer by name.
func best(routes []Route) Route {
	return slices.MinFunc(routes, func(a, b Route) int {
		return cmp.Or(live(a.Lost, b.Lost), cmp.Compare(b.localPref(), a.localPref()), cmp.Compare(a.Peer, b.Peer))
	})
}

func (r *Route) localPref() uint32 {
	if v, known := r.LocalPref.Get(); known {
		return v
	}
	return route.DefaultLocalPref
}

// candidates of a policy that are valid, the active one first.
type candidates struct {
	valid []candidate
	name  string // of the policy, if a path says one
	// why there is none
	why string
}

// candidate is a valid path, with its valid segment lists.
type candidate struct {
	Path
	lists []list
}

type list struct {
	segments []netip.Addr
	link     nodecfg.Link
	weight   uint32
}

// choose finds the valid candidate paths of a policy. The errors are of the others.
func (d *decision) choose(k key) *candidates {
	if c := d.chosen[k]; c != nil {
		return c
	}
	c := &candidates{}
	d.chosen[k] = c
	for _, p := range ranked(d.paths[k]) {
		if c.name == "" {
			c.name = p.PolicyName
		}
		valid := candidate{Path: p}
		var why error
		for i, l := range p.SegmentLists {
			made, err := d.list(l)
			if err == nil {
				valid.lists = append(valid.lists, made)
				continue
			}
			why = err
			d.fault(p.NLRI.String(), "segment list %d is not valid: %v", i+1, err)
		}
		switch {
		case len(valid.lists) > 0:
			c.valid = append(c.valid, valid)
		case why != nil:
			c.why = why.Error()
		}
	}
	switch {
	case len(c.valid) > 0:
		c.why = ""
	case len(d.paths[k]) == 0:
		c.why = "no candidate path of it is known"
	case c.why == "":
		c.why = "no candidate path of it has a segment list"
	}
	return c
}

// list is a segment list as this node can use it. It is not valid (RFC 9256 section
// 5.1) if it is empty, of weight 0, to be verified where nobody here can, or if its
// first SID is over no link, or over more than one.
func (d *decision) list(l srpolicy.SegmentList) (list, error) {
	out := list{weight: 1}
	if w, known := l.Weight.Get(); known {
		out.weight = w
	}
	switch {
	case len(l.Segments) == 0:
		return out, fmt.Errorf("it is empty")
	case out.weight == 0:
		return out, fmt.Errorf("its weight is 0")
	}
	for i, s := range l.Segments {
		if s.Verify && i > 0 {
			return out, fmt.Errorf("SID %v is to be verified, and this node knows the SIDs of its neighbours only", s.SID)
		}
		out.segments = append(out.segments, s.SID)
	}
	var err error
	out.link, err = d.firstLink(out.segments[0])
	return out, err
}

// firstLink is the link of the node that packets to a SID leave by.
func (d *decision) firstLink(sid netip.Addr) (found nodecfg.Link, err error) {
	n := 0
	for _, l := range d.cfg.Links {
		if l.PeerAddress.IsValid() && l.PeerLocator.IsValid() && l.PeerLocator.Contains(sid) ||
			!l.PeerAddress.IsValid() && sid == nodecfg.IngressEnd(l.PeerLocator, l.PeerID) {
			found = l
			n++
		}
	}
	switch n {
	case 0:
		return found, fmt.Errorf("its first SID %v is of no neighbour of this node: neither in the locator of a router nor the End that an agent has for one link", sid)
	case 1:
		return found, nil
	}
	return found, fmt.Errorf("its first SID %v is that of a neighbour with %d links to this node, and nothing says which is meant", sid, n)
}
