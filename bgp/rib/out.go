package rib

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"

	"github.com/keiro-net/keiro/bgp/message"
)

// Route is what is said to a peer of one NLRI.
type Route struct {
	Family message.Family
	// NLRI is one, as it is sent. With the family it is the key of the route.
	NLRI []byte
	// NextHop is invalid for this speaker's address in the session.
	NextHop netip.Addr
	// Attributes are all but those of the multiprotocol extensions and NEXT_HOP.
	// ORIGIN (IGP), AS_PATH (this AS, to an external peer) and LOCAL_PREF (100, to
	// an internal one) are added where they are not given.
	Attributes []message.Attribute
}

func (r Route) key() string {
	return string([]byte{byte(r.Family.AFI >> 8), byte(r.Family.AFI), r.Family.SAFI}) + string(r.NLRI)
}

// Out is the Adj-RIB-Out of a peer: what it is to be told, and what of it has
// not been said in this session. A route that changes before it was said is
// said once. The caller writes, the writer of the session takes.
type Out struct {
	mu       sync.Mutex
	routes   map[string]*out
	queue    []*out // what is to be said, in the order in which it came
	made     uint64
	complete map[message.Family]bool // all of the family has been announced
	session  *Session                // nil: there is none
	refused  string                  // why the last route could not be said
}

// Session is what routes are said in.
type Session struct {
	Families []message.Family
	Extended bool       // messages of more than message.MaxLen octets may be sent
	Internal bool       // IBGP
	Local    netip.Addr // this speaker's end
	LocalAS  uint32
	// ExtendedNextHop: the peer takes IPv4 unicast routes with an IPv6 next hop (RFC
	// 8950).
	ExtendedNextHop bool
	// Wake gets a value when there is something to say; it has room for one.
	Wake chan<- struct{}

	ended map[message.Family]bool // End-of-RIB has been said
}

type out struct {
	key    string
	route  Route // as it is to be; of a withdrawn one the key counts
	order  uint64
	queued bool
	gone   bool
	said   bool // in this session
}

// NewOut returns an empty one.
func NewOut() *Out {
	return &Out{routes: map[string]*out{}, complete: map[message.Family]bool{}}
}

// Announce takes in what is to be said of an NLRI, instead of what was.
func (r *Out) Announce(route Route) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := route.key()
	o := r.routes[key]
	if o == nil {
		r.made++
		o = &out{key: key, order: r.made}
		r.routes[key] = o
	}
	o.route, o.gone = route, false
	r.enqueue(o)
}

// Withdraw takes in that an NLRI is not to be said any more.
func (r *Out) Withdraw(f message.Family, nlri []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	o := r.routes[Route{Family: f, NLRI: nlri}.key()]
	if o == nil {
		return
	}
	o.gone = true
	if r.session == nil {
		// Who remembers it from an earlier session learns from the End-of-RIB.
		r.drop(o)
		return
	}
	r.enqueue(o)
}

func (r *Out) enqueue(o *out) {
	if r.session == nil || !slices.Contains(r.session.Families, o.route.Family) {
		if o.gone {
			r.drop(o)
		}
		return
	}
	if !o.queued {
		o.queued = true
		r.queue = append(r.queue, o)
	}
	r.poke()
}

func (r *Out) drop(o *out) {
	if r.routes[o.key] == o {
		delete(r.routes, o.key)
	}
}

func (r *Out) poke() {
	select {
	case r.session.Wake <- struct{}{}:
	default: // it is awake
	}
}

// Ready says that all routes of a family have been announced: an End-of-RIB may
// follow them.
func (r *Out) Ready(f message.Family) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.complete[f] = true
	if r.session != nil {
		r.poke()
	}
}

// Begin begins a session: all is to be said.
func (r *Out) Begin(s *Session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.ended = map[message.Family]bool{}
	r.session, r.queue, r.refused = s, nil, ""
	for _, o := range r.routes {
		o.said, o.queued = false, false
	}
	r.again(s.Families)
	r.poke()
}

// again queues the routes of some families, in the order in which they were
// made.
func (r *Out) again(families []message.Family) {
	var all []*out
	for _, o := range r.routes {
		if !o.queued && !o.gone && slices.Contains(families, o.route.Family) {
			o.queued = true
			all = append(all, o)
		}
	}
	slices.SortFunc(all, func(a, b *out) int { return cmp.Compare(a.order, b.order) })
	r.queue = append(r.queue, all...)
}

// Refresh says all of a family again (RFC 2918).
func (r *Out) Refresh(f message.Family) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.session != nil && slices.Contains(r.session.Families, f) {
		r.again([]message.Family{f})
		r.poke()
	}
}

// End ends the session.
func (r *Out) End() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.session, r.queue = nil, nil
	for _, o := range r.routes {
		o.queued = false
		if o.gone {
			delete(r.routes, o.key)
		}
	}
}

// Counts returns how many routes there are, how many of them are not said yet
// or not withdrawn, and why the last one could not be said.
func (r *Out) Counts() (routes, pending int, refused string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.routes), len(r.queue), r.refused
}

// Fill appends UPDATEs to b, which is empty, until there are no more or it
// would be longer than most. Without any, there is nothing to say.
func (r *Out) Fill(s *Session, b []byte, most int) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.session != s {
		return b
	}
	limit := message.MaxLen
	if s.Extended {
		limit = message.MaxExtended
	}
	for len(r.queue) > 0 && len(b)+limit <= most {
		b = r.next(s, b, limit)
	}
	if len(r.queue) > 0 {
		return b
	}
	r.queue = nil
	for _, f := range s.Families {
		if r.complete[f] && !s.ended[f] && len(b)+limit <= most {
			s.ended[f] = true
			b, _ = message.AppendUpdate(b, message.EndOfRIB(f), limit)
		}
	}
	return b
}

