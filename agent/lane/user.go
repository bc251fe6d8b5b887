package lane

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/keiro-net/keiro/keys/secret"
)

// Helpers finds and starts the processes behind user space lanes.
type Helpers struct {
	// Dir holds their sockets and logs; it must be the user's alone.
	Dir string
	// Command starts one: its arguments follow. It is `keiro-agent lane`.
	Command []string
}

// startWait bounds how long a helper may take to say that it is ready, and
// answerWait how long to answer. Only tests set them.
var (
	startWait  = 10 * time.Second
	answerWait = 2 * time.Second
)

// Open connects to the helper of an interface, and starts one where there is
// none. It must be called on a thread in the network namespace of the lanes.
func (h *Helpers) Open(name string, mtu int) (Device, error) {
	u, err := h.connect(name)
	if err == nil {
		// A process that is being killed still takes connections for a moment.
		if _, err = u.ask(newRequest("version")); err == nil {
			return u, nil
		}
		u.Close()
		if !errors.Is(err, ErrLost) {
			return nil, err // it is there, and busy: another would not get the interface
		}
	}
	if err := h.start(name, mtu); err != nil {
		return nil, fmt.Errorf("lane %s: start a helper: %w", name, err)
	}
	if u, err = h.connect(name); err != nil {
		return nil, fmt.Errorf("lane %s: %w", name, err)
	}
	return u, nil
}

// Find connects to the helper of an interface and starts none; without such an
// interface its error is ErrLost. It must be called on a thread in the network
// namespace of the lanes.
func (h *Helpers) Find(name string) (Device, error) {
	u, err := h.connect(name)
	if err == nil {
		return u, nil
	}
	if gone(name) { // with the process that it was of
		return nil, fmt.Errorf("lane %s: %w", name, ErrLost)
	}
	return nil, fmt.Errorf("lane %s: the interface may be there, and its helper cannot be reached: %w", name, err)
}

// gone: there is no such interface. While a helper ends it has no socket any
// more, and its interface still.
func gone(name string) bool {
	_, err := netlink.LinkByName(name)
	_, none := errors.AsType[netlink.LinkNotFoundError](err)
	return none
}

// Names lists the interfaces that may have a helper.
func (h *Helpers) Names() ([]string, error) {
	found, err := filepath.Glob(filepath.Join(h.Dir, "*.sock"))
	for i, path := range found {
		found[i] = strings.TrimSuffix(filepath.Base(path), ".sock")
	}
	return found, err
}

// Stop ends the helper of an interface, and so the interface. Where there is
// none it does nothing. It must be called on a thread in the network namespace
// of the lanes.
func (h *Helpers) Stop(name string) error {
	u, err := h.connect(name)
	if nobody(err) && gone(name) {
		return nil // a socket without a process goes when a new one is made
	}
	if err != nil {
		return fmt.Errorf("lane %s: its helper cannot be reached: %w", name, err)
	}
	defer u.Close()
	// It may end before its answer is on the way.
	if _, err := u.ask(newRequest("quit")); err != nil && !errors.Is(err, ErrLost) {
		return err
	}
	select {
	case <-u.lost:
		return nil
	case <-time.After(answerWait):
		return fmt.Errorf("lane %s: the helper said it would end, and lives", name)
	}
}

func (h *Helpers) socket(name string) string { return filepath.Join(h.Dir, name+".sock") }

func (h *Helpers) start(name string, mtu int) error {
	if err := os.MkdirAll(h.Dir, 0o700); err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(h.Dir, name+".log"), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	ready, readyW, err := os.Pipe()
	if err != nil {
		return err
	}
	defer ready.Close()
	args := append(h.Command[1:len(h.Command):len(h.Command)],
		"--interface", name, "--socket", h.socket(name), "--mtu", strconv.Itoa(mtu))
	cmd := exec.Command(h.Command[0], args...)
	cmd.Stderr = log
	cmd.Dir = "/"
	cmd.ExtraFiles = []*os.File{readyW} // descriptor 3
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	readyW.Close()
	if err != nil {
		return err
	}
	go func() { _ = cmd.Wait() }() // no zombie while we live; afterwards init sees to it
	if err := ready.SetReadDeadline(time.Now().Add(startWait)); err != nil {
		return err
	}
	said, err := io.ReadAll(io.LimitReader(ready, 1024))
	switch {
	case err != nil:
		return errors.Join(fmt.Errorf("it did not say that it is ready: %w", err), cmd.Process.Kill())
	case string(said) == "ready":
		return nil
	case len(said) == 0:
		return fmt.Errorf("it ended; %s may say why", log.Name())
	}
	return errors.New(string(said))
}

func (h *Helpers) connect(name string) (*user, error) {
	u := &user{name: name, socket: h.socket(name), lost: make(chan struct{})}
	return u, u.dial()
}

// user is a Device with a helper.
type user struct {
	name, socket string
	line         *line // nil: the last was given up, and there was no other
	end          sync.Once
	lost         chan struct{}
}

// line is one connection. A goroutine reads, so that the end of the process is
// seen at once.
type line struct {
	net.Conn
	asked   atomic.Bool      // an answer is awaited
	answers chan [][2]string // room for one, that nobody may be there for any more
	ended   chan struct{}
	givenUp atomic.Bool // its end says nothing of the process
}

