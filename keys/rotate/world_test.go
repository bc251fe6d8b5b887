package rotate

import (
	"bytes"
	"fmt"
	"slices"
	"time"
)

// world is a pair of machines, the wire between them, their disks, and what
// WireGuard does: the PSK of each lane at both ends, and its session, which
// begins only where the PSKs are equal and is dead after 180 s.
//
// A world is changed by its actions alone (act_test.go). After each, what must
// never be is looked for (never_test.go).
type world struct {
	now      time.Time
	params   Params
	specs    []LaneSpec // the levels that must hold
	idle     bool       // nobody can ask WireGuard for a handshake, and it has no reason for one while a session lives
	side     [2]*side   // 0 is the initiator
	wire     []packet   // a set, in canonical order
	sessions []session
	lax      bool
	drift    [2]float64                      // by how much each end's clock runs too fast
	wrong    error                           // the first invariant that broke
	watch    func(w *world, i int, e Effect) // told of every effect; may be nil
}

type packet struct {
	to   int
	data []byte
}

type session struct {
	key   fakeKey
	since time.Time
	alive bool
}

// side is one end: a machine, and what it acts upon.
type side struct {
	m        *Machine
	down     bool
	lowered  bool // its configuration asks for classic
	disk     State
	write    *State // under way
	installs []Install
	qkd      []NeedQKD
	wg       []device
	breach   time.Time // by then no distrusted key may be in use; zero: no compromise
}

// device is WireGuard's end of a lane.
type device struct {
	psk    fakeKey
	born   time.Time // when this end first held it
	newest uint64    // epoch ever held
	open   bool
	asked  bool // for a handshake
}

func (s *side) clone() *side {
	c := *s
	c.installs, c.qkd, c.wg = slices.Clone(s.installs), slices.Clone(s.qkd), slices.Clone(s.wg)
	if s.m != nil {
		c.m = s.m.clone()
	}
	return &c
}

// clone shares both sides; own copies one.
func (w *world) clone() *world {
	c := *w
	c.wire, c.sessions = slices.Clone(w.wire), slices.Clone(w.sessions)
	return &c
}

func (w *world) own(i int) *side {
	w.side[i] = w.side[i].clone()
	return w.side[i]
}

func (m *Machine) clone() *Machine {
	c := *m
	c.out = nil
	c.disk.want = m.disk.want.clone()
	c.lanes = slices.Clone(m.lanes)
	for i := range c.lanes {
		c.lanes[i].old = slices.Clone(c.lanes[i].old)
	}
	c.firing, c.half = slices.Clone(m.firing), slices.Clone(m.half)
	if m.try != nil {
		t := *m.try
		t.missing, t.offers, t.quanta = slices.Clone(t.missing), slices.Clone(t.offers), slices.Clone(t.quanta)
		if s, ok := t.secret.(*fakeInitiator); ok {
			own := *s
			t.secret = &own
		}
		c.try = &t
	}
	if m.accept != nil {
		a := *m.accept
		a.missing, a.quanta = slices.Clone(a.missing), slices.Clone(a.quanta)
		c.accept = &a
	}
	return &c
}

var midnight = time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)

// newWorld begins with two agents that never met.
func newWorld(p Params, specs []LaneSpec, idle bool) *world {
	w := emptyWorld(p, specs)
	w.idle = idle
	for i := range w.side {
		w.restart(i)
	}
	return w
}

// emptyWorld has both agents down.
func emptyWorld(p Params, specs []LaneSpec) *world {
	w := &world{now: midnight, params: p, specs: specs, sessions: make([]session, len(specs))}
	for i := range w.side {
		w.side[i] = &side{down: true, wg: make([]device, len(specs))}
	}
	return w
}

// clock is what an end's clock shows at a time.
func (w *world) clock(i int, t time.Time) time.Time {
	return t.Add(time.Duration(float64(t.Sub(midnight)) * w.drift[i]))
}

// unclock is the first time at which an end's clock shows at least t.
func (w *world) unclock(i int, t time.Time) time.Time {
	if t.IsZero() || w.drift[i] == 0 {
		return t
	}
	return midnight.Add(time.Duration(float64(t.Sub(midnight))/(1+w.drift[i])) + time.Microsecond)
}

func (w *world) violate(format string, args ...any) {
	if w.wrong == nil {
		w.wrong = fmt.Errorf(format, args...)
	}
}

func (w *world) index(id Lane) int {
	return slices.IndexFunc(w.specs, func(s LaneSpec) bool { return s.Lane == id })
}

// restart brings an agent back with what its disk and its devices hold.
func (w *world) restart(i int) {
	s := w.side[i]
	s.down = false
	var held []Lane
	for n, d := range s.wg {
		if d.psk.epoch != 0 {
			held = append(held, w.specs[n].Lane)
		}
	}
	now := w.clock(i, w.now)
	s.m = New(now, Config{
		Initiator: i == 0, Crypto: fakeCrypto{initiator: i == 0}, Params: w.params,
		State: s.disk.clone(), Held: held,
	})
	if s.disk.Distrusted > 0 && !s.breach.IsZero() {
		s.breach = now.Add(w.params.ProveWithin)
	}
	w.configure(i)
}

func (w *world) configure(i int) {
	specs := slices.Clone(w.specs)
	for n := range specs {
		if w.side[i].lowered {
			specs[n].Level = Classic
		}
	}
	w.step(i, Configured{specs})
}

