package bgp

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keiro-net/keiro/bgp/fsm"
	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/bgp/rib"
	"github.com/keiro-net/keiro/bgp/transport"
)

// arrivalsAhead is how many messages of a peer wait to be parsed before TCP
// makes it wait.
const arrivalsAhead = 64

// peer holds the sessions with one router. All that is not said to be shared
// belongs to the goroutine of run.
type peer struct {
	was     Peer // as it was given
	cfg     Peer // the same, with default limits
	speaker *Speaker
	machine *fsm.Machine
	conns   map[fsm.Conn]*conn
	serial  fsm.Conn
	cancel  context.CancelFunc // of the dial that is under way
	session *session           // nil: there is none
	pace    *bucket            // of UPDATEs
	faulty  *bucket            // of faults

	// Shared.
	in       *rib.In
	out      *rib.Out
	arrivals chan arrival
	dialed   chan dialed
	accepted chan net.Conn
	stop     chan fsm.Stop // at most one
	stopped  chan struct{} // closed when run has ended
	under    sync.WaitGroup
	counts   counts
	mu       sync.Mutex
	state    State
}

// session is the established one.
type session struct {
	fsm.Session
	conn     *conn
	disabled map[message.Family]bool // AFI/SAFI disable
}

type dialed struct {
	attempt uint64
	tcp     net.Conn
	err     error
}

type counts struct{ updates, withdrawn, faults, ignored, flaps atomic.Uint64 }

func newPeer(s *Speaker, cfg Peer, now time.Time) *peer {
	p := &peer{
		was: cfg, cfg: cfg, speaker: s, conns: map[fsm.Conn]*conn{}, out: rib.NewOut(),
		arrivals: make(chan arrival, arrivalsAhead), dialed: make(chan dialed), accepted: make(chan net.Conn, 1),
		stop: make(chan fsm.Stop, 1), stopped: make(chan struct{}),
	}
	p.cfg.Limits = cfg.Limits.orDefault()
	p.in = rib.NewIn(cfg.Name, func() { s.news(p.in) })
	times := fsm.DefaultTimes
	if s.cfg.Times != nil {
		times = *s.cfg.Times
	}
	p.machine = fsm.New(now, fsm.Config{
		LocalAS: s.cfg.AS, PeerAS: cfg.AS, ID: s.cfg.ID, Families: cfg.Families, HoldTime: cfg.holdTime(), Passive: cfg.Passive,
		RestartTime: s.cfg.RestartTime, Restarting: s.cfg.Restarting, Times: times, Jitter: rand.Float64,
	})
	p.publish()
	return p
}

// run is the peer's goroutine.
func (p *peer) run() {
	defer close(p.stopped)
	p.step(fsm.Start{})
	p.publish()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		timer.Stop()
		if wake := p.machine.Wake(); !wake.IsZero() {
			timer.Reset(time.Until(wake))
		}
		select {
		case a := <-p.arrivals:
			p.arrived(a)
		case d := <-p.dialed:
			p.onDialed(d)
		case tcp := <-p.accepted:
			p.onAccepted(tcp)
		case <-timer.C:
			// What has come was heard in time, however late this goroutine is.
			for range len(p.arrivals) {
				p.arrived(<-p.arrivals)
			}
			p.step(fsm.Tick{})
		case e := <-p.stop:
			p.step(e)
			p.drain()
			p.publish()
			return
		}
		p.publish()
	}
}

// drain waits until no goroutine of the peer is left.
func (p *peer) drain() {
	done := make(chan struct{})
	go func() {
		p.under.Wait()
		close(done)
	}()
	for {
		select {
		case d := <-p.dialed:
			if d.tcp != nil {
				d.tcp.Close()
			}
		case tcp := <-p.accepted:
			tcp.Close()
		case <-p.arrivals:
		case <-done:
			return
		}
	}
}

// step lets the machine decide, and does what it says.
func (p *peer) step(e fsm.Event) {
	for _, effect := range p.machine.Step(time.Now(), e) {
		p.do(effect)
	}
}

func (p *peer) do(effect fsm.Effect) {
	log := p.speaker.cfg.Log.With("peer", p.cfg.Name)
	switch x := effect.(type) {
	case fsm.Dial:
		p.dial(x.Attempt)
	case fsm.CancelDial:
		p.cancel()
	case fsm.SendOpen:
		p.conns[x.Conn].send(message.AppendOpen(nil, x.Open))
	case fsm.SendKeepalive:
		p.conns[x.Conn].keepalive()
	case fsm.Close:
		c := p.conns[x.Conn]
		delete(p.conns, x.Conn)
		c.finish(x.Notification)
	case fsm.Up:
		c := p.conns[x.Session.Conn]
		p.session = &session{Session: x.Session, conn: c, disabled: map[message.Family]bool{}}
		now := time.Now()
		p.pace = newBucket(now, float64(p.cfg.Limits.Updates), float64(p.cfg.Limits.Burst))
		if p.faulty == nil { // a new session does not forgive the faults of the last
			p.faulty = newBucket(now, float64(p.cfg.Limits.Faults)/3600, float64(p.cfg.Limits.Faults))
		}
		p.in.Up(rib.Up{At: now, Families: slices.Clone(x.Session.Families), ID: x.Session.Peer.ID, AS: p.cfg.AS})
		out := &rib.Session{Families: x.Session.Families, Extended: x.Session.Extended, Internal: x.Session.Internal,
			ExtendedNextHop: x.Session.ExtendedNextHop, Local: c.local().Addr(), LocalAS: p.speaker.cfg.AS, Wake: c.wake}
		p.out.Begin(out)
		c.updates(out)
		log.Info("bgp session up", "families", x.Session.Families, "hold_time", x.Session.HoldTime)
	case fsm.Down:
		p.session = nil
		p.counts.flaps.Add(1)
		p.out.End()
		p.in.Down(rib.Down{At: time.Now(), Reason: x.Reason, Stale: x.Stale, Until: x.Until})
		log.Warn("bgp session down", "reason", x.Reason, "stale", x.Stale)
	case fsm.Flush:
		p.in.Flush(x.Families)
		log.Info("bgp stale routes end", "families", x.Families, "reason", x.Reason)
	}
}

