package nodecfg

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// kernel is a State that behaves as Linux does: it refuses what it could not
// hold, and finds out at each step what traffic would do.
type kernel struct{ State }

func (k kernel) apply(op Op) error {
	if err := k.refusal(op); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	k.State.Apply(op)
	return nil
}

func (k kernel) refusal(op Op) error {
	have := k.State[op.Object.Key()]
	switch {
	case op.Verb == Add && have != nil:
		return fmt.Errorf("exists: %s", have)
	case op.Verb != Add && have == nil:
		return fmt.Errorf("does not exist")
	case op.Verb != Delete:
		return k.gateway(op.Object)
	}
	return nil
}

// gateway refuses a route via an address that no direct route leads to.
func (k kernel) gateway(o Object) error {
	r, ok := o.(Route)
	if !ok || !r.Via.IsValid() || r.Via.IsLinkLocalUnicast() {
		return nil
	}
	for _, o := range k.State {
		if d, ok := o.(Route); ok && !d.Via.IsValid() && d.Dev == r.Dev && d.To.Contains(r.Via) {
			return nil
		}
	}
	return fmt.Errorf("no route to host")
}

// unfenced returns a rule that leads into a table without end.
func (k kernel) unfenced() (Rule, bool) {
	for _, o := range k.State {
		r, ok := o.(Rule)
		fence := Route{Table: r.Table, To: anywhere(r.To), Metric: fenceMetric, Type: Unreachable}
		if ok && !k.Has(fence) {
			return r, true
		}
	}
	return Rule{}, false
}

// unpinned returns a route into a lane whose outer packets have neither their
// way nor a fence: plain routes would carry them somewhere.
func (k kernel) unpinned() (Route, bool) {
	for _, o := range k.State {
		r, ok := o.(Route)
		if !ok || r.Encap == nil || !r.Src.IsValid() {
			continue
		}
		if !k.Has(Route{Table: MainTable, To: r.To, Metric: fenceMetric, Type: Unreachable}) && len(k.intoLane(r.Src)) > 0 {
			return r, true
		}
	}
	return Route{}, false
}

// intoLane are the routes into the interface of the lane with this address.
func (k kernel) intoLane(own netip.Addr) []Route {
	var into []Route
	for _, o := range k.State {
		id := own.As16()
		dev := LaneInterface(uint16(id[14])<<8 | uint16(id[15]))
		r, ok := o.(Route)
		if !ok {
			continue
		}
		if r.Dev == dev || slices.ContainsFunc(slices.Collect(AllHops(r.Hops)), func(h Hop) bool { return h.Dev == dev }) {
			into = append(into, r)
		}
	}
	return into
}

func locator(n int) netip.Prefix {
	return netip.MustParsePrefix(fmt.Sprintf("5f00:0:%x::/48", n))
}

