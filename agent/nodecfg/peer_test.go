package nodecfg

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/keys/hybrid"
)

// What is foreign in a Peer is bounded, and what we make fits.
func TestPeerBounds(t *testing.T) {
	config := func(p Peer) *Config {
		lane := Path{Name: "gold/0", Link: "a--b", Tail: netip.MustParsePrefix("5f00:0:2::/48"),
			Segments: []netip.Addr{IngressEnd(netip.MustParsePrefix("5f00:0:2::/48"), 4)}, Lane: &Lane{ID: 1, Peer: "b", Encryption: "pq"}}
		return &Config{
			Revision: 1, Node: "a", Locator: netip.MustParsePrefix("5f00:0:1::/48"),
			Links:    []Link{{Name: "a--b", Interface: "eth1", Peer: "b", ID: 1, PeerID: 4, PeerLocator: netip.MustParsePrefix("5f00:0:2::/48")}},
			Policies: []Policy{{Intent: "gold", ID: 1, Paths: []Path{lane}}},
			Peers:    []Peer{p},
		}
	}
	good := Peer{Node: "b", Certificate: make([]byte, maxCertificate), Identity: make([]byte, hybrid.PublicSize), WireGuard: make([]byte, wireGuardKey)}
	if err := config(good).Validate(); err != nil {
		t.Error(err)
	}
	for reason, spoil := range map[string]func(*Peer){
		"certificate of 8193 bytes":  func(p *Peer) { p.Certificate = make([]byte, maxCertificate+1) },
		"certificate of 0 bytes":     func(p *Peer) { p.Certificate = nil },
		"identity of 4097 bytes":     func(p *Peer) { p.Identity = make([]byte, maxIdentity+1) },
		"wireguard key of 33 bytes":  func(p *Peer) { p.WireGuard = make([]byte, wireGuardKey+1) },
		"wireguard key of 0 bytes":   func(p *Peer) { p.WireGuard = nil },
		"peers[0] c: no lane leads":  func(p *Peer) { p.Node = "c" },
		"peers[0] : no lane leads":   func(p *Peer) { p.Node = "" },
		"peers[0] a: no lane leads ": func(p *Peer) { p.Node = "a" },
	} {
		bad := good
		spoil(&bad)
		if err := config(bad).Validate(); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("want %q, got %v", reason, err)
		}
	}

	// A Config on disk is the one that was sent.
	text, err := json.Marshal(config(good))
	if err != nil {
		t.Fatal(err)
	}
	var back Config
	if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(back.Peers, []Peer{good}) {
		t.Errorf("%v, %+v", err, back.Peers)
	}
}
