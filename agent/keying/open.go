package keying

import "errors"

// open lets a lane carry. A lane that was closed has no peer in WireGuard: it
// is put back with the key that it had, or without one needs a new epoch.
func (k *Keyer) open(l *laneOf) {
	k.turnTo(l, Open, "")
	if l == nil || !l.bare {
		return
	}
	if l.putting != 0 {
		l.opening = true // with the key that is being put in, not with the one before
		return
	}
	l.bare = false
	key, spec, before := l.last, l.spec, k.leaving[l.spec.Interface]
	k.beside(l, func() func() {
		err := errNoKey
		if key.Present() {
			err = l.give(k, spec, key, before)
		}
		return func() {
			if !l.current() {
				return
			}
			defer notify(k.changes)
			if err == nil {
				k.given(l, before)
				return
			}
			l.keyed, l.bare = false, l.alarm != ""
			k.Log.Info("lane not put back", "interface", spec.Interface, "error", err)
			k.keyLost(l)
		}
	}, nothing)
}

// reopen opens a lane for which a key under way was waited.
func (k *Keyer) reopen(l *laneOf) {
	if l.opening && l.putting == 0 {
		k.open(l)
	}
}

var (
	errNoKey  = errors.New("its key is erased")
	errClosed = errors.New("the lane was closed before WireGuard had the key")
)
