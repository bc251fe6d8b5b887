package lane_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/internal/testnet"
	"github.com/keiro-net/keiro/agent/lane"
)

// A key that differs carries nothing; a new one that both have makes a new
// session, and not a packet is lost.
func TestPresharedKey(t *testing.T) {
	t.Parallel()
	kinds(t, func(t *testing.T, a, b *end) {
		a.must(a.dev.Set(a.config(b, random(t))))
		b.must(b.dev.Set(b.config(a, random(t))))
		if echo(a, b, time.Second) {
			t.Fatal("a packet came through with differing keys")
		}
		psk := random(t)
		a.must(a.dev.SetPreshared(b.public, psk))
		b.must(b.dev.SetPreshared(a.public, psk))
		works(t, a, b)

		flow := a.Flow(a.inner, b.Namespace, netip.AddrPortFrom(b.inner, 9), 1000, "")
		before := a.status().Handshake
		psk = random(t)
		b.must(b.dev.SetPreshared(a.public, psk))
		a.must(a.dev.SetPreshared(b.public, psk))
		if !a.kernel { // else it would take two minutes
			testnet.Eventually(t, "a session with the new key", func() bool {
				a.must(a.dev.Handshake())
				return a.status().Handshake.After(before) && b.status().Handshake.After(before)
			})
		} else if err := a.dev.Handshake(); !errors.Is(err, lane.ErrNotAtWill) {
			t.Errorf("handshake: %v", err)
		}
		if r := flow.Stop(); r.Lost() != 0 {
			t.Errorf("packets lost by a change of key: %+v", r)
		}
		if err := a.dev.SetPreshared(a.public, psk); !errors.Is(err, lane.ErrNoPeer) {
			t.Errorf("a key for a peer that is not there: %v", err)
		}
	})
}

// The agent may go and come back: the lane does not notice.
func TestOutlivesAgent(t *testing.T) {
	t.Parallel()
	kinds(t, func(t *testing.T, a, b *end) {
		share(t, a, b)
		pid, before := a.pid(), a.status()
		flow := a.Flow(a.inner, b.Namespace, netip.AddrPortFrom(b.inner, 9), 1000, "")
		a.must(a.dev.Close())
		if !a.kernel {
			<-a.dev.Lost()
		}
		a.open()
		c := a.config(b, random(t)) // it does not know the key any more
		a.must(a.dev.Set(c))
		works(t, a, b)
		if r := flow.Stop(); r.Lost() != 0 {
			t.Errorf("packets lost: %+v", r)
		}
		if after := a.status(); a.pid() != pid || after.Handshake != before.Handshake || after.Public != a.public {
			t.Errorf("pid %d, was %d; %+v, was %+v", a.pid(), pid, after, before)
		}
	})
}

// A helper is preferred to other processes in all its threads, and has room for
// what comes while it waits all the same: else a busy machine loses packets.
func TestHelperStandsInForTheKernel(t *testing.T) {
	t.Parallel()
	a, b := pair(t, false, false)
	share(t, a, b)
	if n := a.Link(dev).Attrs().TxQLen; n < 4096 {
		t.Errorf("the interface has a queue of %d packets", n)
	}
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", a.pid()))
	a.must(err)
	for _, thread := range threads {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/stat", a.pid(), thread.Name()))
		a.must(err)
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')'):]))
		if nice := fields[17]; nice != "-10" { // field 19 of proc_pid_stat(5)
			t.Errorf("thread %s has niceness %s", thread.Name(), nice)
		}
	}
	if group, err := os.ReadFile(fmt.Sprintf("/proc/%d/autogroup", a.pid())); err == nil && !strings.HasSuffix(string(group), "nice -10\n") {
		t.Errorf("autogroup %s", group)
	}
}

// A helper that is killed is noticed at once, and another one takes its place.
func TestKilled(t *testing.T) {
	t.Parallel()
	a, b := pair(t, false, false)
	share(t, a, b)
	a.must(unix.Kill(a.pid(), unix.SIGKILL))
	select {
	case <-a.dev.Lost():
	case <-time.After(testnet.Deadline):
		t.Fatal("nobody noticed")
	}
	if _, err := a.dev.Status(); !errors.Is(err, lane.ErrLost) {
		t.Errorf("status of a lost lane: %v", err)
	}
	a.open()
	psk := random(t)
	a.must(a.dev.Set(a.config(b, psk)))
	b.must(b.dev.SetPreshared(a.public, psk))
	works(t, a, b)
}

// Silence is at once, though the session had minutes to live.
func TestSilence(t *testing.T) {
	t.Parallel()
	kinds(t, func(t *testing.T, a, b *end) {
		share(t, a, b)
		a.must(a.dev.Silence())
		if got := a.status(); got.Peer != (lane.PublicKey{}) {
			t.Errorf("there is a peer: %+v", got)
		}
		if echo(a, b, 300*time.Millisecond) || echo(b, a, 300*time.Millisecond) {
			t.Error("a packet came through")
		}
		psk := random(t)
		a.must(a.dev.Set(a.config(b, psk)))
		b.must(b.dev.SetPreshared(a.public, psk))
		works(t, a, b)
	})
}

