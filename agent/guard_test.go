package agent

import (
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/internal/testnet"
	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/rtnl"
)

// guarded is an agent, and somebody else on its machine.
type guarded struct {
	*triangle
	*running
	want  nodecfg.State
	other *rtnl.Handle
	last  *nodecfg.Report
}

// report waits for a Report as running's does, but the last one counts too.
func (g *guarded) report(what string, want func(*nodecfg.Report) bool) *nodecfg.Report {
	g.t.Helper()
	if g.last == nil || !want(g.last) {
		g.last = g.running.report(what, want)
	}
	return g.last
}

func newGuarded(t testing.TB, change func(*nodecfg.Config)) *guarded {
	t.Helper()
	w := newTriangle(t)
	if change != nil {
		change(w.a.cfg)
	}
	g := &guarded{triangle: w, running: start(t, w.a, t.TempDir()), want: w.a.cfg.Desired(nil)}
	g.in <- nodecfg.ToAgent{Config: w.a.cfg}
	g.report("reached", reached)
	var err error
	if g.other, err = rtnl.OpenAt(w.a.FD); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.other.Close)
	return g
}

func (g *guarded) does(t testing.TB, verb nodecfg.Verb, o nodecfg.Object) {
	t.Helper()
	if err := g.other.Apply(nodecfg.Op{Verb: verb, Object: o}); err != nil {
		t.Fatalf("%s %s: %v", verb, o, err)
	}
}

// one picks an object that must be there.
func one[O nodecfg.Object](t testing.TB, s nodecfg.State, which func(O) bool) O {
	t.Helper()
	for _, o := range s {
		if o, ok := o.(O); ok && which(o) {
			return o
		}
	}
	t.Fatal("no such object")
	panic("unreachable")
}

func inPolicy(r nodecfg.Route) bool { return r.Table != nodecfg.MainTable && r.Type == nodecfg.Unicast }

// drift waits for a Report with a drift.
func (g *guarded) drift(what string, want func(nodecfg.Drift) bool) nodecfg.Drift {
	g.t.Helper()
	var found nodecfg.Drift
	g.report(what, func(r *nodecfg.Report) bool {
		i := slices.IndexFunc(r.Drifts, want)
		if i >= 0 {
			found = r.Drifts[i]
		}
		return i >= 0
	})
	return found
}

// What others change is put back and told of: what, how, and who where the
// kernel says.
func TestDrifts(t *testing.T) {
	g := newGuarded(t, nil)
	route := one(t, g.want, inPolicy)
	rule := one(t, g.want, func(r nodecfg.Rule) bool { return r.Table != 0 })
	addr := one(t, g.want, func(a nodecfg.Addr) bool { return a.Dev == "eth1" })
	changed := route
	changed.MTU = 1300
	added := nodecfg.Route{Table: route.Table, To: netip.MustParsePrefix("10.66.0.0/16"), Metric: 5, Dev: "eth1"}
	sysctl := nodecfg.Sysctl{Name: "net/ipv4/conf/eth1/rp_filter", Value: "0"}
	source := one(t, g.want, func(nodecfg.TunSrc) bool { return true })
	for _, tt := range []struct {
		verb   nodecfg.Verb
		do     nodecfg.Object
		object nodecfg.Object
		change string
		who    bool // the kernel tells
	}{
		{nodecfg.Delete, route, route, nodecfg.Deleted, true},
		{nodecfg.Replace, changed, route, nodecfg.Changed, true},
		{nodecfg.Add, added, added, nodecfg.Added, true},
		{nodecfg.Delete, rule, rule, nodecfg.Deleted, true},
		{nodecfg.Delete, addr, addr, nodecfg.Deleted, false},
		{nodecfg.Delete, nodecfg.LinkUp{Dev: "eth1"}, nodecfg.LinkUp{Dev: "eth1"}, nodecfg.Changed, false},
		{nodecfg.Replace, nodecfg.Sysctl{Name: sysctl.Name, Value: "1"}, sysctl, nodecfg.Changed, false},
		{nodecfg.Replace, nodecfg.Sysctl{Name: "net/ipv4/conf/all/forwarding", Value: "0"}, nodecfg.Sysctl{Name: "net/ipv4/conf/all/forwarding", Value: "1"}, nodecfg.Changed, false},
		{nodecfg.Delete, source, source, nodecfg.Deleted, false},
	} {
		began := time.Now()
		g.does(t, tt.verb, tt.do)
		d := g.drift(nodecfg.Words(tt.object)+" restored", func(d nodecfg.Drift) bool {
			return d.Object == nodecfg.Words(tt.object) && d.Change == tt.change && !d.Restored.IsZero() && (d.By != "") == tt.who
		})
		if d.At.Before(began) || d.Restored.Before(d.At) || d.Kept != "" {
			t.Errorf("%+v", d)
		}
		if g.a.see(t, g.want).State[tt.object.Key()] != g.want[tt.object.Key()] {
			t.Errorf("not put back: %s", tt.object)
		}
	}
	if r := g.report("intent", func(r *nodecfg.Report) bool { return len(r.Drifts) > 0 }); r.Drifts[0].Intent != "gold" {
		t.Errorf("first drift %+v", r.Drifts[0])
	}
}

