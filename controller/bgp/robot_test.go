package bgp

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keiro-net/keiro/controller/bgp/fsm"
	"github.com/keiro-net/keiro/controller/bgp/internal/peertest"
	"github.com/keiro-net/keiro/controller/bgp/ls"
	"github.com/keiro-net/keiro/controller/bgp/message"
)

// robot is a peer that says what a test wants, over a session that it has
// opened like any other. It lives at an address of 127.0.0.0/8.
type robot struct {
	t        testing.TB
	listener net.Listener
	tcp      net.Conn
	r        *bufio.Reader
	mu       sync.Mutex
	heard    []message.Header // without KEEPALIVEs
	said     *message.Notification
	gone     chan struct{} // the connection has ended
	deaf     bool          // it reads nothing
}

// newRobot makes one that is to be dialed, and the configuration for it.
func newRobot(t testing.TB, name, address string, families ...message.Family) (*robot, Peer) {
	l, err := net.Listen("tcp4", address+":0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	at := netip.MustParseAddrPort(l.Addr().String())
	return &robot{t: t, listener: l}, Peer{Name: name, Address: at.Addr(), Port: at.Port(), AS: 65000, Families: families}
}

// greet takes a connection and opens the session.
func (b *robot) greet(o message.Open) {
	b.t.Helper()
	tcp, err := b.listener.Accept()
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { tcp.Close() })
	b.tcp, b.r, b.gone = tcp, bufio.NewReader(tcp), make(chan struct{})
	if o.AS == 0 {
		o.AS = 65000
	}
	o.HoldTime, o.ID, o.FourOctetAS = time.Minute, netip.MustParseAddr("10.0.0.9"), true
	b.write(message.AppendKeepalive(message.AppendOpen(nil, o)))
	if !b.deaf {
		go b.listen(tcp, b.r, b.gone)
	}
}

func (b *robot) listen(tcp net.Conn, r *bufio.Reader, gone chan struct{}) {
	defer close(gone)
	for {
		kind, body, err := readMessage(r, true)
		if err != nil {
			return
		}
		b.mu.Lock()
		switch kind {
		case message.KeepaliveType:
		case message.NotificationType:
			b.said = message.ParseNotification(body)
		default:
			b.heard = append(b.heard, message.Header{Type: kind, Len: len(body)})
		}
		b.mu.Unlock()
	}
}

func (b *robot) write(octets []byte) {
	b.t.Helper()
	if _, err := b.tcp.Write(octets); err != nil {
		b.t.Fatal(err)
	}
}

func (b *robot) update(u message.Update) {
	b.t.Helper()
	octets, err := message.AppendUpdate(nil, u, message.MaxExtended)
	if err != nil {
		b.t.Fatal(err)
	}
	b.write(octets)
}

