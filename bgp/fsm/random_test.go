package fsm

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/bgp/message"
)

// watch is what must hold of a machine, whatever happens to it.
type watch struct {
	m         *Machine
	now       time.Time
	open      []Conn // connections that the machine has been given and has not closed
	up        Conn   // of the session, 0 for none
	hold      time.Duration
	heard     time.Time // last on up
	said      time.Time // last KEEPALIVE on up
	confirmed map[Conn]bool
	stale     []message.Family
	staleTill time.Time
	dials     map[uint64]bool // without an answer
}

func newWatch(cfg Config) *watch {
	return &watch{m: New(midnight, cfg), now: midnight, confirmed: map[Conn]bool{}, dials: map[uint64]bool{}}
}

// step feeds an event and returns the effects, or what is wrong with them.
func (w *watch) step(e Event) ([]Effect, error) {
	switch e := e.(type) {
	case Dialed:
		w.open = append(w.open, e.Conn)
		delete(w.dials, e.Attempt)
	case DialFailed:
		delete(w.dials, e.Attempt)
	case Accepted:
		w.open = append(w.open, e.Conn)
	case Opened:
		w.confirmed[e.Conn] = true
	case Received:
		if e.Conn == w.up {
			w.heard = w.now
		}
	}
	effects := w.m.Step(w.now, e)
	for _, effect := range effects {
		if err := w.look(effect); err != nil {
			return nil, fmt.Errorf("%T: %s: %w", e, tell(effect), err)
		}
	}
	return effects, w.after(e)
}

func (w *watch) look(effect Effect) error {
	switch x := effect.(type) {
	case Dial:
		if len(w.dials) > 0 {
			return fmt.Errorf("a second dial")
		}
		if len(w.open) > 0 {
			return fmt.Errorf("it has a connection")
		}
		w.dials[x.Attempt] = true
	case CancelDial:
		if !w.dials[x.Attempt] {
			return fmt.Errorf("there is no such dial")
		}
		delete(w.dials, x.Attempt)
	case SendOpen:
		if !slices.Contains(w.open, x.Conn) {
			return fmt.Errorf("the connection is closed")
		}
	case SendKeepalive:
		if !slices.Contains(w.open, x.Conn) || !w.confirmed[x.Conn] {
			return fmt.Errorf("no OPEN was received, or the connection is closed")
		}
		if x.Conn == w.up {
			w.said = w.now
		}
	case Close:
		if !slices.Contains(w.open, x.Conn) {
			return fmt.Errorf("it is closed already")
		}
		if x.Conn == w.up {
			return fmt.Errorf("the session was not said to be down")
		}
		w.open = slices.DeleteFunc(w.open, func(c Conn) bool { return c == x.Conn })
	case Up:
		if w.up != 0 {
			return fmt.Errorf("two sessions")
		}
		if !w.confirmed[x.Session.Conn] || !slices.Contains(w.open, x.Session.Conn) {
			return fmt.Errorf("without an OPEN, or closed")
		}
		w.up, w.hold, w.heard, w.said = x.Session.Conn, x.Session.HoldTime, w.now, w.now
	case Down:
		if w.up == 0 {
			return fmt.Errorf("it was not up")
		}
		w.up, w.stale, w.staleTill = 0, x.Stale, x.Until
	case Flush:
		for _, f := range x.Families {
			if !slices.Contains(w.stale, f) {
				return fmt.Errorf("%v is not stale", f)
			}
		}
		w.stale = slices.DeleteFunc(slices.Clone(w.stale), func(f message.Family) bool { return slices.Contains(x.Families, f) })
	}
	return nil
}

