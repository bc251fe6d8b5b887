package agent

import (
	"net/netip"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/internal/testnet"
	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/rtnl"
)

// Whatever somebody does to our objects, they are put back.
func TestPutsBack(t *testing.T) {
	w := newTriangle(t)
	a := start(t, w.a, t.TempDir())
	a.in <- nodecfg.ToAgent{Config: w.a.cfg}
	a.report("reached", reached)
	want := w.a.cfg.Desired(nil)
	nl := w.a.Netlink()
	other, err := rtnl.OpenAt(w.a.FD) // somebody else
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	remove := func(which func(nodecfg.Object) bool) error {
		for _, o := range want {
			if which(o) {
				if err := other.Apply(nodecfg.Op{Verb: nodecfg.Delete, Object: o}); err != nil {
					return err
				}
			}
		}
		return nil
	}
	for _, harm := range []struct {
		what string
		do   func() error
	}{
		{"flush of a policy's table", func() error {
			return remove(func(o nodecfg.Object) bool {
				r, ok := o.(nodecfg.Route)
				return ok && r.Table != nodecfg.MainTable
			})
		}},
		{"deletion of rules", func() error {
			return remove(func(o nodecfg.Object) bool {
				_, ok := o.(nodecfg.Rule)
				return ok
			})
		}},
		{"flush of addresses", func() error {
			addrs, err := nl.AddrList(w.a.Link("eth1"), unix.AF_INET6)
			for _, addr := range addrs {
				if err := nl.AddrDel(w.a.Link("eth1"), &addr); err != nil {
					return err
				}
			}
			return err
		}},
		{"interface set down and up", func() error {
			w.a.Down("eth1")
			w.a.Up("eth1")
			return nil
		}},
		{"sysctl", func() error {
			return other.Apply(nodecfg.Op{Verb: nodecfg.Replace, Object: nodecfg.Sysctl{Name: "net/ipv4/conf/all/forwarding", Value: "0"}})
		}},
	} {
		if err := harm.do(); err != nil {
			t.Fatalf("%s: %v", harm.what, err)
		}
		testnet.Eventually(t, "repair after "+harm.what, func() bool {
			return w.a.see(t, want).State.String() == want.String()
		})
	}
	flow := w.flow(hostA4, hostB4)
	flow.arrives(t, "after all that")
}

// An agent that was killed adopts what it finds without touching it, removes
// its own orphans and nothing of others, without any controller.
func TestAdoptsAfterRestart(t *testing.T) {
	w := newTriangle(t)
	dir := t.TempDir()
	a := start(t, w.a, dir)
	a.in <- nodecfg.ToAgent{Config: w.a.cfg}
	a.report("reached", reached)
	a.stop()

	a = start(t, w.a, dir)
	if r := a.report("reached", reached); r.Revision != w.a.cfg.Revision {
		t.Errorf("revision %d, want that kept on disk, %d", r.Revision, w.a.cfg.Revision)
	}
	if n := a.kernel.ops.Load(); n != 0 {
		t.Errorf("%d operations on adoption, want none", n)
	}
	a.stop()

	orphan := nodecfg.Route{Table: nodecfg.TableBase + 9, To: netip.MustParsePrefix("10.9.0.0/16"), Metric: 100, Dev: "eth1"}
	if err := w.a.kernel.Apply(nodecfg.Op{Verb: nodecfg.Add, Object: orphan}); err != nil {
		t.Fatal(err)
	}
	foreign := foreignObjects(t, w.a)
	a = start(t, w.a, dir)
	a.report("reached", reached)
	if n := a.kernel.ops.Load(); n != 1 {
		t.Errorf("%d operations, want the deletion of the orphan", n)
	}
	if w.a.see(t, nil).State.Has(orphan) {
		t.Errorf("orphan is still there: %s", orphan)
	}
	foreign("after restart")

	empty := *w.a.cfg
	empty.Revision, empty.Policies, empty.Underlay, empty.Links = 2, nil, nil, nil
	a.in <- nodecfg.ToAgent{Config: &empty}
	a.report("reached", func(r *nodecfg.Report) bool { return r.Reached && r.Revision == 2 })
	foreign("after a config with nothing in it")
}

