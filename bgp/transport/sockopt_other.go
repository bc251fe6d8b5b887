//go:build !linux

package transport

import (
	"errors"
	"net/netip"
)

var errLinux = errors.New("BGP sessions with TTL security or TCP MD5 need Linux")

// setTTL is for peers with TTL security.
func setTTL(_ int, _ bool, _, least int) error {
	if least == 0 {
		return nil
	}
	return errLinux
}

func setMD5(int, netip.Addr, []byte) error { return errLinux }
