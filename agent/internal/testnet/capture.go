package testnet

import (
	"golang.org/x/sys/unix"
)

// Capture calls see with every frame that comes to an interface of the
// namespace, whichever, until the test is over. Calls do not overlap; the
// frame is see's until it returns.
func (n *Namespace) Capture(see func(frame []byte)) {
	n.t.Helper()
	const everything = unix.ETH_P_ALL << 8 // in network byte order
	fd := -1
	n.Do(func() (err error) {
		if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 32<<20)
		if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 50_000}); err != nil {
			return err
		}
		return unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: everything})
	})
	ended, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		frame := make([]byte, 1<<16)
		for {
			select {
			case <-ended:
				return
			default:
			}
			size, from, err := unix.Recvfrom(fd, frame, 0)
			if ll, ok := from.(*unix.SockaddrLinklayer); err == nil && ok && ll.Pkttype != unix.PACKET_OUTGOING {
				see(frame[:size])
			}
		}
	}()
	n.t.Cleanup(func() {
		close(ended)
		<-done
		unix.Close(fd)
	})
}
