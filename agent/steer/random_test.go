package steer

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/bgp/rib"
	"github.com/keiro-net/keiro/bgp/route"
	"github.com/keiro-net/keiro/bgp/service"
)

var (
	someSIDs     = []string{viaB, "5f00:0:3:8001::", "5f00:0:3:4002::", viaR, viaS, "5f00:0:2:4001::", "5f00:0:1:1::", "ff02::1", "::", "::ffff:1.2.3.4", "2001:db8:4::2", "fcbb:0:9:1::"}
	somePrefixes = []string{"10.2.0.0/16", "10.2.3.0/24", "0.0.0.0/0", "192.0.2.0/24", "2001:db8:2::/48", "2001:db8::/32", "::/0", "5f00::/16", "5f00:0:2::/48", "fcbb:0:4::/48", "fcbb:0:9::/48", "2001:db8:2::1/128", "ff00::/8", "fe80::/10"}
	someNames    = []string{"", "gold", "gold/0", "gold/1", "silver", refusedIntent, "path"}
	someHops     = []string{"5f00:0:2::1", "5f00:0:3::1", "5f00:0:1::1", "192.0.2.9", "::", "0.0.0.0"}
)

func drawPath(t *rapid.T) Path {
	var lists []string
	for range rapid.IntRange(0, 3).Draw(t, "lists") {
		list := fmt.Sprint(rapid.SampledFrom([]uint32{0, 1, 2, 300, 1 << 31}).Draw(t, "weight"), "/")
		for range rapid.IntRange(0, 3).Draw(t, "sids") {
			list += rapid.SampledFrom(someSIDs).Draw(t, "sid") + ","
		}
		lists = append(lists, list)
	}
	p := path(rapid.IntRange(0, 4).Draw(t, "intent"), rapid.SampledFrom(someNames).Draw(t, "name"), rapid.Uint32Range(0, 3).Draw(t, "preference"),
		rapid.Uint32Range(0, 3).Draw(t, "distinguisher"), lists...)
	p.PolicyName = rapid.SampledFrom(someNames).Draw(t, "policy")
	p.Endpoint = netip.MustParseAddr(rapid.SampledFrom(someHops).Draw(t, "endpoint"))
	p.Peer, p.Lost = rapid.SampledFrom([]string{"core", "other"}).Draw(t, "peer"), rapid.Bool().Draw(t, "lost")
	p.Originator.AS = rapid.Uint32Range(1, 2).Draw(t, "as")
	return p
}

func drawRoute(t *rapid.T) Route {
	r := colored(rapid.SampledFrom(somePrefixes).Draw(t, "prefix"))
	for range rapid.IntRange(1, 3).Draw(t, "colors") {
		r.Colors = append(r.Colors, route.Color{Value: uint32(nodecfg.ColorBase + rapid.IntRange(-1, 4).Draw(t, "color")), Only: route.ColorOnly(rapid.IntRange(0, 2).Draw(t, "only"))})
	}
	r.NextHop = netip.MustParseAddr(rapid.SampledFrom(someHops).Draw(t, "hop"))
	r.Addressed = rapid.Bool().Draw(t, "addressed")
	if rapid.IntRange(0, 4).Draw(t, "sid") == 0 {
		r.SID = ls.Some(service.SID{Addr: netip.MustParseAddr(rapid.SampledFrom(someSIDs).Draw(t, "service"))})
	}
	r.Peer, r.Lost = rapid.SampledFrom([]string{"core", "other"}).Draw(t, "peer"), rapid.Bool().Draw(t, "lost")
	return r
}

