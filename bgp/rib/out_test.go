package rib

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/bgp/message"
)

func session(wake chan struct{}) *Session {
	return &Session{Families: families, Internal: true, Local: netip.MustParseAddr("10.0.0.1"), LocalAS: 65000, Wake: wake}
}

func routeOf(i int, community uint32) Route {
	r := Route{Family: families[i%2]}
	if i%2 == 0 {
		r.NLRI = message.AppendPrefix(nil, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i), 0}), 24))
	} else {
		r.NLRI = message.AppendPrefix(nil, netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, 14: byte(i)}), 128))
	}
	if community > 0 {
		r.Attributes = []message.Attribute{{Flags: message.Optional | message.Transitive, Type: message.CommunitiesType, Value: []byte{0, 0, 0, byte(community)}}}
	}
	return r
}

// heard is the RIB of who reads the UPDATEs: the community by prefix.
type heard struct {
	routes map[netip.Prefix]uint32
	ended  []message.Family
	size   int // UPDATEs
}

// read takes in what Fill wrote.
func (h *heard) read(b []byte) error {
	for len(b) > 0 {
		head, err := message.ParseHeader(b, false)
		if err != nil {
			return err
		}
		u, faults, err := message.ParseUpdate(b[message.HeaderLen:head.Len], true)
		if err != nil {
			return err
		}
		if len(faults) > 0 {
			return fmt.Errorf("%v", faults)
		}
		h.size++
		if f, ok := u.EndOfRIB(); ok {
			h.ended = append(h.ended, f)
		}
		value, _ := u.Attribute(message.CommunitiesType)
		community := uint32(0)
		if len(value) == 4 {
			community = uint32(value[3])
		}
		lists := []struct {
			f    message.Family
			b    []byte
			gone bool
		}{{message.IPv4Unicast, u.Withdrawn, true}, {message.IPv4Unicast, u.NLRI, false}}
		if u.Reach != nil {
			lists = append(lists, struct {
				f    message.Family
				b    []byte
				gone bool
			}{u.Reach.Family, u.Reach.NLRI, false})
		}
		if u.Unreach != nil {
			lists = append(lists, struct {
				f    message.Family
				b    []byte
				gone bool
			}{u.Unreach.Family, u.Unreach.NLRI, true})
		}
		for _, list := range lists {
			prefixes, err := message.ParsePrefixes(list.b, list.f)
			if err != nil {
				return err
			}
			for _, p := range prefixes {
				if list.gone {
					if _, there := h.routes[p]; !there {
						return fmt.Errorf("%v is withdrawn, and was not there", p)
					}
					delete(h.routes, p)
				} else {
					h.routes[p] = community
				}
			}
		}
		b = b[head.Len:]
	}
	return nil
}

