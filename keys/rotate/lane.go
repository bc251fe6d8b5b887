package rotate

import (
	"fmt"
	"slices"
	"time"
)

// key is a lane's key of one epoch. Epoch 0 is no key. One from before a
// restart has no secret: only WireGuard still has it.
type key struct {
	epoch  uint64
	level  Level
	since  time.Time // when it was agreed: its age counts from here
	at     time.Time // when it was installed last
	secret Secret
	proven bool // a handshake newer than that has been seen
}

// phase is what the shell was last told about a lane.
type phase uint8

const (
	untold phase = iota
	closed
	open
	draining
)

var phases = [...]string{"new", "closed", "open", "draining"}

func (p phase) String() string { return phases[p] }

type lane struct {
	id         Lane
	need       Level // the floor
	configured bool
	due        time.Time // for a new epoch
	tries      int       // epochs in a row that left it out

	next       key // committed, not yet known to be installed
	installing bool
	given      uint64 // WireGuard was asked to take up to this epoch
	retry      time.Time
	failed     int
	current    key       // the last installed
	old        []key     // those before it that are not outlived
	askAt      time.Time // when a handshake is asked for

	oldest   uint64    // no session of an earlier epoch is left
	oldUntil time.Time // then WireGuard has ended those of all but current

	spare  QKDKey // of the initiator: fetched and not used yet
	phase  phase
	reason string
	born   time.Time
}

func (m *Machine) lane(id Lane) *lane {
	i, ok := slices.BinarySearchFunc(m.lanes, id, func(l lane, id Lane) int { return l.id.compare(id) })
	if !ok {
		return nil
	}
	return &m.lanes[i]
}

// tend does what a lane needs by itself: install, ask, erase, open or close.
func (m *Machine) tend(l *lane) {
	m.install(l)
	if !l.askAt.IsZero() && m.due(l.askAt) {
		l.askAt = time.Time{}
		m.emit(AskHandshake{l.id})
	}
	if l.current.epoch != 0 && m.due(l.oldUntil) {
		m.outlived(l)
	}
	m.judge(l)
}

// adopt makes a committed key the next to be installed.
func (m *Machine) adopt(l *lane, k key) {
	m.unadopt(l)
	l.next = k
}

// unadopt gives up the next key. WireGuard may have it all the same, and use
// it, if it was asked to.
func (m *Machine) unadopt(l *lane) {
	if l.installing {
		m.retire(l, l.next)
	} else {
		m.erase(l, &l.next)
	}
	l.next, l.installing, l.failed, l.retry = key{}, false, 0, time.Time{}
}

// retire keeps a key that a session may have until a newer one is proven.
func (m *Machine) retire(l *lane, k key) {
	if k.secret != nil {
		l.old = append(l.old, k)
	}
	if len(l.old) > keptKeys {
		m.erase(l, &l.old[0])
		l.old = slices.Delete(l.old, 0, 1)
	}
}

// install asks for the next key to be installed, once its epoch is on disk.
func (m *Machine) install(l *lane) {
	if l.next.epoch == 0 || l.next.epoch > m.disk.durable.Epoch || !m.due(l.retry) {
		return
	}
	l.installing, l.given, l.retry = true, l.next.epoch, m.now.Add(installWait)
	m.emit(Install{l.id, l.next.epoch, l.next.secret})
}

// installed: the next key is now the current one. A session of the one before
// may live until a handshake proves the new one, so its secret stays until then.
func (m *Machine) installed(e Installed) {
	l := m.lane(e.Lane)
	if l == nil || !l.installing || l.next.epoch != e.Epoch {
		return // answers an Install that has been overtaken
	}
	m.alarm(InstallError, l.id, false, "")
	m.retire(l, l.current)
	l.current, l.next = l.next, key{}
	l.current.at, l.current.proven = m.now, false
	l.installing, l.failed, l.retry = false, 0, time.Time{}
	l.oldUntil = m.now.Add(rejectAfter + m.params.ProofMargin)
	if l.phase != open && l.phase != draining {
		m.outlived(l)
	}
	if m.initiator { // the responder has installed it already
		l.askAt = m.now.Add(m.params.ProofMargin)
	}
	m.keepRecord(l)
}

// installFailed: at the initiator it is repeated, since the responder has
// installed the key. The responder leaves the lane out of its commit.
func (m *Machine) installFailed(e InstallFailed) {
	l := m.lane(e.Lane)
	if l == nil || !l.installing || l.next.epoch != e.Epoch {
		return
	}
	m.alarm(InstallError, l.id, true, e.Err)
	if m.accept != nil && m.accept.epoch == e.Epoch {
		m.unadopt(l)
		return
	}
	l.failed++
	l.retry = m.now.Add(m.params.backoff(l.failed))
}

// handshake proves a key when it is newer than the install, by more than a
// handshake takes that had read the key before that. One yet to come proves
// nothing.
func (m *Machine) handshake(e Handshake) {
	l := m.lane(e.Lane)
	if l == nil || l.current.epoch == 0 || l.current.proven {
		return
	}
	if e.At.After(m.now) || e.At.Before(l.current.at.Add(m.params.ProofMargin)) {
		return
	}
	l.current.proven = true
	m.outlived(l)
}

