package routers

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/bgp/file"
	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/bgp/route"
	"github.com/keiro-net/keiro/bgp/service"
	"github.com/keiro-net/keiro/bgp/srpolicy"
	"github.com/keiro-net/keiro/controller/core"
)

var policyFamilies = []message.Family{message.IPv6SRPolicy, message.IPv4Unicast, message.IPv6Unicast}

// path is a candidate path over one SID.
func path(distinguisher uint32, sid string) srpolicy.CandidatePath {
	return srpolicy.CandidatePath{
		NLRI: srpolicy.NLRI{Distinguisher: distinguisher, Color: 1_000_001, Endpoint: netip.MustParseAddr("2001:db8::d")},
		Tunnel: srpolicy.Tunnel{Preference: ls.Some[uint32](100),
			SegmentLists: []srpolicy.SegmentList{{Segments: []srpolicy.Segment{{SID: netip.MustParseAddr(sid)}}}}},
	}
}

func colored(prefix string) service.Route {
	return service.Route{Prefix: netip.MustParsePrefix(prefix), NextHop: netip.MustParseAddr("2001:db8::d"), Colors: []route.Color{{Value: 1_000_001}}}
}

// table is what a robot was told, as it stands: routes by their names, with whom
// they are for.
func (b *robot) table() map[string]string {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := map[string]string{}
	for _, u := range b.heard {
		a := route.Read(&u)
		whom := "anybody"
		if a.Has(route.NoAdvertise) {
			whom = "direct"
		}
		for _, target := range a.RouteTargets() {
			whom += " " + target.String()
		}
		paths, gone, faults := srpolicy.Parse(&u, false)
		if len(faults) > 0 {
			b.t.Errorf("%v", faults)
		}
		for _, p := range paths {
			out[p.NLRI.String()] = whom + " via " + p.SegmentLists[0].Segments[0].SID.String()
		}
		for _, n := range gone {
			delete(out, n.String())
		}
		routes, without, err := service.Parse(&u, false)
		if err != nil {
			b.t.Error(err)
		}
		for _, r := range routes {
			out[r.Prefix.String()] = whom + " by " + r.NextHop.String()
			for _, c := range r.Colors {
				if len(r.Colors) > 1 {
					out[r.Prefix.String()] += fmt.Sprint(" color ", c.Value)
				}
			}
		}
		for _, p := range without {
			delete(out, p.String())
		}
	}
	return out
}

func (b *robot) has(want ...string) {
	b.t.Helper()
	eventually(b.t, strings.Join(want, "; "), func() string {
		var got []string
		for n, said := range b.table() {
			got = append(got, n+": "+said)
		}
		slices.Sort(got)
		slices.Sort(want)
		if slices.Equal(got, want) {
			return ""
		}
		return strings.Join(got, "; ")
	})
}

// ended reports whether an End-of-RIB of a family has come.
func (b *robot) ended(f message.Family) {
	b.t.Helper()
	b.hears("an End-of-RIB of "+f.String(), func(us []message.Update) bool {
		return slices.ContainsFunc(us, func(u message.Update) bool { got, is := u.EndOfRIB(); return is && got == f })
	})
}

// TestAnnounces: a headend with a session is told there and nowhere else; the
// others over those that reflect, which see for whom it is.
func TestAnnounces(t *testing.T) {
	direct, pe := newRobot(t, "pe1", "127.0.0.2", policyFamilies...)
	reflector, rr := newRobot(t, "rr", "127.0.0.3", policyFamilies...)
	learner, only := newRobot(t, "ls", "127.0.0.4", message.LinkState)
	pe.Node = "a"
	r, _ := start(t, Config{}, pe, rr, only)
	for _, b := range []*robot{direct, reflector, learner} {
		b.greet()
	}
	to := func(node, id string, paths []srpolicy.CandidatePath, services ...service.Route) {
		t.Helper()
		e := core.Announce{Node: node, Policies: paths, Services: services}
		if id != "" {
			e.RouterID = netip.MustParseAddr(id)
		}
		if err := r.Announce(e); err != nil {
			t.Error(err)
		}
	}
	one, two := path(1, "2001:db8:1::"), path(2, "2001:db8:2::")
	to("a", "", []srpolicy.CandidatePath{one}, colored("2001:db8:d::/48"))
	to("b", "10.0.0.2", []srpolicy.CandidatePath{one, two})
	to("c", "10.0.0.3", []srpolicy.CandidatePath{one}, colored("2001:db8:c::/48"))
	if err := r.AnnouncedAll(); err != nil {
		t.Error(err)
	}
	direct.has(one.NLRI.String()+": direct via 2001:db8:1::", "2001:db8:d::/48: direct by 2001:db8::d")
	reflector.has(one.NLRI.String()+": anybody 10.0.0.2 10.0.0.3 via 2001:db8:1::", two.NLRI.String()+": anybody 10.0.0.2 via 2001:db8:2::",
		"2001:db8:c::/48: anybody by 2001:db8::d")
	for _, b := range []*robot{direct, reflector} {
		b.ended(message.IPv6SRPolicy)
		b.ended(message.IPv6Unicast)
	}
	// What is of two headends goes with the second.
	back := func(node string, prefixes []netip.Prefix, names ...srpolicy.NLRI) {
		t.Helper()
		if err := r.Withdraw(core.Withdraw{Node: node, Services: prefixes, Policies: names}); err != nil {
			t.Error(err)
		}
	}
	back("b", nil, one.NLRI)
	reflector.has(one.NLRI.String()+": anybody 10.0.0.3 via 2001:db8:1::", two.NLRI.String()+": anybody 10.0.0.2 via 2001:db8:2::",
		"2001:db8:c::/48: anybody by 2001:db8::d")
	back("c", []netip.Prefix{netip.MustParsePrefix("2001:db8:c::/48")}, one.NLRI)
	back("c", nil, one.NLRI, two.NLRI) // not its own, or gone already
	reflector.has(two.NLRI.String() + ": anybody 10.0.0.2 via 2001:db8:2::")
	back("a", []netip.Prefix{netip.MustParsePrefix("2001:db8:d::/48")}, one.NLRI)
	direct.has()
	learner.has()
}