// TestOutTwin: whatever is announced and withdrawn, however little the peer
// takes at a time, in the end it has what it should, in each session.
func TestOutTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, wanted := NewOut(), map[netip.Prefix]uint32{}
		var s *Session
		var peer *heard
		wake := make(chan struct{}, 1)
		fill := func(most int) bool {
			b := r.Fill(s, nil, most)
			if len(b) > most {
				t.Fatalf("%d octets, at most %d", len(b), most)
			}
			if err := peer.read(b); err != nil {
				t.Fatal(err)
			}
			return len(b) > 0
		}
		for range rapid.IntRange(1, 150).Draw(t, "steps") {
			i := rapid.IntRange(0, 19).Draw(t, "route")
			prefixes, err := message.ParsePrefixes(routeOf(i, 0).NLRI, families[i%2])
			if err != nil {
				t.Fatal(err)
			}
			switch what := rapid.IntRange(0, 10).Draw(t, "what"); {
			case what <= 3:
				community := rapid.Uint32Range(0, 2).Draw(t, "community")
				r.Announce(routeOf(i, community))
				wanted[prefixes[0]] = community
			case what <= 5:
				r.Withdraw(families[i%2], routeOf(i, 0).NLRI)
				delete(wanted, prefixes[0])
			case what == 6 && s == nil:
				s, peer = session(wake), &heard{routes: map[netip.Prefix]uint32{}}
				r.Begin(s)
			case what == 7 && s != nil:
				r.End()
				s = nil
			case what == 8:
				r.Ready(families[i%2])
			case what == 9 && s != nil:
				r.Refresh(families[i%2])
			case s != nil:
				fill(message.MaxLen * rapid.IntRange(1, 3).Draw(t, "messages"))
			}
		}
		if s == nil {
			s, peer = session(wake), &heard{routes: map[netip.Prefix]uint32{}}
			r.Begin(s)
		}
		r.Ready(message.IPv4Unicast)
		r.Ready(message.IPv6Unicast)
		select {
		case <-wake:
		default:
			t.Fatal("the writer was not woken")
		}
		for fill(message.MaxLen) {
		}
		if !maps.Equal(wanted, peer.routes) {
			t.Fatalf("the peer has %v, wanted %v", peer.routes, wanted)
		}
		if len(peer.ended) != 2 || peer.ended[0] == peer.ended[1] {
			t.Fatalf("End-of-RIB of %v", peer.ended)
		}
		if routes, pending, _ := r.Counts(); routes != len(wanted) || pending != 0 {
			t.Fatalf("%d routes, %d pending, want %d", routes, pending, len(wanted))
		}
	})
}

// TestOutPacks: routes with the same attributes share UPDATEs, which are full;
// a route that changed often is said once.
func TestOutPacks(t *testing.T) {
	r, peer := NewOut(), &heard{routes: map[netip.Prefix]uint32{}}
	s := session(make(chan struct{}, 1))
	r.Begin(s)
	const routes = 3000
	for change := range uint32(3) {
		for i := range routes {
			r.Announce(Route{Family: message.IPv4Unicast, NLRI: []byte{24, 10, byte(i >> 8), byte(i)}, Attributes: routeOf(0, change).Attributes})
		}
	}
	for b := r.Fill(s, nil, 1<<20); len(b) > 0; b = r.Fill(s, nil, 1<<20) {
		if err := peer.read(b); err != nil {
			t.Fatal(err)
		}
	}
	if len(peer.routes) != routes || peer.size != 3 || peer.routes[netip.MustParsePrefix("10.1.2.0/24")] != 2 {
		t.Errorf("%d routes in %d UPDATEs", len(peer.routes), peer.size)
	}
	for i := range routes {
		r.Withdraw(message.IPv4Unicast, []byte{24, 10, byte(i >> 8), byte(i)})
	}
	if err := peer.read(r.Fill(s, nil, 1<<20)); err != nil || len(peer.routes) != 0 || peer.size != 6 {
		t.Errorf("%d routes are left, %d UPDATEs, %v", len(peer.routes), peer.size, err)
	}
}

