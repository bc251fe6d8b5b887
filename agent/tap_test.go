package agent

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/keiro-net/keiro/agent/internal/testnet"
	"github.com/keiro-net/keiro/agent/nodecfg"
)

// marker is what the packets of a stream say in the clear.
const marker = "what only the two ends may read"

// tap sees every frame on cables and counts those that show the marker.
type tap struct {
	frames, clear atomic.Int64
	world         *triangle
	flags         atomic.Int64    // sent so far
	seen          [3]atomic.Int64 // the last flag on each cable
}

// flag is what is sent over every cable to know that all before was seen.
func flag(n int64) string { return fmt.Sprintf("keiro test flag %08d.", n) }

func (w *triangle) tap(t testing.TB) *tap {
	t.Helper()
	c := &tap{world: w}
	for i, wire := range []*testnet.Wire{w.ab, w.ac, w.bc} {
		wire.Capture(func(frame []byte) {
			c.frames.Add(1)
			if bytes.Contains(frame, []byte(marker)) {
				c.clear.Add(1)
			}
			if flags := c.flags.Load(); bytes.Contains(frame, []byte(flag(flags))) {
				c.seen[i].Store(flags)
			}
		})
	}
	return c
}

// catchUp waits until everything that was sent before has been seen.
func (c *tap) catchUp(t testing.TB) {
	t.Helper()
	n := c.flags.Add(1)
	out := [3]*net.UDPConn{c.world.a.UDP(netip.AddrPort{}), c.world.a.UDP(netip.AddrPort{}), c.world.b.UDP(netip.AddrPort{})}
	to := [3]netip.Prefix{c.world.b.cfg.Locator, c.world.c.cfg.Locator, c.world.c.cfg.Locator}
	for i := range out {
		testnet.Eventually(t, "a flag is seen", func() bool {
			_, _ = out[i].WriteToUDPAddrPort([]byte(flag(n)), netip.AddrPortFrom(nodecfg.Loopback(to[i]), 9))
			return c.seen[i].Load() == n
		})
		out[i].Close()
	}
}

// pour sends the marker over a flow without a pause, until stop. It counts
// what the kernel took and what it turned down.
type pour struct {
	taken, refused atomic.Int64
	lastTaken      atomic.Int64 // monotone, since began
	began          time.Time
	end            chan struct{}
	done           chan struct{}
}

func (f *flow) pour(t testing.TB, pause time.Duration) *pour {
	p := &pour{began: time.Now(), end: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(p.done)
		for {
			select {
			case <-p.end:
				return
			default:
			}
			before := time.Since(p.began)
			if _, err := f.out.WriteToUDPAddrPort([]byte(marker), f.to); err != nil {
				p.refused.Add(1)
			} else {
				p.taken.Add(1)
				p.lastTaken.Store(int64(before))
			}
			if pause > 0 {
				time.Sleep(pause)
			}
		}
	}()
	t.Cleanup(p.stop)
	return p
}

func (p *pour) stop() {
	select {
	case <-p.end:
	default:
		close(p.end)
	}
	<-p.done
}

// openRoad gives a plain routes to the hosts of b, such as a default route
// would be: what no policy takes leaves there.
func (w *triangle) openRoad(t testing.TB) {
	t.Helper()
	eth := w.b.Link("eth1").Attrs().HardwareAddr
	dev := w.a.Link("eth1").Attrs().Index
	for _, to := range []netip.Addr{hostB4, hostB6} {
		ip := net.IP(to.AsSlice())
		dst := &net.IPNet{IP: ip, Mask: net.CIDRMask(to.BitLen(), to.BitLen())}
		if err := w.a.Netlink().RouteReplace(&netlink.Route{LinkIndex: dev, Dst: dst, Scope: netlink.SCOPE_LINK}); err != nil {
			t.Fatal(err)
		}
		if err := w.a.Netlink().NeighSet(&netlink.Neigh{LinkIndex: dev, IP: ip, HardwareAddr: eth, State: netlink.NUD_PERMANENT}); err != nil {
			t.Fatal(err)
		}
	}
}