// foreignObjects makes what is not Keiro's, and returns a check that it stays.
func foreignObjects(t *testing.T, n *node) func(when string) {
	t.Helper()
	nl := n.Netlink()
	route := func(table int, to string) *netlink.Route {
		dst, err := netlink.ParseIPNet(to)
		if err != nil {
			t.Fatal(err)
		}
		return &netlink.Route{LinkIndex: n.Link("eth1").Attrs().Index, Table: table, Dst: dst, Protocol: unix.RTPROT_STATIC}
	}
	routes := []*netlink.Route{route(254, "5f00:0:77::/48"), route(254, "10.77.0.0/16"), route(100, "10.77.0.0/16")}
	for _, r := range routes {
		if err := nl.RouteAdd(r); err != nil {
			t.Fatal(err)
		}
	}
	rule := netlink.NewRule()
	rule.Priority, rule.Table = nodecfg.RulePrefBase+2, 100
	if err := nl.RuleAdd(rule); err != nil {
		t.Fatal(err)
	}
	return func(when string) {
		t.Helper()
		for _, r := range routes {
			family := unix.AF_INET
			if r.Dst.IP.To4() == nil {
				family = unix.AF_INET6
			}
			if found, err := nl.RouteListFiltered(family, r, netlink.RT_FILTER_DST|netlink.RT_FILTER_TABLE); err != nil || len(found) != 1 {
				t.Errorf("%s foreign route %s: %v, %v", when, r.Dst, found, err)
			}
		}
		if rules, err := nl.RuleListFiltered(unix.AF_INET, rule, netlink.RT_FILTER_TABLE); err != nil || len(rules) != 1 {
			t.Errorf("%s foreign rule: %v, %v", when, rules, err)
		}
	}
}

// Probes and links switch paths, and the last way stays.
func TestSwitchesPaths(t *testing.T) {
	w := newTriangle(t)
	a := start(t, w.a, t.TempDir())
	a.in <- nodecfg.ToAgent{Config: w.a.cfg}
	a.report("first path", active("gold/0"))
	began := time.Now()
	a.prober.say("gold/0")
	a.report("second path", active("gold/1"))
	t.Logf("from the prober's word to the report of the switch: %s", time.Since(began))
	a.prober.say("gold/0", "gold/1")
	a.report("second path stays", func(r *nodecfg.Report) bool {
		return active("gold/1")(r) && r.Paths[1].State == nodecfg.Down
	})
	began = time.Now()
	w.ac.Cut() // the last way is without carrier: the first one is worth a try
	a.report("first path again", active("gold/0"))
	t.Logf("from the cut to the report of the switch: %s", time.Since(began))
	w.ac.Restore()
	a.prober.say()
	w.ab.Cut()
	r := a.report("link down", func(r *nodecfg.Report) bool { return active("gold/1")(r) && len(r.Links) == 2 && r.Links[1].Up })
	if l := r.Links[0]; l.Name != "a--b" || l.Up || r.Paths[0].Cause != nodecfg.DownByLink {
		t.Errorf("report of the cut: %+v", r)
	}
}

// Configs that are wrong, old or for others are refused whole, and said so.
func TestRefuses(t *testing.T) {
	w := newTriangle(t)
	a := start(t, w.a, t.TempDir())
	a.report("nothing yet", func(r *nodecfg.Report) bool { return r.Revision == 0 && !r.Reached })
	good := *w.a.cfg
	good.Revision = 5
	a.in <- nodecfg.ToAgent{Config: &good}
	a.report("revision 5", func(r *nodecfg.Report) bool { return r.Reached && r.Revision == 5 && len(r.Errors) == 0 })
	ops := a.kernel.ops.Load()
	for _, test := range []struct {
		change func(*nodecfg.Config)
		want   string
	}{
		{func(c *nodecfg.Config) { c.Revision = 4 }, "older than revision 5"},
		{func(c *nodecfg.Config) { c.Node = "b" }, `is for node "b"`},
		{func(c *nodecfg.Config) { c.Policies[0].Paths = []nodecfg.Path{{Name: "x"}} }, `link "" is not in links`},
	} {
		bad := good
		bad.Policies = append([]nodecfg.Policy(nil), good.Policies...)
		test.change(&bad)
		a.in <- nodecfg.ToAgent{Config: &bad}
		a.report(test.want, func(r *nodecfg.Report) bool {
			return r.Revision == 5 && r.Reached && len(r.Errors) == 1 && strings.Contains(r.Errors[0].Error, test.want)
		})
	}
	if n := a.kernel.ops.Load(); n != ops {
		t.Errorf("%d operations for refused configs", n-ops)
	}
	a.in <- nodecfg.ToAgent{Config: &good}
	a.report("no errors", func(r *nodecfg.Report) bool { return len(r.Errors) == 0 })
}

