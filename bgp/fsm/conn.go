package fsm

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/keiro-net/keiro/bgp/message"
)

// accepted takes a connection from the peer, or not. One that says nothing
// cannot keep out the next.
func (m *Machine) accepted(id Conn) {
	refuse := func(subcode uint8) { m.emit(Close{id, message.NewCease(subcode, "")}) }
	if !m.running || m.state == Idle {
		refuse(message.ConnectionRejected)
		return
	}
	for _, c := range slices.Clone(m.conns) {
		switch {
		case c.state == Established && !m.replaceable(c):
			refuse(message.CollisionResolution)
			return
		case c.state == OpenConfirm && !c.dialed:
			refuse(message.ConnectionRejected)
			return
		case c.state == OpenSent && !c.dialed:
			m.drop(c, message.NewCease(message.CollisionResolution, ""))
		}
	}
	m.open(id, false)
}

// replaceable: the peer may have restarted before this side has noticed (RFC
// 4724 section 5). With a young session it is a collision instead.
func (m *Machine) replaceable(c *conn) bool {
	return m.cfg.RestartTime > 0 && c.session.Peer.GracefulRestart != nil && m.now.Sub(m.upAt) >= m.cfg.Times.Stable
}

// open begins a session on a new connection.
func (m *Machine) open(id Conn, dialed bool) {
	m.conns = append(m.conns, &conn{id: id, dialed: dialed, state: OpenSent, holdAt: m.now.Add(m.cfg.Times.OpenWait)})
	m.emit(SendOpen{id, m.openMessage()})
}

func (m *Machine) openMessage() message.Open {
	o := message.Open{AS: m.cfg.LocalAS, HoldTime: m.cfg.HoldTime, ID: m.cfg.ID, Capabilities: message.Capabilities{
		Families: m.cfg.Families, RouteRefresh: true, Extended: true, FourOctetAS: true,
	}}
	if slices.Contains(m.cfg.Families, message.IPv4Unicast) {
		o.ExtendedNextHop = []message.Family{message.IPv4Unicast}
	}
	if m.cfg.RestartTime > 0 {
		g := &message.GracefulRestart{Time: m.cfg.RestartTime, Notification: true}
		g.Restarting = m.cfg.Restarting && !m.everUp && m.now.Sub(m.born) < m.cfg.RestartTime
		for _, f := range m.cfg.Families {
			// What this speaker has said is forwarded by others, who do not restart
			// with it: the state is always kept.
			g.Families = append(g.Families, message.RestartFamily{Family: f, Forwarding: true})
		}
		o.GracefulRestart = g
	}
	return o
}

func (m *Machine) find(id Conn) *conn {
	for _, c := range m.conns {
		if c.id == id {
			return c
		}
	}
	return nil
}

// onConn takes in what happened on a connection. What comes from one that was
// given up has no effect.
func (m *Machine) onConn(event Event) {
	switch e := event.(type) {
	case Opened:
		if c := m.find(e.Conn); c != nil {
			m.opened(c, e.Open)
		}
	case Received:
		if c := m.find(e.Conn); c != nil {
			m.received(c, e.Type)
		}
	case Notified:
		if c := m.find(e.Conn); c != nil {
			cease := func(subcode uint8) bool {
				return e.Notification.Code == message.Cease && e.Notification.Subcode == subcode
			}
			m.fail(c, nil, failure{reason: "the peer sent NOTIFICATION " + e.Notification.Error(), gently: !cease(message.HardReset),
				refused: cease(message.CollisionResolution) || cease(message.ConnectionRejected)})
		}
	case Malformed:
		if c := m.find(e.Conn); c != nil {
			reason := e.Reason
			if reason == "" {
				reason = "the peer sent what ends a session: " + e.Notification.Error()
			}
			m.fail(c, e.Notification, failure{reason: reason, gently: true})
		}
	case Lost:
		if c := m.find(e.Conn); c != nil {
			m.fail(c, nil, failure{reason: e.Reason, lost: true})
		}
	case Expelled:
		if c := m.find(e.Conn); c != nil {
			m.fail(c, e.Notification, failure{reason: e.Reason, penalty: true})
		}
	case EndOfRIB:
		if c := m.find(e.Conn); c != nil && c.state == Established && slices.Contains(m.stale, e.Family) {
			m.flush([]message.Family{e.Family}, "End-of-RIB")
		}
	}
}

