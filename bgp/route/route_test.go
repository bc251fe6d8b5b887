package route_test

import (
	"bytes"
	"errors"
	"math"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/bgp/internal/codectest"
	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/bgp/route"
)

var (
	nlri4 = []byte{24, 192, 0, 2}
	nlri6 = []byte{32, 0x20, 0x01, 0x0d, 0xb8}
	hop4  = netip.MustParseAddr("192.0.2.1")
	hop6  = netip.MustParseAddr("2001:db8::1")
)

// body is an UPDATE without the header of the message.
func body(t interface{ Fatal(...any) }, u message.Update) []byte {
	b, err := message.AppendUpdate(nil, u, message.MaxExtended)
	if err != nil {
		t.Fatal(err)
	}
	return b[message.HeaderLen:]
}

// TestAnnounce: the octets, attribute by attribute, written down from the RFCs.
func TestAnnounce(t *testing.T) {
	ibgp := route.Session{LocalAS: 65001}
	tests := map[string]struct {
		s    route.Session
		f    message.Family
		nlri []byte
		a    route.Attributes
		want string
	}{
		"iBGP, IPv4": {ibgp, message.IPv4Unicast, nlri4, route.Attributes{NextHop: hop4},
			"0000 0015 40010100 400200 400304c0000201 40050400000064 18c00002"},
		"iBGP, local preference": {ibgp, message.IPv4Unicast, nlri4, route.Attributes{NextHop: hop4, LocalPref: ls.Some[uint32](0)},
			"0000 0015 40010100 400200 400304c0000201 40050400000000 18c00002"},
		"eBGP": {route.Session{External: true, LocalAS: 65001}, message.IPv4Unicast, nlri4, route.Attributes{NextHop: hop4, LocalPref: ls.Some[uint32](7)},
			"0000 0014 40010100 40020602010000fde9 400304c0000201 18c00002"},
		"IPv6 first of all": {ibgp, message.IPv6Unicast, nlri6, route.Attributes{NextHop: hop6},
			"0000 002b 800e1a 0002 01 10 20010db8000000000000000000000001 00 2020010db8 40010100 400200 40050400000064"},
		"IPv4 over IPv6": {route.Session{LocalAS: 1, ExtendedNextHop: true}, message.IPv4Unicast, nlri4, route.Attributes{NextHop: hop6},
			"0000 002a 800e19 0001 01 10 20010db8000000000000000000000001 00 18c00002 40010100 400200 40050400000064"},
		"IPv4, and could be over IPv6": {route.Session{LocalAS: 1, ExtendedNextHop: true}, message.IPv4Unicast, nlri4, route.Attributes{NextHop: hop4},
			"0000 0015 40010100 400200 400304c0000201 40050400000064 18c00002"},
		"communities": {ibgp, message.IPv4Unicast, nlri4, route.Attributes{NextHop: hop4,
			Communities:         []route.Community{route.NoExport, route.NoAdvertise},
			ExtendedCommunities: []route.ExtendedCommunity{route.Color{Value: 100, Only: route.AnyEndpoint}.ExtendedCommunity(), route.RouteTarget(hop4)}},
			"0000 0033 40010100 400200 400304c0000201 40050400000064 c00808ffffff01ffffff02 c01010 030b800000000064 0102c00002010000 18c00002"},
		"tunnel": {ibgp, message.IPv4SRPolicy, nlri4, route.Attributes{NextHop: hop4, Tunnel: []byte{0, 15, 0, 0}},
			"0000 0025 800e0d 0001 49 04 c0000201 00 18c00002 40010100 400200 40050400000064 c01704000f0000"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			u, err := route.Announce(test.s, test.f, test.nlri, test.a)
			if got, want := body(t, u), codectest.Octets(t, test.want); err != nil || !bytes.Equal(got, want) {
				t.Errorf("got  %x, %v\nwant %x", got, err, want)
			}
		})
	}
}

func TestAnnounceRefuses(t *testing.T) {
	for want, test := range map[string]struct {
		f message.Family
		a route.Attributes
	}{
		"needs a next hop":  {message.IPv4Unicast, route.Attributes{}},
		"RFC 8950":          {message.IPv4Unicast, route.Attributes{NextHop: hop6}},
		"the route of IPv6": {message.IPv6Unicast, route.Attributes{NextHop: hop4}},
	} {
		if u, err := route.Announce(route.Session{}, test.f, nlri4, test.a); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %+v, %v", want, u, err)
		}
	}
}

