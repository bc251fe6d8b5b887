package bgp

import (
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/bgp/message"
)

func TestConfigChecked(t *testing.T) {
	_, err := New(t.Context(), Config{RestartTime: 1500 * time.Millisecond, ID: netip.MustParseAddr("::1"), Listen: []netip.AddrPort{{}}})
	for _, want := range []string{"the AS number is missing", "BGP Identifier ::1", "restart time 1.5s", "no logger", "cannot listen on invalid AddrPort"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in: %v", want, err)
		}
	}
}

// TestPeersChecked: all mistakes are told at once, with the name of the peer.
func TestPeersChecked(t *testing.T) {
	s, err := New(t.Context(), Config{AS: 65000, ID: netip.MustParseAddr("10.0.0.1"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	good := Peer{Name: "good", Address: netip.MustParseAddr("10.0.0.2"), AS: 65001, Families: []message.Family{message.LinkState}}
	bad := Peer{Name: "bad", Address: netip.MustParseAddr("fe80::1"), LocalAddress: netip.MustParseAddr("10.0.0.1"), HoldTime: 2 * time.Second,
		TTLSecurity: 255, Passive: true, Families: []message.Family{message.LinkState, {AFI: 9, SAFI: 9}, message.LinkState}, Limits: Limits{Objects: -1}}
	again := good
	again.AS = 0
	err = s.SetPeers([]Peer{good, bad, again, {}})
	for _, want := range []string{
		"bgp peer bad: the link-local address fe80::1 needs a zone", "bgp peer bad: the local address 10.0.0.1 is of another family",
		"bgp peer bad: its AS number is missing", "bgp peer bad: the address family afi 9 safi 9 is not known here",
		"bgp peer bad: the address family link-state is there twice", "bgp peer bad: the hold time 2s", "bgp peer bad: TTL security of 255 hops",
		"bgp peer bad: it is passive, but the speaker listens nowhere", "bgp peer bad: a limit is negative",
		"bgp peer good: the name is used twice", "the address 10.0.0.2 is that of peer good already", "bgp peer : it has no name", "it has no address families",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in:\n%v", want, err)
		}
	}
	if len(s.States()) != 0 {
		t.Error("some were taken all the same")
	}
	if err := s.Announce("nobody", routeTo("10.0.0.0/8")); err == nil || !strings.Contains(err.Error(), `no peer "nobody"`) {
		t.Error(err)
	}
	if err := s.SetPeers([]Peer{good}); err != nil {
		t.Fatal(err)
	}
	if err := s.Announce("good", routeTo("10.0.0.0/8")); err == nil || !strings.Contains(err.Error(), "has not the address family ipv4-unicast, but [link-state]") {
		t.Error(err)
	}
}
