package bgp

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/bgp/internal/peertest"
	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/bgp/rib"
	"github.com/keiro-net/keiro/bgp/route"
	"github.com/keiro-net/keiro/bgp/service"
)

// colored is a route of IPv4 to a tail over SRv6, as the controller says it.
func colored(t *testing.T) rib.Route {
	t.Helper()
	r := service.Route{
		Prefix: netip.MustParsePrefix("198.51.100.0/24"), NextHop: netip.MustParseAddr("2001:db8::9"),
		Colors: []route.Color{{Value: 1_000_001}}, NoAdvertise: true,
		SID: ls.Some(service.SID{Addr: netip.MustParseAddr("5f00:0:9:4::"), Behavior: ls.BehaviorEndDT4}),
	}
	u, err := r.Announce(route.Session{LocalAS: 65000, ExtendedNextHop: true})
	if err != nil {
		t.Fatal(err)
	}
	return rib.Route{Family: r.Family(), NLRI: message.AppendPrefix(nil, r.Prefix), NextHop: r.NextHop, Attributes: u.Attributes}
}

// TestExtendedNextHop: what a route of IPv4 to an IPv6 next hop needs is agreed on with
// gobgpd 3.10, which takes it with all that is said of it.
func TestExtendedNextHop(t *testing.T) {
	t.Parallel() // it mostly waits
	program, cli := peertest.Program(t, "gobgpd", "gobgpd"), peertest.Program(t, "gobgp", "gobgpd")
	here, there := pair(t)
	config := filepath.Join(t.TempDir(), "gobgpd.toml")
	if err := os.WriteFile(config, fmt.Appendf(nil, gobgpdConfig, true), 0o600); err != nil {
		t.Fatal(err)
	}
	there.Start(nil, program, "-f", config, "--api-hosts", "127.0.0.1:50051", "--log-plain", "--log-level", "debug", "--pprof-disable")
	c := start(t, Config{Sockets: here.Sockets}, Peer{
		Name: "gobgpd", Address: netip.MustParseAddr("fd00::2"), AS: 65000, Families: []message.Family{message.IPv4Unicast}})
	if err := c.speaker.Announce("gobgpd", colored(t)); err != nil {
		t.Fatal(err)
	}
	peertest.Eventually(t, "gobgpd has the route", func() string {
		out, err := there.Output(cli, "neighbor", "fd00::1", "adj-in", "-a", "ipv4", "--json")
		for _, want := range []string{"198.51.100.0/24", "2001:db8::9", "1000001", `"sid":"XwAAAAAJAAQAAAAAAAAAAA=="`, `"endpoint_behavior":19`} {
			if !strings.Contains(out, want) {
				return fmt.Sprintf("no %s in %s, %v", want, out, err)
			}
		}
		return ""
	})
	if s := c.state("gobgpd"); s.NotSaid != "" {
		t.Error(s.NotSaid)
	}
	// What gobgpd says back of IPv4 comes with an IPv6 next hop, too.
	if out, err := there.Output(cli, strings.Fields("global rib add 192.0.2.0/24 nexthop 2001:db8::2 -a ipv4")...); err != nil {
		t.Fatal(out, err)
	}
	c.has("gobgpd", "192.0.2.0/24")
}

// TestNoExtendedNextHop: to a peer that has not agreed, nothing is said, and the
// operator is told why.
func TestNoExtendedNextHop(t *testing.T) {
	for name, ability := range map[string][]message.Family{"none": nil, "of another family": {message.VPNv4}} {
		robot, peer := newRobot(t, "robot", "127.0.0.71", message.IPv4Unicast)
		c := start(t, Config{}, peer)
		if err := c.speaker.Announce("robot", colored(t)); err != nil {
			t.Fatal(err)
		}
		robot.greet(message.Open{Capabilities: message.Capabilities{Families: []message.Family{message.IPv4Unicast}, ExtendedNextHop: ability}})
		peertest.Eventually(t, name, func() string {
			if s := c.state("robot"); !strings.Contains(s.NotSaid, "RFC 8950") {
				return s.NotSaid
			}
			return ""
		})
		robot.mu.Lock()
		for _, m := range robot.heard {
			if m.Type == message.UpdateType && m.Len > 4 {
				t.Errorf("%s: the peer was told %+v", name, m)
			}
		}
		robot.mu.Unlock()
	}
}
