package router

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/srpolicy/report"
	"github.com/keiro-net/keiro/lab/router/rib"
)

func addrs(words ...string) (out []netip.Addr) {
	for _, w := range words {
		out = append(out, netip.MustParseAddr(w))
	}
	return out
}

// two is a router with two links, of which the second may be down.
func two(t *testing.T, up bool) (*Config, ports) {
	t.Helper()
	routers, err := Parse("two.yaml", []byte(good))
	if err != nil {
		t.Fatal(err)
	}
	return routers[0], ports{{true, netip.MustParseAddr("fd00:1::")}, {up, netip.MustParseAddr("fd00:2::1")}}
}

var (
	red   = rib.Policy{Color: 7, Endpoint: netip.MustParseAddr("5f00:0:9::1")}
	long  = rib.Candidate{Policy: red, Distinguisher: 1, Preference: 100, Lists: []rib.SegmentList{{Weight: 1, Segments: addrs("5f00:0:3:e001::", "5f00:0:8:1::")}}}
	best  = rib.Candidate{Policy: red, Distinguisher: 2, Preference: 200, Lists: []rib.SegmentList{{Weight: 1, Segments: addrs("5f00:0:3:e002::")}}}
	fence = rib.Candidate{Policy: red, Distinguisher: 3, Preference: 1, Drop: true}
	lost  = rib.Candidate{Policy: red, Distinguisher: 4, Preference: 300, Lists: []rib.SegmentList{{Weight: 1, Segments: addrs("5f00:0:5:e001::")}}}
	route = rib.Colored{Prefix: netip.MustParsePrefix("10.9.0.0/16"), NextHop: red.Endpoint, Colors: []uint32{9, 7}, Service: netip.MustParseAddr("5f00:0:9:d4::")}
)