// outlived: no session of a key before the current one is left.
func (m *Machine) outlived(l *lane) {
	m.eraseOld(l, l.current.epoch)
	if l.oldest < l.current.epoch {
		l.oldest = l.current.epoch
		m.keepRecord(l)
	}
}

// keyLost puts the current key back. After a restart that is not known any
// more, and after a failed install a later one may have been in its place:
// then a new one is asked for.
func (m *Machine) keyLost(id Lane) {
	l := m.lane(id)
	if l == nil {
		return
	}
	lost := l.current
	m.eraseOld(l, maxEpoch)
	l.current, l.askAt = key{}, time.Time{}
	switch {
	case l.next.epoch != 0:
		m.erase(l, &lost)
		l.retry = time.Time{} // an Install under way may have met the old device
	case lost.secret != nil && lost.epoch == l.given:
		l.next, l.retry = lost, time.Time{}
	default:
		m.erase(l, &lost)
		l.due = m.now
	}
	m.disk.want.record(Record{Lane: l.id})
}

// erase has a secret overwritten. The shell does it, in order: an Install
// of it may be under way.
func (m *Machine) erase(l *lane, k *key) {
	if k.secret != nil {
		m.emit(Erase{l.id, k.epoch, k.secret})
	}
	*k = key{}
}

// eraseOld erases old keys of epochs before that. A later one may be among
// them, whose install failed, or did not.
func (m *Machine) eraseOld(l *lane, before uint64) {
	l.old = slices.DeleteFunc(l.old, func(k key) bool {
		if k.epoch >= before {
			return false
		}
		m.erase(l, &k)
		return true
	})
}

// keepRecord writes down what a restart is to know of the lane.
func (m *Machine) keepRecord(l *lane) {
	if k := l.current; k.epoch != 0 {
		m.disk.want.record(Record{
			Lane: l.id, Epoch: k.epoch, Level: k.level, Since: k.since.Round(0).UTC(),
			Clean: l.oldest > m.disk.want.Distrusted,
		})
	}
}

// judge says whether the lane may carry traffic. Closing it kills the sessions
// of a compromised key, and then it can be open with the key after that.
func (m *Machine) judge(l *lane) {
	m.turn(l)
	if l.phase == closed && l.current.epoch != 0 {
		m.outlived(l) // no peer, no session
		m.turn(l)
	}
	if l.phase == closed && m.due(l.born.Add(alarmAfter)) {
		m.alarm(FloorViolated, l.id, true, l.reason)
	}
	stale := l.phase != closed && l.need > Classic && m.due(m.staleAt(l))
	m.alarm(KeyStale, l.id, stale, "no new key for two intervals")
}

// turn tells a change of what the lane may do.
func (m *Machine) turn(l *lane) {
	want, reason := m.verdict(l)
	was := l.phase
	if want == was && (want != closed || reason == l.reason) {
		return
	}
	l.phase, l.reason = want, reason
	switch want {
	case open:
		m.emit(Open{l.id})
	case draining:
		m.emit(Drain{l.id, reason})
	case closed:
		m.emit(Close{l.id, reason})
	}
	if want != closed || was == open || was == draining {
		m.alarm(FloorViolated, l.id, want == closed, reason)
	}
}

// verdict: what is unknown or cannot be shown closes the lane.
func (m *Machine) verdict(l *lane) (phase, string) {
	k := &l.current
	drainAt, closeAt := m.ages(l)
	switch {
	case l.need <= Classic:
		return open, ""
	case k.epoch == 0:
		return closed, "no key"
	case k.level < l.need:
		return closed, fmt.Sprintf("the key is %s, the floor %s", k.level, l.need)
	case m.due(closeAt):
		return closed, "the key is too old"
	case m.distrusted(l) && m.due(m.proveBy):
		return closed, "a key in use is known to others"
	case l.phase <= closed && m.disk.durable.floor(l.id.Intent) < l.need:
		return closed, "the floor is not on disk yet"
	case m.due(drainAt):
		return draining, "the key gets too old"
	}
	return open, ""
}

// distrusted reports whether a session of a compromised key may be left.
func (m *Machine) distrusted(l *lane) bool {
	return m.disk.want.Distrusted > 0 && min(l.oldest, l.current.epoch) <= m.disk.want.Distrusted
}

func (m *Machine) ages(l *lane) (drain, close time.Time) {
	close = l.current.since.Add(m.params.MaxAge)
	return close.Add(-m.params.DrainBefore), close
}

func (m *Machine) staleAt(l *lane) time.Time {
	return l.current.since.Add(2*m.params.Interval + 2*m.params.Jitter)
}

func (m *Machine) laneWake(l *lane, at func(time.Time)) {
	after := func(t time.Time) { // what lies behind has been done
		if t.After(m.now) {
			at(t)
		}
	}
	if l.next.epoch != 0 && l.next.epoch <= m.disk.durable.Epoch {
		at(l.retry)
	}
	at(l.askAt)
	if l.phase == closed {
		after(l.born.Add(alarmAfter))
	}
	if l.current.epoch == 0 {
		return
	}
	after(l.oldUntil)
	if l.need > Classic {
		drainAt, closeAt := m.ages(l)
		after(drainAt)
		after(closeAt)
		after(m.staleAt(l))
		after(m.proveBy)
	}
}
