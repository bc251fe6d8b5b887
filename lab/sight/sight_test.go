package sight

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/sample/headers"
)

const (
	hopByHop, icmp4, ipv4, udp, ipv6 = headers.HopByHop, headers.ICMP4, headers.IPv4, headers.UDP, headers.IPv6

	routing, fragment, auth, icmp6, destOpts = headers.Routing, headers.Fragment, headers.Auth, headers.ICMP6, headers.DestOpts
)

var (
	here, there = netip.MustParsePrefix("5f00:0:1::/48"), netip.MustParsePrefix("5f00:0:2::/48")
	lane        = Lane{nodecfg.LaneAddr(here, 3), nodecfg.LaneAddr(there, 3)}
	a6, b6      = netip.MustParseAddr("2001:db8:1::1"), netip.MustParseAddr("2001:db8:2::1")
	a4, b4      = netip.MustParseAddr("10.1.0.1"), netip.MustParseAddr("10.2.0.1")
	router      = nodecfg.Loopback(here)
	on          = Hop{"a--b", "a"}
	mark        = []byte("marked!!")
)

var rules = Promise{
	Hidden: []Selector{
		{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("10.2.0.0/16")},
		{netip.MustParsePrefix("2001:db8:1::/48"), netip.MustParsePrefix("2001:db8:2::/48")},
	},
	Marks: [][]byte{mark},
	Ways:  map[Lane]map[Hop]bool{lane: {on: true}},
}

func ip6(from, to netip.Addr, next uint8, rest []byte) []byte {
	b := []byte{0x60, 0, 0, 0, byte(len(rest) >> 8), byte(len(rest)), next, 64}
	return slices.Concat(b, from.AsSlice(), to.AsSlice(), rest)
}

func ip4(from, to netip.Addr, next uint8, fragment uint16, rest []byte) []byte {
	b := make([]byte, 12)
	b[0], b[8], b[9] = 0x45, 64, next
	binary.BigEndian.PutUint16(b[2:], uint16(20+len(rest)))
	binary.BigEndian.PutUint16(b[6:], fragment)
	return slices.Concat(b, from.AsSlice(), to.AsSlice(), rest)
}

func datagram(port uint16, payload []byte) []byte {
	b := binary.BigEndian.AppendUint16([]byte{0, 9}, port)
	return slices.Concat(binary.BigEndian.AppendUint16(b, uint16(8+len(payload))), []byte{0, 0}, payload)
}

func srh(next uint8, segments int, rest []byte) []byte {
	b := []byte{next, byte(2 * segments), 4, byte(segments - 1), byte(segments - 1), 0, 0, 0}
	return slices.Concat(b, make([]byte, 16*segments), rest)
}

func frame(kind uint16, packet []byte) []byte {
	return slices.Concat(make([]byte, 12), []byte{byte(kind >> 8), byte(kind)}, packet)
}

const kind4, kind6 = 0x0800, 0x86dd