func (u *user) dial() error {
	c, err := net.DialTimeout("unix", u.socket, answerWait)
	if err != nil {
		return err
	}
	u.line = &line{Conn: c, answers: make(chan [][2]string, 1), ended: make(chan struct{})}
	go u.read(u.line)
	return nil
}

// read never waits for whom it reads for: it has to see the end.
func (u *user) read(l *line) {
	defer func() {
		close(l.ended)
		if !l.givenUp.Load() {
			u.lose()
		}
	}()
	r := bufio.NewReaderSize(l, 4096)
	for {
		block, err := ReadBlock(r)
		if err != nil || !l.asked.CompareAndSwap(true, false) {
			return // or an answer that nobody asked for
		}
		select {
		case l.answers <- block:
		default:
			return
		}
	}
}

func (u *user) lose() { u.end.Do(func() { close(u.lost) }) }

// ask sends a request, erases it and waits for the answer.
func (u *user) ask(r *request) ([][2]string, error) {
	r.b = append(r.b, '\n')
	defer r.erase()
	if u.line == nil {
		if err := u.again(); err != nil {
			return nil, err
		}
	}
	l, deadline := u.line, time.Now().Add(answerWait)
	l.asked.Store(true)
	err := l.SetWriteDeadline(deadline)
	if err == nil {
		_, err = l.Write(r.b)
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, u.hangs()
	case err != nil:
		return nil, fmt.Errorf("lane %s: %w: %w", u.name, ErrLost, err)
	}
	select {
	case block := <-l.answers:
		return u.understand(block)
	case <-l.ended:
		select {
		case block := <-l.answers: // its last word
			return u.understand(block)
		default:
			return nil, fmt.Errorf("lane %s: %w", u.name, ErrLost)
		}
	case <-time.After(time.Until(deadline)):
		return nil, u.hangs()
	}
}

// hangs gives up the connection: an answer that comes later would be taken for
// that to the next question. The lane is not lost for that, and carries on: a
// busy machine may have kept its helper from answering.
func (u *user) hangs() error {
	u.line.givenUp.Store(true)
	u.line.Close()
	u.line = nil
	if err := u.again(); err != nil {
		return err
	}
	return fmt.Errorf("lane %s: its helper has not answered within %s", u.name, answerWait)
}

// again connects again.
func (u *user) again() error {
	err := u.dial()
	switch {
	case err == nil:
		return nil
	case nobody(err):
		u.lose()
		return fmt.Errorf("lane %s: %w: %w", u.name, ErrLost, err)
	}
	return fmt.Errorf("lane %s: its helper cannot be reached: %w", u.name, err)
}

// nobody reports whether an error of a connection says that no process listens.
func nobody(err error) bool {
	return errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED)
}

func (u *user) understand(block [][2]string) ([][2]string, error) {
	message := ""
	for _, line := range block {
		switch {
		case line[0] == "message":
			message = line[1]
		case line[0] == "errno" && line[1] != "0":
			return nil, fmt.Errorf("lane %s: helper: errno %s: %s", u.name, line[1], message)
		}
	}
	return block, nil
}

func (u *user) Status() (Status, error) {
	block, err := u.ask(newRequest("get"))
	if err != nil {
		return Status{}, err
	}
	s, err := parseStatus(block)
	if err != nil {
		return s, fmt.Errorf("lane %s: %w", u.name, err)
	}
	return s, nil
}

func (u *user) Set(c Config) error {
	if err := c.validate(); err != nil {
		return fmt.Errorf("lane %s: %w", u.name, err)
	}
	own, err := publicOf(c.Private)
	if err != nil {
		return fmt.Errorf("lane %s: %w", u.name, err)
	}
	have, err := u.Status()
	if err != nil {
		return err
	}
	do := c.changes(have, own)
	if do.none() {
		return nil
	}
	_, err = u.ask(setRequest(&c, do))
	return err
}

func (u *user) SetPreshared(peer PublicKey, k secret.Key) error {
	if !usable(k) {
		return fmt.Errorf("lane %s: a preshared key of zeros is none", u.name)
	}
	// WireGuard takes a key for a peer it does not have, and says nothing.
	have, err := u.Status()
	if err != nil {
		return err
	}
	if have.Peer != peer {
		return fmt.Errorf("lane %s: %w: %s", u.name, ErrNoPeer, peer)
	}
	r := newRequest("set")
	r.line("public_key", hex.EncodeToString(peer[:]))
	r.line("update_only", "true")
	r.secret("preshared_key", k)
	_, err = u.ask(r)
	return err
}

func (u *user) Handshake() error {
	have, err := u.Status()
	if err != nil {
		return err
	}
	r := newRequest("handshake")
	r.line("public_key", hex.EncodeToString(have.Peer[:]))
	_, err = u.ask(r)
	return err
}

func (u *user) Silence() error {
	r := newRequest("set")
	r.line("replace_peers", "true")
	_, err := u.ask(r)
	return err
}

func (u *user) Lost() <-chan struct{} { return u.lost }

func (u *user) Close() error {
	if u.line == nil {
		u.lose()
		return nil
	}
	return u.line.Close()
}
