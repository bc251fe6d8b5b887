package agent

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/internal/testnet"
	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/probe"
	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/lsdb"
	"github.com/keiro-net/keiro/bgp/lsdb/lsdbtest"
	"github.com/keiro-net/keiro/controller/compile"
	"github.com/keiro-net/keiro/controller/live"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// foreign is a network in which a and c have agents, and the routers b and d
// between them have none: their addresses and SIDs are somebody else's, and known
// by what BGP-LS says of them.
//
//	a eth1 -- eth1 b eth2 -- eth1 c    a eth2 -- eth1 d eth2 -- eth2 c
type foreign struct {
	a, b, c, d     *node
	ab, bc, ad, dc *testnet.Wire
	in             compile.Input
}

// The addresses of an interface end in the number of its node. Those of b and d
// are learned; the ones of a and c are the operator's too, and what the routers'
// End.X lead to. To d, c has none but that of its agent.
const (
	foreignFile = `apiVersion: keiro/v1
kind: Topology
metadata: {name: foreign}
spec:
  nodes:
    - {name: a, routerID: 192.0.2.1}
    - {name: b, agent: false, routerID: 0000.0000.0002}
    - {name: c, routerID: 192.0.2.3}
    - {name: d, agent: false, routerID: 0000.0000.0004}
  links:
    - {a: a, b: b, interfaces: {a: eth1}}
    - {a: b, b: c, interfaces: {b: eth1}, addresses: {a: "2001:db8:23::2", b: "2001:db8:23::3"}}
    - {a: a, b: d, interfaces: {a: eth2}, addresses: {a: "2001:db8:14::1"}}
    - {a: d, b: c, interfaces: {b: eth2}}
`
	foreignFeed = `
link l2 2 9@65001 if=2001:db8:12::2 nb=2001:db8:12::1 te=10 endx=5f00:9:b:e1:: name=a--b
link l2 2 9@65003 if=2001:db8:23::2 nb=2001:db8:23::3 endx=5f00:9:b:e3::
prefix l2 2 5f00:9:b::/48 locator=0
sid l2 2 5f00:9:b:: behavior=1
sid l2 2 5f00:9:b:d6:: behavior=18
sid l2 2 5f00:9:b:d4:: behavior=63
link l2 4 8@65001 if=2001:db8:14::4 nb=2001:db8:14::1 endx=2001:db8:d:e1::
link l2 4 7@65003 if=2001:db8:34::4 endx=2001:db8:d:e3:: name=d--c
`
)

