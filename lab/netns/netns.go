// Package netns makes, enters and removes network namespaces and finds the
// processes in them. A namespace lives at a path, as `ip netns` keeps it: its
// nsfs inode bind-mounted on an empty file. The package never touches a
// namespace or a process it was not given. Its caller is lab.
package netns

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// ID identifies a network namespace on this machine while it exists.
type ID struct{ dev, ino uint64 }

// Namespace is an open network namespace. It lives at least until Close.
type Namespace struct {
	path string
	file *os.File
	id   ID
}

// ErrNone says that a name has no namespace mounted on it.
var ErrNone = errors.New("no namespace is mounted there")

// Create makes a network namespace and mounts it at path, which must not
// exist. The file appears before the namespace does, so that a caller killed
// in between leaves a name behind to remove, never a nameless namespace.
func Create(path string) error {
	mark, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDONLY, 0o444)
	if err != nil {
		return fmt.Errorf("create network namespace: %w", err)
	}
	mark.Close()
	err = onThread(func() error { return unix.Unshare(unix.CLONE_NEWNET) }, func() error {
		return unix.Mount("/proc/thread-self/ns/net", path, "", unix.MS_BIND, "")
	})
	if err != nil {
		os.Remove(path)
		return fmt.Errorf("create network namespace %s: %w", path, err)
	}
	return nil
}

// Open opens the namespace mounted at path.
func Open(path string) (*Namespace, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open network namespace: %w", err)
	}
	var fs unix.Statfs_t
	if err := unix.Fstatfs(int(file.Fd()), &fs); err != nil || fs.Type != unix.NSFS_MAGIC {
		file.Close()
		return nil, fmt.Errorf("open network namespace %s: %w", path, ErrNone)
	}
	id, err := identify(path)
	if err != nil {
		file.Close()
		return nil, err
	}
	return &Namespace{path: path, file: file, id: id}, nil
}

// Remove unmounts and deletes what Create left at path, whole or half made.
// It is idempotent. The kernel ends the namespace when its last user is gone.
func Remove(path string) error {
	if err := unix.Unmount(path, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("unmount network namespace %s: %w", path, err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove network namespace: %w", err)
	}
	return nil
}

// ID identifies the namespace.
func (n *Namespace) ID() ID { return n.id }

// FD is the descriptor that names the namespace to the kernel; it is valid
// until Close.
func (n *Namespace) FD() int { return int(n.file.Fd()) }

// Close lets go of the namespace.
func (n *Namespace) Close() error { return n.file.Close() }

// Do runs fn on an OS thread inside the namespace. Sockets that fn opens and
// processes that it starts belong to the namespace for good; goroutines that
// it starts run outside.
func (n *Namespace) Do(fn func() error) error {
	return onThread(func() error {
		if err := unix.Setns(n.FD(), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter network namespace %s: %w", n.path, err)
		}
		return nil
	}, fn)
}

// DoWithMounts is Do with a mount namespace of its own, in which fn may mount
// what it likes: nobody else sees it, and it is gone when fn and the processes
// that it started are. Mounts of the machine still come and go in it.
func (n *Namespace) DoWithMounts(fn func() error) error {
	return n.Do(func() error {
		// Nobody can put a thread's file system context back together, so
		// the thread must die: lock it once more than onThread unlocks.
		runtime.LockOSThread()
		if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
			return fmt.Errorf("make a mount namespace: %w", err)
		}
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
			return fmt.Errorf("keep mounts private: %w", err)
		}
		return fn()
	})
}

// onThread runs enter and then fn on a locked OS thread in a goroutine of its
// own. Where the thread cannot be brought back to its network namespace it
// stays locked, and the runtime ends it together with the goroutine. The main
// thread is spared: it cannot be ended, and it is what /proc shows of us.
func onThread(enter, fn func() error) error {
	result := make(chan error, 1)
	go func() {
		err := errors.New("the function never returned") // after runtime.Goexit
		defer func() { result <- err }()
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			defer runtime.UnlockOSThread()
			err = onThread(enter, fn) // not here, as long as we hold this one
			return
		}
		home, openErr := os.Open("/proc/thread-self/ns/net")
		if openErr != nil {
			runtime.UnlockOSThread()
			err = openErr
			return
		}
		defer home.Close()
		if failed := enter(); failed != nil {
			err = failed
		} else {
			err = fn()
		}
		if unix.Setns(int(home.Fd()), unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread()
		}
	}()
	return <-result
}

func identify(path string) (ID, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return ID{}, fmt.Errorf("identify network namespace %s: %w", path, err)
	}
	return ID{dev: st.Dev, ino: st.Ino}, nil
}
