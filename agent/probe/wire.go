package probe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// wire sends probes and takes them in when they come home. No call blocks.
// The sockets belong to the network namespace they were opened in, whatever
// thread uses them later.
//
// Probes go from and to one UDP port of the dynamic range: it is nobody's
// well-known service (862 is for reflectors that answer strangers, RFC 8762
// section 4.1), and two probers on a machine do not meet.
type wire struct {
	raw, udp int
	port     uint16
	home     netip.Addr // where udp is connected to; not valid: nowhere
	oob      []byte
	buf      []byte
}

// receiveSpace holds the answers that come while the prober does not run:
// about 4,000.
const receiveSpace = 4 << 20

func newWire() (w *wire, err error) {
	w = &wire{raw: -1, udp: -1, oob: make([]byte, 128), buf: make([]byte, 2048)}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	// IPPROTO_RAW implies IPV6_HDRINCL: what is sent is a whole packet.
	if w.raw, err = unix.Socket(unix.AF_INET6, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW); err != nil {
		return nil, fmt.Errorf("open raw IPv6 socket (needs CAP_NET_RAW): %w", err)
	}
	if w.udp, err = receiver(unix.SOCK_DGRAM, unix.IPPROTO_UDP); err != nil {
		return nil, fmt.Errorf("open UDP socket: %w", err)
	}
	if err = unix.SetsockoptInt(w.udp, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1); err != nil {
		return nil, fmt.Errorf("set IPV6_V6ONLY: %w", err)
	}
	if w.port, err = bindDynamic(w.udp); err != nil {
		return nil, fmt.Errorf("bind UDP socket: %w", err)
	}
	return w, nil
}

// bindDynamic binds to a free port of the dynamic range, RFC 6335 section 6.
// A port chosen by the kernel would be given up with each disconnect.
func bindDynamic(fd int) (port uint16, err error) {
	for range 100 {
		port = 49152 + uint16(rand.N(65536-49152))
		if err = unix.Bind(fd, &unix.SockaddrInet6{Port: int(port)}); !errors.Is(err, unix.EADDRINUSE) {
			break
		}
	}
	return port, err
}

// receiver opens a socket whose packets carry the time of their arrival.
func receiver(kind, proto int) (int, error) {
	fd, err := unix.Socket(unix.AF_INET6, kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, proto)
	if err != nil {
		return -1, err
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS_NEW, 1); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("set SO_TIMESTAMPNS: %w", err)
	}
	// Beyond net.core.rmem_max with CAP_NET_ADMIN, else as far as that goes.
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveSpace) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveSpace)
	}
	return fd, nil
}

func (w *wire) close() {
	for _, fd := range []int{w.raw, w.udp} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
	w.raw, w.udp = -1, -1
}

// settle connects the UDP socket to home and its own port, so that it hears
// only what comes from there. It fails while the node has no such address.
func (w *wire) settle(home netip.Addr) error {
	if w.home == home {
		return nil
	}
	w.home = netip.Addr{}
	var nowhere unix.RawSockaddr // AF_UNSPEC undoes a connect; no SockaddrXxx says so
	_, _, errno := unix.Syscall(unix.SYS_CONNECT, uintptr(w.udp), uintptr(unsafe.Pointer(&nowhere)), unsafe.Sizeof(nowhere))
	if errno != 0 {
		return fmt.Errorf("disconnect UDP socket: %w", errno)
	}
	if err := unix.Connect(w.udp, &unix.SockaddrInet6{Addr: home.As16(), Port: int(w.port)}); err != nil {
		return fmt.Errorf("connect UDP socket to own address %v: %w", home, err)
	}
	// With a route, but without the address, the kernel takes another source.
	name, err := unix.Getsockname(w.udp)
	if err != nil {
		return fmt.Errorf("read the address of the UDP socket: %w", err)
	}
	if sa, ok := name.(*unix.SockaddrInet6); !ok || sa.Addr != home.As16() {
		return fmt.Errorf("own address %v: %w", home, unix.EADDRNOTAVAIL)
	}
	w.home = home
	return nil
}

// exit is where packets to one first SID leave: by one interface and no
// other. A route to that SID over other links is not the path.
type exit struct {
	to  unix.SockaddrInet6
	oob []byte
}

// exit fails where the wire's namespace has no such interface.
func (w *wire) exit(firstSID netip.Addr, link string) (*exit, error) {
	ifr, err := unix.NewIfreq(link)
	if err == nil {
		err = unix.IoctlIfreq(w.raw, unix.SIOCGIFINDEX, ifr)
	}
	if err != nil {
		return nil, fmt.Errorf("interface %s: %w", link, err)
	}
	return &exit{
		to:  unix.SockaddrInet6{Addr: firstSID.As16()},
		oob: unix.PktInfo6(&unix.Inet6Pktinfo{Ifindex: ifr.Uint32()}),
	}, nil
}

// send gives the packet to the kernel.
func (w *wire) send(p packet, by *exit) error {
	return unix.Sendmsg(w.raw, p, by.oob, &by.to, 0)
}

// receive hands on all packets that wait in fd, with sender and arrival.
func (w *wire) receive(fd int, take func(b []byte, from netip.Addr, at time.Time)) {
	for {
		n, oobn, _, from, err := unix.Recvmsg(fd, w.buf, w.oob, 0)
		if errors.Is(err, unix.EINTR) || errors.Is(err, unix.ECONNREFUSED) {
			continue
		}
		if err != nil {
			return // EAGAIN: none is left
		}
		var addr netip.Addr
		if sa, ok := from.(*unix.SockaddrInet6); ok {
			addr = netip.AddrFrom16(sa.Addr)
		}
		take(w.buf[:n], addr, arrival(w.oob[:oobn]))
	}
}

// arrival is the kernel's timestamp, or now where it gave none.
func arrival(oob []byte) time.Time {
	for len(oob) > 0 {
		h, data, rest, err := unix.ParseOneSocketControlMessage(oob)
		if err != nil {
			break
		}
		if h.Level == unix.SOL_SOCKET && h.Type == unix.SO_TIMESTAMPNS_NEW && len(data) >= 16 {
			return time.Unix(int64(binary.NativeEndian.Uint64(data)), int64(binary.NativeEndian.Uint64(data[8:])))
		}
		oob = rest
	}
	return time.Now()
}

// passing says that the kernel had no room for the packet: no fact about the
// path.
func passing(err error) bool {
	return errors.Is(err, unix.ENOBUFS) || errors.Is(err, unix.ENOMEM) ||
		errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR)
}
