package rtnl

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// Watcher tells that something may have changed. Its events are hints: after
// each Wake, Observe says what is true.
type Watcher struct {
	// Wake has a token when something of interest may have changed since the
	// last one was taken, by others than the Handle itself.
	Wake <-chan struct{}
	// Links has the changes of interfaces as they come, for who cannot wait
	// for a listing. When it is full they are dropped; there is a Wake too.
	Links <-chan Link

	wake   chan struct{}
	links  chan Link
	lost   atomic.Uint64
	others others
	handle *Handle
	buffer int
}

const (
	watchBuffer = 8 << 20 // bytes of kernel memory, used only when events come faster than we read
	watchLinks  = 64
	watchRetry  = 100 * time.Millisecond // between attempts to subscribe again
)

var watchGroups = []uint{
	unix.RTNLGRP_LINK,
	unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR, // without an address Linux drops IPv4 routes, and tells nobody
	unix.RTNLGRP_IPV4_ROUTE, unix.RTNLGRP_IPV6_ROUTE,
	unix.RTNLGRP_IPV4_RULE, unix.RTNLGRP_IPV6_RULE,
	unix.RTNLGRP_IPV4_NETCONF, unix.RTNLGRP_IPV6_NETCONF, // forwarding, rp_filter, ignore_routes_with_linkdown
}

// Watch subscribes until the context ends. What happens after it returns is
// not missed: list then. When the kernel had to drop events, Watch subscribes
// anew and wakes.
func (h *Handle) Watch(ctx context.Context) (*Watcher, error) { return h.watch(ctx, watchBuffer) }

func (h *Handle) watch(ctx context.Context, buffer int) (*Watcher, error) {
	w := &Watcher{wake: make(chan struct{}, 1), links: make(chan Link, watchLinks), handle: h, buffer: buffer}
	w.Wake, w.Links = w.wake, w.links
	s, err := w.subscribe()
	if err != nil {
		return nil, err
	}
	go w.run(ctx, s)
	return w, nil
}

// Lost says how often events were lost and Watch began anew.
func (w *Watcher) Lost() uint64 { return w.lost.Load() }

func (w *Watcher) subscribe() (*os.File, error) {
	var s *os.File
	err := w.handle.within(func() error {
		fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
		if err != nil {
			return err
		}
		s = os.NewFile(uintptr(fd), "netlink events")
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, w.buffer) != nil {
			// Not root of the machine: as much as the limit allows.
			err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, w.buffer)
		}
		addr := &unix.SockaddrNetlink{Family: unix.AF_NETLINK}
		for _, g := range watchGroups {
			addr.Groups |= 1 << (g - 1)
		}
		if err == nil {
			err = unix.Bind(fd, addr)
		}
		if err != nil {
			s.Close()
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("subscribe to kernel events: %w", err)
	}
	return s, nil
}

// run reads events, and subscribes anew after any error.
func (w *Watcher) run(ctx context.Context, s *os.File) {
	for {
		stop := context.AfterFunc(ctx, func() { s.Close() })
		w.read(s)
		stop()
		s.Close()
		for {
			if ctx.Err() != nil {
				return
			}
			w.lost.Add(1)
			var err error
			if s, err = w.subscribe(); err == nil {
				break
			}
			select {
			case <-ctx.Done():
			case <-time.After(watchRetry):
			}
		}
		w.notify()
	}
}

// read reads events until an error.
func (w *Watcher) read(s *os.File) {
	conn, err := s.SyscallConn()
	if err != nil {
		return
	}
	buf := make([]byte, 1<<16)
	for {
		var n int
		var from unix.Sockaddr
		waited := conn.Read(func(fd uintptr) bool {
			n, from, err = unix.Recvfrom(int(fd), buf, 0)
			return !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR)
		})
		if waited != nil || err != nil {
			return
		}
		if k, ok := from.(*unix.SockaddrNetlink); !ok || k.Pid != 0 {
			continue // not the kernel
		}
		if w.messages(buf[:n]) {
			w.notify()
		}
	}
}

// messages goes through a packet of events and says whether one is of interest.
func (w *Watcher) messages(b []byte) bool {
	wake := false
	for len(b) >= unix.NLMSG_HDRLEN {
		n := int(binary.NativeEndian.Uint32(b))
		if n < unix.NLMSG_HDRLEN || n > len(b) {
			return true // not understood: have a look
		}
		typ, port := binary.NativeEndian.Uint16(b[4:]), binary.NativeEndian.Uint32(b[12:])
		if port != w.handle.port && w.message(typ, port, b[unix.NLMSG_HDRLEN:n]) {
			wake = true
		}
		b = b[min((n+3)&^3, len(b)):]
	}
	return wake
}

func (w *Watcher) message(typ uint16, port uint32, msg []byte) bool {
	switch typ {
	case unix.RTM_NEWLINK, unix.RTM_DELLINK:
		if len(msg) > 0 && msg[0] != unix.AF_UNSPEC {
			return false // a bridge speaks of its ports
		}
		l, err := decodeLink(msg)
		l.Gone = typ == unix.RTM_DELLINK
		if err == nil {
			w.others.link(l, port)
			select {
			case w.links <- l:
			default:
			}
		}
	case unix.RTM_NEWROUTE, unix.RTM_DELROUTE:
		if len(msg) < unix.SizeofRtMsg {
			return true
		}
		// Only what is ours is looked into: others may have a million.
		if ours := msg[5] == nodecfg.RouteProtocol; !ours && !w.others.ours(msg) {
			return false
		}
		if r, err := decodeRoute(msg); err == nil {
			w.others.object(r.Route.Key(), port)
		}
	case unix.RTM_NEWRULE, unix.RTM_DELRULE:
		r, protocol, err := decodeRule(msg)
		if err == nil && protocol != nodecfg.RouteProtocol {
			return false
		}
		if err == nil {
			w.others.object(r.Key(), port)
		}
	case unix.RTM_DELADDR:
		if a, err := decodeAddr(msg); err == nil {
			w.others.address(a.index)
		}
	}
	return true
}

func (w *Watcher) notify() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}
