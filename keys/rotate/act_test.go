package rotate

import (
	"fmt"
	"slices"
)

// action is one thing that can happen in a world. With a fault it costs one
// of the faults that may happen.
type action struct {
	what  what
	side  uint8
	index uint8
	fault bool
}

type what uint8

const (
	deliver what = iota // packet index arrives
	repeat              // and stays on the wire: it will arrive again
	lose
	restart
	wrote
	wroteNot  // the write failed
	wroteSo   // it failed, but is on disk
	installed // the first install under way
	installNot
	installSo
	kmeGives
	kmeDenies
	shake
	pass
	crashBefore // what was under way did not happen
	crashAfter  // it happened
	remade      // a device is made anew
	order       // rotate now
	compromise
	lower // the configuration asks for less
)

var actions = [...]string{"deliver", "deliver a copy of", "lose", "restart", "disk done", "disk fails", "disk says it failed",
	"install done", "install fails", "install says it failed", "KME gives", "KME denies", "handshake", "time passes",
	"crash before", "crash after", "device remade", "order to rotate", "order to rekey", "asked for less"}

// menu lists what can happen next. Time passes for free only when nobody is
// busy; otherwise something is late, which is a fault.
func (w *world) menu(menu []action, faults bool, rare []what) []action {
	add := func(what what, side, index int, fault bool) {
		if faults || !fault {
			menu = append(menu, action{what, uint8(side), uint8(index), fault})
		}
	}
	for i := range w.wire {
		add(deliver, w.wire[i].to, i, false)
		add(repeat, w.wire[i].to, i, true)
		add(lose, w.wire[i].to, i, true)
	}
	for i, s := range w.side {
		if s.down {
			add(restart, i, 0, false)
			continue
		}
		if s.write != nil {
			add(wrote, i, 0, false)
			add(wroteNot, i, 0, true)
			add(wroteSo, i, 0, true)
		}
		if len(s.installs) > 0 {
			add(installed, i, 0, false)
			add(installNot, i, 0, true)
			add(installSo, i, 0, true)
		}
		if len(s.qkd) > 0 {
			add(kmeGives, i, 0, false)
			add(kmeDenies, i, 0, true)
		}
		add(crashBefore, i, 0, true)
		if s.write != nil || len(s.installs) > 0 {
			add(crashAfter, i, 0, true)
		}
		for _, r := range rare {
			if r != lower || s.disk.floor(w.specs[0].Lane.Intent) == w.specs[0].Level {
				add(r, i, 0, true)
			}
		}
	}
	for n := range w.specs {
		if w.mayShake(n) {
			add(shake, 0, n, false)
		}
	}
	if busy := w.busy(); !busy || !w.wake().IsZero() {
		add(pass, 0, 0, busy)
	}
	return menu
}

// next is what happens when nothing more goes wrong.
func (w *world) next() action {
	if w.busy() {
		return w.menu(nil, false, nil)[0]
	}
	return action{what: pass}
}

// do returns the world after an action. Callers that need the old one no more
// than once may look at it still: nothing in it is changed.
func (w *world) do(a action) *world {
	w = w.clone()
	w.wrong = nil
	if a.what == pass || a.what == shake {
		w.own(0)
		w.own(1)
	} else {
		w.own(int(a.side))
	}
	i, s := int(a.side), w.side[a.side]
	switch a.what {
	case deliver, repeat, lose:
		p := w.wire[a.index]
		if a.what != repeat {
			w.wire = slices.Delete(w.wire, int(a.index), int(a.index)+1)
		}
		if a.what != lose && !s.down {
			w.step(i, Message{p.data})
		}
	case restart:
		w.restart(i)
	case wrote, wroteNot, wroteSo:
		state := *s.write
		s.write = nil
		if a.what != wroteNot {
			w.toDisk(i, state)
		}
		if a.what == wrote {
			w.step(i, Persisted{})
		} else {
			w.step(i, PersistFailed{"no space"})
		}
	case installed, installNot, installSo:
		e := s.installs[0]
		s.installs = s.installs[1:]
		if a.what != installNot {
			w.hold(i, e)
		}
		if a.what == installed {
			w.step(i, Installed{e.Lane, e.Epoch})
		} else {
			w.step(i, InstallFailed{e.Lane, e.Epoch, "no such device"})
		}
	case kmeGives, kmeDenies:
		e := s.qkd[0]
		s.qkd = s.qkd[1:]
		n := qkdNumber(e.ID)
		if n == 0 {
			n = nonce()
		}
		if a.what == kmeGives {
			w.step(i, QKDKey{e.Lane, qkdName(n), fakeKey{qkd: n}})
		} else {
			w.step(i, QKDFailed{e.Lane})
		}
	case shake:
		w.shake(int(a.index))
	case pass:
		w.pass()
	case crashBefore, crashAfter:
		w.crash(i, a.what == crashAfter)
	case remade:
		n := len(w.specs) - 1
		d := &s.wg[n]
		d.psk, d.open, d.asked = fakeKey{}, false, false
		w.sessions[n] = session{}
		w.step(i, KeyLost{w.specs[n].Lane})
	case order:
		w.step(i, RotateNow{})
	case compromise:
		s.breach = w.clock(i, w.now).Add(w.params.ProveWithin)
		w.step(i, RotateNow{Compromised: true})
	case lower:
		s.lowered = true
		w.configure(i)
	}
	return w
}

// describe says what an action does in a world, for traces.
func (w *world) describe(a action) string {
	end := [...]string{"initiator", "responder"}[a.side]
	switch a.what {
	case deliver, repeat, lose:
		f, _ := parseFake(w.wire[a.index].data)
		return fmt.Sprintf("%s %s of epoch %d (exchange %d.%d) to the %s", actions[a.what], kinds[f.kind], f.epoch, f.x, f.r, end)
	case pass:
		return fmt.Sprintf("%s: %s", actions[a.what], w.wake().Sub(w.now))
	case shake:
		return fmt.Sprintf("%s on %s", actions[a.what], w.specs[a.index].Lane)
	}
	return actions[a.what] + ", " + end
}

var kinds = [...]string{"?", "Init", "Reply", "Confirm", "Commit", "Nudge"}
