package sample

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/internal/testnet"
	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/sample/headers"
)

var (
	a4, b4 = netip.MustParseAddr("10.1.0.1"), netip.MustParseAddr("10.2.0.1")
	a6, b6 = netip.MustParseAddr("2001:db8:1::1"), netip.MustParseAddr("2001:db8:2::1")
	here   = netip.MustParsePrefix("5f00:0:1::/48")
	there  = netip.MustParsePrefix("5f00:0:2::/48")
)

func protected(more int) []nodecfg.Protected {
	p := nodecfg.Protected{Intent: "gold", Links: []string{"a--b"}, Traffic: []nodecfg.Selector{
		{From: netip.MustParsePrefix("10.1.0.0/20"), To: netip.MustParsePrefix("10.2.0.0/16")},
		{From: netip.MustParsePrefix("2001:db8:1::/48"), To: netip.MustParsePrefix("::/0")},
		{From: netip.MustParsePrefix("2001:db8:1:0:8000::/65"), To: netip.MustParsePrefix("::/0")},
	}}
	for n := range more {
		from := netip.PrefixFrom(netip.AddrFrom4([4]byte{172, 16, byte(n), 0}), 24)
		p.Traffic = append(p.Traffic, nodecfg.Selector{From: from, To: from})
	}
	return []nodecfg.Protected{p}
}

func ip6(from, to netip.Addr, next uint8) []byte {
	b := []byte{0x60, 0, 0, 0, 0, 40, next, 64}
	return append(slices.Concat(b, from.AsSlice(), to.AsSlice()), make([]byte, 40)...)
}

func ip4(from, to netip.Addr, next uint8) []byte {
	b := make([]byte, 12)
	b[0], b[8], b[9] = 0x45, 64, next
	binary.BigEndian.PutUint16(b[2:], 40)
	return append(slices.Concat(b, from.AsSlice(), to.AsSlice()), make([]byte, 20)...)
}

// cable is a link, of which the near end is sampled.
type cable struct {
	near, far *testnet.Namespace
	fd        int // sends frames from the far end
	index     int
}

func newCable(t *testing.T) *cable {
	t.Helper()
	c := &cable{near: testnet.New(t), far: testnet.New(t)}
	testnet.Cable(c.near, "eth1", c.far, "eth1")
	c.index = c.far.Link("eth1").Attrs().Index
	c.far.Do(func() (err error) {
		c.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		return err
	})
	t.Cleanup(func() { unix.Close(c.fd) })
	return c
}

func (c *cable) send(t *testing.T, packet []byte) {
	t.Helper()
	proto := uint16(unix.ETH_P_IPV6)
	if packet[0]>>4 == 4 {
		proto = unix.ETH_P_IP
	}
	to := &unix.SockaddrLinklayer{Protocol: proto>>8 | proto<<8, Ifindex: c.index, Halen: 6, Addr: [8]byte{2, 0, 0, 0, 0, 9}}
	if err := unix.Sendto(c.fd, packet, 0, to); err != nil {
		t.Fatal(err)
	}
}

func (c *cable) inside(f func() error) (err error) {
	c.near.Do(func() error {
		err = f()
		return nil
	})
	return err
}

