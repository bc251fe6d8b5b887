package session

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/nodecfg/rpc"
)

func config(revision uint64) *nodecfg.ToAgent {
	return &nodecfg.ToAgent{Config: &nodecfg.Config{Node: "tyo1", Revision: revision}}
}

func report(revision uint64) nodecfg.FromAgent {
	return nodecfg.FromAgent{Report: &nodecfg.Report{Node: "tyo1", Revision: revision}}
}

func TestEnrolThenSession(t *testing.T) {
	for network, where := range map[string]string{"tcp": "127.0.0.1:0", "unix": filepath.Join(t.TempDir(), "s")} {
		t.Run(network, func(t *testing.T) {
			c := newController(t)
			address, _ := c.serve(network, where)
			o := Options{Node: "tyo1", Address: address, Dir: stateDir(t), Token: c.token(1)}
			a := start(t, o)
			s := c.session()
			wait(t, "OnSession", a.session)
			if name, err := rpc.Node(s.cert); name != "tyo1" {
				t.Errorf("session of %q, %v", name, err)
			}
			if at := a.client.Remote(); at.IsValid() != (network == "tcp") || at.IsValid() && at.String() != "127.0.0.1" {
				t.Errorf("the controller is at %v", at)
			}

			_ = s.Send(config(7))
			if m := wait(t, "a config", a.in); m.Config == nil || m.Config.Revision != 7 {
				t.Errorf("the agent got %+v", m)
			}
			_ = s.Send(&nodecfg.ToAgent{Trace: &nodecfg.TraceRequest{ID: 3, Intent: "gold"}})
			if m := wait(t, "a trace", a.in); m.Trace == nil || m.Trace.ID != 3 {
				t.Errorf("the agent got %+v", m)
			}
			_ = s.Send(&nodecfg.ToAgent{Rotate: &nodecfg.RotateRequest{ID: 4, Peer: "osa1", Compromised: true}})
			if m := wait(t, "a rotation", a.in); m.Rotate == nil || *m.Rotate != (nodecfg.RotateRequest{ID: 4, Peer: "osa1", Compromised: true}) {
				t.Errorf("the agent got %+v", m)
			}
			a.out <- report(7)
			if m, err := s.Recv(); err != nil || m.Report == nil || m.Report.Revision != 7 {
				t.Errorf("the controller got %+v, %v", m, err)
			}
			a.out <- nodecfg.FromAgent{Trace: &nodecfg.TraceResult{ID: 3}}
			if m, err := s.Recv(); err != nil || m.Trace == nil || m.Trace.ID != 3 {
				t.Errorf("the controller got %+v, %v", m, err)
			}
			a.out <- nodecfg.FromAgent{Rotate: &nodecfg.RotateResult{ID: 4, Pairs: 2}}
			if m, err := s.Recv(); err != nil || m.Rotate == nil || m.Rotate.Pairs != 2 {
				t.Errorf("the controller got %+v, %v", m, err)
			}
			a.stop()

			for _, file := range []string{identityFile, tokenFile} {
				if info, err := os.Stat(filepath.Join(o.Dir, file)); err != nil || info.Mode().Perm() != 0o600 {
					t.Errorf("%s: %v, %v", file, info, err)
				}
			}
			// The same token again, or none: it is enrolled already.
			for _, o.Token = range []rpc.Token{o.Token, {}} {
				b := start(t, o)
				c.session()
				b.stop()
			}
			if c.enrols != 1 {
				t.Errorf("enrolled %d times", c.enrols)
			}
			if strings.Contains(a.log.String(), c.token(1).Secret.Reveal()) {
				t.Error("the token is in the log")
			}
		})
	}
}

func TestReconnect(t *testing.T) {
	c := newController(t)
	socket := filepath.Join(t.TempDir(), "s")
	address, stop := c.serve("unix", socket)
	a := start(t, Options{Node: "tyo1", Address: address, Dir: stateDir(t), Token: c.token(1)})
	for round := range uint64(3) {
		s := c.session()
		wait(t, "OnSession", a.session)
		a.out <- report(round)
		if m, err := s.Recv(); err != nil || m.Report.Revision != round {
			t.Errorf("round %d: the controller got %+v, %v", round, m, err)
		}
		stop()
		a.wantLog("no session with the controller")
		began := time.Now()
		_, stop = c.serve("unix", socket)
		s = c.session()
		t.Logf("session %s after the controller answers again", time.Since(began))
		s.end <- errors.New("once more")
	}
}

