package compile

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/bgp/lsdb"
	"github.com/keiro-net/keiro/bgp/lsdb/lsdbtest"
	"github.com/keiro-net/keiro/controller/live"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// r1 and r2 are routers without an agent; a takes its paths by BGP, b by gRPC.
//
//	r1 -- r2
//	|      |
//	a ---- b
const mixed = `apiVersion: keiro/v1
kind: Topology
metadata: {name: mixed}
spec:
  nodes:
    - {name: a, steering: bgp, routerID: 192.0.2.9}
    - {name: b}
    - {name: r1, agent: false, routerID: 192.0.2.1}
    - {name: r2, agent: false, routerID: 192.0.2.2}
  links:
    - {a: a, b: b, interfaces: {a: eth1, b: eth1}}
    - {a: a, b: r1, interfaces: {a: eth2, b: eth1}, addresses: {a: 2001:db8:a::1, b: 2001:db8:a::2}}
    - {a: r1, b: r2, interfaces: {a: eth2, b: eth1}}
    - {a: r2, b: b, interfaces: {a: eth2, b: eth2}, addresses: {a: 2001:db8:b::1, b: 2001:db8:b::2}}
`

// mixedWith is the topology, after an edit, with what is learned.
func mixedWith(t *testing.T, edit func(*topology.Topology), learned ...string) Input {
	t.Helper()
	topo, err := topology.Parse("mixed.yaml", []byte(mixed))
	if err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		edit(topo)
	}
	s := &lsdbtest.Stage{DB: lsdb.New(), Now: lsdbtest.Start}
	for _, line := range append([]string{"r up", "r node l2 1 name=r1 te=192.0.2.1,2001:db8::1", "r node l2 2 name=r2 te=192.0.2.2"}, learned...) {
		if printed, _ := s.Do(strings.Fields(line)); printed != "" {
			t.Fatal(line, printed)
		}
	}
	joined := live.Join(topo, s.DB.View())
	ids, err := Allocate(IDs{}, topo, []pathspec.Intent{{Name: "gold"}, {Name: "silver"}})
	if err != nil {
		t.Fatal(err)
	}
	return Input{Topology: joined.Topology, IDs: ids, SIDs: joined.SIDs, MTU: map[string]int{}}
}

// heads are what the headends of mixed are told of one intent, after an edit.
func heads(t *testing.T, edit func(*Input), learned ...string) string {
	t.Helper()
	in := mixedWith(t, nil, learned...)
	in.Policies = []Policy{{
		Intent:  "gold",
		Traffic: []pathspec.Selector{{From: netip.MustParsePrefix("10.1.0.0/16"), To: netip.MustParsePrefix("10.2.0.0/16")}},
		Paths:   []pathspec.Path{{Nodes: []string{"a", "b", "r2"}, Links: []string{"a--b", "r2--b"}}},
		Serving: []bool{true}, Ends: []End{{Node: "a"}, {Node: "r2", Reverse: true}},
	}}
	if edit != nil {
		edit(&in)
	}
	for _, cfg := range Configs(in) {
		if n, _ := in.Topology.Node(cfg.Node); in.Topology.Nodes[n].Steering == topology.ByBGP && len(cfg.Policies) > 0 {
			t.Errorf("the Config of %s has policies, and it is told them by BGP", cfg.Node)
		}
	}
	return show(Headends(in))
}

func show(heads []Headend) string {
	var b strings.Builder
	for _, h := range heads {
		fmt.Fprintf(&b, "%s %v\n", h.Node, h.RouterID)
		for _, c := range h.Candidates {
			fmt.Fprintf(&b, "  %s color %d endpoint %v preference %d priority %d of %v", c.Name, c.Color, c.Endpoint, c.Preference.Value, c.Priority.Value, c.Paths)
			for _, l := range c.SegmentLists {
				fmt.Fprintf(&b, " [")
				for i, s := range l.Segments {
					fmt.Fprintf(&b, "%s%v/%d", strings.Repeat(" ", min(i, 1)), s.SID, s.Endpoint.Value.Behavior)
				}
				fmt.Fprintf(&b, "]")
				if l.Weight.Known {
					fmt.Fprintf(&b, "*%d", l.Weight.Value)
				}
			}
			if c.Unknown != "" {
				fmt.Fprintf(&b, " unknown: %s", c.Unknown)
			}
			fmt.Fprintf(&b, "\n")
		}
		for _, s := range h.Services {
			if fmt.Fprintf(&b, "  %v", s.Prefix); s.Unknown != "" {
				fmt.Fprintf(&b, " unknown: %s\n", s.Unknown)
				continue
			}
			fmt.Fprintf(&b, " by %v color %d to %v/%d\n", s.NextHop, s.Colors[0].Value, s.SID.Value.Addr, s.SID.Value.Behavior)
		}
		for _, r := range h.Refused {
			fmt.Fprintf(&b, "  not %s: %s\n", r.Intent, r.Why)
		}
	}
	return b.String()
}