// What iproute2 does has its name, as long as it lives to be asked.
func TestDriftByName(t *testing.T) {
	g := newGuarded(t, nil)
	route := one(t, g.want, inPolicy)
	_, rest, _ := strings.Cut(nodecfg.Words(route), " route ")
	testnet.Eventually(t, "a name", func() bool {
		family := "-4"
		if route.To.Addr().Is6() {
			family = "-6"
		}
		g.a.Do(func() error {
			return exec.Command("ip", append([]string{family, "route", "del"}, strings.Fields(rest)...)...).Run()
		})
		found := ""
		g.last = nil
		g.report("the drift", func(r *nodecfg.Report) bool {
			for _, d := range r.Drifts {
				found = d.By
			}
			return len(r.Drifts) > 0 && !r.Drifts[len(r.Drifts)-1].Restored.IsZero()
		})
		return strings.HasPrefix(found, "ip, pid ")
	})
}

// What Keiro and the kernel do themselves is no drift: paths that are
// switched, links without carrier, interfaces that go and come.
func TestNoDrift(t *testing.T) {
	g := newGuarded(t, nil)
	g.prober.say("gold/0")
	g.report("second path", active("gold/1"))
	g.prober.say()
	g.report("first path", active("gold/0"))
	g.ab.Cut()
	g.report("cut", active("gold/1"))
	g.ab.Restore()
	g.report("restored", func(r *nodecfg.Report) bool { return active("gold/0")(r) && reached(r) })
	next := *g.a.cfg
	next.Revision, next.Policies = 2, nil
	g.in <- nodecfg.ToAgent{Config: &next}
	if r := g.report("revision 2", func(r *nodecfg.Report) bool { return r.Revision == 2 && r.Reached }); len(r.Drifts) > 0 {
		t.Errorf("drifts: %+v", r.Drifts)
	}
	// Somebody sets an interface down: that is the drift, and not what the
	// kernel drops for it.
	g.does(t, nodecfg.Delete, nodecfg.LinkUp{Dev: "eth1"})
	r := g.report("set up again", func(r *nodecfg.Report) bool {
		return r.Reached && len(r.Drifts) > 0 && !r.Drifts[0].Restored.IsZero()
	})
	if len(r.Drifts) != 1 || r.Drifts[0].Object != "ip link eth1 up" {
		t.Errorf("drifts: %+v", r.Drifts)
	}
}

