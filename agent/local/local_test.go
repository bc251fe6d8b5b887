package local

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/floor"
)

// serve answers orders until the test ends.
func serve(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "state")
	s, err := Listen(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	orders, done := make(chan floor.Order), make(chan struct{})
	go func() {
		defer close(done)
		s.Run(ctx, orders)
	}()
	go func() {
		for {
			select {
			case o := <-orders:
				a := floor.Answer{Node: "n1"}
				if o.Lower == "none" {
					a.Error = "there is none"
				} else if o.Lower != "" {
					a.Floors = []floor.View{{Traffic: []floor.Traffic{{Level: o.Lower}}}}
				}
				o.Answer <- a
			case <-ctx.Done():
				return
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		if _, err := os.Stat(filepath.Join(dir, socketName)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the socket is left: %v", err)
		}
	})
	return dir
}

func TestAsk(t *testing.T) {
	dir := serve(t)
	if a, err := Ask(dir, ""); err != nil || a.Node != "n1" || len(a.Floors) != 0 {
		t.Errorf("listed %+v, %v", a, err)
	}
	if a, err := Ask(dir, "gold"); err != nil || len(a.Floors) != 1 || a.Floors[0].Traffic[0].Level != "gold" {
		t.Errorf("lowered %+v, %v", a, err)
	}
	if _, err := Ask(dir, "none"); err == nil || err.Error() != "there is none" {
		t.Errorf("error %v", err)
	}
	if _, err := Listen(dir, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "another agent is running") {
		t.Errorf("a second agent: %v", err)
	}
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, socketName): 0o600} {
		if s, err := os.Stat(path); err != nil || s.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, s.Mode(), err)
		}
	}
}

// What is no request is refused, with the reason.
func TestForeignRequests(t *testing.T) {
	dir := serve(t)
	for _, text := range []string{"GET / HTTP/1.1\r\n\r\n", `{"raise":"gold"}`, `{"lower":7}`, `{"lower":"` + strings.Repeat("x", maxRequest)} {
		c, err := net.Dial("unix", filepath.Join(dir, socketName))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		b := make([]byte, 1000)
		if n, err := c.Read(b); err != nil || !strings.Contains(string(b[:n]), "request not readable") {
			t.Errorf("%.20s: answered %q, %v", text, b[:n], err)
		}
	}
}

// A socket that a killed agent left is no agent, and not in the way.
func TestNoAgent(t *testing.T) {
	dir := t.TempDir()
	if _, err := Ask(dir, ""); !errors.Is(err, ErrNoAgent) {
		t.Errorf("nothing there: %v", err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, socketName), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	if _, err := Ask(dir, ""); !errors.Is(err, ErrNoAgent) {
		t.Errorf("left by another: %v", err)
	}
	s, err := Listen(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
}

// Only a socket of which it is known that nobody listens is taken away.
func TestSomebodyElse(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, socketName)
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0) // a dial gets EPROTOTYPE
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(dir, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "cannot be told") || !strings.Contains(err.Error(), "remove "+path) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the socket: %v", err)
	}
}

// FuzzRequest: whatever is asked, what is taken fits into the bound and says
// the same when it is written again.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{`{}`, `{"lower":"gold"}`, `{"raise":"gold"}`, `{"lower":"a"}{"lower":"b"}`, `{"lower":{}}`, `[`, ``} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := read(bytes.NewReader(b))
		if err != nil {
			if r != (request{}) {
				t.Errorf("%q: %v, and yet %+v", b, err, r)
			}
			return
		}
		if len(r.Lower) > 3*maxRequest { // a bad byte becomes three
			t.Errorf("an intent of %d bytes is taken", len(r.Lower))
		}
		whole, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := read(bytes.NewReader(whole)); len(whole) <= maxRequest && (err != nil || again != r) {
			t.Errorf("%+v became %+v, %v", r, again, err)
		}
	})
}
