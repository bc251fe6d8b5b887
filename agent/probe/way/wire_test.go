package way

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// Without a socket there is an error that says so, and no panic.
func TestNoSockets(t *testing.T) {
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	s, err := newWire()
	if again := unix.Setrlimit(unix.RLIMIT_NOFILE, &before); again != nil {
		t.Fatal(again)
	}
	if s != nil || err == nil {
		t.Errorf("got %v, %v", s, err)
	}
}

// A path whose probes the kernel refuses keeps no other path's from leaving, and
// is told of once.
func TestRefusedProbes(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK, 0) // takes no IPv6
	if err != nil {
		t.Fatal(err)
	}
	cfg, line := line()
	home := nodecfg.Loopback(cfg.Locator)
	var logged bytes.Buffer
	p := &Prober{
		log: slog.New(slog.NewTextHandler(&logged, nil)), seal: newSealer(), home: home, slow: again,
		wire:  &wire{send: fds[0], receive: fds[1], home: home, oob: make([]byte, 512), buf: make([]byte, 2048)},
		paths: map[uint32]*path{}, running: map[string]bool{}, changes: make(chan struct{}, 1),
	}
	defer p.Close()
	packet, err := newPacket(home, []netip.Addr{nodecfg.EndDT6(locator(4))}, 3)
	if err != nil {
		t.Fatal(err)
	}
	const paths = 10
	for i := range uint32(paths) {
		p.paths[i] = &path{name: fmt.Sprint(i), device: "lo", packet: packet, want: wantOf(cfg, line)}
	}
	now := time.Now()
	for n := range uint32(3) {
		for _, q := range p.paths {
			if q.number != n {
				t.Fatalf("path %s has tried %d times, not %d", q.name, q.number, n)
			}
		}
		p.round(now)
		now = now.Add(every)
	}
	if n := strings.Count(logged.String(), "\n"); n != paths {
		t.Errorf("%d lines are logged of %d paths:\n%s", n, paths, &logged)
	}
}