// crash takes an agent away. What it was doing may have happened or not.
func (w *world) crash(i int, done bool) {
	s := w.side[i]
	if s.write != nil && done {
		w.toDisk(i, *s.write)
	}
	for done && len(s.installs) > 0 {
		w.hold(i, s.installs[0])
		s.installs = s.installs[1:]
	}
	s.m, s.down, s.write, s.installs, s.qkd = nil, true, nil, nil, nil
}

// hold is WireGuard taking a key.
func (w *world) hold(i int, e Install) {
	n := w.index(e.Lane)
	d, k := &w.side[i].wg[n], e.Key.(fakeKey)
	if k.epoch > d.newest {
		d.born = w.now
	}
	d.psk, d.newest = k, max(d.newest, k.epoch)
}

// step feeds a machine and carries out its effects, as far as they do not
// take time.
func (w *world) step(i int, e Event) {
	s := w.side[i]
	_, tick := e.(Tick)
	now := w.clock(i, w.now)
	early := tick && (s.m.Wake().IsZero() || now.Before(s.m.Wake()))
	out := s.m.Step(now, e)
	if early && len(out) > 0 {
		w.violate("a Tick before Wake has effects: %T", out[0])
	}
	for _, effect := range out {
		if w.watch != nil {
			w.watch(w, i, effect)
		}
		switch x := effect.(type) {
		case Send:
			w.send(packet{1 - i, x.Data})
		case Persist:
			if s.write != nil {
				w.violate("end %d: two writes at once", i)
			}
			s.write = &x.State
		case Install:
			w.installing(i, x)
			s.installs = append(s.installs, x)
		case NeedQKD:
			s.qkd = append(s.qkd, x)
		case AskHandshake:
			s.wg[w.index(x.Lane)].asked = true
		case Erase:
			w.erased(i, x)
		case Open:
			s.wg[w.index(x.Lane)].open = true
		case Drain:
		case Close:
			n := w.index(x.Lane)
			s.wg[n].open = false
			w.sessions[n] = session{} // the peer is gone, and its sessions
		}
	}
	w.look(i)
}

// send puts a packet on the wire. The wire is a set: a second copy of what is
// under way is no news to anybody.
func (w *world) send(p packet) {
	at, found := slices.BinarySearchFunc(w.wire, p, func(a, b packet) int {
		if a.to != b.to {
			return a.to - b.to
		}
		return bytes.Compare(a.data, b.data)
	})
	if !found {
		w.wire = slices.Insert(w.wire, at, p)
	}
}

// mayShake: both ends let the lane carry, hold one key, and one of them wants
// a handshake.
func (w *world) mayShake(n int) bool {
	a, b, s := &w.side[0].wg[n], &w.side[1].wg[n], &w.sessions[n]
	return a.open && b.open && a.psk == b.psk && a.psk.epoch != 0 &&
		(!s.alive || !w.idle && (a.asked || b.asked || w.now.Sub(s.since) >= 120*time.Second))
}

func (w *world) shake(n int) {
	w.sessions[n] = session{w.side[0].wg[n].psk, w.now, true}
	for i, s := range w.side {
		s.wg[n].asked = false
		if !s.down {
			w.step(i, Handshake{w.specs[n].Lane, w.clock(i, w.now)})
		}
	}
}

// pass lets time go on to when something is due.
func (w *world) pass() {
	next := w.wake()
	if next.IsZero() {
		w.violate("nobody ever wakes")
		return
	}
	if next.After(w.now) {
		w.now = next
	}
	for n := range w.sessions {
		if s := &w.sessions[n]; s.alive && w.now.Sub(s.since) >= rejectAfter {
			*s = session{}
		}
	}
	for i, s := range w.side {
		if s.down {
			continue
		}
		w.step(i, Tick{})
		for n := range w.sessions { // the shell reads WireGuard's handshakes now and then
			if session := &w.sessions[n]; session.alive {
				w.step(i, Handshake{w.specs[n].Lane, w.clock(i, session.since)})
			}
		}
	}
}

func (w *world) wake() time.Time {
	var next time.Time
	at := func(t time.Time) {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	for i, s := range w.side {
		if !s.down {
			at(w.unclock(i, s.m.Wake()))
		}
	}
	for _, s := range w.sessions {
		for _, age := range []time.Duration{120 * time.Second, rejectAfter} {
			if t := s.since.Add(age); s.alive && t.After(w.now) {
				at(t)
			}
		}
	}
	return next
}

// settled: both ends hold the same keys, know them, and want nothing. With
// more faults than one lane's recovery can meet (lax), an end that has forgotten
// its keys may learn new ones only at the next interval.
func (w *world) settled() bool {
	if w.busy() {
		return false
	}
	for i, s := range w.side {
		if s.down || s.m.try != nil || s.m.accept != nil || !s.m.disk.want.equal(&s.disk) {
			return false
		}
		for n := range w.specs {
			l := s.m.lane(w.specs[n].Lane)
			if l.next.epoch != 0 || l.current.secret == nil && !w.lax || !s.wg[n].open || s.wg[n].psk != w.side[1-i].wg[n].psk {
				return false
			}
		}
	}
	return true
}

// busy: something is under way that will be done without anybody's waiting.
func (w *world) busy() bool {
	if len(w.wire) > 0 {
		return true
	}
	for _, s := range w.side {
		if s.down || s.write != nil || len(s.installs) > 0 || len(s.qkd) > 0 {
			return true
		}
	}
	for n := range w.specs {
		if w.mayShake(n) {
			return true
		}
	}
	return false
}
