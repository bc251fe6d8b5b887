package agent

import (
	"net"
	"net/netip"
	"slices"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/internal/testnet"
	"github.com/keiro-net/keiro/agent/lane"
	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/rtnl"
)

// node is a machine of a test: a namespace and what it must be.
type node struct {
	*testnet.Namespace
	kernel  *rtnl.Handle
	cfg     *nodecfg.Config
	helpers *lane.Helpers
}

// triangle is three nodes, each with a link to the others, and an intent from
// a to b and back over two disjoint paths: a-b, and a-c-b.
//
//	a eth1 -- eth1 b    a eth2 -- eth1 c    b eth2 -- eth2 c
type triangle struct {
	a, b, c    *node
	ab, ac, bc *testnet.Wire
}

var (
	hostA4, hostA6 = netip.MustParseAddr("10.1.0.1"), netip.MustParseAddr("2001:db8:1::1")
	hostB4, hostB6 = netip.MustParseAddr("10.2.0.1"), netip.MustParseAddr("2001:db8:2::1")
)

func newNode(t testing.TB, name, locator string) *node {
	t.Helper()
	n := &node{Namespace: testnet.New(t), cfg: &nodecfg.Config{
		Revision: 1, Node: name, Locator: netip.MustParsePrefix(locator),
	}}
	var err error
	if n.kernel, err = rtnl.OpenAt(n.FD); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.kernel.Close)
	return n
}

// join lays a wire and enters it into both Configs.
func join(a *node, aDev string, b *node, bDev string) *testnet.Wire {
	wire := testnet.NewWire(a.Namespace, aDev, b.Namespace, bDev)
	name := a.cfg.Node + "--" + b.cfg.Node
	aID, bID := uint16(len(a.cfg.Links)+1), uint16(len(b.cfg.Links)+1)
	add := func(n, peer *node, dev string, id, peerID uint16) {
		n.cfg.Links = append(n.cfg.Links, nodecfg.Link{Name: name, Interface: dev, Peer: peer.cfg.Node,
			ID: id, PeerID: peerID, PeerLocator: peer.cfg.Locator})
		n.cfg.Underlay = append(n.cfg.Underlay, nodecfg.Underlay{To: peer.cfg.Locator, Link: name})
	}
	add(a, b, aDev, aID, bID)
	add(b, a, bDev, bID, aID)
	return wire
}

// newTriangle lays everything and makes the kernels obey.
func newTriangle(t testing.TB) *triangle {
	t.Helper()
	w := layTriangle(t)
	w.obey(t)
	return w
}

func layTriangle(t testing.TB) *triangle {
	t.Helper()
	w := &triangle{
		a: newNode(t, "a", "5f00:0:1::/48"),
		b: newNode(t, "b", "5f00:0:2::/48"),
		c: newNode(t, "c", "5f00:0:3::/48"),
	}
	w.ab = join(w.a, "eth1", w.b, "eth1")
	w.ac = join(w.a, "eth2", w.c, "eth1")
	w.bc = join(w.b, "eth2", w.c, "eth2")
	w.a.Addr(hostA4)
	w.a.Addr(hostA6)
	w.b.Addr(hostB4)
	w.b.Addr(hostB6)
	w.steer(w.a, w.b, hostA4, hostB4, hostA6, hostB6)
	w.steer(w.b, w.a, hostB4, hostA4, hostB6, hostA6)
	return w
}

func (w *triangle) obey(t testing.TB) {
	t.Helper()
	for _, n := range []*node{w.a, w.b, w.c} {
		if err := n.cfg.Validate(); err != nil {
			t.Fatal(err)
		}
		n.obey(t)
	}
}

