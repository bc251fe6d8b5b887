package floor

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// world is a node with a kernel, a disk and a controller that sends whatever
// it likes, and a naive memory of what every packet has a right to.
type world struct {
	t       *rapid.T
	floors  Floors
	disk    []byte
	cfg     *nodecfg.Config // obeyed
	asked   *nodecfg.Config
	kernel  nodecfg.State
	lanes   map[string]int // what WireGuard has, by interface: its strength
	need    map[string]map[packet]int
	lowered time.Time
}

type packet struct{ from, to netip.Addr }

func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }
func addr(s string) netip.Addr     { return netip.MustParseAddr(s) }

var (
	sources = []netip.Prefix{prefix("10.1.0.0/16"), prefix("10.1.0.0/17"), prefix("10.1.128.0/17"), prefix("10.0.0.0/8"), prefix("2001:db8:1::/48"), prefix("::/0")}
	targets = []netip.Prefix{prefix("10.2.0.0/16"), prefix("10.0.0.0/8"), prefix("2001:db8:2::/48"), prefix("2001:db8::/32")}
	packets = cross(
		[]netip.Addr{addr("10.1.0.1"), addr("10.1.200.1"), addr("10.9.0.1"), addr("2001:db8:1::1"), addr("2001:db8:9::1")},
		[]netip.Addr{addr("10.2.0.1"), addr("10.8.0.1"), addr("2001:db8:2::1"), addr("2001:db8:8::1")})
)

func cross(from, to []netip.Addr) (all []packet) {
	for _, f := range from {
		for _, t := range to {
			if f.Is4() == t.Is4() {
				all = append(all, packet{f, t})
			}
		}
	}
	return all
}

var peer = prefix("5f00:0:2::/48")