var routers = []string{
	"r link l2 1 2 name=r1--r2 endx=5f00:9:1:e2::", "r link l2 2 1 endx=5f00:9:2:e1::/57",
	"r sid l2 2 5f00:9:2:: behavior=1", "r sid l2 2 5f00:9:2:d46:: behavior=20",
	"r sid l2 1 5f00:9:1:d6:: behavior=18", "r sid l2 1 5f00:9:1:d4:: behavior=19",
}

// A path is told at both ends: pinned from Linux, with the router's own End.X from a
// router; it ends where the tail decapsulates.
func TestHeadends(t *testing.T) {
	for _, test := range []struct {
		name    string
		edit    func(*Input)
		learned []string
		want    string
	}{
		{"between an agent and a router whose link is not learned", nil, routers, `
a 192.0.2.9
  gold/0 color 1000001 endpoint 5f00:9:2:: preference 1000 priority 128 of [0] [5f00:0:2:8001::/1 5f00:0:2:4002::/5]*1
  gold/fence color 1000001 endpoint 5f00:9:2:: preference 1 priority 128 of []
  10.2.0.0/16 by 5f00:9:2:: color 1000001 to 5f00:9:2:d46::/20
r1 192.0.2.1
r2 192.0.2.2
  gold/0 color 1000001 endpoint 5f00:0:1::1 preference 1000 priority 128 of [0] unknown: no SID of router r2 over link r2--b is learned: BGP-LS must tell of an End.X for it, or an agent must run there
  gold/fence color 1000001 endpoint 5f00:0:1::1 preference 1 priority 128 of []
  10.1.0.0/16 by 5f00:0:1::1 color 1000001 to 5f00:0:1:4::/17
`},
		{"between routers", func(in *Input) {
			in.Policies[0].Paths[0] = pathspec.Path{Nodes: []string{"r1", "r2"}, Links: []string{"r1--r2"}}
			in.Policies[0].Ends = []End{{Node: "r1"}, {Node: "r2", Reverse: true}}
			in.Policies[0].Priority = 28
		}, routers, `
a 192.0.2.9
r1 192.0.2.1
  gold/0 color 1000001 endpoint 5f00:9:2:: preference 1000 priority 100 of [0] [5f00:9:1:e2::/0]*1
  gold/fence color 1000001 endpoint 5f00:9:2:: preference 1 priority 100 of []
  10.2.0.0/16 by 5f00:9:2:: color 1000001 to 5f00:9:2:d46::/20
r2 192.0.2.2
  gold/0 color 1000001 endpoint 2001:db8::1 preference 1000 priority 100 of [0] [5f00:9:2:e1::/0]*1
  gold/fence color 1000001 endpoint 2001:db8::1 preference 1 priority 100 of []
  10.1.0.0/16 by 2001:db8::1 color 1000001 to 5f00:9:1:d4::/19
`},
		{"two ways, one of which does not serve", func(in *Input) {
			p := &in.Policies[0]
			near := pathspec.Path{Nodes: []string{"a", "b"}, Links: []string{"a--b"}}
			p.Paths, p.Serving = []pathspec.Path{near, near, near}, []bool{true, false, true}
			p.Ends = []End{{Node: "a"}, {Node: "b", Reverse: true}}
		}, nil, `
a 192.0.2.9
  gold/0 color 1000001 endpoint 5f00:0:2::1 preference 1000 priority 128 of [0] [5f00:0:2:8001::/1]*1
  gold/2 color 1000001 endpoint 5f00:0:2::1 preference 998 priority 128 of [2] [5f00:0:2:8001::/1]*1
  gold/fence color 1000001 endpoint 5f00:0:2::1 preference 1 priority 128 of []
  10.2.0.0/16 by 5f00:0:2::1 color 1000001 to 5f00:0:2:4::/17
r1 192.0.2.1
r2 192.0.2.2
`},
		{"spread over the ways that are known", func(in *Input) {
			p := &in.Policies[0]
			p.Paths = append(p.Paths, pathspec.Path{Nodes: []string{"a", "r1", "r2"}, Links: []string{"a--r1", "r1--r2"}})
			p.Serving, p.Weights = []bool{true, true}, []int{3, 1}
		}, routers, `
a 192.0.2.9
  gold color 1000001 endpoint 5f00:9:2:: preference 1000 priority 128 of [0] [5f00:0:2:8001::/1 5f00:0:2:4002::/5]*3
  gold/fence color 1000001 endpoint 5f00:9:2:: preference 1 priority 128 of []
  10.2.0.0/16 by 5f00:9:2:: color 1000001 to 5f00:9:2:d46::/20
r1 192.0.2.1
r2 192.0.2.2
  gold color 1000001 endpoint 5f00:0:1::1 preference 1000 priority 128 of [0 1] unknown: no SID of router r1 over link a--r1 is learned: BGP-LS must tell of an End.X for it, or an agent must run there
  gold/fence color 1000001 endpoint 5f00:0:1::1 preference 1 priority 128 of []
  10.1.0.0/16 by 5f00:0:1::1 color 1000001 to 5f00:0:1:4::/17
`},
		{"no path yet: the packets are fenced all the same", func(in *Input) { in.Policies[0].Paths, in.Policies[0].Serving = nil, nil }, routers, `
a 192.0.2.9
  gold/fence color 1000001 endpoint 5f00:9:2:: preference 1 priority 128 of []
  10.2.0.0/16 by 5f00:9:2:: color 1000001 to 5f00:9:2:d46::/20
r1 192.0.2.1
r2 192.0.2.2
  gold/fence color 1000001 endpoint 5f00:0:1::1 preference 1 priority 128 of []
  10.1.0.0/16 by 5f00:0:1::1 color 1000001 to 5f00:0:1:4::/17
`},
		{"of IPv6, encrypted", func(in *Input) {
			in.Policies[0].Encryption = pathspec.PQ
			in.Policies[0].Traffic = []pathspec.Selector{{From: netip.MustParsePrefix("2001:db8:1::/48"), To: netip.MustParsePrefix("2001:db8:2::/48")}}
		}, routers, `
a 192.0.2.9
  gold/fence color 1000001 endpoint 5f00:9:2:: preference 1 priority 128 of []
  2001:db8:2::/48 by 5f00:9:2:: color 1000001 to 5f00:9:2:d46::/20
  not gold: BGP has no word for encryption pq: give it ` + "`steering: agent`" + `
r1 192.0.2.1
r2 192.0.2.2
  gold/fence color 1000001 endpoint 5f00:0:1::1 preference 1 priority 128 of []
  2001:db8:1::/48 by 5f00:0:1::1 color 1000001 to 5f00:0:1:6::/18
  not gold: BGP has no word for encryption pq: give it ` + "`steering: agent`" + `
`},
		{"nothing learned", nil, nil, `
a 192.0.2.9
  gold/0 color 1000001 endpoint invalid IP preference 1000 priority 128 of [0] unknown: no address of node r2 is learned by BGP-LS: neither an IPv6 router ID nor an End SID
  gold/fence color 1000001 endpoint invalid IP preference 1 priority 128 of [] unknown: no address of node r2 is learned by BGP-LS: neither an IPv6 router ID nor an End SID
  10.2.0.0/16 unknown: no address of node r2 is learned by BGP-LS: neither an IPv6 router ID nor an End SID
r1 192.0.2.1
r2 192.0.2.2
  gold/0 color 1000001 endpoint 5f00:0:1::1 preference 1000 priority 128 of [0] unknown: no SID of router r2 over link r2--b is learned: BGP-LS must tell of an End.X for it, or an agent must run there
  gold/fence color 1000001 endpoint 5f00:0:1::1 preference 1 priority 128 of []
  10.1.0.0/16 by 5f00:0:1::1 color 1000001 to 5f00:0:1:4::/17
`},
		{"several tables", nil, append(slices.Clone(routers), "r sid l2 2 5f00:9:2:d47:: behavior=20"), `
a 192.0.2.9
  gold/0 color 1000001 endpoint 5f00:9:2:: preference 1000 priority 128 of [0] unknown: no SID of router r2 that decapsulates is learned: BGP-LS must tell of exactly one End.DT46 or End.DT4
  gold/fence color 1000001 endpoint 5f00:9:2:: preference 1 priority 128 of []
  10.2.0.0/16 unknown: no SID of router r2 that decapsulates is learned: BGP-LS must tell of exactly one End.DT46 or End.DT4
r1 192.0.2.1
r2 192.0.2.2
  gold/0 color 1000001 endpoint 5f00:0:1::1 preference 1000 priority 128 of [0] unknown: no SID of router r2 over link r2--b is learned: BGP-LS must tell of an End.X for it, or an agent must run there
  gold/fence color 1000001 endpoint 5f00:0:1::1 preference 1 priority 128 of []
  10.1.0.0/16 by 5f00:0:1::1 color 1000001 to 5f00:0:1:4::/17
`},
	} {
		if got := heads(t, test.edit, test.learned...); got != strings.TrimPrefix(test.want, "\n") {
			t.Errorf("%s:\n%swant%s", test.name, got, test.want)
		}
	}
}

