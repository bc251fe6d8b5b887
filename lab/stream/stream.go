// Package stream sends a steady stream of numbered packets from one place to
// another and says exactly what became of it: what was lost, for how long
// nothing came, what came twice or late. It measures with the monotonic clock
// of this machine, so both ends must be on it, as in a lab. The demo and the
// benchmarks call it.
package stream

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// Place runs a function where sockets are to be opened, such as inside a node
// of a lab; nil is here.
type Place func(fn func() error) error

// Config describes a stream.
type Config struct {
	From, To netip.Addr // source and destination, of one family
	At, Into Place      // where From and To are
	Rate     int        // packets per second
	Size     int        // bytes of UDP payload; at least headerSize, and that where it is 0
	Port     uint16     // destination; 0: any that is free
	// Deadline is the time after which a packet is of no use any more and
	// counts as lost, 200 ms where it is 0. A node that lost its neighbour may
	// keep packets for seconds and deliver them after all: without a deadline
	// an outage would look like none.
	Deadline time.Duration
}

// Stream is a stream on its way.
type Stream struct {
	config   Config
	out, in  int // sockets
	target   unix.Sockaddr
	sender   *sender
	recorder *recorder
	stop     chan struct{}
	done     chan struct{}
}

// Start opens the sockets and starts to send. It goes on until Stop.
func Start(c Config) (*Stream, error) {
	if c.Rate < 1 || c.Rate > 1e6 {
		return nil, fmt.Errorf("stream: rate %d: want 1 to 1,000,000 packets per second", c.Rate)
	}
	if c.Size == 0 {
		c.Size = headerSize
	}
	if c.Deadline == 0 {
		c.Deadline = 200 * time.Millisecond
	}
	if c.Size < headerSize || c.Size > 65000 {
		return nil, fmt.Errorf("stream: size %d: want %d to 65000 bytes", c.Size, headerSize)
	}
	if !c.From.IsValid() || !c.To.IsValid() || c.From.Is4() != c.To.Is4() {
		return nil, fmt.Errorf("stream: from %s to %s: want two addresses of one family", c.From, c.To)
	}
	s := &Stream{config: c, out: -1, in: -1, stop: make(chan struct{}), done: make(chan struct{})}
	if err := s.open(); err != nil {
		s.close()
		return nil, fmt.Errorf("stream from %s to %s: %w", c.From, c.To, err)
	}
	id := uint64(now()) // tells this stream's packets from an earlier one's
	s.sender = &sender{id: id, socket: s.out, target: s.target, period: time.Second / time.Duration(c.Rate), size: c.Size}
	s.recorder = &recorder{id: id, socket: s.in, sender: s.sender, deadline: int64(c.Deadline)}
	go s.run()
	return s, nil
}

// run moves packets until Stop. Both directions have an OS thread of their
// own, so that the Go scheduler adds nothing to the times.
func (s *Stream) run() {
	defer close(s.done)
	received := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		s.recorder.run()
		close(received)
	}()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	s.sender.run(s.stop)
	s.recorder.finish(s.sender.sent.Load())
	<-received
}

// Sent is how many packets were sent so far.
func (s *Stream) Sent() int { return int(s.sender.sent.Load()) }

// Mark is what every packet begins with, and no other stream's.
func (s *Stream) Mark() []byte { return binary.BigEndian.AppendUint64(nil, s.sender.id) }

// Received is how many packets came in time so far.
func (s *Stream) Received() int { return int(s.recorder.received.Load()) }

// Stop ends the stream, waits for the packets that are still under way, at
// most a second, and returns what became of all. It must be called once.
func (s *Stream) Stop() *Result {
	close(s.stop)
	<-s.done
	s.close()
	return newResult(s.sender, s.recorder)
}

// Run is Start, a wait for the given time or the end of the context, and Stop.
func Run(ctx context.Context, c Config, length time.Duration) (*Result, error) {
	s, err := Start(c)
	if err != nil {
		return nil, err
	}
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return s.Stop(), nil
}

func (s *Stream) open() error {
	here := func(fn func() error) error { return fn() }
	at, into := s.config.At, s.config.Into
	if at == nil {
		at = here
	}
	if into == nil {
		into = here
	}
	err := into(func() (err error) {
		s.in, err = socket(netip.AddrPortFrom(s.config.To, s.config.Port))
		return err
	})
	if err != nil {
		return fmt.Errorf("receive: %w", err)
	}
	// Room for a burst while the receiver does not run; a full buffer would
	// look like loss on the way. Without privilege the system's limit holds.
	if unix.SetsockoptInt(s.in, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 8<<20) != nil {
		_ = unix.SetsockoptInt(s.in, unix.SOL_SOCKET, unix.SO_RCVBUF, 8<<20)
	}
	tick := unix.NsecToTimeval(int64(20 * time.Millisecond))
	if err := unix.SetsockoptTimeval(s.in, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tick); err != nil {
		return err
	}
	if s.target, err = unix.Getsockname(s.in); err != nil {
		return err
	}
	err = at(func() (err error) {
		s.out, err = socket(netip.AddrPortFrom(s.config.From, 0))
		return err
	})
	if err != nil {
		return fmt.Errorf("send: %w", err)
	}
	// The same for packets that wait somewhere in the sending node.
	if unix.SetsockoptInt(s.out, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, 8<<20) != nil {
		_ = unix.SetsockoptInt(s.out, unix.SOL_SOCKET, unix.SO_SNDBUF, 8<<20)
	}
	return nil
}

func (s *Stream) close() {
	for _, fd := range []int{s.out, s.in} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}

func socket(local netip.AddrPort) (int, error) {
	family, addr := unix.AF_INET6, unix.Sockaddr(&unix.SockaddrInet6{Addr: local.Addr().As16(), Port: int(local.Port())})
	if local.Addr().Is4() {
		family, addr = unix.AF_INET, &unix.SockaddrInet4{Addr: local.Addr().As4(), Port: int(local.Port())}
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if err := unix.Bind(fd, addr); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("bind to %s: %w", local, err)
	}
	return fd, nil
}

// now is the monotonic clock in nanoseconds.
func now() int64 {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &t) // cannot fail with this clock
	return t.Nano()
}
