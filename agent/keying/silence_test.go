package keying

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/lane"
	"github.com/keiro-net/keiro/keys/rotate"
	"github.com/keiro-net/keiro/keys/secret"
)

// two agents over loopback with a lane on kr-w0 between them.
func two(t *testing.T, quantum Quantum) (hub, far *agent) {
	t.Helper()
	params := testParams()
	hub = newAgent(t, "ada", loopback(t), params, quantum)
	far = newAgent(t, "bea", loopback(t), params, quantum)
	must(t, far.Set([]Peer{hub.peer}, memoryLanes(t, "ada", 0, 1)))
	must(t, hub.Set([]Peer{far.peer}, memoryLanes(t, "bea", 0, 1)))
	agreed(t, 1, hub, []*agent{far})
	return hub, far
}

func loopback(t *testing.T) netip.Addr {
	t.Helper()
	return netip.MustParseAddr("127.0.0.1")
}

// loud are the alarms of what may carry and should not.
func (a *agent) loud() (messages []string) {
	for _, alarm := range a.Alarms() {
		if alarm.Name == SilenceError {
			messages = append(messages, fmt.Sprintf("%s %s %s", alarm.Peer, alarm.Lane, alarm.Message))
		}
	}
	return messages
}

// rest: no lane waits to be silenced, now or later.
func (a *agent) rest() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	waits := len(a.leaving) > 0 || len(a.queues) > 0
	for _, p := range a.peers {
		for _, l := range p.lanes {
			waits = waits || !l.again.IsZero()
		}
	}
	return !waits
}

// A lane that left and cannot be silenced is told of, and is not let go of
// before it is silent.
func TestLeftAndDeaf(t *testing.T) {
	t.Parallel()
	hub, _ := two(t, nil)
	dev := hub.devices.device("kr-w0")
	dev.deafen(errors.New("injected"))
	must(t, hub.Set(nil, nil))
	eventually(t, "it is tried again and again", func() bool { return dev.count("deaf") >= 3 })
	if got := hub.loud(); !slices.Equal(got, []string{"bea gold/0 kr-w0 may still carry: injected"}) {
		t.Errorf("alarms %q", got)
	}
	if dev.silent() || dev.count("close") > 0 || len(hub.Lanes()) != 0 {
		t.Errorf("calls %v, lanes %+v", dev.called(), hub.Lanes())
	}
	dev.deafen(nil)
	eventually(t, "silence", func() bool { return dev.silent() && hub.rest() })
	calls := dev.called()
	if last := calls[len(calls)-2:]; !slices.Equal(last, []string{"silence", "close"}) || len(hub.loud()) > 0 {
		t.Errorf("calls %v, alarms %q", calls, hub.loud())
	}
}

// Another lane on the interface of one that could not be silenced gets no key
// beside the sessions of that one, and is not silenced in its place.
func TestInterfaceOfTheDeaf(t *testing.T) {
	t.Parallel()
	hub, far := two(t, nil)
	dev := hub.devices.device("kr-w0")
	dev.deafen(errors.New("injected"))
	must(t, hub.Set(nil, nil))
	eventually(t, "an alarm", func() bool { return len(hub.loud()) == 1 })
	must(t, far.Set([]Peer{hub.peer}, memoryLanes(t, "ada", 0, 1)))
	must(t, hub.Set([]Peer{far.peer}, memoryLanes(t, "bea", 0, 1)))
	before := dev.count("key")
	eventually(t, "the new lane is refused its key", func() bool {
		return slices.ContainsFunc(hub.Alarms(), func(a Alarm) bool { return a.Name == rotate.InstallError && a.Message == "injected" })
	})
	if n := dev.count("key"); n != before {
		t.Errorf("%d keys, though the session of another may live: %v", n-before, dev.called())
	}
	dev.deafen(nil)
	eventually(t, "it is open", func() bool { return hub.Lanes()[0].Phase == Open && hub.rest() })
	if dev.silent() || len(hub.Alarms()) > 0 {
		t.Errorf("calls %v, alarms %+v", dev.called(), hub.Alarms())
	}
}

// A lane below its floor that cannot be silenced gets no key beside the
// sessions that it has; with its new key it is let alone.
func TestDeafThenKeyed(t *testing.T) {
	t.Parallel()
	hub, far := two(t, newKME(t))
	dev := hub.devices.device("kr-w0")
	dev.deafen(errors.New("injected"))
	ours, theirs := memoryLanes(t, "bea", 0, 1), memoryLanes(t, "ada", 0, 1)
	ours[0].Config.Private, theirs[0].Config.Private = hub.private(), far.private()
	ours[0].Level, theirs[0].Level = rotate.QKD, rotate.QKD
	must(t, far.Set([]Peer{hub.peer}, theirs))
	must(t, hub.Set([]Peer{far.peer}, ours))
	eventually(t, "an alarm", func() bool { return len(hub.loud()) == 1 })
	before := dev.count("key")
	eventually(t, "it is refused its key", func() bool {
		return slices.ContainsFunc(hub.Alarms(), func(a Alarm) bool { return a.Name == rotate.InstallError })
	})
	if n := dev.count("key"); n != before || dev.silent() {
		t.Errorf("%d keys, though a session below the floor may live: %v", n-before, dev.called())
	}
	dev.deafen(nil)
	eventually(t, "it is open, and let alone", func() bool { return hub.Lanes()[0].Phase == Open && hub.rest() })
	if dev.silent() || len(hub.Alarms()) > 0 {
		t.Errorf("calls %v, alarms %+v", dev.called(), hub.Alarms())
	}
}

