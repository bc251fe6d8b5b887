package world

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/lab"
)

// ClientConfig is the file that says to clients where the controller of the
// lab of that name is.
func ClientConfig(name string) string { return filepath.Join(controllerDir(name), "client.json") }

func controllerDir(name string) string { return filepath.Join(lab.Dir(name), "controller") }

// Down ends a world that is no more in the hands of who started it. The error
// is lab.ErrNotUp where nothing of it is left.
func Down(ctx context.Context, name string) error {
	pids, err := processes(name)
	for _, pid := range pids {
		err = errors.Join(err, endForeign(name, pid))
	}
	downErr := lab.Down(ctx, name)
	if len(pids) > 0 && errors.Is(downErr, lab.ErrNotUp) {
		downErr = nil // only they were left
	}
	return errors.Join(err, downErr)
}

// Left names what is there of a world: nothing after Close or Down.
func Left(name string) ([]string, error) {
	pids, err := processes(name)
	var left []string
	for _, pid := range pids {
		left = append(left, fmt.Sprintf("process %d", pid))
	}
	if _, statErr := os.Lstat(lab.Dir(name)); statErr == nil {
		left = append(left, lab.Dir(name))
	}
	const netns = "/run/netns"
	names, listErr := os.ReadDir(netns)
	if listErr != nil && !errors.Is(listErr, os.ErrNotExist) {
		err = errors.Join(err, listErr)
	}
	for _, n := range names {
		link := filepath.Join(netns, n.Name())
		if target, readErr := os.Readlink(link); readErr == nil && strings.HasPrefix(target, lab.Dir(name)+"/") {
			left = append(left, link)
		}
	}
	return left, err
}

// processes are the controllers and agents of a world, in order.
func processes(name string) ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var pids []int
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil && belongs(name, pid) {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return pids, nil
}

// belongs tells by its command line whether a process is the controller or an
// agent of a world: no other has its state there.
func belongs(name string, pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	args := strings.Split(string(text), "\x00")
	program := filepath.Base(args[0])
	if err != nil || program != "keiro-controller" && program != "keiro-agent" {
		return false
	}
	at := slices.Index(args, "--state")
	return at >= 0 && at+1 < len(args) && strings.HasPrefix(args[at+1], lab.Dir(name)+"/")
}

// endForeign ends a process that is not our child. The pidfd is opened first
// and the process looked at after it, so that a pid that was used again is
// never hit.
func endForeign(name string, pid int) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil // gone
	}
	defer unix.Close(fd)
	for _, signal := range []unix.Signal{unix.SIGTERM, unix.SIGKILL} {
		if !belongs(name, pid) {
			return nil
		}
		if err := unix.PidfdSendSignal(fd, signal, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("end process %d: %w", pid, err)
		}
		if exits(fd, 10*time.Second) {
			return nil
		}
	}
	return fmt.Errorf("process %d does not end", pid)
}

// exits waits for the end of a process: its pidfd becomes readable.
func exits(pidfd int, limit time.Duration) bool {
	deadline := time.Now().Add(limit)
	for {
		left := max(0, int(time.Until(deadline).Milliseconds()))
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, left)
		if !errors.Is(err, unix.EINTR) {
			return n == 1
		}
	}
}