// ended waits for the end of the session and returns the NOTIFICATION.
func (b *robot) ended() string {
	b.t.Helper()
	select {
	case <-b.gone:
	case <-time.After(peertest.Deadline):
		b.t.Fatal("the session does not end")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.said == nil {
		return ""
	}
	return b.said.Error()
}

// linkState are families for objects of BGP-LS.
func linkState(more ...message.Family) message.Open {
	return message.Open{Capabilities: message.Capabilities{Families: append([]message.Family{message.LinkState}, more...), Extended: true}}
}

func node(router int) ls.Node {
	id, _ := ls.NewIGPRouterID([]byte{0, 0, 0, byte(router >> 16), byte(router >> 8), byte(router)})
	return ls.Node{Origin: ls.Origin{Protocol: ls.ISISLevel2}, Local: ls.NodeDescriptor{AutonomousSystem: ls.Some(uint32(65000)), IGPRouterID: id}}
}

func nlri(t testing.TB, n ls.NLRI) []byte {
	t.Helper()
	octets, err := ls.AppendNLRI(nil, n)
	if err != nil {
		t.Fatal(err)
	}
	return octets
}

// objects is an UPDATE that says that nodes are there, with an attribute as it is sent.
func objects(nlris, attribute []byte) message.Update {
	u := message.Update{
		Reach:      &message.Reach{Family: message.LinkState, NextHop: []byte{127, 0, 0, 1}, NLRI: nlris},
		Attributes: []message.Attribute{message.Origin(), message.ASPath(), message.LocalPref(100)},
	}
	if attribute != nil {
		u.Attributes = append(u.Attributes, message.Attribute{Flags: message.Optional, Type: message.LinkStateType, Value: attribute})
	}
	return u
}

func (c *consumer) counts(peer string, want int) {
	c.t.Helper()
	peertest.Eventually(c.t, fmt.Sprintf("%s has %d objects", peer, want), func() string {
		c.mu.Lock()
		defer c.mu.Unlock()
		if got := len(c.objects[peer]); got != want {
			return fmt.Sprintf("%d; %+v", got, c.state(peer))
		}
		return ""
	})
}

func (c *consumer) faulty(words string) {
	c.t.Helper()
	peertest.Eventually(c.t, "a fault: "+words, func() string {
		c.mu.Lock()
		defer c.mu.Unlock()
		if text := strings.Join(c.faults, "\n"); !strings.Contains(text, words) {
			return text
		}
		return ""
	})
}

// TestMalformed: what is wrong with one object costs that object; what cannot
// be read costs the family or, where there is no other, the session.
func TestMalformed(t *testing.T) {
	b, peer := newRobot(t, "robot", "127.0.0.2", message.LinkState, message.IPv6Unicast)
	c := start(t, Config{}, peer)
	b.greet(linkState(message.IPv6Unicast))
	name := []byte{0x04, 0x02, 0, 4, 't', 'y', 'o', '1'} // TLV 1026
	b.update(objects(append(nlri(t, node(1)), nlri(t, node(2))...), name))
	b.update(objects(nlri(t, node(3)), []byte{0x04, 0x03, 0xff, 0xff, 1})) // TLV 1027 overruns
	unknown := []byte{0, 5, 0, 17, 3, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 4, 0, 0, 0, 9}
	b.update(objects(append(unknown, nlri(t, node(4))...), name)) // a type that nobody knows
	c.counts("robot", 5)
	c.faulty("BGP-LS attribute of a node NLRI: TLV 1027")
	c.mu.Lock()
	for name, o := range c.objects["robot"] {
		a, known := o.Attribute.(*ls.NodeAttribute)
		switch {
		case name.LS == ls.NLRI(node(3)):
			if o.Attribute != nil {
				t.Errorf("what is known of node 3: %v", o.Attribute)
			}
		case name.LS.Type() != ls.NodeType:
			if name.LS.Type() != 5 {
				t.Errorf("type %v", name.LS.Type())
			}
		case !known || a.Name != "tyo1":
			t.Errorf("%v: %v", name.LS, o.Attribute)
		}
	}
	c.mu.Unlock()

	// Treat-as-withdraw: without ORIGIN the object is gone, the session is not.
	u := objects(nlri(t, node(1)), name)
	u.Attributes = u.Attributes[1:]
	b.update(u)
	c.counts("robot", 4)
	c.faulty("path attribute 1 is missing: treat-as-withdraw")

	// NLRIs that cannot be told apart: the family ends, the other goes on.
	b.update(objects([]byte{0, 1, 0xff, 0xff, 1, 2, 3}, name))
	b.update(message.Update{Reach: &message.Reach{Family: message.IPv6Unicast, NextHop: make([]byte, 16), NLRI: []byte{16, 0x20, 1}},
		Attributes: []message.Attribute{message.Origin(), message.ASPath(), message.LocalPref(100)}})
	b.update(objects(nlri(t, node(7)), name))
	c.has("robot", "2001::/16")
	if s := c.is("robot", fsm.Established, ""); len(s.Disabled) != 1 || s.Disabled[0] != message.LinkState || s.Faults != 3 || s.Objects != 1 {
		t.Errorf("%+v", s)
	}

	// What cannot be read at all ends the session.
	b.update(message.Update{Attributes: []message.Attribute{{Flags: 0, Type: 77}}})
	if got := b.ended(); got != "UPDATE Message Error/Unrecognized Well-known Attribute" {
		t.Error(got)
	}
	c.without("robot", "UPDATE Message Error/Unrecognized Well-known Attribute")
	c.counts("robot", 0)
}

func TestOnlyFamilyUnreadable(t *testing.T) {
	b, peer := newRobot(t, "robot", "127.0.0.2", message.LinkState)
	c := start(t, Config{}, peer)
	b.greet(linkState())
	b.update(objects([]byte{0, 1, 0xff, 0xff, 1, 2, 3}, nil))
	if got := b.ended(); got != "UPDATE Message Error/Invalid Network Field" {
		t.Error(got)
	}
	c.without("robot", "the routes of link-state cannot be read")
}

// TestLimits: who goes beyond a limit is told so, named, and idle.
func TestLimits(t *testing.T) {
	for _, tt := range []struct {
		name   string
		limits Limits
		do     func(t *testing.T, b *robot)
		want   string
		reason string
	}{
		{"objects", Limits{Objects: 10}, func(t *testing.T, b *robot) {
			for i := range 11 {
				b.update(objects(nlri(t, node(i)), nil))
			}
		}, "Cease/Maximum Number of Prefixes Reached", "the peer has more than 10 objects"},
		{"updates", Limits{Updates: 100, Burst: 5000}, flood, "Cease/Out of Resources", "the peer floods: more than 100 UPDATEs a second on top of 5000"},
		{"faults", Limits{Faults: 5}, func(t *testing.T, b *robot) {
			for range 6 {
				b.update(objects(nlri(t, node(1)), []byte{0x04, 0x03, 0xff, 0xff, 1}))
			}
		}, "UPDATE Message Error/Optional Attribute Error", "the peer sends rubbish: more than 5 faults an hour"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b, peer := newRobot(t, "robot", "127.0.0.2", message.LinkState)
			peer.Limits = tt.limits
			c := start(t, Config{RestartTime: time.Minute}, peer)
			b.greet(linkState())
			tt.do(t, b)
			if got := b.ended(); got != tt.want {
				t.Errorf("it was told %q, want %q", got, tt.want)
			}
			if s := c.is("robot", fsm.Idle, tt.reason); time.Until(s.IdleUntil) < 50*time.Second {
				t.Errorf("%+v", s)
			}
			c.counts("robot", 0)
		})
	}
}