// What a colored route cannot say is refused, and names the other intent.
func TestConflicts(t *testing.T) {
	selector := func(from, to string) pathspec.Selector {
		return pathspec.Selector{From: netip.MustParsePrefix(from), To: netip.MustParsePrefix(to)}
	}
	for _, test := range []struct {
		name         string
		gold, silver []pathspec.Selector
		want         string // of the services and refusals of a
	}{
		{"the same", []pathspec.Selector{selector("10.1.0.0/16", "10.2.0.0/16")}, []pathspec.Selector{selector("10.1.0.0/16", "10.2.0.0/16")}, "1000001 10.2.0.0/16, not silver"},
		{"other sources", []pathspec.Selector{selector("10.1.0.0/16", "10.2.0.0/16")}, []pathspec.Selector{selector("10.3.0.0/16", "10.2.0.0/16")}, "1000001 10.2.0.0/16, not silver"},
		{"a part of the destinations, other sources", []pathspec.Selector{selector("10.1.0.0/16", "10.2.0.0/16")}, []pathspec.Selector{selector("10.1.1.0/24", "10.2.1.0/24")}, "1000001 10.2.0.0/16, not silver"},
		{"a part of the destinations", []pathspec.Selector{selector("10.1.0.0/16", "10.2.0.0/16")}, []pathspec.Selector{selector("10.1.0.0/16", "10.2.1.0/24")}, "1000001 10.2.0.0/16, 1000002 10.2.1.0/24"},
		{"other destinations", []pathspec.Selector{selector("10.1.0.0/16", "10.2.0.0/16")}, []pathspec.Selector{selector("10.1.0.0/16", "10.4.0.0/16")}, "1000001 10.2.0.0/16, 1000002 10.4.0.0/16"},
		{"one of two", []pathspec.Selector{selector("10.1.0.0/16", "10.2.0.0/16")}, []pathspec.Selector{selector("10.3.0.0/16", "10.2.0.0/16"), selector("10.3.0.0/16", "10.4.0.0/16")},
			"1000001 10.2.0.0/16, 1000002 10.4.0.0/16, not silver"},
		{"two sources of one intent", []pathspec.Selector{selector("10.1.0.0/16", "10.2.0.0/16"), selector("10.3.0.0/16", "10.2.0.0/16")}, nil, "1000001 10.2.0.0/16"},
	} {
		var got []string
		shown := heads(t, func(in *Input) {
			in.Policies[0].Traffic = test.gold
			in.Policies[0].Paths[0] = pathspec.Path{Nodes: []string{"a", "b"}, Links: []string{"a--b"}}
			in.Policies[0].Ends = []End{{Node: "a"}, {Node: "b", Reverse: true}}
			silver := in.Policies[0]
			if silver.Intent, silver.Traffic = "silver", test.silver; test.silver != nil {
				in.Policies = []Policy{silver, in.Policies[0]} // the older one keeps the prefix
			}
			for _, s := range Headends(*in)[0].Services {
				got = append(got, fmt.Sprintf("%d %v", s.Colors[0].Value, s.Prefix))
			}
			for _, r := range Headends(*in)[0].Refused {
				got = append(got, "not "+r.Intent)
				if !strings.Contains(r.Why, "intent gold") {
					t.Errorf("%s: %s", test.name, r.Why)
				}
			}
		})
		if strings.Join(got, ", ") != test.want {
			t.Errorf("%s: %v, want %s\n%s", test.name, got, test.want, shown)
		}
	}
}

