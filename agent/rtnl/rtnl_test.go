package rtnl

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/internal/testnet"
	"github.com/keiro-net/keiro/agent/nodecfg"
)

// config is a Config that has objects of every kind on interface eth1.
func config() *nodecfg.Config {
	peer := netip.MustParsePrefix("5f00:0:2::/48")
	return &nodecfg.Config{
		Revision: 1, Node: "a", Locator: netip.MustParsePrefix("5f00:0:1::/48"),
		Links:    []nodecfg.Link{{Name: "a--b", Interface: "eth1", Peer: "b", ID: 3, PeerID: 4, PeerLocator: peer}},
		Underlay: []nodecfg.Underlay{{To: peer, Link: "a--b"}},
		Policies: []nodecfg.Policy{{
			Intent: "gold", ID: 7,
			Traffic: []nodecfg.Selector{
				{From: netip.MustParsePrefix("10.1.0.0/16"), To: netip.MustParsePrefix("10.2.0.0/16"), Pref: 9},
				{From: netip.MustParsePrefix("0.0.0.0/0"), To: netip.MustParsePrefix("10.3.0.0/16"), Pref: 9},
				{From: netip.MustParsePrefix("2001:db8:1::/48"), To: netip.MustParsePrefix("::/0"), Pref: 9},
			},
			Paths: []nodecfg.Path{
				{Name: "gold/0", Link: "a--b", Segments: []netip.Addr{nodecfg.IngressEnd(peer, 4)}, Tail: peer, MTU: 1400},
				{Name: "gold/1", Link: "a--b", Segments: []netip.Addr{nodecfg.IngressEnd(peer, 4), nodecfg.End(peer)}, Tail: peer},
			},
		}},
	}
}

// spread is config with flows spread over its paths.
func spread() *nodecfg.Config {
	cfg := config()
	p := &cfg.Policies[0]
	p.Mode, p.Paths[0].Weight, p.Paths[1].Weight = nodecfg.Spread, 3, nodecfg.MaxWeight
	return cfg
}

func open(t *testing.T) (*testnet.Namespace, *Handle) {
	t.Helper()
	ns, far := testnet.New(t), testnet.New(t)
	testnet.Cable(ns, "eth1", far, "eth1")
	h, err := OpenAt(ns.FD)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return ns, h
}

func observe(t *testing.T, h *Handle, want nodecfg.State) nodecfg.State {
	t.Helper()
	seen, err := h.Observe(want)
	if err != nil {
		t.Fatal(err)
	}
	return seen.State
}

func reach(t *testing.T, h *Handle, want nodecfg.State) {
	t.Helper()
	for _, op := range nodecfg.Plan(observe(t, h, want), want) {
		if err := h.Apply(op); err != nil {
			t.Fatalf("%s: %v", op, err)
		}
	}
}

// What is applied is what is observed, in every word.
func TestStateIsWhatWasApplied(t *testing.T) {
	_, h := open(t)
	cfg := config()
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	want := cfg.Desired(nil)
	reach(t, h, want)
	if have := observe(t, h, want); have.String() != want.String() {
		t.Fatalf("have:\n%s\nwant:\n%s", have, want)
	}

	// Another MTU, other segments: replaced in place.
	cfg.Policies[0].Paths[0].MTU = 1300
	cfg.Policies[0].Paths[1].Segments = cfg.Policies[0].Paths[1].Segments[:1]
	want = cfg.Desired(nil)
	for _, op := range nodecfg.Plan(observe(t, h, want), want) {
		if op.Verb != nodecfg.Replace {
			t.Errorf("not a replacement: %s", op)
		}
	}
	reach(t, h, want)
	if have := observe(t, h, want); have.String() != want.String() {
		t.Fatalf("after replacing, have:\n%s\nwant:\n%s", have, want)
	}

	// Every operation may come twice.
	for _, op := range nodecfg.Plan(nil, want) {
		for range 2 {
			op.Verb = nodecfg.Replace
			if err := h.Apply(op); err != nil {
				t.Errorf("%s: %v", op, err)
			}
		}
	}
	for _, op := range nodecfg.Plan(want, nil) {
		for range 2 {
			if err := h.Apply(op); err != nil {
				t.Errorf("%s: %v", op, err)
			}
		}
	}
	for _, op := range nodecfg.Plan(observe(t, h, want), nil) {
		t.Errorf("left: %s", op)
	}
}

