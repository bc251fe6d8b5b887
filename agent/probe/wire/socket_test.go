package wire

import (
	"testing"

	"golang.org/x/sys/unix"
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
	s, err := Open()
	if again := unix.Setrlimit(unix.RLIMIT_NOFILE, &before); again != nil {
		t.Fatal(again)
	}
	if s != nil || err == nil {
		t.Errorf("got %v, %v", s, err)
	}
}

// Whoever sends faster than is taken in does not keep the one who takes.
func TestReceiveEnds(t *testing.T) {
	s, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	to := &unix.SockaddrInet6{Addr: [16]byte{15: 1}, Port: int(s.Port())}
	send := func() {
		if err := unix.Sendto(s.UDP(), []byte{1}, 0, to); err != nil {
			t.Fatal(err)
		}
	}
	send()
	n := 0
	all := s.Receive(s.UDP(), func(Arrived) {
		if n++; n <= 2*maxReceive {
			send()
		}
	})
	if all || n < maxReceive || n >= maxReceive+MaxBatch {
		t.Errorf("%d packets, all of them: %v", n, all)
	}
}