func TestSteer(t *testing.T) {
	bare := route
	bare.Service = netip.Addr{}
	elsewhere := route
	elsewhere.NextHop = netip.MustParseAddr("5f00:0:7::1")
	for _, tt := range []struct {
		name       string
		up         bool
		candidates []rib.Candidate
		route      rib.Colored
		want       string // interface and segments, drop, or nothing
		refused    string
		active     uint32 // distinguisher
	}{
		{"the greater preference", true, []rib.Candidate{long, best}, route, "eth2 5f00:0:9:d4::", "", 2},
		{"its link is down", false, []rib.Candidate{long, best}, route, "eth1 5f00:0:8:1:: 5f00:0:9:d4::", "eth2 is down", 1},
		{"not ours", true, []rib.Candidate{lost, long}, route, "eth1 5f00:0:8:1:: 5f00:0:9:d4::", "no End.X of this router", 1},
		{"a fence behind it", true, []rib.Candidate{fence, long}, route, "eth1 5f00:0:8:1:: 5f00:0:9:d4::", "", 1},
		{"only the fence", true, []rib.Candidate{fence}, route, "drop", "", 0},
		{"the fence, as the path is not valid", false, []rib.Candidate{fence, best}, route, "drop", "eth2 is down", 0},
		{"no policy", true, nil, route, "", "no valid policy", 0},
		{"of another endpoint", true, []rib.Candidate{best}, elsewhere, "", "no valid policy", 2},
		{"nothing decapsulates", true, []rib.Candidate{best}, bare, "", "nothing would decapsulate it", 2},
		{"a segment does", true, []rib.Candidate{long}, bare, "eth1 5f00:0:8:1::", "", 1},
		{"an empty list", true, []rib.Candidate{{Policy: red, Lists: []rib.SegmentList{{}}}}, route, "", "is empty", 0},
	} {
		cfg, at := two(t, tt.up)
		out, paths, refused := cfg.steer(at, tt.candidates, []rib.Colored{tt.route})
		got := ""
		for _, s := range out {
			switch {
			case s.to != tt.route.Prefix:
				t.Errorf("%s: steers %v", tt.name, s.to)
			case s.drop:
				got += "drop"
			default:
				got += cfg.Links[s.link].Interface + " " + rib.Join(s.segments)
			}
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		if why := strings.Join(refused, "; "); !strings.Contains(why, tt.refused) || tt.refused == "" && why != "" {
			t.Errorf("%s: refused: %q", tt.name, why)
		}
		for _, p := range paths {
			if p.active != (p.Distinguisher == tt.active && tt.active != 0) || p.dropping != (tt.want == "drop" && p.Drop) {
				t.Errorf("%s: %+v", tt.name, p)
			}
		}
	}
}

// Of several segment lists one is used, and no more is reported.
func TestReportOneList(t *testing.T) {
	cfg, at := two(t, true)
	c := best
	c.Lists = []rib.SegmentList{{Weight: 1, Segments: addrs("5f00:0:3:e001::")}, {Weight: 3, Segments: addrs("5f00:0:3:e002::")}}
	_, paths, _ := cfg.steer(at, []rib.Candidate{c}, nil)
	objects, err := cfg.report(paths)
	if err != nil || len(objects) != 1 {
		t.Fatal(objects, err)
	}
	routes, faults := ls.DecodeNLRIs([]byte(objects[0].key), ls.Family{})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	attribute, _ := ls.DecodeAttribute([]byte(objects[0].attr)[3:], report.CandidatePathType)
	state, faults, ok := report.Decode(routes[0].NLRI.(ls.Opaque), attribute.(*ls.OpaqueAttribute).Raw)
	if !ok || len(faults) > 0 || len(state.SegmentLists) != 2 || state.Status.Value.Flags&report.Active == 0 {
		t.Fatalf("%+v %v", state, faults)
	}
	for i, used := range []bool{false, true} {
		if l := state.SegmentLists[i]; (l.Flags&report.ListResolved != 0) != used {
			t.Errorf("list %d: %b", i, l.Flags)
		}
	}
}

// Two routes whose packets begin with one SID over different links: the kernel
// could not tell them apart.
func TestSteerOneSIDTwoLinks(t *testing.T) {
	cfg, at := two(t, true)
	blue := best
	blue.Color = 8
	blue.Lists = []rib.SegmentList{{Weight: 1, Segments: addrs("5f00:0:3:e001::")}}
	other := route
	other.Prefix, other.Colors = netip.MustParsePrefix("10.10.0.0/16"), []uint32{8}
	out, _, refused := cfg.steer(at, []rib.Candidate{best, blue}, []rib.Colored{route, other})
	if len(out) != 1 || len(refused) != 1 || !strings.Contains(refused[0], "is led over eth2 for another route") {
		t.Errorf("%v %v", out, refused)
	}
}

// What gobgp encodes is what is meant: read by decoders that are not its own.
func TestLinkState(t *testing.T) {
	cfg, at := two(t, false)
	objects, err := cfg.linkState(at)
	if err != nil {
		t.Fatal(err)
	}
	var links []*ls.LinkAttribute
	for _, o := range objects {
		routes, faults := ls.DecodeNLRIs([]byte(o.key), ls.Family{})
		if len(faults) > 0 || len(routes) != 1 {
			t.Fatalf("%x: %v", o.key, faults)
		}
		const head = 4 // flags, type, and an extended length
		value := []byte(o.attr)[head:]
		if o.attr[0]&0x10 == 0 {
			value = []byte(o.attr)[head-1:]
		}
		attribute, faults := ls.DecodeAttribute(value, routes[0].NLRI.Type())
		if len(faults) > 0 {
			t.Fatalf("%v: %v", routes[0].NLRI, faults)
		}
		switch a := attribute.(type) {
		case *ls.NodeAttribute:
			if a.Name != "two" || !slices.Equal(a.IPv6RouterIDs, addrs("5f00:0:3::1")) || !a.SRv6Capabilities.Known {
				t.Errorf("%+v", a)
			}
		case *ls.PrefixAttribute:
			if _, locator := a.Locator.Get(); !locator {
				t.Errorf("%+v", a)
			}
		case *ls.LinkAttribute:
			links = append(links, a)
		}
	}
	// The second is down.
	if len(objects) != 1+1+3+1 || len(links) != 1 {
		t.Fatalf("%d objects, %d links", len(objects), len(links))
	}
	l := links[0]
	if len(l.EndX) != 1 || l.EndX[0].SID != netip.MustParseAddr("5f00:0:3:e001::") || l.EndX[0].Behavior != ls.BehaviorEndX || l.EndX[0].Structure.Value.Function != 16 ||
		!l.MaxBandwidth.Value.Agrees(400e6) || l.Delay.Value.Delay != 2235 || !slices.Equal(l.SRLGs, []uint32{104}) || l.IGPMetric.Value.Metric != 10 {
		t.Errorf("%+v", l)
	}
}
