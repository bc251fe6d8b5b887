package rtnl

import (
	"fmt"
	"net/netip"
	"reflect"
	"testing"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

func serialize(parts ...nl.NetlinkRequestData) []byte {
	var b []byte
	for _, p := range parts {
		b = append(b, p.Serialize()...)
		for len(b)%4 != 0 {
			b = append(b, 0)
		}
	}
	return b
}

// nameOf and indexOf are the interfaces of these tests: if1, if2 and so on.
func nameOf(index uint32) string {
	if index == 0 {
		return ""
	}
	return fmt.Sprint("if", index)
}

func indexOf(name string) (index uint32, err error) {
	_, err = fmt.Sscanf(name, "if%d", &index)
	return index, err
}

func drawRoute(t *rapid.T) nodecfg.Route {
	sid := func() netip.Addr {
		return netip.AddrFrom16([16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "sid")))
	}
	seg6 := func() nodecfg.Seg6 {
		addrs := rapid.SliceOfN(rapid.Custom(func(*rapid.T) netip.Addr { return sid() }), 1, 127).Draw(t, "segments")
		return nodecfg.Seg6{Mode: rapid.SampledFrom(seg6Modes).Draw(t, "mode"), Segments: nodecfg.SegmentsOf(addrs...)}
	}
	r := nodecfg.Route{
		Table:  rapid.Uint32Range(1, 1<<32-1).Draw(t, "table"),
		To:     netip.MustParsePrefix(rapid.SampledFrom([]string{"10.0.0.0/8", "0.0.0.0/0", "::/0", "5f00::/48", "::1/128"}).Draw(t, "to")),
		Metric: rapid.Uint32().Draw(t, "metric"),
	}
	switch rapid.IntRange(0, 5).Draw(t, "kind") {
	case 0:
		r.Type = nodecfg.Unreachable
		return r
	case 1:
		r.Via = r.To.Addr()
	case 2:
		r.Encap = seg6()
	case 3:
		e := nodecfg.Seg6Local{Action: rapid.SampledFrom(seg6Actions[1:]).Draw(t, "action"), Count: rapid.Bool().Draw(t, "count"),
			Table: rapid.Uint32().Draw(t, "local table")}
		if rapid.Bool().Draw(t, "next hop") {
			e.NextHop = sid()
		}
		r.Encap = e
	case 4:
		var hops []nodecfg.Hop
		for range rapid.IntRange(1, 8).Draw(t, "hops") {
			h := nodecfg.Hop{Dev: nameOf(rapid.Uint32Range(1, 1<<31).Draw(t, "dev")), Weight: rapid.IntRange(1, nodecfg.MaxWeight).Draw(t, "weight")}
			if rapid.Bool().Draw(t, "via") {
				h.Via = r.To.Addr()
			}
			if rapid.Bool().Draw(t, "encap") {
				h.Encap = seg6()
			}
			hops = append(hops, h)
		}
		r.Hops = nodecfg.HopsOf(hops...)
	}
	r.MTU = rapid.IntRange(0, 65535).Draw(t, "mtu")
	return r
}

// What is encoded is decoded the same.
func TestRouteEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawRoute(t)
		parts, err := encodeRoute(want, indexOf)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeRoute(serialize(parts...))
		if err != nil || got.named(nameOf) != want || got.protocol != nodecfg.RouteProtocol {
			t.Fatalf("got %v, %v, want %v", got.named(nameOf), err, want)
		}
	})
}

// fence is a rule that answers with unreachable.
var fence = nodecfg.Rule{From: netip.MustParsePrefix("10.1.0.0/16"), To: netip.MustParsePrefix("10.2.0.0/16"), Pref: nodecfg.LastRulePref}

func TestRuleEncoding(t *testing.T) {
	want := config().Desired(nil)
	want.Add(fence)
	for _, want := range want {
		if want, ok := want.(nodecfg.Rule); ok {
			got, protocol, err := decodeRule(serialize(encodeRule(want)...))
			if err != nil || got != want || protocol != nodecfg.RouteProtocol {
				t.Errorf("got %v, protocol %d, %v, want %v", got, protocol, err, want)
			}
		}
	}
}

