package leak

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/sample/headers"
)

var (
	here, there = netip.MustParsePrefix("5f00:0:1::/48"), netip.MustParsePrefix("5f00:0:2::/48")
	a4, b4      = netip.MustParseAddr("10.1.0.1"), netip.MustParseAddr("10.2.0.1")
	a6, b6      = netip.MustParseAddr("2001:db8:1::1"), netip.MustParseAddr("2001:db8:2::1")
	loopback    = nodecfg.Loopback(here)
)

func ip6(from, to netip.Addr, next uint8, rest []byte) []byte {
	b := []byte{0x60, 0, 0, 0, byte(len(rest) >> 8), byte(len(rest)), next, 64}
	return slices.Concat(b, from.AsSlice(), to.AsSlice(), rest)
}

func ip4(from, to netip.Addr, next uint8, rest []byte) []byte {
	b := make([]byte, 12)
	b[0], b[8], b[9] = 0x45, 64, next
	binary.BigEndian.PutUint16(b[2:], uint16(20+len(rest)))
	return slices.Concat(b, from.AsSlice(), to.AsSlice(), rest)
}

func ports(from, to uint16) []byte {
	return append(binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, from), to), make([]byte, 16)...)
}

// steered is a packet on its path: SRv6 with a list of two.
func steered(proto uint8, packet []byte) []byte {
	srh := append([]byte{proto, 4, 4, 1, 1, 0, 0, 0}, make([]byte, 32)...)
	return ip6(loopback, nodecfg.EndX(there, 1), headers.Routing, append(srh, packet...))
}

func selectors(text ...string) []nodecfg.Selector {
	var all []nodecfg.Selector
	for _, t := range text {
		from, to, _ := strings.Cut(t, " ")
		for _, s := range [][2]string{{from, to}, {to, from}} {
			all = append(all, nodecfg.Selector{From: netip.MustParsePrefix(s[0]), To: netip.MustParsePrefix(s[1])})
		}
	}
	return all
}

var protected = []nodecfg.Protected{
	{Intent: "open", Traffic: selectors("10.1.0.0/16 10.2.0.0/16", "2001:db8::/32 2001:db8::/32"), Links: []string{"a--b"}, Near: []string{"a--z"}},
	{Intent: "secret", Traffic: selectors("10.1.7.0/24 10.2.7.0/24", "2001:db8:7::/48 2001:db8:8::/48"), Encryption: "pq", Links: []string{"a--b"}, Lanes: []uint16{3}},
}

