package probe

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/needs"
	"github.com/keiro-net/keiro/agent/nodecfg"
)

// world is nodes in namespaces without names, so that nothing outlives the
// test, joined by veth pairs and programmed as agents would.
type world struct {
	t     testing.TB
	nodes []*node
}

type node struct {
	t       testing.TB
	name    string
	locator netip.Prefix
	ns      netns.NsHandle
	*netlink.Handle
	links []*linkEnd
}

// linkEnd is a node's end of a link; its ID is its place in node.links + 1.
type linkEnd struct {
	id   uint16
	dev  netlink.Link
	peer *node
	far  *linkEnd
}

// newWorld has n nodes and the links given by pairs of node numbers.
func newWorld(t testing.TB, n int, links ...[2]int) *world {
	t.Helper()
	needs.Root(t, "for network namespaces and raw sockets")
	w := &world{t: t}
	for i := range n {
		w.nodes = append(w.nodes, newNode(t, i+1))
	}
	for _, l := range links {
		w.join(w.nodes[l[0]], w.nodes[l[1]])
	}
	for _, node := range w.nodes {
		node.program()
		w.underlay(node)
	}
	return w
}

func newNode(t testing.TB, number int) *node {
	t.Helper()
	n := &node{t: t, name: fmt.Sprintf("n%d", number), locator: netip.MustParsePrefix(fmt.Sprintf("5f00:0:%x::/48", number))}
	made := make(chan error)
	go func() { // on a thread of its own, which ends with it
		runtime.LockOSThread()
		var err error
		n.ns, err = netns.New()
		made <- err
	}()
	n.must(<-made)
	t.Cleanup(func() { n.ns.Close() })
	var err error
	n.Handle, err = netlink.NewHandleAt(n.ns)
	n.must(err)
	t.Cleanup(n.Close)
	n.sysctl("net/ipv6/conf/all/forwarding", "1")
	n.sysctl("net/ipv6/conf/all/ignore_routes_with_linkdown", "1")
	n.sysctl("net/ipv6/conf/default/ignore_routes_with_linkdown", "1")
	n.sysctl("net/ipv6/conf/all/accept_dad", "0")
	n.sysctl("net/ipv6/conf/default/accept_dad", "0")
	lo, err := n.LinkByName("lo")
	n.must(err)
	n.must(n.LinkSetUp(lo))
	return n
}

func (n *node) must(err error) {
	n.t.Helper()
	if err != nil {
		n.t.Fatalf("%s: %v", n.name, err)
	}
}

// in runs f on a thread in the node's namespace.
func (n *node) in(f func() error) {
	n.t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := netns.Set(n.ns)
		if err == nil {
			err = f()
		}
		done <- err
	}()
	n.must(<-done)
}

func (n *node) sysctl(key, value string) {
	n.t.Helper()
	n.in(func() error { return os.WriteFile("/proc/sys/"+key, []byte(value), 0) })
}

func (w *world) join(a, b *node) {
	w.t.Helper()
	veth := &netlink.Veth{
		LinkAttrs:     netlink.LinkAttrs{Name: "to-" + b.name, Namespace: netlink.NsFd(a.ns)},
		PeerName:      "to-" + a.name,
		PeerNamespace: netlink.NsFd(b.ns),
	}
	a.must(a.LinkAdd(veth))
	ends := [2]*linkEnd{{peer: b}, {peer: a}}
	for i, n := range []*node{a, b} {
		dev, err := n.LinkByName("to-" + ends[i].peer.name)
		n.must(err)
		n.must(n.LinkSetUp(dev))
		n.sysctl("net/ipv6/conf/"+dev.Attrs().Name+"/ignore_routes_with_linkdown", "1")
		n.sysctl("net/ipv6/conf/"+dev.Attrs().Name+"/keep_addr_on_down", "1")
		n.links = append(n.links, ends[i])
		ends[i].id, ends[i].dev, ends[i].far = uint16(len(n.links)), dev, ends[1-i]
	}
}

// program installs what an agent installs: addresses, SIDs, the ways to the
// neighbours' blocks.
func (n *node) program() {
	n.t.Helper()
	lo, err := n.LinkByName("lo")
	n.must(err)
	n.address(lo, nodecfg.Loopback(n.locator))
	// End.DT6 looks in table main, where the kernel's own route to an address
	// on lo is a reject: without this one nothing that End.DT6 unpacks is
	// delivered to the node itself.
	n.route(&netlink.Route{
		Dst: host(nodecfg.Loopback(n.locator)), LinkIndex: lo.Attrs().Index,
		Type: unix.RTN_LOCAL, Table: unix.RT_TABLE_MAIN, Priority: 1,
	})
	n.route(&netlink.Route{Dst: ipNet(n.locator), Type: unix.RTN_UNREACHABLE})
	for _, l := range n.links {
		peer := nodecfg.Adjacency(l.peer.locator, l.far.id)
		n.address(l.dev, nodecfg.Adjacency(n.locator, l.id))
		n.route(&netlink.Route{Dst: host(peer), LinkIndex: l.dev.Attrs().Index})
		n.route(&netlink.Route{Dst: ipNet(nodecfg.Ingress(l.peer.locator, l.far.id)), Gw: peer.AsSlice(), LinkIndex: l.dev.Attrs().Index})
		n.sid(l, nodecfg.IngressEnd(n.locator, l.id), 0, &netlink.SEG6LocalEncap{
			Action: nl.SEG6_LOCAL_ACTION_END, Flags: [nl.SEG6_LOCAL_MAX]bool{nl.SEG6_LOCAL_ACTION: true},
		})
		n.sid(l, nodecfg.EndX(n.locator, l.id), 0, &netlink.SEG6LocalEncap{
			Action: nl.SEG6_LOCAL_ACTION_END_X, In6Addr: peer.AsSlice(),
			Flags: [nl.SEG6_LOCAL_MAX]bool{nl.SEG6_LOCAL_ACTION: true, nl.SEG6_LOCAL_NH6: true},
		})
		n.sid(l, nodecfg.EndDT6(n.locator), 1000+int(l.id), &netlink.SEG6LocalEncap{
			Action: nl.SEG6_LOCAL_ACTION_END_DT6, Table: unix.RT_TABLE_MAIN,
			Flags: [nl.SEG6_LOCAL_MAX]bool{nl.SEG6_LOCAL_ACTION: true, nl.SEG6_LOCAL_TABLE: true},
		})
	}
}