func TestJudge(t *testing.T) {
	var (
		wireguard = datagram(nodecfg.LanePort(3), []byte("noise"))
		outer     = func(rest []byte, next uint8) []byte { return ip6(router, nodecfg.EndX(there, 1), next, rest) }
		clear4    = ip4(a4, b4, udp, 0, datagram(7, nil))
		clear6    = ip6(a6, b6, udp, datagram(7, nil))
		plain     = ip6(router, nodecfg.Loopback(there), udp, datagram(7, nil))
		inLane    = ip6(lane.From, lane.To, udp, wireguard)
		quote     = func(b []byte) []byte { return slices.Concat([]byte{1, 0, 0, 0, 0, 0, 0, 0}, b) }
		quote4    = func(b []byte) []byte { return slices.Concat([]byte{3, 1, 0, 0, 0, 0, 0, 0}, b) }
	)
	nested := clear4
	for range headers.Max {
		nested = outer(nested, ipv6)
	}
	for _, tt := range []struct {
		name  string
		frame []byte
		at    Hop
		want  Verdict
	}{
		{"ARP", frame(0x0806, make([]byte, 28)), on, Other},
		{"plain, of nobody", frame(kind6, plain), on, Other},
		{"a lane's on its path", frame(kind6, inLane), on, OnPath},
		{"behind a segment routing header", frame(kind6, outer(srh(ipv6, 2, inLane), routing)), on, OnPath},
		{"with reduced encapsulation", frame(kind6, outer(inLane, ipv6)), on, OnPath},
		{"the other direction of the link", frame(kind6, inLane), Hop{"a--b", "b"}, OffPath},
		{"another link", frame(kind6, outer(srh(ipv6, 2, inLane), routing)), Hop{"a--c", "a"}, OffPath},
		{"a lane that nobody named", frame(kind6, ip6(nodecfg.LaneAddr(here, 4), nodecfg.LaneAddr(there, 4), udp, wireguard)), on, OffPath},
		{"to a lane from no lane", frame(kind6, ip6(router, lane.To, udp, wireguard)), on, OffPath},
		{"the rest of a lane's fragment", frame(kind6, ip6(lane.From, lane.To, fragment, []byte{udp, 0, 0x01, 0x00, 0, 0, 0, 1, 9})), on, OnPath},
		{"a router's error to a lane", frame(kind6, ip6(router, lane.From, icmp6, quote(inLane))), Hop{"a--c", "c"}, Other},
		{"an echo to a lane", frame(kind6, ip6(router, lane.From, icmp6, []byte{128, 0, 0, 0, 0, 0, 0, 0})), Hop{"a--c", "c"}, Other},
		{"clear IPv4", frame(kind4, clear4), on, Clear},
		{"clear IPv6", frame(kind6, clear6), on, Clear},
		{"clear, the other way: not selected", frame(kind4, ip4(b4, a4, udp, 0, datagram(7, nil))), on, Other},
		{"clear IPv4 in SRv6", frame(kind6, outer(srh(ipv4, 3, clear4), routing)), on, Clear},
		{"clear IPv6 in SRv6", frame(kind6, outer(srh(ipv6, 1, clear6), routing)), on, Clear},
		{"clear IPv4 in IPv6", frame(kind6, outer(clear4, ipv4)), on, Clear},
		{"clear behind other extensions", frame(kind6, outer(slices.Concat([]byte{destOpts, 0, 1, 4, 0, 0, 0, 0}, []byte{ipv4, 0, 1, 4, 0, 0, 0, 0}, clear4), hopByHop)), on, Clear},
		{"clear behind an authentication header", frame(kind6, outer(slices.Concat([]byte{ipv4, 2}, make([]byte, 14), clear4), auth)), on, Clear},
		{"clear with a VLAN tag", frame(0x8100, slices.Concat([]byte{0, 5, 8, 0}, clear4)), on, Clear},
		{"clear, the rest of a fragment", frame(kind4, ip4(a4, b4, udp, 100, []byte("rest"))), on, Clear},
		{"clear, quoted by a router", frame(kind6, ip6(router, a6, icmp6, quote(clear6))), on, Clear},
		{"clear, quoted by a router, IPv4", frame(kind4, ip4(netip.MustParseAddr("192.0.2.1"), a4, icmp4, 0, quote4(clear4[:28]))), on, Clear},
		{"clear inside of a lane's addresses", frame(kind6, ip6(lane.From, lane.To, ipv4, clear4)), on, Clear},
		{"a mark, whatever carries it", frame(0x88b5, slices.Concat([]byte{1, 2, 3}, mark)), on, Clear},
		{"a mark in a lane", frame(kind6, ip6(lane.From, lane.To, udp, datagram(1, mark))), on, Clear},
		{"a quoted packet without its end", frame(kind6, ip6(router, a6, icmp6, quote(plain[:45]))), on, Other},
		{"no Ethernet", []byte{1, 2}, on, Unknown},
		{"a VLAN tag and nothing", frame(0x8100, nil), on, Unknown},
		{"half an IPv6 header", frame(kind6, plain[:30]), on, Unknown},
		{"half an IPv4 header", frame(kind4, clear4[:19]), on, Unknown},
		{"an IPv4 header of 4 bytes", frame(kind4, append([]byte{0x41}, ip4(b4, a4, udp, 0, nil)[1:]...)), on, Unknown},
		{"half a segment routing header", frame(kind6, outer(srh(ipv6, 2, nil)[:20], routing)), on, Unknown},
		{"nested too deep", frame(kind6, nested), on, Unknown},
	} {
		got := rules.Judge(tt.at, tt.frame)
		if got.Verdict != tt.want {
			t.Errorf("%s: %s (%s), want %s", tt.name, got.Verdict, got.What, tt.want)
		}
		if got.Verdict.Broken() != (got.What != "") {
			t.Errorf("%s: %s says %q", tt.name, got.Verdict, got.What)
		}
	}
}

