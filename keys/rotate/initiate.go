package rotate

import (
	"errors"
	"slices"
	"time"
)

func isForeign(err error) bool { return errors.Is(err, ErrForeign) }

type stage uint8

const (
	gathering  stage = iota // waits for QKD keys
	initiated               // has sent Init, waits for Reply
	confirming              // has sent Confirm, waits for Commit
)

// attempt is one run of the exchange at the initiator.
type attempt struct {
	stage    stage
	lanes    []Lane // those that were due
	missing  []Lane // of these, those that wait for a QKD key
	until    time.Time
	epoch    uint64
	exchange Exchange
	secret   Initiator
	offers   []Offer
	quanta   []QKDKey // for the offers
	msg      []byte   // repeated until answered
	sent     int
	resend   time.Time
}

// initiate begins when a lane is due, and repeats what is not answered.
func (m *Machine) initiate() {
	t := m.try
	switch {
	case t == nil:
		if at := m.initiatorWake(); !at.IsZero() && m.due(at) && m.disk.failed == 0 {
			m.begin()
		}
	case t.stage == gathering:
		if len(t.missing) == 0 || m.due(t.until) {
			m.propose()
		}
	case !m.due(t.resend):
	case t.sent < m.params.Sends:
		m.counts.Resent++
		m.send()
	default:
		m.counts.Abandoned++
		m.giveUp()
		m.failures++
		m.hold = m.now.Add(m.params.backoff(m.failures))
	}
}

// begin takes the lanes that are due, and those that soon will be.
func (m *Machine) begin() {
	t := &attempt{stage: gathering, until: m.now.Add(m.params.QKDWait)}
	soon := m.now.Add(m.params.Interval / 2)
	for _, until := range []time.Time{m.now, soon} {
		for i := range m.lanes {
			l := &m.lanes[i]
			if !l.due.After(until) && len(t.lanes) < maxOffers && !slices.Contains(t.lanes, l.id) {
				t.lanes = append(t.lanes, l.id)
			}
		}
	}
	slices.SortFunc(t.lanes, Lane.compare)
	for _, id := range t.lanes {
		l := m.lane(id)
		if l.need == QKD && l.spare.Key == nil {
			t.missing = append(t.missing, l.id)
			m.emit(NeedQKD{Lane: l.id})
		}
	}
	m.try = t
	m.counts.Started++
	if len(t.missing) == 0 {
		m.propose()
	}
}

// quantum takes in a KME's answer; no key means that there is none.
func (m *Machine) quantum(id Lane, name string, k Secret) {
	if !m.initiator {
		m.fetched(id, name, k)
		return
	}
	if l := m.lane(id); k != nil && l != nil && l.need == QKD && l.spare.Key == nil {
		l.spare = QKDKey{id, name, k}
	} else if k != nil {
		k.Zero()
	}
	if m.try != nil {
		m.try.missing = slices.DeleteFunc(m.try.missing, func(l Lane) bool { return l == id })
	}
}

// propose sends Init. A QKD lane without a key is left out; the others go on.
func (m *Machine) propose() {
	t := m.try
	for _, id := range t.lanes {
		l := m.lane(id)
		switch {
		case l == nil:
		case l.need < QKD:
			t.offers = append(t.offers, Offer{Lane: id})
		case l.spare.Key != nil:
			t.offers = append(t.offers, Offer{Lane: id, QKD: l.spare.ID})
			t.quanta = append(t.quanta, l.spare)
			l.spare = QKDKey{}
		default:
			m.leftOut(l)
		}
	}
	t.epoch = max(m.disk.want.Epoch, m.tried) + 1
	if len(t.offers) == 0 || t.epoch >= maxEpoch {
		m.giveUp()
		m.hold = m.now.Add(m.params.Backoff)
		return
	}
	secret, init, err := m.crypto.Initiate(t.epoch, slices.Clone(t.offers))
	var h Header
	if err == nil {
		h, err = m.crypto.Peek(init)
	}
	if err != nil {
		m.giveUp()
		m.failures++
		m.hold = m.now.Add(m.params.backoff(m.failures))
		return
	}
	t.secret, t.exchange = secret, h.Exchange
	m.ask(initiated, init)
}

// ask sends a message whose answer is awaited from now on.
func (m *Machine) ask(s stage, msg []byte) {
	m.try.stage, m.try.msg, m.try.sent = s, msg, 0
	m.send()
}

