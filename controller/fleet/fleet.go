// Package fleet is the controller's end of the channel to the agents: it
// enrols them, renews their certificates and holds one session with each, on
// which Configs go down and Reports come up. Who an agent is, its certificate
// says and nothing else. It decides nothing and remembers nothing: a Config
// for a node without a session is dropped, and asked for again by Connected.
// The controller's loop calls it.
package fleet

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/nodecfg/rpc"
	"github.com/keiro-net/keiro/controller/pki"
)

// Limits of what is sent and taken.
const (
	maxConfig        = 64 << 20 // bytes of a message to an agent
	maxFromAgent     = 4 << 20  // bytes of a message from an agent
	maxHeaders       = 16 << 10 // bytes of the headers of a request
	handshakeTimeout = 10 * time.Second
	failedPerMinute  = 10 // enrolments, and likewise handshakes, of one address
)

// DefaultKeepalive is how long a connection is silent before the agent is
// asked whether it lives, and how long it has to answer.
const DefaultKeepalive = 3 * time.Second

// ErrNotConnected says that the node has no session, or not any more.
var ErrNotConnected = errors.New("the agent is not connected")

// Events is told what happens, for each node one thing after the other. Its
// methods must not block.
type Events interface {
	// Connected: a session of the agent began. If its node had one, this one
	// replaces it.
	Connected(pki.Agent)
	// Disconnected: the node's session ended and no newer one is there.
	Disconnected(node string)
	// Report: the node, which is the one that the Report names, said this.
	Report(nodecfg.Report)
}

// Options of a Fleet.
type Options struct {
	Authority *pki.Authority
	Events    Events
	Log       *slog.Logger
	Keepalive time.Duration // 0: DefaultKeepalive; less than 1 s counts as 1 s
}

// Fleet is safe for use by several goroutines.
type Fleet struct {
	authority *pki.Authority
	events    Events
	log       *slog.Logger
	server    *grpc.Server

	failedEnrolments, failedHandshakes *quota
	asked                              atomic.Uint64 // ID of the last question

	mu       sync.Mutex
	sessions map[string]*session // by node, the newest
}

// New makes a Fleet that listens nowhere yet.
func New(o Options) *Fleet {
	f := &Fleet{
		authority: o.Authority, events: o.Events, log: o.Log,
		failedEnrolments: newQuota(failedPerMinute),
		failedHandshakes: newQuota(failedPerMinute),
		sessions:         make(map[string]*session),
	}
	// A late answer to a question of the controller's former life must not
	// answer one of this life.
	f.asked.Store(rand.Uint64())
	if o.Keepalive == 0 {
		o.Keepalive = DefaultKeepalive
	}
	f.server = grpc.NewServer(
		grpc.Creds(newLoggedTLS(o.Authority.AgentTLS(), f)),
		grpc.ConnectionTimeout(handshakeTimeout),
		grpc.MaxSendMsgSize(maxConfig),
		grpc.MaxRecvMsgSize(maxFromAgent),
		grpc.MaxHeaderListSize(maxHeaders),
		grpc.MaxConcurrentStreams(8),
		grpc.WaitForHandlers(true),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionIdle: time.Minute, // without a session
			Time:              o.Keepalive,
			Timeout:           o.Keepalive,
		}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
	)
	rpc.Register(f.server, f)
	return f
}

// Serve answers agents on all listeners until ctx is done, and closes them
// then. After it has returned, Events is told nothing more. It is called once.
func (f *Fleet) Serve(ctx context.Context, listeners ...net.Listener) error {
	ended := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() { ended <- f.server.Serve(l) }()
	}
	var err error
	select {
	case err = <-ended:
	case <-ctx.Done():
	}
	f.server.Stop()
	return err
}

// Push gives the node its Config, as soon as it takes it. Of several that
// wait, the agent gets the latest only. Without a session, nothing happens.
func (f *Fleet) Push(node string, c *nodecfg.Config) {
	if s := f.session(node); s != nil {
		s.push(c)
	}
}

// Trace asks the node to send packets down each path of the intent.
func (f *Fleet) Trace(ctx context.Context, node, intent string) (nodecfg.TraceResult, error) {
	id := f.asked.Add(1)
	a, err := f.ask(ctx, node, id, &nodecfg.ToAgent{Trace: &nodecfg.TraceRequest{ID: id, Intent: intent}})
	if err != nil || a.Trace == nil {
		return nodecfg.TraceResult{}, cmp.Or(err, errOther)
	}
	return *a.Trace, nil
}

// Rotate asks the node for new keys of some of its lanes; the request's ID is
// of no account. The answer comes when its pairs were told, before they have
// them.
func (f *Fleet) Rotate(ctx context.Context, node string, r nodecfg.RotateRequest) (nodecfg.RotateResult, error) {
	r.ID = f.asked.Add(1)
	a, err := f.ask(ctx, node, r.ID, &nodecfg.ToAgent{Rotate: &r})
	if err != nil || a.Rotate == nil {
		return nodecfg.RotateResult{}, cmp.Or(err, errOther)
	}
	return *a.Rotate, nil
}

var errOther = errors.New("the agent answered another question")

func (f *Fleet) ask(ctx context.Context, node string, id uint64, m *nodecfg.ToAgent) (*nodecfg.FromAgent, error) {
	s := f.session(node)
	if s == nil {
		return nil, ErrNotConnected
	}
	return s.ask(ctx, id, m)
}

// Disconnect ends the node's session, if it has one: after it was revoked.
func (f *Fleet) Disconnect(node string) {
	if s := f.session(node); s != nil {
		s.end("disconnected by the controller")
	}
}

func (f *Fleet) session(node string) *session {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.sessions[node]
}

// place makes s the session of its node, when the one before has ended.
func (f *Fleet) place(s *session) {
	f.mu.Lock()
	before := f.sessions[s.node]
	f.sessions[s.node] = s
	f.mu.Unlock()
	if before != nil {
		before.end("replaced by a newer session")
		<-before.done
	}
}

// dismiss is called when s has ended.
func (f *Fleet) dismiss(s *session) {
	if f.session(s.node) == s {
		f.events.Disconnected(s.node)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.sessions[s.node] == s {
		delete(f.sessions, s.node)
	}
	close(s.done) // a newer one, if there is, is connected from here on
}
