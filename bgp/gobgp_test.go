package bgp

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/osrg/gobgp/v4/api"
	"github.com/osrg/gobgp/v4/pkg/apiutil"
	gobgp "github.com/osrg/gobgp/v4/pkg/packet/bgp"
	"github.com/osrg/gobgp/v4/pkg/server"

	"github.com/keiro-net/keiro/bgp/fsm"
	"github.com/keiro-net/keiro/bgp/internal/peertest"
	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/message"
)

// gobgpdConfig is a router in this AS, which dials or is dialed.
const gobgpdConfig = `
[global.config]
  as = 65000
  router-id = "10.0.0.2"
[[neighbors]]
  [neighbors.config]
    neighbor-address = "fd00::1"
    peer-as = 65000
  [neighbors.transport.config]
    passive-mode = %v
  [neighbors.timers.config]
    connect-retry = 1
    idle-hold-time-after-reset = 1
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "ipv6-unicast"
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "ipv4-unicast"
`

// TestGoBGPD: gobgpd 3.10, dialed and dialing, with routes both ways.
func TestGoBGPD(t *testing.T) {
	t.Parallel() // it mostly waits
	for _, dialed := range []bool{true, false} {
		t.Run(fmt.Sprintf("dialed=%v", dialed), func(t *testing.T) {
			program, cli := peertest.Program(t, "gobgpd", "gobgpd"), peertest.Program(t, "gobgp", "gobgpd")
			here, there := pair(t)
			config := filepath.Join(t.TempDir(), "gobgpd.toml")
			if err := os.WriteFile(config, fmt.Appendf(nil, gobgpdConfig, dialed), 0o600); err != nil {
				t.Fatal(err)
			}
			d := there.Start(nil, program, "-f", config, "--api-hosts", "127.0.0.1:50051", "--log-plain", "--log-level", "debug", "--pprof-disable")
			ask := func(words string) (string, error) { return there.Output(cli, strings.Fields(words)...) }
			peertest.Eventually(t, "gobgpd answers", func() string {
				if out, err := ask("global"); err != nil {
					return out + err.Error()
				}
				return ""
			})
			for _, route := range []string{"2001:db8:1::/48 -a ipv6", "2001:db8:2::/48 -a ipv6", "192.0.2.0/24 -a ipv4"} {
				if out, err := ask("global rib add " + route); err != nil {
					t.Fatal(out, err)
				}
			}
			c := start(t, Config{Sockets: here.Sockets, Listen: []netip.AddrPort{netip.MustParseAddrPort("[fd00::1]:179")}}, Peer{
				Name: "gobgpd", Address: netip.MustParseAddr("fd00::2"), AS: 65000, Families: []message.Family{message.IPv6Unicast, message.IPv4Unicast}, Passive: !dialed})
			c.announce("gobgpd", "2001:db8:a::/48")
			c.announce("gobgpd", "2001:db8:b::/48")
			c.complete("gobgpd", message.IPv6Unicast)
			// An IPv4 route over IPv6 has an IPv4 next hop only if it is given one.
			c.has("gobgpd", "192.0.2.0/24", "2001:db8:1::/48", "2001:db8:2::/48")
			has := func(want ...string) {
				t.Helper()
				peertest.Eventually(t, fmt.Sprintf("gobgpd has %v", want), func() string {
					out, err := ask("neighbor fd00::1 adj-in -a ipv6")
					for _, prefix := range want {
						if !strings.Contains(out, prefix) {
							return fmt.Sprint(out, err)
						}
					}
					if strings.Count(out, "2001:db8:") != len(want) {
						return out
					}
					return ""
				})
			}
			has("2001:db8:a::/48", "2001:db8:b::/48")
			c.withdraw("gobgpd", "2001:db8:a::/48")
			has("2001:db8:b::/48")
			if out, err := ask("global rib del 2001:db8:2::/48 -a ipv6"); err != nil {
				t.Fatal(out, err)
			}
			c.has("gobgpd", "192.0.2.0/24", "2001:db8:1::/48")
			if s := c.state("gobgpd"); s.State != fsm.Established || s.Faults != 0 || s.ID != netip.MustParseAddr("10.0.0.2") {
				t.Errorf("%+v", s)
			}
			d.Kill()
			c.without("gobgpd", "")
			c.has("gobgpd")
		})
	}
}

// newGoBGP starts gobgp v4 in this process. It dials a listener.
func newGoBGP(t testing.TB, from string, to netip.AddrPort, families ...*api.Family) *server.BgpServer {
	t.Helper()
	g := server.NewBgpServer(server.LoggerOption(slog.New(slog.DiscardHandler), new(slog.LevelVar)))
	go g.Serve()
	t.Cleanup(g.Stop)
	if err := g.StartBgp(t.Context(), &api.StartBgpRequest{Global: &api.Global{Asn: 65000, RouterId: "10.0.0.7", ListenPort: -1}}); err != nil {
		t.Fatal(err)
	}
	peer := &api.Peer{
		Conf:      &api.PeerConf{NeighborAddress: to.Addr().String(), PeerAsn: 65000},
		Transport: &api.Transport{RemotePort: uint32(to.Port()), LocalAddress: from},
		Timers:    &api.Timers{Config: &api.TimersConfig{ConnectRetry: 1, IdleHoldTimeAfterReset: 1}},
	}
	for _, f := range families {
		peer.AfiSafis = append(peer.AfiSafis, &api.AfiSafi{Config: &api.AfiSafiConfig{Family: f, Enabled: true}})
	}
	if err := g.AddPeer(context.Background(), &api.AddPeerRequest{Peer: peer}); err != nil {
		t.Fatal(err)
	}
	return g
}

