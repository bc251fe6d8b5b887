package service_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/osrg/gobgp/v4/pkg/packet/bgp"
	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/controller/bgp/ls"
	"github.com/keiro-net/keiro/controller/bgp/service"
	"github.com/keiro-net/keiro/controller/bgp/update"
	"github.com/keiro-net/keiro/controller/bgp/update/apart"
)

var session = update.Session{LocalAS: 65001, FourOctetAS: true, ExtendedNextHop: true}

var (
	endpoint = netip.MustParseAddr("2001:db8::1")
	red      = update.Color{Value: 100}
)

// TestAnnounce: the octets, written down from the RFCs.
func TestAnnounce(t *testing.T) {
	for name, test := range map[string]struct {
		r    service.Route
		want string
	}{
		"IPv6": {service.Route{Prefix: netip.MustParsePrefix("2001:db8:5::/48"), NextHop: endpoint, Colors: []update.Color{red}, NoExport: true},
			`0000 003f 800e1c 0002 01 10 20010db8000000000000000000000001 00 30 20010db80005
			 40010100 400200 40050400000064 c00804 ffffff01 c01008 030b000000000064`},
		"IPv4 over SRv6 (RFC 8950)": {service.Route{Prefix: netip.MustParsePrefix("198.51.100.0/25"), NextHop: endpoint,
			Colors: []update.Color{{Value: 7, Only: update.NullEndpoint}, red}, LocalPref: ls.Some[uint32](300)},
			`0000 003e 800e1a 0001 01 10 20010db8000000000000000000000001 00 19 c6336400
			 40010100 400200 4005040000012c c01010 030b400000000007 030b000000000064`},
		"IPv4": {service.Route{Prefix: netip.MustParsePrefix("0.0.0.0/0"), NextHop: netip.MustParseAddr("192.0.2.1"), Colors: []update.Color{red}, NoAdvertise: true},
			`0000 0027 40010100 400200 400304 c0000201 40050400000064 c00804 ffffff02 c01008 030b000000000064 00`},
	} {
		got, err := test.r.Announce(session)
		if want := apart.Hex(t, test.want); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s:\ngot  %x, %v\nwant %x", name, got, err, want)
		}
	}
}

func TestRefuses(t *testing.T) {
	r := service.Route{Prefix: netip.MustParsePrefix("198.51.100.0/24"), NextHop: endpoint, Colors: []update.Color{red}}
	for want, change := range map[string]func(*service.Route){
		"no color":       func(r *service.Route) { r.Colors = nil },
		"is reserved":    func(r *service.Route) { r.Colors = []update.Color{{Value: 1, Only: 3}} },
		"no prefix":      func(r *service.Route) { r.Prefix = netip.MustParsePrefix("198.51.100.1/24") },
		"no prefix ":     func(r *service.Route) { r.Prefix = netip.Prefix{} },
		"a next hop":     func(r *service.Route) { r.NextHop = netip.Addr{} },
		"4077 fit: the ": func(r *service.Route) { r.Colors = make([]update.Color, 600) },
	} {
		broken := r
		change(&broken)
		if b, err := broken.Announce(session); err == nil || !strings.Contains(err.Error(), strings.TrimSpace(want)) {
			t.Errorf("%s: %x, %v", want, b, err)
		}
	}
	var long *update.TooLong
	r.Colors = make([]update.Color, 600)
	if _, err := r.Announce(session); !errors.As(err, &long) || !strings.Contains(err.Error(), "198.51.100.0/24") {
		t.Errorf("%v", err)
	}
	r.Colors = []update.Color{red}
	if b, err := r.Announce(update.Session{}); err == nil || !strings.Contains(err.Error(), "RFC 8950") {
		t.Errorf("without extended next hops: %x, %v", b, err)
	}
	if b, err := service.Withdraw(session, netip.Prefix{}); err == nil {
		t.Errorf("%x", b)
	}
}

var addrs = rapid.Custom(func(t *rapid.T) netip.Addr {
	b := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "")
	if rapid.Bool().Draw(t, "") {
		return netip.AddrFrom4([4]byte(b))
	}
	return netip.AddrFrom16([16]byte(b))
})