// A busy agent gets the latest config, and is itself never made to wait.
func TestLatestWins(t *testing.T) {
	c := newController(t)
	socket := filepath.Join(t.TempDir(), "s")
	a := start(t, Options{Node: "tyo1", Address: "unix:" + socket, Dir: stateDir(t), Token: c.token(1)})
	for i := range uint64(1000) {
		select {
		case a.out <- report(i):
		case <-time.After(deadline):
			t.Fatal("the agent had to wait for a controller that is not there")
		}
	}
	c.serve("unix", socket)
	s := c.session()
	if m, err := s.Recv(); err != nil || m.Report.Revision != 999 {
		t.Errorf("the controller got %+v, %v", m, err)
	}

	for i := range uint64(1000) {
		if err := s.Send(config(i)); err != nil {
			t.Fatal(err)
		}
	}
	// The answer to what is sent last shows that all before was received.
	for i := range uint64(2 * maxAsks) {
		_ = s.Send(&nodecfg.ToAgent{Trace: &nodecfg.TraceRequest{ID: i}})
	}
	_ = s.Send(&nodecfg.ToAgent{Rotate: &nodecfg.RotateRequest{ID: 99}})
	for m := new(nodecfg.FromAgent); m.Rotate == nil; {
		var err error
		if m, err = s.Recv(); err != nil || m.Trace != nil && m.Trace.Error != "the agent is busy" ||
			m.Rotate != nil && *m.Rotate != (nodecfg.RotateResult{ID: 99, Error: "the agent is busy"}) {
			t.Fatalf("the controller got %+v, %v", m, err)
		}
	}
	if m := wait(t, "a config", a.in); m.Config == nil || m.Config.Revision != 999 {
		t.Errorf("the agent got %+v", m)
	}
	for i := range uint64(maxAsks) {
		if m := wait(t, "a trace", a.in); m.Trace == nil || m.Trace.ID != i {
			t.Errorf("the agent got %+v", m)
		}
	}
}

func TestConfigOfAnotherNode(t *testing.T) {
	c := newController(t)
	address, _ := c.serve("tcp", "127.0.0.1:0")
	a := start(t, Options{Node: "tyo1", Address: address, Dir: stateDir(t), Token: c.token(1)})
	s := c.session()
	_ = s.Send(&nodecfg.ToAgent{Config: &nodecfg.Config{Node: "osa1"}})
	_ = s.Send(&nodecfg.ToAgent{})
	_ = s.Send(config(2))
	if m := wait(t, "a config", a.in); m.Config.Revision != 2 {
		t.Errorf("the agent got %+v", m)
	}
	a.wantLog("another node", "osa1")
}

func TestRefusedSession(t *testing.T) {
	c := newController(t)
	c.refuse = status.Error(codes.Unauthenticated, "revoked")
	address, _ := c.serve("tcp", "127.0.0.1:0")
	a := start(t, Options{Node: "tyo1", Address: address, Dir: stateDir(t), Token: c.token(1)})
	a.wantLog("level=WARN", "reason=revoked")
	a.wantLog("level=DEBUG", "reason=revoked") // the second time
	if len(a.session) > 0 {
		t.Error("OnSession without a session")
	}
	c.mu.Lock()
	c.refuse = nil
	c.mu.Unlock()
	c.session()
	wait(t, "OnSession", a.session)
}