func (p *peer) dial(attempt uint64) {
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	p.under.Go(func() {
		defer cancel()
		d := dialed{attempt: attempt}
		d.err = p.speaker.sockets(func() (err error) {
			d.tcp, err = transport.Dial(ctx, p.cfg.LocalAddress, p.cfg.remote(), p.cfg.security())
			return err
		})
		p.dialed <- d
	})
}

// connected makes a connection of a socket.
func (p *peer) connected(tcp net.Conn) fsm.Conn {
	p.serial++
	p.under.Add(1)
	p.conns[p.serial] = newConn(p.serial, tcp, p.out, p.speaker.cfg.sendHold, p.arrivals, p.under.Done)
	return p.serial
}

func (p *peer) onDialed(d dialed) {
	if d.err != nil {
		p.step(fsm.DialFailed{Attempt: d.attempt, Reason: "cannot connect: " + d.err.Error()})
		return
	}
	p.step(fsm.Dialed{Attempt: d.attempt, Conn: p.connected(d.tcp)})
}

func (p *peer) onAccepted(tcp net.Conn) {
	if err := transport.Confine(tcp, p.cfg.Address, p.cfg.security()); err != nil {
		p.speaker.cfg.Log.Error("bgp connection refused: its TTL cannot be secured", "peer", p.cfg.Name, "error", err)
		tcp.Close()
		return
	}
	p.step(fsm.Accepted{Conn: p.connected(tcp)})
}

// arrived takes in a message. The machine knows the connections that count.
func (p *peer) arrived(a arrival) {
	c := a.conn
	var wrong *message.Notification
	switch {
	case errors.As(a.err, &wrong):
		p.step(fsm.Malformed{Conn: c.id, Notification: wrong})
	case a.err != nil:
		p.step(fsm.Lost{Conn: c.id, Reason: c.lost(a.err)})
	case a.kind == message.OpenType:
		o, err := message.ParseOpen(a.body)
		if errors.As(err, &wrong) {
			p.step(fsm.Malformed{Conn: c.id, Notification: wrong})
			return
		}
		c.extended.Store(o.Extended) // before the KEEPALIVE that allows UPDATEs
		p.step(fsm.Opened{Conn: c.id, Open: o})
	case a.kind == message.NotificationType:
		p.step(fsm.Notified{Conn: c.id, Notification: message.ParseNotification(a.body)})
	default:
		p.step(fsm.Received{Conn: c.id, Type: a.kind})
		if p.session != nil && p.session.conn == c {
			p.took(a)
		}
	}
}

// took takes in a message of the established session.
func (p *peer) took(a arrival) {
	switch a.kind {
	case message.UpdateType:
		if !p.pace.take(time.Now(), float64(1+len(a.body)/message.MaxLen)) {
			p.expel(message.NewCease(message.OutOfResources, ""),
				fmt.Sprintf("the peer floods: more than %d UPDATEs a second on top of %d", p.cfg.Limits.Updates, p.cfg.Limits.Burst))
			return
		}
		p.update(a.body)
	case message.RouteRefreshType:
		r, err := message.ParseRouteRefresh(a.body)
		if err == nil && r.Subtype == 0 {
			p.out.Refresh(r.Family)
		}
	}
}

// expel ends the session of a peer that goes beyond its limits.
func (p *peer) expel(n *message.Notification, reason string) {
	p.speaker.cfg.Log.Error("bgp peer cut off", "peer", p.cfg.Name, "reason", reason)
	p.step(fsm.Expelled{Conn: p.session.Conn, Notification: n, Reason: reason})
}

// remove ends the peer for good, and waits until nothing is left of it.
func (p *peer) remove(e fsm.Stop) {
	p.stop <- e
	<-p.stopped
	p.in.Remove()
}

// leave closes a connection that was handed over too late.
func (p *peer) leave() {
	select {
	case tcp := <-p.accepted:
		tcp.Close()
	default:
	}
}

// reached is the local end of the session, or invalid.
func (p *peer) reached() netip.AddrPort {
	if p.session == nil {
		return netip.AddrPort{}
	}
	return p.session.conn.local()
}
