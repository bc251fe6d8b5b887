package keying

import (
	"cmp"
	"crypto/rand"
	"errors"
	"time"

	"github.com/keiro-net/keiro/agent/lane"
	"github.com/keiro-net/keiro/keys/rotate"
	"github.com/keiro-net/keiro/keys/secret"
)

// laneOf is one lane of a peer.
type laneOf struct {
	peer *peer
	spec Lane

	// Of the calls in the lane's queue alone.
	dev      lane.Device    // nil: not open
	public   lane.PublicKey // of its private key, which stays; zero: not asked yet
	loud     bool           // it was to be silenced, and was not
	replaced bool           // another lane has its interface

	phase  Phase
	reason string
	// keyed: WireGuard has the peer, and so a key. bare: when all that waits
	// in the queue is done it will not have one.
	keyed, bare bool
	opening     bool       // when the install under way is done
	putting     uint64     // the epoch of an install under way
	last        secret.Key // what was installed last, until the machine erases it
	installed   time.Time  // when that was
	poll        time.Time  // when WireGuard is asked again
	mute        int        // how often it has not answered since it did
	asked       time.Time  // when WireGuard was asked for a handshake last
	again       time.Time  // when it is silenced again, after that failed
	alarm       string     // what that means; "": nothing failed
	handshake   time.Time  // the last that was seen
	sent        uint64     // bytes, when WireGuard was asked last
	received    uint64
}

func newLane(p *peer, spec Lane) *laneOf { return &laneOf{peer: p, spec: spec, reason: "new"} }

// current: this is what its peer knows under the lane's name.
func (l *laneOf) current() bool { return !l.peer.gone && l.peer.lanes[l.spec.ID] == l }

func compare(a, b rotate.Lane) int {
	return cmp.Or(cmp.Compare(a.Intent, b.Intent), cmp.Compare(a.Index, b.Index))
}

func (l *laneOf) queue() string { return "device " + l.spec.Interface }

// sameDevice reports whether another spec leaves the sessions of the device.
func (l *Lane) sameDevice(other Lane) bool {
	return l.Interface == other.Interface && l.Config.Private.Equal(other.Config.Private) && l.Config.Peer.Public == other.Config.Peer.Public
}

func (l *Lane) sameConfig(other Lane) bool {
	a, b := &l.Config, &other.Config
	return a.Port == b.Port && a.Peer.Endpoint == b.Peer.Endpoint && a.Peer.Keepalive == b.Peer.Keepalive
}

// device opens the device if it is not open. Only calls in the lane's queue
// may call it and what follows here.
func (l *laneOf) device(k *Keyer, spec *Lane) (lane.Device, error) {
	if l.dev != nil {
		return l.dev, nil
	}
	dev, err := k.Devices.Open(spec.Interface, spec.MTU)
	if err != nil {
		return nil, err
	}
	l.dev = dev
	if lost := dev.Lost(); lost != nil {
		go k.watch(l, dev, lost)
	}
	return dev, nil
}

func (l *laneOf) close() {
	if l.dev != nil {
		_ = l.dev.Close() // nothing is left to be done about it
		l.dev = nil
	}
}

// watch waits until a device is gone.
func (k *Keyer) watch(l *laneOf, dev lane.Device, lost <-chan struct{}) {
	select {
	case <-lost:
	case <-k.ended:
		return
	}
	again := func() {
		if k.ending {
			return
		}
		k.enqueue(l.queue(), job{work: func() func() {
			if l.dev != dev {
				return nil // closed by us
			}
			l.close()
			return func() {
				k.Log.Warn("lane's device is gone", "interface", l.spec.Interface)
				k.keyLost(l)
			}
		}})
	}
	select {
	case k.lost <- again:
	case <-k.ended:
	}
}

func (k *Keyer) keyLost(l *laneOf) {
	if !l.current() {
		return
	}
	l.keyed = false
	k.step(l.peer, rotate.KeyLost{Lane: l.spec.ID})
	notify(k.changes)
}