func TestDissect(t *testing.T) {
	inner := ip6(lane.From, lane.To, udp, datagram(16387, nil))
	open, whole := headers.Dissect(frame(kind6, ip6(router, nodecfg.End(there), routing, srh(ipv6, 2, inner))))
	want := []headers.Header{{From: router, To: nodecfg.End(there), Proto: ipv6}, {From: lane.From, To: lane.To, Proto: udp, FromPort: 9, Port: 16387}}
	if !whole || !slices.Equal(open, want) {
		t.Errorf("%+v, whole %t; want %+v", open, whole, want)
	}
}

func TestUDP(t *testing.T) {
	f := UDP(lane.From, lane.To, 16387, []byte("payload"))
	open, whole := headers.Dissect(f)
	if want := []headers.Header{{From: lane.From, To: lane.To, Proto: udp, FromPort: 16387, Port: 16387}}; !whole || !slices.Equal(open, want) || !bytes.HasSuffix(f, []byte("payload")) {
		t.Errorf("%x: %+v", f, open)
	}
}

func TestVerdict(t *testing.T) {
	var names []string
	for v := Other; v <= Unknown+1; v++ {
		names = append(names, v.String())
	}
	if got, want := strings.Join(names, "; "), "other; a lane's, on its path; in the clear; off its path; cannot tell; verdict 5"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// Whatever comes, the parser ends, keeps to its bound, and finds what is plain
// to see: a marked payload, and hidden traffic in the first header.
func FuzzJudge(f *testing.F) {
	f.Add(frame(kind6, ip6(router, nodecfg.End(there), routing, srh(ipv6, 2, ip6(lane.From, lane.To, udp, datagram(1, nil))))))
	f.Add(frame(kind4, ip4(a4, b4, icmp4, 0, append([]byte{3, 1, 0, 0, 0, 0, 0, 0}, ip4(b4, a4, udp, 0, nil)...))))
	f.Add(frame(0x8100, frame(kind6, nil)))
	f.Add(frame(kind6, ip6(a6, b6, fragment, []byte{udp, 0, 0, 1, 0, 0, 0, 1})))
	f.Fuzz(func(t *testing.T, b []byte) {
		open, whole := headers.Dissect(b)
		if len(open) > headers.Max {
			t.Fatalf("%d headers", len(open))
		}
		got := rules.Judge(on, b)
		hidden := bytes.Contains(b, mark) || slices.ContainsFunc(open, rules.hides)
		if hidden != (got.Verdict == Clear) {
			t.Fatalf("hidden traffic or a mark: %t, yet it is %s", hidden, got.Verdict)
		}
		if !whole && !got.Verdict.Broken() {
			t.Fatalf("cannot tell, yet it is %s", got.Verdict)
		}
		// Behind any header it is as plain to see.
		around := rules.Judge(on, frame(kind6, ip6(router, router, ipv4, ip4(a4, b4, udp, 0, b))))
		if around.Verdict != Clear {
			t.Fatalf("hidden traffic around that: %s", around.Verdict)
		}
	})
}
