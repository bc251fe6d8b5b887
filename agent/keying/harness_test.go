package keying

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/internal/testlane"
	"github.com/keiro-net/keiro/agent/internal/testnet"
	"github.com/keiro-net/keiro/agent/lane"
	"github.com/keiro-net/keiro/keys/hybrid"
	"github.com/keiro-net/keiro/keys/hybrid/kem"
	"github.com/keiro-net/keiro/keys/rotate"
	"github.com/keiro-net/keiro/keys/secret"
)

func TestMain(m *testing.M) { testlane.Main(m) }

const (
	keyPort  = 16384
	lanePort = 20000
)

// testParams rotate only when they are told to, and do not wait long.
func testParams() rotate.Params {
	p := rotate.Every(rotate.DefaultInterval)
	p.Interval, p.Jitter = time.Hour, 0
	p.Resend, p.Backoff, p.MaxWait = 100*time.Millisecond, 100*time.Millisecond, time.Second
	p.MaxAge, p.ProofMargin = 3*time.Hour, 100*time.Millisecond
	return p
}

// node is one machine: a namespace at the switch, with a Keyer.
type node struct {
	*testnet.Namespace
	t        testing.TB
	name     string
	addr     netip.Addr // underlay
	id       *hybrid.Identity
	private  secret.Key
	public   lane.PublicKey
	helpers  *lane.Helpers
	kernel   bool // its lanes are the kernel's
	dir      string
	params   rotate.Params
	quantum  Quantum
	log      *logs
	broken   atomic.Pointer[error] // what devices answer instead of taking a key
	mute     atomic.Int64          // how many more times devices do not say their status
	silenced atomic.Int64          // when Silence was over, in Unix nanoseconds

	keyer *Keyer
	stop  func()
}

// logs keeps what was logged, for tests that look for what must not be there.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
	t  testing.TB
}

func (l *logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// lan is a switch with nodes.
type lan struct {
	*testnet.Namespace
	t     testing.TB
	nodes []*node
}

func newLAN(t testing.TB, names ...string) *lan {
	t.Helper()
	sw := &lan{Namespace: testnet.New(t), t: t}
	must(t, sw.Netlink().LinkAdd(&netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "sw"}}))
	sw.Up("sw")
	for i, name := range names {
		n := &node{Namespace: testnet.New(t), t: t, name: name, dir: t.TempDir(), params: testParams(), log: &logs{t: t}}
		n.addr = netip.MustParseAddr(fmt.Sprintf("fd00::%x", i+1))
		n.private = random(t)
		k, err := ecdh.X25519().NewPrivateKey(n.private.Bytes())
		must(t, err)
		n.public = lane.PublicKey(k.PublicKey().Bytes())
		n.id, err = hybrid.Generate(rand.Reader)
		must(t, err)
		n.helpers = testlane.Helpers(t)
		port := fmt.Sprintf("p%d", i)
		testnet.Cable(n.Namespace, "eth1", sw.Namespace, port)
		must(t, sw.Netlink().LinkSetMaster(sw.Link(port), sw.Link("sw")))
		must(t, n.address("eth1", netip.PrefixFrom(n.addr, 64)))
		sw.nodes = append(sw.nodes, n)
	}
	return sw
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func random(t testing.TB) secret.Key {
	t.Helper()
	k, err := secret.Random(rand.Reader)
	must(t, err)
	return k
}

func (n *node) address(dev string, p netip.Prefix) error {
	link, err := n.Netlink().LinkByName(dev)
	if err != nil {
		return err
	}
	return n.Netlink().AddrReplace(link, &netlink.Addr{
		IPNet: &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}, Flags: unix.IFA_F_NODAD,
	})
}

func (n *node) keyAddr() netip.AddrPort { return netip.AddrPortFrom(n.addr, keyPort) }

// inner is the node's address in a lane.
func (n *node) inner(id int) netip.Addr {
	last := n.addr.As16()[15]
	return netip.MustParseAddr(fmt.Sprintf("fd01:%x::%x", id, last))
}

// Open is of Devices: it starts the helper in the node's namespace, and gives
// the interface its address, as the agent does.
func (n *node) Open(name string, mtu int) (lane.Device, error) {
	var d lane.Device
	var err error
	n.Do(func() error {
		d, err = n.device(name, mtu)
		return nil
	})
	if err != nil {
		return nil, err
	}
	link, err := n.Netlink().LinkByName(name)
	if err == nil {
		err = n.Netlink().LinkSetUp(link)
	}
	var id int
	if err == nil {
		_, err = fmt.Sscanf(name, "kr-w%d", &id)
	}
	if err == nil {
		err = n.address(name, netip.PrefixFrom(n.inner(id), 64))
	}
	return &fragile{d, n}, err
}