// drawConfig draws a valid Config of node 1.
func drawConfig(t *rapid.T) *Config {
	c := &Config{Revision: 1, Node: "n1", Locator: locator(1)}
	number := func(label string, from, to int) int { return rapid.IntRange(from, to).Draw(t, label) }
	for i := range number("links", 1, 3) {
		peer := i + 2
		l := Link{Name: fmt.Sprint("l", i), Interface: fmt.Sprint("eth", (i + number("shift", 0, 1)*3)),
			Peer: fmt.Sprint("n", peer), ID: uint16(i + 1), PeerID: uint16(number("peer id", 1, 3)), PeerLocator: locator(peer)}
		if number("router", 0, 2) == 0 {
			l.PeerID, l.PeerAddress = 0, routerAddress(i, number("its address", 1, 2))
		}
		c.Links = append(c.Links, l)
		if rapid.Bool().Draw(t, "underlay") {
			c.Underlay = append(c.Underlay, Underlay{To: locator(peer), Link: fmt.Sprint("l", i)})
		}
	}
	for i := range number("policies", 0, 3) {
		p := Policy{Intent: fmt.Sprint("p", i), ID: uint16(i + 1), Mode: rapid.SampledFrom([]Mode{Failover, Spread}).Draw(t, "mode")}
		for j := range number("selectors", 0, 2) {
			s := Selector{From: netip.MustParsePrefix(fmt.Sprintf("10.1.%d.0/24", j)), To: netip.MustParsePrefix(fmt.Sprintf("10.%d.0.0/16", number("to", 2, 3)))}
			if rapid.Bool().Draw(t, "v6") {
				s = Selector{From: netip.MustParsePrefix("2001:db8:1::/48"), To: netip.MustParsePrefix(fmt.Sprintf("2001:db8:%x::/48", j+2))}
			}
			s.Pref = uint16(number("pref", 0, 3))
			p.Traffic = append(p.Traffic, s)
		}
		for j := range number("paths", 0, 3) {
			l := c.Links[number("link", 0, len(c.Links)-1)]
			segs := []netip.Addr{IngressEnd(l.PeerLocator, l.PeerID)}
			if l.PeerAddress.IsValid() {
				segs[0] = routerAddress(int(l.ID)-1, number("its SID", 3, 4))
			}
			for k := range number("more segments", 0, 2) {
				segs = append(segs, EndX(locator(9+k), 1))
			}
			path := Path{Name: fmt.Sprintf("p%d/%d", i, j), Link: l.Name, Segments: segs,
				Tail: locator(20 + j), MTU: 1400 * number("mtu", 0, 1)}
			if p.Mode == Spread {
				path.Weight = number("weight", 1, 3)
			}
			if l.PeerAddress.IsValid() && rapid.Bool().Draw(t, "to the router") {
				path.Segments, path.Tail = nil, netip.Prefix{}
				path.Decap = Decap{routerAddress(int(l.ID)-1, 5), routerAddress(int(l.ID)-1, number("its decapsulation", 5, 6))}
				path.Return = []netip.Addr{routerAddress(int(l.ID)-1, 7)}
			} else if lane := 3*i + j + 1; rapid.Bool().Draw(t, "lane") {
				path.Lane = &Lane{ID: uint16(lane), Index: j, Peer: fmt.Sprint("n", 20+j), Encryption: "pq"}
			}
			p.Paths = append(p.Paths, path)
		}
		c.Policies = append(c.Policies, p)
	}
	if err := c.Validate(); err != nil {
		t.Fatalf("drew a config that is not valid: %v", err)
	}
	return c
}

// drawPaths draws a set of the Config's paths.
func drawPaths(t *rapid.T, c *Config, label string) map[string]bool {
	set := make(map[string]bool)
	for _, p := range c.Policies {
		for _, path := range p.Paths {
			if rapid.Bool().Draw(t, label) {
				set[path.Name] = true
			}
		}
	}
	return set
}

func TestPlanLeadsThere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawConfig(t), drawConfig(t)
		have := a.Desired(drawPaths(t, a, "out before"))
		want := b.Desired(drawPaths(t, b, "out after"))
		k := kernel{have.Clone()}
		for _, op := range Plan(have, want) {
			if err := k.apply(op); err != nil {
				t.Fatal(err)
			}
			if r, ok := k.unfenced(); ok {
				t.Fatalf("after %s there is no fence for %s", op, r)
			}
			if r, ok := k.unpinned(); ok {
				t.Fatalf("after %s nothing keeps a lane's packets from other ways: %s", op, r)
			}
			if r, ok := k.astray(); ok {
				t.Fatalf("after %s no route of its own leads the first SID: %s", op, r)
			}
			for key := range have {
				if want[key] != nil && k.State[key] == nil {
					t.Fatalf("%s removed what both sides have: %s", op, have[key])
				}
			}
		}
		for key, o := range k.State { // sysctls of before stay, and interfaces stay up
			switch o.(type) {
			case Sysctl, LinkUp:
				if want[key] == nil {
					delete(k.State, key)
				}
			}
		}
		if !maps.Equal(k.State, want) {
			t.Fatalf("reached:\n%s\nwanted:\n%s", k, want)
		}
		if ops := Plan(want, want); len(ops) != 0 {
			t.Fatalf("from a state to itself: %v", ops)
		}
	})
}

