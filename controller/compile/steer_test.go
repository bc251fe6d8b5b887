package compile

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// located has the locator of r1, and its End.X to a.
var located = append(slices.Clone(routers), "r prefix l2 1 5f00:9:1::/48 locator=0", "r link l2 1 9@65001 if=2001:db8:a::2 nb=2001:db8:a::1 endx=5f00:9:1:a1::", "r sid l2 1 5f00:9:1:: behavior=1")

// A Linux headend by BGP beside a router begins with a SID of the router, if its agent
// can know by which link: one, to the one router whose locator has the SID.
func TestSteerBesideRouter(t *testing.T) {
	parallel := func(plugged bool) func(*topology.Topology) {
		return func(topo *topology.Topology) {
			e, _ := topo.Entry("a--r1")
			second := topo.Entries[e]
			second.Name, second.AInterface, second.BAddress = "a--r1#2", "", netip.MustParseAddr("2001:db8:c::2")
			if plugged {
				second.AInterface = "eth3"
			}
			topo.Links = append(topo.Links, topo.Links[2*e:2*e+2]...)
			topo.Entries = append(topo.Entries, second)
		}
	}
	over, tail := path("a r1 r2", "a--r1 r1--r2"), path("a r1", "a--r1")
	for name, c := range map[string]struct {
		path    pathspec.Path
		learned []string
		edit    func(*topology.Topology)
		want    string // the SIDs, or a part of why there are none
	}{
		"the router's End.X":          {over, located, nil, "[5f00:9:1:e2::]"},
		"the router is the tail":      {tail, located, nil, "[5f00:9:1::]"},
		"its End is not learned":      {tail, located[:len(located)-1], nil, "no End SID of router r1 is learned"},
		"no locator is known":         {over, routers, nil, "a /48 within 5f00::/16: declare the router's `locator`"},
		"another locator":             {over, append(slices.Clone(routers), "r prefix l2 1 5f00:7:1::/48 locator=0"), nil, "in no locator"},
		"a second link, not plugged":  {over, located, parallel(false), "[5f00:9:1:e2::]"},
		"a second link":               {over, located, parallel(true), "behind its link a--r1#2 as well as behind a--r1"},
		"the SID is a near address":   {over, append(slices.Clone(located[1:]), "r link l2 1 2 name=r1--r2 endx=2001:db8:a::2", "r prefix l2 1 2001:db8:a::/64 locator=0"), nil, "is the address of a router beside node a"},
		"the router's locator is a's": {over, append(slices.Clone(routers[1:]), "r link l2 1 2 name=r1--r2 endx=5f00:0:1:e2::", "r prefix l2 1 5f00:0:1::/48 locator=0"), nil, "declare another `locator` for a"},
	} {
		in := mixedWith(t, c.edit, c.learned...)
		list, why := in.steer(c.path)
		if got := strings.Trim(strings.Join([]string{sidsOf(addresses(list)), why}, " "), " "); !strings.Contains(got, c.want) || (why == "") != (len(list) > 0) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if (in.Unsayable(c.path) == "") != (why == "") {
			t.Errorf("%s: %s", name, in.Unsayable(c.path))
		}
	}
}

func sidsOf(sids []netip.Addr) string {
	if len(sids) == 0 {
		return ""
	}
	var b strings.Builder
	for _, s := range sids {
		b.WriteString(" " + s.String())
	}
	return "[" + b.String()[1:] + "]"
}

// What an agent leads over a link for a path by BGP is claimed as for one that it is
// told: two links cannot have it.
func TestClaimsByBGP(t *testing.T) {
	in := mixedWith(t, nil, located...)
	gold := set("gold", path("a r1 r2", "a--r1 r1--r2"))
	gold.Ends = gold.Ends[:1]
	claims := Claims{}
	claims.Add(&in, &gold)
	sid := netip.MustParseAddr("5f00:9:1:e2::")
	if link := claims[claim{"a", sid}]; link != "a--r1" || len(claims) != 1 {
		t.Errorf("claims: %v", claims)
	}
	other := Claims{}
	other.add("a", "another", []netip.Addr{sid})
	if why := other.Obstacle(&in, &gold); !strings.Contains(why, "links another and a--r1 with one SID, 5f00:9:1:e2::") {
		t.Errorf("the SID is led over another link: %q", why)
	}
}
