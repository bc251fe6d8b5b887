package message

import (
	"bytes"
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/osrg/gobgp/v4/pkg/packet/bgp"

	"github.com/keiro-net/keiro/bgp/internal/codectest"
)

var whole = Open{
	AS: 4200000001, HoldTime: 90 * time.Second, ID: netip.MustParseAddr("10.0.0.1"),
	Capabilities: Capabilities{
		Families: []Family{LinkState, IPv6SRPolicy}, RouteRefresh: true, Extended: true, FourOctetAS: true,
		ExtendedNextHop: []Family{IPv4Unicast, VPNv4},
		GracefulRestart: &GracefulRestart{Restarting: true, Notification: true, Time: 120 * time.Second, Families: []RestartFamily{{LinkState, true}, {IPv6SRPolicy, false}}},
	},
}

const marker = "ffffffffffffffffffffffffffffffff"

// The octets are laid out by hand from the RFCs.
func TestOpen(t *testing.T) {
	want := codectest.Octets(t, marker+`005b 01
		04 5ba0 005a 0a000001 3e
		02 06 01 04 4004 00 47  02 06 01 04 0002 00 49
		02 02 02 00  02 0e 05 0c 0001 0001 0002 0001 0080 0002  02 02 06 00
		02 0c 40 0a c078 4004 47 80 0002 49 00
		02 06 41 04 fa56ea01`)
	got := AppendOpen(nil, whole)
	if !bytes.Equal(got, want) {
		t.Fatalf("got\n%x, want\n%x", got, want)
	}
	h, err := ParseHeader(got, false)
	if err != nil || h != (Header{OpenType, len(got)}) {
		t.Fatal(h, err)
	}
	back, err := ParseOpen(got[HeaderLen:])
	if err != nil || !reflect.DeepEqual(back, whole) {
		t.Errorf("read back %+v, %v", back, err)
	}
	if g := back.GracefulRestart; !g.Keeps(LinkState) || g.Keeps(IPv6SRPolicy) || !g.Has(IPv6SRPolicy) || g.Has(VPNv4) {
		t.Error("families of graceful restart")
	}
	if none := (*GracefulRestart)(nil); none.Keeps(LinkState) || none.Has(LinkState) {
		t.Error("what was not sent keeps nothing")
	}
}

// The codec of gobgp, which others have tried, reads what is written here.
func TestOpenAsGoBGPReadsIt(t *testing.T) {
	m, err := bgp.ParseBGPMessage(AppendOpen(nil, whole))
	if err != nil {
		t.Fatal(err)
	}
	back, err := m.Serialize()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(back, AppendOpen(nil, whole)) {
		t.Errorf("it writes\n%x", back)
	}
}

