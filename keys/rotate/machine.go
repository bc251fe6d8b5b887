// Package rotate moves one pair of agents from one key epoch to the next, as
// a transaction: prepare, confirm, commit, handshake, proof, erase. A Machine
// is one end of a pair, either one: Step takes an event and returns what is to
// be done. agent/keying drives it; package hybrid makes and reads the messages
// (Crypto). docs/key-epochs.md tells the protocol, its invariants, and what
// each crash does.
//
// It is pure: no I/O, no clock, no goroutine; time is an argument. It never
// looks into a secret, never installs a key whose epoch is not on disk, never
// goes an epoch back, never lowers a floor, and never opens a lane whose key
// is below its floor, too old, or known to others.
//
// package budget: one state machine, whose parts all act on the same state
package rotate

import (
	"slices"
	"time"
)

// Config is what a machine begins its life with.
type Config struct {
	// Initiator: this end begins exchanges. It is so at exactly one end.
	Initiator bool
	Crypto    Crypto
	Params    Params
	// State is the last that was persisted; zero for a new pair.
	State State
	// Held are the lanes whose devices have kept their keys since State.
	Held []Lane
}

// Machine is one end of a pair.
type Machine struct {
	initiator bool
	crypto    Crypto
	params    Params

	now time.Time
	out []Effect

	disk   disk
	lanes  []lane // by id
	firing []Alarm
	counts Counts

	proveBy time.Time // by then distrusted keys must be out of use

	// Of the initiator.
	try      *attempt
	tried    uint64 // the peer may have committed it
	failures int    // attempts without an end, in a row
	hold     time.Time

	// Of the responder.
	half    []halfOpen // the oldest first
	accept  *accepting
	last    answered
	nudge   []byte
	nudgeOf uint64 // its epoch
	nudges  int    // sent in vain, in a row
	nudgeAt time.Time
}

// New returns a machine that goes on from a State. It asks for a new epoch as
// soon as it is stepped: a restart has lost all secrets.
func New(now time.Time, c Config) *Machine {
	m := &Machine{initiator: c.Initiator, crypto: c.Crypto, params: c.Params, now: now}
	m.disk = disk{want: c.State.clone(), durable: c.State.clone()}
	if c.State.Distrusted > 0 {
		m.proveBy = now.Add(m.params.ProveWithin)
	}
	for _, r := range c.State.Lanes {
		l := lane{id: r.Lane, need: c.State.floor(r.Lane.Intent), configured: true, due: now, born: now}
		// A time yet to come says nothing about the key's age.
		if slices.Contains(c.Held, r.Lane) && !r.Since.After(now) {
			l.current = key{epoch: r.Epoch, level: r.Level, since: r.Since, at: now}
			l.oldUntil = now.Add(rejectAfter)
			if r.Clean {
				l.oldest = c.State.Distrusted + 1
			}
		}
		m.lanes = append(m.lanes, l)
	}
	return m
}

// Step takes in one event and returns what is to be done, in order. Time that
// runs backwards stands still.
func (m *Machine) Step(now time.Time, event Event) []Effect {
	m.out = nil
	if now.After(m.now) {
		m.now = now
	}
	switch e := event.(type) {
	case Tick:
	case Message:
		m.message(e.Data)
	case Persisted:
		m.persisted(nil)
	case PersistFailed:
		m.persisted(&e)
	case Installed:
		m.installed(e)
	case InstallFailed:
		m.installFailed(e)
	case Handshake:
		m.handshake(e)
	case KeyLost:
		m.keyLost(e.Lane)
	case Configured:
		m.configure(e.Lanes)
	case QKDKey:
		m.quantum(e.Lane, e.ID, e.Key)
	case QKDFailed:
		m.quantum(e.Lane, "", nil)
	case RotateNow:
		m.rotateNow(e)
	}
	if m.initiator {
		m.initiate()
	} else {
		m.respond()
	}
	for i := range m.lanes {
		m.tend(&m.lanes[i])
	}
	if !m.initiator {
		m.commit() // after tend: a lane may have given up its key
		m.remind()
	}
	m.write()
	return m.out
}

