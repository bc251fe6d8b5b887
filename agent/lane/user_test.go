package lane

import (
	"bufio"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// client is the agent's end of a connection, whose other end the test has; next
// waits for another.
func client(t *testing.T) (u *user, far net.Conn, next func() net.Conn) {
	t.Helper()
	h := &Helpers{Dir: t.TempDir()}
	listen, err := net.Listen("unix", h.socket("kr-w1"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listen.Close() })
	next = func() net.Conn {
		c, err := listen.Accept()
		if err != nil {
			t.Error(err)
			return nil
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	if u, err = h.connect("kr-w1"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { u.Close() })
	return u, next(), next
}

func isLost(t *testing.T, u *user) {
	t.Helper()
	select {
	case <-u.Lost():
	case <-time.After(20 * time.Second):
		t.Fatal("nobody noticed that the connection has ended")
	}
}

// An answer that comes too late for who has asked is in nobody's way: the end
// of the process is seen behind it.
func TestLateAnswer(t *testing.T) {
	t.Parallel()
	u, far, _ := client(t)
	u.line.asked.Store(true) // who asked has gone
	if _, err := far.Write([]byte("errno=0\n\n")); err != nil {
		t.Fatal(err)
	}
	far.Close()
	isLost(t, u)
}

// An answer that nobody asked for is not taken for the next one: the
// connection is worth nothing any more.
func TestUnasked(t *testing.T) {
	t.Parallel()
	u, far, _ := client(t)
	if _, err := far.Write([]byte("listen_port=1\nerrno=0\n\n")); err != nil {
		t.Fatal(err)
	}
	isLost(t, u)
}

// The answer of a helper that ends with it is heard.
func TestLastWord(t *testing.T) {
	t.Parallel()
	for range 100 { // of two things that are true at once select takes any
		u, far, _ := client(t)
		go func() {
			_, _ = ReadBlock(bufio.NewReader(far))
			_, _ = far.Write([]byte("errno=0\n\n"))
			far.Close()
		}()
		if _, err := u.ask(newRequest("quit")); err != nil {
			t.Fatal(err)
		}
	}
}

// A helper that does not answer, or does not even read, is not lost: it may
// carry on. It is asked again over another connection, and its end is seen.
func TestNoAnswer(t *testing.T) {
	t.Parallel()
	for name, fill := range map[string]bool{"silent": false, "stuck": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u, far, next := client(t)
			if fill {
				for err := error(nil); err == nil; { // nobody reads
					if err = u.line.SetWriteDeadline(time.Now().Add(10 * time.Millisecond)); err == nil {
						_, err = u.line.Write(make([]byte, 1<<16))
					}
				}
			}
			if err := u.Silence(); err == nil || errors.Is(err, ErrLost) {
				t.Errorf("silenced: %v", err)
			}
			far.Close()
			far = next()
			go func() {
				_, _ = ReadBlock(bufio.NewReader(far))
				_, _ = far.Write([]byte("errno=0\n\n"))
			}()
			if err := u.Silence(); err != nil {
				t.Errorf("asked again: %v", err)
			}
			select {
			case <-u.Lost():
				t.Fatal("it is lost, and lives")
			default:
			}
			far.Close()
			isLost(t, u)
			if err := u.Silence(); !errors.Is(err, ErrLost) {
				t.Errorf("over a connection that has ended: %v", err)
			}
		})
	}
}

// A helper that hangs, and is gone by the time that its next connection is
// made, is lost.
func TestHangsThenGone(t *testing.T) {
	t.Parallel()
	u, far, _ := client(t)
	if err := os.Remove(u.socket); err != nil {
		t.Fatal(err)
	}
	if err := u.Silence(); !errors.Is(err, ErrLost) {
		t.Errorf("silenced: %v", err)
	}
	isLost(t, u)
	far.Close()
}

// What cannot be found is not made, and is lost only where there is no such
// interface.
func TestFind(t *testing.T) {
	t.Parallel()
	h := &Helpers{Dir: t.TempDir(), Command: []string{"/bin/false"}}
	if _, err := h.Find("kr-none"); !errors.Is(err, ErrLost) {
		t.Errorf("without an interface: %v", err)
	}
	if _, err := h.Find("lo"); err == nil || errors.Is(err, ErrLost) {
		t.Errorf("an interface without its helper: %v", err)
	}
	if made, err := os.ReadDir(h.Dir); err != nil || len(made) > 0 {
		t.Errorf("made %v, %v", made, err)
	}
	listen, err := net.Listen("unix", filepath.Join(h.Dir, "kr-none.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer listen.Close()
	d, err := h.Find("kr-none")
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}
