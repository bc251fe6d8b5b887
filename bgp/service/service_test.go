package service_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/osrg/gobgp/v4/pkg/packet/bgp"
	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/bgp/route"
	"github.com/keiro-net/keiro/bgp/service"
)

var (
	session  = route.Session{LocalAS: 65001, ExtendedNextHop: true}
	endpoint = netip.MustParseAddr("2001:db8::1")
	hop4     = netip.MustParseAddr("192.0.2.1")
	red      = route.Color{Value: 100}
)

// TestAnnounce: the octets, written down from the RFCs.
func TestAnnounce(t *testing.T) {
	for name, test := range map[string]struct {
		r    service.Route
		want string
	}{
		"IPv6": {service.Route{Prefix: netip.MustParsePrefix("2001:db8:5::/48"), NextHop: endpoint, Colors: []route.Color{red}, NoExport: true},
			`0000 003f 800e1c 0002 01 10 20010db8000000000000000000000001 00 30 20010db80005
			 40010100 400200 40050400000064 c00804 ffffff01 c01008 030b000000000064`},
		"IPv4 over SRv6 (RFC 8950)": {service.Route{Prefix: netip.MustParsePrefix("198.51.100.0/25"), NextHop: endpoint,
			Colors: []route.Color{{Value: 7, Only: route.NullEndpoint}, red}, LocalPref: ls.Some[uint32](300)},
			`0000 003e 800e1a 0001 01 10 20010db8000000000000000000000001 00 19 c6336400
			 40010100 400200 4005040000012c c01010 030b400000000007 030b000000000064`},
		"IPv4": {service.Route{Prefix: netip.MustParsePrefix("0.0.0.0/0"), NextHop: hop4, Colors: []route.Color{red}, NoAdvertise: true},
			`0000 0027 40010100 400200 400304 c0000201 40050400000064 c00804 ffffff02 c01008 030b000000000064 00`},
	} {
		u, err := test.r.Announce(session)
		want, _ := hex.DecodeString(strings.Join(strings.Fields(test.want), ""))
		got, _ := message.AppendUpdate(nil, u, message.MaxLen)
		if err != nil || !bytes.Equal(got[message.HeaderLen:], want) {
			t.Errorf("%s:\ngot  %x, %v\nwant %x", name, got[message.HeaderLen:], err, want)
		}
	}
}

func TestRefuses(t *testing.T) {
	good := service.Route{Prefix: netip.MustParsePrefix("198.51.100.0/24"), NextHop: endpoint, Colors: []route.Color{red}}
	for want, change := range map[string]func(*service.Route){
		"no color":         func(r *service.Route) { r.Colors = nil },
		"is reserved":      func(r *service.Route) { r.Colors = []route.Color{{Value: 1, Only: 3}} },
		"bits behind":      func(r *service.Route) { r.Prefix = netip.MustParsePrefix("198.51.100.1/24") },
		"it is no prefix":  func(r *service.Route) { r.Prefix = netip.Prefix{} },
		"needs a next hop": func(r *service.Route) { r.NextHop = netip.Addr{} },
	} {
		r := good
		change(&r)
		if u, err := r.Announce(session); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), r.Prefix.String()) {
			t.Errorf("%s: %+v, %v", want, u, err)
		}
	}
	if u, err := good.Announce(route.Session{}); err == nil || !strings.Contains(err.Error(), "RFC 8950") {
		t.Errorf("without extended next hops: %+v, %v", u, err)
	}
	good.Colors = make([]route.Color, 600)
	if _, err := good.Announce(session); !errors.Is(err, message.ErrTooLong) || !strings.Contains(err.Error(), "198.51.100.0/24") {
		t.Errorf("%v", err)
	}
}

var addrs = rapid.Custom(func(t *rapid.T) netip.Addr {
	b := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "")
	if rapid.Bool().Draw(t, "") {
		return netip.AddrFrom4([4]byte(b))
	}
	return netip.AddrFrom16([16]byte(b))
})

