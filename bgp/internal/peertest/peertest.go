// Package peertest makes what tests of BGP need around a speaker: network
// namespaces with cables between them, and real BGP daemons that run in them.
// Nothing of it is left when the test ends. Only tests call it.
package peertest

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Need ends the test where something is missing: in CI, which has all of it, it
// fails.
func Need(t testing.TB, has bool, what string) {
	t.Helper()
	switch {
	case has:
	case os.Getenv("CI") != "":
		t.Fatalf("needs %s; $CI says that this is CI, where no test is left out", what)
	default:
		t.Skipf("needs %s", what)
	}
}

// Program finds a program of a Debian package, which .ci/needs installs.
func Program(t testing.TB, name, debian string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	Need(t, err == nil, name+" (Debian package "+debian+")")
	return path
}

// Namespace is a network namespace of one test. It has no name, so that two
// tests never meet.
type Namespace struct {
	fd int
	t  testing.TB
	nl *netlink.Handle
}

// New makes a namespace whose lo is up.
func New(t testing.TB) *Namespace {
	t.Helper()
	Need(t, os.Geteuid() == 0, "root to make network namespaces")
	n := &Namespace{t: t}
	made := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			n.fd, err = unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		}
		made <- err
	}()
	if err := <-made; err != nil {
		t.Fatalf("make a network namespace: %v", err)
	}
	t.Cleanup(func() { unix.Close(n.fd) })
	var err error
	if n.nl, err = netlink.NewHandleAt(netns.NsHandle(n.fd), unix.NETLINK_ROUTE); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.nl.Close)
	n.up("lo")
	return n
}

// Sockets calls f in the namespace: sockets and processes that it makes belong
// to it.
func (n *Namespace) Sockets(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		err := unix.Setns(n.fd, unix.CLONE_NEWNET)
		if err == nil {
			err = f()
		}
		done <- err
	}()
	return <-done
}

func (n *Namespace) link(name string) netlink.Link {
	n.t.Helper()
	l, err := n.nl.LinkByName(name)
	if err != nil {
		n.t.Fatalf("interface %s: %v", name, err)
	}
	return l
}

func (n *Namespace) up(name string) {
	n.t.Helper()
	if err := n.nl.LinkSetUp(n.link(name)); err != nil {
		n.t.Fatalf("set %s up: %v", name, err)
	}
}

var cables atomic.Uint32

// Cable lays a cable between two namespaces, with an address at each end, such
// as 10.0.0.1/24. Its ends have the name that is given.
func Cable(name string, a *Namespace, aAddress string, b *Namespace, bAddress string) {
	a.t.Helper()
	index := 20000 + int(cables.Add(1))
	far := fmt.Sprintf("tmp%d", index)
	veth := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: name, Index: index}, PeerName: far, PeerNamespace: netlink.NsFd(b.fd)}
	if err := a.nl.LinkAdd(veth); err != nil {
		a.t.Fatalf("cable %s: %v", name, err)
	}
	if err := b.nl.LinkSetName(b.link(far), name); err != nil {
		a.t.Fatal(err)
	}
	a.Address(name, aAddress)
	b.Address(name, bAddress)
	a.up(name)
	b.up(name)
}

// Address gives an interface an address.
func (n *Namespace) Address(name, address string) {
	n.t.Helper()
	p := netip.MustParsePrefix(address)
	addr := &netlink.Addr{IPNet: &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}}
	if p.Addr().Is6() {
		addr.Flags = unix.IFA_F_NODAD
	}
	if err := n.nl.AddrAdd(n.link(name), addr); err != nil {
		n.t.Fatalf("address %s: %v", address, err)
	}
}

// Route sends what is for a prefix to a neighbour.
func (n *Namespace) Route(prefix, via string) {
	n.t.Helper()
	p := netip.MustParsePrefix(prefix)
	route := &netlink.Route{
		Dst: &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}, Gw: netip.MustParseAddr(via).AsSlice(),
	}
	if err := n.nl.RouteAdd(route); err != nil {
		n.t.Fatalf("route %s: %v", prefix, err)
	}
}

// Forward makes the namespace a router of IPv4.
func (n *Namespace) Forward() {
	n.t.Helper()
	if err := n.Sockets(func() error { return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o600) }); err != nil {
		n.t.Fatal(err)
	}
}

// Process is a program that runs in the foreground until the test ends.
type Process struct {
	t    testing.TB
	cmd  *exec.Cmd
	log  string
	done chan struct{}
}

// Start starts a program in the namespace.
func (n *Namespace) Start(env []string, program string, args ...string) *Process {
	n.t.Helper()
	p := &Process{t: n.t, cmd: exec.Command(program, args...), log: filepath.Join(n.t.TempDir(), "log"), done: make(chan struct{})}
	out, err := os.Create(p.log)
	if err != nil {
		n.t.Fatal(err)
	}
	defer out.Close()
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.Env = out, out, append(os.Environ(), env...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := n.Sockets(p.cmd.Start); err != nil {
		n.t.Fatalf("start %s: %v", program, err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended says its log
		close(p.done)
	}()
	n.t.Cleanup(func() {
		p.Kill()
		if n.t.Failed() {
			text, _ := os.ReadFile(p.log)
			n.t.Logf("%s said:\n%s", filepath.Base(program), text[max(0, len(text)-4000):])
		}
	})
	return p
}

// Kill ends the program, and what it started, at once, as a crash does.
func (p *Process) Kill() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // it may be gone
	<-p.done
}

// Output runs a program in the namespace and returns what it says.
func (n *Namespace) Output(program string, args ...string) (string, error) {
	var out bytes.Buffer
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := n.Sockets(cmd.Start); err != nil {
		return "", err
	}
	err := cmd.Wait()
	return out.String(), err
}

// Deadline is how long a test waits for what must happen.
const Deadline = 30 * time.Second

// Eventually waits until a condition holds, and fails the test when it never
// does. The condition returns what is missing, or nothing.
func Eventually(t testing.TB, what string, missing func() string) {
	t.Helper()
	last := ""
	for end := time.Now().Add(Deadline); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if last = missing(); last == "" {
			return
		}
	}
	t.Fatalf("never: %s: %s", what, last)
}
