package fsm

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// duo is two machines and what is on the wire between them.
type duo struct {
	t     *rapid.T
	side  [2]*watch
	now   time.Time
	wire  []packet // in the order of sending
	conns Conn
}

// packet is an event that will happen to a side.
type packet struct {
	to    int
	at    time.Time
	conn  Conn
	event Event
}

const latency = 50 * time.Millisecond // at most, one way

// send puts an event on the wire. What is sent on one connection arrives in
// its order.
func (d *duo) send(to int, conn Conn, e Event) {
	at := d.now.Add(time.Duration(rapid.Int64Range(1, int64(latency)).Draw(d.t, "latency")))
	for _, p := range d.wire {
		if p.to == to && p.conn == conn && conn != 0 && p.at.After(at) {
			at = p.at
		}
	}
	d.wire = append(d.wire, packet{to, at, conn, e})
}

func (d *duo) step(i int, e Event) {
	w := d.side[i]
	w.now = d.now
	effects, err := w.step(e)
	if err != nil {
		d.t.Fatalf("side %d: %v", i, err)
	}
	for _, effect := range effects {
		switch x := effect.(type) {
		case Dial: // the connection exists for both once it has arrived
			d.conns++
			d.send(1-i, d.conns, Accepted{d.conns})
			d.send(i, 0, Dialed{x.Attempt, d.conns})
		case CancelDial:
		case SendOpen:
			d.send(1-i, x.Conn, Opened(x))
		case SendKeepalive:
			d.send(1-i, x.Conn, Received{x.Conn, 4})
		case Close:
			if x.Notification != nil {
				d.send(1-i, x.Conn, Notified(x))
			}
			d.send(1-i, x.Conn, Lost{x.Conn, "closed by the peer"})
		}
	}
}

// run lets things happen for a while.
func (d *duo) run(length time.Duration) {
	for until := d.now.Add(length); ; {
		next, what := until.Add(1), -1
		for i, p := range d.wire {
			if p.at.Before(next) {
				next, what = p.at, i
			}
		}
		tick := -1
		for i, w := range d.side {
			if wake := w.m.Wake(); !wake.IsZero() && wake.Before(next) {
				next, tick = wake, i
			}
		}
		if next.After(until) {
			d.now = until
			return
		}
		d.now = next
		if tick >= 0 {
			d.step(tick, Tick{})
			continue
		}
		p := d.wire[what]
		d.wire = slices.Delete(d.wire, what, what+1)
		if _, dialed := p.event.(Dialed); dialed || slices.Contains(d.side[p.to].open, p.conn) || isAccepted(p.event) {
			d.step(p.to, p.event)
		}
	}
}

func isAccepted(e Event) bool { _, ok := e.(Accepted); return ok }

// TestTwoAgree: whatever connections both sides open at once, and whatever is
// lost before, in the end both have one session, and it is the same.
func TestTwoAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := &duo{t: t, now: midnight}
		graceful := rapid.Bool().Draw(t, "graceful")
		jitter := rapid.Float64Range(0, 0.999)
		for i := range d.side {
			cfg := testConfig()
			cfg.LocalAS, cfg.PeerAS = 65000, 65000
			cfg.ID = netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)})
			if !graceful {
				cfg.RestartTime = 0
			}
			cfg.Jitter = func() float64 { return jitter.Draw(t, "jitter") }
			d.side[i] = newWatch(cfg)
		}
		order := rapid.IntRange(0, 1).Draw(t, "first")
		d.step(order, Start{})
		d.run(time.Duration(rapid.Int64Range(0, int64(3*latency)).Draw(t, "head start")))
		d.step(1-order, Start{})
		for range rapid.IntRange(0, 4).Draw(t, "failures") {
			d.run(time.Duration(rapid.Int64Range(0, int64(40*time.Second)).Draw(t, "until the failure")))
			for _, i := range []int{0, 1} { // the connections break for both
				for _, c := range slices.Clone(d.side[i].open) {
					if slices.Contains(d.side[i].open, c) {
						d.step(i, Lost{c, "broken"})
					}
				}
			}
		}
		d.run(2 * time.Minute)
		if a, b := d.side[0].up, d.side[1].up; a == 0 || a != b {
			t.Fatalf("sessions on %d and %d, states %v and %v", a, b, d.side[0].m.View(), d.side[1].m.View())
		}
	})
}