// A guard that only tells leaves everything but what keeps packets from going
// where they must not, and goes on switching paths.
func TestAlertOnlyTells(t *testing.T) {
	g := newGuarded(t, func(c *nodecfg.Config) { c.Guard = nodecfg.Alert })
	route := one(t, g.want, func(r nodecfg.Route) bool { return inPolicy(r) && r.Metric == 100 && r.To.Addr().Is4() })
	g.does(t, nodecfg.Delete, route)
	d := g.drift("told", func(d nodecfg.Drift) bool { return d.Kept == onlyTells })
	if d.Object != nodecfg.Words(route) || !d.Restored.IsZero() {
		t.Errorf("%+v", d)
	}
	fence := one(t, g.want, func(r nodecfg.Route) bool {
		return r.Table != nodecfg.MainTable && r.Type == nodecfg.Unreachable && r.To.Addr().Is4()
	})
	g.does(t, nodecfg.Delete, fence)
	g.drift("fence restored", func(d nodecfg.Drift) bool { return d.Object == nodecfg.Words(fence) && !d.Restored.IsZero() })
	if g.a.see(t, g.want).State.Has(route) {
		t.Error("the route was put back")
	}
	g.prober.say("gold/1")
	second := one(t, g.want, func(r nodecfg.Route) bool { return inPolicy(r) && r.Metric == 101 && r.To.Addr().Is4() })
	testnet.Eventually(t, "paths are switched", func() bool { return !g.a.see(t, g.want).State.Has(second) })
	g.prober.say()
	testnet.Eventually(t, "and back", func() bool { return g.a.see(t, g.want).State.Has(second) })
	if g.a.see(t, g.want).State.Has(route) {
		t.Error("the route was put back by a switch of another path")
	}
	// The operator puts it back, or has the guard do it.
	next := *g.a.cfg
	next.Revision, next.Guard = 2, nodecfg.Enforce
	g.in <- nodecfg.ToAgent{Config: &next}
	g.drift("restored", func(d nodecfg.Drift) bool {
		return d.Object == nodecfg.Words(route) && !d.Restored.IsZero() && d.Kept == ""
	})
	g.report("reached", func(r *nodecfg.Report) bool { return r.Reached && r.Revision == 2 })
}

// An operator who has drained the link may set its interface down; when the
// drain is over it is set up.
func TestDrainedLinkStaysDown(t *testing.T) {
	g := newGuarded(t, func(c *nodecfg.Config) { c.Links[0].Drained = true })
	g.a.Down("eth1")
	d := g.drift("told", func(d nodecfg.Drift) bool { return d.Object == "ip link eth1 up" })
	if !strings.Contains(d.Kept, "link a--b is drained") || !d.Restored.IsZero() {
		t.Errorf("%+v", d)
	}
	g.report("the other path", active("gold/1"))
	route := one(t, g.want, func(r nodecfg.Route) bool { return inPolicy(r) && r.Dev == "eth2" })
	g.does(t, nodecfg.Delete, route)
	g.drift("others are put back meanwhile", func(d nodecfg.Drift) bool { return d.Object == nodecfg.Words(route) && !d.Restored.IsZero() })
	if g.a.Link("eth1").Attrs().Flags&1 != 0 {
		t.Error("the interface was set up")
	}
	next := *g.a.cfg
	next.Revision, next.Links = 2, slices.Clone(next.Links)
	next.Links[0].Drained = false
	g.in <- nodecfg.ToAgent{Config: &next}
	g.report("up again", func(r *nodecfg.Report) bool { return r.Reached && r.Links[0].Up })
}

