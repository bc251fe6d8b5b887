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
