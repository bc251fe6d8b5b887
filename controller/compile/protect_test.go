package compile

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// The links of a path are as the nodes behind them number them, unless two nodes
// have one number.
func TestLinksOfPath(t *testing.T) {
	for _, tt := range []struct {
		name        string
		edit        func(*Input)
		there, back []nodecfg.PathLink
	}{
		{"all known", nil, []nodecfg.PathLink{{Name: "a--b", Far: 1}, {Name: "b--c", Far: 1}}, []nodecfg.PathLink{{Name: "b--c", Far: 2}, {Name: "a--b", Far: 1}}},
		{"c is numbered as a", func(in *Input) { in.IDs.Locators["c"] = netip.MustParsePrefix("fcbb:bb00:1::/48") },
			[]nodecfg.PathLink{{Name: "a--b", Far: 1}, {Name: "b--c"}}, []nodecfg.PathLink{{Name: "b--c", Far: 2}, {Name: "a--b"}}},
		{"no number", func(in *Input) { in.IDs.Locators["c"] = netip.MustParsePrefix("5f00:ff:ffff::/48") },
			[]nodecfg.PathLink{{Name: "a--b", Far: 1}, {Name: "b--c"}}, []nodecfg.PathLink{{Name: "b--c", Far: 2}, {Name: "a--b", Far: 1}}},
	} {
		configs := compiled(t, tt.edit)
		if got := configs[0].Policies[0].Paths[0].Links; !reflect.DeepEqual(got, tt.there) {
			t.Errorf("%s: there %v, want %v", tt.name, got, tt.there)
		}
		if got := configs[2].Policies[0].Paths[0].Links; !reflect.DeepEqual(got, tt.back) {
			t.Errorf("%s: back %v, want %v", tt.name, got, tt.back)
		}
	}
}

// The ends of an intent and the nodes on its paths look for its packets, over
// all links that it takes or may still take, but not at its ends' own site.
func TestProtected(t *testing.T) {
	configs := compiled(t, func(in *Input) {
		in.IDs.Lanes, in.Policies[0].Encryption = map[string]uint16{"gold/0": 7}, pathspec.PQ
		in.Sample = true
		in.Policies[0].Held = []string{"b--c#2"}
		in.Policies[0].Ends = in.Policies[0].Ends[:1]
	})
	for i, want := range [][]string{{"a--b"}, {"a--b", "b--c", "b--c#2"}, {"b--c", "b--c#2"}} {
		p := configs[i].Protected
		if len(p) != 1 || p[0].Intent != "gold" || p[0].Encryption != "pq" || !reflect.DeepEqual(p[0].Links, want) || p[0].Near != nil {
			t.Fatalf("node %s: %+v", configs[i].Node, p)
		}
		if len(p[0].Traffic) != 2 || p[0].Traffic[1].From != p[0].Traffic[0].To || p[0].Traffic[1].To != p[0].Traffic[0].From {
			t.Errorf("node %s: traffic %+v", configs[i].Node, p[0].Traffic)
		}
		if want := []uint16{7}; !reflect.DeepEqual(p[0].Lanes, want) {
			t.Errorf("node %s: lanes %v, want %v", configs[i].Node, p[0].Lanes, want)
		}
	}
	configs = compiled(t, func(in *Input) {
		in.Sample = true
		topo, err := topology.Parse("site.yaml", []byte(strings.NewReplacer("  nodes:", "  sites: [{name: s, lat: 1, lon: 1}]\n  nodes:", "{name: b}", "{name: b, site: s}", "{name: c}", "{name: c, site: s}").Replace(line)))
		if err != nil {
			t.Fatal(err)
		}
		in.Topology = topo
	})
	if p := configs[1].Protected; len(p) != 1 || !reflect.DeepEqual(p[0].Links, []string{"a--b", "b--c"}) || !reflect.DeepEqual(p[0].Near, []string{"b--c#2"}) || p[0].Lanes != nil {
		t.Errorf("within the site of an end: %+v", p)
	}
	for _, cfg := range compiled(t, nil) {
		if cfg.Protected != nil {
			t.Errorf("not asked for: %+v", cfg.Protected)
		}
	}
}
