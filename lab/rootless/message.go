package rootless

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// What goes over the socket. The client sends the descriptors below with the
// length of a JSON call, 4 bytes in network order, then the call; later one
// byte for each signal to pass on. The holder answers with one byte when it
// takes the call, and with the exit code, 4 bytes, at its end. When the
// client goes away its command is killed.

// The descriptors: of the standard streams, the directory to work in and the
// program to run, so that nothing depends on what paths mean inside.
const (
	fdStdin = iota
	fdStdout
	fdStderr
	fdDirectory
	fdProgram
	fdCount
)

// maxCall is more than the kernel takes as arguments and environment of one
// process (6 MiB), in bytes.
const maxCall = 32 << 20

type call struct {
	Args []string `json:"args"` // with the name of the program
	Env  []string `json:"env"`
	Dir  string   `json:"dir"` // name of the directory; "" where it has none
}

var errNotAccepted = errors.New("the holder did not take the command")

// request has the holder run a command and passes signals on to it until its
// end.
func request(conn *net.UnixConn, args []string) (exit int, err error) {
	directory, err := unix.Open(".", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 1, fmt.Errorf("open the working directory: %w", err)
	}
	defer unix.Close(directory)
	program, err := unix.Open("/proc/self/exe", unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return 1, fmt.Errorf("open this program: %w", err)
	}
	defer unix.Close(program)
	c := call{Args: append([]string{os.Args[0]}, args...), Env: os.Environ()}
	c.Dir, _ = os.Getwd()
	body, err := json.Marshal(c)
	if err != nil {
		return 1, err
	}
	rights := unix.UnixRights(0, 1, 2, directory, program)
	_, _, err = conn.WriteMsgUnix(binary.BigEndian.AppendUint32(nil, uint32(len(body))), rights, nil)
	if err == nil {
		_, err = conn.Write(body)
	}
	if err != nil {
		return 1, errNotAccepted
	}
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		return 1, errNotAccepted
	}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGWINCH)
	defer signal.Stop(signals)
	done := make(chan struct{})
	defer close(done)
	go func() {
		for {
			select {
			case s := <-signals:
				_, _ = conn.Write([]byte{byte(s.(syscall.Signal))})
			case <-done:
				return
			}
		}
	}()
	answer := make([]byte, 4)
	if _, err := io.ReadFull(conn, answer); err != nil {
		return 1, fmt.Errorf("the holder of the labs ended: %w", err)
	}
	// After the last lab the holder closes by ending.
	_, _ = io.Copy(io.Discard, conn)
	return int(binary.BigEndian.Uint32(answer)), nil
}

// receive reads a call and its descriptors.
func receive(conn *net.UnixConn) (c call, files []*os.File, err error) {
	head, oob := make([]byte, 4), make([]byte, unix.CmsgSpace(4*fdCount))
	n, oobn, flags, _, err := conn.ReadMsgUnix(head, oob)
	if err != nil {
		return c, nil, err
	}
	messages, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil {
		return c, nil, err
	}
	for _, m := range messages {
		fds, err := unix.ParseUnixRights(&m)
		if err != nil {
			continue
		}
		for _, fd := range fds {
			unix.CloseOnExec(fd)
			files = append(files, os.NewFile(uintptr(fd), "of the client"))
		}
	}
	size := binary.BigEndian.Uint32(head)
	if n != len(head) || flags&unix.MSG_CTRUNC != 0 || len(files) != fdCount || size > maxCall {
		return c, files, errors.New("malformed call")
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(conn, body); err != nil {
		return c, files, err
	}
	if err := json.Unmarshal(body, &c); err != nil {
		return c, files, err
	}
	if len(c.Args) == 0 {
		return c, files, errors.New("malformed call: no arguments")
	}
	return c, files, nil
}

// ours reports whether the peer is the user whose holder this is.
func ours(conn *net.UnixConn) bool {
	raw, err := conn.SyscallConn()
	if err != nil {
		return false
	}
	same := false
	err = raw.Control(func(fd uintptr) {
		peer, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
		same = err == nil && int(peer.Uid) == os.Getuid()
	})
	return err == nil && same
}
