package agent

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/internal/testnet"
)

// flows are many streams of numbered datagrams from a to b, which differ in
// their source port.
type flows struct {
	t   *testing.T
	out []*net.UDPConn
	in  *net.UDPConn
	to  netip.AddrPort

	came    chan struct{} // has a token when something arrived
	mu      sync.Mutex
	scout   int                    // interface by which the last scout came
	arrived int                    // others
	seen    map[uint32]int         // how often each number arrived
	last    map[uint32]uint32      // number that arrived last, by flow
	devs    map[uint32]map[int]int // interfaces by which a flow arrived
	unsort  int                    // datagrams that arrived after a later one of their flow
}

func (w *triangle) flows(t *testing.T, n int, from, to netip.Addr) *flows {
	t.Helper()
	return newFlows(t, n, w.a.Namespace, from, w.b.Namespace, to)
}

func newFlows(t *testing.T, n int, near *testnet.Namespace, from netip.Addr, far *testnet.Namespace, to netip.Addr) *flows {
	t.Helper()
	f := &flows{t: t, in: far.UDP(netip.AddrPortFrom(to, 0)), seen: make(map[uint32]int), came: make(chan struct{}, 1)}
	f.forget()
	f.to = f.in.LocalAddr().(*net.UDPAddr).AddrPort()
	near.Do(func() error {
		for range n {
			c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(from, 0)))
			if err != nil {
				return err
			}
			t.Cleanup(func() { c.Close() })
			f.out = append(f.out, c)
		}
		return nil
	})
	raw, err := f.in.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	level, option := unix.IPPROTO_IP, unix.IP_PKTINFO
	if to.Is6() {
		level, option = unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO
	}
	if cerr := raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), level, option, 1) }); cerr != nil || err != nil {
		t.Fatal(cerr, err)
	}
	go f.receive()
	return f
}

func (f *flows) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last, f.devs, f.unsort = make(map[uint32]uint32), make(map[uint32]map[int]int), 0
}

func (f *flows) receive() {
	b, oob := make([]byte, 64), make([]byte, 256)
	for {
		n, oobn, _, _, err := f.in.ReadMsgUDPAddrPort(b, oob)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			f.t.Errorf("receive: %v", err)
			return
		}
		if n != 8 {
			continue
		}
		flow, number := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
		f.arrives(flow, number, interfaceOf(oob[:oobn]))
		select {
		case f.came <- struct{}{}:
		default:
		}
	}
}

func (f *flows) arrives(flow, number uint32, dev int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if number == scout {
		f.scout = dev
		return
	}
	f.arrived++
	f.seen[number]++
	if last, ok := f.last[flow]; ok && last > number {
		f.unsort++
	}
	f.last[flow] = number
	if f.devs[flow] == nil {
		f.devs[flow] = make(map[int]int)
	}
	f.devs[flow][dev]++
}

// scout is the number of datagrams that only find out the way.
const scout = math.MaxUint32

// until sends scouts down a flow until one comes by an interface: the kernel
// tells of a changed carrier before its routes have it.
func (f *flows) until(what string, flow uint32, dev int) {
	f.t.Helper()
	testnet.Eventually(f.t, what, func() bool {
		_ = f.write(int(flow), scout) // a refused packet is a lost one
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.scout == dev
	})
}

// calm waits until a round of datagrams is lost to nothing: a link whose carrier
// is back takes packets before its neighbour is known again.
func (f *flows) calm(what string) {
	f.t.Helper()
	var err error
	for range 3 { // one that loses a datagram waits for it until the deadline
		if err = f.round(); err == nil {
			return
		}
	}
	f.t.Fatalf("%s: %v", what, err)
}

// round sends three datagrams of every flow, and forgets all before them.
func (f *flows) round() error {
	f.forget()
	f.mu.Lock()
	clear(f.seen)
	f.mu.Unlock()
	return f.send(0, 3*len(f.out))
}

func (f *flows) write(flow, number int) error {
	b := binary.BigEndian.AppendUint32(nil, uint32(flow))
	b = binary.BigEndian.AppendUint32(b, uint32(number))
	_, err := f.out[flow].WriteToUDPAddrPort(b, f.to)
	return err
}

// interfaceOf reads the index of the interface out of IP_PKTINFO or
// IPV6_PKTINFO.
func interfaceOf(oob []byte) int {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil || len(messages) != 1 {
		return -1
	}
	switch data := messages[0].Data; len(data) {
	case unix.SizeofInet4Pktinfo:
		return int(binary.NativeEndian.Uint32(data))
	case unix.SizeofInet6Pktinfo:
		return int(binary.NativeEndian.Uint32(data[16:]))
	}
	return -1
}

// window is how many datagrams are on the way at a time: no buffer overflows,
// so what is lost is lost by a switch.
const window = 64

// send sends the numbers from to (excluded), flow after flow, and returns when
// all have arrived, or when nothing arrives any more.
func (f *flows) send(from, to int) error {
	base := f.count()
	wait := func(sent, onTheWay int) error {
		for sent-(f.count()-base) > onTheWay {
			select {
			case <-f.came:
			case <-time.After(testnet.Deadline):
				return fmt.Errorf("of %d datagrams %d arrived", sent, f.count()-base)
			}
		}
		return nil
	}
	for number := from; number < to; number++ {
		if err := wait(number-from, window-1); err != nil {
			return err
		}
		if err := f.write(number%len(f.out), number); err != nil {
			return fmt.Errorf("datagram %d: %w", number, err)
		}
	}
	return wait(to-from, 0)
}

func (f *flows) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.arrived
}

// paths sends some datagrams a flow and says by which interface of b each
// flow arrived: by one, in order.
func (f *flows) paths(what string) map[uint32]int {
	f.t.Helper()
	if err := f.round(); err != nil {
		f.t.Fatalf("%s: %v", what, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.unsort > 0 {
		f.t.Errorf("%s: %d datagrams came out of order", what, f.unsort)
	}
	path := make(map[uint32]int)
	for flow, devs := range f.devs {
		if len(devs) != 1 {
			f.t.Fatalf("%s: flow %d came by several interfaces: %v", what, flow, devs)
		}
		for dev := range devs {
			path[flow] = dev
		}
	}
	return path
}
