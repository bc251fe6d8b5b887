package way

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// wire sends probes and takes them in when they come home. No call blocks. The
// sockets belong to the network namespace that they were opened in.
//
// A raw socket for the routing header gets what arrives at its own address
// before the kernel looks at that header, so it hears probes though the node
// processes no SRH on its addresses (net.ipv6.conf.*.seg6_enabled is 0, and
// has no reason to be otherwise). With IPV6_RECVHOPOPTS come the options.
type wire struct {
	send, receive int
	home          netip.Addr // that the sockets are bound to; not valid: none
	oob, buf      []byte
}

const (
	receiveSpace = 1 << 20
	// maxReceive bounds what one round takes in of whatever strangers send.
	maxReceive = 4096
)

func (w *wire) close() {
	for _, fd := range []*int{&w.send, &w.receive} {
		if *fd >= 0 {
			unix.Close(*fd)
		}
		*fd = -1
	}
}

func newWire() (_ *wire, err error) {
	w := &wire{send: -1, receive: -1, oob: make([]byte, 512), buf: make([]byte, 2048)}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	const kind = unix.SOCK_RAW | unix.SOCK_NONBLOCK | unix.SOCK_CLOEXEC
	// IPPROTO_RAW implies IPV6_HDRINCL: what is sent is a whole packet.
	if w.send, err = unix.Socket(unix.AF_INET6, kind, unix.IPPROTO_RAW); err == nil {
		w.receive, err = unix.Socket(unix.AF_INET6, kind, unix.IPPROTO_ROUTING)
	}
	if err != nil {
		return nil, fmt.Errorf("open raw IPv6 sockets (needs CAP_NET_RAW): %w", err)
	}
	for _, option := range []int{unix.IPV6_RECVHOPOPTS, unix.IPV6_RECVHOPLIMIT} {
		if err = unix.SetsockoptInt(w.receive, unix.IPPROTO_IPV6, option, 1); err != nil {
			return nil, fmt.Errorf("ask for hop-by-hop options and hop limit: %w", err)
		}
	}
	if unix.SetsockoptInt(w.receive, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveSpace) != nil {
		_ = unix.SetsockoptInt(w.receive, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveSpace)
	}
	return w, nil
}

// settle binds the sockets to home. It fails while the node has no such
// address.
func (w *wire) settle(home netip.Addr) error {
	if w.home == home {
		return nil
	}
	w.home = netip.Addr{}
	for _, fd := range []int{w.send, w.receive} {
		if err := unix.Bind(fd, &unix.SockaddrInet6{Addr: home.As16()}); err != nil {
			return fmt.Errorf("bind to own address %v: %w", home, err)
		}
	}
	w.home = home
	return nil
}

// running says whether an interface is up and has carrier. Over one that does
// not the kernel would send probes another way, as it does with no packet of
// the path.
func (w *wire) running(device string) bool {
	ifr, err := unix.NewIfreq(device)
	if err == nil {
		err = unix.IoctlIfreq(w.send, unix.SIOCGIFFLAGS, ifr)
	}
	return err == nil && ifr.Uint16()&(unix.IFF_UP|unix.IFF_RUNNING) == unix.IFF_UP|unix.IFF_RUNNING
}

// out gives a packet to the kernel, which routes it as it routes what the path
// carries.
func (w *wire) out(p packet) error {
	return unix.Sendto(w.send, p, 0, &unix.SockaddrInet6{Addr: p.firstSID().As16()})
}

// in hands on the packets that wait, from the SRH on, with their hop-by-hop
// header and the hop limit that is left; nil and 0 where there is none.
func (w *wire) in(take func(b, options []byte, hops int)) {
	for range maxReceive {
		n, oobn, _, _, err := unix.Recvmsg(w.receive, w.buf, w.oob, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return // EAGAIN: none is left
		}
		options, hops := ancillary(w.oob[:oobn])
		take(w.buf[:n], options, hops)
	}
}

func ancillary(oob []byte) (options []byte, hops int) {
	for len(oob) > 0 {
		h, data, rest, err := unix.ParseOneSocketControlMessage(oob)
		if err != nil {
			break
		}
		switch {
		case h.Level != unix.IPPROTO_IPV6:
		case h.Type == unix.IPV6_HOPOPTS:
			options = data
		case h.Type == unix.IPV6_HOPLIMIT && len(data) >= 4:
			hops = int(binary.NativeEndian.Uint32(data))
		}
		oob = rest
	}
	return options, hops
}
