// Package rootless runs commands for an ordinary user where they are root: in
// a user namespace with namespaces for mounts, processes and network of its
// own. These live as long as their holder, a process in the background; the
// commands that come later run inside by asking it over a socket. (A Go
// process cannot enter a user namespace by itself: it has several threads.)
// The holder ends when there is no lab left, and everything inside with it;
// kill it, and the same happens. It gives no right that the user does not
// have. The caller is cmd/keiro.
package rootless

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// role is the environment variable that makes this program the holder.
const role = "KEIRO_ROOTLESS"

// Hook makes this process what Reexec started it for, and then never returns.
// A main that uses Reexec calls it before anything else.
func Hook() {
	be := map[string]func() error{"init": beInit, "holder": beHolder}[os.Getenv(role)]
	if be == nil {
		return
	}
	os.Unsetenv(role)
	if err := be(); err != nil {
		tell(err.Error())
		os.Exit(1)
	}
	os.Exit(0)
}

// Reexec runs this program with the given arguments once more where the user
// is root, with the same environment, directory and standard streams, and
// returns its exit code. It does nothing (handled is false) for somebody who
// is root already, and where no holder runs and start does not ask for one.
func Reexec(args []string, start bool) (handled bool, exit int, err error) {
	if os.Geteuid() == 0 {
		return false, 0, nil
	}
	for {
		conn, err := dial(start)
		if errors.Is(err, errNoHolder) {
			return false, 0, nil
		}
		if err != nil {
			return true, 1, err
		}
		exit, err := request(conn, args)
		conn.Close()
		if errors.Is(err, errNotAccepted) {
			continue // the holder had just decided to end
		}
		return true, exit, err
	}
}

var errNoHolder = errors.New("no holder runs")

// dial connects to the user's holder, and starts it where there is none and
// start says so.
func dial(start bool) (*net.UnixConn, error) {
	dir, err := openUserDir()
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	// Only one may look and start at a time.
	if err := unix.Flock(int(dir.Fd()), unix.LOCK_EX); err != nil {
		return nil, fmt.Errorf("lock %s: %w", dir.Name(), err)
	}
	address := &net.UnixAddr{Name: dir.Name() + "/" + socketName, Net: "unix"}
	conn, err := net.DialUnix("unix", nil, address)
	if err == nil {
		return conn, nil
	}
	if !errors.Is(err, unix.ECONNREFUSED) && !errors.Is(err, unix.ENOENT) {
		return nil, fmt.Errorf("connect to the holder of the labs: %w", err)
	}
	if err := os.Remove(address.Name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("remove the socket of a dead holder: %w", err)
	}
	if !start {
		return nil, errNoHolder
	}
	// The holder gets the listening socket ready made: whoever connects waits
	// in its queue until it has set itself up.
	listener, err := net.ListenUnix("unix", address)
	if err != nil {
		return nil, fmt.Errorf("listen for the holder of the labs: %w", err)
	}
	listener.SetUnlinkOnClose(false)
	defer listener.Close()
	if err := os.Chmod(address.Name, 0o600); err != nil {
		return nil, err
	}
	if err := startHolder(listener, dir); err != nil {
		os.Remove(address.Name)
		return nil, err
	}
	return net.DialUnix("unix", nil, address)
}

// startHolder starts this program as the first process of new namespaces and
// waits until it has set itself up.
func startHolder(listener *net.UnixListener, dir *os.File) error {
	socket, err := listener.File()
	if err != nil {
		return err
	}
	defer socket.Close()
	// Opened anew: with our own descriptor the holder would inherit the lock.
	fd, err := unix.Openat(int(dir.Fd()), ".", unix.O_DIRECTORY|unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	place := os.NewFile(uintptr(fd), dir.Name())
	defer place.Close()
	ready, readyEnd, err := os.Pipe()
	if err != nil {
		return err
	}
	defer ready.Close()
	cmd := exec.Command("/proc/self/exe")
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), role+"=init")
	cmd.Dir = "/"
	cmd.ExtraFiles = []*os.File{socket, place, readyEnd}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		Setsid:      true,
	}
	err = cmd.Start()
	readyEnd.Close()
	if err != nil {
		return fmt.Errorf("make a user namespace: %w (%s)", err, hint)
	}
	// It says "ready", or what went wrong, and closes the pipe.
	said := make([]byte, 4096)
	n, _ := ready.Read(said)
	if text := string(said[:n]); text != "ready" {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return fmt.Errorf("set up a user namespace: %s (%s)", strings.TrimSpace(text), hint)
	}
	return cmd.Process.Release()
}

// hint says what commonly forbids user namespaces to ordinary users.
const hint = "see the sysctls user.max_user_namespaces, kernel.unprivileged_userns_clone and " +
	"kernel.apparmor_restrict_unprivileged_userns, or run as root"
