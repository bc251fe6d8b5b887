package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"syscall"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/lab/netns"
)

// request is one rtnetlink message and what it is for, for its error.
type request struct {
	*nl.NetlinkRequest
	what string
	// absent is the error that says that there is nothing to delete.
	absent unix.Errno
}

// chunk is how many requests go to the kernel in one system call: their
// answers, under 1 kB of kernel memory each, fit the default receive buffer.
const chunk = 128

// socket is an rtnetlink socket in a namespace. It sends many requests in one
// system call: the kernel works through them without coming back, which is
// what makes a group of links go down together.
type socket struct {
	fd  int
	seq uint32
	buf []byte
}

func dial(ns *netns.Namespace) (*socket, error) {
	s := &socket{fd: -1, buf: make([]byte, 1<<16)}
	err := ns.Do(func() (err error) {
		s.fd, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
		return err
	})
	if err == nil {
		err = unix.Bind(s.fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
	}
	// Errors then come with the kernel's own words, and without our message.
	for _, option := range []int{unix.NETLINK_EXT_ACK, unix.NETLINK_CAP_ACK} {
		if err == nil {
			err = unix.SetsockoptInt(s.fd, unix.SOL_NETLINK, option, 1)
		}
	}
	if err != nil {
		s.close()
		return nil, fmt.Errorf("open netlink socket: %w", err)
	}
	return s, nil
}

func (s *socket) close() {
	if s.fd >= 0 {
		unix.Close(s.fd)
		s.fd = -1
	}
}

// do carries out the requests in order and returns the errors of all.
func (s *socket) do(requests []request) error {
	var errs []error
	for len(requests) > 0 {
		n := min(len(requests), chunk)
		errs = append(errs, s.send(requests[:n]))
		requests = requests[n:]
	}
	return errors.Join(errs...)
}

func (s *socket) send(requests []request) error {
	var out []byte
	first := s.seq + 1
	for _, r := range requests {
		s.seq++
		r.Seq = s.seq
		r.Flags |= unix.NLM_F_ACK
		out = append(out, r.Serialize()...)
		for len(out)%unix.NLMSG_ALIGNTO != 0 {
			out = append(out, 0)
		}
	}
	if err := unix.Sendto(s.fd, out, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("%s: send to the kernel: %w", requests[0].what, err)
	}
	var errs []error
	for answered := 0; answered < len(requests); {
		messages, err := s.receive()
		if err != nil {
			return fmt.Errorf("%s: answer of the kernel: %w", requests[0].what, err)
		}
		for _, m := range messages {
			i := int(m.Header.Seq - first)
			if m.Header.Type != unix.NLMSG_ERROR || i < 0 || i >= len(requests) {
				continue
			}
			answered++
			if err := answer(m); err != nil && !(requests[i].absent != 0 && errors.Is(err, requests[i].absent)) {
				errs = append(errs, fmt.Errorf("%s: %w", requests[i].what, err))
			}
		}
	}
	return errors.Join(errs...)
}

// dump sends one dump request and returns the bodies of the answers.
func (s *socket) dump(r request) ([][]byte, error) {
	s.seq++
	r.Seq = s.seq
	r.Flags |= unix.NLM_F_DUMP
	if err := unix.Sendto(s.fd, r.Serialize(), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, fmt.Errorf("%s: %w", r.what, err)
	}
	var bodies [][]byte
	for {
		messages, err := s.receive()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.what, err)
		}
		for _, m := range messages {
			switch {
			case m.Header.Seq != s.seq:
			case m.Header.Type == unix.NLMSG_ERROR:
				return nil, fmt.Errorf("%s: %w", r.what, answer(m))
			case m.Header.Type == unix.NLMSG_DONE:
				return bodies, nil
			default:
				bodies = append(bodies, append([]byte(nil), m.Data...))
			}
		}
	}
}

func (s *socket) receive() ([]syscall.NetlinkMessage, error) {
	for {
		n, _, err := unix.Recvfrom(s.fd, s.buf, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return syscall.ParseNetlinkMessage(s.buf[:n])
	}
}

// answer reads an NLMSG_ERROR: the error number, the header of the request,
// then attributes of which one may say in words what is wrong.
func answer(m syscall.NetlinkMessage) error {
	const fixed = 4 + unix.NLMSG_HDRLEN
	if len(m.Data) < fixed {
		return errors.New("short answer of the kernel")
	}
	code := int32(binary.NativeEndian.Uint32(m.Data))
	if code == 0 {
		return nil
	}
	err := error(unix.Errno(-code))
	if m.Header.Flags&unix.NLM_F_ACK_TLVS == 0 {
		return err
	}
	attrs, parseErr := nl.ParseRouteAttr(m.Data[fixed:])
	for _, attr := range attrs {
		if parseErr == nil && attr.Attr.Type == unix.NLMSGERR_ATTR_MSG {
			return fmt.Errorf("%w (%s)", err, unix.ByteSliceToString(attr.Value))
		}
	}
	return err
}