func TestJudge(t *testing.T) {
	var (
		u4, u6   = ip4(a4, b4, headers.UDP, ports(1, 7)), ip6(a6, b6, headers.UDP, ports(1, 7))
		secret   = ip4(netip.MustParseAddr("10.2.7.9"), netip.MustParseAddr("10.1.7.9"), headers.TCP, ports(1, 443))
		lane     = ip6(nodecfg.LaneAddr(here, 3), nodecfg.LaneAddr(there, 3), headers.UDP, ports(nodecfg.LanePort(3), nodecfg.LanePort(3)))
		quote    = func(b []byte) []byte { return slices.Concat([]byte{1, 0, 0, 0, 0, 0, 0, 0}, b) }
		stranger = netip.MustParseAddr("192.0.2.1")
		link6    = netip.MustParseAddr("fe80::1")
	)
	w := newWatch(protected)
	for _, tt := range []struct {
		name   string
		link   string
		packet []byte
		intent string
		kind   string
	}{
		{"on its path, IPv4", "a--b", steered(headers.IPv4, u4), "", ""},
		{"on its path, IPv6", "a--b", steered(headers.IPv6, u6), "", ""},
		{"on its path, without a segment list", "a--b", ip6(loopback, nodecfg.EndDT6(there), headers.IPv6, u6), "", ""},
		{"a path of others", "a--c", steered(headers.IPv4, u4), "open", nodecfg.LeakElsewhere},
		{"not steered", "a--b", u4, "open", nodecfg.LeakOutside},
		{"not steered, IPv6, behind options", "a--c", ip6(a6, b6, headers.DestOpts, slices.Concat([]byte{headers.UDP, 0, 1, 4, 0, 0, 0, 0}, ports(1, 7))), "open", nodecfg.LeakOutside},
		{"not steered, the other way", "a--b", ip4(b4, a4, headers.UDP, ports(7, 1)), "open", nodecfg.LeakOutside},
		{"not steered, and carries others", "a--b", ip4(a4, b4, headers.IPv4, ip4(stranger, stranger, headers.UDP, ports(1, 2))), "open", nodecfg.LeakOutside},
		{"within the site of its end", "a--z", u4, "", ""},
		{"readable, on its path", "a--b", steered(headers.IPv4, secret), "secret", nodecfg.LeakClear},
		{"readable, not steered", "a--b", secret, "secret", nodecfg.LeakClear},
		{"in its lane", "a--b", steered(headers.IPv6, lane), "", ""},
		{"in its lane, on another path", "a--c", steered(headers.IPv6, lane), "secret", nodecfg.LeakElsewhere},
		{"in its lane, not steered", "a--b", lane, "secret", nodecfg.LeakOutside},
		{"a lane of another intent", "a--c", ip6(nodecfg.LaneAddr(here, 4), nodecfg.LaneAddr(there, 4), headers.UDP, ports(1, 1)), "", ""},
		{"an error about a lane", "a--c", ip6(nodecfg.LaneAddr(here, 3), nodecfg.LaneAddr(there, 3), headers.ICMP6, quote(lane)), "", ""},
		{"quoted by a router", "a--c", ip6(loopback, netip.MustParseAddr("2001:db8:ffff::1"), headers.ICMP6, quote(u6)), "", ""},
		{"of nobody", "a--b", ip4(stranger, b4, headers.UDP, ports(1, 7)), "", ""},
		{"of neighbours", "a--b", ip6(link6, b6, headers.ICMP6, make([]byte, 24)), "", ""},
		{"BGP between them", "a--b", ip6(a6, b6, headers.TCP, ports(40000, 179)), "", ""},
		{"BGP, the answer", "a--b", ip6(b6, a6, headers.TCP, ports(179, 40000)), "", ""},
		{"a probe", "a--b", steered(headers.IPv6, ip6(loopback, loopback, headers.UDP, ports(5, 5))), "", ""},
		{"keying", "a--b", ip6(loopback, nodecfg.Loopback(there), headers.UDP, ports(16384, 16384)), "", ""},
		{"cut short", "a--b", steered(headers.IPv4, u4)[:90], "", ""},
		{"nothing", "a--b", nil, "", ""},
	} {
		proto := uint8(headers.IPv6)
		if len(tt.packet) > 0 && tt.packet[0]>>4 == 4 {
			proto = headers.IPv4
		}
		got := w.judge(tt.link, proto, tt.packet)
		if got.intent != tt.intent || got.kind != tt.kind || (got.kind == "") != (got.packet == "") {
			t.Errorf("%s: %+v, want %q %q", tt.name, got, tt.intent, tt.kind)
		}
	}
	if got, want := w.judge("a--b", headers.IPv6, steered(headers.IPv4, secret)).packet,
		"10.2.7.9 > 10.1.7.9 protocol 6 port 443 in 5f00:0:1::1 > 5f00:0:2:4001:: protocol 4"; got != want {
		t.Errorf("told as %q, want %q", got, want)
	}
}

// play drives a Ledger; at is in milliseconds.
type play struct {
	*testing.T
	Ledger
	began time.Time
}

func (p *play) at(ms int) time.Time { return p.began.Add(time.Duration(ms) * time.Millisecond) }

func (p *play) stray(ms int, link string) bool {
	return p.Packet(link, headers.IPv4, ip4(a4, b4, headers.UDP, ports(1, 7)), p.at(ms))
}

func (p *play) path(ms int, link string) bool {
	return p.Packet(link, headers.IPv6, steered(headers.IPv4, ip4(a4, b4, headers.UDP, ports(1, 7))), p.at(ms))
}

func (p *play) want(what string, leaks ...string) {
	p.Helper()
	var got []string
	for _, l := range p.Leaks() {
		got = append(got, fmt.Sprint(l.Intent, " ", l.Link, " ", l.Kind, " ", l.Seen))
	}
	if !slices.Equal(got, leaks) {
		p.Errorf("%s: %v, want %v", what, got, leaks)
	}
}

