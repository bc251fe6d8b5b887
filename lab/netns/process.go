package netns

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Processes returns the processes, in order, whose main thread is in one of
// the given namespaces. The calling process is never among them.
func Processes(in []ID) ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var pids []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		if inside(pid, in) {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return pids, nil
}

// inside is false for a process that is gone or that we may not look at:
// one that we could not end either.
func inside(pid int, in []ID) bool {
	id, err := identify(fmt.Sprintf("/proc/%d/ns/net", pid))
	return err == nil && slices.Contains(in, id)
}

// EndAll ends every process in the given namespaces: it asks with SIGTERM,
// and after the grace time kills. It returns when all are gone, and how many
// they were.
func EndAll(ctx context.Context, in []ID, grace time.Duration) (int, error) {
	ended := 0
	for signal := unix.SIGTERM; ; signal = unix.SIGKILL {
		pids, err := Processes(in)
		if err != nil || len(pids) == 0 {
			return ended, err
		}
		var open []int
		for _, pid := range pids {
			fd, err := signalInside(pid, in, signal)
			switch {
			case err == nil:
				open = append(open, fd)
			case !errors.Is(err, unix.ESRCH):
				return ended, fmt.Errorf("end process %d: %w", pid, err)
			}
		}
		gone := awaitExit(open, grace)
		for _, fd := range open {
			unix.Close(fd)
		}
		ended += gone
		if err := ctx.Err(); err != nil {
			return ended, fmt.Errorf("end processes %v: %w", pids, err)
		}
	}
}

// signalInside signals a process that is still in one of the namespaces and
// returns its pidfd; the error is ESRCH where it is gone. The pidfd is opened
// first and the namespace compared after it, so that a pid that was used again
// in between is never hit.
func signalInside(pid int, in []ID, signal unix.Signal) (pidfd int, err error) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return 0, err
	}
	err = unix.ESRCH
	if inside(pid, in) {
		err = unix.PidfdSendSignal(fd, signal, nil, 0)
	}
	if err != nil {
		unix.Close(fd)
		return 0, err
	}
	return fd, nil
}

// awaitExit waits until every process has exited or the time is over, and
// returns how many have. A pidfd becomes readable when its process exits,
// reaped or not.
func awaitExit(pidfds []int, limit time.Duration) int {
	deadline := time.Now().Add(limit)
	gone := 0
	for _, fd := range pidfds {
		for {
			left := max(0, int(time.Until(deadline).Milliseconds()))
			n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, left)
			if errors.Is(err, unix.EINTR) {
				continue
			}
			if n == 1 {
				gone++
			}
			break
		}
	}
	return gone
}