// The filter of the kernel lets through what may be of interest, and nothing
// else, however many networks there are.
func TestFilter(t *testing.T) {
	c := newCable(t)
	stranger := netip.MustParseAddr("192.0.2.1")
	for more, all := range map[int]bool{0: false, maxNetworks - 1: false, maxNetworks: true, 200: true} {
		var tp *tap
		if err := c.inside(func() (err error) {
			if tp, err = openTap("eth1", false); err != nil {
				return err
			}
			if err = tp.attach(filter(protected(more), 1, 1)); err == nil {
				err = tp.bind()
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		for i, tt := range []struct {
			what   string
			packet []byte
			want   bool
		}{
			{"plain IPv4 of an intent", ip4(a4, b4, headers.UDP), true},
			{"plain IPv4, to somebody else", ip4(a4, stranger, headers.UDP), true},
			{"plain IPv4 beside the network", ip4(netip.MustParseAddr("10.1.16.1"), b4, headers.UDP), all},
			{"plain IPv4 of nobody", ip4(stranger, b4, headers.UDP), all},
			{"IPv4 in IPv4", ip4(stranger, b4, headers.IPv4), true},
			{"IPv6 in IPv4", ip4(stranger, b4, headers.IPv6), true},
			{"plain IPv6 of an intent", ip6(a6, b6, headers.UDP), true},
			{"plain IPv6 of nobody", ip6(b6, a6, headers.UDP), false},
			{"SRv6", ip6(nodecfg.Loopback(here), nodecfg.EndX(there, 1), headers.Routing), true},
			{"SRv6, reduced", ip6(nodecfg.Loopback(here), nodecfg.EndX(there, 1), headers.IPv6), true},
			{"behind options", ip6(b6, a6, headers.HopByHop), true},
			{"a lane's", ip6(nodecfg.LaneAddr(here, 1), nodecfg.LaneAddr(there, 1), headers.UDP), true},
			{"to a group", ip6(a6, netip.MustParseAddr("ff02::1"), headers.UDP), false},
			{"of the link", ip6(netip.MustParseAddr("fe80::1"), a6, headers.ICMP6), false},
		} {
			mark := fmt.Sprintf("packet %02d of %d", i, more)
			copy(tt.packet[len(tt.packet)-20:], mark)
			c.send(t, tt.packet) // a veth hands it over before it returns, or soon
			last := append(ip4(a4, b4, headers.UDP)[:20], "that was all        "...)
			c.send(t, last)
			seen := false
			for buf := make([]byte, snap); ; {
				n, _, err := tp.read(buf)
				if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
					time.Sleep(100 * time.Microsecond)
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				if string(buf[n-20:n-8]) == "that was all" {
					break
				}
				seen = seen || string(buf[n-20:n-20+len(mark)]) == mark
			}
			if seen != tt.want {
				t.Errorf("%d more networks: %s: seen %t, want %t", more, tt.what, seen, tt.want)
			}
		}
		tp.close()
	}
}

// Of a flood few are looked at, and when it is over all are again; a link that
// is made anew is sampled again.
func TestRates(t *testing.T) {
	c := newCable(t)
	s := New(slog.New(slog.NewTextHandler(t.Output(), nil)), c.inside)
	defer s.Close()
	s.Hasten(time.Millisecond)
	cfg := &nodecfg.Config{Protected: protected(0), Links: []nodecfg.Link{{Name: "a--b", Interface: "eth1"}}}
	s.Set(cfg)
	now := time.Now().Add(time.Second)
	round := func() {
		now = now.Add(tick)
		s.round(now)
	}
	round()
	packet := ip4(a4, b4, headers.UDP)
	for range 10 {
		for range 4000 {
			c.send(t, packet)
		}
		round()
	}
	flooded := s.rates[plain].in
	if flooded < 16 || s.rates[carrying].in != 1 {
		t.Errorf("one in %d plain packets, one in %d of the others", flooded, s.rates[carrying].in)
	}
	if got := s.Leaks(); len(got) != 1 || got[0].Kind != nodecfg.LeakOutside {
		t.Errorf("leaks: %+v", got)
	}
	for range 1000 {
		if round(); s.rates[plain].in == 1 {
			break
		}
	}
	if s.rates[plain].in != 1 {
		t.Errorf("after the flood one in %d", s.rates[plain].in)
	}
	seen := func() uint64 {
		c.send(t, packet)
		round()
		if l := s.Leaks(); len(l) == 1 {
			return l[0].Seen
		}
		return 0
	}
	before := seen()
	testnet.Eventually(t, "all are looked at again", func() bool { return seen() > before })
	c.near.Down("eth1")
	round()
	c.near.Up("eth1")
	before = seen()
	testnet.Eventually(t, "they are after the link was down", func() bool {
		now = now.Add(again)
		return seen() > before
	})
}
