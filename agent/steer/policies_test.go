package steer

import (
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/route"
	"github.com/keiro-net/keiro/bgp/service"
	"github.com/keiro-net/keiro/bgp/srpolicy"
)

// A node with links to the agents b and c, one to the router r, and two to the
// router s.
func config() *nodecfg.Config {
	cfg := &nodecfg.Config{Revision: 1, Node: "a", Locator: netip.MustParsePrefix("5f00:0:1::/48")}
	link := func(name string, peer, locator, address string) {
		n := uint16(len(cfg.Links) + 1)
		l := nodecfg.Link{Name: name, Interface: fmt.Sprint("eth", n), Peer: peer, ID: n, PeerLocator: netip.MustParsePrefix(locator)}
		if address == "" {
			l.PeerID = 1
		} else {
			l.PeerAddress = netip.MustParseAddr(address)
		}
		cfg.Links = append(cfg.Links, l)
	}
	link("a--b", "b", "5f00:0:2::/48", "")
	link("a--c", "c", "5f00:0:3::/48", "")
	link("a--r", "r", "fcbb:0:4::/48", "2001:db8:4::2")
	link("a--s", "s", "fcbb:0:5::/48", "2001:db8:5::2")
	link("a--s#2", "s", "fcbb:0:5::/48", "2001:db8:6::2")
	return cfg
}

const (
	viaB = "5f00:0:2:8001::"
	viaC = "5f00:0:3:8001::,5f00:0:3:4002::"
	viaR = "fcbb:0:4:e001::"
	viaS = "fcbb:0:5:e001::"
)

// path makes a candidate path: a list is SIDs with commas, and a weight before a
// slash.
func path(intent int, name string, preference, distinguisher uint32, lists ...string) Path {
	p := Path{Peer: "core", Originator: Originator{65000, netip.MustParseAddr("10.0.0.1")}}
	p.NLRI = srpolicy.NLRI{Distinguisher: distinguisher, Color: uint32(nodecfg.ColorBase + intent), Endpoint: netip.MustParseAddr("5f00:0:2::1")}
	p.Name, p.PolicyName, p.Preference = name, "gold", ls.Some(preference)
	for _, text := range lists {
		var l srpolicy.SegmentList
		if weight, sids, ok := strings.Cut(text, "/"); ok {
			text = sids
			var w uint32
			_, _ = fmt.Sscan(weight, &w)
			l.Weight = ls.Some(w)
		}
		for _, sid := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' }) {
			l.Segments = append(l.Segments, srpolicy.Segment{SID: netip.MustParseAddr(sid)})
		}
		p.SegmentLists = append(p.SegmentLists, l)
	}
	return p
}

func colored(prefix string, colors ...uint32) Route {
	r := Route{Peer: "core", Addressed: true}
	r.NoAdvertise = true
	r.Prefix, r.NextHop = netip.MustParsePrefix(prefix), netip.MustParseAddr("5f00:0:2::1")
	r.SID = ls.Some(service.SID{Addr: netip.MustParseAddr("5f00:0:2:6::")})
	if r.Prefix.Addr().Is4() {
		r.SID = ls.Some(service.SID{Addr: netip.MustParseAddr("5f00:0:2:4::")})
	}
	for _, c := range colors {
		r.Colors = append(r.Colors, route.Color{Value: c})
	}
	return r
}

const gold = nodecfg.ColorBase + 7

