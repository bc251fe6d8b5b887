package rotate

import (
	"slices"
	"time"
)

// halfOpen is an Init that was answered. It proves nothing, so few are kept.
type halfOpen struct {
	exchange Exchange
	epoch    uint64
	secret   Responder
	reply    []byte
	at       time.Time
}

// accepting is an exchange that the initiator has confirmed, on its way to
// the commit: fetch QKD keys, persist, install.
type accepting struct {
	exchange Exchange
	epoch    uint64
	secret   Responder
	offers   []Offer
	fetching bool
	quanta   []QKDKey
	missing  []Lane // those of quanta without an answer yet
	until    time.Time
}

// answered is the last exchange that was committed: asked again, it is
// answered with the same bytes.
type answered struct {
	exchange Exchange
	commit   []byte
}

func (m *Machine) onInit(h Header, msg []byte) {
	known := slices.IndexFunc(m.half, func(o halfOpen) bool { return o.exchange == h.Exchange })
	switch {
	case h.Exchange == m.last.exchange, m.accept != nil && h.Exchange == m.accept.exchange:
		m.counts.Duplicate++
	case h.Epoch <= m.disk.want.Epoch || h.Epoch >= maxEpoch:
		m.counts.WrongEpoch++
		m.correct()
	case known >= 0:
		m.counts.Duplicate++
		m.emit(Send{m.half[known].reply})
	case len(m.half) >= max(m.params.HalfOpen, 1) && !m.due(m.half[0].at.Add(m.params.Resend)):
		m.counts.Busy++ // a Reply is dear: so many for each Resend, no more
	default:
		m.open(h, msg)
	}
}

func (m *Machine) open(h Header, msg []byte) {
	secret, reply, err := m.crypto.Respond(msg)
	if err != nil {
		m.refuse(err, &m.counts.Malformed)
		return
	}
	if len(m.half) >= max(m.params.HalfOpen, 1) {
		m.dropHalf(0)
	}
	m.half = append(m.half, halfOpen{h.Exchange, h.Epoch, secret, reply, m.now})
	m.emit(Send{reply})
}

func (m *Machine) dropHalf(i int) {
	m.half[i].secret.Erase()
	m.half = slices.Delete(m.half, i, i+1)
}

func (m *Machine) onConfirm(h Header, msg []byte) {
	i := slices.IndexFunc(m.half, func(o halfOpen) bool { return o.exchange == h.Exchange })
	switch {
	case h.Exchange == m.last.exchange:
		m.counts.Duplicate++
		m.emit(Send{m.last.commit})
		return
	case m.accept != nil && h.Exchange == m.accept.exchange:
		m.counts.Duplicate++ // the Commit comes when all is done
		return
	case i < 0:
		m.counts.Unknown++
		return
	case m.half[i].epoch <= m.disk.want.Epoch:
		m.counts.WrongEpoch++
		m.dropHalf(i)
		m.correct()
		return
	}
	offers, err := m.half[i].secret.Confirmed(msg)
	if err != nil {
		m.refuse(err, &m.counts.Forged)
		return
	}
	m.start(m.half[i], offers)
	m.half = slices.Delete(m.half, i, i+1) // its secret lives on in accept
	// The initiator runs one exchange at a time. Those whose Init came earlier
	// it has given up, and must not commit to: a Confirm of one that is still
	// on its way, from before a crash, would leave this end alone with a key.
	for range i {
		m.dropHalf(0)
	}
}

// start goes for the commit. An older exchange that was on that way is given
// up: the initiator has given it up as well.
func (m *Machine) start(o halfOpen, offers []Offer) {
	m.stop()
	a := &accepting{
		exchange: o.exchange, epoch: o.epoch, secret: o.secret,
		fetching: true, until: m.now.Add(m.params.QKDWait),
	}
	for _, offer := range offers {
		l := m.lane(offer.Lane)
		if l == nil || l.need == QKD && offer.QKD == "" {
			continue
		}
		a.offers = append(a.offers, offer)
		if offer.QKD != "" {
			a.quanta = append(a.quanta, QKDKey{Lane: offer.Lane, ID: offer.QKD})
			a.missing = append(a.missing, offer.Lane)
			m.emit(NeedQKD{offer.Lane, offer.QKD})
		}
	}
	m.accept = a
}