// Wake returns when the machine next has something to do without an event:
// a Tick before then has no effect. Zero: never.
func (m *Machine) Wake() time.Time {
	var next time.Time
	at := func(t time.Time) {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	at(m.disk.wake())
	if m.initiator {
		at(m.initiatorWake())
	} else {
		at(m.responderWake())
	}
	for i := range m.lanes {
		m.laneWake(&m.lanes[i], at)
	}
	return next
}

// Counts returns how often which kind of thing has happened.
func (m *Machine) Counts() Counts { return m.counts }

// Epoch returns the last epoch that this end has committed, on disk.
func (m *Machine) Epoch() uint64 { return m.disk.durable.Epoch }

func (m *Machine) emit(e Effect) { m.out = append(m.out, e) }

func (m *Machine) due(t time.Time) bool { return !m.now.Before(t) }

// message sorts what comes in. Whatever is wrong with it is counted, and then
// it has no effect.
func (m *Machine) message(msg []byte) {
	h, err := m.crypto.Peek(msg)
	switch {
	case err != nil:
		m.refuse(err, &m.counts.Malformed)
	case (h.Kind == Init || h.Kind == Confirm) == m.initiator:
		m.counts.Reflected++
	case h.Kind == Init:
		m.onInit(h, msg)
	case h.Kind == Reply:
		m.onReply(h, msg)
	case h.Kind == Confirm:
		m.onConfirm(h, msg)
	case h.Kind == Commit:
		m.onCommit(h, msg)
	case h.Kind == Nudge:
		m.onNudge(msg)
	default:
		m.counts.Malformed++
	}
}

// refuse counts a message that Crypto did not take.
func (m *Machine) refuse(err error, otherwise *uint64) {
	if isForeign(err) {
		m.counts.Foreign++
	} else {
		*otherwise++
	}
}

// configure takes in which lanes there are. Asking for less than an intent's
// floor is refused: the floor stays, unless it was lowered.
func (m *Machine) configure(specs []LaneSpec) {
	for i := range m.lanes {
		m.lanes[i].configured = false
	}
	refused := map[string]bool{}
	for _, s := range specs {
		need := m.disk.want.raise(s)
		refused[s.Lane.Intent] = refused[s.Lane.Intent] || need > s.Level
		l := m.lane(s.Lane)
		if l == nil {
			i, _ := slices.BinarySearchFunc(m.lanes, s.Lane, func(l lane, id Lane) int { return l.id.compare(id) })
			m.lanes = slices.Insert(m.lanes, i, lane{id: s.Lane, due: m.now, born: m.now})
			l = &m.lanes[i]
		}
		l.configured = true
		if need > l.need && l.current.level < need {
			l.due = m.now
		}
	}
	for i := range m.lanes { // one intent's lanes have one floor, in whatever order they came
		l := &m.lanes[i]
		l.need = m.disk.want.floor(l.id.Intent)
		m.alarm(FloorRefused, Lane{Intent: l.id.Intent}, refused[l.id.Intent],
			"the configuration asks for less than "+l.need.String()+", which stays the floor")
		if !l.configured {
			m.forget(l)
		}
	}
	m.lanes = slices.DeleteFunc(m.lanes, func(l lane) bool { return !l.configured })
}

// forget closes a lane that is gone and erases its keys.
func (m *Machine) forget(l *lane) {
	m.emit(Close{l.id, "no longer configured"})
	m.erase(l, &l.next)
	m.erase(l, &l.current)
	m.eraseOld(l, maxEpoch)
	if l.spare.Key != nil {
		l.spare.Key.Zero()
	}
	for _, name := range []string{FloorViolated, KeyStale, InstallError} {
		m.alarm(name, l.id, false, "the lane is gone")
	}
	m.disk.want.record(Record{Lane: l.id})
}

// rotateNow makes all lanes due, and after a compromise sets the bound by
// which no distrusted key may be in use.
func (m *Machine) rotateNow(e RotateNow) {
	at := m.now
	if e.Within > 0 {
		at = at.Add(time.Duration(mix(m.params.Seed, ^m.disk.want.Epoch) % uint64(e.Within)))
	}
	for i := range m.lanes {
		if l := &m.lanes[i]; l.due.After(at) {
			l.due = at
		}
	}
	if !e.Compromised {
		return
	}
	// An exchange under way is known to others too.
	if m.try != nil {
		m.giveUp()
	}
	m.stop()
	for len(m.half) > 0 {
		m.dropHalf(0)
	}
	if by := at.Add(m.params.ProveWithin); !m.anyDistrusted() || by.Before(m.proveBy) {
		m.proveBy = by // of several the bound that comes sooner
	}
	m.disk.want.Distrusted = m.disk.want.Epoch
	for i := range m.lanes {
		m.keepRecord(&m.lanes[i])
	}
}

func (m *Machine) anyDistrusted() bool {
	return slices.ContainsFunc(m.lanes, func(l lane) bool { return l.current.epoch != 0 && m.distrusted(&l) })
}

// alarm raises or resolves; only a change is told.
func (m *Machine) alarm(name string, id Lane, firing bool, message string) {
	i := slices.IndexFunc(m.firing, func(a Alarm) bool { return a.Name == name && a.Lane == id })
	if firing == (i >= 0) {
		return
	}
	a := Alarm{Name: name, Lane: id, Firing: firing, Message: message}
	if firing {
		m.firing = append(m.firing, a)
	} else {
		m.firing = slices.Delete(m.firing, i, i+1)
	}
	m.emit(Raise{a})
}
