package compile

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/bgp/lsdb"
	"github.com/keiro-net/keiro/bgp/lsdb/lsdbtest"
	"github.com/keiro-net/keiro/controller/live"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// Agents a, c and e, routers r, s and t: a has two links to r, and e is beside a.
//
//	e -- a == r -- s -- c -- t    a ------- c
const besideFile = `apiVersion: keiro/v1
kind: Topology
metadata: {name: beside}
spec:
  nodes:
    - {name: a, routerID: 192.0.2.1}
    - {name: c, routerID: 192.0.2.3}
    - {name: e}
    - {name: r, agent: false, routerID: 0.0.0.11}
    - {name: s, agent: false, routerID: 0.0.0.12}
    - {name: t, agent: false, routerID: 0.0.0.13}
  links:
    - {a: a, b: r, interfaces: {a: eth1}, addresses: {b: "2001:db8:1::b"}}
    - {a: a, b: r, interfaces: {a: eth2}, addresses: {b: "2001:db8:2::b"}}
    - {a: r, b: s}
    - {a: s, b: c, interfaces: {b: eth1}}
    - {a: c, b: t, interfaces: {a: eth2}}
    - {a: e, b: a, interfaces: {a: eth1, b: eth3}}
    - {a: a, b: c, metric: 1000, interfaces: {a: eth4, b: eth4}}
`

var besideFeed = []string{
	"link ospf3 11 1@65001 if=2001:db8:1::b endx=2001:db8:b:1::",
	"link ospf3 11 1@65001 if=2001:db8:2::b endx=2001:db8:b:2::",
	"link ospf3 11 12 if=2001:db8:3::b endx=2001:db8:b:3::",
	"link ospf3 12 11 if=2001:db8:3::c endx=2001:db8:c:3::/5/b",
	"link ospf3 12 3@65003 if=2001:db8:4::c nb=2001:db8:4::3 name=s--c endx=2001:db8:c:4::",
	"link ospf3 13 3@65003 if=2001:db8:5::d name=c--t endx=2001:db8:d:5::",
	"sid ospf3 11 2001:db8:b:46:: behavior=20",
	"sid ospf3 13 2001:db8:d:4:: behavior=19",
	"prefix ospf3 13 5f00:0:44::/48 locator=0",
}

