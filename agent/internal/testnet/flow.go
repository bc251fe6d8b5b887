package testnet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

// Flow is a steady stream of numbered packets from one namespace to another.
type Flow struct {
	t       testing.TB
	out, in *net.UDPConn
	file    syscall.RawConn // of in
	to      *net.UDPAddr
	period  time.Duration
	mark    []byte
	came    []bool // by number
	sent    atomic.Int64
	arrived atomic.Int64
	flowed  Flowed
	stop    chan struct{}
	ended   chan struct{} // the sender has
	done    chan struct{} // the receiver too
}

// Flowed is what became of a Flow.
type Flowed struct {
	Sent, Arrived int // packets; Arrived counts none twice
	Twice         int
	Run           int           // the most that were lost in a row
	Refused       int           // of Sent, those that the sending kernel would not take
	Late          time.Duration // after its time the latest packet left
	Took          time.Duration // from the first packet to the last
	Last          time.Time     // arrival
}

// Lost is how many packets were lost on the way.
func (f Flowed) Lost() int { return f.Sent - f.Arrived }

// A source on another machine would never be late. This one sends what is due
// every tick, before all other processes where it may, in one system call, so
// that it takes little of the processors that carry the packets. What it has
// missed by more than patience, on a busy machine, it does not send at all: it
// would be a flood that nobody asked for. Sent and Took tell.
const (
	tick     = time.Millisecond
	patience = 200 * time.Millisecond
	batch    = 64 // packets a system call
)

// Flow sends rate packets per second to an address of another namespace, until
// Stop. Each begins with mark and then has its number, 8 bytes.
func (n *Namespace) Flow(from netip.Addr, far *Namespace, to netip.AddrPort, rate int, mark string) *Flow {
	n.t.Helper()
	f := &Flow{t: n.t, out: n.UDP(netip.AddrPortFrom(from, 0)), in: far.UDP(to), to: net.UDPAddrFromAddrPort(to),
		period: time.Second / time.Duration(rate), mark: []byte(mark),
		stop: make(chan struct{}), ended: make(chan struct{}), done: make(chan struct{})}
	// Room for what comes while the receiver waits for a processor: that would
	// be nobody's loss on the way.
	var err error
	if f.file, err = f.in.SyscallConn(); err == nil {
		failed := f.file.Control(func(fd uintptr) {
			err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 64<<20)
		})
		err = errors.Join(err, failed)
	}
	if err != nil {
		n.t.Fatal(err)
	}
	go f.send()
	go f.receive()
	return f
}

// Sent is how many packets were sent so far.
func (f *Flow) Sent() int { return int(f.sent.Load()) }

// Arrived is how many packets have come so far.
func (f *Flow) Arrived() int { return int(f.arrived.Load()) }

// Stop ends the flow, waits a moment for what is under way, and tells what
// became of all. It must be called once.
func (f *Flow) Stop() Flowed {
	close(f.stop)
	<-f.ended
	for end := time.Now().Add(2 * time.Second); f.Arrived() < f.Sent()-f.flowed.Refused && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	f.in.Close() // ends the receiver
	<-f.done
	f.out.Close()
	f.flowed.Sent, f.flowed.Arrived = f.Sent(), f.Arrived()
	run := 0
	for n := range f.flowed.Sent {
		if run++; n < len(f.came) && f.came[n] {
			run = 0
		}
		f.flowed.Run = max(f.flowed.Run, run)
	}
	return f.flowed
}

// send keeps an absolute schedule.
func (f *Flow) send() {
	defer close(f.ended)
	uninterrupted()
	messages := make([]ipv6.Message, batch)
	for i := range messages {
		messages[i] = ipv6.Message{Buffers: [][]byte{append(f.mark[:len(f.mark):len(f.mark)], make([]byte, 8)...)}, Addr: f.to}
	}
	conn, began := ipv6.NewPacketConn(f.out), time.Now() // of IPv4 as well
	due := began
	for wake := began; ; wake = wake.Add(tick) {
		sleepUntil(wake)
		select {
		case <-f.stop:
			f.flowed.Took = time.Since(began)
			return
		default:
		}
		for late := time.Since(due); late >= 0; late = time.Since(due) {
			f.flowed.Late = max(f.flowed.Late, late)
			if late > patience {
				due = due.Add(late - patience)
				late = patience
			}
			n := min(int(late/f.period)+1, batch)
			due = due.Add(time.Duration(n) * f.period)
			number := f.sent.Add(int64(n)) - int64(n)
			for i := range n {
				binary.BigEndian.PutUint64(messages[i].Buffers[0][len(f.mark):], uint64(number)+uint64(i))
			}
			for left := messages[:n]; len(left) > 0; {
				taken, err := conn.WriteBatch(left, 0)
				if err != nil { // that of the first of them
					f.flowed.Refused++
					taken = 1
				}
				left = left[taken:]
			}
		}
	}
}

// sleepUntil sleeps without the Go scheduler, which would add to the time.
func sleepUntil(at time.Time) {
	if left := time.Until(at); left > 0 {
		pause := unix.NsecToTimespec(int64(left))
		_ = unix.ClockNanosleep(unix.CLOCK_MONOTONIC, 0, &pause, nil)
	}
}

// uninterrupted puts the calling goroutine's thread before all processes, where
// it may, as a network card's packets are: nobody takes the first packet of a
// batch before the last is there. It is never unlocked: it ends, and its
// priority with it.
func uninterrupted() {
	runtime.LockOSThread()
	_ = unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 1}, 0)
}

// first does so by niceness. A receiver with a real-time policy was seen to keep
// a processor from all others for 0.95 s, which is as long as Linux allows
// (sched_rt_runtime_us).
func first() {
	runtime.LockOSThread()
	_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), -20)
}

// receive waits on its own thread: the Go scheduler's would be late on a busy
// machine, for longer than the socket has room.
func (f *Flow) receive() {
	defer close(f.done)
	first()
	messages := make([]ipv6.Message, batch)
	for i := range messages {
		messages[i].Buffers = [][]byte{make([]byte, len(f.mark)+8+1)} // a longer one is somebody else's
	}
	conn := ipv6.NewPacketConn(f.in)
	for {
		waits := 0
		err := f.file.Control(func(fd uintptr) {
			waits, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 10)
		})
		if err != nil { // closed
			return
		}
		if waits < 1 {
			continue
		}
		n, err := conn.ReadBatch(messages, 0)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		now := time.Now()
		for _, m := range messages[:max(n, 0)] {
			if p := m.Buffers[0][:m.N]; len(p) == len(f.mark)+8 && bytes.HasPrefix(p, f.mark) {
				f.record(binary.BigEndian.Uint64(p[len(f.mark):]), now)
			}
		}
	}
}

func (f *Flow) record(number uint64, now time.Time) {
	if number > 1<<32 {
		return // somebody else's
	}
	for uint64(len(f.came)) <= number {
		f.came = append(f.came, make([]bool, 4096)...)
	}
	f.flowed.Last = now
	if f.came[number] {
		f.flowed.Twice++
		return
	}
	f.came[number] = true
	f.arrived.Add(1)
}