func TestLedger(t *testing.T) {
	p := &play{T: t, began: time.Unix(1_000_000, 0)}
	grace := int(Grace / time.Millisecond)
	p.Set(protected, p.at(0))
	for ms := range grace {
		if p.stray(ms, "a--b") {
			t.Fatal("told while the intent is new")
		}
	}
	p.Tick(p.at(grace))
	p.want("nothing before the grace is over")
	now := grace + 1000
	if p.stray(now, "a--b") || p.stray(now+10, "a--b") || p.stray(now+20, "a--b") || p.stray(now+100, "a--b") {
		t.Error("told though it did not last")
	}
	p.want("nothing that did not last")
	if !p.stray(now+200, "a--b") {
		t.Error("not told")
	}
	if p.stray(now+300, "a--b") {
		t.Error("told twice")
	}
	p.want("it stands", "open a--b outside 6")

	// In the clear one is enough.
	if !p.Packet("a--b", headers.IPv4, ip4(netip.MustParseAddr("10.1.7.1"), netip.MustParseAddr("10.2.7.1"), headers.UDP, ports(1, 7)), p.at(now+400)) {
		t.Error("not told")
	}
	p.want("both", "open a--b outside 6", "secret a--b clear 1")
	fade := int(Fade / time.Millisecond)
	if p.Tick(p.at(now + 300 + fade - 1)) {
		t.Error("faded early")
	}
	if !p.Tick(p.at(now + 300 + fade)) {
		t.Error("did not fade")
	}
	p.want("one faded", "secret a--b clear 1")

	// Paths leave a link: what is under way there, or of a node that has not
	// obeyed yet, is no leak.
	now += 2 * fade
	p.Tick(p.at(now))
	moved := slices.Clone(protected)
	moved[0].Links = []string{"a--c"}
	p.Set(moved, p.at(now))
	for ms := range grace {
		p.path(now+ms, "a--b")
		p.path(now+ms, "a--c")
	}
	p.want("nothing while they move")
	p.Tick(p.at(now + grace))
	for ms := range 300 {
		p.path(now+grace+ms, "a--b")
		p.path(now+grace+ms, "a--c")
	}
	p.want("moved", "open a--b elsewhere 300")

	// A Config that says the same changes nothing; one that asks for encryption
	// begins anew; the intent that goes takes its leaks with it.
	p.Set(moved, p.at(now+grace+300))
	if p.path(now+grace+301, "a--b"); len(p.Leaks()) != 1 || p.Leaks()[0].Seen != 301 {
		t.Errorf("%v", p.Leaks())
	}
	moved[0].Encryption = "pq"
	p.Set(moved, p.at(now+grace+400))
	if p.path(now+grace+401, "a--c") {
		t.Error("told while the lanes are new")
	}
	p.Set(moved[1:], p.at(now+grace+500))
	if !p.Tick(p.at(now + grace + 500)) {
		t.Error("no news though the intent has gone")
	}
	p.want("nothing is left")
}

// What is sent in whatever number of links and intents, the report has an end.
func TestLedgerIsBounded(t *testing.T) {
	p := &play{T: t, began: time.Unix(1_000_000, 0)}
	p.Grace = 1
	p.Set(protected, p.at(0))
	p.Tick(p.at(1))
	for n := range 3 * maxLeaks {
		for ms := range 300 {
			p.stray(10+ms, fmt.Sprint("link", n))
		}
	}
	if n := len(p.Leaks()); n != maxLeaks {
		t.Errorf("%d leaks, want %d", n, maxLeaks)
	}
}

// Whatever comes, judging ends, and says what it says of an intent that is.
func FuzzJudge(f *testing.F) {
	f.Add(true, steered(headers.IPv4, ip4(a4, b4, headers.UDP, ports(1, 7))))
	f.Add(false, ip4(a4, b4, headers.UDP, ports(1, 7)))
	w := newWatch(protected)
	f.Fuzz(func(t *testing.T, six bool, b []byte) {
		proto := uint8(headers.IPv4)
		if six {
			proto = headers.IPv6
		}
		got := w.judge("a--b", proto, b)
		if len(got.packet) > 200*headers.Max || (got.kind == "") != (got.intent == "") {
			t.Fatalf("%+v", got)
		}
	})
}
