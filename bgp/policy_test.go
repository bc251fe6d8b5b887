package bgp

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/keiro-net/keiro/bgp/internal/peertest"
	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/bgp/rib"
	"github.com/keiro-net/keiro/bgp/route"
	"github.com/keiro-net/keiro/bgp/service"
	"github.com/keiro-net/keiro/bgp/srpolicy"
)

// candidate is a path of a policy with two weighted segment lists.
func candidate(distinguisher uint32) srpolicy.CandidatePath {
	list := func(weight uint32, sid string) srpolicy.SegmentList {
		return srpolicy.SegmentList{Weight: ls.Some(weight), Segments: []srpolicy.Segment{{SID: netip.MustParseAddr(sid)}, {SID: netip.MustParseAddr("5f00:0:3:4001::")}}}
	}
	return srpolicy.CandidatePath{
		NLRI:   srpolicy.NLRI{Distinguisher: distinguisher, Color: 1_000_001, Endpoint: netip.MustParseAddr("5f00:0:2::1")},
		Tunnel: srpolicy.Tunnel{Preference: ls.Some(uint32(200)), SegmentLists: []srpolicy.SegmentList{list(3, "5f00:0:2:8001::"), list(1, "5f00:0:3:8001::")}},
	}
}

// says makes a route of what an UPDATE announces.
func says(t testing.TB, u message.Update, err error) rib.Route {
	t.Helper()
	switch {
	case err != nil:
		t.Fatal(err)
	case u.Reach == nil:
		return rib.Route{Family: message.IPv4Unicast, NLRI: u.NLRI, Attributes: u.Attributes}
	}
	hop, _ := netip.AddrFromSlice(u.Reach.NextHop)
	return rib.Route{Family: u.Reach.Family, NLRI: u.Reach.NLRI, NextHop: hop, Attributes: u.Attributes}
}

func (c *consumer) say(peer string, routes ...rib.Route) {
	c.t.Helper()
	for _, r := range routes {
		if err := c.speaker.Announce(peer, r); err != nil {
			c.t.Fatal(err)
		}
	}
}

// reads what a peer says of an object.
func (c *consumer) reads(peer string, name rib.Name) (a route.Attributes, path srpolicy.Tunnel) {
	c.t.Helper()
	peertest.Eventually(c.t, fmt.Sprintf("%s says %+v", peer, name), func() string {
		c.mu.Lock()
		defer c.mu.Unlock()
		o, ok := c.objects[peer][name]
		if !ok {
			return fmt.Sprintf("%v %+v", c.faults, c.state(peer))
		}
		a = route.Read(&message.Update{Attributes: o.Attributes})
		a.NextHop = o.NextHop
		return ""
	})
	if name.Policy != (srpolicy.NLRI{}) {
		var fault *message.Fault
		if path, fault = srpolicy.ParseTunnel(a.Tunnel); fault != nil {
			c.t.Fatal(fault)
		}
	}
	return a, path
}

const reflectorConfig = `
[global.config]
  as = 65000
  router-id = "10.0.0.2"
[[neighbors]]
  [neighbors.config]
    neighbor-address = "fd00::1"
    peer-as = 65000
%[1]s
[[neighbors]]
  [neighbors.config]
    neighbor-address = "fd00::3"
    peer-as = 65000
%[1]s
`

const reflectorPeer = `
  [neighbors.transport.config]
    passive-mode = true
  [neighbors.route-reflector.config]
    route-reflector-client = true
    route-reflector-cluster-id = "10.0.0.2"
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "ipv6-unicast"
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "ipv6-srpolicy"
`

