package helper

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// In the kernel WireGuard would work before any process does. A process that
// waits for a processor as long as all others loses packets on a busy machine:
// 10,000 a second fill the 500 that the queue of a TUN interface holds in
// 50 ms, and what comes then is dropped. So the process is preferred and its
// queue is longer. Either alone is not enough.
const (
	niceness    = -10
	queueLength = 4096 // packets; 0.4 s at 10,000 a second
)

// prefer asks for processors before others. A user namespace may not.
func prefer(log *slog.Logger) {
	// With CONFIG_SCHED_AUTOGROUP a session's niceness is what counts.
	err := os.WriteFile("/proc/self/autogroup", []byte(strconv.Itoa(niceness)), 0)
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	// To Linux niceness is a thread's own. Those to come inherit it; a second
	// look finds those that came meanwhile.
	for range 2 {
		threads, e := os.ReadDir("/proc/self/task")
		err = errors.Join(err, e)
		for _, t := range threads {
			id, e := strconv.Atoi(t.Name())
			if e == nil {
				e = unix.Setpriority(unix.PRIO_PROCESS, id, niceness)
			}
			if !errors.Is(e, unix.ESRCH) { // it has ended
				err = errors.Join(err, e)
			}
		}
	}
	if err != nil {
		log.Info("packets may be lost while the machine is busy: no priority", "error", err)
	}
}

// shape makes an interface's queue longer and the packets in it no larger than
// a batched can split. Over netlink a user namespace may do so too; the ioctl
// is for the machine's root alone.
func shape(name string) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	if err := netlink.LinkSetTxQLen(link, queueLength); err != nil {
		return fmt.Errorf("lengthen the queue of %s: %w", name, err)
	}
	if err := netlink.LinkSetGSOMaxSegs(link, maxSegments); err != nil {
		return fmt.Errorf("limit the segments of %s: %w", name, err)
	}
	return nil
}