func (m *Machine) send() {
	t := m.try
	t.resend = m.now.Add(m.params.Resend << min(t.sent, 16))
	t.sent++
	m.emit(Send{t.msg})
}

// giveUp forgets the attempt. QKD keys are spent once a Confirm has gone out,
// for the peer may have used them.
func (m *Machine) giveUp() {
	t := m.try
	m.try = nil
	if t.secret != nil {
		t.secret.Erase()
	}
	for _, q := range t.quanta {
		if l := m.lane(q.Lane); t.stage != confirming && l != nil && l.spare.Key == nil {
			l.spare = q
		} else {
			q.Key.Zero()
		}
	}
}

func (m *Machine) onReply(h Header, msg []byte) {
	t := m.try
	switch {
	case t == nil || t.stage == gathering || h.Exchange != t.exchange:
		m.counts.Unknown++
		return
	case t.stage == confirming:
		m.counts.Duplicate++
		return
	}
	confirm, err := t.secret.Confirm(msg, t.quanta)
	if err != nil {
		m.refuse(err, &m.counts.Forged)
		return
	}
	m.tried = t.epoch
	m.ask(confirming, confirm)
}

// onCommit: the responder has installed the keys. What is left to do here,
// persist and install, the disk and the lanes do by themselves.
func (m *Machine) onCommit(h Header, msg []byte) {
	t := m.try
	if t == nil || t.stage != confirming || h.Exchange != t.exchange {
		m.counts.Unknown++
		return
	}
	accepted, err := t.secret.Committed(msg)
	if err != nil {
		m.refuse(err, &m.counts.Forged)
		return
	}
	next := m.now.Add(m.params.jittered(t.epoch))
	for _, o := range t.offers {
		l := m.lane(o.Lane)
		if l == nil {
			continue
		}
		if slices.Contains(accepted, o.Lane) && m.take(l, o, t.epoch, t.secret.Key, t.quanta) {
			l.due, l.tries = next, 0
		} else {
			m.leftOut(l)
		}
	}
	m.disk.want.Epoch = t.epoch
	m.counts.Committed++
	m.failures, m.hold = 0, time.Time{}
	m.giveUp()
}

// take derives an offered lane's key and adopts it.
func (m *Machine) take(l *lane, o Offer, epoch uint64, derive func(Lane, Secret) (Secret, error), quanta []QKDKey) bool {
	k := key{epoch: epoch, level: PQ, since: m.now}
	var mixed Secret
	if o.QKD != "" {
		i := slices.IndexFunc(quanta, func(q QKDKey) bool { return q.Lane == o.Lane && q.ID == o.QKD })
		if i < 0 || quanta[i].Key == nil {
			return false
		}
		k.level, mixed = QKD, quanta[i].Key
	}
	secret, err := derive(o.Lane, mixed)
	if err != nil {
		return false
	}
	k.secret = secret
	m.adopt(l, k)
	return true
}

// leftOut: the lane gets no new epoch this time.
func (m *Machine) leftOut(l *lane) {
	l.tries++
	l.due = m.now.Add(m.params.backoff(l.tries))
}

// onNudge: the responder wants an epoch after the one that it states. A Nudge
// that is replayed states an old one, or asks once for what is free to have.
func (m *Machine) onNudge(msg []byte) {
	epoch, err := m.crypto.Nudged(msg)
	if err != nil {
		m.refuse(err, &m.counts.Forged)
		return
	}
	t := m.try
	switch {
	case epoch < m.disk.want.Epoch || epoch >= maxEpoch:
		m.counts.WrongEpoch++
	case t == nil || t.stage == gathering:
		for i := range m.lanes {
			m.lanes[i].due = m.now
		}
	case epoch >= t.epoch: // it will never accept this one
		m.giveUp()
	default: // under way; other lanes come after
		for i := range m.lanes {
			if l := &m.lanes[i]; !slices.Contains(t.lanes, l.id) {
				l.due = m.now
			}
		}
	}
	if epoch > m.tried && epoch < maxEpoch {
		m.tried = epoch
	}
}

func (m *Machine) initiatorWake() time.Time {
	if t := m.try; t != nil {
		if t.stage == gathering {
			return t.until
		}
		return t.resend
	}
	var first time.Time
	for i := range m.lanes {
		if due := m.lanes[i].due; first.IsZero() || due.Before(first) {
			first = due
		}
	}
	if first.IsZero() || m.disk.failed > 0 {
		return time.Time{}
	}
	if first.Before(m.hold) {
		return m.hold
	}
	return first
}
