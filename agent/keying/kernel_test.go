package keying

import (
	"os"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/internal/testnet"
	"github.com/keiro-net/keiro/agent/lane"
	"github.com/keiro-net/keiro/keys/rotate"
)

// Two nodes key a lane of the kernel's WireGuard and rotate, and no packet is
// lost. Nobody can make the kernel begin a handshake, so the proof of the new
// key waits for the one that it makes by itself, within 120 s. Without the lane
// nothing goes through.
func TestKernelLane(t *testing.T) {
	var has lane.Answer
	var why error
	testnet.New(t).Do(func() error {
		has, why = lane.Kernel()
		return nil
	})
	if has == lane.No && os.Getenv("KEIRO_TEST_VM") == "" {
		t.Skip("no WireGuard in this kernel; make test-vm has one")
	}
	if has != lane.Yes {
		t.Fatalf("WireGuard in this kernel: %s, %v", has, why)
	}
	w := newLAN(t, "aki", "bea")
	a, b := w.nodes[0], w.nodes[1]
	for _, n := range w.nodes {
		n.kernel = true
		n.start()
	}
	a.join(b, 1)
	b.join(a, 1)
	keyed(t, 1, a, b)
	works(t, a, b, 1)

	first := a.handshake(t, 1)
	flow := stream(a, b, 1, 100)
	if !a.keyer.Rekey(b.name, rotate.RotateNow{}) {
		t.Fatal("no such peer")
	}
	keyed(t, 2, a, b)
	if proven(a) && !a.handshake(t, 1).After(first) {
		t.Error("a key that no handshake was made with is called proven")
	}
	const rekeyAfter = 120 * time.Second // WireGuard, section 6.1
	for end := time.Now().Add(rekeyAfter + patience); !proven(a) || !proven(b); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never proven: %+v, %+v", a.keyer.Lanes(), b.keyer.Lanes())
		}
	}
	if !a.handshake(t, 1).After(first) {
		t.Error("proven without a handshake")
	}
	works(t, a, b, 1)
	if r := flow.Stop(); r.Lost() != 0 || r.Sent < 100 {
		t.Errorf("%+v", r)
	}

	a.set([]*node{b})
	eventually(t, "the lane that left is silent", func() bool { return a.status(t, 1).Peer != b.public })
	if passes(t, a, b, 1) {
		t.Error("a packet came through a lane that left")
	}
}
