// Package session is the agent's end of the channel to the controller: it
// enrols the node, keeps its certificate fresh, and holds one session for
// ever, which it opens again whenever it is lost. It never decides what the
// node does, and it never makes the agent wait: without a controller the
// agent goes on as it is. The agent's loop calls it.
package session

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/nodecfg/rpc"
)

// Options of a Client.
type Options struct {
	Node    string
	Address string    // of the controller: "host:port", or "unix:/path"
	Dir     string    // keeps key and certificate; made with mode 0700
	Token   rpc.Token // to enrol with; not needed once that was done
	// OnSession is called when a session begins. The controller may know
	// nothing then: send a Report. It must not block.
	OnSession func()
	Log       *slog.Logger
}

// Delays before another attempt to connect: the first one, doubled each time,
// and the longest.
const (
	firstDelay = 50 * time.Millisecond
	lastDelay  = 5 * time.Second
)

// maxAsks is how many questions, traces and rotations, wait for a busy agent.
const maxAsks = 16

// renewAgain is the pause after a renewal that failed. Half of the
// certificate's life is left for it to succeed.
const renewAgain = time.Minute

// renewLook is how long a timer is trusted to know when half of that life is over:
// the clock may be set meanwhile, and no timer runs while a machine is suspended.
const renewLook = time.Hour

// Client is used by one Run.
type Client struct {
	Options
	state   state
	renewIn func(identity) time.Duration
	look    time.Duration // renewLook
	patient time.Duration // with an absent controller: overlong
	stand   stand

	authority atomic.Pointer[x509.Certificate] // state.identity.ca, for others
	remote    atomic.Pointer[netip.Addr]       // of the controller, for others

	admitted time.Time // when the controller let us in last; zero: not by the last attempt

	configs chan *nodecfg.Config    // the latest, for the agent
	asks    chan *nodecfg.ToAgent   // for the agent
	reports chan *nodecfg.Report    // the latest, for the controller
	answers chan *nodecfg.FromAgent // the latest few, for the controller
}

// New reads the state directory. It fails where that or an option is bad;
// the controller is not asked yet.
func New(o Options) (*Client, error) {
	if err := rpc.CheckNode(o.Node); err != nil {
		return nil, err
	}
	c := &Client{
		Options: o, renewIn: identity.renewIn, look: renewLook, patient: overlong,
		configs: make(chan *nodecfg.Config, 1),
		asks:    make(chan *nodecfg.ToAgent, maxAsks),
		reports: make(chan *nodecfg.Report, 1),
		answers: make(chan *nodecfg.FromAgent, maxAsks),
	}
	var err error
	if c.state, err = openState(o.Dir); err != nil {
		return nil, err
	}
	if c.state.identity.cert == nil && o.Token.IsZero() {
		return nil, fmt.Errorf("node %s is not enrolled and has no token: `keiro token create %s` makes one", o.Node, o.Node)
	}
	c.stand.Controller, c.stand.Since, c.stand.Never = o.Address, time.Now(), true
	c.publish()
	return c, nil
}

// Keys are what the node's peers know it by, the same for ever.
func (c *Client) Keys() Keys { return c.state.keys }

// Authority is the one that the node is enrolled with, and the only one that
// may say who a peer is; nil before the first enrolment. It may be called at
// any time, and changes only when an operator's token moves the node to
// another fleet.
func (c *Client) Authority() *x509.Certificate { return c.authority.Load() }

// publish lets others see a new identity.
func (c *Client) publish() {
	c.authority.Store(c.state.identity.ca)
	c.stand.mu.Lock()
	defer c.stand.mu.Unlock()
	if cert := c.state.identity.cert; cert != nil {
		c.stand.Expires = cert.NotAfter.UTC()
	}
}