// Whatever peers say, the Config with the policies is valid, they steer prefixes
// of the routes only, all in colors of Keiro's, and the answer is the same in
// whatever order it was heard. Each prefix that is this node's is steered, fenced, or
// said to be neither.
func TestAlwaysValid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := &Heard{Sessions: []netip.Addr{netip.MustParseAddr("192.0.2.1")}}
		for range rapid.IntRange(0, 6).Draw(t, "paths") {
			h.Paths = append(h.Paths, drawPath(t))
		}
		for range rapid.IntRange(0, 6).Draw(t, "routes") {
			h.Routes = append(h.Routes, drawRoute(t))
		}
		slices.SortStableFunc(h.Routes, func(a, b Route) int { return a.Prefix.Compare(b.Prefix) })
		cfg := config()
		if rapid.Bool().Draw(t, "policy of the controller") {
			cfg.Policies = []nodecfg.Policy{{Intent: "silver", ID: 2, Traffic: []nodecfg.Selector{{From: netip.MustParsePrefix("10.1.0.0/16"), To: netip.MustParsePrefix("10.2.0.0/16")}},
				Paths: []nodecfg.Path{{Name: "gold/1", Link: "a--b", Tail: netip.MustParsePrefix("5f00:0:2::/48"), Segments: []netip.Addr{netip.MustParseAddr(viaB)}}}}}
		}
		policies, faults := Policies(cfg, h)
		merged := *cfg
		merged.Policies = append(slices.Clone(cfg.Policies), policies...)
		if err := merged.Validate(); err != nil {
			t.Fatalf("%v\n%s", err, say(policies))
		}
		in := map[netip.Prefix]bool{}
		for _, p := range policies {
			for _, s := range p.Traffic {
				if in[s.To] {
					t.Fatalf("%v twice:\n%s", s.To, say(policies))
				}
				in[s.To] = true
			}
		}
		for i, r := range h.Routes {
			if i > 0 && h.Routes[i-1].Prefix == r.Prefix {
				continue
			}
			said := slices.ContainsFunc(faults, func(f nodecfg.ObjectError) bool { return f.Object == "route "+r.Prefix.String() })
			others := slices.ContainsFunc(h.Routes, func(o Route) bool {
				return o.Prefix == r.Prefix && (!o.Addressed || cfg.Locator.Contains(o.NextHop))
			})
			if !in[r.Prefix] && !said && !others {
				t.Fatalf("nothing is said of %v:\n%s\n%v", r.Prefix, say(policies), faults)
			}
			delete(in, r.Prefix)
		}
		if len(in) > 0 {
			t.Fatalf("prefixes that nobody said: %v", in)
		}
		slices.Reverse(h.Paths)
		if again, _ := Policies(cfg, h); !reflect.DeepEqual(again, policies) && !twins(h.Paths) {
			t.Fatalf("in another order\n%s\nwant\n%s", say(again), say(policies))
		}
	})
}

// twins: two say the same name, and nothing orders them.
func twins(paths []Path) bool {
	type name struct {
		key
		Originator
		distinguisher uint32
		lost          bool
		peer          string
	}
	seen := map[name]bool{}
	for _, p := range paths {
		n := name{key{p.Color, p.Endpoint}, p.Originator, p.Distinguisher, p.Lost, p.Peer}
		if seen[n] {
			return true
		}
		seen[n] = true
	}
	return false
}

// FuzzTable feeds attributes as a session lets them pass. Nothing makes it panic,
// what is kept comes back from disk as it was, and the Config stays valid.
func FuzzTable(f *testing.F) {
	for _, o := range []rib.Object{pathObject(f, path(7, "first", 5, 1, "3/"+viaB, viaC)), pathObject(f, path(7, "first", 5, 1, viaB), identity), routeObject(f, colored("10.2.0.0/16", gold, 5))} {
		b, err := message.AppendUpdate(nil, message.Update{Attributes: o.Attributes}, message.MaxExtended)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b[message.HeaderLen:])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		u, _, err := message.ParseUpdate(b, true)
		if err != nil {
			return
		}
		a := path(7, "", 1, 1)
		tab := table("core")
		tab.Take(up("core", noon))
		tab.Take(rib.Batch{Peer: "core", Reach: []rib.Object{
			{Name: rib.Name{Family: a.Family(), Policy: a.NLRI}, NextHop: a.Endpoint, Attributes: u.Attributes},
			{Name: rib.Name{Family: message.IPv4Unicast, Prefix: netip.MustParsePrefix("10.2.0.0/16")}, NextHop: a.Endpoint, Attributes: u.Attributes},
		}})
		kept, err := tab.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again := table("core")
		if err := again.Restore(kept); err != nil {
			t.Fatalf("%v: %s", err, kept)
		}
		if second, err := again.Encode(); err != nil || string(second) != string(kept) {
			t.Fatalf("%v\n%s\n%s", err, kept, second)
		}
		cfg := config()
		cfg.Policies, _ = Policies(cfg, tab.Heard())
		if err := cfg.Validate(); err != nil {
			t.Fatal(err)
		}
	})
}
