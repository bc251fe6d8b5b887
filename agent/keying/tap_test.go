package keying

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// tap sees every frame on the switch.
type tap struct {
	mu     sync.Mutex
	frames int
	clear  int            // frames with the marker
	keys   []keyDatagram  // all that went from key port to key port
	wg     map[uint16]int // packets by WireGuard's port
}

type keyDatagram struct {
	from, to netip.Addr
	data     []byte
}

func (w *lan) tap() *tap {
	w.t.Helper()
	c := &tap{wg: map[uint16]int{}}
	w.Capture(c.see)
	return c
}

func (c *tap) see(f []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frames++
	if bytes.Contains(f, []byte(marker)) {
		c.clear++
	}
	if len(f) < 14+40+8 || f[12] != 0x86 || f[13] != 0xdd || f[20] != unix.IPPROTO_UDP {
		return
	}
	from, to := netip.AddrFrom16([16]byte(f[22:38])), netip.AddrFrom16([16]byte(f[38:54]))
	port := binary.BigEndian.Uint16(f[56:58])
	if port == keyPort {
		c.keys = append(c.keys, keyDatagram{from, to, bytes.Clone(f[62:])})
	} else if d := f[62:]; len(d) >= 8 {
		// Several may be in one piece (UDP GSO): type and receiver are the same.
		c.wg[port] += bytes.Count(d, d[:8])
	}
}

func (c *tap) keyDatagrams() []keyDatagram {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.keys)
}

// sealed checks that the stream was seen, and never in the clear.
func (c *tap) sealed(t testing.TB, id, packets int) {
	t.Helper()
	seen := func() (clear, sealed int) {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.clear, c.wg[uint16(lanePort+id)]
	}
	eventually(t, "the tap has seen as many packets of WireGuard", func() bool {
		_, sealed := seen()
		return sealed >= packets
	})
	if clear, sealed := seen(); clear != 0 {
		t.Errorf("%d frames in the clear, %d of WireGuard for %d packets", clear, sealed, packets)
	}
}

// forger is a socket that sends from an address that is not its node's, and
// disturbs nobody else.
func (n *node) forger(from netip.AddrPort, victims ...*node) func(to netip.AddrPort, d []byte) {
	n.t.Helper()
	for _, v := range victims {
		mac := v.Link("eth1").Attrs().HardwareAddr
		must(n.t, n.Netlink().NeighSet(&netlink.Neigh{
			LinkIndex: n.Link("eth1").Attrs().Index, State: netlink.NUD_PERMANENT, IP: v.addr.AsSlice(), HardwareAddr: mac,
		}))
	}
	fd := -1
	n.Do(func() (err error) {
		if fd, err = unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		if err := unix.SetsockoptInt(fd, unix.SOL_IPV6, unix.IPV6_TRANSPARENT, 1); err != nil {
			return err
		}
		return unix.Bind(fd, &unix.SockaddrInet6{Port: int(from.Port()), Addr: from.Addr().As16()})
	})
	n.t.Cleanup(func() { unix.Close(fd) })
	return func(to netip.AddrPort, d []byte) {
		n.t.Helper()
		must(n.t, unix.Sendto(fd, d, 0, &unix.SockaddrInet6{Port: int(to.Port()), Addr: to.Addr().As16()}))
	}
}

// blackhole swallows the node's datagrams to the key port, until heal.
func (n *node) blackhole() (heal func()) {
	n.t.Helper()
	r := netlink.NewRule()
	r.Family, r.Priority, r.IPProto, r.Type = unix.AF_INET6, 1, unix.IPPROTO_UDP, unix.RTN_BLACKHOLE
	r.Dport = netlink.NewRulePortRange(keyPort, keyPort)
	must(n.t, n.Netlink().RuleAdd(r))
	return func() {
		n.t.Helper()
		must(n.t, n.Netlink().RuleDel(r))
	}
}
