// Package wire sends packets over paths of SRv6 and takes in those that come
// home, many with one call of the kernel. No call blocks, and none allocates
// once a Socket is made. It knows nothing of what is in the packets. agent/probe
// and agent/probe/meter call it.
package wire

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Socket is a raw socket to send by, and a UDP socket to receive by. They
// belong to the network namespace they were opened in, whatever thread uses
// them later. A Socket is for one goroutine at a time.
type Socket struct {
	raw, udp int
	port     uint16
	home     netip.Addr // where udp is connected to; not valid: nowhere
	out      *outbox
	in       *inbox
	file     *os.File // owns udp, where Serve reads it
}

// receiveSpace holds the answers that come while nobody reads: about 4,000.
const receiveSpace = 4 << 20

// Open opens a Socket on a free port of the dynamic range: it is nobody's
// well-known service, and two probers on a machine do not meet. It needs
// CAP_NET_RAW.
func Open() (*Socket, error) { return open(func(s *Socket) error { return s.bindDynamic() }) }

// OpenUnbound opens a Socket that hears nothing before Bind. It is read by
// Serve.
func OpenUnbound() (*Socket, error) {
	s, err := open(func(*Socket) error { return nil })
	if err == nil {
		s.file = os.NewFile(uintptr(s.udp), "udp")
	}
	return s, err
}

// Bind makes the Socket hear packets to a port of any address of the node.
func (s *Socket) Bind(port uint16) error {
	if err := s.bind(port); err != nil {
		return fmt.Errorf("bind UDP port %d: %w", port, err)
	}
	return nil
}

// Serve calls round whenever packets may wait, until the Socket is closed.
// Round must take all of them. The Socket is of OpenUnbound.
func (s *Socket) Serve(round func()) error {
	conn, err := s.file.SyscallConn()
	if err != nil {
		return err
	}
	return conn.Read(func(uintptr) bool {
		round()
		return false
	})
}

func open(bind func(*Socket) error) (_ *Socket, err error) {
	s := &Socket{raw: -1, udp: -1, out: newOutbox(), in: newInbox()}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	// IPPROTO_RAW implies IPV6_HDRINCL: what is sent is a whole packet.
	if s.raw, err = unix.Socket(unix.AF_INET6, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW); err != nil {
		return nil, fmt.Errorf("open raw IPv6 socket (needs CAP_NET_RAW): %w", err)
	}
	if s.udp, err = Receiver(unix.SOCK_DGRAM, unix.IPPROTO_UDP); err != nil {
		return nil, fmt.Errorf("open UDP socket: %w", err)
	}
	if err = unix.SetsockoptInt(s.udp, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1); err != nil {
		return nil, fmt.Errorf("set IPV6_V6ONLY: %w", err)
	}
	if err = bind(s); err != nil {
		return nil, fmt.Errorf("bind UDP socket: %w", err)
	}
	return s, nil
}

func (s *Socket) bind(port uint16) error {
	s.port = port
	return unix.Bind(s.udp, &unix.SockaddrInet6{Port: int(port)})
}

// bindDynamic binds to a free port of the dynamic range, RFC 6335 section 6.
// A port chosen by the kernel would be given up with each disconnect.
func (s *Socket) bindDynamic() (err error) {
	for range 100 {
		if err = s.bind(49152 + uint16(rand.N(65536-49152))); !errors.Is(err, unix.EADDRINUSE) {
			break
		}
	}
	return err
}

// Receiver opens a socket whose packets carry the time of their arrival, for
// Receive.
func Receiver(kind, proto int) (int, error) {
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

// Port is the UDP port of the Socket.
func (s *Socket) Port() uint16 { return s.port }

// UDP is the file descriptor of the UDP socket, for Receive and for waiting.
func (s *Socket) UDP() int { return s.udp }

// Close closes both sockets.
func (s *Socket) Close() {
	if s.raw >= 0 {
		unix.Close(s.raw)
	}
	if s.file != nil {
		s.file.Close()
	} else if s.udp >= 0 {
		unix.Close(s.udp)
	}
	s.raw, s.udp = -1, -1
}

// Settle connects the UDP socket to home and its own port, so that it hears
// only what comes from there. It fails while the node has no such address.
func (s *Socket) Settle(home netip.Addr) error {
	if s.home == home {
		return nil
	}
	s.home = netip.Addr{}
	var nowhere unix.RawSockaddr // AF_UNSPEC undoes a connect; no SockaddrXxx says so
	_, _, errno := unix.Syscall(unix.SYS_CONNECT, uintptr(s.udp), uintptr(unsafe.Pointer(&nowhere)), unsafe.Sizeof(nowhere))
	if errno != 0 {
		return fmt.Errorf("disconnect UDP socket: %w", errno)
	}
	if err := unix.Connect(s.udp, &unix.SockaddrInet6{Addr: home.As16(), Port: int(s.port)}); err != nil {
		return fmt.Errorf("connect UDP socket to own address %v: %w", home, err)
	}
	// With a route, but without the address, the kernel takes another source.
	name, err := unix.Getsockname(s.udp)
	if err != nil {
		return fmt.Errorf("read the address of the UDP socket: %w", err)
	}
	if sa, ok := name.(*unix.SockaddrInet6); !ok || sa.Addr != home.As16() {
		return fmt.Errorf("own address %v: %w", home, unix.EADDRNOTAVAIL)
	}
	s.home = home
	return nil
}

// Exit is where packets to one first SID leave: by one interface and no
// other. A route to that SID over other links is not the path.
type Exit struct {
	to  unix.RawSockaddrInet6
	oob []byte
}

// Exit fails where the Socket's namespace has no such interface.
func (s *Socket) Exit(firstSID netip.Addr, link string) (*Exit, error) {
	ifr, err := unix.NewIfreq(link)
	if err == nil {
		err = unix.IoctlIfreq(s.raw, unix.SIOCGIFINDEX, ifr)
	}
	if err != nil {
		return nil, fmt.Errorf("interface %s: %w", link, err)
	}
	return &Exit{
		to:  unix.RawSockaddrInet6{Family: unix.AF_INET6, Addr: firstSID.As16()},
		oob: unix.PktInfo6(&unix.Inet6Pktinfo{Ifindex: ifr.Uint32()}),
	}, nil
}

// Passing says that the kernel had no room for the packet: no fact about the
// path.
func Passing(err error) bool {
	return errors.Is(err, unix.ENOBUFS) || errors.Is(err, unix.ENOMEM) ||
		errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR)
}
