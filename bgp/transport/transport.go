// Package transport makes the TCP connections of BGP, as protected as a peer is
// configured to be: by TTL security (GTSM, RFC 5082) and TCP MD5 (RFC 2385). The
// kernel does both: what does not pass, TCP never sees. Package bgp calls it.
package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// Security is how the connections with a peer are protected.
type Security struct {
	// Hops is how far away the peer may be at most; 1: on the same link. 0: it may
	// be anywhere.
	Hops     int
	Password Password
}

// String is the protection in words.
func (s Security) String() string {
	text := "none"
	switch {
	case s.Hops == 1:
		text = "GTSM, on the same link"
	case s.Hops > 1:
		text = fmt.Sprintf("GTSM, at most %d hops", s.Hops)
	}
	if s.Password.Present() {
		if s.Hops == 0 {
			return "TCP MD5"
		}
		text += "; TCP MD5"
	}
	return text
}

// Equal reports whether two are the same.
func (s Security) Equal(o Security) bool {
	return s.Hops == o.Hops && s.Password.Equal(o.Password)
}

// dialTimeout is how long a peer may take to answer a SYN.
const dialTimeout = 10 * time.Second

// maxTTL is what GTSM sends with.
const maxTTL = 255

// least is the TTL that arrives from the farthest place that is allowed.
func (s Security) least() int {
	if s.Hops == 0 {
		return 0
	}
	return maxTTL + 1 - s.Hops
}

// Dial connects to a peer, from an address of this machine if local is valid.
func Dial(ctx context.Context, local netip.Addr, remote netip.AddrPort, s Security) (net.Conn, error) {
	d := net.Dialer{Timeout: dialTimeout, Control: func(_, _ string, raw syscall.RawConn) error {
		return control(raw, func(fd int) error {
			if err := setPassword(fd, remote.Addr(), s.Password); err != nil || s.Hops == 0 {
				return err
			}
			return setTTL(fd, remote.Addr().Is4(), maxTTL, s.least())
		})
	}}
	if local.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(local, 0))
	}
	tcp, err := d.DialContext(ctx, network(remote.Addr()), remote.String())
	if err != nil {
		return nil, fmt.Errorf("%w%s", err, s.hint(err))
	}
	return tcp, nil
}

// hint says why a peer may not answer: packets that are not secured as agreed
// vanish without a trace.
func (s Security) hint(err error) string {
	var timeout net.Error
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		return ""
	}
	switch {
	case s.Hops > 0 && s.Password.Present():
		return fmt.Sprintf(" (the peer must have the same TCP MD5 password, send with TTL 255 and be at most %d hops away)", s.Hops)
	case s.Hops > 0:
		return fmt.Sprintf(" (with TTL security the peer must send with TTL 255 and be at most %d hops away)", s.Hops)
	case s.Password.Present():
		return " (the peer must have the same TCP MD5 password)"
	}
	return ""
}

// Listener takes connections of peers.
type Listener struct {
	*net.TCPListener
	is4     bool
	secured map[netip.Addr]bool // have a password
}

// Listen opens a listener. It answers with the highest TTL, so that peers with
// TTL security take the answer.
func Listen(ctx context.Context, at netip.AddrPort) (*Listener, error) {
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		return control(raw, func(fd int) error { return setTTL(fd, at.Addr().Is4(), maxTTL, 0) })
	}}
	l, err := config.Listen(ctx, network(at.Addr()), at.String())
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", at, err)
	}
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		return nil, fmt.Errorf("listen on %s: the listener is a %T", at, l)
	}
	return &Listener{tcp, at.Addr().Is4(), map[netip.Addr]bool{}}, nil
}

// Secure makes the listener ready for its peers, by their address, and for no
// others: a peer that is gone has no password any more. It is not for
// concurrent use.
func (l *Listener) Secure(peers map[netip.Addr]Security) error {
	raw, err := l.SyscallConn()
	if err != nil {
		return err
	}
	return control(raw, func(fd int) error {
		for address := range l.secured {
			if !peers[address].Password.Present() {
				if err := setMD5(fd, address, nil); err != nil {
					return fmt.Errorf("take back the TCP MD5 password of %s: %w", address, err)
				}
				delete(l.secured, address)
			}
		}
		least := maxTTL
		for address, s := range peers {
			if address.Is4() != l.is4 {
				continue
			}
			if err := setPassword(fd, address, s.Password); err != nil {
				return err
			}
			if s.Password.Present() {
				l.secured[address] = true
			}
			least = min(least, s.least())
		}
		// What is too far away for all does not even get an answer.
		return setTTL(fd, l.is4, maxTTL, least)
	})
}

// Confine makes a connection from a listener, which takes what the farthest
// peer may send, take only what its own peer may.
func Confine(tcp net.Conn, peer netip.Addr, s Security) error {
	if s.Hops == 0 {
		return nil
	}
	socket, ok := tcp.(syscall.Conn)
	if !ok {
		return fmt.Errorf("set the TTL: the connection is a %T", tcp)
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return err
	}
	return control(raw, func(fd int) error { return setTTL(fd, peer.Is4(), maxTTL, s.least()) })
}

func setPassword(fd int, peer netip.Addr, p Password) error {
	if !p.Present() {
		return nil
	}
	if err := setMD5(fd, peer, p.octets()); err != nil {
		return fmt.Errorf("set the TCP MD5 password of %s: %w", peer, err)
	}
	return nil
}

// network keeps the two families apart: of an IPv4 connection on an IPv6
// socket the kernel does not look at the TTL.
func network(a netip.Addr) string {
	if a.Is4() {
		return "tcp4"
	}
	return "tcp6"
}

func control(raw syscall.RawConn, f func(fd int) error) error {
	var inner error
	if err := raw.Control(func(fd uintptr) { inner = f(int(fd)) }); err != nil {
		return err
	}
	return inner
}
