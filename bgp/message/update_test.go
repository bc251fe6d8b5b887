package message

import (
	"bytes"
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/osrg/gobgp/v4/pkg/packet/bgp"

	"github.com/keiro-net/keiro/bgp/internal/codectest"
)

// Attributes of tests: ORIGIN, an empty AS_PATH, NEXT_HOP, LOCAL_PREF.
const (
	origin    = "40 01 01 00 "
	asPath    = "40 02 00 "
	nextHop   = "40 03 04 0a000001 "
	localPref = "40 05 04 00000064 "
	common    = origin + asPath + localPref
	reach6    = "80 0e 1e 0002 01 10 20010db8000000000000000000000001 00 40 20010db800000000 "
)

func body(t *testing.T, attributes, nlri string) []byte {
	a := codectest.Octets(t, attributes)
	return append(append([]byte{0, 0, byte(len(a) >> 8), byte(len(a))}, a...), codectest.Octets(t, nlri)...)
}

func TestUpdate(t *testing.T) {
	for _, tt := range []struct {
		name, attributes, nlri string
		external               bool
		want                   string // faults, or the error after "reset: "
		withdraw               bool
	}{
		{name: "good", attributes: common + nextHop, nlri: "18 0a0100"},
		{name: "good, multiprotocol", attributes: common + reach6},
		{name: "good, of another AS", attributes: origin + "40 02 06 02 01 0000fde8 " + nextHop, nlri: "18 0a0100", external: true},
		{name: "LOCAL_PREF of another AS", attributes: common + nextHop, nlri: "18 0a0100", external: true},
		{name: "an attribute that nobody knows", attributes: common + nextHop + "c0 fe 01 00", nlri: "18 0a0100"},
		{name: "a well-known one that nobody knows", attributes: common + "40 fe 01 00", nlri: "18 0a0100",
			want: "reset: UPDATE Message Error/Unrecognized Well-known Attribute"},
		{name: "no ORIGIN", attributes: asPath + localPref + nextHop, nlri: "18 0a0100", withdraw: true,
			want: "path attribute 1 is missing: treat-as-withdraw"},
		{name: "no LOCAL_PREF", attributes: origin + asPath + reach6, withdraw: true, want: "path attribute 5 is missing: treat-as-withdraw"},
		{name: "no NEXT_HOP", attributes: common, nlri: "18 0a0100", withdraw: true, want: "path attribute 3 is missing: treat-as-withdraw"},
		{name: "ORIGIN 3", attributes: "40 01 01 03" + asPath + localPref + reach6, withdraw: true,
			want: "path attribute 1 of 1 octets is malformed: treat-as-withdraw"},
		{name: "AS_PATH with an empty segment", attributes: origin + "40 02 02 02 00" + localPref + reach6, withdraw: true,
			want: "path attribute 2 of 2 octets is malformed: treat-as-withdraw"},
		{name: "AS_PATH of two octets", attributes: origin + "40 02 04 02 01 fde8" + localPref + reach6, withdraw: true,
			want: "path attribute 2 of 4 octets is malformed: treat-as-withdraw"},
		{name: "AGGREGATOR of six octets", attributes: common + "c0 07 06 fde8 0a000001" + reach6,
			want: "path attribute 7 of 6 octets is malformed: attribute discard"},
		{name: "communities of five octets", attributes: common + "c0 08 05 0000000000" + reach6, withdraw: true,
			want: "path attribute 8 of 5 octets is malformed: treat-as-withdraw"},
		{name: "flags of ORIGIN", attributes: "80 01 01 00" + asPath + localPref + reach6, withdraw: true,
			want: "path attribute 1 has the flags 0x80: treat-as-withdraw"},
		{name: "flags of BGP-LS", attributes: common + reach6 + "c0 1d 00", want: "path attribute 29 has the flags 0xc0: attribute discard"},
		{name: "ORIGIN twice", attributes: origin + common + reach6, want: "path attribute 1 is there twice: attribute discard"},
		{name: "MP_REACH_NLRI twice", attributes: common + reach6 + reach6, want: "reset: UPDATE Message Error/Malformed Attribute List"},
		{name: "MP_REACH_NLRI too short", attributes: common + "80 0e 03 0002 01", want: "reset: UPDATE Message Error/Optional Attribute Error"},
		{name: "MP_UNREACH_NLRI too short", attributes: "80 0f 02 0002", want: "reset: UPDATE Message Error/Optional Attribute Error"},
		{name: "a next hop of five octets", attributes: common + "80 0e 0a 4004 47 05 0000000000 00",
			want: "path attribute 14 has a next hop of 5 octets in link-state: AFI/SAFI disable"},
		{name: "an overrun behind the routes", attributes: common + reach6 + "c0 08 ff 00", withdraw: true,
			want: "path attribute 8 overruns the path attributes: treat-as-withdraw"},
		{name: "an overrun that may hide the routes", attributes: common + "c0 08 ff 00", want: "reset: UPDATE Message Error/Malformed Attribute List"},
		{name: "half an attribute", attributes: common + reach6 + "c0", withdraw: true,
			want: "overruns the path attributes: treat-as-withdraw"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, faults, err := ParseUpdate(body(t, tt.attributes, tt.nlri), !tt.external)
			var got []string
			for _, f := range faults {
				got = append(got, f.Error())
			}
			if err != nil {
				got = append(got, "reset: "+err.Error())
			}
			if text := strings.Join(got, "\n"); text != tt.want {
				t.Errorf("got %q, want %q", text, tt.want)
			}
			if Withdraw(faults) != tt.withdraw {
				t.Errorf("withdraw %v", Withdraw(faults))
			}
		})
	}
}

