package agent

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/internal/testnet"
	"github.com/keiro-net/keiro/agent/needs"
)

// filtered is a host's network that lets nothing in which tells of a path MTU.
const filtered = `table inet foreign {
	chain in {
		type filter hook input priority filter
		icmp type destination-unreachable drop
		icmpv6 type { destination-unreachable, packet-too-big } drop
	}
}`

// nft loads a ruleset of nftables, as an operator would.
func nft(t *testing.T, n *testnet.Namespace, ruleset string) {
	t.Helper()
	needs.Program(t, "nft", "to load rules of operators")
	n.Do(func() error {
		cmd := exec.Command("nft", "-f", "-")
		cmd.Stdin = strings.NewReader(ruleset)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("nft: %w: %s", err, out)
		}
		return nil
	})
}

// stalls connects two hosts and demands that what one then sends is sent again
// and again and never heard.
func stalls(t *testing.T, from *testnet.Namespace, fromAddr netip.Addr, to *testnet.Namespace, toAddr netip.Addr) {
	t.Helper()
	var listener *net.TCPListener
	to.Do(func() (err error) {
		listener, err = net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(toAddr, 0)))
		return err
	})
	defer listener.Close()
	connect := func() (near, far net.Conn) {
		from.Do(func() (err error) {
			d := net.Dialer{Timeout: testnet.Deadline, LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(fromAddr, 0))}
			near, err = d.Dial("tcp", listener.Addr().String())
			return err
		})
		far, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		return near, far
	}
	// The first handshake may wait a second for a link that has just come up,
	// and TCP would take that for the time around and wait ever longer.
	near, far := connect()
	near.Close()
	far.Close()
	c, far := connect()
	defer c.Close()
	defer far.Close()
	heard := make(chan int, 1)
	go func() {
		n, _ := io.ReadFull(far, make([]byte, 1))
		heard <- n
	}()
	if _, err := c.Write(make([]byte, 1<<16)); err != nil {
		t.Fatal(err)
	}
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	testnet.Eventually(t, "it is sent again and again", func() (again bool) {
		err := raw.Control(func(fd uintptr) {
			info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
			again = err == nil && info.Retransmits >= 2
		})
		return err == nil && again
	})
	select {
	case n := <-heard:
		t.Errorf("%d bytes came where nothing was to fit", n)
	default:
	}
}

// Hosts that hear of no path MTU lose what does not fit for ever. The rules of
// docs/data-plane.md at both headends make their handshakes agree on what fits,
// through lanes and on clear paths: then all arrives, and a host believes as
// before in the MTU that it has.
func TestMSS(t *testing.T) {
	const hostMTU = 1500
	for _, tt := range []struct {
		name     string
		underlay int
		lanes    bool
		rule     string
	}{
		{"lanes", 1400, true, `type filter hook forward priority mangle; oifname "kr-w*" tcp flags syn tcp option maxseg size set rt mtu`},
		{"lanes", 1500, true, `type filter hook forward priority mangle; oifname "kr-w*" tcp flags syn tcp option maxseg size set rt mtu`},
		{"clear paths", 1500, false, `type filter hook prerouting priority mangle; iifname "host" tcp flags syn tcp option maxseg size set 1300`},
	} {
		t.Run(fmt.Sprintf("%s over %d bytes", tt.name, tt.underlay), func(t *testing.T) {
			var w *triangle
			if tt.lanes {
				w, _ = newEncryptedTriangle(t, tt.underlay)
			} else {
				w = layTriangle(t)
			}
			n := len(w.a.cfg.Policies[0].Traffic)
			a, b := w.a.behind(t, 1, hostMTU), w.b.behind(t, 2, hostMTU)
			w.carry(a, b, n)
			w.obey(t)
			for _, s := range []*site{a, b} {
				nft(t, s.host, filtered)
			}
			from, to := []netip.Addr{a.addr4, a.addr6}[:n], []netip.Addr{b.addr4, b.addr6}[:n]
			for i := range from {
				w.flow(families[i].from, families[i].to).arrives(t, "before")
				stalls(t, a.host, from[i], b.host, to[i])
			}
			for _, h := range []*node{w.a, w.b} {
				nft(t, h.Namespace, "table inet mss {\n chain mss {\n"+tt.rule+"\n}\n}\n")
			}
			for i := range from {
				if got := bulk(t, a.host, from[i], b.host, to[i]); got != hostMTU {
					t.Errorf("%s: the host has found an MTU of %d", families[i].name, got)
				}
			}
		})
	}
}