// drawConfig draws a Config that a controller might send, by mistake or not.
func drawConfig(t *rapid.T) *nodecfg.Config {
	number := func(label string, least, most int) int { return rapid.IntRange(least, most).Draw(t, label) }
	c := &nodecfg.Config{Revision: 1, Node: "n1", Locator: prefix("5f00:0:1::/48"), Links: []nodecfg.Link{
		{Name: "l", Interface: "eth0", Peer: "n2", ID: 1, PeerID: 1, PeerLocator: peer}}}
	ids := rapid.Permutation([]uint16{1, 2, 3, 4, 5, 6}).Draw(t, "lane ids")
	tables := rapid.Permutation([]uint16{1, 2, 3}).Draw(t, "policy ids")
	for i := range number("policies", 0, 3) {
		p := nodecfg.Policy{Intent: string(rune('a' + number("intent", 0, 3))), ID: tables[i]}
		if slices.ContainsFunc(c.Policies, func(o nodecfg.Policy) bool { return o.Intent == p.Intent }) {
			continue
		}
		level := rapid.SampledFrom(append([]string{""}, nodecfg.Encryptions...)).Draw(t, "level")
		p.Encryption = level
		for range number("selectors", 0, 3) {
			s := nodecfg.Selector{From: rapid.SampledFrom(sources).Draw(t, "from"), To: rapid.SampledFrom(targets).Draw(t, "to"), Pref: uint16(number("pref", 0, 5))}
			if s.From.Addr().Is4() == s.To.Addr().Is4() {
				p.Traffic = append(p.Traffic, s)
			}
		}
		odd := number("odd paths", 0, 9) == 0
		for j := range number("paths", 0, 2) {
			path := nodecfg.Path{Name: fmt.Sprint(p.Intent, "/", j), Link: "l", Tail: prefix("5f00:0:9::/48"),
				Segments: []netip.Addr{nodecfg.IngressEnd(peer, 1)}}
			l := level
			if odd {
				l = rapid.SampledFrom(append([]string{""}, nodecfg.Encryptions...)).Draw(t, "odd level")
			}
			if l != "" {
				path.Lane = &nodecfg.Lane{ID: ids[2*i+j], Index: j, Peer: "n9", Encryption: l}
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

// carried says with what strengths a packet may leave now: several where the
// kernel has the choice.
func (w *world) carried(p packet) (strengths []int) {
	rules, routes := w.split()
	return w.leaves(p, rules, routes)
}

// split the kernel's state into what decides about packets.
func (w *world) split() (rules []nodecfg.Rule, routes []nodecfg.Route) {
	for _, o := range w.kernel {
		switch o := o.(type) {
		case nodecfg.Rule:
			rules = append(rules, o)
		case nodecfg.Route:
			if o.Table != nodecfg.MainTable {
				routes = append(routes, o)
			}
		}
	}
	return rules, routes
}

func (w *world) leaves(p packet, rules []nodecfg.Rule, routes []nodecfg.Route) (strengths []int) {
	best, found := uint32(0), false
	var tables []uint32
	for _, r := range rules {
		if !r.From.Contains(p.from) || !r.To.Contains(p.to) || found && r.Pref > best {
			continue
		}
		if !found || r.Pref < best {
			tables, best, found = nil, r.Pref, true
		}
		tables = append(tables, r.Table)
	}
	if !found {
		return []int{0} // the main table
	}
	for _, table := range tables {
		if table == 0 {
			continue // unreachable
		}
		// The one route per destination and metric; the longest prefix first.
		var route nodecfg.Route
		for _, r := range routes {
			if r.Table == table && r.To.Contains(p.to) && (!route.To.IsValid() || r.To.Bits() > route.To.Bits() ||
				r.To.Bits() == route.To.Bits() && r.Metric < route.Metric) {
				route = r
			}
		}
		strength, lane := w.lanes[route.Dev]
		switch {
		case !route.To.IsValid():
			w.t.Fatalf("table %d has no end", table)
		case route.Type == nodecfg.Unreachable:
		case lane:
			strengths = append(strengths, strength)
		case !strings.HasPrefix(route.Dev, nodecfg.LanePrefix): // else the interface is gone
			strengths = append(strengths, 0)
		}
	}
	return strengths
}

// check wants every packet to have at least what it has a right to.
func (w *world) check(when string) {
	rules, routes := w.split()
	for _, p := range packets {
		for _, strength := range w.leaves(p, rules, routes) {
			if need := w.right(p); strength < need {
				w.t.Fatalf("%s: %s to %s is carried with strength %d, its floor is %d; floors %+v\n%s", when, p.from, p.to, strength, need, w.floors, w.kernel)
			}
		}
	}
}

func (w *world) right(p packet) (need int) {
	for _, of := range w.need {
		need = max(need, of[p])
	}
	return need
}

// remember is the naive twin of Raise.
func (w *world) remember(cfg *nodecfg.Config) {
	for _, p := range cfg.Policies {
		asks := p.Asks()
		if asks == 0 {
			continue
		}
		if w.need[p.Intent] == nil {
			w.need[p.Intent] = make(map[packet]int)
		}
		for _, had := range maps.Clone(w.need[p.Intent]) {
			asks = max(asks, had)
		}
		for _, packet := range packets {
			if slices.ContainsFunc(p.Traffic, func(s nodecfg.Selector) bool { return s.From.Contains(packet.from) && s.To.Contains(packet.to) }) {
				w.need[p.Intent][packet] = max(w.need[p.Intent][packet], asks)
			}
		}
	}
}

// obey does what the agent does, and looks at every packet after each step.
func (w *world) obey(asked *nodecfg.Config, fails bool) {
	cfg := w.floors.Obey(asked)
	floors, err := w.floors.Raise(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	w.floors, w.disk = floors, floors.Encode("n1")
	fences, err := floors.Fences(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	if w.cfg != nil {
		out := make(map[string]bool)
		for _, path := range Moved(w.cfg, cfg) {
			out[path] = true
		}
		for _, op := range w.cfg.Switch(nil, out) {
			w.kernel.Apply(op)
		}
	}
	w.lanes = make(map[string]int)
	for _, p := range cfg.Policies {
		for _, path := range p.Paths {
			if l := path.Lane; l != nil {
				w.lanes[nodecfg.LaneInterface(l.ID)] = nodecfg.Strength(l.Encryption)
			}
		}
	}
	w.check("lanes are made")
	want := cfg.Desired(nil)
	for _, r := range fences {
		want.Add(r)
	}
	for round := 0; ; round++ {
		ops := nodecfg.Plan(w.kernel, want)
		if len(ops) == 0 {
			break
		}
		var guard nodecfg.Guard
		for _, op := range ops {
			if !guard.Allows(op) || fails && round < 2 && rapid.Bool().Draw(w.t, "fails") {
				guard.Failed(op)
				continue
			}
			w.kernel.Apply(op)
			switch op.Object.(type) {
			case nodecfg.Rule, nodecfg.Route:
				w.check(op.String())
			}
		}
	}
	w.cfg, w.asked = cfg, asked
	w.remember(asked)
	w.check("all is done")
	w.matches()
}

// matches wants the fences to stop nothing else, and States to say so.
func (w *world) matches() {
	fenced := make(map[string]bool)
	for _, p := range packets {
		gives, found := w.first(p)
		need := w.right(p)
		if found && gives >= need && len(w.carried(p)) == 0 && w.mayLeave(p) {
			w.t.Fatalf("%s to %s has floor %d and would be carried with %d, but is stopped\n%s", p.from, p.to, need, gives, w.kernel)
		}
		if !found && need == 0 && !slices.Equal(w.carried(p), []int{0}) {
			w.t.Fatalf("%s to %s has no floor and nobody takes it, but it is stopped\n%s", p.from, p.to, w.kernel)
		}
		for intent, of := range w.need {
			if of[p] > 0 && (!found || gives < of[p]) {
				fenced[intent] = true
			}
		}
	}
	for _, s := range w.floors.States(w.asked) {
		if fenced[s.Intent] && !s.Fenced {
			w.t.Fatalf("%+v, but its packets are not carried as they must be\n%s", s, w.kernel)
		}
		if s.Fenced != (s.Reason != "") && s.Fenced {
			w.t.Fatalf("fenced without a reason: %+v", s)
		}
	}
}

// first is what the policy gives that matches a packet first: the least, of
// several with one preference.
func (w *world) first(p packet) (gives int, found bool) {
	best := uint16(0)
	for i := range w.cfg.Policies {
		policy := &w.cfg.Policies[i]
		for _, s := range policy.Traffic {
			if !s.From.Contains(p.from) || !s.To.Contains(p.to) || found && s.Pref > best {
				continue
			}
			if g := policy.Gives(); !found || s.Pref < best || g < gives {
				gives = g
			}
			best, found = s.Pref, true
		}
	}
	return gives, found
}

// mayLeave: the policies that match a packet first have a path.
func (w *world) mayLeave(p packet) bool {
	best, paths, found := uint16(0), 0, false
	for i := range w.cfg.Policies {
		for _, s := range w.cfg.Policies[i].Traffic {
			if s.From.Contains(p.from) && s.To.Contains(p.to) && (!found || s.Pref <= best) {
				if !found || s.Pref < best || len(w.cfg.Policies[i].Paths) < paths {
					paths = len(w.cfg.Policies[i].Paths)
				}
				best, found = s.Pref, true
			}
		}
	}
	return paths > 0
}

// Whatever Configs come in whatever order, with restarts and operations that
// fail in between: no packet that was ever to be encrypted is carried with
// less, unless root has lowered the floor; and no other packet is stopped.
func TestNeverCarriedWithLess(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{t: t, kernel: make(nodecfg.State), need: make(map[string]map[packet]int), lowered: time.Unix(1e9, 0)}
		for range rapid.IntRange(1, 6).Draw(t, "steps") {
			switch rapid.IntRange(0, 7).Draw(t, "step") {
			case 0: // a crash of the machine: the kernel is empty until the agent is back
				back, err := Decode("n1", w.disk)
				if w.disk != nil && (err != nil || !back.Equal(w.floors)) {
					t.Fatalf("read back %+v, %v, kept %+v", back, err, w.floors)
				}
				w.kernel, w.cfg = make(nodecfg.State), nil
				w.fenceOff()
				if w.asked != nil && rapid.Bool().Draw(t, "config kept") {
					w.obey(w.asked, false)
				}
			case 1: // root
				intent := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "lowered")
				floors, err := w.floors.Lower(intent, w.lowered)
				if had := len(w.need[intent]) > 0; had != (err == nil) {
					t.Fatalf("lower %s: %v, had one: %v", intent, err, had)
				}
				if err == nil {
					w.floors = floors
					delete(w.need, intent)
					if w.asked != nil {
						w.remember(w.asked)
						w.obey(w.asked, false)
					}
				}
			default:
				w.obey(drawConfig(t), rapid.Bool().Draw(t, "failures"))
			}
		}
	})
}

// fenceOff is what an agent begins with: in an empty kernel nothing protects
// anything until the fences are there.
func (w *world) fenceOff() {
	fences, err := w.floors.Fences(new(nodecfg.Config))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range fences {
		w.kernel.Apply(nodecfg.Op{Verb: nodecfg.Add, Object: r})
	}
	w.check("the agent has begun")
}
