package rootless

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/lab"
)

// idle is how long a holder that has neither a lab nor a command waits for
// the first.
const idle = 10 * time.Second

// holder runs the commands.
type holder struct {
	listener *net.UnixListener
	mu       sync.Mutex
	running  int
	ending   bool
}

// beHolder serves until no lab is left.
func beHolder() error {
	file := os.NewFile(fdListener, "listener")
	listener, err := net.FileListener(file)
	if err != nil {
		return err
	}
	file.Close()
	unix.CloseOnExec(fdUserDir)
	h := &holder{listener: listener.(*net.UnixListener)}
	h.listener.SetUnlinkOnClose(false)
	if err := h.listener.SetDeadline(time.Now().Add(idle)); err != nil {
		return err
	}
	tell("ready")
	for {
		conn, err := h.listener.AcceptUnix()
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			if h.endIfIdle(0) {
				return nil
			}
			err = h.listener.SetDeadline(time.Time{})
		case err == nil && h.begin(conn):
			go h.serve(conn)
		case err == nil:
			conn.Close()
		}
		if h.isEnding() {
			select {} // serve says the last word
		}
		if err != nil {
			return err
		}
	}
}

// begin counts a command in, if it comes from our user and not too late.
func (h *holder) begin(conn *net.UnixConn) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ending || !ours(conn) {
		return false
	}
	h.running++
	return true
}

func (h *holder) isEnding() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ending
}

// endIfIdle counts commands out and decides whether that was all. Then the
// socket goes first, so that the next command starts a new holder.
func (h *holder) endIfIdle(commands int) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.running -= commands
	if labs, err := lab.List(); err != nil || len(labs) > 0 || h.running > 0 || h.ending {
		return false
	}
	h.ending = true
	_ = unix.Unlinkat(fdUserDir, socketName, 0)
	h.listener.Close()
	return true
}

// serve runs one command. With the last lab the holder ends, and the client
// sees the connection close only then.
func (h *holder) serve(conn *net.UnixConn) {
	exit := run(conn)
	last := h.endIfIdle(1)
	_, _ = conn.Write(binary.BigEndian.AppendUint32(nil, uint32(exit)))
	if last {
		os.Exit(0)
	}
	conn.Close()
}

// run runs the command of a client and returns its exit code.
func run(conn *net.UnixConn) int {
	c, files, err := receive(conn)
	defer func() {
		for _, f := range files {
			f.Close()
		}
	}()
	if err == nil {
		_, err = conn.Write([]byte("a"))
	}
	if err != nil {
		return 1
	}
	cmd := &exec.Cmd{
		Path: fdPath(files[fdProgram]), Args: c.Args, Env: withoutRole(c.Env), Dir: directory(c.Dir, files[fdDirectory]),
		Stdin: files[fdStdin], Stdout: files[fdStdout], Stderr: files[fdStderr],
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true},
	}
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(files[fdStderr], "run in the user namespace:", err)
		return 1
	}
	exited := make(chan struct{})
	go passSignals(conn, cmd.Process.Pid, exited)
	err = cmd.Wait()
	close(exited)
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		if status := failed.Sys().(syscall.WaitStatus); status.Signaled() {
			return 128 + int(status.Signal())
		}
		return failed.ExitCode()
	}
	return 0
}

// passSignals signals the command's process group as the client says, and
// kills it when the client is gone.
func passSignals(conn *net.UnixConn, group int, exited <-chan struct{}) {
	for {
		signal := make([]byte, 1)
		_, err := conn.Read(signal)
		select {
		case <-exited:
			return
		default:
		}
		if err != nil {
			_ = unix.Kill(-group, unix.SIGKILL)
			return
		}
		_ = unix.Kill(-group, unix.Signal(signal[0]))
	}
}

// directory is where a command works: by its name where that means the same
// here, because a directory of a foreign mount namespace has no name.
func directory(name string, file *os.File) string {
	have, err1 := os.Stat(name)
	want, err2 := file.Stat()
	if err1 == nil && err2 == nil && os.SameFile(have, want) {
		return name
	}
	return fdPath(file)
}

func fdPath(file *os.File) string { return fmt.Sprintf("/proc/self/fd/%d", file.Fd()) }

func withoutRole(env []string) []string {
	kept := []string{}
	for _, e := range env {
		if !strings.HasPrefix(e, role+"=") {
			kept = append(kept, e)
		}
	}
	return kept
}
