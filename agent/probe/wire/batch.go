package wire

import (
	"encoding/binary"
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// MaxBatch is how many packets one call of the kernel takes or gives.
	MaxBatch = 32
	maxRead  = 2048 // bytes of a packet that are looked at
	maxOOB   = 128
	// maxReceive is how many packets one Receive takes: more than a socket has
	// room for, so all that waited when it began are among them, and whoever
	// sends without end does not keep the caller.
	maxReceive = 512 * MaxBatch
)

// mmsghdr is struct mmsghdr of sendmmsg(2).
type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
	_   [4]byte
}

// outbox holds what the kernel is to be told of MaxBatch packets. The garbage
// collector sees all its pointers.
type outbox struct {
	msgs [MaxBatch]mmsghdr
	iovs [MaxBatch]unix.Iovec
	n    int
}

func newOutbox() *outbox {
	o := new(outbox)
	for i := range o.msgs {
		o.msgs[i].hdr.Iov = &o.iovs[i]
		o.msgs[i].hdr.Iovlen = 1
	}
	return o
}

// Queue makes a packet ready to leave with the next Flush and says whether
// there is room. Packet and Exit must not change until then.
func (s *Socket) Queue(p Packet, by *Exit) bool {
	o := s.out
	if o.n == MaxBatch {
		return false
	}
	o.iovs[o.n].Base = &p.b[0]
	o.iovs[o.n].SetLen(len(p.b))
	h := &o.msgs[o.n].hdr
	h.Name, h.Namelen = (*byte)(unsafe.Pointer(&by.to)), unix.SizeofSockaddrInet6
	h.Control = &by.oob[0]
	h.SetControllen(len(by.oob))
	o.n++
	return true
}

// Flush gives the kernel what is queued, in order, and tells done of each
// packet's fate: its place in the queue and the kernel's error, nil if it was
// taken.
func (s *Socket) Flush(done func(i int, err error)) {
	o := s.out
	for i := 0; i < o.n; {
		n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(s.raw), uintptr(unsafe.Pointer(&o.msgs[i])), uintptr(o.n-i), 0, 0, 0)
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 { // it is of the first; those behind it are another matter
			done(i, errno)
			i++
			continue
		}
		for range n {
			done(i, nil)
			i++
		}
	}
	o.n = 0
}

// Send gives the kernel one packet.
func (s *Socket) Send(p Packet, by *Exit) (err error) {
	s.Queue(p, by)
	s.Flush(func(_ int, e error) { err = e })
	return err
}

// Arrived is a packet that came.
type Arrived struct {
	Data []byte // for now only: the next packet overwrites it
	From netip.AddrPort
	At   time.Time // by the kernel's timestamp, without a monotonic reading
}

// inbox holds what the kernel tells of MaxBatch packets.
type inbox struct {
	msgs  [MaxBatch]mmsghdr
	iovs  [MaxBatch]unix.Iovec
	names [MaxBatch]unix.RawSockaddrInet6
	oobs  [MaxBatch][maxOOB]byte
	bufs  [MaxBatch][maxRead]byte
}

func newInbox() *inbox {
	in := new(inbox)
	for i := range in.msgs {
		in.iovs[i].Base = &in.bufs[i][0]
		in.iovs[i].SetLen(maxRead)
		h := &in.msgs[i].hdr
		h.Iov, h.Iovlen = &in.iovs[i], 1
		h.Name = (*byte)(unsafe.Pointer(&in.names[i]))
		h.Control = &in.oobs[i][0]
	}
	return in
}

// Receive hands on all packets that wait in fd, a socket made by Receiver or
// the Socket's UDP. It is false where more may have come than it took.
func (s *Socket) Receive(fd int, take func(Arrived)) bool {
	in := s.in
	for taken := 0; taken < maxReceive; {
		for i := range in.msgs {
			in.msgs[i].hdr.Namelen = unix.SizeofSockaddrInet6
			in.msgs[i].hdr.SetControllen(maxOOB)
		}
		n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&in.msgs[0])), MaxBatch, 0, 0, 0)
		switch errno {
		case 0:
		case unix.EINTR, unix.ECONNREFUSED:
			continue
		default:
			return true // EAGAIN: none is left
		}
		taken += int(n)
		for i := range int(n) {
			m := &in.msgs[i]
			take(Arrived{
				Data: in.bufs[i][:m.len], From: sender(&in.names[i], m.hdr.Namelen),
				At: arrival(in.oobs[i][:m.hdr.Controllen]),
			})
		}
	}
	return false
}

func sender(name *unix.RawSockaddrInet6, length uint32) netip.AddrPort {
	if length < unix.SizeofSockaddrInet6 || name.Family != unix.AF_INET6 {
		return netip.AddrPort{}
	}
	port := (*[2]byte)(unsafe.Pointer(&name.Port)) // in network byte order
	return netip.AddrPortFrom(netip.AddrFrom16(name.Addr), binary.BigEndian.Uint16(port[:]))
}

// arrival is the kernel's timestamp, or now where it gave none.
func arrival(oob []byte) time.Time {
	for len(oob) >= unix.SizeofCmsghdr {
		h := (*unix.Cmsghdr)(unsafe.Pointer(&oob[0]))
		length := int(h.Len)
		if length < unix.SizeofCmsghdr || length > len(oob) {
			break
		}
		data := oob[unix.CmsgLen(0):length]
		if h.Level == unix.SOL_SOCKET && h.Type == unix.SO_TIMESTAMPNS_NEW && len(data) >= 16 {
			return time.Unix(int64(binary.NativeEndian.Uint64(data)), int64(binary.NativeEndian.Uint64(data[8:])))
		}
		oob = oob[min(unix.CmsgSpace(length-unix.CmsgLen(0)), len(oob)):]
	}
	return time.Now().Round(0)
}