func (m *Machine) received(c *conn, t message.Type) {
	switch {
	case c.state == Established:
	case c.state == OpenConfirm && t == message.KeepaliveType:
		m.establish(c)
	default:
		m.unexpected(c, t)
		return
	}
	c.holdAt = m.now.Add(c.session.HoldTime)
}

func (m *Machine) unexpected(c *conn, t message.Type) {
	subcode := map[State]uint8{OpenSent: message.UnexpectedInOpenSent, OpenConfirm: message.UnexpectedInOpenConfirm, Established: message.UnexpectedInEstablished}[c.state]
	m.fail(c, &message.Notification{Code: message.FSMError, Subcode: subcode}, failure{reason: fmt.Sprintf("the peer sent %v in state %v", t, c.state), gently: true})
}

// opened takes in an OPEN (RFC 4271 section 6.2), and decides between two
// connections.
func (m *Machine) opened(c *conn, o message.Open) {
	if c.state != OpenSent {
		m.unexpected(c, message.OpenType)
		return
	}
	n, reason := m.judge(o)
	if n != nil {
		m.fail(c, n, failure{reason: reason})
		return
	}
	c.session = Session{
		Conn: c.id, Families: m.common(o), HoldTime: min(m.cfg.HoldTime, o.HoldTime),
		Extended: o.Extended, Internal: m.cfg.LocalAS == m.cfg.PeerAS, Peer: o,
	}
	c.session.ExtendedNextHop = slices.Contains(c.session.Families, message.IPv4Unicast) && slices.Contains(o.ExtendedNextHop, message.IPv4Unicast)
	for _, other := range slices.Clone(m.conns) {
		if other == c || other.state == OpenSent {
			continue
		}
		switch {
		case other.state == Established && m.replaceable(other):
			m.fail(other, nil, failure{reason: "the peer has restarted: it opened another session", lost: true})
		case other.state == Established || c.dialed != m.dialedStays(o):
			m.drop(c, message.NewCease(message.CollisionResolution, ""))
			return
		default:
			m.drop(other, message.NewCease(message.CollisionResolution, ""))
		}
	}
	c.state = OpenConfirm
	c.holdAt = m.now.Add(c.session.HoldTime)
	c.keepaliveAt = m.now.Add(m.jittered(c.session.HoldTime / 3))
	m.emit(SendKeepalive{c.id})
}

// dialedStays: of two connections the one stays that was dialed by the side of
// the higher BGP Identifier (RFC 4271 section 6.8), with equal ones of the
// higher AS (RFC 6286 section 2.3).
func (m *Machine) dialedStays(o message.Open) bool {
	if order := m.cfg.ID.Compare(o.ID); order != 0 {
		return order > 0
	}
	return m.cfg.LocalAS > o.AS
}

// judge returns the NOTIFICATION for an OPEN that is not the agreed one.
func (m *Machine) judge(o message.Open) (*message.Notification, string) {
	bad := func(subcode uint8, data []byte, format string, args ...any) (*message.Notification, string) {
		return &message.Notification{Code: message.OpenError, Subcode: subcode, Data: data}, fmt.Sprintf(format, args...)
	}
	switch {
	case !o.FourOctetAS:
		data := binary.BigEndian.AppendUint32([]byte{65, 4}, m.cfg.LocalAS)
		return bad(message.UnsupportedCapability, data, "the peer has no four-octet AS numbers (RFC 6793)")
	case o.AS != m.cfg.PeerAS:
		return bad(message.BadPeerAS, nil, "the peer says that its AS is %d, configured is %d", o.AS, m.cfg.PeerAS)
	case o.ID == m.cfg.ID && o.AS == m.cfg.LocalAS, o.ID == netip.IPv4Unspecified():
		return bad(message.BadBGPIdentifier, nil, "the peer has the BGP Identifier %s, which is this speaker's own", o.ID)
	case o.HoldTime < 3*time.Second:
		return bad(message.UnacceptableHoldTime, nil, "the peer wants a hold time of %s, the least is 3s", o.HoldTime)
	case len(m.common(o)) == 0:
		var data []byte
		for _, f := range m.cfg.Families {
			data = append(binary.BigEndian.AppendUint16(append(data, 1, 4), f.AFI), 0, f.SAFI)
		}
		return bad(message.UnsupportedCapability, data, "the peer has none of the address families %v; it has %v", m.cfg.Families, offered(o))
	}
	return nil, ""
}