// A missing interface is named; the rest is done, and all when it comes.
func TestMissingInterface(t *testing.T) {
	w := newTriangle(t)
	nl := w.a.Netlink()
	w.a.Down("eth2")
	if err := nl.LinkSetName(w.a.Link("eth2"), "other"); err != nil {
		t.Fatal(err)
	}
	a := start(t, w.a, t.TempDir())
	a.in <- nodecfg.ToAgent{Config: w.a.cfg}
	r := a.report("errors", func(r *nodecfg.Report) bool { return len(r.Errors) > 0 })
	if r.Reached || !strings.Contains(r.Errors[0].Error, "interface eth2: no such device") {
		t.Errorf("report: %+v", r)
	}
	if !active("gold/0")(r) {
		t.Errorf("the other path is not active: %+v", r.Paths)
	}
	if err := nl.LinkSetName(w.a.Link("other"), "eth2"); err != nil {
		t.Fatal(err)
	}
	w.a.Up("eth2")
	a.report("reached", func(r *nodecfg.Report) bool { return r.Reached && len(r.Errors) == 0 })
}

// A new session gets a whole report; traces are answered.
func TestSessions(t *testing.T) {
	w := newTriangle(t)
	a := start(t, w.a, filepath.Join(t.TempDir(), "made", "if", "missing"))
	a.in <- nodecfg.ToAgent{Trace: &nodecfg.TraceRequest{ID: 1}}
	wantTrace := func(id uint64, good bool) nodecfg.TraceResult {
		for m := range a.out {
			if m.Trace != nil {
				if m.Trace.ID != id || (m.Trace.Error == "") != good {
					t.Errorf("trace %+v", m.Trace)
				}
				return *m.Trace
			}
		}
		panic("unreachable")
	}
	wantTrace(1, false)
	a.in <- nodecfg.ToAgent{Config: w.a.cfg}
	a.report("reached", reached)
	a.begun <- struct{}{}
	a.report("whole report again", reached)
	a.in <- nodecfg.ToAgent{Trace: &nodecfg.TraceRequest{ID: 2}}
	if r := wantTrace(2, true); len(r.Paths) != 2 || !r.Paths[0].Active || r.Paths[1].Active {
		t.Errorf("trace: %+v", r)
	}
}

// refusing is a Kernel that refuses some operations.
type refusing struct {
	*rtnl.Handle
	refuses func(nodecfg.Op) error
}

func (r *refusing) Apply(op nodecfg.Op) error {
	if err := r.refuses(op); err != nil {
		return err
	}
	return r.Handle.Apply(op)
}

// What the kernel refuses is reported, tried again, and holds up only what
// needs it: no rule without its fence. Without the right to set the source of
// encapsulation, which only the machine's root has, paths work all the same.
func TestRefusedOperations(t *testing.T) {
	w := newTriangle(t)
	w.a.cfg.Policies[0].ID = 2
	for i := range w.a.cfg.Policies[0].Traffic {
		w.a.cfg.Policies[0].Traffic[i].Pref = 2
	}
	w.a.cfg.Locator = netip.MustParsePrefix("5f00:0:9::/48")
	var tries atomic.Int32
	k := &refusing{w.a.kernel, func(op nodecfg.Op) error {
		switch o := op.Object.(type) {
		case nodecfg.TunSrc:
			return unix.EPERM
		case nodecfg.Route:
			if o.Table == nodecfg.TableBase+2 && o.Type == nodecfg.Unreachable && tries.Add(1) <= 6 {
				return unix.ENOBUFS
			}
		}
		return nil
	}}
	a := startWith(t, w.a, t.TempDir(), k)
	a.in <- nodecfg.ToAgent{Config: w.a.cfg}
	r := a.report("refused fence", func(r *nodecfg.Report) bool { return len(r.Errors) > 0 })
	var said strings.Builder
	for _, e := range r.Errors {
		said.WriteString(e.Object + ": " + e.Error + "\n")
	}
	for _, want := range []string{
		"ip sr tunsrc set 5f00:0:9::1: operation not permitted",
		"ip -4 route add unreachable default table 1263665154 proto 75 metric 4000000: no buffer space",
		"ip -4 rule add from 10.1.0.1 to 10.2.0.1 lookup 1263665154 pref 7505 protocol 75: waits for the fence",
	} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("report does not say %q, but:\n%s", want, said.String())
		}
	}
	if r.Reached {
		t.Error("reached without a fence")
	}
	r = a.report("reached", reached)
	if len(r.Errors) != 1 || !strings.Contains(r.Errors[0].Object, "tunsrc") {
		t.Errorf("errors in the end: %v", r.Errors)
	}
}
