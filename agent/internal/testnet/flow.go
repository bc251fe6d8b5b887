package testnet

import (
	"encoding/binary"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Flow is a steady stream of numbered packets from one namespace to another.
type Flow struct {
	t       testing.TB
	out, in int // sockets
	to      unix.Sockaddr
	rate    int
	mark    []byte
	came    []bool // by number
	arrived atomic.Int64
	flowed  Flowed
	close   []func() // closes a socket, once
	stop    chan struct{}
	ended   chan struct{} // the sender has
	done    chan struct{} // the receiver too
}

// Flowed is what became of a Flow.
type Flowed struct {
	Sent, Arrived int // packets; Arrived counts none twice
	Twice         int
	Refused       int           // of Sent, those that the sending kernel would not take
	Late          time.Duration // after its time the latest packet left
	Took          time.Duration // from the first packet to the last
	Last          time.Time     // arrival
}

// Lost is how many packets were lost on the way.
func (f Flowed) Lost() int { return f.Sent - f.Arrived }

// A source on another machine would never be late. One that is sends at most
// burst packets at once, and what it has missed by more than patience not at
// all: it would be a flood that nobody asked for. So on a busy machine it sends
// less than was asked for; Sent and Took tell.
const (
	burst    = 32
	patience = 20 * time.Millisecond
)

// Flow sends rate packets per second to an address of another namespace, until
// Stop. Each begins with mark and then has its number, 8 bytes.
func (n *Namespace) Flow(from netip.Addr, far *Namespace, to netip.AddrPort, rate int, mark string) *Flow {
	n.t.Helper()
	f := &Flow{t: n.t, rate: rate, mark: []byte(mark), stop: make(chan struct{}), ended: make(chan struct{}), done: make(chan struct{})}
	open := func(at netip.AddrPort) (fd int, err error) {
		family, addr := unix.AF_INET6, unix.Sockaddr(&unix.SockaddrInet6{Addr: at.Addr().As16(), Port: int(at.Port())})
		if at.Addr().Is4() {
			family, addr = unix.AF_INET, &unix.SockaddrInet4{Addr: at.Addr().As4(), Port: int(at.Port())}
		}
		if fd, err = unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0); err == nil {
			f.close = append(f.close, sync.OnceFunc(func() { unix.Close(fd) }))
			n.t.Cleanup(f.close[len(f.close)-1]) // where the test ends before Stop
			err = unix.Bind(fd, addr)
		}
		return fd, err
	}
	far.Do(func() (err error) {
		if f.in, err = open(to); err != nil {
			return err
		}
		// Room for what comes while the receiver waits for a processor: that
		// would be nobody's loss on the way.
		if err := unix.SetsockoptInt(f.in, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 64<<20); err != nil {
			return err
		}
		tick := unix.NsecToTimeval(int64(10 * time.Millisecond))
		if err := unix.SetsockoptTimeval(f.in, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tick); err != nil {
			return err
		}
		f.to, err = unix.Getsockname(f.in)
		return err
	})
	n.Do(func() (err error) {
		f.out, err = open(netip.AddrPortFrom(from, 0))
		return err
	})
	go f.send()
	go f.receive()
	return f
}

// Arrived is how many packets have come so far.
func (f *Flow) Arrived() int { return int(f.arrived.Load()) }

// Stop ends the flow, waits a moment for what is under way, and tells what
// became of all. It must be called once.
func (f *Flow) Stop() Flowed {
	close(f.stop)
	<-f.done
	for _, c := range f.close {
		c()
	}
	f.flowed.Arrived = f.Arrived()
	return f.flowed
}

// send keeps an absolute schedule, on a thread of its own, so that the Go
// scheduler adds nothing.
func (f *Flow) send() {
	defer close(f.ended)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	packet := append(f.mark[:len(f.mark):len(f.mark)], make([]byte, 8)...)
	period, began := time.Second/time.Duration(f.rate), time.Now()
	due := began
	for {
		select {
		case <-f.stop:
			f.flowed.Took = time.Since(began)
			return
		default:
		}
		for range burst {
			late := time.Since(due)
			if late < 0 {
				break
			}
			f.flowed.Late = max(f.flowed.Late, late)
			due = due.Add(max(period, late-patience))
			binary.BigEndian.PutUint64(packet[len(f.mark):], uint64(f.flowed.Sent))
			f.flowed.Sent++
			if err := unix.Sendto(f.out, packet, 0, f.to); err != nil {
				f.flowed.Refused++
			}
		}
		pause := unix.NsecToTimespec(int64(min(max(period, 200*time.Microsecond), time.Millisecond)))
		_ = unix.ClockNanosleep(unix.CLOCK_MONOTONIC, 0, &pause, nil)
	}
}

func (f *Flow) receive() {
	defer close(f.done)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	buf := make([]byte, 1<<16)
	var end time.Time // zero: the sender still sends
	for end.IsZero() || time.Now().Before(end) {
		n, _, err := unix.Recvfrom(f.in, buf, 0)
		if err == nil && n == len(f.mark)+8 && string(buf[:len(f.mark)]) == string(f.mark) {
			f.record(binary.BigEndian.Uint64(buf[len(f.mark):]))
		}
		select {
		case <-f.ended:
			if end.IsZero() {
				end = time.Now().Add(2 * time.Second)
			}
			if f.Arrived() >= f.flowed.Sent-f.flowed.Refused {
				return
			}
		default:
		}
	}
}

func (f *Flow) record(number uint64) {
	if number > 1<<32 {
		return // somebody else's
	}
	for uint64(len(f.came)) <= number {
		f.came = append(f.came, make([]bool, 4096)...)
	}
	f.flowed.Last = time.Now()
	if f.came[number] {
		f.flowed.Twice++
		return
	}
	f.came[number] = true
	f.arrived.Add(1)
}
