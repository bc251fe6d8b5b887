package session

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg/rpc"
)

// Since when the controller is away can be told, and is logged once each time.
func TestStanding(t *testing.T) {
	c := newController(t)
	socket := filepath.Join(t.TempDir(), "s")
	address, stop := c.serve("unix", socket)
	begun := time.Now()
	client, err := New(Options{Node: "tyo1", Address: address, Dir: stateDir(t), Token: c.token(1)})
	if err != nil {
		t.Fatal(err)
	}
	if s := client.Standing(); s.Connected || !s.Never || s.Since.Before(begun.Add(-time.Second)) || !s.Expires.IsZero() || s.Expired || s.Controller != address {
		t.Errorf("before it began: %+v", s)
	}

	a := start(t, Options{Node: "tyo1", Address: address, Dir: stateDir(t), Token: c.token(2)}, func(c *Client) { c.patient = 300 * time.Millisecond })
	for round := 1; round <= 2; round++ {
		cert := c.session().cert
		wait(t, "OnSession", a.session)
		if s := a.client.Standing(); !s.Connected || s.Never || s.Reason != "" || !s.Expires.Equal(cert.NotAfter) || s.Expired {
			t.Errorf("round %d, with a session: %+v", round, s)
		}
		stop()
		a.wantLogs(round, "level=WARN", "the controller is away for long", "away=", "certificate_until=")
		s := a.client.Standing()
		if s.Connected || s.Never || s.Reason == "" || s.Expires.IsZero() {
			t.Errorf("round %d, without one: %+v", round, s)
		}
		if again := a.client.Standing(); !again.Since.Equal(s.Since) {
			t.Errorf("round %d: away since %s, and then since %s", round, s.Since, again.Since)
		}
		_, stop = c.serve("unix", socket)
	}
	c.session()
	a.wantLogs(3, "session with the controller", "level=INFO", "away=")
}

// wantLogs waits until a line with all the words is there n times, and demands
// that it is not there more often.
func (a *agent) wantLogs(n int, words ...string) {
	a.t.Helper()
	for end := time.Now().Add(deadline); ; time.Sleep(5 * time.Millisecond) {
		found := 0
		for line := range strings.Lines(a.log.String()) {
			all := true
			for _, w := range words {
				all = all && strings.Contains(line, w)
			}
			if all {
				found++
			}
		}
		if found == n {
			return
		}
		if found > n || time.Now().After(end) {
			a.t.Fatalf("%d lines with %q, want %d:\n%s", found, words, n, a.log)
		}
	}
}

// A certificate that expired is not even shown; a new token gives the node the
// next one, and it stays who it is to its peers.
func TestExpired(t *testing.T) {
	c := newController(t)
	address, _ := c.serve("tcp", "127.0.0.1:0")
	o := Options{Node: "tyo1", Address: address, Dir: stateDir(t), Token: c.token(1)}
	a := start(t, o)
	c.session()
	a.stop()
	id := a.client.state.identity
	life := *id.cert
	life.NotBefore, life.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(-time.Minute)
	life.ExtraExtensions = life.Extensions
	id.cert = certificate(t, &life, c.ca, &id.key.PublicKey, c.key)
	if err := a.client.state.renewed(id); err != nil {
		t.Fatal(err)
	}

	o.Token = rpc.Token{}
	a = start(t, o)
	a.wantLog("level=WARN", "the certificate expired at", "keiro token create tyo1")
	a.wantLog("level=DEBUG", "the certificate expired at") // tried again
	if s := a.client.Standing(); s.Connected || !s.Never || !s.Expired || !strings.Contains(s.Reason, "keiro token create tyo1") {
		t.Errorf("%+v", s)
	}
	if len(c.sessions) > 0 {
		t.Error("it got in")
	}
	keys := a.client.Keys().Identity.Public().Fingerprint()
	a.stop()

	o.Token = c.token(2)
	a = start(t, o)
	if cert := c.session().cert; !cert.NotAfter.After(time.Now()) {
		t.Errorf("the new certificate expired too: %s", cert.NotAfter)
	}
	if s := a.client.Standing(); s.Expired {
		t.Errorf("%+v", s)
	}
	if a.client.Keys().Identity.Public().Fingerprint() != keys {
		t.Error("it is somebody else to its peers")
	}
}