// TestRoundTrip: through our decoder and through gobgp's.
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
			want.Colors = append(want.Colors, update.Color{Value: uint32(9 - i), Only: update.ColorOnly(rapid.ByteRange(0, 2).Draw(t, "CO"))})
		}
		if !s.External {
			want.LocalPref = ls.Some(rapid.Uint32().Draw(t, "local preference"))
		}
		b, err := want.Announce(s)
		if err != nil {
			t.Fatal(err)
		}
		m := apart.Update(t, b)
		a, f, nlris, faults := update.Read(s, m.Attribute)
		if _, reached := m.Attribute(update.MPReachNLRI); !reached {
			nlris = m.NLRI
		}
		got, others, more := service.Decode(f, nlris, a)
		if len(faults)+len(more)+len(others) > 0 || !reflect.DeepEqual(got, []service.Route{want}) {
			t.Fatalf("%x\ngot  %+v, %v %v %v\nwant %+v", b, got, others, faults, more, want)
		}
		gobgpReads(t, b, want)
		if b, err = service.Withdraw(s, want.Prefix); err != nil {
			t.Fatal(err)
		}
		gone := gobgpParse(t, b)
		lost := gone.WithdrawnRoutes
		if addr.Is6() {
			lost = gone.PathAttributes[0].(*bgp.PathAttributeMpUnreachNLRI).Value
		}
		if len(lost) != 1 || lost[0].NLRI.String() != want.Prefix.String() {
			t.Fatalf("gobgp reads the withdrawal %x as %v", b, lost)
		}
	})
}

func gobgpParse(t *rapid.T, body []byte) *bgp.BGPUpdate {
	b := append(bytes.Repeat([]byte{0xff}, 16), 0, 0, bgp.BGP_MSG_UPDATE)
	binary.BigEndian.PutUint16(b[16:], uint16(19+len(body)))
	m, err := bgp.ParseBGPMessage(append(b, body...))
	if err != nil {
		t.Fatalf("gobgp refuses %x: %v", body, err)
	}
	return m.Body.(*bgp.BGPUpdate)
}

func gobgpReads(t *rapid.T, b []byte, want service.Route) {
	m := gobgpParse(t, b)
	prefixes, nextHop := m.NLRI, netip.Addr{}
	var colors []update.Color
	for _, a := range m.PathAttributes {
		switch a := a.(type) {
		case *bgp.PathAttributeMpReachNLRI:
			prefixes, nextHop = a.Value, a.Nexthop
		case *bgp.PathAttributeNextHop:
			nextHop = a.Value
		case *bgp.PathAttributeExtendedCommunities:
			for _, e := range a.Value {
				c := e.(*bgp.ColorExtended)
				octets, err := c.Serialize()
				if err != nil {
					t.Fatal(err)
				}
				read, _ := update.ExtendedCommunity(octets).Color()
				colors = append(colors, update.Color{Value: c.Color, Only: read.Only})
			}
		}
	}
	// gobgp drops the flags of a color, so it is asked for its value alone.
	for i := range colors {
		colors[i].Only = want.Colors[min(i, len(want.Colors)-1)].Only
	}
	if len(prefixes) != 1 || prefixes[0].NLRI.String() != want.Prefix.String() || nextHop != want.NextHop || !reflect.DeepEqual(colors, want.Colors) {
		t.Fatalf("gobgp reads %x as %v by %v %v, want %+v", b, prefixes, nextHop, colors, want)
	}
}

func TestDecode(t *testing.T) {
	prefixes := apart.Hex(t, "18c63364 00 19c6336481")
	got, others, faults := service.Decode(update.IPv4Unicast, prefixes, update.Attributes{})
	want := []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("198.51.100.128/25")}
	if len(got)+len(faults) > 0 || !reflect.DeepEqual(others, want) {
		t.Errorf("without a color: %v, %v, %v", got, others, faults)
	}
	for _, octets := range []string{"21c633640000", "18c633", "ff"} {
		if _, faults := service.DecodePrefixes(apart.Hex(t, octets), update.IPv4Unicast); faults.Worst() != update.DisableFamily || faults[0].Error() == "" {
			t.Errorf("%s: %v", octets, faults)
		}
	}
}

func FuzzPrefixes(f *testing.F) {
	f.Add([]byte{24, 192, 0, 2, 0, 32, 1, 2, 3, 4}, false)
	f.Add([]byte{48, 0x20, 1, 0xd, 0xb8, 0, 5}, true)
	f.Fuzz(func(t *testing.T, b []byte, v6 bool) {
		family := update.IPv4Unicast
		if v6 {
			family = update.IPv6Unicast
		}
		list, faults := service.DecodePrefixes(b, family)
		if len(list) > len(b) {
			t.Fatalf("%d prefixes in %d octets", len(list), len(b))
		}
		for _, p := range list {
			if p.Addr().Is6() != v6 || p != p.Masked() {
				t.Fatalf("%v", p)
			}
		}
		for _, f := range faults {
			if f.Offset < 0 || f.Offset >= len(b) || f.Action != update.DisableFamily {
				t.Fatalf("%v", f)
			}
		}
	})
}
