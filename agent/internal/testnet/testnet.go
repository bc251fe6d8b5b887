// Package testnet makes network namespaces and cables for tests. They have no
// name, so that two tests never meet and the kernel removes them when the
// test ends, however it ends. Only tests call it.
package testnet

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/needs"
)

// Namespace is a network namespace of one test.
type Namespace struct {
	FD int
	t  testing.TB
	nl *netlink.Handle
}

// New makes a namespace whose lo is up. Without root it ends the
// test, see needs.Root.
func New(t testing.TB) *Namespace {
	t.Helper()
	needs.Root(t, "to make network namespaces")
	n := &Namespace{t: t}
	made := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			n.FD, err = unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		}
		made <- err
	}()
	if err := <-made; err != nil {
		t.Fatalf("make a network namespace: %v", err)
	}
	t.Cleanup(func() { unix.Close(n.FD) })
	var err error
	if n.nl, err = netlink.NewHandleAt(netns.NsHandle(n.FD), unix.NETLINK_ROUTE); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.nl.Close)
	n.Up("lo")
	return n
}

// Netlink is the library's way into the namespace: for what others than Keiro
// do there.
func (n *Namespace) Netlink() *netlink.Handle { return n.nl }

// Do calls f in the namespace.
func (n *Namespace) Do(f func() error) {
	n.t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := unix.Setns(n.FD, unix.CLONE_NEWNET)
		if err == nil {
			err = f()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		n.t.Fatalf("in namespace: %v", err)
	}
}

var cables atomic.Uint32

// Cable lays a veth pair between two namespaces, both ends up. Its ends never
// have the same index: of such ones Linux believes that they are no pair, and
// tells of their carrier up to a second late (linkwatch_urgent_event).
func Cable(a *Namespace, aName string, b *Namespace, bName string) {
	a.t.Helper()
	index := 10000 + int(cables.Add(1))
	tmp := fmt.Sprintf("tmp%d", index)
	veth := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: aName, Index: index}, PeerName: tmp, PeerNamespace: netlink.NsFd(b.FD)}
	if err := a.nl.LinkAdd(veth); err != nil {
		a.t.Fatalf("cable %s to %s: %v", aName, bName, err)
	}
	if err := b.nl.LinkSetName(b.Link(tmp), bName); err != nil {
		a.t.Fatal(err)
	}
	a.Up(aName)
	b.Up(bName)
}

// Wire is a cable that can be cut: between the ends lies a bridge in a
// namespace of its own, so that both see a loss of carrier.
type Wire struct{ *Namespace }

// NewWire lays a Wire between two namespaces.
func NewWire(a *Namespace, aName string, b *Namespace, bName string) *Wire {
	a.t.Helper()
	w := &Wire{New(a.t)}
	Cable(a, aName, w.Namespace, "a")
	Cable(b, bName, w.Namespace, "b")
	bridge := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "wire"}}
	if err := w.nl.LinkAdd(bridge); err != nil {
		a.t.Fatalf("bridge: %v", err)
	}
	for _, end := range []string{"a", "b"} {
		if err := w.nl.LinkSetMaster(w.Link(end), bridge); err != nil {
			a.t.Fatalf("bridge: %v", err)
		}
	}
	w.Up("wire")
	return w
}

// Cut takes the carrier from both ends.
func (w *Wire) Cut() {
	w.Down("a")
	w.Down("b")
}

// Restore undoes Cut.
func (w *Wire) Restore() {
	w.Up("a")
	w.Up("b")
}

// Link returns an interface.
func (n *Namespace) Link(name string) netlink.Link {
	n.t.Helper()
	l, err := n.nl.LinkByName(name)
	if err != nil {
		n.t.Fatalf("interface %s: %v", name, err)
	}
	return l
}

// Up sets an interface up.
func (n *Namespace) Up(name string) {
	n.t.Helper()
	if err := n.nl.LinkSetUp(n.Link(name)); err != nil {
		n.t.Fatalf("set %s up: %v", name, err)
	}
}

// MTU sets the MTU of an interface.
func (n *Namespace) MTU(name string, mtu int) {
	n.t.Helper()
	if err := n.nl.LinkSetMTU(n.Link(name), mtu); err != nil {
		n.t.Fatalf("MTU of %s: %v", name, err)
	}
}

// Down sets an interface down: the far end loses carrier.
func (n *Namespace) Down(name string) {
	n.t.Helper()
	if err := n.nl.LinkSetDown(n.Link(name)); err != nil {
		n.t.Fatalf("set %s down: %v", name, err)
	}
}

// Addr gives lo an address.
func (n *Namespace) Addr(a netip.Addr) {
	n.t.Helper()
	p := netip.PrefixFrom(a, a.BitLen())
	ip := &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(p.Bits(), a.BitLen())}
	addr := &netlink.Addr{IPNet: ip}
	if a.Is6() {
		addr.Flags = unix.IFA_F_NODAD
	}
	if err := n.nl.AddrAdd(n.Link("lo"), addr); err != nil {
		n.t.Fatalf("address %s: %v", a, err)
	}
}

// UDP opens a socket in the namespace.
func (n *Namespace) UDP(at netip.AddrPort) *net.UDPConn {
	n.t.Helper()
	var conn *net.UDPConn
	n.Do(func() (err error) {
		conn, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
		return err
	})
	n.t.Cleanup(func() { conn.Close() })
	return conn
}

// Deadline is how long a test waits for what must happen: a handshake of
// WireGuard that is lost is tried again after 5 s, and again. Longer in the virtual
// machine of .ci/vm, whose processors are software.
var Deadline = 30 * time.Second

func init() {
	if os.Getenv("KEIRO_TEST_VM") != "" {
		Deadline = time.Minute
	}
}

// Eventually waits until a condition holds, and fails the test when it never
// does.
func Eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(Deadline); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("never: %s", what)
}
