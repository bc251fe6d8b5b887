package bgp

import (
	"net/netip"
	"testing"

	"github.com/keiro-net/keiro/bgp/message"
)

// TestManyOctets: a peer whose few routes have large path attributes is cut off
// before they fill the memory. Those of a route that it replaces do not count.
func TestManyOctets(t *testing.T) {
	b, peer := newRobot(t, "robot", "127.0.0.2", message.IPv4Unicast, message.IPv6Unicast)
	peer.Limits.Objects = 7000
	c := start(t, Config{}, peer)
	b.greet(message.Open{Capabilities: message.Capabilities{Families: []message.Family{message.IPv4Unicast, message.IPv6Unicast}}})
	large := message.Attribute{Flags: message.Optional | message.Transitive, Type: 200, Value: make([]byte, 3900)}
	say := func(i int) {
		prefix := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 24)
		b.update(message.Update{NLRI: message.AppendPrefix(nil, prefix), Attributes: []message.Attribute{message.Origin(), message.ASPath(),
			{Flags: message.Transitive, Type: message.NextHopType, Value: []byte{10, 0, 0, 1}}, message.LocalPref(100), large}})
	}
	most := attributesOf(peer.Limits.Objects) / len(large.Value)
	for range 2 { // 3/4 of what there is room for, twice
		for i := range most * 3 / 4 {
			say(i)
		}
	}
	c.counts("robot", most*3/4)
	for i := range most {
		say(i)
	}
	if got := b.ended(); got != "Cease/Out of Resources" {
		t.Error(got)
	}
	c.without("robot", "octets, and so many objects have room for")
}
