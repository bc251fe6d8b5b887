package bgp

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keiro-net/keiro/bgp/fsm"
	"github.com/keiro-net/keiro/bgp/internal/peertest"
	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/bgp/rib"
)

// impatient are timers for tests, so that a second try does not take half a
// minute.
var impatient = func() *fsm.Times {
	t := fsm.DefaultTimes
	t.ConnectRetry, t.IdleHold, t.IdleHoldMax = time.Second, 200*time.Millisecond, time.Second
	return &t
}()

// consumer takes in what a speaker hears, as the controller would.
type consumer struct {
	t       testing.TB
	speaker *Speaker
	mu      sync.Mutex
	objects map[string]map[rib.Name]rib.Object // by peer
	stale   map[string]bool                    // the peer's session is over, and its objects are kept
	ended   map[string][]message.Family
	log     []string // what happened, by peer, without objects
	faults  []string
}

// start makes a speaker with a consumer.
func start(t testing.TB, cfg Config, peers ...Peer) *consumer {
	t.Helper()
	if cfg.AS == 0 {
		cfg.AS = 65000
	}
	if !cfg.ID.IsValid() {
		cfg.ID = netip.MustParseAddr("10.0.0.1")
	}
	if cfg.Times == nil {
		cfg.Times = impatient
	}
	cfg.Log = slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	s, err := New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	c := &consumer{t: t, speaker: s, objects: map[string]map[rib.Name]rib.Object{}, stale: map[string]bool{}, ended: map[string][]message.Family{}}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			b, err := s.Next(ctx)
			if err != nil {
				return
			}
			c.take(b)
		}
	}()
	t.Cleanup(func() {
		s.Close()
		cancel()
		<-done
	})
	if err := s.SetPeers(peers); err != nil {
		t.Fatal(err)
	}
	return c
}

// testWriter shows a log where a test fails.
type testWriter struct{ t testing.TB }

func (w testWriter) Write(b []byte) (int, error) {
	if w.t.Context().Err() != nil { // the test is over
		return io.Discard.Write(b)
	}
	w.t.Log(strings.TrimSpace(string(b)))
	return len(b), nil
}

func (c *consumer) take(b rib.Batch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if b.Down != nil {
		c.log = append(c.log, b.Peer+" down: "+b.Down.Reason)
		c.ended[b.Peer] = nil
		c.stale[b.Peer] = true
		for name := range c.objects[b.Peer] {
			if !slices.Contains(b.Down.Stale, name.Family) {
				delete(c.objects[b.Peer], name)
			}
		}
	}
	if b.Up != nil {
		c.log = append(c.log, fmt.Sprintf("%s up %v", b.Peer, b.Up.Families))
		c.stale[b.Peer] = false
	}
	if c.objects[b.Peer] == nil {
		c.objects[b.Peer] = map[rib.Name]rib.Object{}
	}
	for _, o := range b.Reach {
		c.objects[b.Peer][o.Name] = o
	}
	for _, name := range b.Unreach {
		delete(c.objects[b.Peer], name)
	}
	c.ended[b.Peer] = append(c.ended[b.Peer], b.EndOfRIB...)
	for _, f := range b.Faults {
		c.faults = append(c.faults, b.Peer+": "+f.Text)
	}
	if b.Removed {
		c.log = append(c.log, b.Peer+" removed")
		delete(c.objects, b.Peer)
	}
}

// has waits until the prefixes are all that a peer says.
func (c *consumer) has(peer string, want ...string) {
	c.t.Helper()
	slices.Sort(want)
	peertest.Eventually(c.t, fmt.Sprintf("%s says %v", peer, want), func() string {
		c.mu.Lock()
		defer c.mu.Unlock()
		got := []string{}
		for name := range c.objects[peer] {
			got = append(got, name.Prefix.String())
		}
		slices.Sort(got)
		if slices.Equal(got, want) {
			return ""
		}
		return fmt.Sprintf("it says %v; %v", got, c.state(peer))
	})
}

// completed waits for an End-of-RIB of this session.
func (c *consumer) completed(peer string, f message.Family) {
	c.t.Helper()
	peertest.Eventually(c.t, fmt.Sprintf("End-of-RIB of %v from %s", f, peer), func() string {
		c.mu.Lock()
		defer c.mu.Unlock()
		if slices.Contains(c.ended[peer], f) {
			return ""
		}
		return fmt.Sprintf("%v %+v", c.ended[peer], c.state(peer))
	})
}

func (c *consumer) state(peer string) State {
	for _, s := range c.speaker.States() {
		if s.Peer == peer {
			return s
		}
	}
	return State{}
}

// is waits until a peer is in a state, and its last error has words in it.
func (c *consumer) is(peer string, state fsm.State, words string) State {
	c.t.Helper()
	var s State
	peertest.Eventually(c.t, fmt.Sprintf("%s is %v, %q", peer, state, words), func() string {
		s = c.state(peer)
		if s.State == state && strings.Contains(s.LastError, words) {
			return ""
		}
		return fmt.Sprintf("it is %v, %q", s.State, s.LastError)
	})
	return s
}

// routeTo is a unicast route.
func routeTo(prefix string, attributes ...message.Attribute) rib.Route {
	p := netip.MustParsePrefix(prefix)
	r := rib.Route{Family: message.IPv6Unicast, NLRI: message.AppendPrefix(nil, p), Attributes: attributes}
	if p.Addr().Is4() {
		r.Family = message.IPv4Unicast
	}
	return r
}

// without waits until a peer has no session, and its last error has words in
// it. Between two tries it is in one state or another.
func (c *consumer) without(peer, words string) State {
	c.t.Helper()
	var s State
	peertest.Eventually(c.t, fmt.Sprintf("%s has no session, %q", peer, words), func() string {
		s = c.state(peer)
		if s.State != fsm.Established && strings.Contains(s.LastError, words) {
			return ""
		}
		return fmt.Sprintf("it is %v, %q", s.State, s.LastError)
	})
	return s
}

func (c *consumer) announce(peer string, prefix string, attributes ...message.Attribute) {
	c.t.Helper()
	if err := c.speaker.Announce(peer, routeTo(prefix, attributes...)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *consumer) withdraw(peer string, prefix string) {
	c.t.Helper()
	r := routeTo(prefix)
	if err := c.speaker.Withdraw(peer, r.Family, r.NLRI); err != nil {
		c.t.Fatal(err)
	}
}

func (c *consumer) complete(peer string, families ...message.Family) {
	c.t.Helper()
	for _, f := range families {
		if err := c.speaker.Complete(peer, f); err != nil {
			c.t.Fatal(err)
		}
	}
}
