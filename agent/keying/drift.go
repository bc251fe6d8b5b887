package keying

import (
	"slices"
	"time"

	"github.com/keiro-net/keiro/keys/rotate"
)

// Drift is something of a lane that somebody else changed. It is put back,
// whoever it was: a lane whose peer, keys or allowed addresses are others than
// agreed is not one. WireGuard does not tell who did it.
type Drift struct {
	Lane      rotate.Lane
	Interface string
	What      string // in the words of wg(8)
	At        time.Time
	Restored  time.Time // zero: it is not yet
}

// maxDrifts are remembered.
const maxDrifts = 50

// Drifts are the latest changes by others, the oldest first.
func (k *Keyer) Drifts() []Drift {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.drifts)
}

// drift notes a change by others, once until it is put back.
func (k *Keyer) drift(l *laneOf, what string) {
	for _, d := range k.drifts {
		if d.Interface == l.spec.Interface && d.Restored.IsZero() {
			return
		}
	}
	if len(k.drifts) == maxDrifts {
		k.drifts = slices.Delete(k.drifts, 0, 1)
	}
	k.counts.Drifts++
	k.drifts = append(k.drifts, Drift{Lane: l.spec.ID, Interface: l.spec.Interface, What: what, At: time.Now()})
	notify(k.changes)
}

// restored: the device is as it must be.
func (k *Keyer) restored(l *laneOf) {
	for i := range k.drifts {
		if d := &k.drifts[i]; d.Interface == l.spec.Interface && d.Restored.IsZero() {
			d.Restored = time.Now()
			notify(k.changes)
		}
	}
}

// remake makes the device as it must be, and leaves the session if it can.
func (k *Keyer) remake(l *laneOf, spec Lane) {
	k.beside(l, func() func() {
		kept, err := l.touch(k, spec)
		return func() {
			if err != nil {
				k.Log.Warn("lane not changed", "interface", spec.Interface, "error", err)
			}
			if !kept || err != nil {
				k.keyLost(l)
				return
			}
			k.restored(l)
		}
	}, nothing) // who makes the peer again makes it so
}
