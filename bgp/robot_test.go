package bgp

import (
	"bufio"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keiro-net/keiro/bgp/internal/peertest"
	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/message"
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