// None of these controllers gets to see the token, or a session.
func TestWrongControllers(t *testing.T) {
	other := newController(t)
	for name, spoil := range map[string]func(*tls.Config){
		"another authority": nil,
		"another's certificate sent along": func(c *tls.Config) {
			c.Certificates[0].Certificate[1] = other.ca.Raw
		},
		"classic key exchange": func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.X25519, tls.CurveP256} },
		"TLS 1.2":              func(c *tls.Config) { c.MinVersion, c.MaxVersion, c.CurvePreferences = 0, tls.VersionTLS12, nil },
	} {
		t.Run(name, func(t *testing.T) {
			c := newController(t)
			c.tls = spoil
			token := other.token(1)
			if name == "classic key exchange" || name == "TLS 1.2" {
				token = c.token(1)
			}
			address, _ := c.serve("tcp", "127.0.0.1:0")
			a := start(t, Options{Node: "tyo1", Address: address, Dir: stateDir(t), Token: token})
			a.wantLog("level=WARN", "enrol with token 01")
			a.wantLog("level=DEBUG", "enrol with token 01")
			a.stop()
			if c.enrols > 0 {
				t.Error("it saw the token")
			}
		})
	}
}

// An enrolled agent that meets another controller has no session with it.
func TestAnotherControllerLater(t *testing.T) {
	c, socket := newController(t), filepath.Join(t.TempDir(), "s")
	address, stop := c.serve("unix", socket)
	a := start(t, Options{Node: "tyo1", Address: address, Dir: stateDir(t), Token: c.token(1)})
	c.session()
	stop()
	other := newController(t)
	_, stop = other.serve("unix", socket)
	a.wantLog("level=WARN", "certificate")
	stop()
	c.serve("unix", socket)
	c.session()
	if len(other.sessions) > 0 {
		t.Error("it had a session")
	}
}

func TestRenewal(t *testing.T) {
	c := newController(t)
	address, _ := c.serve("tcp", "127.0.0.1:0")
	o := Options{Node: "tyo1", Address: address, Dir: stateDir(t), Token: c.token(1)}
	a := start(t, o, func(c *Client) { c.renewIn = func(identity) time.Duration { return time.Millisecond } })
	seen := make(map[string]bool)
	for range 4 {
		seen[fmt.Sprint(c.session().cert.PublicKey)] = true
	}
	a.stop()
	if len(seen) != 4 {
		t.Errorf("%d keys in 4 sessions", len(seen))
	}
	if strings.Contains(a.log.String(), "level=WARN") {
		t.Errorf("renewal is a matter of course:\n%s", a.log)
	}
	b, err := openState(o.Dir)
	if err != nil || b.identity.check("tyo1") != nil {
		t.Fatal(err)
	}
	if in := b.identity.renewIn(); in < 25*time.Minute || in > 31*time.Minute {
		t.Errorf("a certificate of an hour is renewed in %s", in)
	}
}

// A clock that is set while a session stands does not let the certificate expire.
func TestRenewalByTheClock(t *testing.T) {
	c := newController(t)
	address, _ := c.serve("tcp", "127.0.0.1:0")
	var set atomic.Bool
	start(t, Options{Node: "tyo1", Address: address, Dir: stateDir(t), Token: c.token(1)}, func(c *Client) {
		c.look = time.Millisecond
		c.renewIn = func(identity) time.Duration {
			if set.CompareAndSwap(true, false) {
				return 0
			}
			return time.Hour
		}
	})
	first := c.session()
	set.Store(true)
	if second := c.session(); second.cert.Equal(first.cert) {
		t.Error("a new session with the same certificate")
	}
}

func TestRenewalFails(t *testing.T) {
	c := newController(t)
	address, _ := c.serve("tcp", "127.0.0.1:0")
	renewals := make(chan struct{}, 1)
	a := start(t, Options{Node: "tyo1", Address: address, Dir: stateDir(t), Token: c.token(1)},
		func(c *Client) { c.renewIn = func(identity) time.Duration { <-renewals; return 0 } })
	s := c.session()
	c.mu.Lock()
	c.answer = func(*rpc.EnrolReply) (*rpc.EnrolReply, error) {
		return nil, status.Error(codes.Unavailable, "not today")
	}
	c.mu.Unlock()
	renewals <- struct{}{}
	a.wantLog("level=WARN", "not today")
	_ = s.Send(config(1)) // the session stands
	wait(t, "a config", a.in)
}
