package keying

import (
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/internal/testnet"
	"github.com/keiro-net/keiro/keys/rotate"
)

// Two nodes key their lanes, and rotate under a stream of packets: none is
// lost and none leaves in the clear.
func TestRotationsLoseNothing(t *testing.T) {
	t.Parallel()
	w, a, b := newPair(t, 2)
	works(t, a, b, 1)
	works(t, a, b, 2)
	tap := w.tap()
	before := a.handshake(t, 1)
	flows := []*testnet.Flow{stream(a, b, 1, 1000), stream(b, a, 2, 1000)}
	for epoch := uint64(2); epoch <= 12; epoch++ {
		from, to := a, b // either end may ask
		if epoch%2 == 0 {
			from, to = b, a
		}
		if !from.keyer.Rekey(to.name, rotate.RotateNow{}) {
			t.Fatal("no such peer")
		}
		keyed(t, epoch, a, b)
		goesOn(t, flows[0], 300) // for handshakes of some epochs, not of all
	}
	eventually(t, "a handshake proves the last key at both ends", func() bool { return proven(a) && proven(b) })
	if !a.handshake(t, 1).After(before) {
		t.Error("no handshake since the first key: nothing was tried")
	}
	for i, flow := range flows {
		r := flow.Stop()
		if r.Lost() != 0 || r.Sent < 1000 {
			t.Errorf("lane %d: %+v", i+1, r)
		}
		tap.sealed(t, i+1, r.Sent)
	}
	if n := len(tap.keyDatagrams()); n < 100 {
		t.Errorf("the tap saw %d datagrams of exchanges", n)
	}
}

// handshake is when the lane's last one was.
func (n *node) handshake(t testing.TB, id int) time.Time {
	t.Helper()
	return n.status(t, id).Handshake
}

func proven(n *node) bool {
	for _, l := range n.keyer.Lanes() {
		if !l.Proven {
			return false
		}
	}
	return true
}

// An agent that ends and begins again in the middle loses no packet, and the
// epoch goes on.
func TestRestart(t *testing.T) {
	t.Parallel()
	w, a, b := newPair(t, 1)
	works(t, a, b, 1)
	tap := w.tap()
	flow := stream(a, b, 1, 1000)
	for epoch, n := range []*node{a, b, a, b} {
		n.stop()
		goesOn(t, flow, 200) // without it
		heal := n.blackhole()
		n.start()
		far := map[*node]*node{a: b, b: a}[n]
		n.join(far, 1)
		eventually(t, "the lane is open with the key that WireGuard has kept", func() bool {
			l := n.keyer.Lanes()
			return len(l) == 1 && l[0].Phase == Open && l[0].Epoch == uint64(epoch+1)
		})
		heal()
		keyed(t, uint64(epoch+2), a, b)
	}
	r := flow.Stop()
	if r.Lost() != 0 || r.Sent < 500 {
		t.Errorf("%+v", r)
	}
	tap.sealed(t, 1, r.Sent)
}

// An agent that begins again asks a device that does not answer once more
// before it takes the lane for closed.
func TestKeptThoughSlow(t *testing.T) {
	t.Parallel()
	_, a, b := newPair(t, 1)
	a.stop()
	a.blackhole()
	a.mute.Store(2) // it is asked a third time
	a.start()
	a.join(b, 1)
	eventually(t, "the lane is open with the key that WireGuard has kept", func() bool {
		l := a.keyer.Lanes()
		return len(l) == 1 && l[0].Phase == Open && l[0].Epoch == 1
	})
}

// Without messages the lanes go on with what they have; when they come again,
// so do the epochs.
func TestBlackhole(t *testing.T) {
	t.Parallel()
	_, a, b := newPair(t, 1)
	works(t, a, b, 1)
	flow := stream(a, b, 1, 1000)
	healA, healB := a.blackhole(), b.blackhole()
	a.keyer.Rekey(b.name, rotate.RotateNow{})
	eventually(t, "an attempt is given up", func() bool { return a.keyer.Counters().Pairs.Abandoned > 0 })
	if l := a.keyer.Lanes()[0]; l.Phase != Open || l.Epoch != 1 {
		t.Errorf("%+v", l)
	}
	healA()
	healB()
	keyed(t, 2, a, b)
	if r := flow.Stop(); r.Lost() != 0 || r.Sent < 100 {
		t.Errorf("%+v", r)
	}
}

// Three nodes, each with a lane to each other.
func TestThree(t *testing.T) {
	t.Parallel()
	w := newLAN(t, "aki", "bea", "cho")
	a, b, c := w.nodes[0], w.nodes[1], w.nodes[2]
	for _, n := range w.nodes {
		n.start()
	}
	level := rotate.PQ
	a.set([]*node{b, c}, a.lane(b, 1, level), a.lane(c, 2, level))
	b.set([]*node{a, c}, b.lane(a, 1, level), b.lane(c, 3, level))
	c.set([]*node{a, b}, c.lane(a, 2, level), c.lane(b, 3, level))
	keyed(t, 1, a, b, c)
	works(t, a, b, 1)
	works(t, a, c, 2)
	works(t, b, c, 3)
	// Rotate is of all pairs that have such a lane.
	if n := a.keyer.Rotate("gold", rotate.RotateNow{}); n != 2 {
		t.Errorf("%d pairs", n)
	}
	if n := a.keyer.Rotate("silver", rotate.RotateNow{}); n != 0 {
		t.Errorf("%d pairs have a lane that is nobody's", n)
	}
	eventually(t, "both pairs have rotated", func() bool { return a.keyer.Epoch("bea") == 2 && a.keyer.Epoch("cho") == 2 })
	// A peer that left: its lane is silent, and others are as they were.
	a.set([]*node{b}, a.lane(b, 1, level))
	eventually(t, "the lane that left is silent", func() bool { return a.status(t, 2).Peer != c.public })
	if lanes := a.keyer.Lanes(); len(lanes) != 1 || a.keyer.Epoch("cho") != 0 {
		t.Errorf("%+v", lanes)
	}
	if passes(t, a, c, 2) {
		t.Error("a packet came through a lane that left")
	}
	works(t, a, b, 1)
	// It comes back: its epoch was not forgotten.
	a.set([]*node{b, c}, a.lane(b, 1, level), a.lane(c, 2, level))
	eventually(t, "it is keyed again", func() bool { l := a.keyer.Lanes(); return len(l) == 2 && l[1].Phase == Open && l[1].Epoch > 2 })
	works(t, a, c, 2)
}
