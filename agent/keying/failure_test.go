package keying

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/lane"
	"github.com/keiro-net/keiro/keys/rotate"
)

// A state that cannot be read, or is another pair's, keeps the lanes closed,
// those too that WireGuard has kept open, and says what to do; with the file
// put back all goes on.
func TestStateRefused(t *testing.T) {
	t.Parallel()
	_, a, b := newPair(t, 1)
	works(t, a, b, 1)
	a.keyer.Rekey(b.name, rotate.RotateNow{})
	keyed(t, 2, a, b)
	path := filepath.Join(a.dir, "peer-bea.json")
	eventually(t, "the state is on disk", func() bool { return a.keyer.Epoch("bea") == 2 })
	a.stop()
	good, err := os.ReadFile(path)
	must(t, err)
	must(t, (store{a.dir, "aki"}).save("cho", kept{State: rotate.State{Epoch: 9}}))
	other, err := os.ReadFile(filepath.Join(a.dir, "peer-cho.json"))
	must(t, err)
	for name, bad := range map[string]string{
		"empty":             "",
		"cut":               string(good[:len(good)/2]),
		"a digit is wrong":  strings.Replace(string(good), `"epoch":2`, `"epoch":3`, 1), // a state that could be
		"of another pair":   string(other),
		"of a later agent":  strings.Replace(string(good), `"version":1`, `"version":2`, 1),
		"something follows": string(good) + "{}",
		"an unknown field":  strings.Replace(string(good), `{"version"`, `{"floor":"none","version"`, 1),
	} {
		if bad == string(good) {
			t.Fatalf("%s: nothing is wrong with it", name)
		}
		if _, _, err := (store{a.dir, "aki"}).load("bea"); err != nil {
			t.Fatal(err)
		}
		must(t, os.WriteFile(path, []byte(bad), 0o600))
		_, found, err := (store{a.dir, "aki"}).load("bea")
		if err == nil || found || !strings.Contains(err.Error(), "move it away") || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, %v", name, found, err)
		}
		must(t, os.WriteFile(path, good, 0o600))
	}
	must(t, os.WriteFile(path, good[:9], 0o600))
	a.start()
	a.join(b, 1)
	eventually(t, "the lane is silent", func() bool { return a.status(t, 1).Peer == lane.PublicKey{} })
	eventually(t, "an alarm", func() bool { return a.alarms() == StateRefused })
	if l := a.keyer.Lanes()[0]; l.Phase != Closed || l.Reason != errState || a.keyer.Epoch("bea") != 0 {
		t.Errorf("%+v", l)
	}
	if passes(t, a, b, 1) {
		t.Error("a packet came through")
	}
	must(t, os.WriteFile(path, good, 0o600))
	keyed(t, 3, a, b)
	works(t, a, b, 1)
	if a.alarms() != "" {
		t.Errorf("still %s", a.alarms())
	}
}

// While the disk takes nothing no epoch is begun and no key installed; the
// lanes go on with what they have.
func TestDiskFails(t *testing.T) {
	t.Parallel()
	_, a, b := newPair(t, 1)
	works(t, a, b, 1)
	flow := stream(a, b, 1, 1000)
	for _, n := range []*node{a, b} {
		far := map[*node]*node{a: b, b: a}[n]
		before := n.keyer.Epoch(far.name)
		blocked := filepath.Join(n.dir, "peer-"+far.name+".json.new")
		// A file of this name cannot be made then; one may just be being written.
		eventually(t, "no write to be under way", func() bool { return os.Mkdir(blocked, 0o700) == nil })
		n.keyer.Rekey(far.name, rotate.RotateNow{})
		eventually(t, "an alarm", func() bool { return n.alarms() == rotate.DiskFailed })
		if l := n.keyer.Lanes()[0]; n.keyer.Epoch(far.name) != before || l.Epoch != before || l.Phase != Open {
			t.Errorf("%s: epoch %d on disk, %+v", n.name, n.keyer.Epoch(far.name), l)
		}
		must(t, os.Remove(blocked))
		keyed(t, before+1, a, b)
		eventually(t, "the alarm is over", func() bool { return n.alarms() == "" })
	}
	if r := flow.Stop(); r.Lost() != 0 || r.Sent == 0 {
		t.Errorf("%+v", r)
	}
}