// A lane that left is not silenced any more where another one has its
// interface since.
func TestReplaced(t *testing.T) {
	t.Parallel()
	hub, _ := two(t, nil)
	eventually(t, "nothing is under way", hub.rest)
	dev := hub.devices.device("kr-w0")
	before := dev.count("silence")
	hub.mu.Lock()
	for _, l := range hub.peers["bea"].lanes {
		old := newLane(l.peer, l.spec)
		old.replaced = true
		hub.asked = append(hub.asked, func() { hub.leave(old) })
	}
	hub.mu.Unlock()
	notify(hub.wake)
	eventually(t, "it has left", func() bool {
		hub.mu.Lock()
		taken := len(hub.asked) == 0
		hub.mu.Unlock()
		return taken && hub.rest()
	})
	if n := dev.count("silence"); n != before || dev.silent() {
		t.Errorf("calls %v", dev.called())
	}
}

// private is the WireGuard key of the only lane, so that a new spec leaves the
// device.
func (a *agent) private() (k secret.Key) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range a.peers {
		for _, l := range p.lanes {
			k = l.spec.Config.Private
		}
	}
	return k
}

// To silence a lane nothing is made: where there is no device, none carries.
func TestSilenceMakesNothing(t *testing.T) {
	t.Parallel()
	hub := newAgent(t, "ada", loopback(t), testParams(), nil)
	far := newAgent(t, "bea", loopback(t), testParams(), nil)
	must(t, os.WriteFile(hub.store.path("bea"), []byte("{"), 0o600))
	must(t, hub.Set([]Peer{far.peer}, memoryLanes(t, "bea", 0, 1)))
	closed := func() bool {
		l := hub.Lanes()
		return len(l) == 1 && l[0].Reason == errState && hub.rest()
	}
	eventually(t, "a lane that must be silent", closed)
	must(t, hub.Set(nil, nil))
	eventually(t, "it has left", func() bool { return len(hub.Lanes()) == 0 && hub.rest() })
	if dev := hub.devices.device("kr-w0"); dev != nil || len(hub.loud()) > 0 {
		t.Errorf("made %+v, alarms %q", dev, hub.loud())
	}
}

// However many devices hang: a lane whose floor rises is silenced, and gets no
// key any more that waited for its turn; the state of pairs is written. The
// key that comes later, and is below the floor, is not left to WireGuard.
func TestDevicesHang(t *testing.T) {
	t.Parallel()
	const many = slots + 8
	params := testParams()
	hub := newAgent(t, "ada", loopback(t), params, nil)
	bea := newAgent(t, "bea", loopback(t), params, nil)
	cyd := newAgent(t, "cyd", loopback(t), params, nil)
	silver := memoryLanes(t, "cyd", many, 1)
	silver[0].ID.Intent = "silver"
	far := memoryLanes(t, "ada", many, 1)
	far[0].ID.Intent = "silver"
	must(t, cyd.Set([]Peer{hub.peer}, far))
	must(t, hub.Set([]Peer{cyd.peer}, silver))
	agreed(t, 1, hub, []*agent{cyd})
	dev := hub.devices.device(silver[0].Interface)

	release := hub.devices.jam(func(name string) bool { return name != silver[0].Interface })
	t.Cleanup(release)
	must(t, bea.Set([]Peer{hub.peer}, memoryLanes(t, "ada", 0, many)))
	all := append(memoryLanes(t, "bea", 0, many), silver...)
	peers := []Peer{bea.peer, cyd.peer}
	must(t, hub.Set(peers, all))
	eventually(t, "as many devices hang as may", func() bool {
		hub.mu.Lock()
		defer hub.mu.Unlock()
		return hub.Keyer.devices.free == 0
	})
	keys := dev.count("key")
	hub.Rekey("cyd", rotate.RotateNow{})
	eventually(t, "a new epoch is on disk, and its key waits", func() bool {
		hub.mu.Lock()
		defer hub.mu.Unlock()
		q := hub.queues["device "+silver[0].Interface]
		return hub.peers["cyd"].machine.Epoch() >= 2 && q != nil && len(q.jobs) > 0 && !q.busy
	})
	all[many].Level = rotate.QKD
	must(t, hub.Set(peers, all))
	eventually(t, "silence", dev.silent)
	if n := dev.count("key"); n != keys {
		t.Errorf("%d keys came, though all devices hang", n-keys)
	}
	eventually(t, "the key that waited is refused", func() bool {
		return slices.ContainsFunc(hub.Alarms(), func(a Alarm) bool { return a.Name == rotate.InstallError && a.Message == errClosed.Error() })
	})
	release()
	eventually(t, "the key that waited is tried again", func() bool { return dev.count("key") > keys })
	eventually(t, "it is not left to WireGuard", func() bool { return dev.silent() && hub.rest() })
	for _, l := range hub.Lanes() {
		if l.Lane.Intent == "silver" && (l.Phase != Closed || !strings.Contains(l.Reason, "the floor qkd")) {
			t.Errorf("%+v", l)
		}
	}
}

// A helper that hangs while its lane leaves may carry on: that is told until it
// answers again and is silent.
func TestLeftAndHung(t *testing.T) {
	t.Parallel()
	_, a, b := newPair(t, 1)
	works(t, a, b, 1)
	pid := a.pid(t, 1)
	must(t, unix.Kill(pid, unix.SIGSTOP))
	t.Cleanup(func() { _ = unix.Kill(pid, unix.SIGCONT) })
	a.set([]*node{b})
	eventually(t, "an alarm", func() bool { return strings.Contains(a.alarms(), SilenceError) })
	must(t, unix.Kill(pid, unix.SIGCONT))
	eventually(t, "silence", func() bool { return a.status(t, 1).Peer == lane.PublicKey{} })
	eventually(t, "the alarm is over", func() bool { return a.alarms() == "" })
	if a.pid(t, 1) != pid {
		t.Error("another helper was made")
	}
}
