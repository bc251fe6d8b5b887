// Package fsm is the finite state machine of one BGP peer (RFC 4271 section
// 8): when to dial, what to send, which of two connections stays (section 6.8,
// RFC 6286), when the hold time is over, how long a peer that oscillates stays
// idle (section 8.1.1, DampPeerOscillations), and when the routes of a peer
// that restarts are stale and when they are gone (RFC 4724, RFC 8538). Step
// takes an event and returns what is to be done. The speaker, package bgp,
// drives one Machine per peer.
//
// It is pure: no I/O, no clock, no goroutine; time and jitter come from
// outside. It never has two sessions established, never opens one with a peer
// that is not who was configured, and never looks at a route.
package fsm

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/keiro-net/keiro/bgp/message"
)

// State is the state of a peer: of its connections, the most advanced.
type State uint8

// The states of RFC 4271 section 8.2.2.
const (
	Idle State = iota
	Connect
	Active
	OpenSent
	OpenConfirm
	Established
)

func (s State) String() string {
	return [...]string{"Idle", "Connect", "Active", "OpenSent", "OpenConfirm", "Established"}[s]
}

// Config is one peer, and this side of the sessions with it.
type Config struct {
	LocalAS, PeerAS uint32
	// ID is this speaker's BGP Identifier.
	ID       netip.Addr
	Families []message.Family
	HoldTime time.Duration // proposed; at least 3 s
	// Passive: connections are taken, none is dialed.
	Passive bool
	// RestartTime is how long this speaker takes at most to restart; 0 means no
	// graceful restart, in neither direction.
	RestartTime time.Duration
	// Restarting: this speaker has restarted within its RestartTime.
	Restarting bool
	Times      Times
	// Jitter returns a number in [0, 1).
	Jitter func() float64
}

// Times are the timers that are not negotiated.
type Times struct {
	ConnectRetry time.Duration // RFC 4271 section 8.2.2
	// OpenWait is how long an OPEN may take to come: the large hold time of RFC
	// 4271 section 8.2.2.
	OpenWait time.Duration
	// Stable is how long a session must last so that what was before it is
	// forgiven; one that replaces it sooner is a collision.
	Stable time.Duration
	// IdleHold is the first time in Idle of a peer that oscillates. It doubles, up
	// to IdleHoldMax.
	IdleHold, IdleHoldMax time.Duration
	// Penalty is the same for one that was Expelled.
	Penalty, PenaltyMax time.Duration
	// StalePath is how long stale routes wait for an End-of-RIB once the peer is
	// back (RFC 4724 section 4.2).
	StalePath time.Duration
}

// DefaultTimes are for peers in production.
var DefaultTimes = Times{
	ConnectRetry: 30 * time.Second, OpenWait: time.Minute, Stable: 30 * time.Second,
	IdleHold: time.Second, IdleHoldMax: 2 * time.Minute, Penalty: time.Minute, PenaltyMax: time.Hour,
	StalePath: 6 * time.Minute,
}

// Session is an established session.
type Session struct {
	Conn     Conn
	Families []message.Family // that both sides have
	HoldTime time.Duration    // the smaller of both
	Extended bool             // messages of more than message.MaxLen octets may be sent
	Internal bool             // IBGP
	// ExtendedNextHop: IPv4 unicast routes may have an IPv6 next hop (RFC 8950).
	ExtendedNextHop bool
	Peer            message.Open
}

// conn is a connection on its way to a session.
type conn struct {
	id          Conn
	dialed      bool
	state       State     // OpenSent, OpenConfirm or Established
	holdAt      time.Time // the peer must have been heard by then
	keepaliveAt time.Time
	session     Session // from OpenConfirm on
}

// Machine is the machine of one peer.
type Machine struct {
	cfg Config
	now time.Time
	out []Effect

	running bool
	born    time.Time
	state   State // Idle, Connect or Active, without regard to conns
	since   time.Time
	shown   State // that since is about
	conns   []*conn

	attempt uint64
	dialing bool
	retryAt time.Time // the next Dial, in Active
	idle    time.Time // the end of Idle

	upAt      time.Time // of the last session
	everUp    bool
	failures  int // in a row, of sessions that were not Stable
	penalties int
	reason    string // the last thing that went wrong
	reasonAt  time.Time

	stale   []message.Family // whose routes are from before the last Down
	staleAt time.Time        // the end of it
}

// New returns a machine in Idle, which waits for Start.
func New(now time.Time, c Config) *Machine {
	return &Machine{cfg: c, now: now, born: now, since: now}
}