// beside is the topology with what is said.
func beside(t interface{ Fatal(...any) }, feed []string, edit func(*topology.Topology)) (Input, *live.Result) {
	topo, err := topology.Parse("beside.yaml", []byte(besideFile))
	if err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		edit(topo)
	}
	db := lsdb.New()
	for _, line := range feed {
		n, attribute, err := lsdbtest.Parse(strings.Fields(line))
		if err == nil {
			err = db.Reach("peer", n, attribute, lsdbtest.Start)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	joined := live.Join(topo, db.View())
	ids, err := Allocate(IDs{}, topo, []pathspec.Intent{{Name: "gold"}, {Name: "silver"}})
	if err != nil {
		t.Fatal(err)
	}
	return Input{Topology: joined.Topology, IDs: ids, SIDs: joined.SIDs}, joined
}

func path(nodes, links string) pathspec.Path {
	return pathspec.Path{Nodes: strings.Fields(nodes), Links: strings.Fields(links)}
}

// set is a policy of both families over paths that serve.
func set(intent string, paths ...pathspec.Path) Policy {
	prefix := netip.MustParsePrefix
	p := Policy{Intent: intent, Paths: paths, Serving: make([]bool, len(paths)), Traffic: []pathspec.Selector{
		{From: prefix("10.1.0.0/16"), To: prefix("10.2.0.0/16")}, {From: prefix("fd00:1::/48"), To: prefix("fd00:2::/48")}}}
	for i, path := range paths {
		p.Serving[i] = true
		for _, end := range []End{{Node: path.Nodes[0]}, {Node: path.Nodes[len(path.Nodes)-1], Reverse: true}} {
			if !slices.Contains(p.Ends, end) {
				p.Ends = append(p.Ends, end)
			}
		}
	}
	return p
}

// TestSegmentsOverRouters: what a path is made of, by who is on it.
func TestSegmentsOverRouters(t *testing.T) {
	in, _ := beside(t, besideFeed, nil)
	for _, c := range []struct {
		path pathspec.Path
		want string // SIDs there, and back
	}{
		{path("a r s c", "a--r r--s s--c"), "2001:db8:b:3:: 2001:db8:c:4:: back 5f00:0:2:4001:: 2001:db8:c:3:: 2001:db8:b:1::"},
		{path("c s r a", "s--c r--s a--r"), "2001:db8:c:3:: 2001:db8:b:1:: back 5f00:0:1:4001:: 2001:db8:b:3:: 2001:db8:c:4::"},
		{path("a r", "a--r#2"), "back 2001:db8:b:2::"},
		{path("r a e", "a--r e--a"), "2001:db8:b:1:: 5f00:0:1:4003:: back 5f00:0:3:4001:: 5f00:0:1:4001::"},
		{path("e a r s", "e--a a--r r--s"), "5f00:0:1:8003:: 5f00:0:1:4001:: 2001:db8:b:3:: back 2001:db8:c:3:: 2001:db8:b:1:: 5f00:0:1:4003::"},
	} {
		there, why := in.Segments(c.path)
		back, whyNot := in.Return(c.path)
		got := strings.Trim(fmt.Sprint(addresses(there)), "[]") + " back " + strings.Trim(fmt.Sprint(addresses(back)), "[]")
		if got = strings.TrimSpace(got); got != c.want || why != "" || whyNot != "" {
			t.Errorf("%v: %s %s%s, want %s", c.path.Nodes, got, why, whyNot, c.want)
		}
	}
	if doubt := in.Doubts(path("a r s c", "a--r r--s s--c")); !strings.Contains(doubt, "2001:db8:c:3::") || !strings.Contains(doubt, "protected") {
		t.Errorf("doubts: %q", doubt)
	}
}

// TestRouterConfigs: routers get no Config; agents lead the first SIDs over the
// path's link, and the routes of the underlay lead over no router that would not
// know where to.
func TestRouterConfigs(t *testing.T) {
	in, _ := beside(t, besideFeed, nil)
	in.Policies = []Policy{set("gold", path("a r s c", "a--r r--s s--c"))}
	configs := Configs(in)
	var text strings.Builder
	for _, cfg := range configs {
		cfg.Revision = 1
		if err := cfg.Validate(); err != nil {
			t.Errorf("%s: %v", cfg.Node, err)
		}
		fmt.Fprintf(&text, "%s:", cfg.Node)
		for _, l := range cfg.Links {
			fmt.Fprintf(&text, " %s/%v/%d", l.Name, l.PeerAddress, l.PeerID)
		}
		for _, u := range cfg.Underlay {
			fmt.Fprintf(&text, " %v>%s", u.To, u.Link)
		}
		text.WriteString("\n")
	}
	want := `a: a--c/invalid IP/3 a--r/2001:db8:1::b/0 a--r#2/2001:db8:2::b/0 e--a/invalid IP/1 5f00:0:2::/48>a--c 5f00:0:3::/48>e--a 5f00:0:44::/48>a--c
c: a--c/invalid IP/4 c--t/2001:db8:5::d/0 s--c/2001:db8:4::c/0 5f00:0:1::/48>a--c 5f00:0:3::/48>a--c 5f00:0:44::/48>c--t
e: e--a/invalid IP/3 5f00:0:1::/48>e--a 5f00:0:2::/48>e--a 5f00:0:44::/48>e--a
`
	if got := text.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// TestRouterObstacles: why paths over routers cannot be installed.
func TestRouterObstacles(t *testing.T) {
	without := func(word string) []string {
		return slices.DeleteFunc(slices.Clone(besideFeed), func(l string) bool { return strings.Contains(l, word) })
	}
	with := func(lines ...string) []string { return append(slices.Clone(besideFeed), lines...) }
	across, end := path("a r s c", "a--r r--s s--c"), path("a c t", "a--c c--t")
	for name, c := range map[string]struct {
		feed   []string
		edit   func(*topology.Topology)
		path   pathspec.Path
		policy func(*Policy)
		want   string
	}{
		"nothing":         {feed: besideFeed, path: across},
		"SID not learned": {feed: without("name=s--c"), path: across, edit: func(t *topology.Topology) { t.Entries[3].AAddress = netip.MustParseAddr("2001:db8:4::c") }, want: "no SID of router s over link s--c is learned"},
		"address unknown": {feed: without("name=s--c"), path: across, want: "the IPv6 address of router s on link s--c is neither declared nor learned"},
		"one address":     {feed: append(without("name=c--t"), "link ospf3 13 3@65003 if=2001:db8:4::c name=c--t endx=2001:db8:d:5::"), path: across, want: "node c has several links to a router with the address 2001:db8:4::c"},
		"no interface":    {feed: besideFeed, path: across, edit: func(t *topology.Topology) { t.Entries[0].AInterface = "" }, want: "link a--r names no interfaces"},
		"decapsulation":   {feed: besideFeed, path: end, want: "no SID of router t that decapsulates is learned: BGP-LS must tell of exactly one End.DT46 or End.DT6"},
		"IPv4 is enough":  {feed: besideFeed, path: end, policy: func(p *Policy) { p.Traffic = p.Traffic[:1] }},
		"no traffic":      {feed: without("behavior=19"), path: end, policy: func(p *Policy) { p.Traffic = nil }, want: "no SID of router t that decapsulates"},
		"ambiguous":       {feed: with("sid ospf3 13 2001:db8:d:4f:: behavior=63"), path: end, policy: func(p *Policy) { p.Traffic = p.Traffic[:1] }, want: "exactly one End.DT46 or End.DT4"},
		"encryption":      {feed: besideFeed, path: end, policy: func(p *Policy) { p.Traffic, p.Encryption = p.Traffic[:1], pathspec.PQ }, want: "node t has no agent, which a lane with encryption pq needs"},
		"lanes over":      {feed: besideFeed, path: across, policy: func(p *Policy) { p.Encryption = pathspec.PQ }},
		"steered by BGP":  {feed: besideFeed, path: across, edit: func(t *topology.Topology) { t.Nodes[1].Steering = topology.ByBGP }, policy: func(p *Policy) { p.Encryption = pathspec.PQ }, want: "node c has `steering: bgp`"},
		"locator":         {feed: with("prefix ospf3 12 5f00:0:2::/48 locator=0"), path: across, want: "locator 5f00:0:2:: of router s is in the locator that node c was given"},
		"SID of another":  {feed: with("link ospf3 11 12 if=2001:db8:3::b endx=5f00:0:3:1::"), path: across, want: "is in the locator that node e was given"},
		"no SID at all":   {feed: with("link ospf3 11 12 if=2001:db8:3::b endx=ff02::1"), path: across, want: "SID ff02::1 of router r is no IPv6 unicast address"},
		"own address":     {feed: with("link ospf3 11 12 if=2001:db8:3::b endx=2001:db8:2::b"), path: across, want: "SID 2001:db8:2::b is the address of a router beside node a"},
		"steers itself": {feed: besideFeed, path: across, policy: func(p *Policy) {
			p.Traffic[1].From, p.Traffic[1].To = netip.MustParsePrefix("::/0"), netip.MustParsePrefix("2001:db8:b::/48")
		}, want: "takes in SID 2001:db8:b:3::"},
	} {
		in, _ := beside(t, c.feed, c.edit)
		p := set("gold", c.path)
		if c.policy != nil {
			c.policy(&p)
		}
		if got := in.Obstacle(&p, c.path); c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestClaims: a router's SID leads over one link of a head; whoever comes later
// has to wait, be it another intent or another path of the same.
func TestClaims(t *testing.T) {
	in, _ := beside(t, append(slices.Clone(besideFeed), "sid ospf3 11 2001:db8:b:6:: behavior=18"), nil)
	first, second := path("a r s c", "a--r r--s s--c"), path("a r s c", "a--r#2 r--s s--c")
	gold, silver := set("gold", first), set("silver", second)
	claims := Claims{}
	claims.Add(&in, &gold)
	if why := claims.Obstacle(&in, &silver); !strings.Contains(why, "2001:db8:b:3::") {
		t.Errorf("another intent over the other link: %q", why)
	}
	same := set("silver", first)
	if why := claims.Obstacle(&in, &same); why != "" {
		t.Errorf("the same link: %q", why)
	}
	twice := set("silver", path("a r", "a--r"), path("a r", "a--r#2"))
	if why := (Claims{}).Obstacle(&in, &twice); !strings.Contains(why, "a--r#2") {
		t.Errorf("two links to a router that is the tail: %q", why)
	}
	in.Policies = []Policy{gold, silver}
	for _, cfg := range Configs(in) {
		cfg.Revision = 1
		if err := cfg.Validate(); err != nil {
			t.Error(err)
		}
		if cfg.Node == "a" && (len(cfg.Policies[0].Paths) != 1 || len(cfg.Policies[1].Paths) != 0) {
			t.Errorf("policies of a: %+v", cfg.Policies)
		}
	}
}

// TestWhateverRoutersSay: no agent refuses its Config for it.
func TestWhateverRoutersSay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(what string, of ...string) string { return rapid.SampledFrom(of).Draw(t, what) }
		address := func() string {
			return draw("address", "2001:db8:1::b", "2001:db8:2::b", "2001:db8:3::b", "2001:db8:b:3::", "2001:db8:b:3::", "5f00:0:1:8001::", "5f00:0:2::1", "ff02::1", "::", "fe80::1", "::ffff:10.0.0.1")
		}
		var feed []string
		for range rapid.IntRange(0, 12).Draw(t, "lines") {
			router := draw("router", "11", "11", "12", "13")
			switch draw("kind", "link", "link", "link", "sid", "prefix") {
			case "link":
				feed = append(feed, fmt.Sprintf("link ospf3 %s %s if=%s name=%s endx=%s", router, draw("to", "11", "12", "1@65001", "3@65003"), address(), draw("name", "a--r", "a--r#2", "r--s", "s--c", "c--t"), address()))
			case "sid":
				feed = append(feed, fmt.Sprintf("sid ospf3 %s %s behavior=%s", router, address(), draw("behavior", "18", "19", "20", "64")))
			default:
				feed = append(feed, fmt.Sprintf("prefix ospf3 %s %s locator=0", router, draw("locator", "5f00:0:1::/48", "5f00:0:44::/48", "2001:db8::/32")))
			}
		}
		feed = append(feed, besideFeed[:rapid.IntRange(0, len(besideFeed)).Draw(t, "rest")]...)
		in, _ := beside(t, feed, func(topo *topology.Topology) {
			if rapid.Bool().Draw(t, "declared") {
				topo.Entries[0].BAddress = netip.Addr{}
			}
		})
		for i, p := range []pathspec.Path{path("a r s c", "a--r r--s s--c"), path("a r s c", "a--r#2 r--s s--c"), path("a r", "a--r"), path("a r", "a--r#2"), path("a c t", "a--c c--t")} {
			if rapid.Bool().Draw(t, "path") {
				in.Policies = append(in.Policies, set(fmt.Sprint("p", i), p))
				in.IDs.Intents[fmt.Sprint("p", i)] = uint16(i + 1)
			}
		}
		for _, cfg := range Configs(in) {
			cfg.Revision = 1
			if err := cfg.Validate(); err != nil {
				t.Fatalf("%s: %v", cfg.Node, err)
			}
		}
	})
}