// TestOutAttributes: what is added to a route, by the kind of session.
func TestOutAttributes(t *testing.T) {
	types := func(u message.Update) (out []message.AttributeType) {
		for _, a := range u.Attributes {
			out = append(out, a.Type)
		}
		return out
	}
	s := session(nil)
	route := routeOf(1, 7)
	u, err := route.update(s)
	if want := []message.AttributeType{1, 2, 5, 8}; err != nil || !slices.Equal(types(u), want) || u.Reach.Addr().Unmap() != s.Local {
		t.Errorf("internal %v, %v", u, err)
	}
	s.Internal = false
	if u, _ = route.update(s); !slices.Equal(types(u), []message.AttributeType{1, 2, 8}) || !message.InASPath(u.Attributes[1].Value, 65000) {
		t.Errorf("external %v", u)
	}
	// What the caller gives stands.
	route.Attributes = append(route.Attributes, message.ASPath(7, 8))
	route.NextHop = netip.MustParseAddr("2001:db8::1")
	if u, _ = route.update(s); message.InASPath(u.Attributes[1].Value, 65000) || u.Reach.Addr() != route.NextHop {
		t.Errorf("given %v", u)
	}
	vpn := Route{Family: message.VPNv4, NLRI: []byte{1}}
	if u, _ = vpn.update(s); !bytes.Equal(u.Reach.NextHop, []byte{0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 1}) {
		t.Errorf("VPN %x", u.Reach.NextHop)
	}
	s.Local = netip.MustParseAddr("2001:db8::1")
	if _, err = routeOf(0, 0).update(s); err == nil {
		t.Error("an IPv4 route with an IPv6 next hop")
	}
	// A next hop of IPv6 is said where it was agreed on (RFC 8950).
	v4 := routeOf(0, 0)
	v4.NextHop = s.Local
	if _, err = v4.update(s); err == nil || !strings.Contains(err.Error(), "RFC 8950") {
		t.Errorf("an IPv4 route with an IPv6 next hop: %v", err)
	}
	s.ExtendedNextHop = true
	if u, err = v4.update(s); err != nil || u.NLRI != nil || u.Reach.Family != message.IPv4Unicast || u.Reach.Addr() != s.Local {
		t.Errorf("%+v, %v", u, err)
	}
	v4.NextHop = netip.MustParseAddr("192.0.2.1")
	if u, err = v4.update(s); err != nil || u.Reach != nil || len(u.NLRI) == 0 {
		t.Errorf("a next hop of IPv4: %+v, %v", u, err)
	}
}

// TestOutTooLong: a route that fits into no message is not said, and of the
// others nothing is missing. What it replaced is withdrawn.
func TestOutTooLong(t *testing.T) {
	r, peer := NewOut(), &heard{routes: map[netip.Prefix]uint32{}}
	s := session(make(chan struct{}, 1))
	r.Begin(s)
	for i := range 3 {
		r.Announce(routeOf(2*i, 1))
	}
	if err := peer.read(r.Fill(s, nil, 1<<20)); err != nil || len(peer.routes) != 3 {
		t.Fatal(peer.routes, err)
	}
	long := routeOf(2, 0)
	long.Attributes = []message.Attribute{{Flags: message.Optional | message.Transitive, Type: 200, Value: make([]byte, 5000)}}
	r.Announce(long)
	r.Announce(routeOf(4, 2))
	if err := peer.read(r.Fill(s, nil, 1<<20)); err != nil || len(peer.routes) != 2 || peer.routes[netip.MustParsePrefix("10.0.4.0/24")] != 2 {
		t.Error(peer.routes, err)
	}
	if _, _, why := r.Counts(); !strings.Contains(why, "does not fit") {
		t.Errorf("%q", why)
	}
}

// TestOutPoliciesOneByOne: NLRIs of SR Policies share no UPDATE, coming or going.
func TestOutPoliciesOneByOne(t *testing.T) {
	s := &Session{Families: []message.Family{message.IPv6SRPolicy}, Local: netip.MustParseAddr("fd00::1"), Wake: make(chan struct{}, 1)}
	r := NewOut()
	r.Begin(s)
	var nlris [][]byte
	for i := range byte(3) {
		nlris = append(nlris, append([]byte{192, 0, 0, 0, i}, make([]byte, 20)...))
		r.Announce(Route{Family: message.IPv6SRPolicy, NLRI: nlris[i]})
	}
	alone := func(of func(message.Update) []byte) {
		t.Helper()
		n := 0
		for b := r.Fill(s, nil, 1<<20); len(b) > 0; n++ {
			length := int(binary.BigEndian.Uint16(b[16:]))
			u, faults, err := message.ParseUpdate(b[message.HeaderLen:length], false)
			if err != nil || len(faults) > 0 || !bytes.Equal(of(u), nlris[n]) {
				t.Fatalf("%x, %v, %v", b[:length], faults, err)
			}
			b = b[length:]
		}
		if n != len(nlris) {
			t.Errorf("%d UPDATEs", n)
		}
	}
	alone(func(u message.Update) []byte { return u.Reach.NLRI })
	for _, nlri := range nlris {
		r.Withdraw(message.IPv6SRPolicy, nlri)
	}
	alone(func(u message.Update) []byte { return u.Unreach.NLRI })
}