// sid installs a seg6local route.
func (n *node) sid(l *linkEnd, sid netip.Addr, metric int, encap *netlink.SEG6LocalEncap) {
	n.t.Helper()
	n.route(&netlink.Route{Dst: host(sid), Priority: metric, Encap: encap, LinkIndex: l.dev.Attrs().Index})
}

// underlay gives the node a shortest way to each other locator.
func (w *world) underlay(n *node) {
	first := map[*node]*linkEnd{n: nil}
	for queue := []*node{n}; len(queue) > 0; queue = queue[1:] {
		for _, l := range queue[0].links {
			if _, known := first[l.peer]; !known {
				first[l.peer] = first[queue[0]]
				if queue[0] == n {
					first[l.peer] = l
				}
				queue = append(queue, l.peer)
			}
		}
	}
	for to, l := range first {
		if l != nil {
			gw := nodecfg.Adjacency(l.peer.locator, l.far.id)
			n.route(&netlink.Route{Dst: ipNet(to.locator), Gw: gw.AsSlice(), LinkIndex: l.dev.Attrs().Index})
		}
	}
}

func (n *node) address(dev netlink.Link, a netip.Addr) {
	n.t.Helper()
	n.must(n.AddrReplace(dev, &netlink.Addr{IPNet: host(a), Flags: unix.IFA_F_NODAD}))
}

func (n *node) route(r *netlink.Route) {
	n.t.Helper()
	n.must(n.RouteReplace(r))
}

func host(a netip.Addr) *net.IPNet { return ipNet(netip.PrefixFrom(a, 128)) }

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), 128)}
}

// end is a's end of its link to b.
func (w *world) end(a, b int) *linkEnd {
	w.t.Helper()
	for _, l := range w.nodes[a].links {
		if l.peer == w.nodes[b] {
			return l
		}
	}
	w.t.Fatalf("no link from %d to %d", a, b)
	return nil
}

// down and up take the carrier of the link from both ends, as a cut does.
func (w *world) down(a, b int) {
	w.t.Helper()
	w.nodes[b].must(w.nodes[b].LinkSetDown(w.end(b, a).dev))
}

func (w *world) up(a, b int) {
	w.t.Helper()
	n := w.nodes[b]
	n.must(n.LinkSetUp(w.end(b, a).dev))
	n.program() // the kernel took the routes of the link
	for _, n := range w.nodes {
		w.underlay(n)
	}
}

// path is the Path along the nodes, of which the first is the headend.
func (w *world) path(name string, nodes ...int) nodecfg.Path {
	w.t.Helper()
	p := nodecfg.Path{Name: name, Link: w.nodes[nodes[1]].name, Tail: w.nodes[nodes[len(nodes)-1]].locator}
	for i, n := range nodes {
		p.Hops = append(p.Hops, w.nodes[n].name)
		p.Locators = append(p.Locators, w.nodes[n].locator)
		if i == 0 {
			continue
		}
		l := w.end(nodes[i-1], n)
		if i == 1 {
			p.Segments = append(p.Segments, nodecfg.IngressEnd(w.nodes[n].locator, l.far.id))
		} else {
			p.Segments = append(p.Segments, nodecfg.EndX(w.nodes[nodes[i-1]].locator, l.id))
		}
		p.Return = append([]netip.Addr{nodecfg.EndX(w.nodes[n].locator, l.far.id)}, p.Return...)
	}
	return p
}

// config is that of the first node with one intent over the paths.
func (w *world) config(paths ...nodecfg.Path) *nodecfg.Config {
	n := w.nodes[0]
	cfg := &nodecfg.Config{
		Node: n.name, Locator: n.locator,
		Policies: []nodecfg.Policy{{Intent: "gold", Paths: paths}},
		Probe:    nodecfg.Probe{Interval: 10 * time.Millisecond, Lost: 3, Back: 3},
	}
	for _, l := range n.links {
		cfg.Links = append(cfg.Links, nodecfg.Link{
			Name: l.peer.name, Interface: l.dev.Attrs().Name, Peer: l.peer.name,
			ID: l.id, PeerID: l.far.id, PeerLocator: l.peer.locator,
		})
	}
	return cfg
}

// prober is one on the first node.
func (w *world) prober() *Prober {
	w.t.Helper()
	var p *Prober
	w.nodes[0].in(func() (err error) {
		p, err = New(slog.New(slog.NewTextHandler(w.t.Output(), nil)))
		return err
	})
	w.t.Cleanup(p.Close)
	return p
}