// give makes the device as it must be, with a key. Sessions that were to end
// and did not, of this lane or of the one before it on the interface, would go
// on beside the key: they end first.
func (l *laneOf) give(k *Keyer, spec Lane, key secret.Key, before *laneOf) error {
	dev, err := l.device(k, &spec)
	if err != nil {
		return err
	}
	if l.loud || before != nil && before.loud {
		if err := dev.Silence(); err != nil {
			return err
		}
	}
	l.loud = false
	if before != nil {
		before.loud, before.replaced = false, true
	}
	c := spec.Config
	c.Peer.Preshared = key
	if err := dev.Set(c); err != nil { // gives the key to a peer that is made
		return err
	}
	return dev.SetPreshared(c.Peer.Public, key)
}

// given: the device has the key, and nothing of before.
func (k *Keyer) given(l, before *laneOf) {
	l.keyed = true
	k.restored(l)
	k.quiet(l)
	if before != nil && k.leaving[l.spec.Interface] == before {
		k.quiet(before)
	}
}

// kept reports whether the device has outlived the agent, and with it a key. A
// helper may be slow to answer on a busy machine, and to take the lane for
// closed for that would cost packets: so it is asked more than once.
func (l *laneOf) kept(k *Keyer, spec Lane) bool {
	for range askKept {
		kept, err := l.touch(k, spec)
		if err == nil {
			return kept
		}
		k.Log.Warn("cannot tell whether the lane has kept its key", "interface", spec.Interface, "error", err)
		l.close()
	}
	return false
}

// touch makes a device that has its peer as it must be, and leaves the key and
// the session; it reports whether there are such.
func (l *laneOf) touch(k *Keyer, spec Lane) (bool, error) {
	dev, err := l.device(k, &spec)
	if err != nil {
		return false, err
	}
	before, err := dev.Status()
	if err != nil || before.Peer != spec.Config.Peer.Public {
		return false, err
	}
	unused, err := secret.Random(rand.Reader) // counts only if the peer is made anew
	if err != nil {
		return false, err
	}
	defer unused.Zero()
	c := spec.Config
	c.Peer.Preshared = unused
	if err := dev.Set(c); err != nil {
		return false, err
	}
	after, err := dev.Status()
	return after.Handshake.Equal(before.Handshake), err
}

// adjust takes in a spec that leaves the sessions.
func (k *Keyer) adjust(l *laneOf, spec Lane) {
	same := l.spec.sameConfig(spec)
	l.spec = spec
	if same || !l.keyed {
		return
	}
	k.remake(l, spec)
}

// install hands a key to WireGuard. The same again while it is under way is
// one.
func (k *Keyer) install(l *laneOf, e rotate.Install) {
	if l == nil || l.putting == e.Epoch {
		return
	}
	key, spec, before := present(e.Key), l.spec, k.leaving[l.spec.Interface]
	l.putting, l.bare = e.Epoch, false
	failed := func(err error) {
		l.putting = 0
		if l.current() {
			l.bare = l.bare || !l.keyed || l.alarm != ""
			k.step(l.peer, rotate.InstallFailed{Lane: e.Lane, Epoch: e.Epoch, Err: err.Error()})
			k.reopen(l)
		}
	}
	k.beside(l, func() func() {
		err := l.give(k, spec, key, before)
		return func() {
			if err != nil {
				failed(err)
				return
			}
			l.putting = 0
			if !l.current() {
				return
			}
			k.given(l, before)
			l.last = key
			l.installed = time.Now()
			l.poll = l.installed.Add(k.Params.ProofMargin)
			k.step(l.peer, rotate.Installed{Lane: e.Lane, Epoch: e.Epoch})
			if l.phase == Closed && !l.bare {
				k.silence(l) // this key does not open it: it is below a floor that is newer
			}
			k.reopen(l)
			notify(k.changes)
		}
	}, func() { failed(errClosed) })
}

func nothing() {}

func (k *Keyer) turnTo(l *laneOf, phase Phase, reason string) {
	if l == nil {
		return
	}
	l.phase, l.reason, l.opening = phase, reason, false
	k.Log.Info("lane", "interface", l.spec.Interface, "lane", l.spec.ID.String(), "peer", l.peer.Node, "is", phase.String(), "reason", reason)
	notify(k.changes)
}