// Run holds the session until ctx is done. What the controller says goes to
// in, the latest Config only if the agent is busy. What the agent says is
// taken from out at once, and reaches the controller if there is a session:
// the latest Report as soon as there is one.
func (c *Client) Run(ctx context.Context, in chan<- nodecfg.ToAgent, out <-chan nodecfg.FromAgent) error {
	go c.deliver(ctx, in)
	go c.collect(ctx, out)
	delay, lastReason := firstDelay, ""
	for {
		c.admitted = time.Time{}
		err := c.connect(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			continue
		}
		if !c.admitted.IsZero() && time.Since(c.admitted) > delay {
			delay = firstDelay // it did work, for longer than it was away
		}
		// Half of the delay is random, so that a fleet does not come at once.
		wait := delay/2 + rand.N(delay/2)
		level := slog.LevelDebug
		if r := reason(err); r != lastReason {
			level, lastReason = slog.LevelWarn, r
		}
		c.Log.Log(ctx, level, "no session with the controller",
			"node", c.Node, "controller", c.Address, "reason", lastReason, "retry_in", wait)
		if away, tell := c.stand.failed(lastReason, c.patient); tell {
			c.Log.Warn("the controller is away for long: the node forwards, repairs and changes keys on by itself, and hears no orders; `keiro-agent status` says more",
				"node", c.Node, "controller", c.Address, "away", away.Round(time.Second), "reason", lastReason, "certificate_until", c.Standing().Expires)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
		delay = min(2*delay, lastDelay)
	}
}

// connect makes sure of an identity, opens a session and returns when it has
// ended: without an error if the next one is to begin at once.
func (c *Client) connect(ctx context.Context) error {
	if err := c.enrol(ctx); err != nil {
		return err
	}
	conn, err := c.dial(c.state.identity.tls())
	if err != nil {
		return err
	}
	defer conn.Close()
	return c.session(ctx, conn)
}

// reason is the text of an error without gRPC's wrapping.
func reason(err error) string {
	if s, ok := status.FromError(err); ok {
		return s.Message()
	}
	return err.Error()
}

// session moves messages between the agent and the controller.
func (c *Client) session(ctx context.Context, conn grpc.ClientConnInterface) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := rpc.Session(ctx, conn)
	if err != nil {
		return err
	}
	// The controller sends the header when it has let us in, else none.
	if header, err := stream.Header(); err != nil {
		return err
	} else if header == nil {
		_, err := stream.Recv()
		return err
	}
	c.admitted = time.Now()
	c.Log.Info("session with the controller", "node", c.Node, "controller", c.Address, "away", c.stand.came().Round(time.Millisecond))
	if c.OnSession != nil {
		c.OnSession()
	}
	received := make(chan error, 1)
	go func() { received <- c.receive(stream) }()
	go c.send(ctx, stream) // what fails to be sent fails to be received as well
	wait := c.renewIn(c.state.identity)
	if err := c.state.bound(); err != nil {
		c.Log.Info("the certificate is to bind our identity", "node", c.Node, "reason", err)
		wait = 0
	}
	renewal := time.NewTimer(min(wait, c.look))
	defer renewal.Stop()
	for {
		select {
		case err := <-received:
			return err
		case <-renewal.C:
			if wait > c.look {
				wait = c.renewIn(c.state.identity)
				renewal.Reset(min(wait, c.look))
				continue
			}
			if err := c.renew(ctx, conn); err == nil {
				return nil // the next session shows the new certificate
			} else if ctx.Err() == nil {
				c.Log.Warn("certificate not renewed", "node", c.Node, "reason", reason(err), "retry_in", renewAgain)
			}
			renewal.Reset(renewAgain)
		}
	}
}

func (c *Client) receive(stream grpc.BidiStreamingClient[nodecfg.FromAgent, nodecfg.ToAgent]) error {
	for {
		m, err := stream.Recv()
		if err != nil {
			return err
		}
		switch {
		case m.Config != nil && m.Config.Node != c.Node:
			c.Log.Error("ignored a config for another node", "node", c.Node, "other", m.Config.Node)
		case m.Config != nil:
			replace(c.configs, m.Config)
		case m.Trace != nil, m.Rotate != nil:
			select {
			case c.asks <- m:
			default:
				replace(c.answers, busy(m))
			}
		}
	}
}

// busy answers a question that the agent has no time for.
func busy(m *nodecfg.ToAgent) *nodecfg.FromAgent {
	const why = "the agent is busy"
	if m.Rotate != nil {
		return &nodecfg.FromAgent{Rotate: &nodecfg.RotateResult{ID: m.Rotate.ID, Error: why}}
	}
	return &nodecfg.FromAgent{Trace: &nodecfg.TraceResult{ID: m.Trace.ID, Error: why}}
}

func (c *Client) send(ctx context.Context, stream grpc.BidiStreamingClient[nodecfg.FromAgent, nodecfg.ToAgent]) {
	for {
		m := new(nodecfg.FromAgent)
		select {
		case m.Report = <-c.reports:
		case m = <-c.answers:
		case <-ctx.Done():
			return
		}
		if stream.Send(m) != nil {
			return
		}
	}
}

// deliver hands the agent what came for it, at the agent's pace. A Config
// that the agent did not take yet gives way to a newer one.
func (c *Client) deliver(ctx context.Context, in chan<- nodecfg.ToAgent) {
	var config *nodecfg.Config
	var ask *nodecfg.ToAgent
	for {
		asks, to, m := c.asks, in, nodecfg.ToAgent{}
		switch {
		case config != nil:
			m.Config = config
		case ask != nil:
			m = *ask
		default:
			to = nil
		}
		if ask != nil {
			asks = nil
		}
		select {
		case config = <-c.configs:
		case ask = <-asks:
		case to <- m:
			if m.Config != nil {
				config = nil
			} else {
				ask = nil
			}
		case <-ctx.Done():
			return
		}
	}
}

// collect takes from the agent whatever it says, at once.
func (c *Client) collect(ctx context.Context, out <-chan nodecfg.FromAgent) {
	for {
		select {
		case m, ok := <-out:
			if !ok {
				return
			}
			if m.Report != nil {
				replace(c.reports, m.Report)
			}
			if m.Trace != nil || m.Rotate != nil {
				replace(c.answers, &m)
			}
		case <-ctx.Done():
			return
		}
	}
}

// replace puts v into a channel, for which the oldest that waits there may
// have to go.
func replace[T any](slot chan T, v T) {
	for {
		select {
		case slot <- v:
			return
		default:
		}
		select {
		case <-slot:
		default:
		}
	}
}