// Whatever operations fail, no rule is without its fence, and trying again
// leads there.
func TestGuardUnderFailures(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawConfig(t), drawConfig(t)
		k := kernel{a.Desired(nil)}
		want := b.Desired(nil)
		for round := 0; ; round++ {
			ops := Plan(k.State, want)
			if len(ops) == 0 {
				return
			}
			if round > 3 {
				t.Fatalf("never reached, left: %v", ops)
			}
			var g Guard
			for _, op := range ops {
				if !g.Allows(op) || round < 3 && rapid.Bool().Draw(t, "fails") || k.apply(op) != nil {
					g.Failed(op)
				}
				if r, ok := k.unfenced(); ok {
					t.Fatalf("after %s there is no fence for %s", op, r)
				}
			}
		}
	})
}

// LeftOut takes out only what probes found down, and lanes whose link is, and
// leaves each policy a way if it has one. A spread that has one does without
// those that have no carrier.
func TestLeftOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawConfig(t)
		before, probeDown := drawPaths(t, c, "before"), drawPaths(t, c, "probe down")
		linkDown := make(map[string]bool)
		for _, l := range c.Links {
			linkDown[l.Name] = rapid.Bool().Draw(t, "link down")
		}
		closed, draining := drawPaths(t, c, "lane closed"), drawPaths(t, c, "lane draining")
		out := c.LeftOut(before, probeDown, linkDown, closed, draining)
		for _, p := range c.Policies {
			ways, up, lasting, used := 0, 0, 0, 0
			for _, path := range p.Paths {
				stuck := path.Lane != nil && (linkDown[path.Link] || closed[path.Name])
				dark := p.Mode == Spread && linkDown[path.Link]
				if out[path.Name] && !probeDown[path.Name] && !stuck && !dark && !draining[path.Name] {
					t.Fatalf("%s is left out, but no probe says it is down", path.Name)
				}
				if stuck && !out[path.Name] {
					t.Fatalf("%s is a lane that is closed or without a link, and packets are sent into it", path.Name)
				}
				if !linkDown[path.Link] && !stuck {
					ways++
					if !probeDown[path.Name] {
						up++
						if !draining[path.Name] {
							lasting++
						}
					}
					if !out[path.Name] {
						used++
					}
				}
			}
			want := max(up, 1)
			if lasting > 0 {
				want = lasting // packets leave the others before they close
			}
			if ways > 0 && used != want {
				t.Fatalf("%s: of %d ways %d are up, %d of these will last, %d used", p.Intent, ways, up, lasting, used)
			}
			for _, path := range p.Paths {
				waits := path.Lane == nil && linkDown[path.Link] && !probeDown[path.Name] && !draining[path.Name]
				if want := waits && p.Mode == Spread && up > 0; waits && out[path.Name] != want {
					t.Fatalf("%s, mode %q, %d ways up: without carrier, left out %v", path.Name, p.Mode, up, out[path.Name])
				}
			}
		}
		if again := c.LeftOut(out, probeDown, linkDown, closed, draining); !maps.Equal(out, again) {
			t.Fatalf("not stable: %v, then %v", out, again)
		}
	})
}

