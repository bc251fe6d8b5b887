package controller

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// given is where listenAPI is to find a copy of a listener's socket.
func given(t *testing.T, l interface{ File() (*os.File, error) }) string {
	t.Helper()
	f, err := l.File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fd, err := syscall.Dup(int(f.Fd())) // which listenAPI closes
	if err != nil {
		t.Fatal(err)
	}
	return "fd:" + strconv.Itoa(fd)
}

func TestListenAPI(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	got, err := listenAPI(t.Context(), given(t, tcp.(*net.TCPListener)))
	if err != nil || got.Addr().String() != tcp.Addr().String() {
		t.Fatalf("%v, %v", got, err)
	}
	tcp.Close()
	defer got.Close()
	conn, err := net.Dial("tcp", got.Addr().String())
	if err != nil {
		t.Fatalf("it does not listen: %v", err)
	}
	conn.Close()

	local, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer local.Close()
	for where, want := range map[string]string{
		"fd:":                               "bad file descriptor",
		"fd:2":                              "bad file descriptor",
		"fd:x":                              "bad file descriptor",
		given(t, local.(*net.UnixListener)): "no TCP socket",
		"nowhere":                           "listen for the API",
	} {
		if l, err := listenAPI(t.Context(), where); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v", where, l, err)
		}
	}
}
