package probe

import (
	"crypto/rand"
	"encoding/binary"
	"net/netip"
	"slices"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/probe/stamp"
	"github.com/keiro-net/keiro/agent/probe/wire"
)

// tests are the Session-Senders of a node's paths: STAMP to the agents at the
// tails.
type tests struct {
	wire     *wire.Socket
	interval time.Duration // 0: none is sent
	peers    map[string]*testPeer
	addrs    map[netip.Addr]*testPeer // the same, by where answers come from
	queue    []*test
}

// testPeer is a tail.
type testPeer struct {
	nodecfg.Tester
	seal, open *stamp.Sealer
}

// test is the Session-Sender of one path.
type test struct {
	peer   *testPeer
	sender *stamp.Sender
	packet wire.Packet
	back   []netip.Addr
	ssid   uint16
	due    time.Time
}

func newTests() (*tests, error) {
	w, err := wire.Open()
	return &tests{wire: w, peers: map[string]*testPeer{}}, err
}

// set makes the nodes of cfg the ones to measure with.
func (t *tests) set(cfg *nodecfg.Config) {
	t.interval = cfg.Probe.Measure
	old := t.peers
	t.peers = make(map[string]*testPeer, len(cfg.Testers))
	t.addrs = make(map[netip.Addr]*testPeer, len(cfg.Testers))
	for _, n := range cfg.Testers {
		peer := old[n.Node]
		if peer == nil || peer.Locator != n.Locator || string(peer.Key) != string(n.Key) {
			peer = &testPeer{
				Tester: n, seal: stamp.Derive(n.Key, stamp.Tests, cfg.Node, n.Node), open: stamp.Derive(n.Key, stamp.Replies, cfg.Node, n.Node),
			}
		}
		t.peers[n.Node], t.addrs[nodecfg.Loopback(n.Locator)] = peer, peer
	}
}

// keepOrMake is the sender of a path; nil: nobody answers at its tail, or none
// is to be asked.
func (t *tests) keepOrMake(old *test, cfg *nodecfg.Config, path *nodecfg.Path) *test {
	if t.interval <= 0 || len(path.Return) == 0 || len(path.Segments) == 0 || len(path.Hops) == 0 {
		return nil
	}
	peer := t.peers[path.Hops[len(path.Hops)-1]]
	if peer == nil || peer.Locator != path.Tail || len(path.Return) >= stamp.MaxReturn {
		return nil
	}
	back := append(slices.Clone(path.Return), nodecfg.EndDT6(cfg.Locator))
	packet, err := wire.New(wire.Spec{
		Source: nodecfg.Loopback(cfg.Locator), To: nodecfg.Loopback(peer.Locator),
		SIDs: append(slices.Clone(path.Segments), nodecfg.EndDT6(peer.Locator)),
		From: t.wire.Port(), At: stamp.Port, Size: stamp.Size(len(back)),
	})
	if err != nil {
		return nil // too long to be measured; that it cannot be probed is told elsewhere
	}
	if old != nil && old.peer == peer && old.packet.SameWay(packet) && slices.Equal(old.back, back) {
		old.sender.SetBounds(path.MaxDelay, path.MaxLossPPM)
		return old
	}
	var life [8]byte
	rand.Read(life[:]) // never fails: crypto/rand
	return &test{peer: peer, packet: packet, back: back,
		sender: stamp.NewSender(binary.BigEndian.Uint64(life[:]), path.MaxDelay, path.MaxLossPPM)}
}

// begin gives a new sender its session and its time.
func (t *test) begin(ssid uint16, due time.Time) {
	if t == nil {
		return
	}
	if t.ssid = ssid; t.due.IsZero() || due.Before(t.due) {
		t.due = due
	}
}

// heard takes in the answers that came.
func (p *Prober) heard() {
	t := p.tests
	t.wire.Receive(t.wire.UDP(), func(a wire.Arrived) {
		peer := t.addrs[a.From.Addr()]
		if peer == nil {
			p.counters.Refused++
			return
		}
		r, ok := peer.open.OpenReply(a.Data)
		if !ok {
			p.counters.Refused++
			return
		}
		path := p.ssids[r.SSID]
		if path == nil || path.test == nil || path.test.peer != peer ||
			!path.test.sender.Take(&r, stamp.NTPOf(a.At), p.wall.arrival(a.At), p.wall.steps) {
			p.counters.Late++
		}
	})
}

// measure queues the path's test packet if it is due, and says when the next
// one is.
func (p *Prober) measure(path *path, now time.Time) time.Duration {
	t := path.test
	if t == nil {
		return p.interval
	}
	if wait := t.due.Sub(now); wait > 0 {
		return wait
	}
	t.due = t.due.Add(p.tests.interval * (1 + now.Sub(t.due)/p.tests.interval))
	if by := p.exit(path); by != nil {
		wallNow := time.Now()
		next := t.sender.Next(p.wall.of(wallNow), p.wall.steps, path.judge.state == nodecfg.Up)
		next.Sent, next.Clock, next.SSID, next.Return = stamp.NTPOf(wallNow), p.wall.known, t.ssid, t.back
		t.peer.seal.SealTest(t.packet.Payload(), next)
		t.packet.Seal()
		if !p.tests.wire.Queue(t.packet, by) {
			p.tests.flush()
			p.tests.wire.Queue(t.packet, by)
		}
		p.tests.queue = append(p.tests.queue, t)
	}
	return t.due.Sub(now)
}

// flush sends what is queued. What the kernel does not take is no fact about
// the path; if it is one, the probes say so.
func (t *tests) flush() {
	t.wire.Flush(func(i int, err error) {
		if err != nil {
			t.queue[i].sender.Unsent()
		}
	})
	t.queue = t.queue[:0]
}
