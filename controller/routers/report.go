package routers

import (
	"slices"
	"strings"

	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/rib"
	"github.com/keiro-net/keiro/bgp/srpolicy/report"
	"github.com/keiro-net/keiro/controller/core"
)

// reports are what a peer says of candidate paths (RFC 9857).
type reports map[ls.Opaque]report.State

// reach takes in an object, if it is a report.
func (r *reports) reach(peer string, o *rib.Object) ([]core.Event, bool) {
	opaque, is := reported(&o.Name)
	if !is {
		return nil, false
	}
	var tlvs []ls.TLV
	if a, ok := o.Attribute.(*ls.OpaqueAttribute); ok && a != nil {
		tlvs = a.Raw
	}
	s, _, ok := report.Decode(opaque, tlvs)
	if !ok {
		return r.drop(peer, opaque), true // it says nothing that can be read, whatever it said before
	}
	if *r == nil {
		*r = reports{}
	}
	(*r)[opaque] = s
	return []core.Event{core.HeadendReported{Peer: peer, State: s}}, true
}

// unreach takes in that an object is gone, if it was a report.
func (r *reports) unreach(peer string, n *rib.Name) ([]core.Event, bool) {
	opaque, is := reported(n)
	if !is {
		return nil, false
	}
	return r.drop(peer, opaque), true
}

func (r *reports) drop(peer string, key ls.Opaque) []core.Event {
	s, known := (*r)[key]
	if !known {
		return nil
	}
	delete(*r, key)
	return []core.Event{core.HeadendReported{Peer: peer, State: s, Gone: true}}
}

// clear forgets all.
func (r *reports) clear(peer string) (events []core.Event) {
	keys := make([]ls.Opaque, 0, len(*r))
	for key := range *r {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b ls.Opaque) int { return strings.Compare(a.Body, b.Body) })
	for _, key := range keys {
		events = append(events, r.drop(peer, key)...)
	}
	return events
}

func reported(n *rib.Name) (ls.Opaque, bool) {
	opaque, ok := n.LS.(ls.Opaque)
	return opaque, ok && opaque.NLRIType == report.CandidatePathType
}