// steer gives the head a policy with the direct path and the one over c.
func (w *triangle) steer(head, tail *node, from4, to4, from6, to6 netip.Addr) {
	host := func(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }
	direct, detour, far := head.linkTo(tail), head.linkTo(w.c), w.c.linkTo(tail)
	head.cfg.Policies = []nodecfg.Policy{{
		Intent: "gold", ID: 1,
		Traffic: []nodecfg.Selector{{From: host(from4), To: host(to4), Pref: 1}, {From: host(from6), To: host(to6), Pref: 1}},
		Paths: []nodecfg.Path{
			{Name: "gold/0", Link: direct.Name, Tail: tail.cfg.Locator,
				Segments: []netip.Addr{nodecfg.IngressEnd(tail.cfg.Locator, direct.PeerID)},
				Return:   []netip.Addr{nodecfg.EndX(tail.cfg.Locator, direct.PeerID)},
				Hops:     []string{head.cfg.Node, tail.cfg.Node}, Locators: []netip.Prefix{head.cfg.Locator, tail.cfg.Locator},
				Links: []nodecfg.PathLink{{Name: direct.Name, Far: direct.PeerID}}},
			{Name: "gold/1", Link: detour.Name, Tail: tail.cfg.Locator,
				Segments: []netip.Addr{nodecfg.IngressEnd(w.c.cfg.Locator, detour.PeerID), nodecfg.EndX(w.c.cfg.Locator, far.ID)},
				Return:   []netip.Addr{nodecfg.EndX(tail.cfg.Locator, far.PeerID), nodecfg.EndX(w.c.cfg.Locator, detour.PeerID)},
				Hops:     []string{head.cfg.Node, "c", tail.cfg.Node}, Locators: []netip.Prefix{head.cfg.Locator, w.c.cfg.Locator, tail.cfg.Locator},
				Links: []nodecfg.PathLink{{Name: detour.Name, Far: detour.PeerID}, {Name: far.Name, Far: far.PeerID}}},
		},
	}}
}

func (n *node) linkTo(peer *node) nodecfg.Link {
	i := slices.IndexFunc(n.cfg.Links, func(l nodecfg.Link) bool { return l.Peer == peer.cfg.Node })
	return n.cfg.Links[i]
}

// obey makes the kernel as the Config says, without the paths left out.
func (n *node) obey(t testing.TB, leftOut ...string) {
	t.Helper()
	out := make(map[string]bool)
	for _, name := range leftOut {
		out[name] = true
	}
	want := n.cfg.Desired(out)
	for _, op := range nodecfg.Plan(n.see(t, want).State, want) {
		if err := n.kernel.Apply(op); err != nil {
			t.Fatalf("%s: %s: %v", n.cfg.Node, op, err)
		}
	}
	if have := n.see(t, want).State; have.String() != want.String() {
		t.Fatalf("%s has:\n%s\nwanted:\n%s", n.cfg.Node, have, want)
	}
}

func (n *node) see(t testing.TB, want nodecfg.State) rtnl.Seen {
	t.Helper()
	seen, err := n.kernel.Observe(want)
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

// count returns how many packets a SID has processed.
func (n *node) count(t testing.TB, sid netip.Addr) uint64 {
	t.Helper()
	c, err := n.kernel.Counters()
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := c[sid]; !ok {
		t.Fatalf("%s does not count %s: %v", n.cfg.Node, sid, c)
	}
	return c[sid].Packets
}

// flow is a stream of datagrams from one node to another.
type flow struct {
	out, in *net.UDPConn
	to      netip.AddrPort
	got     chan []byte
}

func (w *triangle) flow(from, to netip.Addr) *flow { return newFlow(w.a, from, w.b, to) }

func newFlow(a *node, from netip.Addr, b *node, to netip.Addr) *flow {
	f := &flow{
		out: a.UDP(netip.AddrPortFrom(from, 0)),
		in:  b.UDP(netip.AddrPortFrom(to, 0)),
		got: make(chan []byte, 1<<16),
	}
	f.listen()
	return f
}

func (f *flow) listen() {
	f.to = f.in.LocalAddr().(*net.UDPAddr).AddrPort()
	go func() {
		for {
			b := make([]byte, 1<<16)
			n, err := f.in.Read(b)
			if err != nil {
				return
			}
			f.got <- b[:n]
		}
	}()
}

// address gives an interface an address.
func address(t testing.TB, n *testnet.Namespace, dev, addr string) {
	t.Helper()
	a, err := netlink.ParseAddr(addr)
	if err != nil {
		t.Fatal(err)
	}
	a.Flags = unix.IFA_F_NODAD
	if err := n.Netlink().AddrReplace(n.Link(dev), a); err != nil {
		t.Fatal(err)
	}
}

// arrives sends until a datagram arrives.
func (f *flow) arrives(t testing.TB, what string) {
	t.Helper()
	testnet.Eventually(t, what, func() bool {
		if _, err := f.out.WriteToUDPAddrPort([]byte(what), f.to); err != nil {
			return false
		}
		for {
			select {
			case b := <-f.got:
				if string(b) == what {
					return true
				}
			default:
				return false
			}
		}
	})
}
