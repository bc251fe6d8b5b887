package bgp

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/bgp/fsm"
	"github.com/keiro-net/keiro/bgp/internal/peertest"
	"github.com/keiro-net/keiro/bgp/message"
)

// frrConfig is a router in AS 65001 that knows two networks.
const frrConfig = `
hostname frr
log stdout debugging
router bgp 65001
 bgp router-id 10.0.0.2
 no bgp ebgp-requires-policy
 no bgp default ipv4-unicast
 no bgp network import-check
 bgp graceful-restart
 neighbor fd00::1 remote-as 65000
 neighbor fd00::1 timers connect 1
 neighbor fd00::1 advertisement-interval 0
 %s
 address-family ipv6 unicast
  network 2001:db8:1::/48
  network 2001:db8:2::/48
  neighbor fd00::1 activate
 exit-address-family
`

func frrPeer() Peer {
	return Peer{Name: "frr", Address: netip.MustParseAddr("fd00::2"), AS: 65001, Families: []message.Family{message.IPv6Unicast}}
}

// pair are two namespaces, fd00::1 for the speaker and fd00::2 for a router.
func pair(t testing.TB) (here, there *peertest.Namespace) {
	here, there = peertest.New(t), peertest.New(t)
	peertest.Cable("c", here, "fd00::1/64", there, "fd00::2/64")
	here.Address("c", "10.9.0.1/24")
	there.Address("c", "10.9.0.2/24")
	return here, there
}

// frrHas waits until the prefixes are all that FRR knows from the speaker.
func frrHas(t *testing.T, f *peertest.FRR, want ...string) {
	t.Helper()
	slices.Sort(want)
	peertest.Eventually(t, fmt.Sprintf("FRR has %v", want), func() string {
		var table struct {
			Routes map[string][]struct {
				PeerID string `json:"peerId"`
				Path   string
			}
		}
		if err := f.JSON("show bgp ipv6 unicast json", &table); err != nil {
			return err.Error()
		}
		maps.DeleteFunc(table.Routes, func(prefix string, _ []struct {
			PeerID string `json:"peerId"`
			Path   string
		}) bool {
			return table.Routes[prefix][0].PeerID != "fd00::1"
		})
		if got := slices.Sorted(maps.Keys(table.Routes)); !slices.Equal(got, want) {
			return fmt.Sprint(got)
		}
		return ""
	})
}

func TestFRR(t *testing.T) {
	t.Parallel() // it mostly waits
	here, there := pair(t)
	f := peertest.NewFRR(there, "fd00::2", fmt.Sprintf(frrConfig, ""))
	c := start(t, Config{Sockets: here.Sockets, RestartTime: time.Minute}, frrPeer())
	c.announce("frr", "2001:db8:a::/48")
	c.announce("frr", "2001:db8:b::/48")
	c.announce("frr", "2001:db8:c::/48", message.Attribute{Flags: message.Optional | message.Transitive, Type: message.CommunitiesType, Value: []byte{0xfd, 0xe8, 0, 7}})
	c.complete("frr", message.IPv6Unicast)
	c.has("frr", "2001:db8:1::/48", "2001:db8:2::/48")
	c.completed("frr", message.IPv6Unicast)
	frrHas(t, f, "2001:db8:a::/48", "2001:db8:b::/48", "2001:db8:c::/48")
	out, err := f.Ask("show bgp ipv6 unicast 2001:db8:c::/48")
	if err != nil || !strings.Contains(out, "Community: 65000:7") || !strings.Contains(out, "65000\n    fd00::1 from fd00::1 (10.0.0.1)") {
		t.Errorf("the route as FRR has it: %v\n%s", err, out)
	}

	c.withdraw("frr", "2001:db8:b::/48")
	frrHas(t, f, "2001:db8:a::/48", "2001:db8:c::/48")
	if out, err := f.Ask("configure terminal\nrouter bgp 65001\naddress-family ipv6 unicast\nno network 2001:db8:2::/48\nnetwork 2001:db8:3::/48"); err != nil {
		t.Fatal(out, err)
	}
	c.has("frr", "2001:db8:1::/48", "2001:db8:3::/48")

	s := c.is("frr", fsm.Established, "")
	if s.Remote != netip.MustParseAddrPort("[fd00::2]:179") || s.Local.Addr() != netip.MustParseAddr("fd00::1") || s.ID != netip.MustParseAddr("10.0.0.2") ||
		s.Objects != 2 || s.Stale != 0 || s.Routes != 2 || s.Pending != 0 || s.HoldTime != DefaultHoldTime || s.Security != "none" || s.Faults != 0 {
		t.Errorf("state %+v", s)
	}
	// Asked for all again, it says all again (RFC 2918).
	if out, err := f.Ask("clear bgp ipv6 unicast fd00::1 soft in"); err != nil {
		t.Fatal(out, err)
	}
	frrHas(t, f, "2001:db8:a::/48", "2001:db8:c::/48")

	// Taken out of the configuration, the peer is told.
	if err := c.speaker.SetPeers(nil); err != nil {
		t.Fatal(err)
	}
	peertest.Eventually(t, "FRR knows why", func() string {
		var state map[string]struct{ LastNotificationReason string }
		if err := f.JSON("show bgp neighbors fd00::1 json", &state); err != nil {
			return err.Error()
		}
		if got := state["fd00::1"].LastNotificationReason; got != "Cease/Peer De-configured" {
			return got
		}
		return ""
	})
	peertest.Eventually(t, "the consumer knows", func() string {
		c.mu.Lock()
		defer c.mu.Unlock()
		if len(c.log) == 3 && c.log[2] == "frr removed" && len(c.objects) == 0 {
			return ""
		}
		return fmt.Sprint(c.log)
	})
}