// say writes policies down, one a line.
func say(policies []nodecfg.Policy) string {
	var b strings.Builder
	for _, p := range policies {
		fmt.Fprintf(&b, "%d %s:", p.ID, p.Intent)
		for _, t := range p.Traffic {
			fmt.Fprintf(&b, " %v>%v@%d", t.From, t.To, t.Pref)
		}
		for _, x := range p.Paths {
			fmt.Fprintf(&b, "; %s %s", x.Name, x.Link)
			for _, s := range x.Segments {
				fmt.Fprintf(&b, " %v", s)
			}
			if x.Decap.IPv4.IsValid() {
				fmt.Fprintf(&b, " 4=%v", x.Decap.IPv4)
			}
			if x.Decap.IPv6.IsValid() {
				fmt.Fprintf(&b, " 6=%v", x.Decap.IPv6)
			}
			if p.Mode == nodecfg.Spread {
				fmt.Fprintf(&b, " weight %d", x.Weight)
			}
		}
		if len(p.Paths) == 0 {
			b.WriteString("; none")
		}
		b.WriteString("\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func TestPolicies(t *testing.T) {
	to4, to6 := colored("10.2.0.0/16", gold), colored("2001:db8:2::/48", gold)
	both := "7 gold: 0.0.0.0/0>10.2.0.0/16@9983 ::/0>2001:db8:2::/48@9951; "
	only4 := "7 gold: 0.0.0.0/0>10.2.0.0/16@9983; "
	direct := "gold/0 a--b 5f00:0:2:8001:: 4=5f00:0:2:4::"
	detour := "gold/1 a--c 5f00:0:3:8001:: 5f00:0:3:4002:: 4=5f00:0:2:4::"
	with := func(r Route, edit func(*Route)) Route {
		edit(&r)
		return r
	}
	other := func(p Path, edit func(*Path)) Path {
		edit(&p)
		return p
	}
	fence := other(path(7, "gold/fence", 1, 9), func(p *Path) {
		p.BindingSID = ls.Some(srpolicy.BindingSID{BindingSIDFlags: srpolicy.BindingSIDFlags{DropUponInvalid: true}})
	})
	from := func(p Path, as uint32, id string) Path {
		p.Originator = Originator{as, netip.MustParseAddr(id)}
		return p
	}
	for name, c := range map[string]struct {
		paths  []Path
		routes []Route
		edit   func(*nodecfg.Config)
		want   string
		faults string // words of all of them, in their order
	}{
		"failover, in the order of preference": {
			[]Path{path(7, "gold/1", 999, 2, viaC), path(7, "gold/0", 1000, 1, viaB), fence}, []Route{to4, to6}, nil,
			both + direct + " 6=5f00:0:2:6::; " + detour + " 6=5f00:0:2:6::", ""},
		"spread, with weights": {
			[]Path{path(7, "gold", 1000, 1, "3/"+viaB, "1/"+viaC), path(7, "backup", 10, 2, viaR), fence}, []Route{to4}, nil,
			only4 + direct + " weight 3; " + detour + " weight 1", ""},
		"greater weights than Linux has": {
			[]Path{path(7, "gold", 1000, 1, "4000000000/"+viaB, "1/"+viaC)}, []Route{to4}, nil,
			only4 + direct + " weight 256; " + detour + " weight 1", ""},
		"a list that is not valid is left out": {
			[]Path{path(7, "gold/1", 1000, 1, "0/"+viaB, "2/"+viaC)}, []Route{to4}, nil, only4 + detour, "segment list 1 is not valid: its weight is 0"},
		"the lower originator, as a number of AS and identifier": {
			[]Path{from(path(7, "x", 5, 1, viaC), 65001, "10.0.0.1"), from(path(7, "gold/0", 5, 1, viaB), 65000, "10.0.0.9")}, []Route{to4}, nil,
			only4 + direct + "; x a--c 5f00:0:3:8001:: 5f00:0:3:4002:: 4=5f00:0:2:4::", ""},
		"the greater discriminator": {
			[]Path{path(7, "gold/1", 5, 1, viaC), path(7, "gold/0", 5, 2, viaB)}, []Route{to4}, nil, only4 + direct + "; " + detour, ""},
		"what no session says is behind": {
			[]Path{other(path(7, "gold/1", 2000, 2, viaC), func(p *Path) { p.Lost = true }), path(7, "gold/0", 5, 1, viaB)}, []Route{to4}, nil, only4 + direct + "; " + detour, ""},
		"one path by two peers, the live one": {
			[]Path{other(path(7, "old", 2000, 1, viaC), func(p *Path) { p.Lost = true }), other(path(7, "gold/0", 5, 1, viaB), func(p *Path) { p.Peer = "other" })}, []Route{to4}, nil,
			only4 + direct, ""},
		"two of one name, and the same way twice": {
			[]Path{path(7, "gold/0", 5, 2, viaB), path(7, "gold/0", 5, 1, viaC), path(7, "gold/3", 4, 3, viaB)}, []Route{to4}, nil,
			only4 + direct + "; gold/0@1 a--c 5f00:0:3:8001:: 5f00:0:3:4002:: 4=5f00:0:2:4::", ""},
		"by way of a router": {
			[]Path{path(7, "gold/0", 5, 1, viaR)}, []Route{to4}, nil, only4 + "gold/0 a--r fcbb:0:4:e001:: 4=5f00:0:2:4::", ""},
		"by way of a router with two links": {
			[]Path{path(7, "gold/0", 5, 1, viaS)}, []Route{to4}, nil, only4 + "none", "with 2 links to this node; its traffic is answered with unreachable: its first SID"},
		"by way of nobody": {
			[]Path{path(7, "gold/0", 5, 1, "5f00:0:2:4001::")}, []Route{to4}, nil, only4 + "none", "of no neighbour; its traffic is answered with unreachable"},
		"to be verified": {
			[]Path{other(path(7, "gold/0", 5, 1, viaC), func(p *Path) { p.SegmentLists[0].Segments[1].Verify = true })}, []Route{to4}, nil,
			only4 + "none", "is to be verified; its traffic is answered with unreachable"},
		"a SID that is none": {
			[]Path{path(7, "gold/0", 5, 1, viaB+",ff02::1")}, []Route{to4}, nil, only4 + "none", "ff02::1 is no IPv6 unicast address; none of its segment lists is valid"},
		"only the fence is left":   {[]Path{fence}, []Route{to4}, nil, only4 + "none", "no candidate path of it has a segment list"},
		"no policy at all":         {nil, []Route{to4}, nil, strings.Replace(only4, "gold:", "SR Policy color 1000007 endpoint 5f00:0:2::1:", 1) + "none", "no candidate path of it is known"},
		"a policy without traffic": {[]Path{path(7, "gold/0", 5, 1, viaB)}, nil, nil, "", ""},
		"a color that is not ours": {[]Path{path(7, "gold/0", 5, 1, viaB)}, []Route{colored("10.2.0.0/16", 100), colored("10.3.0.0/16", nodecfg.ColorBase+10000)}, nil, "", "color 100 is none; color 1010000 is none"},
		"the greatest color that is valid": {
			[]Path{path(7, "gold/0", 5, 1, viaB)}, []Route{colored("10.2.0.0/16", gold+2, gold, gold-1)}, nil, only4 + direct, ""},
		"of several colors none is valid": {
			nil, []Route{colored("10.2.0.0/16", gold+2, gold)}, nil, "9 SR Policy color 1000009 endpoint 5f00:0:2::1: 0.0.0.0/0>10.2.0.0/16@9983; none", "color 1000009 endpoint"},
		"the policy of another headend":            {nil, []Route{with(to4, func(r *Route) { r.Addressed = false })}, nil, "", ""},
		"a color of another headend, and not ours": {nil, []Route{with(colored("10.2.0.0/16", 100), func(r *Route) { r.Addressed = false })}, nil, "", ""},
		"reflected, with the colors of several headends": {
			[]Path{path(7, "gold/0", 5, 1, viaB)}, []Route{with(colored("10.2.0.0/16", gold+2, gold, gold-1), func(r *Route) { r.Addressed = false })}, nil, only4 + direct, ""},
		"reflected, and only the fence is left": {
			[]Path{fence}, []Route{with(colored("10.2.0.0/16", gold+2, gold), func(r *Route) { r.Addressed = false })}, nil, only4 + "none", "SR Policy color 1000007"},
		"any endpoint": {
			[]Path{path(7, "gold/0", 5, 1, viaB)}, []Route{with(to4, func(r *Route) { r.NextHop = netip.MustParseAddr("192.0.2.1"); r.Colors[0].Only = route.AnyEndpoint })}, nil, only4 + direct, ""},
		"no service SID":         {[]Path{path(7, "gold/0", 5, 1, viaB)}, []Route{with(to4, func(r *Route) { r.SID = ls.Opt[service.SID]{} })}, nil, "65535 bgp/refused: 0.0.0.0/0>10.2.0.0/16@9983; none", "names no SRv6 Service SID"},
		"another service SID":    {[]Path{path(7, "gold/0", 5, 1, viaB)}, []Route{to4, with(colored("10.3.0.0/16", gold), func(r *Route) { r.SID.Value.Addr = netip.MustParseAddr("5f00:0:2:e000::") })}, nil, only4 + direct + "\n65535 bgp/refused: 0.0.0.0/0>10.3.0.0/16@9983; none", "that of the prefixes before"},
		"two tails of one color": {[]Path{path(7, "gold/0", 5, 1, viaB)}, []Route{to4, with(colored("10.3.0.0/16", gold), func(r *Route) { r.NextHop = netip.MustParseAddr("5f00:0:3::1") })}, nil, only4 + direct + "\n65535 bgp/refused: 0.0.0.0/0>10.3.0.0/16@9983; none", "no candidate path of it is known; a second one of its color"},
		"the way to this node":   {[]Path{path(7, "gold/0", 5, 1, viaB)}, []Route{with(to4, func(r *Route) { r.NextHop = netip.MustParseAddr("5f00:0:1::1") })}, nil, "", ""},
		"all of IPv6":            {[]Path{path(7, "gold/0", 5, 1, viaB)}, []Route{colored("::/0", gold)}, nil, "", "it is not steered: it has"},
		"the locators of others": {[]Path{path(7, "gold/0", 5, 1, viaB)}, []Route{colored("5f00:0:9::/48", gold)}, func(c *nodecfg.Config) {
			c.Underlay = []nodecfg.Underlay{{To: netip.MustParsePrefix("5f00:0:9::/48"), Link: "a--b"}}
		}, "", "to which SRv6 packets go"},
		"a SID of another policy":        {[]Path{path(7, "gold/0", 5, 1, viaB), path(8, "x", 5, 1, viaB+",fcbb:0:8:1::")}, []Route{colored("fcbb:0:8::/48", gold)}, nil, "", "the SID fcbb:0:8:1:: of a path"},
		"the session itself":             {[]Path{path(7, "gold/0", 5, 1, viaB)}, []Route{colored("192.0.2.0/24", gold)}, nil, "", "the address 192.0.2.1 of a bgp peer"},
		"the controller has that number": {[]Path{path(7, "gold/0", 5, 1, viaB)}, []Route{to4}, func(c *nodecfg.Config) { c.Policies = []nodecfg.Policy{{Intent: "silver", ID: 7}} }, "65535 bgp/refused: 0.0.0.0/0>10.2.0.0/16@9983; none", "for intent silver"},
		"the controller has that name":   {[]Path{path(7, "gold/0", 5, 1, viaB)}, []Route{to4}, func(c *nodecfg.Config) { c.Policies = []nodecfg.Policy{{Intent: "gold", ID: 8}} }, "7 SR Policy color 1000007 endpoint 5f00:0:2::1: 0.0.0.0/0>10.2.0.0/16@9983; " + direct, ""},
		"the route with the preference": {
			[]Path{path(7, "gold/0", 5, 1, viaB)}, []Route{colored("10.2.0.0/16", gold+1), with(to4, func(r *Route) { r.Peer, r.LocalPref = "other", ls.Some[uint32](200) })}, nil, only4 + direct, ""},
		"the route of the live peer": {
			[]Path{path(7, "gold/0", 5, 1, viaB)}, []Route{with(colored("10.2.0.0/16", gold+1), func(r *Route) { r.Lost = true }), with(to4, func(r *Route) { r.Peer = "other" })}, nil, only4 + direct, ""},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config()
			if c.edit != nil {
				c.edit(cfg)
			}
			policies, faults := Policies(cfg, &Heard{Paths: c.paths, Routes: c.routes, Sessions: []netip.Addr{netip.MustParseAddr("192.0.2.1")}})
			if got := say(policies); got != c.want {
				t.Errorf("policies\n%s\nwant\n%s", got, c.want)
			}
			var said []string
			for _, f := range faults {
				said = append(said, f.Object+": "+f.Error)
			}
			var words []string
			if c.faults != "" {
				words = strings.Split(c.faults, "; ")
			}
			for i := range max(len(words), len(said)) {
				if len(words) != len(said) || !strings.Contains(said[i], words[i]) {
					t.Errorf("faults\n%s\nwant\n%s", strings.Join(said, "\n"), strings.Join(words, "\n"))
					break
				}
			}
			cfg.Policies = append(cfg.Policies, policies...)
			if err := cfg.Validate(); err != nil {
				t.Errorf("a Config that is not valid: %v", err)
			}
		})
	}
}