// So it is where flows are spread, with all paths, with one, and back.
func TestSpreadIsWhatWasApplied(t *testing.T) {
	ns, h := open(t)
	cfg := spread()
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	plain, one, both := config().Desired(nil), cfg.Desired(map[string]bool{"gold/0": true}), cfg.Desired(nil)
	is := func(what string, want nodecfg.State) {
		t.Helper()
		if have := observe(t, h, want); have.String() != want.String() {
			t.Fatalf("%s, have:\n%s\nwant:\n%s", what, have, want)
		}
	}
	for _, want := range []nodecfg.State{both, one, both, plain, both, one, plain} {
		reach(t, h, want)
		is("reached", want)
	}
	reach(t, h, both)
	for range 2 { // whatever is there before
		for _, op := range nodecfg.Plan(nil, both) {
			if err := h.Apply(op); err != nil && !errors.Is(err, unix.EEXIST) {
				t.Errorf("%s: %v", op, err)
			}
		}
	}
	is("applied again", both)
	// A next hop without carrier is the same next hop.
	ns.Down("eth1")
	ns.Up("eth1")
	reach(t, h, both)
	is("after the interface was down", both)
}

// What others made is neither seen nor overwritten.
func TestForeignObjectsStay(t *testing.T) {
	ns, h := open(t)
	eth1 := ns.Link("eth1").Attrs().Index
	to := netip.MustParsePrefix("5f00:0:2::/48")
	foreign := &netlink.Route{LinkIndex: eth1, Dst: netlink.NewIPNet(to.Addr().AsSlice()), Priority: 1024}
	foreign.Dst.Mask = []byte{255, 255, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	if err := ns.Netlink().RouteAdd(foreign); err != nil {
		t.Fatal(err)
	}
	ns.Addr(netip.MustParseAddr("5f00:0:1::99"))
	rule := netlink.NewRule()
	rule.Family, rule.Table, rule.Priority = unix.AF_INET, nodecfg.TableBase+7, nodecfg.RulePrefBase+9
	if err := ns.Netlink().RuleAdd(rule); err != nil {
		t.Fatal(err)
	}
	if have := observe(t, h, nil); len(have) != 0 {
		t.Errorf("foreign objects observed as ours:\n%s", have)
	}
	mine := nodecfg.Route{Table: nodecfg.MainTable, To: to, Metric: 1024, Dev: "eth1"}
	err := h.Apply(nodecfg.Op{Verb: nodecfg.Add, Object: mine})
	if !errors.Is(err, unix.EEXIST) || !strings.Contains(err.Error(), "not Keiro's") {
		t.Errorf("adding over a foreign route: %v", err)
	}
	if err := h.Apply(nodecfg.Op{Verb: nodecfg.Delete, Object: mine}); err != nil {
		t.Errorf("deleting what is not ours: %v", err)
	}
	if routes, err := ns.Netlink().RouteListFiltered(unix.AF_INET6, foreign, netlink.RT_FILTER_DST); err != nil || len(routes) != 1 {
		t.Errorf("foreign route: %v, %v", routes, err)
	}
}

// Errors say what the kernel says, and which interface is missing.
func TestErrorsOfTheKernel(t *testing.T) {
	_, h := open(t)
	main := nodecfg.Route{Table: nodecfg.MainTable, To: netip.MustParsePrefix("2001:db8::/32"), Metric: 1024, Dev: "eth1"}
	far, none, group := main, main, main
	group.Via = netip.MustParseAddr("ff02::1")
	far.Via = netip.MustParseAddr("2001:db8:ffff::1")
	none.Dev = "eth9"
	for _, test := range []struct {
		object nodecfg.Object
		want   string
	}{
		{far, "no route to host"},
		{none, "interface eth9: no such device"},
		{nodecfg.Addr{Addr: netip.MustParsePrefix("5f00::1/128"), Dev: "eth9"}, "interface eth9: no such device"},
		{nodecfg.Sysctl{Name: "net/ipv4/conf/eth9/rp_filter", Value: "0"}, "no such file"},
		{group, "invalid argument: Invalid gateway address"},
	} {
		err := h.Apply(nodecfg.Op{Verb: nodecfg.Add, Object: test.object})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want one with %q", test.object, err, test.want)
		}
	}
}
