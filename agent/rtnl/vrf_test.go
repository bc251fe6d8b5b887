package rtnl

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/internal/testnet"
	"github.com/keiro-net/keiro/agent/nodecfg"
)

// End.DT46 (RFC 8986 section 4.8) decapsulates both families into the table of
// a VRF. Keiro's own nodes do not use it: End.DX4 and End.DT6 look where the
// rules say and need no VRF, which many kernels have not. Where an operator
// keeps customers in VRFs it is what to decapsulate into, and the encoder must
// not corrupt it.
func TestEndDT46IntoVRF(t *testing.T) {
	a, b := testnet.New(t), testnet.New(t)
	testnet.Cable(a, "eth1", b, "eth1")
	const table = 100
	err := b.Netlink().LinkAdd(&netlink.Vrf{LinkAttrs: netlink.LinkAttrs{Name: "red"}, Table: table})
	if errors.Is(err, unix.EOPNOTSUPP) && os.Getenv("KEIRO_TEST_VM") == "" {
		t.Skip("no VRF in this kernel; make test-vm has one")
	}
	if err != nil {
		t.Fatalf("make a VRF: %v", err)
	}
	b.Up("red")
	address := func(n *testnet.Namespace, dev, prefix string) {
		t.Helper()
		p := netip.MustParsePrefix(prefix)
		ip := &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
		addr := &netlink.Addr{IPNet: ip}
		if p.Addr().Is6() {
			addr.Flags = unix.IFA_F_NODAD
		}
		if err := n.Netlink().AddrAdd(n.Link(dev), addr); err != nil {
			t.Fatalf("address %s: %v", prefix, err)
		}
	}
	address(a, "eth1", "5f00:0:1:8001::1/64")
	address(b, "eth1", "5f00:0:1:8001::2/64")
	var (
		next    = netip.MustParseAddr("5f00:0:1:8001::2")
		sid     = netip.MustParseAddr("5f00:0:2:46::")
		hostA   = []netip.Addr{netip.MustParseAddr("10.1.0.1"), netip.MustParseAddr("2001:db8:1::1")}
		hostB   = []netip.Addr{netip.MustParseAddr("10.2.0.1"), netip.MustParseAddr("2001:db8:2::1")}
		single  = func(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }
		objects = map[*testnet.Namespace][]nodecfg.Object{
			a: {
				nodecfg.Sysctl{Name: "net/ipv6/conf/all/forwarding", Value: "1"},
				nodecfg.Route{Table: nodecfg.MainTable, To: single(sid), Metric: 1024, Via: next, Dev: "eth1"},
			},
			b: {
				nodecfg.Sysctl{Name: "net/ipv6/conf/all/forwarding", Value: "1"},
				nodecfg.Sysctl{Name: "net/ipv4/conf/all/forwarding", Value: "1"},
				nodecfg.Sysctl{Name: "net/ipv4/conf/all/rp_filter", Value: "0"},
				nodecfg.Sysctl{Name: "net/ipv4/conf/eth1/rp_filter", Value: "0"},
				// A VRF must have its table for itself, so that a table names a VRF.
				nodecfg.Sysctl{Name: "net/vrf/strict_mode", Value: "1"},
				nodecfg.Route{Table: nodecfg.MainTable, To: single(sid), Metric: 1024, Dev: "eth1",
					Encap: nodecfg.Seg6Local{Action: "End.DT46", Table: table, Count: true}},
			},
		}
	)
	for i := range hostA {
		a.Addr(hostA[i])
		address(b, "red", single(hostB[i]).String())
		objects[a] = append(objects[a], nodecfg.Route{Table: nodecfg.MainTable, To: single(hostB[i]), Metric: 1024, Dev: "eth1",
			Encap: nodecfg.Seg6{Mode: nodecfg.ModeEncapRed, Segments: nodecfg.SegmentsOf(sid)}})
	}
	handles := make(map[*testnet.Namespace]*Handle)
	for _, n := range []*testnet.Namespace{a, b} {
		h, err := OpenAt(n.FD)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(h.Close)
		handles[n] = h
		want := nodecfg.StateOf(objects[n]...)
		reach(t, h, want)
		have := observe(t, h, want)
		for _, o := range objects[n] {
			if !have.Has(o) {
				t.Fatalf("applied %s, observed:\n%s", o, have)
			}
		}
	}
	for i := range hostA {
		var in *net.UDPConn
		b.Do(func() error {
			listen := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
				var err error
				return errors.Join(c.Control(func(fd uintptr) { err = unix.BindToDevice(int(fd), "red") }), err)
			}}
			c, err := listen.ListenPacket(t.Context(), "udp", netip.AddrPortFrom(hostB[i], 0).String())
			if err == nil {
				in = c.(*net.UDPConn)
			}
			return err
		})
		t.Cleanup(func() { in.Close() })
		out := a.UDP(netip.AddrPortFrom(hostA[i], 0))
		got := make(chan string, 1)
		go func() {
			buf := make([]byte, 64)
			if n, err := in.Read(buf); err == nil {
				got <- string(buf[:n])
			}
		}()
		testnet.Eventually(t, hostB[i].String()+" in the VRF", func() bool {
			_, _ = out.WriteToUDPAddrPort([]byte("vrf"), in.LocalAddr().(*net.UDPAddr).AddrPort())
			select {
			case s := <-got:
				return s == "vrf"
			default:
				return false
			}
		})
	}
	counters, err := handles[b].Counters()
	if err != nil {
		t.Fatal(err)
	}
	if c := counters[sid]; c.Packets < 2 || c.Errors != 0 {
		t.Errorf("the SID counted %+v", c)
	}
}