// after a step: nothing is overdue, and all is consistent.
func (w *watch) after(e Event) error {
	wake := w.m.Wake()
	_, stopped := e.(Stop)
	switch {
	case (w.m.State() == Established) != (w.up != 0):
		return fmt.Errorf("%T: state %v, session on %d", e, w.m.State(), w.up)
	case !wake.IsZero() && !wake.After(w.now):
		return fmt.Errorf("%T: it wants to be woken at %v, it is %v", e, wake, w.now)
	case w.up != 0 && w.now.Sub(w.heard) >= w.hold:
		return fmt.Errorf("%T: established, but silent for %v of %v", e, w.now.Sub(w.heard), w.hold)
	case w.up != 0 && w.now.Sub(w.said) > w.hold/3:
		return fmt.Errorf("%T: no KEEPALIVE for %v of %v", e, w.now.Sub(w.said), w.hold/3)
	case len(w.stale) > 0 && w.up == 0 && !w.now.Before(w.staleTill):
		return fmt.Errorf("%T: stale for ever", e)
	case len(w.stale) > 0 && wake.IsZero():
		return fmt.Errorf("%T: nothing will end the stale routes", e)
	case stopped && (!wake.IsZero() || len(w.open) > 0 || len(w.stale) > 0 || w.m.State() != Idle):
		return fmt.Errorf("stopped, but: wake %v, connections %v, stale %v, %v", wake, w.open, w.stale, w.m.State())
	}
	return nil
}

// sleep lets time pass, with a Tick whenever the machine wants one.
func (w *watch) sleep(d time.Duration) error {
	until := w.now.Add(d)
	for wake := w.m.Wake(); !wake.IsZero() && !wake.After(until); wake = w.m.Wake() {
		w.now = wake
		if _, err := w.step(Tick{}); err != nil {
			return err
		}
	}
	w.now = until
	return nil
}

// TestAnyOrder throws events at a machine in any order, at any time.
func TestAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := testConfig()
		cfg.Passive = rapid.Bool().Draw(t, "passive")
		if rapid.Bool().Draw(t, "no restart") {
			cfg.RestartTime = 0
		}
		jitter := rapid.Float64Range(0, 0.999)
		cfg.Jitter = func() float64 { return jitter.Draw(t, "jitter") }
		w, s, last := newWatch(cfg), &stage{}, Conn(0)
		s.m = w.m
		flags := []string{"kept", "notifications", "graceful", "as=9", "hold=1", "hold=3", "id=10.0.0.9", "families=other", "two-octet"}
		conn := func() Conn { return Conn(rapid.Uint64Range(uint64(max(last, 3)-3), uint64(last)).Draw(t, "conn")) }
		for range rapid.IntRange(1, 120).Draw(t, "events") {
			var e Event
			switch rapid.IntRange(0, 15).Draw(t, "event") {
			case 0:
				e = Start{}
			case 1:
				e = Stop{Notification: message.NewCease(message.PeerDeconfigured, "")}
				if rapid.IntRange(0, 3).Draw(t, "really") > 0 {
					e = Start{}
				}
			case 2, 3:
				if len(w.dials) == 0 {
					continue
				}
				last++
				e = Dialed{w.m.attempt, last}
			case 4:
				e = DialFailed{w.m.attempt, "refused"}
			case 5, 6:
				last++
				e = Accepted{last}
			case 7, 8, 9:
				var settings []string
				for _, flag := range flags {
					if rapid.IntRange(0, 5).Draw(t, flag) == 0 {
						settings = append(settings, flag)
					}
				}
				e = Opened{conn(), s.openOf(settings)}
			case 10, 11:
				e = Received{conn(), rapid.SampledFrom([]message.Type{message.KeepaliveType, message.KeepaliveType, message.UpdateType}).Draw(t, "type")}
			case 12:
				c := conn()
				if !slices.Contains(w.open, c) {
					continue
				}
				e = rapid.SampledFrom([]Event{
					Lost{c, "reset"}, Malformed{Conn: c, Notification: &message.Notification{Code: 3}}, Expelled{c, message.NewCease(1, ""), "too many"},
					Notified{c, message.NewCease(message.CollisionResolution, "")}, Notified{c, message.NewCease(message.HardReset, "")},
				}).Draw(t, "end")
			case 13:
				e = EndOfRIB{conn(), message.LinkState}
			default:
				if err := w.sleep(time.Duration(rapid.Int64Range(0, int64(100*time.Second)).Draw(t, "sleep"))); err != nil {
					t.Fatal(err)
				}
				continue
			}
			if _, err := w.step(e); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.sleep(24 * time.Hour); err != nil {
			t.Fatal(err)
		}
		if w.up != 0 || len(w.open) > 0 || len(w.stale) > 0 {
			t.Fatalf("a day of silence later: session %d, connections %v, stale %v", w.up, w.open, w.stale)
		}
	})
}