// Find is of Devices.
func (n *node) Find(name string) (lane.Device, error) {
	var d lane.Device
	var err error
	n.Do(func() error {
		if n.kernel {
			d, err = lane.FindKernel(name)
		} else {
			d, err = n.helpers.Find(name)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &fragile{d, n}, nil
}

// device is called in the node's namespace.
func (n *node) device(name string, mtu int) (lane.Device, error) {
	if n.kernel {
		return lane.OpenKernel(name, mtu)
	}
	return n.helpers.Open(name, mtu)
}

// fragile is a Device that fails when the test says so.
type fragile struct {
	lane.Device
	n *node
}

func (f *fragile) Set(c lane.Config) error {
	if err := f.n.broken.Load(); err != nil {
		return *err
	}
	return f.Device.Set(c)
}

func (f *fragile) SetPreshared(p lane.PublicKey, k secret.Key) error {
	if err := f.n.broken.Load(); err != nil {
		return *err
	}
	return f.Device.SetPreshared(p, k)
}

func (f *fragile) Status() (lane.Status, error) {
	if f.n.mute.Add(-1) >= 0 {
		return lane.Status{}, errors.New("injected")
	}
	return f.Device.Status()
}

func (f *fragile) Silence() error {
	if err := f.n.broken.Load(); err != nil {
		return *err
	}
	err := f.Device.Silence()
	f.n.silenced.Store(time.Now().UnixNano())
	return err
}

// start runs a Keyer, as an agent that begins.
func (n *node) start() {
	n.t.Helper()
	var err error
	n.Do(func() error {
		n.keyer, err = New(Options{
			Node: n.name, Identity: n.id, Dir: n.dir, Listen: n.keyAddr(), Suite: kem.XWing, Params: n.params,
			Devices: n, Quantum: n.quantum, Log: slog.New(slog.NewTextHandler(n.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		})
		return nil
	})
	must(n.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	k := n.keyer
	go func() {
		defer close(ended)
		_ = k.Run(ctx)
	}()
	n.stop = sync.OnceFunc(func() {
		cancel()
		<-ended
	})
	n.t.Cleanup(func() {
		n.stop()
		if n.t.Failed() {
			n.t.Logf("%s: %+v\n%s", n.name, n.keyer.Counters(), n.log)
			n.log.mu.Lock()
			n.log.b.Reset()
			n.log.mu.Unlock()
		}
	})
}

// peer is how others know the node.
func (n *node) peer() Peer { return Peer{Node: n.name, Public: n.id.Public(), Addr: n.keyAddr()} }

// lane is the n's end of the lane with this number.
func (n *node) lane(far *node, id int, level rotate.Level) Lane {
	return Lane{
		ID: rotate.Lane{Intent: "gold", Index: id}, Peer: far.name, Level: level, Interface: fmt.Sprintf("kr-w%d", id), MTU: 1380,
		Config: lane.Config{Private: n.private, Port: uint16(lanePort + id), Peer: lane.Peer{
			Public: far.public, Endpoint: netip.AddrPortFrom(far.addr, uint16(lanePort+id)), Keepalive: time.Second,
		}},
	}
}

func (n *node) set(peers []*node, lanes ...Lane) {
	n.t.Helper()
	var all []Peer
	for _, p := range peers {
		all = append(all, p.peer())
	}
	must(n.t, n.keyer.Set(all, lanes))
}

// pair is two nodes with lanes 1 to lanes between them, keyed.
func newPair(t testing.TB, lanes int) (w *lan, a, b *node) {
	t.Helper()
	w = newLAN(t, "aki", "bea")
	a, b = w.nodes[0], w.nodes[1]
	a.start()
	b.start()
	a.join(b, lanes)
	b.join(a, lanes)
	if lanes > 0 {
		keyed(t, 1, a, b)
	}
	return w, a, b
}

// join gives a node its end of lanes 1 to lanes.
func (n *node) join(far *node, lanes int) {
	n.t.Helper()
	var all []Lane
	for id := 1; id <= lanes; id++ {
		all = append(all, n.lane(far, id, rotate.PQ))
	}
	n.set([]*node{far}, all...)
}

// keyed waits until all lanes have a key of at least an epoch, the same at both
// ends.
func keyed(t testing.TB, epoch uint64, nodes ...*node) {
	t.Helper()
	eventually(t, fmt.Sprintf("keys of epoch %d", epoch), func() bool {
		last := uint64(0)
		for _, n := range nodes {
			lanes := n.keyer.Lanes()
			if len(lanes) == 0 || slices.ContainsFunc(lanes, func(l LaneState) bool { return l.Phase != Open || l.Epoch < epoch }) {
				return false
			}
			if last != 0 && lanes[0].Epoch != last {
				return false
			}
			last = lanes[0].Epoch
		}
		return true
	})
}

// patience is how long a test waits: the machine may be busy.
const patience = 2 * time.Minute

func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("never: %s", what)
}

// marker is in every packet of a stream.
const marker = "KEIRO-INNER-PACKET"

// works waits for a packet through a lane and back.
func works(t testing.TB, a, b *node, id int) {
	t.Helper()
	eventually(t, fmt.Sprintf("a packet through lane %d", id), func() bool { return passes(t, a, b, id) })
}

// passes says whether one packet comes through.
func passes(t testing.TB, a, b *node, id int) bool {
	t.Helper()
	// Any port: a child that is being started may hold one that we have closed.
	far := b.UDP(netip.AddrPortFrom(b.inner(id), 0))
	defer far.Close()
	at := far.LocalAddr().(*net.UDPAddr).AddrPort()
	near := a.UDP(netip.AddrPortFrom(a.inner(id), 0))
	defer near.Close()
	_, _ = near.WriteToUDPAddrPort([]byte(marker), at)
	must(t, far.SetReadDeadline(time.Now().Add(100*time.Millisecond)))
	n, _ := far.Read(make([]byte, 64))
	return n == len(marker)
}

// alarms are the names of those that fire.
func (n *node) alarms() string {
	var names []string
	for _, a := range n.keyer.Alarms() {
		names = append(names, a.Name)
	}
	return strings.Join(names, " ")
}