// Where the paths of an intent end at several nodes, no route can say so. Its packets
// are fenced.
func TestSeveralTails(t *testing.T) {
	got := heads(t, func(in *Input) {
		p := &in.Policies[0]
		p.Paths, p.Serving = append(p.Paths, pathspec.Path{Nodes: []string{"a", "b"}, Links: []string{"a--b"}}), []bool{true, false}
		p.Ends = []End{{Node: "a"}, {Node: "b", Reverse: true}, {Node: "r2", Reverse: true}}
	}, routers...)
	if !strings.Contains(got, "not gold: its paths end at r2 and b") || !strings.HasPrefix(got, fencedAtA) {
		t.Error(got)
	}
}

// fencedAtA is what a is told of an intent to r2 of which it begins no path.
const fencedAtA = `a 192.0.2.9
  gold/fence color 1000001 endpoint 5f00:9:2:: preference 1 priority 128 of []
  10.2.0.0/16 by 5f00:9:2:: color 1000001 to 5f00:9:2:d46::/20
`

// A node of a site at which no path begins fences the packets of the intent, like an
// agent: also where none stands, and another site has several nodes.
func TestFencedWithoutPath(t *testing.T) {
	for _, paths := range [][]pathspec.Path{nil, {{Nodes: []string{"b", "r2"}, Links: []string{"r2--b"}}}} {
		got := heads(t, func(in *Input) {
			p := &in.Policies[0]
			p.Paths, p.Serving = paths, make([]bool, len(paths))
			p.Ends = []End{{Node: "a"}, {Node: "b"}, {Node: "r2", Reverse: true}, {Node: "r1", Reverse: true}}
		}, routers...)
		if !strings.HasPrefix(got, fencedAtA) {
			t.Error(got)
		}
	}
}

