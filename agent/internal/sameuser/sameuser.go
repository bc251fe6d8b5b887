// Package sameuser tells who is at the other end of a unix socket. The rights
// of the socket and of its directory keep others away too; but they can be
// changed by mistake. The agent and the helpers of its lanes ask it before they
// read a request.
package sameuser

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// Check refuses whoever is not the user of this process.
func Check(c *net.UnixConn) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var peer *unix.Ucred
	if cerr := raw.Control(func(fd uintptr) {
		peer, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); cerr != nil || err != nil {
		return errors.Join(cerr, err)
	}
	if int(peer.Uid) != os.Geteuid() {
		return fmt.Errorf("user %d (process %d) is not that of this process, %d", peer.Uid, peer.Pid, os.Geteuid())
	}
	return nil
}