// Whoever changes an object again and again is not fought; he is named, and
// the object is tried now and then. A fence is put back each time.
func TestNoFight(t *testing.T) {
	g := newGuarded(t, nil)
	rule := one(t, g.want, func(r nodecfg.Rule) bool { return r.Table != 0 })
	route := one(t, g.want, inPolicy)
	fence := one(t, g.want, func(r nodecfg.Route) bool { return r.Table != nodecfg.MainTable && r.Type == nodecfg.Unreachable })
	there := func(o nodecfg.Object) func() bool {
		return func() bool { return g.a.see(t, g.want).State.Has(o) }
	}
	for range 6 { // as often as would be a fight, and less than is told together
		g.does(t, nodecfg.Delete, fence)
		testnet.Eventually(t, "fence again", there(fence))
		g.does(t, nodecfg.Delete, rule)
		g.drift("the rule again", func(d nodecfg.Drift) bool {
			if d.Object == nodecfg.Words(rule) && d.Kept != "" {
				t.Errorf("the rule waits: %s", d.Kept)
			}
			return d.Object == nodecfg.Words(rule) && !d.Restored.IsZero() && there(rule)()
		})
	}
	fight := false
	for range 12 {
		g.does(t, nodecfg.Delete, route)
		g.drift("a word", func(d nodecfg.Drift) bool {
			fight = fight || d.Object == nodecfg.Words(route) && strings.Contains(d.Kept, "somebody fights for it (")
			return fight || d.Object == nodecfg.Words(route) && !d.Restored.IsZero() && there(route)()
		})
		if fight {
			break
		}
	}
	if !fight {
		t.Error("it fights")
	}
	testnet.Eventually(t, "another try", there(route))
}

// Foreign state is not touched, and no drift.
func TestForeignIsNoDrift(t *testing.T) {
	g := newGuarded(t, nil)
	foreign := foreignObjects(t, g.a)
	address(t, g.a.Namespace, "eth1", "2001:db8:77::1/64")
	route := one(t, g.want, inPolicy)
	g.does(t, nodecfg.Delete, route)
	r := g.report("restored", func(r *nodecfg.Report) bool { return len(r.Drifts) > 0 && !r.Drifts[0].Restored.IsZero() })
	if len(r.Drifts) != 1 {
		t.Errorf("drifts: %+v", r.Drifts)
	}
	foreign("after a drift")
}

// A storm ends in the right state, and only its size is told.
func TestDriftStorm(t *testing.T) {
	g := newGuarded(t, nil)
	foreign := foreignObjects(t, g.a)
	table := one(t, g.want, inPolicy).Table
	rule := one(t, g.want, func(r nodecfg.Rule) bool { return r.Table != 0 })
	route := one(t, g.want, inPolicy)
	const changes = 10000
	cpu := spent(t)
	began := time.Now()
	for i := range changes {
		to := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 24)
		switch i % 10 {
		case 0:
			g.does(t, nodecfg.Delete, rule)
		case 1:
			g.does(t, nodecfg.Delete, route)
		default:
			g.does(t, nodecfg.Replace, nodecfg.Route{Table: table, To: to, Metric: 100, Type: nodecfg.Unreachable})
		}
	}
	stormed := time.Since(began)
	// A rule and a route that were fought for come back in a minute at most; all
	// else soon.
	left := func() []nodecfg.Op {
		return slices.DeleteFunc(nodecfg.Plan(g.a.see(t, g.want).State, g.want), func(op nodecfg.Op) bool {
			return op.Object.Key() == rule.Key() || op.Object.Key() == route.Key()
		})
	}
	testnet.Eventually(t, "the right state", func() bool { return len(left()) == 0 })
	t.Logf("storm of %s, right after %s, CPU of agent and storm %s", stormed, time.Since(began), spent(t)-cpu)
	foreign("after the storm")
	r := g.report("told", func(r *nodecfg.Report) bool { return len(r.Drifts) > 1 && r.Drifted > changes/2 })
	if len(r.Drifts) > 100 || !slices.ContainsFunc(r.Drifts, func(d nodecfg.Drift) bool { return strings.HasSuffix(d.Object, " more changes of objects") }) {
		t.Errorf("%d drifts: %+v", len(r.Drifts), r.Drifts)
	}
}

func spent(t testing.TB) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