func TestUpdateLengths(t *testing.T) {
	for _, text := range []string{"", "0000", "0001 0000", "0000 0001", "ffff", "0000 ffff 00"} {
		if _, _, err := ParseUpdate(codectest.Octets(t, text), true); words(err) != "UPDATE Message Error/Malformed Attribute List" {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestUpdateRoundTrip(t *testing.T) {
	u := Update{
		Withdrawn:  AppendPrefix(nil, netip.MustParsePrefix("10.9.0.0/16")),
		NLRI:       AppendPrefix(AppendPrefix(nil, netip.MustParsePrefix("0.0.0.0/0")), netip.MustParsePrefix("10.1.2.128/25")),
		Attributes: []Attribute{Origin(), ASPath(65000, 4200000001), {Transitive, NextHopType, []byte{10, 0, 0, 1}}, LocalPref(100), {bothFlags, 250, make([]byte, 300)}},
		Reach:      &Reach{VPNv6, append(make([]byte, 8), netip.MustParseAddr("2001:db8::1").AsSlice()...), []byte{1, 2, 3}},
		Unreach:    &Unreach{LinkState, []byte{4, 5}},
	}
	b, err := AppendUpdate([]byte("before"), u, MaxLen)
	if err != nil {
		t.Fatal(err)
	}
	b = b[len("before"):]
	if h, err := ParseHeader(b, false); err != nil || h != (Header{UpdateType, len(b)}) {
		t.Fatal(h, err)
	}
	got, faults, err := ParseUpdate(b[HeaderLen:], true)
	if err != nil || len(faults) > 0 {
		t.Fatal(faults, err)
	}
	got.Attributes[4].Flags &^= ExtendedLength
	if !reflect.DeepEqual(got, u) {
		t.Errorf("got %+v, want %+v", got, u)
	}
	if a := got.Reach.Addr(); a != netip.MustParseAddr("2001:db8::1") {
		t.Error(a)
	}
	prefixes, err := ParsePrefixes(got.NLRI, IPv4Unicast)
	if err != nil || len(prefixes) != 2 || prefixes[1] != netip.MustParsePrefix("10.1.2.128/25") {
		t.Error(prefixes, err)
	}
	if _, err := AppendUpdate(nil, u, len(b)-1); !errors.Is(err, ErrTooLong) {
		t.Error(err)
	}
}

func TestEndOfRIB(t *testing.T) {
	for _, f := range []Family{IPv4Unicast, IPv6Unicast, LinkState} {
		b, _ := AppendUpdate(nil, EndOfRIB(f), MaxLen)
		u, _, err := ParseUpdate(b[HeaderLen:], true)
		if got, ok := u.EndOfRIB(); err != nil || !ok || got != f {
			t.Error(got, ok, err)
		}
		m, err := bgp.ParseBGPMessage(b)
		if err != nil {
			t.Fatal(err)
		}
		if eor, of := m.Body.(*bgp.BGPUpdate).IsEndOfRib(); !eor || of != bgp.NewFamily(f.AFI, f.SAFI) {
			t.Errorf("gobgp reads %v", of)
		}
	}
	u, _, _ := ParseUpdate(body(t, common+nextHop, "18 0a0100"), true)
	if _, ok := u.EndOfRIB(); ok {
		t.Error("routes are no End-of-RIB")
	}
}

func TestPrefixesRefused(t *testing.T) {
	for _, text := range []string{"21 0a01010100", "18 0a01", "ff"} {
		p, err := ParsePrefixes(codectest.Octets(t, text), IPv4Unicast)
		var f *Fault
		if p != nil || !errors.As(err, &f) || f.Action != DisableFamily {
			t.Errorf("%s: %v, %v", text, p, err)
		}
	}
	// Bits beyond the length are of no account.
	if p, err := ParsePrefixes(codectest.Octets(t, "19 0a0101ff"), IPv4Unicast); err != nil || p[0] != netip.MustParsePrefix("10.1.1.128/25") {
		t.Error(p, err)
	}
}

func TestInASPath(t *testing.T) {
	path := codectest.Octets(t, "02 02 0000fde8 00000007  01 01 fa56ea01")
	for as, want := range map[uint32]bool{65000: true, 7: true, 4200000001: true, 8: false, 0: false} {
		if InASPath(path, as) != want {
			t.Error(as)
		}
	}
	for n := range path { // cut anywhere
		InASPath(path[:n], 8)
	}
}

// FuzzMessage: no message of a peer makes a parser panic, and an UPDATE that is
// taken can be written again as what was read.
func FuzzMessage(f *testing.F) {
	long, _ := AppendUpdate(nil, Update{Reach: &Reach{LinkState, make([]byte, 16), make([]byte, 40)}, Attributes: []Attribute{Origin(), ASPath(1), LocalPref(1)}}, MaxLen)
	for _, b := range [][]byte{AppendOpen(nil, whole), AppendKeepalive(nil), AppendRouteRefresh(nil, LinkState), long,
		AppendNotification(nil, NewCease(AdministrativeReset, "again"))} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := ParseHeader(b, true)
		if err != nil || h.Len > len(b) {
			return
		}
		switch body := b[HeaderLen:h.Len]; h.Type {
		case OpenType:
			if o, err := ParseOpen(body); err == nil && len(o.Families) < 20 && (o.GracefulRestart == nil || len(o.GracefulRestart.Families) < 20) {
				o.Unknown, o.FourOctetAS = nil, true
				again, err := ParseOpen(AppendOpen(nil, o)[HeaderLen:])
				if err != nil || !reflect.DeepEqual(o, again) {
					t.Fatalf("%+v is read back as %+v, %v", o, again, err)
				}
			}
		case NotificationType:
			_ = ParseNotification(body).Error()
		case RouteRefreshType:
			_, _ = ParseRouteRefresh(body)
		case UpdateType:
			for _, internal := range []bool{false, true} {
				u, faults, err := ParseUpdate(body, internal)
				if err != nil {
					continue
				}
				if u.Reach != nil {
					_ = u.Reach.Addr()
				}
				_, _ = ParsePrefixes(u.NLRI, IPv4Unicast)
				once, err := AppendUpdate(nil, u, MaxExtended)
				if err != nil || len(faults) > 0 {
					continue
				}
				again, faults, err := ParseUpdate(once[HeaderLen:], internal)
				if err != nil || len(faults) > 0 {
					t.Fatalf("%+v is read back with %v, %v", u, faults, err)
				}
				if twice, _ := AppendUpdate(nil, again, MaxExtended); !bytes.Equal(once, twice) {
					t.Fatalf("%x is written as %x", once, twice)
				}
			}
		}
	})
}
