package controller

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
)

// listenAPI opens the listener of the API: host:port, or fd:N for a listening
// TCP socket that this process was started with, as by socket activation, where
// the first is 3 (sd_listen_fds(3)). So the API may be where this process itself
// has no network: in the lab its network is that of a node.
func listenAPI(ctx context.Context, where string) (net.Listener, error) {
	fd, given := strings.CutPrefix(where, "fd:")
	if !given {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", where)
		if err != nil {
			return nil, fmt.Errorf("listen for the API: %w", err)
		}
		return l, nil
	}
	n, err := strconv.ParseUint(fd, 10, 16)
	if err != nil || n < 3 {
		return nil, fmt.Errorf("listen for the API: bad file descriptor %.20q: want one from 3", fd)
	}
	f := os.NewFile(uintptr(n), "API listener")
	defer f.Close() // FileListener has a copy
	l, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("listen for the API: file descriptor %d is no listening socket: %w", n, err)
	}
	if _, tcp := l.Addr().(*net.TCPAddr); !tcp {
		_ = l.Close()
		return nil, fmt.Errorf("listen for the API: file descriptor %d is no TCP socket", n)
	}
	return l, nil
}