// What is wrong with a lot is said of a hundred.
func TestFewFaults(t *testing.T) {
	h := &Heard{}
	for i := range 250 {
		h.Routes = append(h.Routes, colored(fmt.Sprintf("10.%d.0.0/16", i), 5))
	}
	_, faults := Policies(config(), h)
	if n := len(faults); n != maxFaults+1 || faults[maxFaults].Error != "150 more things are wrong with it" {
		t.Errorf("%d: %v", n, faults[n-1])
	}
}

// More than a Config has room for is not steered, and what is, is valid.
func TestRoom(t *testing.T) {
	h := &Heard{Paths: []Path{path(7, "gold/0", 5, 1, viaB)}}
	for i := range 2*nodecfg.MaxPref + 5 {
		h.Routes = append(h.Routes, colored(fmt.Sprintf("10.%d.%d.0/24", i>>8, i&255), gold))
	}
	cfg := config()
	policies, faults := Policies(cfg, h)
	cfg.Policies = policies
	if err := cfg.Validate(); err != nil || len(faults) != 5 || len(policies[0].Traffic) != 2*nodecfg.MaxPref {
		t.Errorf("%v, %d faults, %d", err, len(faults), len(policies[0].Traffic))
	}
}

// The order in which things were heard counts for nothing.
func TestSameAnswer(t *testing.T) {
	h := &Heard{Paths: []Path{path(7, "gold/1", 5, 1, viaC), path(7, "gold/0", 5, 2, viaB)}, Routes: []Route{colored("10.2.0.0/16", gold)}}
	first, _ := Policies(config(), h)
	h.Paths[0], h.Paths[1] = h.Paths[1], h.Paths[0]
	if second, _ := Policies(config(), h); !reflect.DeepEqual(first, second) {
		t.Errorf("%s\n%s", say(first), say(second))
	}
}
