package probe

import (
	"sync/atomic"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// relay is a cable that a test bends: every frame goes through this process.
// Direction 0 is from the first of its nodes to the second.
type relay struct {
	frames [2]atomic.Int64
	every  [2]atomic.Int64 // one of so many frames is lost; 0: none
	delay  [2]atomic.Int64 // in nanoseconds
}

// bend puts a relay into the link between two nodes.
func (w *world) bend(a, b int) *relay {
	w.t.Helper()
	middle := newNode(w.t, 100+len(w.nodes))
	r := new(relay)
	fds := [2]int{}
	for i, end := range []*linkEnd{w.end(a, b), w.end(b, a)} {
		n := []*node{w.nodes[a], w.nodes[b]}[i]
		name := end.dev.Attrs().Name
		if i == 0 { // both ends of the pair go
			n.must(n.LinkDel(end.dev))
		}
		n.must(n.LinkAdd(&netlink.Veth{
			LinkAttrs: netlink.LinkAttrs{Name: name, Namespace: netlink.NsFd(n.ns)}, PeerName: n.name, PeerNamespace: netlink.NsFd(middle.ns),
		}))
		var err error
		end.dev, err = n.LinkByName(name)
		n.must(err)
		n.must(n.LinkSetUp(end.dev))
		far, err := middle.LinkByName(n.name)
		n.must(err)
		middle.must(middle.LinkSetUp(far))
		middle.in(func() (err error) {
			if fds[i], err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
				return err
			}
			return unix.Bind(fds[i], &unix.SockaddrLinklayer{Protocol: 0x0300, Ifindex: far.Attrs().Index}) // ETH_P_ALL
		})
	}
	for i := range fds {
		middle.must(unix.SetsockoptInt(fds[i], unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1))
		middle.must(unix.SetsockoptTimeval(fds[i], unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 100_000}))
	}
	for _, n := range w.nodes {
		n.program()
		w.underlay(n)
	}
	r.run(w, fds)
	return r
}

// run carries frames until the test ends.
func (r *relay) run(w *world, fds [2]int) {
	stop := make(chan struct{})
	done := make(chan struct{}, 4)
	for i := range fds {
		type frame struct {
			b   []byte
			due time.Time
		}
		queue := make(chan frame, 1<<14)
		go func() {
			defer func() { close(queue); done <- struct{}{} }()
			b := make([]byte, 4096)
			for {
				select {
				case <-stop:
					return
				default:
				}
				n, err := unix.Read(fds[i], b)
				if err != nil || n <= 0 {
					continue // none in time
				}
				if every := r.every[i].Load(); r.frames[i].Add(1)%max(every, 1) == 0 && every > 0 {
					continue
				}
				queue <- frame{append([]byte{}, b[:n]...), time.Now().Add(time.Duration(r.delay[i].Load()))}
			}
		}()
		go func() {
			defer func() { done <- struct{}{} }()
			for f := range queue {
				time.Sleep(time.Until(f.due))
				_, _ = unix.Write(fds[1-i], f.b)
			}
		}()
	}
	w.t.Cleanup(func() {
		close(stop)
		for range cap(done) {
			<-done
		}
		for _, fd := range fds {
			unix.Close(fd)
		}
	})
}