// A set whose paths do not all end at one node is nothing for a node that is told by BGP.
func TestSplit(t *testing.T) {
	heads(t, func(in *Input) {
		toB, toR2 := pathspec.Path{Nodes: []string{"a", "b"}}, pathspec.Path{Nodes: []string{"a", "b", "r2"}}
		if why := in.Split([]pathspec.Path{toB, toR2}); !strings.HasPrefix(why, "node a is told its paths by BGP: its paths end at b and r2") {
			t.Error(why)
		}
		for _, one := range [][]pathspec.Path{{toR2, toR2}, {{Nodes: []string{"b", "a"}}, {Nodes: []string{"b", "r2"}}}} {
			if why := in.Split(one); why != "" {
				t.Error(why)
			}
		}
	}, routers...)
}

// A distinguisher says what a path is: the same for the same, another for another.
func TestDistinguisher(t *testing.T) {
	of := func(edit func(*Input)) (all []uint32) {
		heads(t, func(in *Input) {
			if edit != nil {
				edit(in)
			}
			for _, c := range Headends(*in)[0].Candidates {
				all = append(all, c.Distinguisher)
			}
		}, routers...)
		return all
	}
	one, again := of(nil), of(nil)
	if !slices.Equal(one, again) || len(one) != 2 || one[0] == one[1] || slices.Contains(one, 0) {
		t.Errorf("%v, then %v", one, again)
	}
	for name, edit := range map[string]func(*Input){
		"another SID": func(in *Input) { in.IDs.Links["b"]["r2--b"] = 77 },
		"another preference": func(in *Input) {
			p := &in.Policies[0]
			p.Paths, p.Serving = append(p.Paths, p.Paths[0]), []bool{false, true}
		},
		"another weight":   func(in *Input) { in.Policies[0].Weights = []int{2} },
		"another priority": func(in *Input) { in.Policies[0].Priority = 9 },
	} {
		if other := of(edit); other[0] == one[0] {
			t.Errorf("%s: %v, as before", name, other)
		}
	}
}
