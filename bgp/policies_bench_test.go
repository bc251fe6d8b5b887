package bgp

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/osrg/gobgp/v4/api"
	"github.com/osrg/gobgp/v4/pkg/apiutil"
	gobgp "github.com/osrg/gobgp/v4/pkg/packet/bgp"

	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/bgp/rib"
	"github.com/keiro-net/keiro/bgp/route"
	"github.com/keiro-net/keiro/bgp/srpolicy"
)

// BenchmarkPolicies: SR Policies for 10,000 intents, each of one candidate path with three
// SIDs and thus an UPDATE of its own, from a session that begins to the last that the
// peer has read; and the same with what gobgp v4 says to that peer: 10,000 plain
// prefixes, alike in all but the prefix.
func BenchmarkPolicies(b *testing.B) {
	const intents = 10_000
	count := func(b *testing.B, robot *robot) {
		for heard := 0; heard < intents; {
			kind, body, err := readMessage(robot.r, true)
			if err != nil {
				b.Fatal(err)
			}
			if kind != message.UpdateType {
				continue
			}
			u, _, err := message.ParseUpdate(body, true)
			if err != nil {
				b.Fatal(err)
			}
			paths, _, _ := srpolicy.Parse(&u, false)
			prefixes, err := message.ParsePrefixes(u.NLRI, message.IPv4Unicast)
			if err != nil {
				b.Fatal(err)
			}
			heard += len(paths) + len(prefixes)
		}
	}
	rate := func(b *testing.B, took time.Duration) {
		b.ReportMetric(float64(intents)*float64(b.N)/took.Seconds(), "routes/s")
	}
	b.Run("keiro", func(b *testing.B) {
		var took time.Duration
		for b.Loop() {
			robot, peer := newRobot(b, "robot", "127.0.0.81", message.IPv6SRPolicy)
			robot.deaf = true
			c := start(b, Config{}, peer)
			for i := range intents {
				if err := c.speaker.Announce("robot", policyOf(b, i)); err != nil {
					b.Fatal(err)
				}
			}
			robot.greet(message.Open{Capabilities: message.Capabilities{Families: []message.Family{message.IPv6SRPolicy}, Extended: true}})
			began := time.Now()
			count(b, robot)
			took += time.Since(began)
			c.speaker.Close()
			robot.listener.Close()
		}
		rate(b, took)
	})
	b.Run("gobgp", func(b *testing.B) {
		var took time.Duration
		for b.Loop() {
			robot, peer := newRobot(b, "robot", "127.0.0.81", message.IPv4Unicast)
			robot.deaf = true
			g := newGoBGP(b, "127.0.0.82", netip.AddrPortFrom(peer.Address, peer.Port), &api.Family{Afi: api.Family_AFI_IP, Safi: api.Family_SAFI_UNICAST})
			hop, err := gobgp.NewPathAttributeNextHop(netip.MustParseAddr("127.0.0.82"))
			if err != nil {
				b.Fatal(err)
			}
			var paths []*apiutil.Path
			for i := range intents {
				n, err := gobgp.NewIPAddrPrefix(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 24))
				if err != nil {
					b.Fatal(err)
				}
				paths = append(paths, &apiutil.Path{Family: gobgp.RF_IPv4_UC, Nlri: n, Attrs: []gobgp.PathAttributeInterface{gobgp.NewPathAttributeOrigin(0), hop}})
			}
			if _, err := g.AddPath(apiutil.AddPathRequest{Paths: paths}); err != nil {
				b.Fatal(err)
			}
			robot.greet(message.Open{Capabilities: message.Capabilities{Families: []message.Family{message.IPv4Unicast}, Extended: true}})
			began := time.Now()
			count(b, robot)
			took += time.Since(began)
			g.Stop()
			robot.listener.Close()
		}
		rate(b, took)
	})
}

// policyOf is a candidate path of three SIDs for the headend at the other end.
func policyOf(b *testing.B, i int) rib.Route {
	p := srpolicy.Route{Direct: true, CandidatePath: srpolicy.CandidatePath{NLRI: srpolicy.NLRI{Distinguisher: 7, Color: 1_000_001 + uint32(i), Endpoint: netip.MustParseAddr("5f00:0:9::1")}}}
	p.Preference, p.Priority = ls.Some[uint32](1000), ls.Some[uint8](128)
	p.Name, p.PolicyName = fmt.Sprintf("intent%d/0", i), fmt.Sprintf("intent%d", i)
	list := srpolicy.SegmentList{}
	for n := range 3 {
		sid := netip.AddrFrom16([16]byte{0x5f, 0, byte(n), byte(i >> 8), byte(i), 0, 0x40, 1})
		list.Segments = append(list.Segments, srpolicy.Segment{SID: sid, Endpoint: ls.Some(srpolicy.Endpoint{Behavior: ls.BehaviorEndX, Structure: ls.SIDStructure{LocatorBlock: 16, LocatorNode: 32, Function: 16}})})
	}
	p.SegmentLists = []srpolicy.SegmentList{list}
	u, err := p.Announce(route.Session{LocalAS: 65000, LocalAddress: netip.MustParseAddr("127.0.0.1")})
	if err != nil {
		b.Fatal(err)
	}
	return rib.Route{Family: p.Family(), NLRI: srpolicy.AppendNLRI(nil, p.NLRI), Attributes: u.Attributes}
}
