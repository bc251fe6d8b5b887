package keying

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/keys/hybrid"
	"github.com/keiro-net/keiro/keys/hybrid/datagram"
	"github.com/keiro-net/keiro/keys/rotate"
)

// The refusals before a datagram is looked into.
const (
	ErrStranger hybrid.Refusal = "datagram from no peer's address"
	ErrRate     hybrid.Refusal = "too many datagrams of one peer"
	ErrBacklog  hybrid.Refusal = "too many datagrams"
	ErrNotReady hybrid.Refusal = "the state of the pair is not read"
)

const (
	// perSecond is how many datagrams of one peer are looked into, burst how
	// many at once. An exchange of 256 lanes takes 50 at most.
	perSecond = 2000
	burst     = 1000
	// backlog is how many wait for the goroutine that owns the machines.
	backlog    = 1024
	readBuffer = 4 << 20
	// cookieSize is that of a datagram that only carries a cookie: any other
	// is longer (docs/key-epochs.md).
	cookieSize = 36
	// answers is how many cookies one message is sent again for.
	answers = 2
)

type packet struct {
	from netip.AddrPort
	data []byte
}

// bucket bounds the datagrams of one peer. The reader alone has it.
type bucket struct {
	tokens float64
	at     time.Time
}

func (b *bucket) take(now time.Time) bool {
	if !b.at.IsZero() {
		b.tokens = min(burst, b.tokens+now.Sub(b.at).Seconds()*perSecond)
	} else {
		b.tokens = burst
	}
	b.at = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// outside counts what the reader refuses.
type outside struct{ stranger, rate, backlog, received atomic.Uint64 }

func (o *outside) read() map[hybrid.Refusal]uint64 {
	m := map[hybrid.Refusal]uint64{}
	for reason, n := range map[hybrid.Refusal]uint64{
		ErrStranger: o.stranger.Load(), ErrRate: o.rate.Load(), ErrBacklog: o.backlog.Load(),
	} {
		if n > 0 {
			m[reason] = n
		}
	}
	return m
}

// listen binds to an address that the node may not have yet.
func listen(at netip.AddrPort) (*net.UDPConn, error) {
	c := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var err error
		if failed := raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_IP, unix.IP_FREEBIND, 1) }); failed != nil {
			return failed
		}
		return err
	}}
	conn, err := c.ListenPacket(context.Background(), "udp", at.String())
	if err != nil {
		return nil, err
	}
	udp := conn.(*net.UDPConn)
	return udp, udp.SetReadBuffer(readBuffer) // as much of it as the system allows
}

// plain is one form of an address, however the socket gave it.
func plain(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// read takes datagrams off the socket. What is not from a peer's address goes
// no further.
func (k *Keyer) read() {
	buf := make([]byte, datagram.MaxDatagram+1)
	for {
		n, from, err := k.conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // an ICMP error, of which the machines need not know
			time.Sleep(time.Millisecond)
			continue
		}
		from = plain(from)
		b := (*k.guests.Load())[from]
		switch {
		case b == nil:
			k.outside.stranger.Add(1)
			continue
		case !b.take(time.Now()):
			k.outside.rate.Add(1)
			continue
		}
		select {
		case k.in <- packet{from, append([]byte(nil), buf[:n]...)}:
			k.outside.received.Add(1)
		default:
			k.outside.backlog.Add(1)
		}
	}
}

// admit tells the reader whose datagrams are welcome. Who was so before keeps
// its bucket.
func (k *Keyer) admit() {
	before := *k.guests.Load()
	guests := make(map[netip.AddrPort]*bucket, len(k.byAddr))
	for a := range k.byAddr {
		if guests[a] = before[a]; guests[a] == nil {
			guests[a] = &bucket{}
		}
	}
	k.guests.Store(&guests)
}

// question is a message that the peer wants a cookie for, as it does for all
// but the answers to its own.
type question struct {
	id     hybrid.ID
	msg    []byte
	cookie datagram.Cookie
	again  int // sent for a cookie that came back
}

// hear takes in a datagram from a peer's address.
func (k *Keyer) hear(pkt packet) {
	p := k.byAddr[pkt.from]
	if p == nil {
		k.refuse(ErrStranger)
		return
	}
	if p.machine == nil {
		k.refuse(ErrNotReady)
		return
	}
	k.bake(time.Now())
	a, err := k.inbox.Receive(pkt.from, pkt.data, time.Now(), k.cookies, func(id hybrid.ID) bool {
		// The name of an exchange is random and proves that the sender has
		// seen the question; that of a Nudge can be computed by all.
		return id != hybrid.ID{} && (id == p.question.id || id == p.nudge.id && len(pkt.data) == cookieSize)
	})
	if err != nil {
		k.refuse(err)
	}
	switch {
	case a.Answer != nil:
		k.write(p, a.Answer)
	case a.Message != nil:
		k.step(p, rotate.Message{Data: a.Message})
	case a.Cookie != datagram.Cookie{}:
		for _, q := range []*question{&p.question, &p.nudge} {
			if q.id == a.ID && q.cookie != a.Cookie && q.again < answers {
				q.cookie = a.Cookie
				q.again++
				k.put(p, q)
			}
		}
	}
}

// send sends a message of the machine.
func (k *Keyer) send(p *peer, msg []byte) {
	kind, h, err := hybrid.Peek(msg)
	if err != nil {
		k.refuse(err)
		return
	}
	q := &p.question
	switch kind {
	case hybrid.KindReply, hybrid.KindCommit:
		k.put(p, &question{id: h.ID, msg: msg, cookie: datagram.Cookie{}, again: -1})
		return
	case hybrid.KindNudge:
		q = &p.nudge
	}
	if q.id != h.ID {
		*q = question{id: h.ID}
	}
	q.msg, q.again = msg, 0
	k.put(p, q)
}

// put sends a question, of which without a cookie the first part is enough, or
// an answer, which needs none.
func (k *Keyer) put(p *peer, q *question) {
	parts, err := datagram.Split(q.msg, q.cookie)
	if err != nil {
		k.refuse(err)
		return
	}
	if q.cookie == (datagram.Cookie{}) && q.again >= 0 {
		parts = parts[:1]
	}
	for _, d := range parts {
		k.write(p, d)
	}
}

func (k *Keyer) write(p *peer, d []byte) {
	if k.ending {
		return
	}
	if _, err := k.conn.WriteToUDPAddrPort(d, p.Addr); err != nil {
		k.Log.Debug("datagram not sent", "peer", p.Node, "error", err)
		return
	}
	k.counts.Sent++
}

// refuse counts an error by its reason.
func (k *Keyer) refuse(err error) {
	reason := hybrid.Reason(err)
	if reason == "" {
		reason = "other"
	}
	k.counts.Refused[reason]++
}