// A device that takes no key raises an alarm; when it takes them again, the
// lane comes together.
func TestDeviceFails(t *testing.T) {
	t.Parallel()
	_, a, b := newPair(t, 1)
	works(t, a, b, 1)
	flow := stream(a, b, 1, 1000)
	for _, n := range []*node{a, b} {
		far := map[*node]*node{a: b, b: a}[n]
		n.broken.Store(new(errors.New("injected")))
		n.keyer.Rekey(far.name, rotate.RotateNow{})
		eventually(t, "an alarm", func() bool { return n.alarms() == rotate.InstallError })
		n.broken.Store(nil)
		epoch := a.keyer.Epoch("bea")
		n.keyer.Rekey(far.name, rotate.RotateNow{})
		keyed(t, epoch+1, a, b)
		eventually(t, "the alarm is over", func() bool { return n.alarms() == "" })
	}
	if r := flow.Stop(); r.Lost() != 0 || r.Sent == 0 {
		t.Errorf("%+v", r)
	}
}

// A device whose process is killed is made anew, and gets its key back.
func TestDeviceKilled(t *testing.T) {
	t.Parallel()
	_, a, b := newPair(t, 1)
	works(t, a, b, 1)
	for _, n := range []*node{a, b} {
		pid := n.pid(t, 1)
		must(t, unix.Kill(pid, unix.SIGKILL))
		eventually(t, "it is noticed", func() bool { return strings.Contains(n.log.String(), "device is gone") })
		eventually(t, "the lane is made anew", func() bool { return n.keyer.Lanes()[0].Phase == Open })
		works(t, a, b, 1)
		if n.pid(t, 1) == pid {
			t.Error("it was not killed")
		}
	}
	if a.keyer.Epoch("bea") != b.keyer.Epoch("aki") {
		t.Errorf("epochs %d and %d", a.keyer.Epoch("bea"), b.keyer.Epoch("aki"))
	}
}

// status asks WireGuard past the Keyer, by a connection of its own.
func (n *node) status(t testing.TB, id int) lane.Status {
	t.Helper()
	d := n.past(t, id)
	defer d.Close()
	s, err := d.Status()
	must(t, err)
	return s
}

// pid is the process behind a lane.
func (n *node) pid(t *testing.T, id int) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	must(t, err)
	defer unix.Close(fd)
	must(t, unix.Connect(fd, &unix.SockaddrUnix{Name: filepath.Join(n.helpers.Dir, fmt.Sprintf("kr-w%d.sock", id))}))
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	must(t, err)
	return int(cred.Pid)
}

// A lane whose key is below its floor is silenced, and stays so: without a KME
// there is no key that reaches it. The lanes beside it go on.
func TestBelowTheFloor(t *testing.T) {
	t.Parallel()
	_, a, b := newPair(t, 2)
	works(t, a, b, 1)
	works(t, a, b, 2)
	silver := func(n, far *node, level rotate.Level) Lane {
		l := n.lane(far, 2, level)
		l.ID.Intent = "silver"
		return l
	}
	a.set([]*node{b}, a.lane(b, 1, rotate.PQ), silver(a, b, rotate.PQ))
	b.set([]*node{a}, b.lane(a, 1, rotate.PQ), silver(b, a, rotate.PQ))
	eventually(t, "silver is keyed", func() bool {
		return slices.ContainsFunc(a.keyer.Lanes(), func(l LaneState) bool { return l.Lane.Intent == "silver" && l.Phase == Open })
	})
	works(t, a, b, 2)
	a.set([]*node{b}, a.lane(b, 1, rotate.PQ), silver(a, b, rotate.QKD))
	eventually(t, "the lane is silent", func() bool { return a.status(t, 2).Peer == lane.PublicKey{} })
	if l := a.keyer.Lanes()[1]; l.Phase != Closed || !strings.Contains(l.Reason, "the floor qkd") {
		t.Errorf("%+v", l)
	}
	if passes(t, a, b, 2) || passes(t, b, a, 2) {
		t.Error("a packet came through")
	}
	// Asking for less now changes nothing: a floor never falls, nor after a restart.
	a.set([]*node{b}, a.lane(b, 1, rotate.PQ), silver(a, b, rotate.PQ))
	eventually(t, "the lower floor is refused", func() bool { return strings.Contains(a.alarms(), rotate.FloorRefused) })
	epoch := a.keyer.Epoch("bea")
	a.stop()
	a.start()
	a.set([]*node{b}, a.lane(b, 1, rotate.PQ), silver(a, b, rotate.PQ))
	eventually(t, "the other lane goes on", func() bool {
		l := a.keyer.Lanes()
		return len(l) == 2 && l[0].Phase == Open && l[0].Epoch > epoch && l[1].Phase == Closed
	})
	works(t, a, b, 1)
	if passes(t, a, b, 2) {
		t.Error("a packet came through")
	}
}

