package keying

import (
	"errors"
	"fmt"
	"time"

	"github.com/keiro-net/keiro/agent/lane"
)

// silence takes the peer away from WireGuard, and tries until it is. It waits
// for nothing but what is under way with the same device.
func (k *Keyer) silence(l *laneOf) {
	if l == nil {
		return
	}
	l.bare, l.again = true, time.Time{}
	if k.ending {
		return
	}
	name := l.spec.Interface
	k.ahead(l, func() func() {
		err := l.hush(k, name)
		return func() { k.silenced(l, err) }
	})
}

// hush makes nothing: what is not there carries nothing, and what cannot be
// reached may. It is of the calls in the lane's queue, as those with a device.
func (l *laneOf) hush(k *Keyer, name string) error {
	if l.replaced {
		return nil // another lane has the interface, with a peer of its own
	}
	err := lane.ErrLost
	if l.dev != nil {
		err = l.dev.Silence()
	}
	if errors.Is(err, lane.ErrLost) { // our connection is
		err = findAndHush(k.Devices, name)
	}
	l.loud = err != nil
	return err
}

func findAndHush(devices Devices, name string) error {
	dev, err := devices.Find(name)
	if errors.Is(err, lane.ErrLost) {
		return nil
	}
	if err != nil {
		return err
	}
	defer dev.Close() // of a connection that is not needed any more nothing is to be told
	return dev.Silence()
}

func (k *Keyer) silenced(l *laneOf, err error) {
	defer notify(k.changes)
	l.keyed = l.keyed && err != nil
	if err == nil {
		k.quiet(l)
		return
	}
	if l.alarm == "" {
		k.Log.Error("alarm", "name", SilenceError, "peer", l.peer.Node, "interface", l.spec.Interface, "error", err)
	}
	l.alarm = fmt.Sprintf("%s may still carry: %v", l.spec.Interface, err)
	l.again = time.Now().Add(retry)
	k.next = sooner(k.next, l.again)
	if l.current() {
		k.touch(l.peer)
	}
}

// quiet: nothing that was to be silenced carries any more.
func (k *Keyer) quiet(l *laneOf) {
	if l.alarm != "" {
		k.Log.Info("alarm is over", "name", SilenceError, "peer", l.peer.Node, "interface", l.spec.Interface)
	}
	l.alarm, l.again = "", time.Time{}
	if k.leaving[l.spec.Interface] == l {
		k.left(l)
	}
}

// leave silences a lane that is gone. Until that is done it is not forgotten.
func (k *Keyer) leave(l *laneOf) {
	if before := k.leaving[l.spec.Interface]; before != nil {
		k.left(before) // one silence is both's
	}
	k.leaving[l.spec.Interface] = l
	k.restored(l) // nobody wants it any other than silent
	k.silence(l)
}

func (k *Keyer) left(l *laneOf) {
	delete(k.leaving, l.spec.Interface)
	k.enqueue(l.queue(), job{work: func() func() {
		l.close()
		return nil
	}})
}