// handshake asks for one. The kernel's WireGuard makes them at its own time.
func (k *Keyer) handshake(l *laneOf) {
	if l == nil {
		return
	}
	l.asked = time.Now()
	spec := l.spec
	k.beside(l, func() func() {
		dev, err := l.device(k, &spec)
		if err == nil {
			err = dev.Handshake()
		}
		if err != nil && !errors.Is(err, lane.ErrNotAtWill) {
			k.Log.Debug("no handshake", "interface", spec.Interface, "error", err)
		}
		return nil
	}, nothing)
}

// look asks WireGuard for the last handshake, and whether all is as it was.
func (k *Keyer) look(l *laneOf) {
	l.poll = time.Now().Add(pollIdle)
	if !k.idle(l.queue()) {
		l.poll = time.Now().Add(pollProof)
		return
	}
	spec := l.spec
	k.beside(l, func() func() {
		dev, err := l.device(k, &spec)
		var s lane.Status
		if err == nil {
			s, err = dev.Status()
			if errors.Is(err, lane.ErrLost) && dev.Lost() == nil {
				l.close() // nobody tells of an interface of the kernel that is deleted
				return func() {
					if l.current() && l.keyed {
						k.drift(l, "interface")
					}
					k.keyLost(l)
				}
			}
		}
		wrong := ""
		if err == nil {
			if l.public == (lane.PublicKey{}) {
				l.public, err = lane.PublicOf(spec.Config.Private)
			}
			wrong = spec.Config.Wrong(s, l.public)
		}
		return func() { k.looked(l, s, wrong, err) }
	}, nothing)
}

func (k *Keyer) looked(l *laneOf, s lane.Status, wrong string, err error) {
	if !l.current() {
		return
	}
	defer k.touch(l.peer)
	if err != nil {
		k.Log.Debug("lane does not answer", "interface", l.spec.Interface, "error", err)
		l.poll = time.Now().Add(pollMute)
		if l.mute++; l.mute == lookMute && l.keyed {
			k.Log.Warn("lane does not answer any more", "interface", l.spec.Interface, "error", err)
			k.keyLost(l)
		}
		return
	}
	l.mute = 0
	l.sent, l.received = s.Sent, s.Received
	if l.phase == Closed && l.bare && s.Peer != (lane.PublicKey{}) {
		k.Log.Warn("a closed lane has a peer", "interface", l.spec.Interface)
		k.silence(l)
		return
	}
	if l.keyed && !l.bare && l.putting == 0 && s.Peer != l.spec.Config.Peer.Public {
		k.Log.Warn("somebody took the lane's peer away", "interface", l.spec.Interface)
		k.drift(l, wrong)
		k.keyLost(l)
		return
	}
	if l.keyed && !l.bare && l.putting == 0 && wrong != "" {
		k.Log.Warn("somebody has changed the lane", "interface", l.spec.Interface, "what", wrong)
		k.drift(l, wrong)
		k.remake(l, l.spec)
		return
	}
	if s.Handshake.After(l.handshake) {
		l.handshake = s.Handshake
		notify(k.changes)
	}
	m := l.peer.machine
	if m == nil || !l.keyed || m.View(l.spec.ID).Proven {
		return
	}
	if !s.Handshake.Before(l.installed) {
		k.step(l.peer, rotate.Handshake{Lane: l.spec.ID, At: s.Handshake})
	}
	if m.View(l.spec.ID).Proven {
		notify(k.changes)
		return
	}
	l.poll = time.Now().Add(pollProof)
	// The machine asks once. WireGuard does not hear it within five seconds of
	// the handshake before.
	if !l.asked.IsZero() && time.Since(l.asked) > askAgain {
		k.handshake(l)
	}
}

// zero overwrites a key, after the calls that may be using it.
func (k *Keyer) zero(l *laneOf, key rotate.Secret) {
	if key == nil {
		return
	}
	if l == nil || k.idle(l.queue()) {
		key.Zero()
		return
	}
	k.enqueue(l.queue(), job{work: func() func() {
		key.Zero()
		return nil
	}})
}