// TestGoBGPLinkState: what gobgp v4 says of a node and a link, of which it has
// encoded all, is what is heard.
func TestGoBGPLinkState(t *testing.T) {
	t.Parallel() // it mostly waits
	c := start(t, Config{Listen: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")}}, Peer{
		Name: "gobgp", Address: netip.MustParseAddr("127.0.0.5"), AS: 65000, Families: []message.Family{message.LinkState}, Passive: true})
	at := netip.MustParseAddrPort(c.speaker.listeners[0].Addr().String())
	g := newGoBGP(t, "127.0.0.5", at, &api.Family{Afi: api.Family_AFI_LS, Safi: api.Family_SAFI_LS})

	descriptor := func(id string, t gobgp.LsTLVType) *gobgp.LsTLVNodeDescriptor {
		d := gobgp.NewLsTLVNodeDescriptor(&gobgp.LsNodeDescriptor{Asn: 65000, IGPRouterID: id}, t)
		return &d
	}
	head := func(t gobgp.LsNLRIType) gobgp.LsNLRI {
		return gobgp.LsNLRI{NLRIType: t, ProtocolID: gobgp.LS_PROTOCOL_ISIS_L2}
	}
	tokyo := &gobgp.LsAddrPrefix{Type: gobgp.LS_NLRI_TYPE_NODE, NLRI: &gobgp.LsNodeNLRI{
		LsNLRI: head(gobgp.LS_NLRI_TYPE_NODE), LocalNodeDesc: descriptor("0000.0000.0001", gobgp.LS_TLV_LOCAL_NODE_DESC)}}
	interfaceAddress, neighborAddress := netip.MustParseAddr("fd00:1::1"), netip.MustParseAddr("fd00:1::2")
	link := &gobgp.LsAddrPrefix{Type: gobgp.LS_NLRI_TYPE_LINK, NLRI: &gobgp.LsLinkNLRI{
		LsNLRI: head(gobgp.LS_NLRI_TYPE_LINK), LocalNodeDesc: descriptor("0000.0000.0001", gobgp.LS_TLV_LOCAL_NODE_DESC),
		RemoteNodeDesc: descriptor("0000.0000.0002", gobgp.LS_TLV_REMOTE_NODE_DESC),
		LinkDesc:       gobgp.NewLsLinkTLVs(&gobgp.LsLinkDescriptor{InterfaceAddrIPv6: &interfaceAddress, NeighborAddrIPv6: &neighborAddress}),
	}}
	say := func(n gobgp.NLRI, tlvs ...gobgp.LsTLVInterface) {
		t.Helper()
		nextHop, err := gobgp.NewPathAttributeNextHop(netip.MustParseAddr("127.0.0.5"))
		if err != nil {
			t.Fatal(err)
		}
		attribute := &gobgp.PathAttributeLs{TLVs: tlvs, PathAttribute: gobgp.PathAttribute{
			Type: gobgp.BGP_ATTR_TYPE_LS, Flags: gobgp.BGP_ATTR_FLAG_OPTIONAL}}
		for _, tlv := range tlvs {
			attribute.Length += uint16(tlv.Len())
		}
		path := &apiutil.Path{Family: gobgp.RF_LS, Nlri: n, Attrs: []gobgp.PathAttributeInterface{
			gobgp.NewPathAttributeOrigin(0), nextHop, attribute}}
		if _, err := g.AddPath(apiutil.AddPathRequest{Paths: []*apiutil.Path{path}}); err != nil {
			t.Fatal(err)
		}
	}
	name, metric, srlgs := "tyo1", uint32(10), []uint32{7, 9}
	say(tokyo, gobgp.NewLsTLVNodeName(&name))
	say(link, gobgp.NewLsTLVIGPMetric(&metric), gobgp.NewLsTLVSrlg(&srlgs),
		gobgp.NewLsTLVUnidirectionalLinkDelay(&gobgp.LsUnidirectionalLinkDelay{Delay: 2600}))
	c.counts("gobgp", 2)
	id := func(octets ...byte) ls.NodeDescriptor {
		router, _ := ls.NewIGPRouterID(octets)
		// gobgp always sends a BGP-LS Identifier.
		return ls.NodeDescriptor{AutonomousSystem: ls.Some(uint32(65000)), BGPLSIdentifier: ls.Some(uint32(0)), IGPRouterID: router}
	}
	origin := ls.Origin{Protocol: ls.ISISLevel2}
	c.mu.Lock()
	defer c.mu.Unlock()
	for object, o := range c.objects["gobgp"] {
		switch x := object.LS.(type) {
		case ls.Node:
			a, ok := o.Attribute.(*ls.NodeAttribute)
			if !ok || x != (ls.Node{Origin: origin, Local: id(0, 0, 0, 0, 0, 1)}) || a.Name != "tyo1" {
				t.Errorf("%#v %+v", x, o.Attribute)
			}
		case ls.Link:
			a, ok := o.Attribute.(*ls.LinkAttribute)
			want := ls.Link{Origin: origin, Local: id(0, 0, 0, 0, 0, 1), Remote: id(0, 0, 0, 0, 0, 2),
				LinkDescriptor: ls.LinkDescriptor{IPv6Interface: interfaceAddress, IPv6Neighbor: neighborAddress}}
			if !ok || x != want || a.IGPMetric.Value.Metric != 10 || len(a.SRLGs) != 2 || a.SRLGs[1] != 9 || a.Delay.Value.Delay != 2600 {
				t.Errorf("%#v %+v", x, o.Attribute)
			}
		default:
			t.Errorf("%+v", object)
		}
	}
	if len(c.faults) > 0 {
		t.Error(c.faults)
	}
}
