package wire

import (
	"errors"
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/lab/netns"
)

// Tap sees every frame that a node sends into any cable of a lab, once, and
// before loss strikes. It is not for concurrent use.
type Tap struct {
	fd  int
	oob []byte
}

// Frame is one of them.
type Frame struct {
	Number, End int       // the cable, and the end of it that the frame came in at
	At          time.Time // when, by the kernel's clock
	Bytes       []byte    // from the Ethernet header on, in the buffer given to Next
}

// tapBuffer is what the kernel keeps of frames until they are read, in bytes.
const tapBuffer = 64 << 20

// Listen taps all cables of the namespace, those plugged in later too.
func Listen(ns *netns.Namespace) (*Tap, error) {
	t := &Tap{fd: -1, oob: make([]byte, 256)}
	err := ns.Do(func() (err error) {
		t.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0) // no protocol yet: nothing comes
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("tap the cables: %w", err)
	}
	tick := unix.NsecToTimeval(int64(20 * time.Millisecond))
	for _, err := range []error{
		// The same frame goes out again at the other end of its cable.
		unix.SetsockoptInt(t.fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1),
		unix.SetsockoptInt(t.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1),
		unix.SetsockoptInt(t.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, tapBuffer),
		unix.SetsockoptTimeval(t.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tick),
		unix.Bind(t.fd, &unix.SockaddrLinklayer{Protocol: unix.ETH_P_ALL<<8&0xff00 | unix.ETH_P_ALL>>8}),
	} {
		if err != nil {
			t.Close()
			return nil, fmt.Errorf("tap the cables: %w", err)
		}
	}
	return t, nil
}

// Close ends the tap.
func (t *Tap) Close() { unix.Close(t.fd) }

// Next waits a moment for the next frame and reads it into buf; ok is false
// where none came. A frame longer than buf is an error.
func (t *Tap) Next(buf []byte) (f Frame, ok bool, err error) {
	n, oobn, flags, from, err := unix.Recvmsg(t.fd, buf, t.oob, 0)
	switch {
	case errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR):
		return f, false, nil
	case err != nil:
		return f, false, fmt.Errorf("tap of the cables: %w", err)
	case flags&unix.MSG_TRUNC != 0:
		return f, false, fmt.Errorf("tap of the cables: a frame is longer than %d bytes", len(buf))
	}
	at, err := timestamp(t.oob[:oobn])
	if err != nil {
		return f, false, fmt.Errorf("tap of the cables: %w", err)
	}
	index := from.(*unix.SockaddrLinklayer).Ifindex - outer(0, 0)
	return Frame{Number: index / 4, End: index % 4 / 2, At: at, Bytes: buf[:n]}, true, nil
}

func timestamp(oob []byte) (time.Time, error) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return time.Time{}, err
	}
	for _, m := range messages {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_TIMESTAMPNS && len(m.Data) >= int(unsafe.Sizeof(unix.Timespec{})) {
			ts := (*unix.Timespec)(unsafe.Pointer(&m.Data[0]))
			return time.Unix(ts.Unix()), nil
		}
	}
	return time.Time{}, errors.New("a frame without a time")
}

// Missed is how many frames the kernel had no room for since the last call.
func (t *Tap) Missed() (int, error) {
	s, err := unix.GetsockoptTpacketStats(t.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return 0, fmt.Errorf("tap of the cables: %w", err)
	}
	return int(s.Drops), nil
}