// stop gives up the exchange on its way to the commit. A lane that has its key
// already keeps it; the peer's next attempt brings both ends together again.
func (m *Machine) stop() {
	a := m.accept
	if a == nil {
		return
	}
	m.accept = nil
	a.erase()
	for i := range m.lanes {
		if l := &m.lanes[i]; l.next.epoch == a.epoch {
			m.unadopt(l)
		}
	}
}

func (a *accepting) erase() {
	a.secret.Erase()
	for _, q := range a.quanta {
		if q.Key != nil {
			q.Key.Zero()
		}
	}
}

// fetched takes in a KME's answer.
func (m *Machine) fetched(id Lane, name string, k Secret) {
	a := m.accept
	if a == nil || !a.fetching || !slices.Contains(a.missing, id) {
		if k != nil {
			k.Zero()
		}
		return
	}
	i := slices.IndexFunc(a.quanta, func(q QKDKey) bool { return q.Lane == id })
	switch {
	case k == nil:
	case a.quanta[i].ID == name:
		a.quanta[i].Key = k
	default: // answers an older question
		k.Zero()
		return
	}
	a.missing = slices.DeleteFunc(a.missing, func(l Lane) bool { return l == id })
}

// respond forgets what has waited too long, and derives the keys when the QKD
// keys are there.
func (m *Machine) respond() {
	for len(m.half) > 0 && m.due(m.half[0].at.Add(halfOpenFor)) {
		m.dropHalf(0)
	}
	a := m.accept
	if a == nil || !a.fetching || len(a.missing) > 0 && !m.due(a.until) {
		return
	}
	a.fetching = false
	for _, o := range a.offers {
		if l := m.lane(o.Lane); l != nil {
			m.take(l, o, a.epoch, a.secret.Key, a.quanta)
		}
	}
	m.disk.want.Epoch = a.epoch
}

// commit tells the initiator, once the epoch is on disk and every lane has
// its key or has given it up.
func (m *Machine) commit() {
	a := m.accept
	if a == nil || a.fetching || m.disk.durable.Epoch < a.epoch {
		return
	}
	var done []Lane
	for i := range m.lanes {
		l := &m.lanes[i]
		if l.next.epoch == a.epoch {
			return
		}
		if l.current.epoch == a.epoch {
			done = append(done, l.id)
		}
	}
	m.accept = nil
	commit, err := a.secret.Commit(done)
	a.erase()
	if err != nil {
		return // the initiator does not get its answer and begins anew
	}
	for i := range m.lanes { // the initiator lives: it knows when each is due
		m.lanes[i].due = m.now.Add(m.params.Interval + m.params.Jitter + m.params.MaxWait)
	}
	m.last = answered{a.exchange, commit}
	m.nudges, m.nudgeAt = 0, time.Time{}
	m.counts.Committed++
	m.emit(Send{commit})
}

// remind asks the initiator for an epoch that is overdue.
func (m *Machine) remind() {
	if at := m.remindAt(); !at.IsZero() && m.due(at) {
		m.sendNudge()
	}
}

func (m *Machine) remindAt() time.Time {
	if m.accept != nil {
		return time.Time{}
	}
	var first time.Time
	for i := range m.lanes {
		if due := m.lanes[i].due; first.IsZero() || due.Before(first) {
			first = due
		}
	}
	if !first.IsZero() && first.Before(m.nudgeAt) {
		return m.nudgeAt
	}
	return first
}

// correct tells an initiator that is behind which epoch this end has reached.
func (m *Machine) correct() {
	if m.due(m.nudgeAt) {
		m.sendNudge()
	}
}

// sendNudge states the epoch that is on disk. The same epoch has the same
// bytes: a signature is dear.
func (m *Machine) sendNudge() {
	m.nudges++
	m.nudgeAt = m.now.Add(m.params.backoff(m.nudges))
	if epoch := m.disk.durable.Epoch; m.nudge == nil || m.nudgeOf != epoch {
		msg, err := m.crypto.Nudge(epoch)
		if err != nil {
			return
		}
		m.nudge, m.nudgeOf = msg, epoch
	}
	m.emit(Send{m.nudge})
}

func (m *Machine) responderWake() time.Time {
	next := m.remindAt()
	if len(m.half) > 0 {
		if t := m.half[0].at.Add(halfOpenFor); next.IsZero() || t.Before(next) {
			next = t
		}
	}
	if m.accept != nil && m.accept.fetching {
		if next.IsZero() || m.accept.until.Before(next) {
			next = m.accept.until
		}
	}
	return next
}