// Step takes in one event and returns what is to be done, in order. Time that
// runs backwards stands still.
func (m *Machine) Step(now time.Time, event Event) []Effect {
	m.out = nil
	if now.After(m.now) {
		m.now = now
	}
	switch e := event.(type) {
	case Start:
		if !m.running {
			m.running, m.failures, m.penalties = true, 0, 0
			m.idleUntil(time.Time{})
		}
	case Stop:
		m.stop(e)
	case Dialed:
		if m.dialing && e.Attempt == m.attempt {
			m.dialing = false
			m.open(e.Conn, true)
		} else {
			m.emit(Close{Conn: e.Conn})
		}
	case DialFailed:
		if m.dialing && e.Attempt == m.attempt {
			m.dialing = false
			m.say(e.Reason)
		}
	case Accepted:
		m.accepted(e.Conn)
	default:
		m.onConn(event)
	}
	m.timers()
	m.advance()
	if s := m.State(); s != m.shown {
		m.shown, m.since = s, m.now
	}
	return m.out
}

// State is the state of the peer.
func (m *Machine) State() State {
	s := m.state
	for _, c := range m.conns {
		s = max(s, c.state)
	}
	return s
}

// View is what can be told of a peer.
type View struct {
	State     State
	Since     time.Time // that it is in the state
	Reason    string    // the last thing that went wrong, in words; empty for nothing
	ReasonAt  time.Time
	IdleUntil time.Time // zero where the peer is not held in Idle
	Stale     []message.Family
	StaleTill time.Time
}

// View returns the state and how it came about.
func (m *Machine) View() View {
	v := View{State: m.State(), Since: m.since, Reason: m.reason, ReasonAt: m.reasonAt, Stale: slices.Clone(m.stale), StaleTill: m.staleAt}
	if m.state == Idle {
		v.IdleUntil = m.idle
	}
	return v
}

// Wake returns when the machine next has something to do without an event: a
// Tick before then has no effect. Zero: never.
func (m *Machine) Wake() time.Time {
	var next time.Time
	at := func(t time.Time) {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	at(m.staleAt)
	for _, c := range m.conns {
		at(c.holdAt)
		at(c.keepaliveAt)
	}
	if m.running && m.state == Idle {
		at(m.idle)
	}
	if m.wantsDial() {
		at(m.retryAt)
	}
	return next
}

func (m *Machine) emit(e Effect) { m.out = append(m.out, e) }

func (m *Machine) due(t time.Time) bool { return !t.IsZero() && !m.now.Before(t) }

func (m *Machine) say(reason string) { m.reason, m.reasonAt = reason, m.now }

// jittered shortens a time by up to a quarter (RFC 4271 section 10).
func (m *Machine) jittered(d time.Duration) time.Duration {
	return d - time.Duration(float64(d)*m.cfg.Jitter()/4)
}

// idleUntil puts the peer in Idle; with the zero time it leaves it at once.
func (m *Machine) idleUntil(t time.Time) {
	m.state, m.idle = Idle, t
	m.cancelDial()
}

func (m *Machine) cancelDial() {
	if m.dialing {
		m.dialing = false
		m.emit(CancelDial{m.attempt})
	}
}

func (m *Machine) wantsDial() bool {
	return m.running && m.state == Active && !m.cfg.Passive && len(m.conns) == 0
}

// timers does what is due.
func (m *Machine) timers() {
	if m.due(m.staleAt) {
		reason := "the peer did not come back within its restart time"
		if m.State() == Established {
			reason = fmt.Sprintf("no End-of-RIB came within %s", m.cfg.Times.StalePath)
		}
		m.flush(m.stale, reason)
	}
	for _, c := range slices.Clone(m.conns) {
		switch {
		case m.due(c.holdAt) && c.state == OpenSent:
			m.fail(c, &message.Notification{Code: message.HoldTimerExpired}, failure{reason: fmt.Sprintf("no OPEN came within %s of the connection", m.cfg.Times.OpenWait)})
		case m.due(c.holdAt):
			m.fail(c, &message.Notification{Code: message.HoldTimerExpired}, failure{reason: fmt.Sprintf("hold timer expired: nothing was heard for %s", c.session.HoldTime), gently: true})
		case m.due(c.keepaliveAt):
			m.emit(SendKeepalive{c.id})
			c.keepaliveAt = m.now.Add(m.jittered(c.session.HoldTime / 3))
		}
	}
}

// advance leaves Idle and dials, if it is time to.
func (m *Machine) advance() {
	if m.running && m.state == Idle && (m.idle.IsZero() || m.due(m.idle)) {
		m.state, m.idle, m.retryAt = Active, time.Time{}, m.now
	}
	if m.state == Connect && !m.dialing { // answered
		m.state, m.retryAt = Active, m.now.Add(m.jittered(m.cfg.Times.ConnectRetry))
	}
	if m.wantsDial() && m.due(m.retryAt) {
		m.state, m.dialing = Connect, true
		m.attempt++
		m.emit(Dial{m.attempt})
	}
}

func (m *Machine) stop(e Stop) {
	m.running = false
	for _, c := range slices.Clone(m.conns) {
		m.fail(c, e.Notification, failure{reason: e.Reason})
	}
	m.idleUntil(time.Time{})
	if len(m.stale) > 0 {
		m.flush(m.stale, e.Reason)
	}
	m.say(e.Reason)
}
