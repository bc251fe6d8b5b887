package agent

import (
	"errors"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/internal/testnet"
	"github.com/keiro-net/keiro/agent/nodecfg"
)

var families = []struct {
	name     string
	from, to netip.Addr
	decap    func(netip.Prefix) netip.Addr
	header   int // IP and UDP, bytes
}{
	{"IPv4", hostA4, hostB4, nodecfg.EndDX4, 28},
	{"IPv6", hostA6, hostB6, nodecfg.EndDT6, 48},
}

// Packets take the first path, the second one when the first is left out, and
// none at all when there is none.
func TestPacketsTakeThePathsOnly(t *testing.T) {
	w := newTriangle(t)
	detour := nodecfg.EndX(w.c.cfg.Locator, w.c.linkTo(w.b).ID)
	for _, f := range families {
		flow := w.flow(f.from, f.to)
		decap := f.decap(w.b.cfg.Locator)
		before := w.b.count(t, decap)
		flow.arrives(t, f.name+" over the direct path")
		if w.b.count(t, decap) == before {
			t.Errorf("%s: packet arrived, but %s counted none", f.name, decap)
		}
		if n := w.c.count(t, detour); n != 0 {
			t.Errorf("%s: c forwarded %d packets of the direct path", f.name, n)
		}
	}
	w.a.obey(t, "gold/0")
	for _, f := range families {
		before := w.c.count(t, detour)
		w.flow(f.from, f.to).arrives(t, f.name+" over c")
		if w.c.count(t, detour) == before {
			t.Errorf("%s: packet arrived, but c has not seen it", f.name)
		}
	}
	w.a.obey(t, "gold/0", "gold/1")
	for _, f := range families {
		flow := w.flow(f.from, f.to)
		_, err := flow.out.WriteToUDPAddrPort([]byte("leak"), flow.to)
		if !errors.Is(err, syscall.EHOSTUNREACH) {
			t.Errorf("%s: sending without a path: %v, want the fence's %v", f.name, err, syscall.EHOSTUNREACH)
		}
	}
}

// A packet as long as Path.MTU fits, one byte more does not.
func TestMTUIsThatOfThePacketsCarried(t *testing.T) {
	w := newTriangle(t)
	// The detour has 3 SIDs, of which 2 are in the header of H.Encaps.Red.
	const mtu = 1500 - 40 - 8 - 2*16
	w.a.cfg.Policies[0].Paths[1].MTU = mtu
	w.a.obey(t, "gold/0")
	for _, f := range families {
		flow := w.flow(f.from, f.to)
		dontFragment(t, flow.out)
		flow.arrives(t, f.name)
		long := string(make([]byte, mtu-f.header))
		flow.arrives(t, long)
		if _, err := flow.out.WriteToUDPAddrPort([]byte(long+"x"), flow.to); !errors.Is(err, syscall.EMSGSIZE) {
			t.Errorf("%s: one byte more than the MTU: %v, want %v", f.name, err, syscall.EMSGSIZE)
		}
	}
}

// When the link at the headend loses carrier the kernel takes the next path
// by itself: nothing of ours runs in this test.
func TestCarrierLossFailsOver(t *testing.T) {
	w := newTriangle(t)
	for _, f := range families {
		flow := w.flow(f.from, f.to)
		for _, change := range []struct {
			what string
			do   func()
		}{{"cut", w.ab.Cut}, {"restored", w.ab.Restore}} {
			flow.arrives(t, f.name+" before")
			sent, lost := flow.stream(300, 100, change.do)
			t.Logf("%s, %s: of %d packets at 1,000 a second lost %d", f.name, change.what, sent, lost)
			flow.arrives(t, f.name+" after")
			if lost > sent/2 {
				t.Errorf("%s: lost %d of %d packets", f.name, lost, sent)
			}
		}
	}
}

// stream sends n datagrams, one a millisecond, does something after some of
// them, and counts what is lost.
func (f *flow) stream(n, after int, do func()) (sent, lost int) {
	for len(f.got) > 0 {
		<-f.got
	}
	done := make(chan struct{})
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for i := range n {
		if i == after {
			go func() { defer close(done); do() }()
		}
		<-tick.C
		_, _ = f.out.WriteToUDPAddrPort([]byte("stream"), f.to) // a refused packet is a lost one
	}
	<-done
	deadline := time.After(time.Second)
	for got := 0; got < n; got++ {
		select {
		case <-f.got:
		case <-deadline:
			return n, n - got
		}
	}
	return n, 0
}

// After cuts and restorations the kernel has what it had, byte by byte.
func TestStateAfterFlaps(t *testing.T) {
	w := newTriangle(t)
	before := w.a.see(t, w.a.cfg.Desired(nil)).State.String()
	carrier := func(want bool) func() bool {
		return func() bool {
			links := w.a.see(t, nil).Links
			return links["eth1"].Carrier == want && links["eth2"].Carrier == want
		}
	}
	for range 50 {
		w.ab.Cut()
		w.ac.Cut()
		testnet.Eventually(t, "no carrier", carrier(false))
		w.ab.Restore()
		w.ac.Restore()
		testnet.Eventually(t, "carrier", carrier(true))
	}
	if after := w.a.see(t, w.a.cfg.Desired(nil)).State.String(); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}
