package fleet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/controller/pki"
)

// session is one connection of one node.
type session struct {
	node    string
	expires time.Time // its certificate does

	config chan *nodecfg.Config // at most the latest
	asks   chan *nodecfg.ToAgent
	ending chan string // the reason, once
	done   chan struct{}

	mu      sync.Mutex
	answers map[uint64]chan *nodecfg.FromAgent // by the ID of the question
}

func newSession(node string, expires time.Time) *session {
	return &session{
		node: node, expires: expires,
		config:  make(chan *nodecfg.Config, 1),
		asks:    make(chan *nodecfg.ToAgent),
		ending:  make(chan string, 1),
		done:    make(chan struct{}),
		answers: make(map[uint64]chan *nodecfg.FromAgent),
	}
}

// run moves messages until the session ends. Sending and receiving each have
// their own goroutine, so that an agent that does not read can be sent away.
func (s *session) run(stream grpc.BidiStreamingServer[nodecfg.FromAgent, nodecfg.ToAgent], report func(nodecfg.Report)) error {
	// The agent learns from the header that it is let in.
	if err := stream.SendHeader(metadata.MD{}); err != nil {
		return err
	}
	failed := make(chan error, 2)
	received := make(chan *nodecfg.FromAgent)
	go func() { failed <- s.receive(stream, received) }()
	go func() { failed <- s.send(stream) }()
	expired := time.NewTimer(time.Until(s.expires))
	defer expired.Stop()
	for {
		select {
		case m := <-received:
			if err := s.take(m, report); err != nil {
				return err
			}
		case err := <-failed:
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		case why := <-s.ending:
			return status.Error(codes.Aborted, why)
		case <-expired.C:
			return pki.Refusal("its certificate expired")
		}
	}
}

func (s *session) receive(stream grpc.BidiStreamingServer[nodecfg.FromAgent, nodecfg.ToAgent], to chan<- *nodecfg.FromAgent) error {
	for {
		m, err := stream.Recv()
		if err != nil {
			return err
		}
		select {
		case to <- m:
		case <-stream.Context().Done():
			return stream.Context().Err()
		}
	}
}

func (s *session) send(stream grpc.BidiStreamingServer[nodecfg.FromAgent, nodecfg.ToAgent]) error {
	for {
		m := new(nodecfg.ToAgent)
		select {
		case m.Config = <-s.config:
		case m = <-s.asks:
		case <-stream.Context().Done():
			return stream.Context().Err()
		}
		if err := stream.Send(m); err != nil {
			return err
		}
	}
}

// take handles one message of the agent.
func (s *session) take(m *nodecfg.FromAgent, report func(nodecfg.Report)) error {
	if r := m.Report; r != nil {
		if r.Node != s.node {
			return pki.Refusal(fmt.Sprintf("report in the name of another node, %q", claimed(r.Node)))
		}
		report(*r)
	}
	switch {
	case m.Trace != nil:
		s.answered(m.Trace.ID, m)
	case m.Rotate != nil:
		s.answered(m.Rotate.ID, m)
	}
	return nil
}

// answered hands an answer to whoever asked, once.
func (s *session) answered(id uint64, m *nodecfg.FromAgent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if answer, ok := s.answers[id]; ok {
		answer <- m
		delete(s.answers, id) // there is room for one
	}
}

// push never blocks: what was not sent yet is out of date.
func (s *session) push(c *nodecfg.Config) {
	for {
		select {
		case s.config <- c:
			return
		default:
		}
		select {
		case <-s.config:
		default:
		}
	}
}

// ask sends a question with that ID and waits for its answer.
func (s *session) ask(ctx context.Context, id uint64, m *nodecfg.ToAgent) (*nodecfg.FromAgent, error) {
	answer := make(chan *nodecfg.FromAgent, 1)
	s.mu.Lock()
	s.answers[id] = answer
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.answers, id)
	}()
	asks := s.asks
	for {
		select {
		case asks <- m:
			asks = nil
		case a := <-answer:
			return a, nil
		case <-s.done:
			return nil, ErrNotConnected
		case <-ctx.Done():
			return nil, fmt.Errorf("ask node %s: %w", s.node, ctx.Err())
		}
	}
}

// end asks the session to end. Only the first reason counts.
func (s *session) end(why string) {
	select {
	case s.ending <- why:
	default:
	}
}