// next appends one UPDATE for the first of the queue, and for those behind it
// that fit in and say the same.
func (r *Out) next(s *Session, b []byte, limit int) []byte {
	first := r.pop()
	if first.gone {
		r.drop(first)
		if !first.said {
			return b
		}
		nlris := slices.Clone(first.route.NLRI)
		for len(r.queue) > 0 && several(first.route.Family) {
			o := r.queue[0]
			// 40: the header, the lengths and the attribute's own.
			if !o.gone || !o.said || o.route.Family != first.route.Family || len(nlris)+len(o.route.NLRI)+40 > limit {
				break
			}
			r.drop(r.pop())
			nlris = append(nlris, o.route.NLRI...)
		}
		b, _ = message.AppendUpdate(b, withdrawal(first.route.Family, nlris), limit)
		return b
	}
	u, err := first.route.update(s)
	start := len(b)
	if err == nil {
		b, err = message.AppendUpdate(b, u, limit)
	}
	if err == nil {
		first.said = true
		if r.pack(&u, first.route, limit-(len(b)-start)) {
			b, _ = message.AppendUpdate(b[:start], u, limit)
		}
		return b
	}
	r.refused = fmt.Sprintf("a route of %v could not be said: %v", first.route.Family, err)
	if first.said { // what stands is not what it should be
		first.said = false
		b, _ = message.AppendUpdate(b, withdrawal(first.route.Family, first.route.NLRI), limit)
	}
	return b
}

// pack adds the NLRIs that have the same attributes and fit into room, and
// reports whether there are any.
func (r *Out) pack(u *message.Update, first Route, room int) (packed bool) {
	room-- // the length of an attribute may become longer itself
	for len(r.queue) > 0 && several(first.Family) {
		o := r.queue[0]
		if room -= len(o.route.NLRI); o.gone || room < 0 || !first.alike(o.route) {
			break
		}
		r.pop()
		o.said, packed = true, true
		if u.Reach != nil {
			u.Reach.NLRI = append(u.Reach.NLRI, o.route.NLRI...)
		} else {
			u.NLRI = append(u.NLRI, o.route.NLRI...)
		}
	}
	return packed
}

// several reports whether NLRIs of a family may share an UPDATE. SR Policies are
// said one by one: gobgp 3.10 takes all that is behind an NLRI of theirs for its
// endpoint, knows it by a wrong name from then on, and as a route reflector does
// not pass its withdrawal on.
func several(f message.Family) bool {
	return f != message.IPv4SRPolicy && f != message.IPv6SRPolicy
}

func (r *Out) pop() *out {
	o := r.queue[0]
	r.queue[0] = nil
	r.queue = r.queue[1:]
	o.queued = false
	return o
}

// alike reports whether two routes may share an UPDATE.
func (r Route) alike(o Route) bool {
	return r.Family == o.Family && r.NextHop == o.NextHop && slices.EqualFunc(r.Attributes, o.Attributes, func(a, b message.Attribute) bool {
		return a.Flags == b.Flags && a.Type == b.Type && bytes.Equal(a.Value, b.Value)
	})
}

func withdrawal(f message.Family, nlris []byte) message.Update {
	if f == message.IPv4Unicast {
		return message.Update{Withdrawn: nlris}
	}
	return message.Update{Unreach: &message.Unreach{Family: f, NLRI: nlris}}
}

var (
	errNextHop  = errors.New("an IPv4 route needs an IPv4 next hop, and the session has none")
	errExtended = errors.New("its next hop is an IPv6 address, and the peer has not said that it takes such routes of IPv4 (RFC 8950)")
)

// update is the UPDATE of a route in a session.
func (r Route) update(s *Session) (message.Update, error) {
	u := message.Update{Attributes: slices.Clone(r.Attributes)}
	add := func(a message.Attribute) {
		if !slices.ContainsFunc(u.Attributes, func(b message.Attribute) bool { return a.Type == b.Type }) {
			u.Attributes = append(u.Attributes, a)
		}
	}
	add(message.Origin())
	if s.Internal {
		add(message.ASPath())
		add(message.LocalPref(100))
	} else {
		add(message.ASPath(s.LocalAS))
	}
	hop := r.NextHop
	if !hop.IsValid() {
		hop = s.Local
	}
	hop = hop.Unmap()
	if r.Family == message.IPv4Unicast && !(hop.Is6() && s.ExtendedNextHop) {
		switch {
		case r.NextHop.IsValid() && !hop.Is4():
			return u, errExtended
		case !hop.Is4():
			return u, errNextHop
		}
		u.NLRI = slices.Clone(r.NLRI)
		add(message.Attribute{Flags: message.Transitive, Type: message.NextHopType, Value: hop.AsSlice()})
	} else {
		if hop.Is4() && r.Family.AFI == message.IPv6Unicast.AFI {
			hop = netip.AddrFrom16(hop.As16()) // as RFC 4798 does
		}
		octets := hop.AsSlice()
		if r.Family == message.VPNv4 || r.Family == message.VPNv6 || r.Family == message.LinkStateVPN {
			octets = append(make([]byte, 8), octets...)
		}
		u.Reach = &message.Reach{Family: r.Family, NextHop: octets, NLRI: slices.Clone(r.NLRI)}
	}
	slices.SortStableFunc(u.Attributes, func(a, b message.Attribute) int { return cmp.Compare(a.Type, b.Type) })
	return u, nil
}
