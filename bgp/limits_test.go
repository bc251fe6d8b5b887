package bgp

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/keiro-net/keiro/bgp/fsm"
	"github.com/keiro-net/keiro/bgp/internal/peertest"
	"github.com/keiro-net/keiro/bgp/message"
)

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
		if got := b.ended(); got != `Cease/Administrative Shutdown: "this speaker ends"` {
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
