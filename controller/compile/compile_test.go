package compile

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// A line a--b--c with a second cable between b and c.
const line = `apiVersion: keiro/v1
kind: Topology
metadata: {name: line}
spec:
  nodes: [{name: a}, {name: b}, {name: c}]
  links:
    - {a: a, b: b, interfaces: {a: eth1, b: eth1}}
    - {a: b, b: c, interfaces: {a: eth2, b: eth1}}
    - {a: b, b: c, metric: 5, interfaces: {a: eth3, b: eth2}}
`

func parse(t *testing.T, text string) (*topology.Topology, IDs) {
	t.Helper()
	topo, err := topology.Parse("line.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	ids, err := Allocate(IDs{}, topo, []pathspec.Intent{{Name: "gold"}})
	if err != nil {
		t.Fatal(err)
	}
	return topo, ids
}

func compiled(t *testing.T, edit func(*Input)) []*nodecfg.Config {
	t.Helper()
	topo, ids := parse(t, line)
	in := Input{Topology: topo, IDs: ids, MTU: map[string]int{"a--b": 1500, "b--c": 9000}, Policies: []Policy{{
		Intent:  "gold",
		Traffic: []pathspec.Selector{{From: netip.MustParsePrefix("10.1.0.0/16"), To: netip.MustParsePrefix("10.3.0.0/16")}},
		Paths:   []pathspec.Path{{Nodes: []string{"a", "b", "c"}, Links: []string{"a--b", "b--c"}}},
		Serving: []bool{true},
		Ends:    []End{{Node: "a"}, {Node: "c", Reverse: true}},
	}}}
	if edit != nil {
		edit(&in)
	}
	configs := Configs(in)
	for _, cfg := range configs {
		cfg.Revision = 1 // the caller's
		if err := cfg.Validate(); err != nil {
			t.Errorf("a Config that its agent must refuse: %v", err)
		}
	}
	return configs
}

func addrs(text ...string) []netip.Addr {
	var out []netip.Addr
	for _, s := range text {
		out = append(out, netip.MustParseAddr(s))
	}
	return out
}

// The SIDs of a path: pinned first link, one End.X a further link; the way
// back begins with the tail's End.X.
func TestPath(t *testing.T) {
	configs := compiled(t, nil)
	there, back := configs[0].Policies[0].Paths[0], configs[2].Policies[0].Paths[0]
	if want := addrs("5f00:0:2:8001::", "5f00:0:2:4002::"); !reflect.DeepEqual(there.Segments, want) {
		t.Errorf("segments %v, want %v", there.Segments, want)
	}
	if want := addrs("5f00:0:3:4001::", "5f00:0:2:4001::"); !reflect.DeepEqual(there.Return, want) {
		t.Errorf("return %v, want %v", there.Return, want)
	}
	if want := addrs("5f00:0:2:8002::", "5f00:0:2:4001::"); !reflect.DeepEqual(back.Segments, want) {
		t.Errorf("segments back %v, want %v", back.Segments, want)
	}
	// 1500 less outer header 40, SRH 8, and 2 of 3 SIDs.
	if there.MTU != 1500-40-8-2*16 {
		t.Errorf("MTU %d", there.MTU)
	}
	if got := configs[2].Policies[0].Traffic[0].From.String(); got != "10.3.0.0/16" {
		t.Errorf("at the far end traffic is from %s", got)
	}
	if len(configs[1].Policies) != 0 {
		t.Error("a transit node has a policy")
	}
}

func TestNoPathLeavesTheFence(t *testing.T) {
	for name, edit := range map[string]func(*Input){
		"does not serve":      func(in *Input) { in.Policies[0].Serving[0] = false },
		"link has left":       func(in *Input) { in.Policies[0].Paths[0].Links = []string{"a--b", "b--z"} },
		"too narrow for IPv4": func(in *Input) { in.MTU["a--b"] = 576 + 40 + 8 + 2*16 - 1 },
		"too narrow for IPv6": func(in *Input) {
			in.Policies[0].Traffic[0] = pathspec.Selector{From: netip.MustParsePrefix("2001:db8:1::/48"), To: netip.MustParsePrefix("2001:db8:3::/48")}
			in.MTU["a--b"] = 1280 + 40 + 8 + 2*16 - 1
		},
		"too narrow for WireGuard": func(in *Input) {
			in.Policies[0].Encryption = pathspec.PQ
			in.MTU["a--b"] = 576 + 80 + 40 + 8 + 2*16 - 1
		},
		"interface not known": func(in *Input) { in.Topology.Entries[1].AInterface = "" },
	} {
		configs := compiled(t, edit)
		if p := configs[0].Policies; len(p) != 1 || len(p[0].Paths) != 0 {
			t.Errorf("%s: policies %+v, want one without a path", name, p)
		}
	}
}

// An encrypted policy has a lane for each path, with one number at both ends.
func TestLane(t *testing.T) {
	configs := compiled(t, func(in *Input) {
		in.Policies[0].Encryption = pathspec.PQ
		in.IDs.Lanes = map[string]uint16{"gold/0": 7}
		in.MTU["a--b"] = 576 + 80 + 40 + 8 + 2*16 // just enough
	})
	there, back := configs[0].Policies[0].Paths[0].Lane, configs[2].Policies[0].Paths[0].Lane
	if there == nil || back == nil || *there != (nodecfg.Lane{ID: 7, Peer: "c", Encryption: "pq"}) || *back != (nodecfg.Lane{ID: 7, Peer: "a", Encryption: "pq"}) {
		t.Errorf("lanes %+v and %+v", there, back)
	}
}

// Weights make the policies of both ends spread flows, also where only some of
// the paths begin or serve.
func TestWeights(t *testing.T) {
	configs := compiled(t, func(in *Input) {
		p := &in.Policies[0]
		p.Paths = append(p.Paths, p.Paths[0], p.Paths[0])
		p.Serving, p.Weights = []bool{true, false, true}, []int{3, 2, 1}
	})
	for _, n := range []int{0, 2} {
		p := configs[n].Policies[0]
		if p.Mode != nodecfg.Spread || len(p.Paths) != 2 || p.Paths[0].Weight != 3 || p.Paths[1].Weight != 1 {
			t.Errorf("%s: %+v", configs[n].Node, p)
		}
	}
}

// A node is told of those that it has lanes with and of nobody else, once
// each, sorted, and only of those who are known.
func TestPeers(t *testing.T) {
	peer := func(node string) nodecfg.Peer {
		return nodecfg.Peer{Node: node, Certificate: []byte(node), Identity: []byte(node), WireGuard: make([]byte, 32)}
	}
	lanes := func(in *Input) {
		in.IDs.Lanes = map[string]uint16{"gold/0": 7, "gold/1": 8, "silver/0": 9}
		in.IDs.Intents["silver"] = 2
		in.Policies[0].Encryption = pathspec.PQ
		in.Policies[0].Paths = append(in.Policies[0].Paths, pathspec.Path{Nodes: []string{"a", "b", "c"}, Links: []string{"a--b", "b--c#2"}})
		in.Policies[0].Serving = []bool{true, true}
		near := pathspec.Path{Nodes: []string{"a", "b"}, Links: []string{"a--b"}}
		in.Policies = append(in.Policies, Policy{Intent: "silver", Encryption: pathspec.PQ, Traffic: in.Policies[0].Traffic,
			Paths: []pathspec.Path{near}, Serving: []bool{true}, Ends: []End{{Node: "a"}, {Node: "b", Reverse: true}}})
		in.Peers = map[string]nodecfg.Peer{"a": peer("a"), "b": peer("b"), "c": peer("c")}
	}
	for name, c := range map[string]struct {
		edit func(*Input)
		want [3]string // of a, b and c
	}{
		"lanes":           {lanes, [3]string{"bc", "a", "a"}},
		"nobody known":    {func(in *Input) { lanes(in); in.Peers = nil }, [3]string{}},
		"b not known":     {func(in *Input) { lanes(in); delete(in.Peers, "b") }, [3]string{"c", "a", "a"}},
		"not encrypted":   {func(in *Input) { lanes(in); in.Policies[0].Encryption = pathspec.NoEncryption }, [3]string{"b", "a", ""}},
		"no path serving": {func(in *Input) { lanes(in); in.Policies[0].Serving = []bool{false, false} }, [3]string{"b", "a", ""}},
	} {
		configs := compiled(t, c.edit)
		for n, want := range c.want {
			got := ""
			for _, p := range configs[n].Peers {
				got += p.Node
				if !reflect.DeepEqual(p, peer(p.Node)) {
					t.Errorf("%s: %s is told %+v", name, configs[n].Node, p)
				}
			}
			if got != want {
				t.Errorf("%s: %s is told of %q, want %q", name, configs[n].Node, got, want)
			}
		}
	}
}

// Lanes are numbered for encrypted intents only, and keep their numbers.
func TestAllocateLanes(t *testing.T) {
	topo, _ := parse(t, line)
	intent := func(name string, paths int, e pathspec.Encryption) pathspec.Intent {
		return pathspec.Intent{Name: name, Require: pathspec.Require{Multiplicity: paths, Encryption: e}}
	}
	ids, err := Allocate(IDs{}, topo, []pathspec.Intent{intent("gold", 2, pathspec.PQ), intent("plain", 2, pathspec.NoEncryption), intent("old", 1, pathspec.Classic)})
	if want := map[string]uint16{"gold/0": 1, "gold/1": 2, "old/0": 3}; err != nil || !reflect.DeepEqual(ids.Lanes, want) {
		t.Errorf("lanes %v, %v, want %v", ids.Lanes, err, want)
	}
	ids, err = Allocate(ids, topo, []pathspec.Intent{intent("new", 1, pathspec.QKD), intent("gold", 3, pathspec.PQ)})
	if want := map[string]uint16{"gold/0": 1, "gold/1": 2, "gold/2": 5, "new/0": 4, "old/0": 3}; err != nil || !reflect.DeepEqual(ids.Lanes, want) {
		t.Errorf("then %v, %v, want %v", ids.Lanes, err, want)
	}
	if _, err = Allocate(ids, topo, []pathspec.Intent{intent("many", 1, pathspec.PQ), intent("more", nodecfg.MaxLaneID, pathspec.PQ)}); err == nil || !strings.Contains(err.Error(), "lanes") {
		t.Errorf("too many: %v", err)
	}
}

// TestAllocateTaken: what routers have is given to no node, and taken from none; who
// claims everything is not heard.
func TestAllocateTaken(t *testing.T) {
	topo, _ := parse(t, line)
	first := topo.Nodes[0].Name
	ids, err := Allocate(IDs{}, topo, nil, netip.MustParsePrefix("5f00:0:1::/48"), netip.MustParsePrefix("5f00:0:2:8000::/64"), netip.MustParsePrefix("5f00::/16"), netip.MustParsePrefix("2001:db8::/48"))
	if got := ids.Locator(first); err != nil || got != netip.MustParsePrefix("5f00:0:3::/48") {
		t.Errorf("%s has %v, %v", first, got, err)
	}
	again, err := Allocate(ids, topo, nil, ids.Locator(first))
	if got := again.Locator(first); err != nil || got != ids.Locator(first) {
		t.Errorf("%s has %v, %v: it moved", first, got, err)
	}
}

func TestMTUUnknown(t *testing.T) {
	configs := compiled(t, func(in *Input) { delete(in.MTU, "b--c") })
	if got := configs[0].Policies[0].Paths[0].MTU; got != 0 {
		t.Errorf("MTU %d though that of a link is not known", got)
	}
}

func TestUnderlay(t *testing.T) {
	routes := func(outage topology.Outage) string {
		var out []string
		for _, u := range compiled(t, func(in *Input) { in.Outage = outage })[0].Underlay {
			out = append(out, u.To.String()+" "+u.Link)
		}
		return strings.Join(out, ", ")
	}
	if got, want := routes(topology.Outage{}), "5f00:0:2::/48 a--b, 5f00:0:3::/48 a--b"; got != want {
		t.Errorf("underlay of a: %s, want %s", got, want)
	}
	if got := routes(topology.Outage{Entries: map[string]bool{"a--b": true}}); got != "" {
		t.Errorf("underlay of a without its only link: %s", got)
	}
	at := func(outage topology.Outage) string {
		return compiled(t, func(in *Input) { in.Outage = outage })[1].Underlay[1].Link
	}
	if got := at(topology.Outage{}); got != "b--c" {
		t.Errorf("b reaches c by %s, not the least metric", got)
	}
	if got := at(topology.Outage{Entries: map[string]bool{"b--c": true}}); got != "b--c#2" {
		t.Errorf("b reaches c by %s when b--c is out", got)
	}
}

func TestRankNarrowestFirst(t *testing.T) {
	selector := func(from, to string) nodecfg.Selector {
		return nodecfg.Selector{From: netip.MustParsePrefix(from), To: netip.MustParsePrefix(to)}
	}
	policies := []nodecfg.Policy{
		{ID: 3, Traffic: []nodecfg.Selector{selector("10.0.0.0/8", "10.4.0.0/16")}},
		{ID: 1, Traffic: []nodecfg.Selector{selector("10.0.0.0/8", "10.0.0.0/8"), selector("10.1.1.1/32", "10.4.1.1/32")}},
		{ID: 2, Traffic: []nodecfg.Selector{selector("10.0.0.0/8", "10.3.0.0/16")}},
	}
	rank(policies)
	got := map[string]uint16{}
	for _, p := range policies {
		for _, s := range p.Traffic {
			got[s.To.String()] = s.Pref
		}
	}
	want := map[string]uint16{"10.4.1.1/32": 0, "10.3.0.0/16": 1, "10.4.0.0/16": 2, "10.0.0.0/8": 3}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("preferences %v, want %v", got, want)
	}
}