// Attributes that nobody knows yet are passed over, wherever they are.
func TestUnknownAttributes(t *testing.T) {
	want := nodecfg.Route{Table: 254, To: netip.MustParsePrefix("5f00::/48"), Metric: 1,
		Encap: nodecfg.Seg6Local{Action: "End", Count: true}}
	body := nl.NewRtAttr(unix.RTA_ENCAP|unix.NLA_F_NESTED, nil)
	if err := encodeSeg6Local(body, want.Encap.(nodecfg.Seg6Local)); err != nil {
		t.Fatal(err)
	}
	flavors := body.AddRtAttr(11|unix.NLA_F_NESTED, nil)
	flavors.AddRtAttr(1, u32(2))
	body.AddRtAttr(999, []byte{1})
	msg := nl.NewRtMsg()
	key := routeKey(msg, want)
	got, err := decodeRoute(serialize(append([]nl.NetlinkRequestData{msg, nl.NewRtAttr(777, []byte{1, 2, 3}), body,
		nl.NewRtAttr(unix.RTA_ENCAP_TYPE, []byte{unix.LWTUNNEL_ENCAP_SEG6_LOCAL, 0})}, key...)...))
	if err != nil || got.Route != want {
		t.Errorf("got %v, %v, want %v", got.Route, err, want)
	}
}

func TestOldKernelAddresses(t *testing.T) {
	loopback := addr{prefix: netip.MustParsePrefix("::1/128")}
	sid := addr{prefix: netip.MustParsePrefix("5f00:0:1::1/128")}
	other := addr{prefix: netip.MustParsePrefix("2001:db8::1/64")}
	if ours := owned([]addr{loopback, sid, other}); !reflect.DeepEqual(ours, []addr{sid}) {
		t.Errorf("without marks: %v", ours)
	}
	loopback.proto = 1 // IFAPROT_KERNEL_LO
	if ours := owned([]addr{loopback, sid, other}); ours != nil {
		t.Errorf("with marks: %v", ours)
	}
}

// FuzzDecode feeds all decoders with foreign bytes: an answer or an error,
// and what decodes as a route of Keiro's kind encodes again.
func FuzzDecode(f *testing.F) {
	for _, o := range spread().Desired(nil) {
		switch o := o.(type) {
		case nodecfg.Route:
			parts, err := encodeRoute(o, func(string) (uint32, error) { return 7, nil })
			if err != nil {
				f.Fatal(err)
			}
			f.Add(serialize(parts...))
		case nodecfg.Rule:
			f.Add(serialize(encodeRule(o)...))
		}
	}
	link := nl.NewIfInfomsg(unix.AF_UNSPEC)
	f.Add(serialize(link, nl.NewRtAttr(unix.IFLA_IFNAME, nl.ZeroTerminated("eth1")), nl.NewRtAttr(unix.IFLA_CARRIER, []byte{1})))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = decodeAddr(b)
		_, _ = decodeLink(b)
		if rule, _, err := decodeRule(b); err == nil {
			again, _, err := decodeRule(serialize(encodeRule(rule)...))
			if rule.From.Addr().BitLen() == rule.To.Addr().BitLen() && (err != nil || again.Table != rule.Table || again.Pref != rule.Pref) {
				t.Errorf("rule %v became %v, %v", rule, again, err)
			}
		}
		if r, err := decodeRoute(b); err == nil {
			want := r.named(nameOf)
			if parts, err := encodeRoute(want, indexOf); err == nil {
				again, err := decodeRoute(serialize(parts...))
				if got := again.named(nameOf); err != nil || got.Encap != want.Encap || got.Hops != want.Hops || got.Metric != want.Metric {
					t.Errorf("route %v became %v, %v", want, got, err)
				}
			}
		}
		w := &Watcher{wake: make(chan struct{}, 1), links: make(chan Link, 1), handle: &Handle{}}
		w.messages(b)
	})
}
