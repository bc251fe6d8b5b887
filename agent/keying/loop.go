package keying

import (
	"context"
	"time"

	"github.com/keiro-net/keiro/keys/rotate"
)

// Run keys lanes until ctx ends, and returns its error then: the secrets are
// erased, and WireGuard goes on with the keys it has. It is to be called once.
func (k *Keyer) Run(ctx context.Context) error {
	go k.read()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			k.end()
			return ctx.Err()
		case p := <-k.in:
			k.turn(func() { k.hear(p) })
		case f := <-k.done:
			k.turn(func() { k.over(f) })
		case f := <-k.lost:
			k.turn(f)
		case <-k.wake:
			k.turn(k.obey)
		case <-timer.C:
			k.turn(k.tick)
		}
		timer.Reset(k.sleep())
	}
}

// turn does one thing, and what follows from it at once.
func (k *Keyer) turn(f func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	f()
	for len(k.later) > 0 {
		next := k.later[0]
		k.later = k.later[1:]
		next()
	}
	for _, p := range k.touched {
		p.touched = false
		p.plan()
		k.next = sooner(k.next, p.wake)
	}
	k.touched = k.touched[:0]
}

// touch has the pair's next time found out at the end of the turn.
func (k *Keyer) touch(p *peer) {
	if !p.touched {
		p.touched = true
		k.touched = append(k.touched, p)
	}
}

// sooner is the earlier of two times, of which the zero one is never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// sleep is how long nothing is to be done unless something happens. A time
// that has moved on since costs a tick that finds nothing to do.
func (k *Keyer) sleep() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.next.IsZero() {
		return time.Minute
	}
	return max(time.Until(k.next), 0)
}

// tick does what is due.
func (k *Keyer) tick() {
	now := time.Now()
	k.next = time.Time{}
	for _, p := range k.peers {
		if p.wake.IsZero() || now.Before(p.wake) {
			k.next = sooner(k.next, p.wake)
			continue
		}
		if p.machine == nil && !now.Before(p.reload) {
			k.load(p)
		}
		if !p.remind.IsZero() && !now.Before(p.remind) {
			k.remind(p, now)
		}
		for _, l := range p.lanes {
			if !l.poll.IsZero() && !now.Before(l.poll) {
				k.look(l)
			}
			switch {
			case l.again.IsZero() || now.Before(l.again):
			case l.bare:
				k.silence(l)
			default: // a key is being put in, which silences it first
				l.again = now.Add(retry)
			}
		}
		k.step(p, rotate.Tick{})
		k.touch(p)
	}
	for _, l := range k.leaving {
		if !l.again.IsZero() && !now.Before(l.again) {
			k.silence(l)
		}
		k.next = sooner(k.next, l.again)
	}
}

// obey takes in the last Set, and what the operator asked for.
func (k *Keyer) obey() {
	if w := k.want; w != nil {
		k.want = nil
		k.obeyWish(w)
	}
	asked := k.asked
	k.asked = nil
	for _, f := range asked {
		f()
	}
}

func (k *Keyer) obeyWish(w *wish) {
	wanted := make(map[string]map[rotate.Lane]Lane, len(w.peers))
	for _, p := range w.peers {
		wanted[p.Node] = map[rotate.Lane]Lane{}
	}
	for _, l := range w.lanes {
		wanted[l.Peer][l.ID] = l
	}
	for name, p := range k.peers {
		if wanted[name] == nil {
			k.configure(p, nil)
			k.dismiss(p)
		}
	}
	for _, p := range w.peers {
		k.configure(k.meet(p), wanted[p.Node])
	}
	clear(k.byAddr)
	for _, p := range k.peers {
		k.byAddr[plain(p.Addr)] = p
	}
	k.admit()
	notify(k.changes)
}

// end waits for all calls that were asked for, so that no lane is left open
// that was to be silenced, and erases all secrets.
func (k *Keyer) end() {
	k.turn(func() { k.ending = true })
	close(k.ended)
	k.conn.Close()
	for len(k.queues) > 0 {
		f := <-k.done
		k.turn(func() { k.over(f) })
	}
	k.turn(func() {
		for _, p := range k.peers {
			k.erase(p)
			for _, l := range p.lanes {
				l.close()
			}
		}
		for _, l := range k.leaving {
			l.close()
		}
		k.cookies.Now.Zero()
		k.cookies.Before.Zero()
	})
}