// Nothing secret is on disk, in the logs or in what the Keyer says: the keys
// in use are looked for in all of it.
func TestNoSecretLeaves(t *testing.T) {
	t.Parallel()
	_, a, b := newPair(t, 1)
	var keys []string
	for _, n := range []*node{a, b} {
		n.keyer.mu.Lock()
		for _, p := range n.keyer.peers {
			for _, l := range p.lanes {
				k := l.last.Bytes()
				keys = append(keys, string(k), fmt.Sprintf("%x", k), fmt.Sprintf("%d", k))
			}
		}
		n.keyer.mu.Unlock()
		private := n.private.Bytes()
		keys = append(keys, string(private), fmt.Sprintf("%x", private), fmt.Sprintf("%d", private))
	}
	if len(keys) != 12 || keys[0] != keys[6] {
		t.Fatalf("%d keys, and the two ends' differ: %v", len(keys), keys[0] != keys[6])
	}
	for _, n := range []*node{a, b} {
		var all strings.Builder
		fmt.Fprintf(&all, "%+v %#v %v", n.keyer.Lanes(), n.keyer.Counters(), n.keyer.Alarms())
		all.WriteString(n.log.String())
		files, err := os.ReadDir(n.dir)
		must(t, err)
		for _, f := range files {
			b, err := os.ReadFile(filepath.Join(n.dir, f.Name()))
			must(t, err)
			all.Write(b)
		}
		if all.Len() < 1000 {
			t.Fatalf("only %d bytes to look in", all.Len())
		}
		for _, k := range keys {
			if strings.Contains(all.String(), k) {
				t.Errorf("%s tells a key", n.name)
			}
		}
	}
	last := func() (l *laneOf) {
		a.keyer.mu.Lock()
		defer a.keyer.mu.Unlock()
		for _, p := range a.keyer.peers {
			for _, l = range p.lanes {
			}
		}
		return l
	}()
	old := last.last
	a.keyer.Rekey(b.name, rotate.RotateNow{})
	keyed(t, 2, a, b)
	eventually(t, "the proof of the new key erases the old one", func() bool {
		a.keyer.mu.Lock()
		defer a.keyer.mu.Unlock()
		return !old.Present()
	})
	now := last.last
	a.stop()
	if now.Present() || !a.private.Present() {
		t.Error("the end did not erase the key, or erased what is not the Keyer's")
	}
}

// A lane that is closed and then opens without a new key, because the floor
// was not on disk yet when an agent came back, gets its peer again.
func TestPutBack(t *testing.T) {
	t.Parallel()
	_, a, b := newPair(t, 0)
	a.set([]*node{b}, a.lane(b, 1, rotate.Classic))
	b.set([]*node{a}, b.lane(a, 1, rotate.Classic))
	keyed(t, 1, a, b)
	a.stop()
	heal := a.blackhole()
	a.start()
	a.set([]*node{b}, a.lane(b, 1, rotate.PQ)) // more than what the disk says
	eventually(t, "the lane is closed until the floor is on disk", func() bool {
		return strings.Contains(a.log.String(), "floor is not on disk yet")
	})
	// Its key's secret ended with the agent before: the lane needs a new one.
	eventually(t, "the lane has no key", func() bool {
		l := a.keyer.Lanes()[0]
		return l.Phase == Closed && l.Reason == "no key" && l.Epoch == 0
	})
	heal()
	keyed(t, 2, a, b)
	works(t, a, b, 1)
}
