package helper

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
	"golang.zx2c4.com/wireguard/conn"
	"golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/tun"

	"github.com/keiro-net/keiro/agent/internal/testnet"
)

// wire is an interface as a helper makes it, and a socket whose datagrams
// leave by it.
type wire struct {
	t     *testing.T
	tun   tun.Device
	out   *net.UDPConn
	to    netip.AddrPort
	bufs  [][]byte
	sizes []int
	came  map[uint16]bool // numbers of the datagrams read
}

func newWire(t *testing.T) *wire {
	t.Helper()
	w := &wire{t: t, to: netip.MustParseAddrPort("[fd01::2]:9"), sizes: make([]int, conn.IdealBatchSize), came: map[uint16]bool{}}
	for range w.sizes {
		w.bufs = append(w.bufs, make([]byte, device.MaxMessageSize))
	}
	n := testnet.New(t)
	n.Do(func() (err error) {
		w.tun, err = create("kr-w1", 1380)
		return err
	})
	t.Cleanup(func() { w.tun.Close() })
	n.Up("kr-w1")
	from := &net.IPNet{IP: net.ParseIP("fd01::1"), Mask: net.CIDRMask(64, 128)}
	w.must(n.Netlink().AddrAdd(n.Link("kr-w1"), &netlink.Addr{IPNet: from, Flags: unix.IFA_F_NODAD}))
	w.out = n.UDP(netip.MustParseAddrPort("[fd01::1]:0"))
	return w
}

func (w *wire) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

const size = 100 // of a datagram's payload; it begins with the datagram's number

func numbered(first, n int) []byte {
	b := make([]byte, n*size)
	for i := range n {
		binary.BigEndian.PutUint16(b[i*size:], uint16(first+i))
	}
	return b
}

// send sends datagrams one by one.
func (w *wire) send(first, n int) {
	w.t.Helper()
	for i := range n {
		_, err := w.out.WriteToUDPAddrPort(numbered(first+i, 1), w.to)
		w.must(err)
	}
}

// sendWhole gives the kernel datagrams in one piece.
func (w *wire) sendWhole(first, n int) error {
	w.t.Helper()
	file, err := w.out.SyscallConn()
	w.must(err)
	w.must(file.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_UDP, unix.UDP_SEGMENT, size) }))
	w.must(err)
	_, err = w.out.WriteToUDPAddrPort(numbered(first, n), w.to)
	return err
}

// read reads once and says how many of our datagrams came; others are the
// kernel's own.
func (w *wire) read() int {
	w.t.Helper()
	const offset, head = device.MessageTransportHeaderSize, ipv6Header + udpHeader
	n, err := w.tun.Read(w.bufs, w.sizes, offset)
	w.must(err)
	before := len(w.came)
	for i := range n {
		if p := w.bufs[i][offset : offset+w.sizes[i]]; p[6] == udp && len(p) == head+size {
			w.came[binary.BigEndian.Uint16(p[head:])] = true
		}
	}
	return len(w.came) - before
}

// What waits is read at once, so that it costs little a packet.
func TestReadsAllThatWaits(t *testing.T) {
	w := newWire(t)
	w.send(0, 40)
	for len(w.came) == 0 { // what the kernel sends by itself may be first, but not between
		if n := w.read(); n != 0 && n != 40 {
			t.Fatalf("read %d of 40 datagrams that waited", n)
		}
	}
}

// A packet that the kernel gives whole finds room for all that it is split
// into, after others too: what finds none is lost.
func TestReadsWholePackets(t *testing.T) {
	w := newWire(t)
	want := 40
	w.send(0, want)
	for _, n := range []int{maxSegments, maxSegments, 2 * maxSegments} {
		err := w.sendWhole(want, n)
		if n > maxSegments && errors.Is(err, unix.EINVAL) {
			break // before Linux 6.6 one piece is 64 at most
		}
		w.must(err)
		want += n
	}
	w.send(want, 1) // the last; what is not there by then is lost
	for !w.came[uint16(want)] {
		w.read()
	}
	if len(w.came) != want+1 {
		t.Errorf("read %d datagrams of %d", len(w.came), want+1)
	}
}
