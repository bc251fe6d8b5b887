package lane_test

import (
	"crypto/ecdh"
	"crypto/rand"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/internal/testlane"
	"github.com/keiro-net/keiro/agent/internal/testnet"
	"github.com/keiro-net/keiro/agent/lane"
	"github.com/keiro-net/keiro/keys/secret"
)

func TestMain(m *testing.M) { testlane.Main(m) }

// end is one end of a lane.
type end struct {
	*testnet.Namespace
	t       testing.TB
	kernel  bool // has a lane of the kernel, not of a helper
	helpers *lane.Helpers
	private secret.Key
	public  lane.PublicKey
	outer   netip.Addr // underlay
	inner   netip.Addr // of the lane
	name    string     // of its interface
	port    uint16
	dev     lane.Device
}

const (
	dev = "kr-w1"
	mtu = 1400
)

func newEnd(t testing.TB, outer, inner string) *end {
	t.Helper()
	e := &end{Namespace: testnet.New(t), t: t, private: random(t), outer: netip.MustParseAddr(outer), inner: netip.MustParseAddr(inner), name: dev, port: 51820}
	k, err := ecdh.X25519().NewPrivateKey(e.private.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	e.public = lane.PublicKey(k.PublicKey().Bytes())
	e.helpers = testlane.Helpers(t)
	return e
}

func random(t testing.TB) secret.Key {
	t.Helper()
	k, err := secret.Random(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// open opens the lane and gives it an address, as the agent does.
func (e *end) open() {
	e.t.Helper()
	e.Do(func() (err error) {
		if e.kernel {
			e.dev, err = lane.OpenKernel(e.name, mtu)
		} else {
			e.dev, err = e.helpers.Open(e.name, mtu)
		}
		return err
	})
	e.t.Cleanup(func() { e.dev.Close() })
	e.Up(e.name)
	e.address(e.name, netip.PrefixFrom(e.inner, 64))
}

func (e *end) address(dev string, p netip.Prefix) {
	e.t.Helper()
	a := &netlink.Addr{IPNet: &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}, Flags: unix.IFA_F_NODAD}
	if err := e.Netlink().AddrReplace(e.Link(dev), a); err != nil {
		e.t.Fatal(err)
	}
}

func (e *end) config(far *end, psk secret.Key) lane.Config {
	return lane.Config{Private: e.private, Port: e.port, Peer: lane.Peer{
		Public: far.public, Endpoint: netip.AddrPortFrom(far.outer, far.port), Preshared: psk, Keepalive: time.Second,
	}}
}

func (e *end) must(err error) {
	e.t.Helper()
	if err != nil {
		e.t.Fatal(err)
	}
}

func (e *end) status() lane.Status {
	e.t.Helper()
	s, err := e.dev.Status()
	e.must(err)
	return s
}

// inVM is set where `make test-vm` runs these tests under a kernel that has
// WireGuard.
const inVM = "KEIRO_TEST_VM"

// kinds runs a test with lanes of helpers, and where the kernel has
// WireGuard with lanes of the kernel and with one of each.
func kinds(t *testing.T, test func(t *testing.T, a, b *end)) {
	for _, kind := range []struct {
		name string
		a, b bool
	}{{"helpers", false, false}, {"kernel", true, true}, {"kernel and helper", true, false}} {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			if kind.a || kind.b {
				needKernel(t)
			}
			a, b := pair(t, kind.a, kind.b)
			test(t, a, b)
		})
	}
}

func needKernel(t *testing.T) {
	t.Helper()
	var has lane.Answer
	var why error
	testnet.New(t).Do(func() error {
		has, why = lane.Kernel()
		return nil
	})
	switch {
	case has == lane.Yes:
	case os.Getenv(inVM) != "" || has == lane.CannotTell:
		t.Fatalf("WireGuard in this kernel: %s, %v", has, why)
	default:
		t.Skip("no WireGuard in this kernel; make test-vm has one")
	}
}

// pair is two ends with a cable between them, and the lane open at both.
func pair(t testing.TB, aKernel, bKernel bool) (a, b *end) {
	t.Helper()
	a, b = newEnd(t, "fd00::a", "fd01::a"), newEnd(t, "fd00::b", "fd01::b")
	a.kernel, b.kernel = aKernel, bKernel
	testnet.Cable(a.Namespace, "eth1", b.Namespace, "eth1")
	a.address("eth1", netip.PrefixFrom(a.outer, 64))
	b.address("eth1", netip.PrefixFrom(b.outer, 64))
	a.open()
	b.open()
	return a, b
}

// share gives a pair a key, and waits for the first packet.
func share(t testing.TB, a, b *end) {
	t.Helper()
	psk := random(t)
	a.must(a.dev.Set(a.config(b, psk)))
	b.must(b.dev.Set(b.config(a, psk)))
	works(t, a, b)
}

// echo says whether a packet through the lane comes back.
func echo(a, b *end, wait time.Duration) bool {
	// Any port: a child that is being started may hold one that we have closed.
	far := b.UDP(netip.AddrPortFrom(b.inner, 0))
	defer far.Close()
	at := far.LocalAddr().(*net.UDPAddr).AddrPort()
	go func() {
		buf := make([]byte, 64)
		for {
			n, from, err := far.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			_, _ = far.WriteToUDPAddrPort(buf[:n], from)
		}
	}()
	near := a.UDP(netip.AddrPortFrom(a.inner, 0))
	defer near.Close()
	for end := time.Now().Add(wait); time.Now().Before(end); {
		_, _ = near.WriteToUDPAddrPort([]byte("ping"), at) // ENOKEY while there is no session
		a.must(near.SetReadDeadline(time.Now().Add(50 * time.Millisecond)))
		if n, err := near.Read(make([]byte, 64)); err == nil && n == 4 {
			return true
		}
	}
	return false
}

func works(t testing.TB, a, b *end) {
	t.Helper()
	if !echo(a, b, testnet.Deadline) {
		t.Fatalf("no packet comes through: %+v, %+v", a.status(), b.status())
	}
}

// pid is the process behind a lane, 0: the kernel.
func (e *end) pid() int {
	e.t.Helper()
	if e.kernel {
		return 0
	}
	pid, err := lane.PID(e.dev)
	e.must(err)
	return pid
}