// TestReflectedRoutes: a reflector passes one route of a prefix on, so it has the
// colours of all headends; and one that leads elsewhere is refused.
func TestReflectedRoutes(t *testing.T) {
	b, rr := newRobot(t, "rr", "127.0.0.3", policyFamilies...)
	r, _ := start(t, Config{}, rr)
	b.greet()
	one, two, elsewhere := colored("2001:db8:d::/48"), colored("2001:db8:d::/48"), colored("2001:db8:d::/48")
	two.Colors = []route.Color{{Value: 1_000_002}}
	elsewhere.NextHop = netip.MustParseAddr("2001:db8::e")
	id := netip.MustParseAddr("10.0.0.2")
	for node, colored := range map[string]service.Route{"a": one, "b": two} {
		if err := r.Announce(core.Announce{Node: node, RouterID: id, Services: []service.Route{colored}}); err != nil {
			t.Error(err)
		}
	}
	b.has("2001:db8:d::/48: anybody by 2001:db8::d color 1000002 color 1000001")
	err := r.Announce(core.Announce{Node: "c", RouterID: id, Services: []service.Route{elsewhere}})
	if err == nil || !strings.Contains(err.Error(), "leads to 2001:db8::d for node a and to 2001:db8::e for node c") {
		t.Error(err)
	}
	if err := r.Withdraw(core.Withdraw{Node: "a", Services: []netip.Prefix{one.Prefix}}); err != nil {
		t.Error(err)
	}
	b.has("2001:db8:d::/48: anybody by 2001:db8::d")
}

// TestCannotAnnounce: what a headend is not told is said, with what to do.
func TestCannotAnnounce(t *testing.T) {
	_, rr := newRobot(t, "rr", "127.0.0.3", message.IPv6SRPolicy)
	r, _ := start(t, Config{}, rr)
	alone, _ := start(t, Config{}, []file.Peer{}...)
	id := netip.MustParseAddr("10.0.0.2")
	paths := []srpolicy.CandidatePath{path(1, "2001:db8:1::")}
	for _, tt := range []struct {
		r    *Routers
		e    core.Announce
		want string
	}{
		{alone, core.Announce{Node: "a", RouterID: id, Policies: paths}, "no peer in the BGP file is it (node: a), and none reflects"},
		{r, core.Announce{Node: "a", Policies: paths}, "its BGP Identifier is not known"},
		{r, core.Announce{Node: "a", RouterID: id, Services: []service.Route{colored("2001:db8:c::/48")}}, "node a is not told over peer rr: bgp: peer rr has not the address family ipv6-unicast"},
		{r, core.Announce{Node: "a", RouterID: id, Services: []service.Route{{Prefix: netip.MustParsePrefix("10.0.0.0/8"), NextHop: id}}}, "it has no color"},
	} {
		if err := tt.r.Announce(tt.e); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, want %q", err, tt.want)
		}
	}
	// What was refused is not withdrawn, and what is right is told all the same.
	e := core.Announce{Node: "a", RouterID: id, Policies: paths, Services: []service.Route{colored("2001:db8:c::/48")}}
	var untold *UntoldError
	if err := r.Announce(e); !errors.As(err, &untold) || len(untold.Policies) != 0 || untold.Services[e.Services[0].Prefix] == "" || untold.Node != "a" {
		t.Errorf("a family that the peer has not: %+v", untold)
	}
	if err := alone.Announce(e); !errors.As(err, &untold) || len(untold.Policies) != 1 || len(untold.Services) != 1 {
		t.Errorf("no peer leads there: %+v", untold)
	}
	if got := r.States()[0].Routes; got != 1 {
		t.Errorf("%d routes", got)
	}
}
