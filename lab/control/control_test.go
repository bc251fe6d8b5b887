// Package control holds no code: only the test of agents against a
// controller's store, authority and fleet, the real ones on both ends. It is
// in lab because only lab may import both.
package control

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/nodecfg/rpc"
	"github.com/keiro-net/keiro/agent/session"
	"github.com/keiro-net/keiro/controller/fleet"
	"github.com/keiro-net/keiro/controller/pki"
	"github.com/keiro-net/keiro/controller/store"
)

const deadline = 20 * time.Second

// controller is one life of a controller.
type controller struct {
	store  *store.Store
	ca     *pki.Authority
	fleet  *fleet.Fleet
	events chan string
	stop   func()

	mu     sync.Mutex
	agents map[string]pki.Agent // as they were when they connected last
}

func startController(t *testing.T, dir string, log io.Writer) *controller {
	t.Helper()
	logger := slog.New(slog.NewTextHandler(log, nil))
	ctx, cancel := context.WithCancel(context.Background())
	c := &controller{events: make(chan string, 1000), agents: make(map[string]pki.Agent)}
	var err error
	if c.store, err = store.Open(ctx, store.Options{Dir: filepath.Join(dir, "etcd"), Log: logger}); err != nil {
		t.Fatal(err)
	}
	if c.ca, err = pki.Open(pki.Options{Dir: dir, Store: c.store}); err != nil {
		t.Fatal(err)
	}
	c.fleet = fleet.New(fleet.Options{Authority: c.ca, Events: c, Log: logger})
	l, err := fleet.Listen(ctx, "unix:"+filepath.Join(dir, "agents"))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.fleet.Serve(ctx, l) }()
	c.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := c.store.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(c.stop)
	return c
}

func (c *controller) Connected(a pki.Agent) {
	c.mu.Lock()
	c.agents[a.Node] = a
	c.mu.Unlock()
	c.events <- "connected " + a.Node
}
func (c *controller) Disconnected(node string) { c.events <- "disconnected " + node }
func (c *controller) Report(r nodecfg.Report) {
	c.events <- fmt.Sprintf("report %s %d", r.Node, r.Revision)
}

func (c *controller) want(t *testing.T, event string) {
	t.Helper()
	select {
	case got := <-c.events:
		if got != event {
			t.Fatalf("event %q, want %q", got, event)
		}
	case <-time.After(deadline):
		t.Fatalf("waited in vain for %q", event)
	}
}

// startAgent obeys every Config at once: its report is that it did.
func startAgent(t *testing.T, node, dir string, token rpc.Token, log io.Writer) (stop func()) {
	t.Helper()
	in, out := make(chan nodecfg.ToAgent), make(chan nodecfg.FromAgent)
	begun := make(chan struct{}, 1)
	client, err := session.New(session.Options{
		Node: node, Address: "unix:" + filepath.Join(dir, "agents"), Dir: filepath.Join(dir, node), Token: token,
		Log: slog.New(slog.NewTextHandler(log, nil)),
		OnSession: func() {
			select {
			case begun <- struct{}{}:
			default:
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() { _ = client.Run(ctx, in, out) })
	group.Go(func() {
		var revision uint64
		for {
			var says nodecfg.FromAgent
			select {
			case m := <-in:
				if m.Config != nil {
					revision = m.Config.Revision
				} else {
					says.Trace = &nodecfg.TraceResult{ID: m.Trace.ID, Error: m.Trace.Intent}
				}
			case <-begun:
			case <-ctx.Done():
				return
			}
			if says.Trace == nil {
				says.Report = &nodecfg.Report{Node: node, Revision: revision}
			}
			select {
			case out <- says:
			case <-ctx.Done():
				return
			}
		}
	})
	stop = sync.OnceFunc(func() { cancel(); group.Wait() })
	t.Cleanup(stop)
	return stop
}

func token(t *testing.T, c *controller, node string) rpc.Token {
	t.Helper()
	token, err := c.ca.CreateToken(t.Context(), node, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestLives(t *testing.T) {
	dir := t.TempDir()
	var log lockedBuffer
	c := startController(t, dir, &log)
	first := token(t, c, "tyo1")
	stop := startAgent(t, "tyo1", dir, first, &log)
	c.want(t, "connected tyo1")
	c.want(t, "report tyo1 0")
	c.fleet.Push("tyo1", &nodecfg.Config{Node: "tyo1", Revision: 1})
	c.want(t, "report tyo1 1")
	if r, err := c.fleet.Trace(t.Context(), "tyo1", "gold"); err != nil || r.Error != "gold" {
		t.Errorf("trace: %+v, %v", r, err)
	}

	// The controller's next life knows its agents, and they tell it all.
	c.stop()
	began := time.Now()
	c = startController(t, dir, &log)
	up := time.Since(began)
	c.want(t, "connected tyo1")
	c.want(t, "report tyo1 1")
	t.Logf("controller up after %s, its agent's report there after %s", up, time.Since(began))

	// A revoked agent is out, and stays out until it has a new token.
	if enrolled, err := c.ca.Revoke(t.Context(), "tyo1"); err != nil || !enrolled {
		t.Fatal(enrolled, err)
	}
	c.fleet.Disconnect("tyo1")
	c.want(t, "disconnected tyo1")
	log.want(t, "agent refused", "node=tyo1", "replaced or revoked")
	log.want(t, "no session with the controller", "node=tyo1", "replaced or revoked")
	stop()
	second := token(t, c, "tyo1")
	stop = startAgent(t, "tyo1", dir, second, &log)
	c.want(t, "connected tyo1")
	c.want(t, "report tyo1 0")
	stop()
	c.want(t, "disconnected tyo1")
	for _, secret := range []string{first.Secret.Reveal(), second.Secret.Reveal()} {
		if strings.Contains(log.String(), secret) {
			t.Error("a token is in the log")
		}
	}
}

// A fleet comes back to a controller that was away.
func TestFleetReturns(t *testing.T) {
	const agents = 60
	dir := t.TempDir()
	c := startController(t, dir, io.Discard)
	for i := range agents {
		node := fmt.Sprintf("n%02d", i)
		startAgent(t, node, dir, token(t, c, node), io.Discard)
	}
	returned := func(c *controller) {
		t.Helper()
		seen := make(map[string]bool)
		for len(seen) < agents {
			select {
			case e := <-c.events:
				if node, ok := strings.CutPrefix(e, "connected "); ok {
					seen[node] = true
				}
			case <-time.After(deadline):
				t.Fatalf("%d of %d agents are there", len(seen), agents)
			}
		}
	}
	returned(c)
	c.stop()
	c = startController(t, dir, io.Discard)
	began := time.Now()
	returned(c)
	t.Logf("%d agents are back %s after the controller", agents, time.Since(began))
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// want waits for a line with all the words.
func (l *lockedBuffer) want(t *testing.T, words ...string) {
	t.Helper()
	for end := time.Now().Add(deadline); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		for line := range strings.Lines(l.String()) {
			all := true
			for _, w := range words {
				all = all && strings.Contains(line, w)
			}
			if all {
				return
			}
		}
	}
	t.Fatalf("no line with %q in:\n%s", words, l)
}