func TestOpenRefused(t *testing.T) {
	for _, tt := range []struct{ name, body, want string }{
		{"short", "04 5ba0 005a 0a000001", "Message Header Error/Bad Message Length"},
		{"version 3", "03 5ba0 005a 0a000001 00", "OPEN Message Error/Unsupported Version Number"},
		{"no identifier", "04 5ba0 005a 00000000 00", "OPEN Message Error/Bad BGP Identifier"},
		{"AS 0", "04 0000 005a 0a000001 00", "OPEN Message Error/Bad Peer AS"},
		{"AS 0 in four octets", "04 5ba0 005a 0a000001 08 02 06 41 04 00000000", "OPEN Message Error/Bad Peer AS"},
		{"parameters overrun", "04 5ba0 005a 0a000001 08 02 06 41 04 000000", "OPEN Message Error"},
		{"octets behind", "04 5ba0 005a 0a000001 00 00", "OPEN Message Error"},
		{"a parameter overruns", "04 5ba0 005a 0a000001 03 02 06 41", "OPEN Message Error"},
		{"a capability overruns", "04 5ba0 005a 0a000001 04 02 02 41 04", "OPEN Message Error"},
		{"authentication", "04 5ba0 005a 0a000001 03 01 01 00", "OPEN Message Error/Unsupported Optional Parameter"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseOpen(codectest.Octets(t, tt.body))
			var n *Notification
			if !errors.As(err, &n) || n.Error() != tt.want {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}

func TestOpenOfOthers(t *testing.T) {
	// RFC 9072: lengths of two octets; two capabilities in one parameter, one of
	// them not known; a capability of a wrong length.
	o, err := ParseOpen(codectest.Octets(t, "04 fde8 00b4 0a000002 ff ff 000e 02 000b 4104 0000fde8 4600 0201 00"))
	if err != nil || !o.FourOctetAS || o.AS != 65000 || o.RouteRefresh || !reflect.DeepEqual(o.Unknown, []uint8{70, 2}) {
		t.Errorf("%+v, %v", o, err)
	}
	// A speaker of 1995.
	if o, err = ParseOpen(codectest.Octets(t, "04 fde8 00b4 0a000002 00")); err != nil || o.FourOctetAS || o.AS != 65000 || o.HoldTime != 3*time.Minute {
		t.Errorf("%+v, %v", o, err)
	}
}

func TestHeader(t *testing.T) {
	for _, tt := range []struct {
		name, head string
		extended   bool
		want       string
	}{
		{"keepalive", marker + "001304", false, ""},
		{"keepalive with a body", marker + "001404", true, "Message Header Error/Bad Message Length"},
		{"no marker", "fffffffffffffffffffffffffffffffe001304", false, "Message Header Error/Connection Not Synchronized"},
		{"type 0", marker + "001300", false, "Message Header Error/Bad Message Type"},
		{"type 6", marker + "001706", false, "Message Header Error/Bad Message Type"},
		{"length 0", marker + "000002", false, "Message Header Error/Bad Message Length"},
		{"short update", marker + "001602", false, "Message Header Error/Bad Message Length"},
		{"the longest", marker + "100002", false, ""},
		{"too long", marker + "100102", false, "Message Header Error/Bad Message Length"},
		{"extended", marker + "100102", true, ""},
		{"extended open", marker + "100101", true, "Message Header Error/Bad Message Length"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseHeader(codectest.Octets(t, tt.head), tt.extended)
			if got := words(err); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func words(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestNotification(t *testing.T) {
	b := AppendNotification(nil, NewCease(AdministrativeShutdown, "東京"))
	if want := codectest.Octets(t, marker+"001c 03 06 02 06 e69db1e4baac"); !bytes.Equal(b, want) {
		t.Errorf("%x, want %x", b, want)
	}
	if n := ParseNotification(b[HeaderLen:]); n.Error() != `Cease/Administrative Shutdown: "東京"` {
		t.Error(n)
	}
	for text, body := range map[string]string{
		"Cease/Maximum Number of Prefixes Reached":                        "06 01",
		"Hold Timer Expired":                                              "04 00",
		"error code 99/subcode 7":                                         "63 07",
		"UPDATE Message Error/subcode 200":                                "03 c8",
		"Cease/Administrative Shutdown":                                   "06 02 09 61", // it says that it is longer than it is
		`Cease/Administrative Reset: "a?[31m?"`:                           "06 04 07 61 1b 5b33316d ff",
		"error code 0":                                                    "",
		"Finite State Machine Error/Unexpected Message in OpenSent State": "05 01",
	} {
		if got := ParseNotification(codectest.Octets(t, body)).Error(); got != text {
			t.Errorf("%s: %q, want %q", body, got, text)
		}
	}
	// What is cut is cut between two characters, and no other Cease speaks.
	if n := NewCease(AdministrativeShutdown, strings.Repeat("経", 50)); n.Communication() != strings.Repeat("経", 42) {
		t.Error(n)
	}
	if n := NewCease(MaximumPrefixes, "too many"); len(n.Data) != 0 {
		t.Error(n)
	}
	if b := AppendNotification(nil, &Notification{Data: make([]byte, 9000)}); len(b) != MaxLen {
		t.Error(len(b))
	}
}

func TestRouteRefresh(t *testing.T) {
	b := AppendRouteRefresh(nil, LinkState)
	if want := codectest.Octets(t, marker+"001705 4004 00 47"); !bytes.Equal(b, want) {
		t.Errorf("%x, want %x", b, want)
	}
	if r, err := ParseRouteRefresh(b[HeaderLen:]); err != nil || r != (RouteRefresh{Family: LinkState}) {
		t.Error(r, err)
	}
}

func TestFamilyText(t *testing.T) {
	for f := range familyNames {
		var back Family
		text, _ := f.MarshalText()
		if err := back.UnmarshalText(text); err != nil || back != f {
			t.Errorf("%s: %v, %v", text, back, err)
		}
	}
	err := new(Family).UnmarshalText([]byte("bgp-ls"))
	if err == nil || !strings.Contains(err.Error(), "link-state") {
		t.Errorf("the error does not say what there is: %v", err)
	}
}