// TestRoundTrip: through our parser and through gobgp's.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := session
		s.External = rapid.Bool().Draw(t, "external")
		addr := addrs.Draw(t, "prefix")
		want := service.Route{Prefix: netip.PrefixFrom(addr, rapid.IntRange(0, addr.BitLen()).Draw(t, "bits")).Masked(), NextHop: addrs.Draw(t, "next hop"),
			NoExport: rapid.Bool().Draw(t, "NO_EXPORT"), NoAdvertise: rapid.Bool().Draw(t, "NO_ADVERTISE")}
		if addr.Is6() && want.NextHop.Is4() {
			want.NextHop = endpoint
		}
		for i := range rapid.IntRange(1, 3).Draw(t, "colors") {
			want.Colors = append(want.Colors, route.Color{Value: uint32(9 - i), Only: route.ColorOnly(rapid.ByteRange(0, 2).Draw(t, "CO"))})
		}
		if rapid.Bool().Draw(t, "SID") {
			want.SID = ls.Some(sids.Draw(t, "service SID"))
		}
		if !s.External {
			want.LocalPref = ls.Some(rapid.Uint32().Draw(t, "local preference"))
		}
		u, err := want.Announce(s)
		if err != nil {
			t.Fatal(err)
		}
		b, err := message.AppendUpdate(nil, u, message.MaxLen)
		if err != nil {
			t.Fatal(err)
		}
		back, faults, err := message.ParseUpdate(b[message.HeaderLen:], !s.External)
		if err != nil || len(faults) > 0 {
			t.Fatal(err, faults)
		}
		got, without, err := service.Parse(&back, false)
		if err != nil || len(without) > 0 || !reflect.DeepEqual(got, []service.Route{want}) {
			t.Fatalf("%x\ngot  %+v, %v %v\nwant %+v", b, got, without, err, want)
		}
		gobgpReads(t, u, want)
		gone := gobgpParse(t, service.Withdraw(want.Prefix))
		lost := gone.WithdrawnRoutes
		if addr.Is6() {
			lost = gone.PathAttributes[0].(*bgp.PathAttributeMpUnreachNLRI).Value
		}
		if len(lost) != 1 || lost[0].NLRI.String() != want.Prefix.String() {
			t.Fatalf("gobgp reads a withdrawal of %v as %v", want.Prefix, lost)
		}
	})
}

func gobgpParse(t *rapid.T, u message.Update) *bgp.BGPUpdate {
	b, err := message.AppendUpdate(nil, u, message.MaxLen)
	if err != nil {
		t.Fatal(err)
	}
	m, err := bgp.ParseBGPMessage(b)
	if err != nil {
		t.Fatalf("gobgp refuses %x: %v", b, err)
	}
	return m.Body.(*bgp.BGPUpdate)
}

func gobgpReads(t *rapid.T, u message.Update, want service.Route) {
	m := gobgpParse(t, u)
	prefixes, nextHop := m.NLRI, netip.Addr{}
	var colors []uint32
	for _, a := range m.PathAttributes {
		switch a := a.(type) {
		case *bgp.PathAttributeMpReachNLRI:
			prefixes, nextHop = a.Value, a.Nexthop
		case *bgp.PathAttributeNextHop:
			nextHop = a.Value
		case *bgp.PathAttributeExtendedCommunities:
			for _, e := range a.Value { // it drops the flags of a color
				colors = append(colors, e.(*bgp.ColorExtended).Color)
			}
		}
	}
	sidsOfGobgp(t, m, want)
	var values []uint32
	for _, c := range want.Colors {
		values = append(values, c.Value)
	}
	if len(prefixes) != 1 || prefixes[0].NLRI.String() != want.Prefix.String() || nextHop != want.NextHop || !reflect.DeepEqual(colors, values) {
		t.Fatalf("gobgp reads %v by %v %v, want %+v", prefixes, nextHop, colors, want)
	}
}

