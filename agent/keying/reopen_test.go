package keying

import (
	"errors"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/lane"
	"github.com/keiro-net/keiro/keys/rotate"
)

// inside does something with each lane, where all else about lanes is done.
func (a *agent) inside(f func(l *laneOf)) {
	done := make(chan struct{})
	a.mu.Lock()
	a.asked = append(a.asked, func() {
		for _, p := range a.peers {
			for _, l := range p.lanes {
				f(l)
			}
		}
		close(done)
	})
	a.mu.Unlock()
	notify(a.wake)
	<-done
}

func (a *agent) shut(l *laneOf)   { a.act(l.peer, rotate.Close{Lane: l.spec.ID, Reason: "test"}) }
func (a *agent) unshut(l *laneOf) { a.act(l.peer, rotate.Open{Lane: l.spec.ID}) }

// A silence that failed is not tried again when its lane has been opened
// since, however long that takes: until then the lane is not said to be open.
func TestOpenedWhileLoud(t *testing.T) {
	hub, _ := two(t, nil)
	eventually(t, "rest", hub.rest)
	dev := hub.devices.device("kr-w0")
	dev.deafen(errors.New("deaf"))
	var first time.Time
	hub.inside(hub.shut)
	eventually(t, "the alarm", func() bool { return len(hub.loud()) == 1 })
	dev.mu.Lock() // it hangs
	dev.deaf = nil
	hub.inside(func(l *laneOf) { first = l.again })
	hub.inside(hub.unshut)
	if s := hub.Lanes()[0]; s.Phase != Closed {
		t.Errorf("%+v: it may have a key that it must not have", s)
	}
	eventually(t, "the time to try again", func() bool {
		passed := false
		hub.inside(func(l *laneOf) { passed = !l.again.Equal(first) })
		return passed
	})
	dev.mu.Unlock()
	eventually(t, "rest", hub.rest)
	if s := hub.Lanes()[0]; dev.silent() || s.Phase != Open || len(hub.loud()) > 0 {
		t.Errorf("silent %v, %+v, alarms %q", dev.silent(), s, hub.loud())
	}
}

// A lane that is closed and opened while a new key is put in has that key
// afterwards, not the one before.
func TestOpenedDuringInstall(t *testing.T) {
	hub, _ := two(t, nil)
	eventually(t, "rest", hub.rest)
	dev := hub.devices.device("kr-w0")
	before := dev.preshared()
	dev.mu.Lock() // it hangs
	if !hub.Rekey("bea", rotate.RotateNow{}) {
		t.Fatal("there is nobody to agree with")
	}
	eventually(t, "an install", func() bool {
		under := false
		hub.inside(func(l *laneOf) { under = l.putting == 2 })
		return under
	})
	hub.inside(func(l *laneOf) { hub.shut(l); hub.unshut(l) })
	dev.mu.Unlock()
	eventually(t, "rest", hub.rest)
	if s := hub.Lanes()[0]; dev.silent() || dev.preshared() == before || s.Phase != Open || s.Epoch != 2 {
		t.Errorf("silent %v, the key before %v, %+v", dev.silent(), dev.preshared() == before, s)
	}
}

// lookNow has the lanes asked now, and waits until they were.
func (a *agent) lookNow(t *testing.T, asked func(l *laneOf) bool) {
	t.Helper()
	a.inside(func(l *laneOf) {
		l.poll = time.Now()
		a.touch(l.peer)
	})
	eventually(t, "an answer", func() bool {
		answered := false
		a.inside(func(l *laneOf) { answered = asked(l) })
		return answered
	})
}

// A device that does not answer any more is not said to be open for long, and
// has a key again when it answers.
func TestHangsForGood(t *testing.T) {
	hub, _ := two(t, nil)
	eventually(t, "rest", hub.rest)
	dev := hub.devices.device("kr-w0")
	dev.muted(errors.New("no answer"))
	for n := 1; n < lookMute; n++ {
		hub.lookNow(t, func(l *laneOf) bool { return l.mute == n })
		if s := hub.Lanes()[0]; s.Phase != Open {
			t.Fatalf("after %d: %+v", n, s)
		}
	}
	hub.lookNow(t, func(l *laneOf) bool { return l.mute == lookMute })
	eventually(t, "it to be closed", func() bool { return hub.Lanes()[0].Phase == Closed })
	dev.muted(nil)
	eventually(t, "a key", func() bool { return hub.Lanes()[0].Phase == Open })
	hub.lookNow(t, func(l *laneOf) bool { return l.mute == 0 })
}

// Nobody tells when an interface of the kernel is deleted: it is found out, and
// made again.
func TestDeletedUnseen(t *testing.T) {
	hub, _ := two(t, nil)
	eventually(t, "rest", hub.rest)
	dev := hub.devices.device("kr-w0")
	dev.muted(lane.ErrLost)
	hub.lookNow(t, func(*laneOf) bool { return dev.count("close") == 1 })
	eventually(t, "it to be closed", func() bool { return hub.Lanes()[0].Phase == Closed })
	dev.muted(nil)
	eventually(t, "a key", func() bool { return hub.Lanes()[0].Phase == Open })
}

// A peer that a closed lane has, from whomever, is taken away.
func TestClosedWithPeer(t *testing.T) {
	hub, _ := two(t, nil)
	eventually(t, "rest", hub.rest)
	dev := hub.devices.device("kr-w0")
	hub.inside(hub.shut)
	eventually(t, "silence", dev.silent)
	eventually(t, "rest", hub.rest)
	dev.mu.Lock()
	dev.status.Peer = lane.PublicKey{1}
	dev.mu.Unlock()
	hub.lookNow(t, func(*laneOf) bool { return dev.silent() })
}