// offered: a speaker without the capability means unicast of IPv4.
func offered(o message.Open) []message.Family {
	if len(o.Families) == 0 {
		return []message.Family{message.IPv4Unicast}
	}
	return o.Families
}

func (m *Machine) common(o message.Open) []message.Family {
	var both []message.Family
	for _, f := range m.cfg.Families {
		if slices.Contains(offered(o), f) {
			both = append(both, f)
		}
	}
	return both
}

func (m *Machine) establish(c *conn) {
	c.state = Established
	m.upAt, m.everUp = m.now, true
	for _, other := range slices.Clone(m.conns) {
		if other != c { // it has not even sent an OPEN
			m.drop(other, message.NewCease(message.CollisionResolution, ""))
		}
	}
	m.cancelDial()
	m.state = Active
	m.emit(Up{c.session})
	m.restarted(c.session.Peer)
}

// drop closes a connection that was one too many: that is no failure.
func (m *Machine) drop(c *conn, n *message.Notification) {
	m.conns = slices.DeleteFunc(m.conns, func(other *conn) bool { return other == c })
	m.emit(Close{c.id, n})
}

// failure is why a connection ends.
type failure struct {
	reason  string
	lost    bool // the shell has closed it, or the peer is gone
	gently  bool // a NOTIFICATION with which routes may be kept (RFC 8538)
	penalty bool
	refused bool // the peer does not want this connection now
}

// fail ends a connection, and with it the session.
func (m *Machine) fail(c *conn, n *message.Notification, f failure) {
	m.conns = slices.DeleteFunc(m.conns, func(other *conn) bool { return other == c })
	if f.refused && c.state != Established {
		// It has decided for another connection, or is in Idle. This side is not to
		// be in Idle then as well: two that refuse each other in turn never meet.
		m.emit(Close{c.id, nil})
		if len(m.conns) == 0 {
			m.say(f.reason)
			m.retryAt = m.now.Add(m.jittered(m.cfg.Times.ConnectRetry))
		}
		return
	}
	m.say(f.reason)
	if c.state == Established {
		m.down(c.session, f)
	}
	m.emit(Close{c.id, n})
	if !m.running {
		return
	}
	stable := c.state == Established && m.now.Sub(m.upAt) >= m.cfg.Times.Stable
	if stable {
		m.failures = 0
	}
	if c.state == Established && m.now.Sub(m.upAt) >= m.cfg.Times.PenaltyMax {
		m.penalties = 0
	}
	switch {
	case f.penalty:
		for _, other := range slices.Clone(m.conns) {
			m.drop(other, message.NewCease(message.ConnectionRejected, ""))
		}
		m.idleUntil(m.now.Add(doubled(m.cfg.Times.Penalty, m.cfg.Times.PenaltyMax, m.penalties)))
		m.penalties++
	case len(m.conns) > 0: // the other may still succeed
	default:
		// The first time the peer may come back at once: it has perhaps restarted.
		if m.failures > 0 {
			m.idleUntil(m.now.Add(doubled(m.cfg.Times.IdleHold, m.cfg.Times.IdleHoldMax, m.failures-1)))
		} else if !m.dialing {
			m.state, m.retryAt = Active, m.now.Add(m.jittered(m.cfg.Times.IdleHold))
		}
		m.failures++
	}
}

func doubled(d, most time.Duration, times int) time.Duration {
	for ; times > 0 && d < most; times-- {
		d *= 2
	}
	return min(d, most)
}
