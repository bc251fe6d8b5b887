package update_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"net/netip"
	"slices"
	"testing"

	"github.com/keiro-net/keiro/controller/bgp/ls"
	"github.com/keiro-net/keiro/controller/bgp/update"
	"github.com/keiro-net/keiro/controller/bgp/update/apart"
)

var (
	nlri4 = []byte{24, 192, 0, 2}
	nlri6 = []byte{32, 0x20, 0x01, 0x0d, 0xb8}
	hop4  = netip.MustParseAddr("192.0.2.1")
	hop6  = netip.MustParseAddr("2001:db8::1")
)

// TestAnnounce: the octets, attribute by attribute, written down from the RFCs.
func TestAnnounce(t *testing.T) {
	ibgp := update.Session{LocalAS: 65001, FourOctetAS: true}
	tests := map[string]struct {
		s    update.Session
		f    update.Family
		nlri []byte
		a    update.Attributes
		want string
	}{
		"iBGP, IPv4": {ibgp, update.IPv4Unicast, nlri4, update.Attributes{NextHop: hop4},
			"0000 0015 40010100 400200 400304c0000201 40050400000064 18c00002"},
		"iBGP, local preference": {ibgp, update.IPv4Unicast, nlri4, update.Attributes{NextHop: hop4, LocalPref: ls.Some[uint32](0)},
			"0000 0015 40010100 400200 400304c0000201 40050400000000 18c00002"},
		"eBGP, four-octet AS": {update.Session{External: true, LocalAS: 65001, FourOctetAS: true}, update.IPv4Unicast, nlri4,
			update.Attributes{NextHop: hop4, LocalPref: ls.Some[uint32](7)},
			"0000 0014 40010100 40020602010000fde9 400304c0000201 18c00002"},
		"eBGP, old peer": {update.Session{External: true, LocalAS: 65001}, update.IPv4Unicast, nlri4, update.Attributes{NextHop: hop4},
			"0000 0012 40010100 4002040201fde9 400304c0000201 18c00002"},
		"eBGP, old peer, AS that does not fit": {update.Session{External: true, LocalAS: 70000}, update.IPv4Unicast, nlri4, update.Attributes{NextHop: hop4},
			"0000 001b 40010100 40020402015ba0 400304c0000201 c01106020100011170 18c00002"},
		"iBGP, old peer, AS that does not fit": {update.Session{LocalAS: 70000}, update.IPv4Unicast, nlri4, update.Attributes{NextHop: hop4},
			"0000 0015 40010100 400200 400304c0000201 40050400000064 18c00002"},
		"IPv6 first of all": {ibgp, update.IPv6Unicast, nlri6, update.Attributes{NextHop: hop6},
			"0000 002b 800e1a 0002 01 10 20010db8000000000000000000000001 00 2020010db8 40010100 400200 40050400000064"},
		"IPv4 over IPv6": {update.Session{LocalAS: 1, ExtendedNextHop: true}, update.IPv4Unicast, nlri4, update.Attributes{NextHop: hop6},
			"0000 002a 800e19 0001 01 10 20010db8000000000000000000000001 00 18c00002 40010100 400200 40050400000064"},
		"communities": {ibgp, update.IPv4Unicast, nlri4, update.Attributes{NextHop: hop4,
			Communities:         []update.Community{update.NoExport, update.NoAdvertise},
			ExtendedCommunities: []update.ExtendedCommunity{update.Color{Value: 100, Only: update.AnyEndpoint}.ExtendedCommunity(), update.RouteTarget(hop4)}},
			"0000 0033 40010100 400200 400304c0000201 40050400000064 c00808ffffff01ffffff02 c01010 030b800000000064 0102c00002010000 18c00002"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := update.Announce(test.s, test.f, test.nlri, test.a)
			if want := apart.Hex(t, test.want); err != nil || !bytes.Equal(got, want) {
				t.Errorf("got  %x, %v\nwant %x", got, err, want)
			}
		})
	}
}

func TestAnnounceRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		f update.Family
		a update.Attributes
	}{
		"no next hop":         {update.IPv4Unicast, update.Attributes{}},
		"IPv4 over IPv6":      {update.IPv4Unicast, update.Attributes{NextHop: hop6}},
		"IPv6 with next hop4": {update.IPv6Unicast, update.Attributes{NextHop: hop4}},
	} {
		if b, err := update.Announce(update.Session{}, test.f, nlri4, test.a); err == nil {
			t.Errorf("%s: %x", name, b)
		}
	}
}

// TestLimit: one octet more than fits is an error, with and without extended
// messages, of announcements and withdrawals.
func TestLimit(t *testing.T) {
	for _, extended := range []bool{false, true} {
		s := update.Session{ExtendedMessage: extended}
		withdraw := func(f update.Family) func(nlris []byte) ([]byte, error) {
			return func(nlris []byte) ([]byte, error) { return update.Withdraw(s, f, nlris) }
		}
		for name, write := range map[string]func(nlris []byte) ([]byte, error){
			"announce": func(nlris []byte) ([]byte, error) {
				return update.Announce(s, update.IPv4Unicast, nlris, update.Attributes{NextHop: hop4})
			},
			"announce IPv6": func(nlris []byte) ([]byte, error) {
				return update.Announce(s, update.IPv6Unicast, nlris, update.Attributes{NextHop: hop6})
			},
			"withdraw":      withdraw(update.IPv4Unicast),
			"withdraw IPv6": withdraw(update.IPv6Unicast),
		} {
			one, err := write(make([]byte, 300)) // so many that lengths take two octets
			if err != nil {
				t.Fatal(err)
			}
			fits := s.Limit() - len(one) + 300
			if b, err := write(make([]byte, fits)); err != nil || len(b) != s.Limit() {
				t.Errorf("%s: %d octets, %v", name, len(b), err)
			} else {
				apart.Update(t, b)
			}
			var long *update.TooLong
			if _, err := write(make([]byte, fits+1)); !errors.As(err, &long) || long.Size != s.Limit()+1 || long.Error() == "" {
				t.Errorf("%s: one octet more than fits: %v", name, err)
			}
		}
	}
}

func TestWithdraw(t *testing.T) {
	for f, want := range map[update.Family]string{
		update.IPv4Unicast:  "0004 18c00002 0000",
		update.IPv6SRPolicy: "0000 000a 800f07 0002 49 18c00002",
	} {
		got, err := update.Withdraw(update.Session{}, f, nlri4)
		if err != nil || !bytes.Equal(got, apart.Hex(t, want)) {
			t.Errorf("%v: %x, %v, want %s", f, got, err, want)
		}
	}
	// The End-of-RIB markers of RFC 4724 section 2.
	for f, want := range map[update.Family]string{update.IPv4Unicast: "00000000", update.IPv4SRPolicy: "00000006800f03000149"} {
		if got, err := update.Withdraw(update.Session{}, f, nil); err != nil || hex.EncodeToString(got) != want {
			t.Errorf("%v: %x, %v, want %s", f, got, err, want)
		}
	}
}

// TestFlags: of every attribute those that its RFC has.
func TestFlags(t *testing.T) {
	b, err := update.Announce(update.Session{External: true, LocalAS: 70000}, update.IPv6SRPolicy, nlri6, update.Attributes{
		NextHop: hop4, Communities: []update.Community{update.NoExport},
		ExtendedCommunities: []update.ExtendedCommunity{{}}, TunnelEncapsulation: make([]byte, 300),
	})
	if err != nil {
		t.Fatal(err)
	}
	m := apart.Update(t, b)
	if want := []uint8{14, 1, 2, 8, 16, 17, 23}; !slices.Equal(m.Order, want) {
		t.Errorf("attributes %v, want %v", m.Order, want)
	}
	for of, want := range map[uint8]byte{14: 0x80, 1: 0x40, 2: 0x40, 8: 0xc0, 16: 0xc0, 17: 0xc0, 23: 0xc0} {
		if m.Flags(of) != want {
			t.Errorf("attribute %d has the flags %#x, want %#x", of, m.Flags(of), want)
		}
	}
}
