// Package local is how the root of a node speaks to its running agent: over a
// unix socket in the agent's state directory, one question and one answer a
// connection. It passes on what it hears and decides nothing. Package daemon
// serves it; `keiro-agent floor` and `keiro-agent status` ask. No controller gets
// here.
package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/keiro-net/keiro/agent/floor"
	"github.com/keiro-net/keiro/agent/internal/sameuser"
	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/session"
)

// socketName is that of the socket in the state directory.
const socketName = "agent.sock"

const (
	patience   = 10 * time.Second // for a question, and for its answer
	maxRequest = 4 << 10          // bytes; an intent's name has 63
	maxAnswer  = 64 << 20         // bytes
)

// request asks to lower the floor of an intent, or for the agent's Report; with
// neither, to list floors.
type request struct {
	Lower  string `json:"lower,omitempty"`
	Status bool   `json:"status,omitempty"`
}

// answer is the agent's, and for its status what the session knows.
type answer struct {
	floor.Answer
	Uplink *session.Standing `json:"uplink,omitempty"`
}

// State is what an agent has reached, and how it stands with its controller.
type State struct {
	nodecfg.Report
	Uplink *session.Standing `json:"uplink,omitempty"` // nil: the agent is of an earlier version
}

// ErrNoAgent: nobody answers in a state directory.
var ErrNoAgent = errors.New("no agent is running with this state directory")

// Server hears the node's root.
type Server struct {
	// Uplink says how the agent stands with its controller; nil: nobody knows. Set
	// it before Run.
	Uplink func() session.Standing

	listen *net.UnixListener
	log    *slog.Logger
}

// Listen makes the socket in a state directory, and the directory. It refuses
// where another agent answers already: two with one state would undo each
// other's work.
func Listen(dir string, log *slog.Logger) (*Server, error) {
	path := filepath.Join(dir, socketName)
	c, err := net.DialTimeout("unix", path, patience)
	switch {
	case err == nil:
		c.Close()
		return nil, fmt.Errorf("another agent is running with state directory %s", dir)
	case !gone(err): // somebody may be there, and only be busy
		return nil, fmt.Errorf("whether another agent is running with state directory %s cannot be told; if none is, remove %s: %w", dir, path, err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) { // of an agent that was killed
		return nil, err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, err
	}
	return &Server{listen: l, log: log}, nil
}

// gone says of the error of a dial that nobody listens: there is no socket, or
// that of an agent which was killed.
func gone(err error) bool { return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ECONNREFUSED) }

// Run passes orders on until the context ends. Then the socket is gone.
func (s *Server) Run(ctx context.Context, orders chan<- floor.Order) {
	stop := context.AfterFunc(ctx, func() { s.listen.Close() })
	defer stop()
	for {
		c, err := s.listen.AcceptUnix()
		if ctx.Err() != nil {
			return
		}
		if err != nil { // too many files, say
			s.log.Warn("local socket", "error", err)
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Second):
			}
			continue
		}
		go s.serve(ctx, c, orders)
	}
}

// Close ends what Run was never called for.
func (s *Server) Close() { _ = s.listen.Close() }

func (s *Server) serve(ctx context.Context, c *net.UnixConn, orders chan<- floor.Order) {
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	a, err := s.answer(ctx, c, orders)
	if err != nil {
		s.log.Warn("local request refused", "error", err)
		a.Error = err.Error()
	}
	_ = json.NewEncoder(c).Encode(a) // who went away does not want it
}

func (s *Server) answer(ctx context.Context, c *net.UnixConn, orders chan<- floor.Order) (a answer, err error) {
	if err := sameuser.Check(c); err != nil {
		return a, fmt.Errorf("only root may ask this: %w", err)
	}
	r, err := read(c)
	if err != nil {
		return a, err
	}
	answers := make(chan floor.Answer, 1)
	late := time.After(patience)
	select {
	case orders <- floor.Order{Lower: r.Lower, Status: r.Status, Answer: answers}:
	case <-late:
		return a, errors.New("the agent is busy: try again")
	case <-ctx.Done():
		return a, errors.New("the agent is ending")
	}
	select {
	case a.Answer = <-answers:
		if r.Status && s.Uplink != nil {
			uplink := s.Uplink()
			a.Uplink = &uplink
		}
		return a, nil
	case <-ctx.Done():
		return a, errors.New("the agent is ending: look again when it is back")
	}
}

// read reads one request. The connection stays open behind it, so there is no
// end to wait for.
func read(from io.Reader) (r request, err error) {
	d := json.NewDecoder(io.LimitReader(from, maxRequest))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return request{}, fmt.Errorf("request not readable: %w", err)
	}
	return r, nil
}

// Ask asks the agent of a state directory to lower the floor of an intent, or
// with "" which floors there are. The error is ErrNoAgent where none runs, or
// what the agent says.
func Ask(dir, lower string) (floor.Answer, error) {
	a, err := ask(dir, request{Lower: lower})
	return a.Answer, err
}

// Status asks the agent of a state directory for its State. The error is as
// Ask's.
func Status(dir string) (*State, error) {
	a, err := ask(dir, request{Status: true})
	if err == nil && a.Report == nil {
		err = errors.New("the agent that is running knows no status: it is of an earlier version")
	}
	if err != nil {
		return nil, err
	}
	return &State{Report: *a.Report, Uplink: a.Uplink}, nil
}

func ask(dir string, r request) (a answer, err error) {
	c, err := net.DialTimeout("unix", filepath.Join(dir, socketName), patience)
	if gone(err) {
		return a, ErrNoAgent
	}
	if err != nil {
		return a, err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(2 * patience))
	wrote := json.NewEncoder(c).Encode(r) // who is refused is told so, and not heard
	if err := json.NewDecoder(io.LimitReader(c, maxAnswer)).Decode(&a); err != nil {
		return a, fmt.Errorf("the agent's answer: %w", errors.Join(err, wrote))
	}
	if a.Error != "" {
		return a, errors.New(a.Error)
	}
	return a, nil
}