// Packets leave a lane that drains, one by one, while there is one that lasts,
// and stay where there is none: a lane that drains carries until it closes.
func TestDraining(t *testing.T) {
	lane := func(name string) Path { return Path{Name: name, Link: "l", Lane: &Lane{}} }
	c := &Config{Policies: []Policy{{Paths: []Path{lane("a/0"), lane("a/1"), lane("a/2")}}}}
	names := func(names ...string) map[string]bool {
		set := make(map[string]bool)
		for _, n := range names {
			set[n] = true
		}
		return set
	}
	for _, tt := range []struct{ draining, probeDown, closed, want map[string]bool }{
		{draining: names("a/0"), want: names("a/0")},
		{draining: names("a/0", "a/1"), want: names("a/0", "a/1")},
		{draining: names("a/0", "a/1", "a/2"), want: names()},
		{draining: names("a/0"), closed: names("a/1", "a/2"), want: names("a/1", "a/2")},
		{draining: names("a/0", "a/1"), closed: names("a/2"), want: names("a/2")},
		{draining: names("a/0"), probeDown: names("a/1", "a/2"), want: names("a/1", "a/2")},
		{draining: names("a/0", "a/1"), probeDown: names("a/0"), closed: names("a/2"), want: names("a/0", "a/2")},
	} {
		if got := c.LeftOut(nil, tt.probeDown, nil, tt.closed, tt.draining); !maps.Equal(got, tt.want) {
			t.Errorf("draining %v, down %v, closed %v: left out %v, want %v", tt.draining, tt.probeDown, tt.closed, got, tt.want)
		}
	}
	got := Draining([]LaneState{{Name: "a/0", Open: true, Draining: true}, {Name: "a/1", Open: true}, {Name: "a/2", Draining: true}})
	if !maps.Equal(got, names("a/0")) {
		t.Errorf("draining %v", got)
	}
}

// Switch is the quick way to what Plan finds, without the interfaces of lanes:
// who makes a lane sets its interface up.
func TestSwitchIsPlan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawConfig(t)
		before, after := drawPaths(t, c, "before"), drawPaths(t, c, "after")
		got := c.Switch(before, after)
		want := slices.DeleteFunc(Plan(c.Desired(before), c.Desired(after)), func(op Op) bool {
			_, route := op.Object.(Route)
			return !route
		})
		if !slices.Equal(got, want) {
			t.Fatalf("switch:\n%v\nplan:\n%v", got, want)
		}
	})
}

// Equal lists of next hops are equal values, and no others are.
func TestHops(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) []Hop {
			return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Hop {
				return Hop{Dev: rapid.SampledFrom([]string{"eth1", "eth2"}).Draw(t, "dev"), Weight: rapid.IntRange(1, 2).Draw(t, "weight")}
			}), 0, 3).Draw(t, label)
		}
		list, other := draw("list"), draw("other")
		same := slices.Equal(list, other)
		hops := HopsOf(slices.Clone(list)...)
		if same != (hops == HopsOf(other...)) {
			t.Fatalf("%v and %v: equal values %v", list, other, !same)
		}
		var got []Hop
		for h := range AllHops(hops) {
			h.Next = nil
			got = append(got, h)
		}
		if !slices.Equal(got, list) {
			t.Fatalf("%v became %v", list, got)
		}
	})
}

func FuzzSegments(f *testing.F) {
	f.Add([]byte("0123456789abcdef0123456789abcdef"))
	f.Fuzz(func(t *testing.T, b []byte) {
		addrs := Segments(b).Addrs()
		if got, want := string(SegmentsOf(addrs...)), string(b[:len(b)/16*16]); got != want {
			t.Errorf("%x became %x", want, got)
		}
	})
}

// A lane is closed unless it is known to be open.
func TestClosed(t *testing.T) {
	lane := func(name string) Path { return Path{Name: name, Lane: &Lane{}} }
	c := &Config{Policies: []Policy{{Paths: []Path{lane("a/0"), lane("a/1"), lane("a/2")}}, {Paths: []Path{{Name: "plain/0"}}}}}
	got := c.Closed([]LaneState{{Name: "a/0", Open: true}, {Name: "a/1", Reason: "no key"}, {Name: "gone/0", Open: true}})
	if want := map[string]bool{"a/1": true, "a/2": true}; !maps.Equal(got, want) {
		t.Errorf("closed %v, want %v", got, want)
	}
}
