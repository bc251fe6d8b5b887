package rotate

// What must never be, in a world. The first that is found is kept in wrong.

// toDisk: nothing on disk ever goes back.
func (w *world) toDisk(i int, state State) {
	s := w.side[i]
	if err := state.Validate(); err != nil {
		w.violate("end %d persists what is not valid: %v", i, err)
	}
	if state.Epoch < s.disk.Epoch || state.Distrusted < s.disk.Distrusted {
		w.violate("end %d persists epoch %d after %d", i, state.Epoch, s.disk.Epoch)
	}
	for _, f := range s.disk.Floors {
		if state.floor(f.Intent) < f.Level {
			w.violate("end %d lowers the floor of %s to %s", i, f.Intent, state.floor(f.Intent))
		}
	}
	s.disk = state
}

// installing is looked at before the key gets there.
func (w *world) installing(i int, e Install) {
	s, n, k := w.side[i], w.index(e.Lane), e.Key.(fakeKey)
	d, peer := &s.wg[n], w.side[1-i]
	switch {
	case k.lane != e.Lane || k.epoch != e.Epoch:
		w.violate("end %d gives lane %s epoch %d the key %+v", i, e.Lane, e.Epoch, k)
	case e.Epoch > s.disk.Epoch:
		w.violate("end %d installs epoch %d, on disk is %d", i, e.Epoch, s.disk.Epoch)
	case e.Epoch < d.newest || e.Epoch == d.newest && d.psk.epoch == d.newest && d.psk != k:
		w.violate("end %d installs epoch %d of %s after epoch %d, key %+v after %+v", i, e.Epoch, e.Lane, d.newest, k, d.psk)
	case i == 0 && e.Epoch > peer.disk.Epoch:
		w.violate("the initiator installs epoch %d, the responder has %d on disk", e.Epoch, peer.disk.Epoch)
	case k.level() < w.specs[n].Level:
		w.violate("end %d installs a %s key in %s", i, k.level(), e.Lane)
	}
	for j, other := range w.side { // no secret twice
		for m, d := range other.wg {
			same := d.psk.x == k.x && d.psk.r == k.r && d.psk.epoch != k.epoch ||
				k.qkd != 0 && d.psk.qkd == k.qkd && (d.psk.epoch != k.epoch || m != n)
			if d.psk.epoch != 0 && same {
				w.violate("end %d installs %+v, end %d has %+v", i, k, j, d.psk)
			}
			if m == n && d.psk.epoch == k.epoch && d.psk != k {
				w.violate("one epoch, two keys: %+v and %+v", k, d.psk)
			}
		}
	}
}

func (w *world) erased(i int, e Erase) {
	k, n := e.Key.(fakeKey), w.index(e.Lane)
	if l := w.side[i].m.lane(e.Lane); l != nil && len(l.old) >= keptKeys {
		return // so many epochs without a handshake: the oldest key goes unproven
	}
	if s := w.sessions[n]; s.alive && s.key == k {
		w.violate("end %d erases epoch %d of %s, which a session still uses", i, e.Epoch, e.Lane)
	}
}

// look checks what must hold at an end whenever its agent is up.
func (w *world) look(i int) {
	s, now := w.side[i], w.clock(i, w.now)
	for n := range s.wg {
		d, spec := &s.wg[n], w.specs[n]
		if !d.open || spec.Level <= Classic {
			continue
		}
		switch {
		case d.psk.level() < spec.Level:
			w.violate("end %d: lane %s is open with a %s key", i, spec.Lane, d.psk.level())
		case s.disk.floor(spec.Lane.Intent) < spec.Level:
			w.violate("end %d: lane %s is open and its floor not on disk", i, spec.Lane)
		case now.Sub(w.clock(i, d.born)) >= w.params.MaxAge:
			w.violate("end %d: lane %s is open with a key of age %s", i, spec.Lane, w.now.Sub(d.born))
		}
		if live := w.sessions[n]; live.alive && live.key.epoch <= s.disk.Distrusted && !s.breach.IsZero() && !now.Before(s.breach) {
			w.violate("end %d: a session of epoch %d goes on, known to others up to %d", i, live.key.epoch, s.disk.Distrusted)
		}
	}
}