// What is not ours is put right: another peer, another port.
func TestMeddled(t *testing.T) {
	t.Parallel()
	kinds(t, func(t *testing.T, a, b *end) {
		share(t, a, b)
		other := newEnd(t, "fd00::c", "fd01::c")
		c := a.config(other, random(t))
		c.Port, c.Peer.Keepalive = 51999, 0
		a.must(a.dev.Set(c))
		if s := a.status(); s.Port != 51999 || s.Peer != other.public || s.Keepalive != 0 {
			t.Fatalf("%+v", s)
		}
		psk := random(t)
		a.must(a.dev.Set(a.config(b, psk)))
		b.must(b.dev.SetPreshared(a.public, psk))
		works(t, a, b)
	})
}

// An interface of the kernel goes when it is told to, and none is no error.
func TestRemoveKernel(t *testing.T) {
	t.Parallel()
	needKernel(t)
	e := newEnd(t, "fd00::a", "fd01::a")
	e.kernel = true
	e.open()
	for range 2 {
		e.Do(func() error { return lane.RemoveKernel(dev) })
	}
	if _, err := e.dev.Status(); err == nil {
		t.Error("it is still there")
	}
	e.Do(func() error {
		if _, err := lane.OpenKernel("lo", mtu); err == nil {
			t.Error("lo is a lane")
		}
		return nil
	})
}

// No secret comes back out of a helper.
func TestSecretsGoOneWay(t *testing.T) {
	t.Parallel()
	a, b := pair(t, false, false)
	share(t, a, b)
	conn, err := net.Dial("unix", a.helpers.Dir+"/"+dev+".sock")
	a.must(err)
	defer conn.Close()
	a.must(conn.SetDeadline(time.Now().Add(testnet.Deadline)))
	_, err = conn.Write([]byte("get=1\n\nnonsense=1\n\nset=1\npreshared_key=" + strings.Repeat("ab", 32) + "\n\n"))
	a.must(err)
	var all bytes.Buffer
	for strings.Count(all.String(), "errno=") < 3 {
		buf := make([]byte, 4096)
		n, err := conn.Read(buf)
		a.must(err)
		all.Write(buf[:n])
	}
	for _, word := range []string{"private_key", "preshared_key=", strings.Repeat("ab", 32)} {
		if strings.Contains(strings.ReplaceAll(all.String(), "device key: preshared_key", ""), word) {
			t.Errorf("%q in\n%s", word, all.String())
		}
	}
	if !strings.Contains(all.String(), "own_public_key=") || strings.Count(all.String(), "errno=22") != 2 {
		t.Errorf("answers:\n%s", all.String())
	}
	log, err := os.ReadFile(a.helpers.Dir + "/" + dev + ".log")
	a.must(err)
	if bytes.Contains(log, []byte(strings.Repeat("ab", 32))) {
		t.Errorf("a secret in the log:\n%s", log)
	}
}

// What cannot begin says why.
func TestCannotBegin(t *testing.T) {
	t.Parallel()
	e := newEnd(t, "fd00::a", "fd01::a")
	for _, tt := range []struct{ name, want string }{
		{"this-name-is-too-long-for-linux", "interface"},
		{"lo", "interface lo"},
	} {
		var err error
		e.Do(func() error {
			_, err = e.helpers.Open(tt.name, mtu)
			return nil
		})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	e.helpers.Command = []string{"/nonexistent/keiro-agent"}
	e.Do(func() error {
		if _, err := e.helpers.Open(dev, mtu); err == nil || !strings.Contains(err.Error(), "no such file") {
			t.Errorf("%v", err)
		}
		return nil
	})
}

// Another user is not answered, even where the directory and the socket let
// him in.
func TestOtherUser(t *testing.T) {
	t.Parallel()
	e := newEnd(t, "fd00::a", "fd01::a")
	e.open()
	socket := e.helpers.Dir + "/" + dev + ".sock"
	e.must(os.Chmod(socket, 0o777))
	e.must(os.Chmod(e.helpers.Dir, 0o755))
	e.must(os.Chmod(filepath.Dir(e.helpers.Dir), 0o755))
	heard := make(chan []byte)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends as who it became
		defer close(heard)
		if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, 65534, 65534, 65534); errno != 0 {
			t.Error(errno)
			return
		}
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		if err == nil {
			defer unix.Close(fd)
			err = unix.Connect(fd, &unix.SockaddrUnix{Name: socket})
		}
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = unix.Write(fd, []byte("get=1\n\n"))
		buf := make([]byte, 64)
		n, _ := unix.Read(fd, buf)
		heard <- buf[:max(n, 0)]
	}()
	if b := <-heard; len(b) != 0 {
		t.Errorf("user 65534 was told %q", b)
	}
	e.status() // its own user is
}
