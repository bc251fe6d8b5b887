package transport

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// setTTL sets what a socket sends, and the least that it takes (0: any). Below
// it the kernel drops packets before TCP sees them.
func setTTL(fd int, is4 bool, ttl, least int) error {
	level, send, take := unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, unix.IPV6_MINHOPCOUNT
	if is4 {
		level, send, take = unix.IPPROTO_IP, unix.IP_TTL, unix.IP_MINTTL
	}
	if err := unix.SetsockoptInt(fd, level, send, ttl); err != nil {
		return fmt.Errorf("set the TTL: %w", err)
	}
	if err := unix.SetsockoptInt(fd, level, take, least); err != nil {
		return fmt.Errorf("set the least TTL: %w", err)
	}
	return nil
}

// setMD5 sets the password for packets from and to an address; none takes it
// away.
func setMD5(fd int, peer netip.Addr, password []byte) error {
	sig := unix.TCPMD5Sig{Keylen: uint16(len(password))}
	defer clear(sig.Key[:])
	copy(sig.Key[:], password)
	if peer.Is4() {
		sig.Addr.Family = unix.AF_INET
		a := peer.As4()
		copy(sig.Addr.Data[2:], a[:]) // behind the port
	} else {
		sig.Addr.Family = unix.AF_INET6
		a := peer.As16()
		copy(sig.Addr.Data[6:], a[:]) // behind the port and the flow label
	}
	return unix.SetsockoptTCPMD5Sig(fd, unix.IPPROTO_TCP, unix.TCP_MD5SIG, &sig)
}
