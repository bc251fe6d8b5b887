package rootless

import (
	"errors"
	"fmt"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/lab/netns"
	"github.com/keiro-net/keiro/lab/wire"
)

// Descriptors that init and the holder inherit.
const (
	fdListener = 3 + iota
	fdUserDir
	fdReady
)

// tell says to who started us that we are ready, or why not.
func tell(what string) {
	ready := os.NewFile(fdReady, "ready")
	_, _ = ready.WriteString(what) // nobody there: nobody to tell
	ready.Close()
}

// beInit is the first process of the new namespaces. It sets them up, starts
// the holder, buries the dead, and takes everything along when the holder
// ends. The holder cannot do this itself: a process that waits for everybody's
// children takes them from those who wait for theirs.
func beInit() error {
	for _, step := range []struct {
		what string
		do   func() error
	}{
		{"keep mounts to ourselves", func() error { return unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, "") }},
		{"mount /proc", func() error {
			return unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
		}},
		{"mount /run", mountRun},
		{"bring up lo", loopback},
	} {
		if err := step.do(); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	holder := exec.Command("/proc/self/exe")
	holder.Args[0] = os.Args[0]
	holder.Env = append(os.Environ(), role+"=holder")
	for _, fd := range []uintptr{fdListener, fdUserDir, fdReady} {
		holder.ExtraFiles = append(holder.ExtraFiles, os.NewFile(fd, "inherited"))
	}
	if err := holder.Start(); err != nil {
		return err
	}
	for _, f := range holder.ExtraFiles {
		f.Close()
	}
	for {
		pid, err := unix.Wait4(-1, nil, 0, nil)
		if pid == holder.Process.Pid || errors.Is(err, unix.ECHILD) {
			os.Exit(0)
		}
	}
}

// mountRun gives us a /run of our own, for the labs and for `ip netns`. The
// runtime directories of the users stay.
func mountRun() error {
	users, err := unix.OpenTree(unix.AT_FDCWD, "/run/user", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
	if err != nil && !errors.Is(err, unix.ENOENT) {
		return err
	}
	if err := unix.Mount("tmpfs", "/run", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755"); err != nil {
		return err
	}
	if users < 0 {
		return nil
	}
	defer unix.Close(users)
	if err := os.Mkdir("/run/user", 0o755); err != nil {
		return err
	}
	return unix.MoveMount(users, "", unix.AT_FDCWD, "/run/user", unix.MOVE_MOUNT_F_EMPTY_PATH)
}

func loopback() error {
	here, err := netns.Open("/proc/self/ns/net")
	if err != nil {
		return err
	}
	defer here.Close()
	return wire.Attach(here, nil, nil)
}