func layForeign(t *testing.T, edit ...func(*topology.Topology)) *foreign {
	t.Helper()
	topo, err := topology.Parse("foreign.yaml", []byte(foreignFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range edit {
		f(topo)
	}
	db := lsdb.New()
	for line := range strings.SplitSeq(strings.TrimSpace(foreignFeed), "\n") {
		n, attribute, err := lsdbtest.Parse(strings.Fields(line))
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Reach("peer", n, attribute, lsdbtest.Start); err != nil {
			t.Fatal(err)
		}
	}
	db.EndOfRIB("peer", ls.Family{}, lsdbtest.Start)
	joined := live.Join(topo, db.View())
	if len(joined.Out) > 0 {
		t.Fatalf("links that are not there: %v", joined.Out)
	}
	ids, err := compile.Allocate(compile.IDs{}, topo, []pathspec.Intent{{Name: "gold"}, {Name: "tail"}})
	if err != nil {
		t.Fatal(err)
	}
	w := &foreign{in: compile.Input{Topology: joined.Topology, IDs: ids, SIDs: joined.SIDs, MTU: map[string]int{"a--b": 1500, "b--c": 1500, "a--d": 1500, "d--c": 1500},
		Probe: nodecfg.Probe{Interval: 10 * time.Millisecond, Lost: 3, Back: 3}}}
	for i, n := range []**node{&w.a, &w.b, &w.c, &w.d} {
		*n = newNode(t, string(rune('a'+i)), "5f00:0:1::/48")
	}
	w.ab, w.bc = testnet.NewWire(w.a.Namespace, "eth1", w.b.Namespace, "eth1"), testnet.NewWire(w.b.Namespace, "eth2", w.c.Namespace, "eth1")
	w.ad, w.dc = testnet.NewWire(w.a.Namespace, "eth2", w.d.Namespace, "eth1"), testnet.NewWire(w.d.Namespace, "eth2", w.c.Namespace, "eth2")
	for _, at := range []struct {
		n         *node
		dev, addr string
	}{
		{w.a, "eth1", "2001:db8:12::1/64"}, {w.b, "eth1", "2001:db8:12::2/64"}, {w.b, "eth2", "2001:db8:23::2/64"}, {w.c, "eth1", "2001:db8:23::3/64"},
		{w.a, "eth2", "2001:db8:14::1/64"}, {w.d, "eth1", "2001:db8:14::4/64"}, {w.d, "eth2", "2001:db8:34::4/64"},
	} {
		at.n.address(t, at.dev, at.addr)
	}
	own := nodecfg.Adjacency(ids.Locator("c"), ids.Link("c", "d--c")) // of c, where the operator gave it none
	if err := w.d.kernel.Apply(nodecfg.Op{Verb: nodecfg.Add, Object: nodecfg.Route{Table: nodecfg.MainTable, To: netip.PrefixFrom(own, 128), Metric: 7, Dev: "eth2"}}); err != nil {
		t.Fatal(err)
	}
	for _, r := range []struct {
		n        *node
		sid, via string
	}{{w.b, "5f00:9:b:e1::", "2001:db8:12::1"}, {w.b, "5f00:9:b:e3::", "2001:db8:23::3"}, {w.d, "2001:db8:d:e1::", "2001:db8:14::1"}, {w.d, "2001:db8:d:e3::", own.String()}} {
		r.n.route(t, r.sid, nodecfg.Seg6Local{Action: "End.X", NextHop: netip.MustParseAddr(r.via), Count: true})
	}
	w.b.route(t, "5f00:9:b::", nodecfg.Seg6Local{Action: "End", Count: true})
	w.b.route(t, "5f00:9:b:d6::", nodecfg.Seg6Local{Action: "End.DT6", Count: true})
	w.b.route(t, "5f00:9:b:d4::", nodecfg.Seg6Local{Action: "End.DX4", NextHop: netip.IPv4Unspecified(), Count: true})
	w.a.Addr(hostA4)
	w.a.Addr(hostA6)
	return w
}

// address gives an interface an address as an operator would.
func (n *node) address(t *testing.T, dev, addr string) {
	t.Helper()
	a, err := netlink.ParseAddr(addr)
	if err != nil {
		t.Fatal(err)
	}
	a.Flags = unix.IFA_F_NODAD
	if err := n.Netlink().AddrAdd(n.Link(dev), a); err != nil {
		t.Fatalf("%s: %s on %s: %v", n.cfg.Node, addr, dev, err)
	}
}

// route makes a SID of a router.
func (n *node) route(t *testing.T, sid string, behavior nodecfg.Seg6Local) {
	t.Helper()
	for _, o := range []nodecfg.Object{
		nodecfg.Sysctl{Name: "net/ipv6/conf/all/forwarding", Value: "1"}, nodecfg.Sysctl{Name: "net/ipv4/conf/all/forwarding", Value: "1"},
		nodecfg.Route{Table: nodecfg.MainTable, To: netip.PrefixFrom(netip.MustParseAddr(sid), 128), Metric: 7, Dev: "eth1", Encap: behavior},
	} {
		if err := n.kernel.Apply(nodecfg.Op{Verb: nodecfg.Add, Object: o}); err != nil {
			t.Fatalf("%s: %s: %v", n.cfg.Node, o, err)
		}
	}
}

// policy has both families from one host to another.
func policy(intent string, to4, to6 netip.Addr, paths ...pathspec.Path) compile.Policy {
	host := func(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }
	p := compile.Policy{Intent: intent, Paths: paths, Serving: make([]bool, len(paths)),
		Traffic: []pathspec.Selector{{From: host(hostA4), To: host(to4)}, {From: host(hostA6), To: host(to6)}}}
	for i := range paths {
		p.Serving[i] = true
	}
	tail := paths[0].Nodes[len(paths[0].Nodes)-1]
	p.Ends = []compile.End{{Node: paths[0].Nodes[0]}, {Node: tail, Reverse: true}}
	return p
}

// obey runs the agents of a and c by what is compiled of the policies.
func (w *foreign) obey(t *testing.T, policies ...compile.Policy) map[string]*running {
	t.Helper()
	w.in.Policies = policies
	agents := map[string]*running{}
	for _, cfg := range compile.Configs(w.in) {
		n := map[string]*node{"a": w.a, "c": w.c}[cfg.Node]
		if n == nil {
			t.Fatalf("a Config for %s, which has no agent", cfg.Node)
		}
		cfg.Revision = 1
		if err := cfg.Validate(); err != nil {
			t.Fatal(err)
		}
		n.cfg = cfg
		agents[cfg.Node] = startProbing(t, n)
		agents[cfg.Node].in <- nodecfg.ToAgent{Config: cfg}
		agents[cfg.Node].report(cfg.Node+" is as told", reached)
	}
	return agents
}

// startProbing runs an agent with a real prober.
func startProbing(t *testing.T, n *node) *running {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	var prober *probe.Prober
	n.Do(func() (err error) {
		prober, err = probe.New(log)
		return err
	})
	a := &running{t: t, in: make(chan nodecfg.ToAgent), out: make(chan nodecfg.FromAgent, 1000)}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	go func() { ended <- prober.Run(ctx) }()
	go func() {
		ended <- Run(ctx, Options{Node: n.cfg.Node, Dir: t.TempDir(), Kernel: n.kernel, Prober: prober, In: a.in, Out: a.out, Log: log})
	}()
	t.Cleanup(func() {
		cancel()
		for range 2 {
			if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("run: %v", err)
			}
		}
		prober.Close()
	})
	return a
}

func pathState(name string, state nodecfg.PathUp, active bool) func(*nodecfg.Report) bool {
	return func(r *nodecfg.Report) bool {
		return slices.ContainsFunc(r.Paths, func(p nodecfg.PathState) bool { return p.Name == name && p.State == state && p.Active == active })
	}
}

func (n *node) passed(t *testing.T, sid string) uint64 { return n.count(t, netip.MustParseAddr(sid)) }

// Packets of an intent between two agents cross a router that has none, by its own
// SIDs, both ways; probes come home over it; and when a link of the router fails
// that no agent sees both ends of, the headend finds out and takes the other path.
func TestAcrossRoutersWithoutAgent(t *testing.T) {
	w := layForeign(t)
	w.c.Addr(hostB4)
	w.c.Addr(hostB6)
	agents := w.obey(t, policy("gold", hostB4, hostB6,
		pathspec.Path{Nodes: []string{"a", "b", "c"}, Links: []string{"a--b", "b--c"}},
		pathspec.Path{Nodes: []string{"a", "d", "c"}, Links: []string{"a--d", "d--c"}}))
	for _, end := range []string{"a", "c"} {
		agents[end].report("probes of "+end+" come home over b and d", func(r *nodecfg.Report) bool {
			return pathState("gold/0", nodecfg.Up, true)(r) && pathState("gold/1", nodecfg.Up, false)(r)
		})
	}
	for _, f := range families {
		there, back := w.b.passed(t, "5f00:9:b:e3::"), w.b.passed(t, "5f00:9:b:e1::")
		decapsulated := w.c.count(t, f.decap(w.c.cfg.Locator))
		newFlow(w.a, f.from, w.c, f.to).arrives(t, f.name+" over b")
		newFlow(w.c, f.to, w.a, f.from).arrives(t, f.name+" back over b")
		if w.b.passed(t, "5f00:9:b:e3::") == there || w.b.passed(t, "5f00:9:b:e1::") == back || w.c.count(t, f.decap(w.c.cfg.Locator)) == decapsulated {
			t.Errorf("%s: packets arrived, but not by the SIDs of b and c", f.name)
		}
	}
	w.bc.Cut()
	agents["a"].report("a finds out and takes the path over d", pathState("gold/1", nodecfg.Up, true))
	agents["c"].report("c sees its link fail", pathState("gold/1", nodecfg.Up, true))
	for _, f := range families {
		there := w.d.passed(t, "2001:db8:d:e3::")
		newFlow(w.a, f.from, w.c, f.to).arrives(t, f.name+" over d")
		if w.d.passed(t, "2001:db8:d:e3::") == there {
			t.Errorf("%s: packets arrived, but not by the SID of d", f.name)
		}
	}
	w.bc.Restore()
	agents["a"].report("a goes back", pathState("gold/0", nodecfg.Up, true))
}

// A router without an agent as the tail of a path: beside the headend, and behind
// another agent. It decapsulates by the SIDs that are learned of it.
func TestToRouterWithoutAgent(t *testing.T) {
	w := layForeign(t)
	for _, addr := range []netip.Addr{hostB4, hostB6} {
		w.b.Addr(addr)
	}
	agents := w.obey(t, policy("tail", hostB4, hostB6,
		pathspec.Path{Nodes: []string{"a", "b"}, Links: []string{"a--b"}},
		pathspec.Path{Nodes: []string{"a", "d", "c", "b"}, Links: []string{"a--d", "d--c", "b--c"}}))
	agents["a"].report("both paths are up", func(r *nodecfg.Report) bool {
		return pathState("tail/0", nodecfg.Up, true)(r) && pathState("tail/1", nodecfg.Up, false)(r)
	})
	for _, path := range []struct {
		name string
		cut  func()
	}{{"tail/0", func() {}}, {"tail/1", func() {
		w.ab.Cut()
		agents["a"].report("the other path is taken", pathState("tail/1", nodecfg.Up, true))
	}}} {
		path.cut()
		for _, f := range families {
			sid := map[string]string{"IPv4": "5f00:9:b:d4::", "IPv6": "5f00:9:b:d6::"}[f.name]
			before := w.b.passed(t, sid)
			newFlow(w.a, f.from, w.b, f.to).arrives(t, f.name+" by "+path.name)
			if w.b.passed(t, sid) == before {
				t.Errorf("%s by %s: packets arrived, but not by %s", f.name, path.name, sid)
			}
		}
	}
}

// The operator's address on an agent's interface is not the agent's to remove, and
// the way to the router's address is there once.
func TestOperatorsAddressesStay(t *testing.T) {
	w := layForeign(t)
	w.obey(t)
	nl := w.a.Netlink()
	addrs, err := nl.AddrList(w.a.Link("eth1"), unix.AF_INET6)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(addrs, func(a netlink.Addr) bool { return a.IP.Equal(net.ParseIP("2001:db8:12::1")) }) {
		t.Errorf("the operator's address is gone: %v", addrs)
	}
	want := w.a.cfg.Desired(nil)
	if have := w.a.see(t, want).State; have.String() != want.String() {
		t.Errorf("%s\nwant\n%s", have, want)
	}
}