// Numbers stay with their names through any row of changes, two names never
// share one, and a number that became free is not given again at once.
func TestAllocate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ids := IDs{}
		for range rapid.IntRange(1, 8).Draw(t, "rounds") {
			var nodes []topology.Node
			for _, name := range rapid.SliceOfNDistinct(rapid.StringMatching(`[a-h]`), 1, 6, rapid.ID[string]).Draw(t, "nodes") {
				nodes = append(nodes, topology.Node{Name: name})
			}
			var entries []topology.Entry
			for i := 1; i < len(nodes); i++ {
				entries = append(entries, topology.Entry{Name: nodes[i-1].Name + "--" + nodes[i].Name, A: i - 1, B: i})
			}
			next, err := Allocate(ids, topology.New("t", nil, nodes, entries, nil), nil)
			if err != nil {
				t.Fatal(err)
			}
			seen := map[netip.Prefix]bool{}
			for name, l := range next.Locators {
				if old := ids.Locators[name]; old.IsValid() && old != l {
					t.Fatalf("locator of %s moved from %v to %v", name, old, l)
				}
				for other, old := range ids.Locators {
					if other != name && old == l {
						t.Fatalf("%s has the locator that %s just had", name, other)
					}
				}
				if seen[l] {
					t.Fatalf("locator %v twice", l)
				}
				seen[l] = true
			}
			for node, links := range next.Links {
				used := map[uint16]bool{}
				for link, id := range links {
					if old := ids.Links[node][link]; old != 0 && old != id || used[id] || id == 0 {
						t.Fatalf("link %s of %s: number %d, was %d", link, node, id, old)
					}
					used[id] = true
				}
			}
			ids = next
		}
	})
}
