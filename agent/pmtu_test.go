package agent

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/internal/testnet"
	"github.com/keiro-net/keiro/agent/nodecfg"
)

// site is a host behind a headend.
type site struct {
	host           *testnet.Namespace
	addr4, addr6   netip.Addr // of the host; its headend is .1
	route4, route6 netip.Prefix
}

// behind gives a node a host with an MTU of its own.
func (n *node) behind(t *testing.T, number, mtu int) *site {
	t.Helper()
	s := &site{host: testnet.New(t)}
	s.route4 = netip.MustParsePrefix(fmt.Sprintf("10.%d.7.0/24", number))
	s.route6 = netip.MustParsePrefix(fmt.Sprintf("2001:db8:%d:7::/64", number))
	testnet.Cable(s.host, "up", n.Namespace, "host")
	n.MTU("host", mtu)
	s.host.MTU("up", mtu)
	for _, p := range []netip.Prefix{s.route4, s.route6} {
		gateway := p.Addr().Next()
		addr := gateway.Next()
		if p.Addr().Is4() {
			s.addr4 = addr
		} else {
			s.addr6 = addr
		}
		for _, end := range []struct {
			*testnet.Namespace
			dev  string
			addr netip.Addr
		}{{n.Namespace, "host", gateway}, {s.host, "up", addr}} {
			a := &netlink.Addr{IPNet: &net.IPNet{IP: end.addr.AsSlice(), Mask: net.CIDRMask(p.Bits(), end.addr.BitLen())}}
			if end.addr.Is6() {
				a.Flags = unix.IFA_F_NODAD
			}
			if err := end.Netlink().AddrReplace(end.Link(end.dev), a); err != nil {
				t.Fatalf("address %s: %v", end.addr, err)
			}
		}
		if err := s.host.Netlink().RouteAdd(&netlink.Route{Gw: gateway.AsSlice(), LinkIndex: s.host.Link("up").Attrs().Index}); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// carry adds the traffic between two sites to the policies.
func (w *triangle) carry(a, b *site, families int) {
	for _, end := range []struct {
		n        *node
		from, to *site
	}{{w.a, a, b}, {w.b, b, a}} {
		p := &end.n.cfg.Policies[0]
		both := []nodecfg.Selector{{From: end.from.route4, To: end.to.route4, Pref: 2}, {From: end.from.route6, To: end.to.route6, Pref: 2}}
		p.Traffic = append(p.Traffic, both[:families]...)
	}
}

// bulk sends 2 MB over TCP from one host to another and as much back, and
// returns the path MTU that the sender has found.
func bulk(t *testing.T, from *testnet.Namespace, fromAddr netip.Addr, to *testnet.Namespace, toAddr netip.Addr) int {
	t.Helper()
	const size = 2 << 20
	data := make([]byte, size)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range data {
		data[i] = byte(random.Uint32())
	}
	var listener *net.TCPListener
	to.Do(func() (err error) {
		listener, err = net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(toAddr, 0)))
		return err
	})
	defer listener.Close()
	go func() { // echoes all once it has all
		c, err := listener.AcceptTCP()
		if err != nil {
			return
		}
		defer c.Close()
		got, err := io.ReadAll(c)
		if err == nil {
			_, _ = c.Write(got)
		}
	}()
	var c *net.TCPConn
	from.Do(func() (err error) {
		d := net.Dialer{Timeout: testnet.Deadline, LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(fromAddr, 0))}
		conn, err := d.Dial("tcp", listener.Addr().String())
		if err == nil {
			c = conn.(*net.TCPConn)
		}
		return err
	})
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(3 * testnet.Deadline)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(data); err != nil {
		t.Fatalf("send: %v", err)
	}
	level, option := unix.IPPROTO_IP, unix.IP_MTU
	if fromAddr.Is6() {
		level, option = unix.IPPROTO_IPV6, unix.IPV6_MTU
	}
	mtu := sockopt(t, c, level, option)
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, data) {
		t.Fatalf("came back: %d bytes, %v, want %d", len(got), err, size)
	}
	return mtu
}

func sockopt(t *testing.T, c syscall.Conn, level, option int) (value int) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if cerr := raw.Control(func(fd uintptr) { value, err = unix.GetsockoptInt(int(fd), level, option) }); cerr != nil || err != nil {
		t.Fatal(cerr, err)
	}
	return value
}

// TCP passes whole between hosts behind the headends, and between the
// headends: hosts whose own MTU is greater learn that of the lane from the
// headend's ICMP (RFC 1191, RFC 8201).
func TestPMTU(t *testing.T) {
	for _, underlay := range []int{1400, 9000} {
		for _, hostMTU := range []int{1500, 9000} {
			t.Run(fmt.Sprintf("underlay %d, host %d", underlay, hostMTU), func(t *testing.T) {
				w, _ := newEncryptedTriangle(t, underlay)
				n := len(w.a.cfg.Policies[0].Traffic) // 1,400 bytes leave no room for IPv6 in a lane
				a, b := w.a.behind(t, 1, hostMTU), w.b.behind(t, 2, hostMTU)
				w.carry(a, b, n)
				w.obey(t)
				mtu := nodecfg.LaneMTU(w.a.cfg.Policies[0].Paths[0].MTU)
				for i, f := range families[:n] {
					w.flow(f.from, f.to).arrives(t, "before")
					from, to := []netip.Addr{a.addr4, a.addr6}[i], []netip.Addr{b.addr4, b.addr6}[i]
					if got, want := bulk(t, a.host, from, b.host, to), min(mtu, hostMTU); got != want {
						t.Errorf("%s: the host has found an MTU of %d, want %d", f.name, got, want)
					}
					if got := bulk(t, w.a.Namespace, f.from, w.b.Namespace, f.to); got != mtu {
						t.Errorf("%s: the headend has an MTU of %d, want %d", f.name, got, mtu)
					}
				}
			})
		}
	}
}

// On clear paths that is so between the headends. For packets that Linux
// forwards it checks the MTU after it has encapsulated them (seg6_input), so
// their sender hears nothing: docs/data-plane.md says what to do.
func TestPMTUOfClearPaths(t *testing.T) {
	for _, underlay := range []int{1400, 9000} {
		w := layTriangle(t)
		w.mtu(underlay)
		for _, n := range []*node{w.a, w.b} {
			for i := range n.cfg.Policies[0].Paths {
				n.cfg.Policies[0].Paths[i].MTU = underlay - 40 - 8 - 16*(i+1)
			}
		}
		w.obey(t)
		for _, f := range families {
			w.flow(f.from, f.to).arrives(t, "before")
			if got, want := bulk(t, w.a.Namespace, f.from, w.b.Namespace, f.to), w.a.cfg.Policies[0].Paths[0].MTU; got != want {
				t.Errorf("underlay %d, %s: the headend has an MTU of %d, want %d", underlay, f.name, got, want)
			}
		}
	}
}