// flood sends until the connection ends, without a look at what comes back.
func flood(t *testing.T, b *robot) {
	var octets []byte
	for i := range 200 {
		one, err := message.AppendUpdate(nil, objects(nlri(t, node(i)), nil), message.MaxLen)
		if err != nil {
			t.Fatal(err)
		}
		octets = append(octets, one...)
	}
	_ = b.tcp.SetWriteDeadline(time.Now().Add(peertest.Deadline))
	for {
		if _, err := b.tcp.Write(octets); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("nobody has ended the flood")
			}
			return
		}
	}
}

// TestFloodIsNotFelt: beside a peer that floods with all it has, another is
// heard and served as if it were alone.
func TestFloodIsNotFelt(t *testing.T) {
	bad, badPeer := newRobot(t, "bad", "127.0.0.2", message.LinkState)
	good, goodPeer := newRobot(t, "good", "127.0.0.3", message.LinkState, message.IPv4Unicast)
	goodPeer.HoldTime = 3 * time.Second // it would miss its KEEPALIVEs first
	badPeer.Limits = Limits{Updates: 1000, Burst: 200_000}
	c := start(t, Config{}, badPeer, goodPeer)
	good.greet(linkState(message.IPv4Unicast))
	bad.greet(linkState())
	done := make(chan struct{})
	go func() {
		defer close(done)
		flood(t, bad)
	}()
	rounds := 0
	for flooding := true; flooding; rounds++ {
		select {
		case <-done:
			flooding = false
		default:
		}
		good.update(objects(nlri(t, node(rounds)), nil))
		good.write(message.AppendKeepalive(nil))
		c.counts("good", rounds+1)
		c.announce("good", fmt.Sprintf("10.%d.%d.0/24", rounds>>8&255, rounds&255))
	}
	if got := bad.ended(); got != "Cease/Out of Resources" {
		t.Error(got)
	}
	c.is("bad", fsm.Idle, "the peer floods")
	if s := c.state("good"); s.State != fsm.Established || s.Flaps != 0 {
		t.Errorf("%+v", s)
	}
	peertest.Eventually(t, "the good one was told all", func() string {
		if s := c.state("good"); s.Pending > 0 {
			return fmt.Sprintf("%+v", s)
		}
		return ""
	})
	t.Logf("%d UPDATEs of the good peer came through during the flood of %d", rounds, c.state("bad").Updates)
}

