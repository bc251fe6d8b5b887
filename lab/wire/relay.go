package wire

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/lab/netns"
)

// Relay carries the frames of one cable by hand, so that they can be held back:
// the kernel at hand may have no qdisc that delays. The cable itself loses all
// meanwhile (Lose), which strikes after a packet socket has seen them.
type Relay struct {
	delay   time.Duration
	fds     [2]int
	running sync.WaitGroup
	stop    chan struct{}
	mu      sync.Mutex
	failed  error
}

// held is a frame on its way, with its virtio-net header.
type held struct {
	bytes []byte
	due   time.Time
}

const (
	// relayQueue is how many frames may be on their way; more are lost.
	relayQueue = 1 << 14
	vnetHeader = 10 // struct virtio_net_hdr
)

// Delay begins to relay a cable in both directions. The caller makes the
// cable itself lose all, and mends that after Close.
func Delay(ns *netns.Namespace, number int, delay time.Duration) (*Relay, error) {
	r := &Relay{delay: delay, fds: [2]int{-1, -1}, stop: make(chan struct{})}
	for e := range r.fds {
		var err error
		if r.fds[e], err = frames(ns, outer(number, e)); err != nil {
			return nil, errors.Join(fmt.Errorf("delay cable %d: %w", number, err), r.Close())
		}
	}
	for e := range r.fds {
		queue := make(chan held, relayQueue)
		r.running.Go(func() { r.take(e, queue) })
		r.running.Go(func() { r.give(1-e, queue) })
	}
	return r, nil
}

// frames is a socket for what comes in at an interface, and to send out of it.
func frames(ns *netns.Namespace, index int) (fd int, err error) {
	err = ns.Do(func() (err error) {
		fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0) // no protocol yet: nothing comes
		return err
	})
	if err != nil {
		return -1, err
	}
	tick := unix.NsecToTimeval(int64(20 * time.Millisecond))
	for _, err := range []error{
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1),
		// Checksums that the kernel has left open stay so, and bursts stay whole.
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, tapBuffer),
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tick),
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: unix.ETH_P_ALL<<8&0xff00 | unix.ETH_P_ALL>>8, Ifindex: index}),
	} {
		if err != nil {
			unix.Close(fd)
			return -1, err
		}
	}
	return fd, nil
}

// take reads the frames that come in at an end.
func (r *Relay) take(end int, queue chan<- held) {
	defer close(queue)
	buf := make([]byte, vnetHeader+1<<16)
	for {
		select {
		case <-r.stop:
			return
		default:
		}
		n, err := unix.Read(r.fds[end], buf)
		switch {
		case errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) || errors.Is(err, unix.ENETDOWN):
			continue
		case err != nil:
			r.fail(err)
			return
		}
		select {
		case queue <- held{append([]byte(nil), buf[:n]...), time.Now().Add(r.delay)}:
		default: // lost, as in any full queue
		}
	}
}

// give sends them out of the other end when they are due.
func (r *Relay) give(end int, queue <-chan held) {
	for f := range queue {
		time.Sleep(time.Until(f.due))
		if _, err := unix.Write(r.fds[end], f.bytes); err != nil && !errors.Is(err, unix.ENETDOWN) && !errors.Is(err, unix.ENOBUFS) {
			r.fail(err)
		}
	}
}

func (r *Relay) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed == nil {
		r.failed = fmt.Errorf("relay of a cable: %w", err)
	}
}

// Close ends the relay when what is on its way has arrived, and says what went
// wrong meanwhile.
func (r *Relay) Close() error {
	close(r.stop)
	r.running.Wait()
	for _, fd := range r.fds {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
	return r.failed
}
