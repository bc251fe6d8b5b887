// Package rtnl speaks to the kernel of one network namespace over netlink and
// /proc/sys: it lists what is Keiro's there as nodecfg.State, applies
// nodecfg.Op, counts, and wakes when something changes. It closes the gaps of
// the netlink library for SRv6 with encoders and decoders of its own. It
// decides nothing and touches nothing without Keiro's mark. The loop of
// package agent calls it.
//
// package budget: one kernel, whose objects are read and written by the same attributes
package rtnl

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/vishvananda/netlink/nl"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Handle is a way to the kernel of one network namespace. It is safe for use
// by several goroutines.
type Handle struct {
	ns      netns.NsHandle
	sockets map[int]*nl.SocketHandle
	ioctl   int
	port    uint32 // of the route socket; the kernel marks with it what we caused
}

// Open opens the network namespace of the calling thread, which must be that
// of the whole process: /proc/sys/net is read by whatever thread comes along.
func Open() (*Handle, error) { return OpenAt(-1) }

// OpenAt opens the network namespace of a descriptor, such as one of
// /proc/PID/ns/net. The descriptor must stay open as long as the Handle.
func OpenAt(ns int) (*Handle, error) {
	h := &Handle{ns: netns.NsHandle(ns), sockets: make(map[int]*nl.SocketHandle), ioctl: -1}
	err := h.within(func() (err error) {
		for _, proto := range []int{unix.NETLINK_ROUTE, unix.NETLINK_GENERIC} {
			s, err := nl.GetNetlinkSocketAt(netns.None(), netns.None(), proto)
			if err != nil {
				return fmt.Errorf("open netlink socket: %w", err)
			}
			h.sockets[proto] = &nl.SocketHandle{Socket: s}
			if err := prepare(s); err != nil {
				return fmt.Errorf("prepare netlink socket: %w", err)
			}
		}
		h.ioctl, err = unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		return err
	})
	if err == nil {
		h.port, err = h.sockets[unix.NETLINK_ROUTE].Socket.GetPid()
	}
	if err != nil {
		h.Close()
		return nil, err
	}
	return h, nil
}

// prepare asks for the kernel's own words on errors and for dumps filtered by
// the kernel (since 4.20; without it they are filtered only here).
func prepare(s *nl.NetlinkSocket) error {
	timeout := unix.Timeval{Sec: 10}
	if err := errors.Join(s.SetExtAck(true), s.SetSendTimeout(&timeout), s.SetReceiveTimeout(&timeout)); err != nil {
		return err
	}
	err := unix.SetsockoptInt(s.GetFd(), unix.SOL_NETLINK, unix.NETLINK_GET_STRICT_CHK, 1)
	if errors.Is(err, unix.ENOPROTOOPT) {
		return nil
	}
	return err
}

// Close closes the Handle.
func (h *Handle) Close() {
	for _, s := range h.sockets {
		s.Close()
	}
	if h.ioctl >= 0 {
		unix.Close(h.ioctl)
		h.ioctl = -1
	}
}

// within calls f on a thread that is in the namespace of the Handle.
func (h *Handle) within(f func() error) error {
	if !h.ns.IsOpen() {
		return f()
	}
	done := make(chan error)
	go func() {
		// Never unlocked: the thread ends with the goroutine, whatever
		// namespace it is in.
		runtime.LockOSThread()
		if err := netns.Set(h.ns); err != nil {
			done <- fmt.Errorf("enter network namespace: %w", err)
			return
		}
		done <- f()
	}()
	return <-done
}

// execute sends a request and calls visit with every answer of the given type.
func (h *Handle) execute(proto int, typ uint16, flags int, answer uint16, visit func([]byte) error, parts ...nl.NetlinkRequestData) error {
	req := nl.NewNetlinkRequest(int(typ), flags)
	req.Sockets = h.sockets
	for _, p := range parts {
		req.AddData(p)
	}
	var bad error
	err := req.ExecuteIter(proto, answer, func(msg []byte) bool {
		if visit != nil {
			bad = visit(msg)
		}
		return bad == nil
	})
	return errors.Join(err, bad)
}

// dumpTries bounds how often a dump is begun again that was interrupted by a
// change: each try is consistent in itself, or is not used.
const dumpTries = 20

// dump lists what the kernel has. Reset is called before each try.
func (h *Handle) dump(typ, answer uint16, reset func(), visit func([]byte) error, parts ...nl.NetlinkRequestData) error {
	var err error
	for range dumpTries {
		reset()
		err = h.execute(unix.NETLINK_ROUTE, typ, unix.NLM_F_DUMP, answer, visit, parts...)
		if !errors.Is(err, nl.ErrDumpInterrupted) {
			return err
		}
	}
	return fmt.Errorf("%d times in a row: %w", dumpTries, err)
}

// change makes, replaces or deletes an object.
func (h *Handle) change(typ uint16, flags int, parts ...nl.NetlinkRequestData) error {
	return h.execute(unix.NETLINK_ROUTE, typ, flags|unix.NLM_F_ACK, 0, nil, parts...)
}

// index returns the index of an interface.
func (h *Handle) index(name string) (uint32, error) {
	req, err := unix.NewIfreq(name)
	if err == nil {
		err = unix.IoctlIfreq(h.ioctl, unix.SIOCGIFINDEX, req)
	}
	if err != nil {
		return 0, fmt.Errorf("interface %s: %w", name, err)
	}
	return req.Uint32(), nil
}