// TestPolicies: candidate paths and colored routes from a speaker of ours to
// another, on a session of their own and by way of gobgpd 3.10 as a reflector.
func TestPolicies(t *testing.T) {
	t.Parallel() // it mostly waits
	families := []message.Family{message.IPv6Unicast, message.IPv6SRPolicy}
	headend := netip.MustParseAddr("10.0.0.3")
	service := service.Route{Prefix: netip.MustParsePrefix("2001:db8:2::/48"), NextHop: netip.MustParseAddr("5f00:0:2::1"), Colors: []route.Color{{Value: 1_000_001}}}
	for _, reflected := range []bool{false, true} {
		t.Run(fmt.Sprintf("reflected=%v", reflected), func(t *testing.T) {
			here, there := pair(t)
			here.Address("c", "fd00::3/64")
			sender := Peer{Name: "out", Address: netip.MustParseAddr("fd00::2"), LocalAddress: netip.MustParseAddr("fd00::1"), AS: 65000, Families: families}
			receiver := sender
			receiver.Name, receiver.LocalAddress = "in", netip.MustParseAddr("fd00::3")
			in := Config{Sockets: here.Sockets, ID: headend}
			if reflected {
				program := peertest.Program(t, "gobgpd", "gobgpd")
				config := filepath.Join(t.TempDir(), "gobgpd.toml")
				if err := os.WriteFile(config, fmt.Appendf(nil, reflectorConfig, reflectorPeer), 0o600); err != nil {
					t.Fatal(err)
				}
				there.Start(nil, program, "-f", config, "--api-hosts", "127.0.0.1:50051", "--log-plain", "--pprof-disable")
			} else {
				in.Sockets, in.Listen = there.Sockets, []netip.AddrPort{netip.MustParseAddrPort("[fd00::2]:179")}
				receiver.Address, receiver.LocalAddress, receiver.Passive = netip.MustParseAddr("fd00::1"), netip.Addr{}, true
			}
			from, to := start(t, Config{Sockets: here.Sockets}, sender), start(t, in, receiver)
			say := func(path srpolicy.CandidatePath) {
				t.Helper()
				u, err := (srpolicy.Route{CandidatePath: path, Headends: []netip.Addr{headend}, Direct: !reflected}).Announce(route.Session{LocalAS: 65000, LocalAddress: sender.LocalAddress})
				from.say("out", says(t, u, err))
			}
			first, second := candidate(1), candidate(2)
			say(first)
			say(second)
			u, err := service.Announce(route.Session{LocalAS: 65000})
			from.say("out", says(t, u, err))
			from.complete("out", families...)
			for _, want := range []srpolicy.CandidatePath{first, second} {
				a, path := to.reads("in", rib.Name{Family: want.Family(), Policy: want.NLRI})
				if !reflect.DeepEqual(path, want.Tunnel) || !reflect.DeepEqual(a.RouteTargets(), []netip.Addr{headend}) || a.Has(route.NoAdvertise) == reflected {
					t.Errorf("%+v\n%+v", a, path)
				}
			}
			a, _ := to.reads("in", rib.Name{Family: message.IPv6Unicast, Prefix: service.Prefix})
			if a.NextHop != service.NextHop || !reflect.DeepEqual(a.Colors(), service.Colors) {
				t.Errorf("%+v", a)
			}
			if !reflected { // gobgpd sends no marker without graceful restart
				to.completed("in", message.IPv6SRPolicy)
			}
			if err := from.speaker.Withdraw("out", first.Family(), srpolicy.AppendNLRI(nil, first.NLRI)); err != nil {
				t.Fatal(err)
			}
			to.counts("in", 2)
			if s := to.state("in"); s.Faults != 0 || s.Ignored != 0 {
				t.Errorf("%+v", s)
			}
			second.Preference = ls.Some(uint32(7)) // what is announced again replaces what was
			say(second)
			peertest.Eventually(t, "the other preference", func() string {
				if _, path := to.reads("in", rib.Name{Family: second.Family(), Policy: second.NLRI}); path.Preference != second.Preference {
					return fmt.Sprintf("%+v", path)
				}
				return ""
			})
		})
	}
}

// TestMalformedPolicies: one that no headend may use is withdrawn, and a list of
// NLRIs that leads nowhere costs the family.
func TestMalformedPolicies(t *testing.T) {
	b, peer := newRobot(t, "robot", "127.0.0.2", message.IPv6SRPolicy, message.LinkState)
	c := start(t, Config{}, peer)
	b.greet(linkState(message.IPv6SRPolicy))
	announce := func(path srpolicy.CandidatePath, edit func(*message.Update)) {
		t.Helper()
		u, err := (srpolicy.Route{CandidatePath: path, Direct: true}).Announce(route.Session{LocalAS: 65000, LocalAddress: netip.MustParseAddr("127.0.0.2")})
		if err != nil {
			t.Fatal(err)
		}
		if edit != nil {
			edit(&u)
		}
		b.update(u)
	}
	without := func(of message.AttributeType) func(*message.Update) {
		return func(u *message.Update) {
			var rest []message.Attribute
			for _, a := range u.Attributes {
				if a.Type != of {
					rest = append(rest, a)
				}
			}
			u.Attributes = rest
		}
	}
	announce(candidate(1), nil)
	announce(candidate(2), nil)
	announce(candidate(3), nil)
	c.counts("robot", 3)
	announce(candidate(1), without(message.CommunitiesType))
	c.faulty("names no headend of an SR Policy")
	announce(candidate(2), without(message.TunnelEncapsulationType))
	c.faulty("there is no tunnel of type 15")
	c.counts("robot", 1)
	announce(candidate(4), func(u *message.Update) { u.Reach.NLRI = append(u.Reach.NLRI, 7) })
	c.faulty("of 7 bits, leads to no next one")
	c.counts("robot", 0)
	if s := c.state("robot"); !reflect.DeepEqual(s.Disabled, []message.Family{message.IPv6SRPolicy}) {
		t.Errorf("%+v", s)
	}
}
