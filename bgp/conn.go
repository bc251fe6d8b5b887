package bgp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keiro-net/keiro/bgp/fsm"
	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/bgp/rib"
)

const (
	// defaultSendHold is how long a peer may take nothing from TCP (RFC 9687, where
	// it is 8 minutes): nothing that it says is worth what it misses.
	defaultSendHold = 2 * time.Minute
	// farewell is how long a NOTIFICATION may take, and how long what the peer
	// still sends is thrown away so that it gets to read it.
	farewell = time.Second
	// burst is how many octets of UPDATEs are written at once.
	burst = 128 << 10
)

// arrival is a message that came, or the end of a connection.
type arrival struct {
	conn *conn
	kind message.Type
	body []byte
	err  error // *message.Notification: what came was none
}

// conn is a TCP connection with a peer: a goroutine that reads, and one that
// writes.
type conn struct {
	id       fsm.Conn
	tcp      net.Conn
	out      *rib.Out
	sendHold time.Duration
	extended atomic.Bool // longer messages may come
	arrivals chan<- arrival
	unwanted chan struct{} // closed: nothing that comes counts any more
	wake     chan struct{}

	mu      sync.Mutex
	control [][]byte // before all UPDATEs
	session *rib.Session
	ended   bool
}

// newConn starts the two goroutines; done is called when both are gone and the
// connection is closed.
func newConn(id fsm.Conn, tcp net.Conn, out *rib.Out, sendHold time.Duration, arrivals chan<- arrival, done func()) *conn {
	c := &conn{id: id, tcp: tcp, out: out, sendHold: sendHold, arrivals: arrivals, unwanted: make(chan struct{}), wake: make(chan struct{}, 1)}
	var both sync.WaitGroup
	both.Go(c.read)
	both.Go(c.write)
	go func() {
		defer done()
		both.Wait()
		tcp.Close()
	}()
	return c
}

func (c *conn) local() netip.AddrPort {
	a, _ := netip.ParseAddrPort(c.tcp.LocalAddr().String())
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// read hands on what comes until the end of the connection.
func (c *conn) read() {
	r := bufio.NewReaderSize(c.tcp, 64<<10)
	for {
		a := arrival{conn: c}
		a.kind, a.body, a.err = readMessage(r, c.extended.Load())
		select {
		case c.arrivals <- a:
		case <-c.unwanted:
			// Closing now would reset the connection while the NOTIFICATION is under
			// way: the peer would not read it.
			_ = c.tcp.SetReadDeadline(time.Now().Add(farewell))
			_, _ = io.Copy(io.Discard, r)
			return
		}
		if a.err != nil {
			var wrong *message.Notification
			if !errors.As(a.err, &wrong) {
				return
			}
			<-c.unwanted
		}
	}
}

func readMessage(r io.Reader, extended bool) (message.Type, []byte, error) {
	var head [message.HeaderLen]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	h, err := message.ParseHeader(head[:], extended)
	if err != nil {
		return h.Type, nil, err
	}
	body := make([]byte, h.Len-message.HeaderLen)
	_, err = io.ReadFull(r, body)
	return h.Type, body, err
}

// lost is the end of a connection in words.
func (c *conn) lost(err error) string {
	switch {
	case errors.Is(err, io.EOF):
		return "the peer closed the connection"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "the peer closed the connection in the middle of a message"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Sprintf("send hold timer expired: the peer has taken nothing for %s (RFC 9687)", c.sendHold)
	}
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	return "the connection failed: " + err.Error()
}

// send writes a message before all UPDATEs that have not begun.
func (c *conn) send(b []byte) {
	c.mu.Lock()
	if !c.ended {
		c.control = append(c.control, b)
	}
	c.mu.Unlock()
	c.poke()
}

// keepalive sends a KEEPALIVE, unless there is one that the peer does not take.
func (c *conn) keepalive() {
	c.mu.Lock()
	waiting := len(c.control) > 4
	c.mu.Unlock()
	if !waiting {
		c.send(message.AppendKeepalive(nil))
	}
}

// updates lets the writer send UPDATEs from now on.
func (c *conn) updates(s *rib.Session) {
	c.mu.Lock()
	c.session = s
	c.mu.Unlock()
	c.poke()
}

// finish closes the connection, with a NOTIFICATION if there is one.
func (c *conn) finish(n *message.Notification) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return
	}
	c.ended, c.session, c.control = true, nil, nil
	close(c.unwanted)
	if n == nil {
		c.tcp.Close()
	} else {
		c.control = [][]byte{message.AppendNotification(nil, n)}
		_ = c.tcp.SetWriteDeadline(time.Now().Add(farewell))
		_ = c.tcp.SetReadDeadline(time.Now().Add(farewell))
	}
	c.poke()
}

func (c *conn) poke() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// write sends what there is to send until the end of the connection.
func (c *conn) write() {
	defer func() {
		if tcp, ok := c.tcp.(*net.TCPConn); ok {
			_ = tcp.CloseWrite() // what was written arrives before the end does
		}
	}()
	buf := make([]byte, 0, burst)
	for {
		b, session, ended := c.next()
		if b == nil && session != nil {
			b = c.out.Fill(session, buf[:0], burst)
		}
		if len(b) > 0 {
			if _, err := c.tcp.Write(b); err != nil {
				select {
				case c.arrivals <- arrival{conn: c, err: err}:
				case <-c.unwanted:
				}
				return
			}
			continue
		}
		if ended {
			return
		}
		<-c.wake
	}
}

// next takes what is to be written first.
func (c *conn) next() (b []byte, session *rib.Session, ended bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range c.control {
		b = append(b, one...)
	}
	c.control = nil
	if !c.ended {
		_ = c.tcp.SetWriteDeadline(time.Now().Add(c.sendHold))
	}
	return b, c.session, c.ended
}
