package router_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/lsdb"
	"github.com/keiro-net/keiro/bgp/route"
	"github.com/keiro-net/keiro/bgp/service"
	"github.com/keiro-net/keiro/bgp/srpolicy"
	"github.com/keiro-net/keiro/bgp/srpolicy/report"
	"github.com/keiro-net/keiro/controller/live"
)

const color = 1_000_001

var tail = netip.MustParseAddr("5f00:0:2::1")

// policy makes a candidate path.
func policy(distinguisher, preference uint32, segments ...string) srpolicy.CandidatePath {
	list := srpolicy.SegmentList{}
	for _, s := range segments {
		list.Segments = append(list.Segments, srpolicy.Segment{SID: netip.MustParseAddr(s)})
	}
	return srpolicy.CandidatePath{NLRI: srpolicy.NLRI{Distinguisher: distinguisher, Color: color, Endpoint: tail},
		Tunnel: srpolicy.Tunnel{Preference: ls.Some(preference), Name: fmt.Sprint("path-", distinguisher), SegmentLists: []srpolicy.SegmentList{list}}}
}

var session = route.Session{LocalAS: 65000, ExtendedNextHop: true, LocalAddress: netip.MustParseAddr("fd00:1::")}

// inUse waits until the headend says which path it forwards by, of those offered.
func (x *triangle) inUse(want srpolicy.CandidatePath, idle ...srpolicy.CandidatePath) {
	x.t.Helper()
	x.eventually("the report of r1", func() string {
		x.mu.Lock()
		defer x.mu.Unlock()
		if len(x.paths) != 1+len(idle) {
			return fmt.Sprintf("%d paths are reported", len(x.paths))
		}
		for _, s := range x.paths {
			if s.Distinguisher == want.Distinguisher {
				if v, why := report.Installed(want, s); v != report.Yes {
					return fmt.Sprintf("path %d: %v: %v", s.Distinguisher, v, why)
				}
			} else if v, _ := report.Installed(idle[0], s); v == report.Yes {
				return fmt.Sprintf("path %d is in use", s.Distinguisher)
			}
		}
		return ""
	})
}

func (x *triangle) offer(c srpolicy.CandidatePath) {
	x.t.Helper()
	u, err := srpolicy.Route{CandidatePath: c, Direct: true}.Announce(session)
	x.announce("r1", u, err)
}

// attract makes a colored route to r2.
func (x *triangle) attract(prefix, sid string) {
	x.t.Helper()
	u, err := service.Route{Prefix: netip.MustParsePrefix(prefix), NextHop: tail, Colors: []route.Color{{Value: color}},
		SID: ls.Some(service.SID{Addr: netip.MustParseAddr(sid)}), NoAdvertise: true}.Announce(session)
	x.announce("r1", u, err)
}

// whole waits until the declared links are there, but for some.
func (x *triangle) whole(but ...string) *live.Result {
	x.t.Helper()
	var r *live.Result
	x.eventually(fmt.Sprintf("all links but %v", but), func() string {
		var v *lsdb.View
		// Both ends of what is cut have withdrawn it.
		if v, r = x.learned(); len(v.Half) > 0 || len(v.Links) != len(r.Links)-len(but) {
			return fmt.Sprintf("%d links, %d halves", len(v.Links), len(v.Half))
		}
		for _, l := range r.Links {
			_, out := r.Out[l.Name]
			missing := slices.Contains(but, l.Name)
			switch {
			case out != missing:
				return fmt.Sprintf("%s: out %q", l.Name, r.Out[l.Name])
			case !missing && l.Learned == nil:
				return l.Name + " is not learned"
			}
		}
		return ""
	})
	return r
}

// TestRouter: what three routers say is the triangle, with its SIDs; a policy at
// one of them carries packets; a cut is withdrawn, and another policy takes over.
func TestRouter(t *testing.T) {
	x := start(t)
	r := x.whole()
	for _, want := range []struct{ link, from, sid string }{
		{"r1--r2", "r1", "5f00:0:1:e001::"}, {"r1--r3", "r1", "5f00:0:1:e002::"}, {"r1--r2", "r2", "5f00:0:2:e001::"},
		{"r2--r3", "r2", "5f00:0:2:e002::"}, {"r1--r3", "r3", "5f00:0:3:e001::"}, {"r2--r3", "r3", "5f00:0:3:e002::"},
	} {
		if got, ok := r.SIDs.Over(want.link, want.from); !ok || got.Addr != netip.MustParseAddr(want.sid) || got.Protected {
			t.Errorf("%s from %s: %+v", want.link, want.from, got)
		}
	}
	for _, n := range r.Nodes {
		if len(n.Conditions) > 0 || n.Router == nil {
			t.Errorf("%+v", n)
		}
		for _, behavior := range []uint16{ls.BehaviorEndDT6, ls.BehaviorEndDT4} {
			if sid, ok := r.SIDs.Decapsulation(n.Name, behavior); !ok {
				t.Errorf("%s: behavior %d: %+v", n.Name, behavior, sid)
			}
		}
	}
	direct := r.Topology.Links[0]
	capacity, _ := direct.Capacity.Get()
	delay, _ := direct.Delay.Get()
	srlgs, _ := r.Topology.Entries[0].SRLGs.Get()
	if direct.Metric != 10 || capacity.String() != "1Gbps" || delay != 2000 || !slices.Equal(srlgs, []string{"srlg-7"}) {
		t.Errorf("link %+v %+v", direct, r.Topology.Entries[0])
	}
	if sid, ok := r.SIDs.Node("r3"); !ok || sid.Addr != netip.MustParseAddr("5f00:0:3:1::") {
		t.Errorf("End of r3: %+v", sid)
	}

	x.attract("10.2.0.0/16", "5f00:0:2:d4::")
	x.attract("2001:db8:2::/48", "5f00:0:2:d6::")
	first, second := policy(1, 200, "5f00:0:1:e001::"), policy(2, 100, "5f00:0:1:e002::", "5f00:0:3:e002::")
	x.offer(first)
	x.eventually("policy and routes at r1", func() string {
		if rib := x.rib("r1"); len(rib.Candidates) != 1 || len(rib.Routes) != 2 || rib.Candidates[0].Preference != 200 || len(rib.Installed) != len(rib.Routes) {
			return rib.String()
		}
		return ""
	})
	for _, ends := range [][2]string{{"10.1.0.1", "10.2.0.1"}, {"2001:db8:1::1", "2001:db8:2::1"}} {
		if got := x.flow(ends[0], ends[1], func() {}); got.Lost > 0 {
			t.Errorf("%v: %+v", ends, got)
		}
	}

	x.inUse(first)

	cut, err := x.lab.Target("r1--r2")
	if err != nil {
		t.Fatal(err)
	}
	got := x.flow("10.1.0.1", "10.2.0.1", func() {
		if _, err := x.lab.Cut(t.Context(), cut); err != nil {
			t.Fatal(err)
		}
		x.whole("r1--r2")
		x.offer(second)
	})
	x.inUse(second, first)
	if len(got.Outages) == 0 {
		t.Errorf("a cut without an outage: %+v", got)
	}
	// Back: the path of the greater preference is taken again, and nothing is
	// lost by that.
	got = x.flow("2001:db8:1::1", "2001:db8:2::1", func() {
		if _, err := x.lab.Restore(t.Context(), cut); err != nil {
			t.Fatal(err)
		}
		x.whole()
	})
	if got.Lost > 0 {
		t.Errorf("on the way back: %+v", got)
	}
	x.inUse(first, second)
}
