package helper

import (
	"syscall"

	"golang.org/x/sys/unix"
	"golang.zx2c4.com/wireguard/tun"
)

// maxSegments is into how many packets the kernel lets us split one that it
// gives us whole (GSO). It is what a full batch of UDP packets to the far end
// takes, and half of what a reader has room for.
const maxSegments = 64

// batched is a tun whose reader gets all packets that wait, as far as it has
// room. wireguard-go asks for one at a time; each then wakes a goroutine three
// times and is sent by a system call of its own. Of packets that come together
// the far end's process is told together too, since the kernel keeps them in
// one piece on the way (UDP GSO and GRO). The longer packets wait for a
// processor, the less each of them costs.
type batched struct {
	tun.Device
	file syscall.RawConn
	look func(fd uintptr) // sets wait; made once, for there is one reader
	poll [1]unix.PollFd
	wait bool
}

func newBatched(dev tun.Device) (*batched, error) {
	file, err := dev.File().SyscallConn()
	if err != nil {
		return nil, err
	}
	d := &batched{Device: dev, file: file}
	d.look = func(fd uintptr) {
		d.poll[0] = unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}
		n, err := unix.Poll(d.poll[:], 0)
		d.wait = err == nil && n == 1 && d.poll[0].Revents == unix.POLLIN
	}
	return d, nil
}

// Read implements tun.Device. It waits for the first packet only.
func (d *batched) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	n, err := d.Device.Read(bufs, sizes, offset)
	for err == nil && len(bufs)-n >= maxSegments && d.ready() {
		var more int
		more, err = d.Device.Read(bufs[n:], sizes[n:], offset)
		n += more
	}
	return n, err
}

// ready says whether a packet waits.
func (d *batched) ready() bool {
	d.wait = false
	return d.file.Control(d.look) == nil && d.wait
}
