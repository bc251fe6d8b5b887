package agent

import (
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/internal/testlane"
	"github.com/keiro-net/keiro/agent/internal/testnet"
	"github.com/keiro-net/keiro/agent/lane"
	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/keys/secret"
)

func TestMain(m *testing.M) { testlane.Main(m) }

// newEncryptedTriangle is a triangle whose intent rides on lanes.
func newEncryptedTriangle(t testing.TB, mtu int) (*triangle, map[string]lane.Device) {
	t.Helper()
	w := layTriangle(t)
	w.mtu(mtu)
	if mtu == 1400 { // leaves less than the 1,280 bytes of IPv6
		for _, n := range []*node{w.a, w.b} {
			n.cfg.Policies[0].Traffic = n.cfg.Policies[0].Traffic[:1]
		}
	}
	key := func() secret.Key {
		k, err := secret.Random(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	devices := make(map[string]lane.Device)
	for i := range w.a.cfg.Policies[0].Paths {
		aPath, bPath := &w.a.cfg.Policies[0].Paths[i], &w.b.cfg.Policies[0].Paths[i]
		if mtu != 0 { // the direct path has 2 SIDs, the detour 3; H.Encaps.Red leaves one out
			aPath.MTU = mtu - 40 - 8 - 16*(i+1)
			bPath.MTU = aPath.MTU
		}
		aPath.Lane = &nodecfg.Lane{ID: uint16(i + 1), Index: i, Peer: "b", Encryption: "pq"}
		bPath.Lane = &nodecfg.Lane{ID: uint16(i + 1), Index: i, Peer: "a", Encryption: "pq"}
		psk, aKey, bKey := key(), key(), key()
		devices["a "+aPath.Name] = w.a.lane(t, aPath, aKey, public(t, bKey), psk)
		devices["b "+bPath.Name] = w.b.lane(t, bPath, bKey, public(t, aKey), psk)
	}
	w.obey(t)
	return w, devices
}

func public(t testing.TB, k secret.Key) lane.PublicKey {
	t.Helper()
	p, err := ecdh.X25519().NewPrivateKey(k.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return lane.PublicKey(p.PublicKey().Bytes())
}

// lane opens and configures the interface of a path's lane.
func (n *node) lane(t testing.TB, p *nodecfg.Path, private secret.Key, peer lane.PublicKey, psk secret.Key) lane.Device {
	t.Helper()
	if n.helpers == nil {
		n.helpers = testlane.Helpers(t)
	}
	name := nodecfg.LaneInterface(p.Lane.ID)
	var d lane.Device
	n.Do(func() (err error) {
		if has, _ := lane.Kernel(); has == lane.Yes {
			d, err = lane.OpenKernel(name, nodecfg.LaneMTU(p.MTU))
		} else {
			d, err = n.helpers.Open(name, nodecfg.LaneMTU(p.MTU))
		}
		return err
	})
	t.Cleanup(func() { d.Close() })
	err := d.Set(lane.Config{Private: private, Port: nodecfg.LanePort(p.Lane.ID), Peer: lane.Peer{
		Public: peer, Preshared: psk, Keepalive: time.Second,
		Endpoint: netip.AddrPortFrom(nodecfg.LaneAddr(p.Tail, p.Lane.ID), nodecfg.LanePort(p.Lane.ID)),
	}})
	if err != nil {
		t.Fatal(err)
	}
	n.Up(name)
	return d
}

// mtu sets that of all interfaces between the nodes; 0: as they are.
func (w *triangle) mtu(mtu int) {
	if mtu == 0 {
		return
	}
	for _, wire := range []*testnet.Wire{w.ab, w.ac, w.bc} {
		for _, dev := range []string{"a", "b", "wire"} {
			wire.MTU(dev, mtu)
		}
	}
	for _, n := range []*node{w.a, w.b, w.c} {
		n.MTU("eth1", mtu)
		n.MTU("eth2", mtu)
	}
}

// sent is how many encrypted bytes a device has sent.
func sent(t testing.TB, d lane.Device) uint64 {
	t.Helper()
	s, err := d.Status()
	if err != nil {
		t.Fatal(err)
	}
	return s.Sent
}

// Packets of an encrypted intent go through the lane of the first path, and
// nothing but WireGuard's packets is on the path; then through the second;
// then nowhere.
func TestLanesRideOnThePaths(t *testing.T) {
	w, devices := newEncryptedTriangle(t, 0)
	detour := nodecfg.EndX(w.c.cfg.Locator, w.c.linkTo(w.b).ID)
	for _, f := range families {
		before := sent(t, devices["a gold/0"])
		w.flow(f.from, f.to).arrives(t, f.name+" through the lane of the direct path")
		if sent(t, devices["a gold/0"]) == before {
			t.Errorf("%s: it did not go through the lane", f.name)
		}
		if n := w.b.count(t, nodecfg.EndDX4(w.b.cfg.Locator)); n != 0 {
			t.Errorf("%s: %d packets were decapsulated in the clear", f.name, n)
		}
	}
	testnet.Eventually(t, "handshakes of the second lane go over c", func() bool { return w.c.count(t, detour) > 0 })
	if w.b.count(t, nodecfg.EndDT6(w.b.cfg.Locator)) == 0 {
		t.Error("the lanes are not on their paths")
	}
	w.a.obey(t, "gold/0")
	for _, f := range families {
		before := w.c.count(t, detour)
		w.flow(f.from, f.to).arrives(t, f.name+" through the lane over c")
		if w.c.count(t, detour) == before {
			t.Errorf("%s: packet arrived, but c has not seen it", f.name)
		}
	}
	w.a.obey(t, "gold/0", "gold/1")
	for _, f := range families {
		flow := w.flow(f.from, f.to)
		if _, err := flow.out.WriteToUDPAddrPort([]byte("leak"), flow.to); !errors.Is(err, syscall.EHOSTUNREACH) {
			t.Errorf("%s: sending without a path: %v, want the fence's %v", f.name, err, syscall.EHOSTUNREACH)
		}
	}
	// Nor do outer packets go another way when theirs has no carrier.
	w.ab.Cut()
	out := w.a.UDP(netip.AddrPort{})
	to := netip.AddrPortFrom(nodecfg.LaneAddr(w.b.cfg.Locator, 1), 9)
	testnet.Eventually(t, "the fence of the first lane", func() bool {
		_, err := out.WriteToUDPAddrPort([]byte("leak"), to)
		return errors.Is(err, syscall.EHOSTUNREACH)
	})
}

// The agent sends packets only into lanes that are open: into the next one
// when the first closes, nowhere when the last does, and it says so.
func TestClosedLanesCarryNothing(t *testing.T) {
	w, devices := newEncryptedTriangle(t, 0)
	a := start(t, w.a, t.TempDir())
	a.in <- nodecfg.ToAgent{Config: w.a.cfg}
	a.report("closed at first", func(r *nodecfg.Report) bool {
		return len(r.Paths) == 2 && r.Paths[0].Cause == "lane: not there yet" && r.Paths[1].Cause == r.Paths[0].Cause
	})
	flow := w.flow(hostA4, hostB4)
	refused := func() {
		t.Helper()
		testnet.Eventually(t, "the fence", func() bool {
			_, err := flow.out.WriteToUDPAddrPort([]byte("leak"), flow.to)
			return errors.Is(err, syscall.EHOSTUNREACH)
		})
	}
	refused()
	for _, step := range []struct{ open, through string }{{"gold/0 gold/1", "gold/0"}, {"gold/1", "gold/1"}, {"gold/0", "gold/0"}} {
		a.lanes.say(strings.Fields(step.open)...)
		a.report("active "+step.through, active(step.through))
		before := sent(t, devices["a "+step.through])
		flow.arrives(t, "with open "+step.open)
		// WireGuard counts when it has sent, and the packet may be there before.
		testnet.Eventually(t, "with open "+step.open+" packets go through "+step.through, func() bool {
			return sent(t, devices["a "+step.through]) > before
		})
	}
	a.lanes.say()
	refused()
	r := a.report("closed again", func(r *nodecfg.Report) bool { return len(r.Lanes) == 0 })
	for _, p := range r.Paths {
		if p.Active || p.State != nodecfg.Down {
			t.Errorf("path %+v", p)
		}
	}
}

// Before a lane can send its first packet the kernel keeps it on its path, and
// the intent's packets from every other: with a new Config, and with that on
// disk when the machine has just booted.
func TestFencedBeforeLanes(t *testing.T) {
	w, _ := newEncryptedTriangle(t, 0)
	want := w.a.cfg.Desired(map[string]bool{"gold/0": true, "gold/1": true})
	dir := t.TempDir()
	for _, when := range []string{"a new config", "after a boot"} {
		for _, op := range slices.Backward(nodecfg.Plan(nodecfg.State{}, w.a.see(t, nil).State)) {
			if _, sysctl := op.Object.(nodecfg.Sysctl); sysctl {
				continue
			}
			op.Verb = nodecfg.Delete
			if err := w.a.kernel.Apply(op); err != nil {
				t.Fatal(err)
			}
		}
		missing := make(chan []nodecfg.Op, 1)
		a := startLanes(t, w.a, dir, w.a.kernel, func() {
			ops := nodecfg.Plan(w.a.see(t, want).State, want)
			missing <- slices.DeleteFunc(ops, func(op nodecfg.Op) bool { return op.Verb == nodecfg.Delete }) // fences of floors are more than asked for
		})
		if when == "a new config" {
			a.in <- nodecfg.ToAgent{Config: w.a.cfg}
		}
		if ops := <-missing; len(ops) > 0 {
			t.Errorf("%s: lanes get keys before %v", when, ops)
		}
		a.report("reached", reached)
		a.stop()
	}
}

// On an underlay of 1,400 and of 9,000 bytes the longest packet that the lane
// takes arrives, and one byte more is refused with the size that fits.
func TestLaneMTU(t *testing.T) {
	for _, underlay := range []int{1400, 1500, 9000} {
		w, _ := newEncryptedTriangle(t, underlay)
		for _, leftOut := range [][]string{nil, {"gold/0"}} {
			w.a.obey(t, leftOut...)
			mtu := nodecfg.LaneMTU(w.a.cfg.Policies[0].Paths[len(leftOut)].MTU)
			for _, f := range families[:len(w.a.cfg.Policies[0].Traffic)] {
				flow := w.flow(f.from, f.to)
				dontFragment(t, flow.out)
				flow.arrives(t, f.name)
				long := string(make([]byte, mtu-f.header))
				flow.arrives(t, long)
				if _, err := flow.out.WriteToUDPAddrPort([]byte(long+"x"), flow.to); !errors.Is(err, syscall.EMSGSIZE) {
					t.Errorf("underlay %d, left out %v, %s: one byte more than %d: %v, want %v", underlay, leftOut, f.name, mtu, err, syscall.EMSGSIZE)
				}
			}
		}
	}
}