// TestParse: which prefixes lose their color.
func TestParse(t *testing.T) {
	v4, v6 := netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("2001:db8:5::/48")
	nlri4, nlri6 := message.AppendPrefix(nil, v4), message.AppendPrefix(nil, v6)
	hop := message.Attribute{Flags: message.Transitive, Type: message.NextHopType, Value: hop4.AsSlice()}
	e := red.ExtendedCommunity()
	color := message.Attribute{Flags: message.Optional | message.Transitive, Type: message.ExtendedCommunitiesType, Value: e[:]}
	reach := &message.Reach{Family: message.IPv6Unicast, NextHop: endpoint.AsSlice(), NLRI: nlri6}
	both := message.Update{NLRI: nlri4, Reach: reach, Attributes: []message.Attribute{hop, color}}
	for _, test := range []struct {
		name    string
		u       message.Update
		spoiled bool
		routes  []service.Route
		without []netip.Prefix
		fails   bool
	}{
		{"each with its next hop", both, false, []service.Route{{Prefix: v4, NextHop: hop4, Colors: []route.Color{red}}, {Prefix: v6, NextHop: endpoint, Colors: []route.Color{red}}}, nil, false},
		{"spoiled", both, true, nil, []netip.Prefix{v4, v6}, false},
		{"without a color", message.Update{NLRI: nlri4, Reach: reach, Attributes: []message.Attribute{hop}}, false, nil, []netip.Prefix{v4, v6}, false},
		{"withdrawn", message.Update{Withdrawn: nlri4, Unreach: &message.Unreach{Family: message.IPv6Unicast, NLRI: nlri6}}, false, nil, []netip.Prefix{v4, v6}, false},
		{"of other families", message.Update{Unreach: &message.Unreach{Family: message.LinkState, NLRI: nlri6}}, false, nil, nil, false},
		{"malformed", message.Update{NLRI: []byte{33}, Attributes: []message.Attribute{hop, color}}, false, nil, nil, true},
		{"malformed, withdrawn", message.Update{Withdrawn: []byte{33}}, false, nil, nil, true},
		{"malformed, of RFC 4760", message.Update{NLRI: nlri4, Reach: &message.Reach{Family: message.IPv6Unicast, NLRI: []byte{129}}}, false, nil, nil, true},
	} {
		routes, without, err := service.Parse(&test.u, test.spoiled)
		var fault *message.Fault
		if (err != nil) != test.fails || test.fails && (!errors.As(err, &fault) || fault.Action != message.DisableFamily) {
			t.Errorf("%s: %v", test.name, err)
		}
		if !reflect.DeepEqual(routes, test.routes) || !reflect.DeepEqual(without, test.without) {
			t.Errorf("%s: %+v, without %v", test.name, routes, without)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, r := range []service.Route{
		{Prefix: netip.MustParsePrefix("198.51.100.0/24"), NextHop: hop4, Colors: []route.Color{red}, NoExport: true},
		{Prefix: netip.MustParsePrefix("2001:db8:5::/48"), NextHop: endpoint, Colors: []route.Color{red, {Value: 3, Only: 1}}},
		{Prefix: netip.MustParsePrefix("2001:db8:5::/48"), NextHop: endpoint, Colors: []route.Color{red}, SID: ls.Some(dt6)},
	} {
		u, err := r.Announce(session)
		if err != nil {
			f.Fatal(err)
		}
		u.Unreach = service.Withdraw(netip.MustParsePrefix("2001:db8:6::/48")).Unreach
		b, err := message.AppendUpdate(nil, u, message.MaxLen)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b[message.HeaderLen:])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		u, faults, err := message.ParseUpdate(b, true)
		if err != nil {
			return
		}
		routes, without, err := service.Parse(&u, message.Withdraw(faults))
		if len(routes)+len(without) > len(b) || err != nil && len(routes) > 0 {
			t.Fatalf("%v, without %v, %v", routes, without, err)
		}
		for _, r := range routes {
			if len(r.Colors) == 0 || !r.NextHop.IsValid() || r.Prefix != r.Prefix.Masked() {
				t.Fatalf("%+v", r)
			}
			if _, err := r.Announce(route.Session{LocalAS: 65001, ExtendedNextHop: true, Extended: true}); r.SID.Known && err != nil && !errors.Is(err, message.ErrTooLong) {
				t.Fatalf("what was read cannot be said: %+v: %v", r, err)
			}
		}
	})
}
