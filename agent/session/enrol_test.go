package session

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/keiro-net/keiro/agent/nodecfg/rpc"
)

// The reply is lost, the agent crashes, and still its token is good.
func TestLostReply(t *testing.T) {
	c := newController(t)
	c.answer = func(*rpc.EnrolReply) (*rpc.EnrolReply, error) { return nil, status.Error(codes.Unavailable, "lost") }
	address, _ := c.serve("tcp", "127.0.0.1:0")
	o := Options{Node: "tyo1", Address: address, Dir: stateDir(t), Token: c.token(1)}
	a := start(t, o)
	a.wantLog("level=WARN", "lost")
	a.wantLog("level=DEBUG", "lost")
	a.stop()
	c.mu.Lock()
	c.answer = nil
	c.mu.Unlock()
	b := start(t, o)
	c.session()
	b.stop()
	if _, err := os.Stat(filepath.Join(o.Dir, enrollingFile)); !os.IsNotExist(err) {
		t.Errorf("the key of the enrolment is left: %v", err)
	}
}

func TestBadAnswers(t *testing.T) {
	other := newController(t)
	for name, spoil := range map[string]func(c *controller, r *rpc.EnrolReply){
		"no certificate":    func(_ *controller, r *rpc.EnrolReply) { r.Certificate = nil },
		"no authority":      func(_ *controller, r *rpc.EnrolReply) { r.CA = []byte("x") },
		"another authority": func(_ *controller, r *rpc.EnrolReply) { r.CA = other.ca.Raw },
		"another key": func(c *controller, r *rpc.EnrolReply) {
			r.Certificate = c.sign("tyo1", &newKey(c.t).PublicKey, c.bound).Raw
		},
		"another node":    func(c *controller, r *rpc.EnrolReply) { r.Certificate = c.sign("osa1", keyOf(c.t, r), c.bound).Raw },
		"the authority's": func(c *controller, r *rpc.EnrolReply) { r.Certificate = c.ca.Raw },
		"all of another's": func(c *controller, r *rpc.EnrolReply) {
			r.Certificate, r.CA = other.sign("tyo1", keyOf(c.t, r), c.bound).Raw, other.ca.Raw
		},
		"no identity": func(c *controller, r *rpc.EnrolReply) { r.Certificate = c.sign("tyo1", keyOf(c.t, r), nil).Raw },
		"another identity": func(c *controller, r *rpc.EnrolReply) {
			r.Certificate = c.sign("tyo1", keyOf(c.t, r), newIdentity(c.t).Public()).Raw
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newController(t)
			c.answer = func(r *rpc.EnrolReply) (*rpc.EnrolReply, error) { spoil(c, r); return r, nil }
			address, _ := c.serve("tcp", "127.0.0.1:0")
			o := Options{Node: "tyo1", Address: address, Dir: stateDir(t), Token: c.token(1)}
			a := start(t, o)
			a.wantLog("level=WARN", "enrol with token")
			a.stop()
			if _, err := os.Stat(filepath.Join(o.Dir, identityFile)); !os.IsNotExist(err) {
				t.Errorf("it was kept: %v", err)
			}
		})
	}
}

// keyOf is the key that the agent asked a certificate for.
func keyOf(t *testing.T, r *rpc.EnrolReply) any {
	cert, err := x509.ParseCertificate(r.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	return cert.PublicKey
}

// A new token makes the agent enrol anew; a bad one does not take from it
// what it has.
func TestAnotherToken(t *testing.T) {
	c := newController(t)
	address, _ := c.serve("tcp", "127.0.0.1:0")
	o := Options{Node: "tyo1", Address: address, Dir: stateDir(t), Token: c.token(1)}
	a := start(t, o)
	first := c.session().cert
	a.stop()

	o.Token = c.token(2)
	a = start(t, o)
	second := c.session().cert
	a.stop()
	if first.Equal(second) {
		t.Error("not enrolled anew")
	}

	o.Token = c.token(3)
	c.redeemed[o.Token.Reveal()] = []byte("somebody else")
	a = start(t, o)
	a.wantLog("level=WARN", "used already")
	if !c.session().cert.Equal(second) {
		t.Error("not who it was")
	}
	a.stop()

	o.Token = newController(t).token(4)
	a = start(t, o)
	if !c.session().cert.Equal(second) {
		t.Error("not who it was")
	}
	a.stop()
}

func TestNewRefuses(t *testing.T) {
	c := newController(t)
	address, _ := c.serve("tcp", "127.0.0.1:0")
	enrolled := Options{Node: "tyo1", Address: address, Dir: stateDir(t), Token: c.token(1)}
	a := start(t, enrolled)
	c.session()
	a.stop()
	good, err := os.ReadFile(filepath.Join(enrolled.Dir, identityFile))
	if err != nil {
		t.Fatal(err)
	}

	if _, err := New(Options{Node: "tyo1", Dir: stateDir(t)}); err == nil || !strings.Contains(err.Error(), "keiro token create tyo1") {
		t.Errorf("neither enrolled nor with a token: %v", err)
	}
	if _, err := New(Options{Node: "", Dir: stateDir(t), Token: c.token(1)}); err == nil {
		t.Error("no name")
	}
	for name, spoil := range map[string]struct {
		text []byte
		mode os.FileMode
	}{
		"mode": {good, 0o640}, "empty": {nil, 0o600}, "cut": {good[:len(good)/2], 0o600}, "three times a key": {[]byte(strings.Repeat(string(good[:strings.Index(string(good), "-----BEGIN CERT")]), 3)), 0o600},
	} {
		dir := t.TempDir()
		file := filepath.Join(dir, identityFile)
		if err := os.WriteFile(file, spoil.text, spoil.mode); err != nil {
			t.Fatal(err)
		}
		if _, err := New(Options{Node: "tyo1", Dir: dir, Token: c.token(1)}); err == nil || !strings.Contains(err.Error(), identityFile) {
			t.Errorf("%s: %v", name, err)
		}
	}

	// Somebody else's state, and no token: it says what to do.
	enrolled.Node, enrolled.Token = "osa1", rpc.Token{}
	start(t, enrolled).wantLog("tyo1", "enrol again with a new token")
}

func TestReadToken(t *testing.T) {
	want := newController(t).token(1)
	t.Setenv(TokenVariable, want.Reveal()+"\n")
	for range 2 {
		if got, err := ReadToken(""); err != nil || got.Reveal() != want.Reveal() {
			t.Errorf("%v, %v", got, err)
		}
		if os.Getenv(TokenVariable) != "" {
			t.Error("left in the environment")
		}
		t.Setenv(TokenVariable, want.Reveal())
	}
	t.Setenv(TokenVariable, "")
	if got, err := ReadToken(""); err != nil || !got.IsZero() {
		t.Errorf("%v, %v", got, err)
	}
	file := filepath.Join(t.TempDir(), "token")
	if _, err := ReadToken(file); err == nil {
		t.Error("no such file")
	}
	for text, ok := range map[string]bool{want.Reveal() + "\n": true, "": false, "kr1.x": false} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := ReadToken(file); (err == nil) != ok || got.IsZero() == ok {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

func FuzzIdentity(f *testing.F) {
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"))
	f.Add([]byte(strings.Repeat("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", 3)))
	f.Fuzz(func(t *testing.T, text []byte) {
		if id, err := parseIdentity(text); err == nil && (id.key == nil || id.cert == nil || id.ca == nil) {
			t.Errorf("%+v", id)
		}
	})
}