// TestDeaf: a peer that takes nothing loses its session (RFC 9687), and is not
// waited for.
func TestDeaf(t *testing.T) {
	b, peer := newRobot(t, "deaf", "127.0.0.2", message.IPv4Unicast)
	b.deaf = true
	c := start(t, Config{sendHold: 300 * time.Millisecond}, peer)
	b.greet(message.Open{Capabilities: message.Capabilities{Families: []message.Family{message.IPv4Unicast}}})
	c.is("deaf", fsm.Established, "")
	for i := 0; c.state("deaf").State == fsm.Established; i++ { // each with attributes of its own
		c.announce("deaf", fmt.Sprintf("10.%d.%d.0/24", i>>8&255, i&255),
			message.Attribute{Flags: message.Optional | message.Transitive, Type: 200, Value: fmt.Appendf(make([]byte, 3000), "%d", i)})
	}
	s := c.without("deaf", "send hold timer expired: the peer has taken nothing for 300ms (RFC 9687)")
	if s.Flaps != 1 {
		t.Errorf("%+v", s)
	}
}

// TestSilent: a peer that says nothing loses its session.
func TestSilent(t *testing.T) {
	b, peer := newRobot(t, "silent", "127.0.0.2", message.LinkState)
	peer.HoldTime = 3 * time.Second
	c := start(t, Config{}, peer)
	b.greet(linkState())
	b.update(objects(nlri(t, node(1)), nil))
	c.counts("silent", 1)
	if got := b.ended(); got != "Hold Timer Expired" {
		t.Error(got)
	}
	c.without("silent", "hold timer expired: nothing was heard for 3s")
	c.counts("silent", 0)
}

// TestNothingIsLeft: after Close there is no goroutine more than before.
func TestNothingIsLeft(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Run("sessions", func(t *testing.T) {
		b, peer := newRobot(t, "robot", "127.0.0.2", message.LinkState)
		stuck, stuckPeer := newRobot(t, "stuck", "127.0.0.3", message.LinkState)
		nobody := Peer{Name: "nobody", Address: netip.MustParseAddr("127.0.0.4"), Port: 1, AS: 65000, Families: []message.Family{message.LinkState}}
		c := start(t, Config{Listen: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")}}, peer, stuckPeer, nobody)
		b.greet(linkState())
		stuck.greet(linkState())
		b.update(objects(nlri(t, node(1)), nil))
		c.counts("robot", 1)
		c.without("nobody", "connection refused")
		if _, err := net.Dial("tcp4", c.speaker.listeners[0].Addr().String()); err != nil {
			t.Fatal(err)
		}
		c.speaker.Close()
		if got := b.ended(); got != `Cease/Administrative Shutdown: "the controller ends"` {
			t.Error(got)
		}
		if err := c.speaker.SetPeers(nil); !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
	})
	peertest.Eventually(t, "all goroutines have ended", func() string {
		if n := runtime.NumGoroutine(); n > before {
			buf := make([]byte, 1<<20)
			return fmt.Sprintf("%d, before %d\n%s", n, before, buf[:runtime.Stack(buf, true)])
		}
		return ""
	})
}