// TestLimit: one octet more than fits is an error, with and without extended messages.
func TestLimit(t *testing.T) {
	for limit, s := range map[int]route.Session{message.MaxLen: {}, message.MaxExtended: {Extended: true}} {
		announce := func(n int) (int, error) {
			u, err := route.Announce(s, message.IPv6Unicast, make([]byte, n), route.Attributes{NextHop: hop6})
			b, _ := message.AppendUpdate(nil, u, math.MaxInt)
			return len(b), err
		}
		one, err := announce(300) // so many that a length takes two octets
		if err != nil {
			t.Fatal(err)
		}
		fits := limit - one + 300
		if n, err := announce(fits); err != nil || n != limit {
			t.Errorf("%d octets, %v", n, err)
		}
		if _, err := announce(fits + 1); !errors.Is(err, message.ErrTooLong) {
			t.Errorf("one octet more than %d: %v", limit, err)
		}
	}
}

func TestWithdraw(t *testing.T) {
	for f, want := range map[message.Family]string{message.IPv4Unicast: "0004 18c00002 0000", message.IPv6SRPolicy: "0000 000a 800f07 0002 49 18c00002"} {
		if got := body(t, route.Withdraw(f, nlri4)); !bytes.Equal(got, codectest.Octets(t, want)) {
			t.Errorf("%v: %x, want %s", f, got, want)
		}
		end := route.Withdraw(f, nil)
		if got, ok := end.EndOfRIB(); !ok || got != f {
			t.Errorf("of nothing at all: End-of-RIB %v of %v", ok, got)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	octets := func(n int) *rapid.Generator[[]byte] { return rapid.SliceOfN(rapid.Byte(), n, n) }
	rapid.Check(t, func(t *rapid.T) {
		s := route.Session{External: rapid.Bool().Draw(t, "external"), LocalAS: rapid.Uint32().Draw(t, "as"), ExtendedNextHop: true}
		f := rapid.SampledFrom([]message.Family{message.IPv4Unicast, message.IPv6Unicast, message.IPv4SRPolicy, message.IPv6SRPolicy}).Draw(t, "family")
		a := route.Attributes{NextHop: netip.AddrFrom16([16]byte(octets(16).Draw(t, "next hop")))}
		if f != message.IPv6Unicast && rapid.Bool().Draw(t, "IPv4 next hop") {
			a.NextHop = netip.AddrFrom4([4]byte(octets(4).Draw(t, "next hop")))
		}
		if !s.External {
			a.LocalPref = ls.Some(rapid.Uint32().Draw(t, "local preference"))
		}
		for _, c := range rapid.SliceOfN(rapid.Uint32(), 0, 3).Draw(t, "communities") {
			a.Communities = append(a.Communities, route.Community(c))
		}
		for range rapid.IntRange(0, 3).Draw(t, "extended communities") {
			a.ExtendedCommunities = append(a.ExtendedCommunities, route.ExtendedCommunity(octets(8).Draw(t, "")))
		}
		if tunnel := rapid.SliceOfN(rapid.Byte(), 0, 400).Draw(t, "tunnel"); len(tunnel) > 0 {
			a.Tunnel = tunnel
		}
		nlris := rapid.SliceOfN(rapid.Byte(), 1, 30).Draw(t, "NLRIs")
		u, err := route.Announce(s, f, nlris, a)
		if err != nil {
			t.Fatal(err)
		}
		parsed, faults, err := message.ParseUpdate(body(t, u), !s.External)
		if err != nil || len(faults) > 0 {
			t.Fatalf("%v %v", err, faults)
		}
		if got := route.Read(&parsed); !reflect.DeepEqual(got, a) {
			t.Fatalf("got  %+v\nwant %+v", got, a)
		}
		reached := parsed.NLRI
		if parsed.Reach != nil {
			reached = parsed.Reach.NLRI
		}
		if !bytes.Equal(reached, nlris) {
			t.Fatalf("NLRIs %x, want %x", reached, nlris)
		}
	})
}

func TestColors(t *testing.T) {
	var a route.Attributes
	for _, e := range []string{"030b000000000005", "030b400000000009", "0102c000020100ff", "030bffff00000007", "430b000000000008", "030c000000000009"} {
		a.ExtendedCommunities = append(a.ExtendedCommunities, route.ExtendedCommunity(codectest.Octets(t, e)))
	}
	// Type 3 reads as type 0 (RFC 9830 section 3); non-transitive is another one.
	want := []route.Color{{Value: 9, Only: route.NullEndpoint}, {Value: 7}, {Value: 5}}
	if got := a.Colors(); !reflect.DeepEqual(got, want) {
		t.Errorf("colors %v, want %v", got, want)
	}
	if got := a.RouteTargets(); !reflect.DeepEqual(got, []netip.Addr{hop4}) {
		t.Errorf("route targets %v", got)
	}
	for _, c := range want {
		if got, ok := c.ExtendedCommunity().Color(); !ok || got != c {
			t.Errorf("%v comes back as %v", c, got)
		}
	}
}
