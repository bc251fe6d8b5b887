package pki

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg/rpc"
	"github.com/keiro-net/keiro/controller/store"
	"github.com/keiro-net/keiro/keys/hybrid"
)

func TestAuthorityStays(t *testing.T) {
	w := newWorld(t)
	file := filepath.Join(w.dir, "authority.pem")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	if again := w.open(store.Memory()); !again.Certificate().Equal(w.Certificate()) {
		t.Error("a second start made another authority")
	}
	if left, _ := filepath.Glob(filepath.Join(w.dir, ".new-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}

	text, _ := os.ReadFile(file)
	for name, spoil := range map[string]func(){
		"mode":    func() { _ = os.Chmod(file, 0o640) },
		"empty":   func() { _ = os.WriteFile(file, nil, 0o600) },
		"cut":     func() { _ = os.WriteFile(file, text[:len(text)/2], 0o600) },
		"expired": func() { w.now = w.now.Add(caLifetime + time.Second) },
	} {
		was := w.now
		spoil()
		if _, err := Open(Options{Dir: w.dir, Store: store.Memory(), Now: func() time.Time { return w.now }}); err == nil {
			t.Errorf("%s: opened", name)
		}
		w.now = was
		_ = os.WriteFile(file, text, 0o600)
		_ = os.Chmod(file, 0o600)
	}
}

func TestServerCertificate(t *testing.T) {
	w := newWorld(t)
	verify := func() *x509.Certificate {
		pair, err := w.serverCertificate(nil)
		if err != nil {
			t.Fatal(err)
		}
		roots := x509.NewCertPool()
		roots.AddCert(w.Certificate())
		for _, name := range []string{rpc.ServerName, "keiro.example.net", "192.0.2.1", "2001:db8::1"} {
			if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: name, CurrentTime: w.now}); err != nil {
				t.Error(err)
			}
		}
		if sha256.Sum256(pair.Certificate[1]) != w.token("n").CA {
			t.Error("the chain does not end with what tokens pin")
		}
		return pair.Leaf
	}
	first := verify()
	w.now = w.now.Add(serverLifetime/2 - time.Minute)
	if !verify().Equal(first) {
		t.Error("renewed too early")
	}
	w.now = w.now.Add(time.Hour)
	if verify().Equal(first) {
		t.Error("not renewed")
	}
}

func TestEnrol(t *testing.T) {
	for _, node := range []string{"tyo1", "東京 1", "a/b", "a%2fb", strings.Repeat("n", 200)} {
		w := newWorld(t)
		asker := newAsker(t, node)
		token, request := w.token(node), asker.asks()
		der, err := w.Enrol(t.Context(), token, request)
		cert := parse(t, der, err)
		roots := x509.NewCertPool()
		roots.AddCert(w.Certificate())
		_, err = cert.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: w.now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
		if err != nil || len(cert.DNSNames) > 0 || cert.IsCA || !cert.NotAfter.Equal(w.now.Add(agentLifetime)) {
			t.Errorf("%v, %+v", err, cert)
		}
		if got, err := w.Admit(t.Context(), cert); err != nil || got.Node != node {
			t.Errorf("%q is admitted as %q, %v", node, got.Node, err)
		}
		der, err = w.Enrol(t.Context(), token, request)
		again := parse(t, der, err)
		if got, err := w.Admit(t.Context(), again); err != nil || got.Node != node {
			t.Errorf("after a lost reply %q is admitted as %q, %v", node, got.Node, err)
		}
		for _, cert := range []*x509.Certificate{cert, again} {
			if err := hybrid.CheckBinding(cert, asker.identity.Public()); err != nil {
				t.Error(err)
			}
		}
		_, err = w.Enrol(t.Context(), token, asker.asks())
		wantRefusal(t, err, "used already")
	}
}

func TestEnrolRefuses(t *testing.T) {
	w := newWorld(t)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	asker := newAsker(t, "n")
	good := asker.asks()
	with := func(change func(*rpc.EnrolRequest)) *rpc.EnrolRequest {
		r := *good
		change(&r)
		return &r
	}
	csr := func(csr []byte) *rpc.EnrolRequest { return with(func(r *rpc.EnrolRequest) { r.CSR = csr }) }
	forged := bytes.Clone(good.CSR)
	forged[len(forged)-1] ^= 1
	wrong := rpc.NewToken([8]byte{1}, [32]byte{2}, w.Certificate())
	mixed := w.token("n")
	mixed.Secret = w.token("n").Secret

	for _, c := range []struct {
		name, reason string
		token        rpc.Token
		in           *rpc.EnrolRequest
		after        time.Duration
	}{
		{"unknown", "unknown token", wrong, good, 0},
		{"another's secret", "unknown token", mixed, good, 0},
		{"another node", "another node", w.token("n"), newAsker(t, "m").asks(), 0},
		{"expired", "expired", w.token("n"), good, time.Hour + time.Second},
		{"no request", "malformed", w.token("n"), csr(nil), 0},
		{"large request", "bytes", w.token("n"), csr(make([]byte, maxCSR+1)), 0},
		{"garbage after it", "malformed", w.token("n"), csr(append(bytes.Clone(good.CSR), 0)), 0},
		{"key not held", "signature", w.token("n"), csr(forged), 0},
		{"RSA", "P-256", w.token("n"), asker.asksFor(rsaKey), 0},
		{"P-384", "P-256", w.token("n"), asker.asksFor(p384), 0},
		{"long expired", "unknown token", w.token("n"), good, time.Hour + forget + time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			was := w.now
			defer func() { w.now = was }()
			w.now = w.now.Add(c.after)
			if c.after > forget {
				w.token("other") // forgets what is long expired
			}
			_, err := w.Enrol(t.Context(), c.token, c.in)
			wantRefusal(t, err, c.reason)
			if agents, _ := w.Agents(t.Context()); len(agents) > 0 {
				t.Errorf("enrolled: %+v", agents)
			}
		})
	}
	for _, node := range []string{"", "a\nb"} {
		if _, err := w.CreateToken(t.Context(), node, time.Hour); err == nil {
			t.Errorf("token for node %q", node)
		}
	}
	if _, err := w.CreateToken(t.Context(), "n", 0); err == nil {
		t.Error("token for no time at all")
	}
}

func TestEd25519(t *testing.T) {
	w := newWorld(t)
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := w.Enrol(t.Context(), w.token("n"), newAsker(t, "n").asksFor(key))
	if agent, err := w.Admit(t.Context(), parse(t, der, err)); agent.Node != "n" {
		t.Error(err)
	}
}

// Two that redeem one token at the same moment: one gets in.
func TestOneTokenTwoAgents(t *testing.T) {
	w := newWorld(t)
	token := w.token("n")
	results := make(chan error)
	const agents = 8
	for range agents {
		request := newAsker(t, "n").asks()
		go func() {
			_, err := w.Enrol(t.Context(), token, request)
			results <- err
		}()
	}
	won := 0
	for range agents {
		if err := <-results; err == nil {
			won++
		} else {
			wantRefusal(t, err, "used already")
		}
	}
	if won != 1 {
		t.Errorf("%d agents enrolled with one token", won)
	}
}

func TestRenewal(t *testing.T) {
	w := newWorld(t)
	asker := newAsker(t, "n")
	first := w.enrolled(asker)
	admitted := func(cert *x509.Certificate) bool {
		agent, err := w.Admit(t.Context(), cert)
		return err == nil && agent.Node == "n"
	}
	renew := func(cert *x509.Certificate) *x509.Certificate {
		t.Helper()
		der, err := w.Renew(t.Context(), cert, asker.asks())
		return parse(t, der, err)
	}
	w.now = w.now.Add(agentLifetime / 2)
	lost := renew(first)
	second := renew(first) // as the reply was lost
	if !admitted(first) {
		t.Error("the certificate in use is worthless before the next was used")
	}
	if !second.NotAfter.Equal(w.now.Add(agentLifetime)) {
		t.Errorf("the next one lasts until %s", second.NotAfter)
	}
	for range 2 {
		if !admitted(second) {
			t.Error("the next one is not admitted")
		}
	}
	for name, cert := range map[string]*x509.Certificate{"retired": first, "lost": lost} {
		_, err := w.Admit(t.Context(), cert)
		wantRefusal(t, err, "replaced or revoked")
		_, err = w.Renew(t.Context(), cert, asker.asks())
		wantRefusal(t, err, "replaced or revoked")
		if admitted(cert) {
			t.Errorf("%s: admitted", name)
		}
	}
	_, err := w.Renew(t.Context(), second, &rpc.EnrolRequest{CSR: []byte("no request")})
	wantRefusal(t, err, "malformed")

	if anew := w.enrolled(newAsker(t, "n")); admitted(second) || !admitted(anew) {
		t.Error("enrolling anew does not retire the certificate before")
	}
	if enrolled, err := w.Revoke(t.Context(), "n"); err != nil || !enrolled {
		t.Fatal(enrolled, err)
	}
	_, err = w.Admit(t.Context(), second)
	wantRefusal(t, err, "revoked")
	if enrolled, err := w.Revoke(t.Context(), "n"); err != nil || enrolled {
		t.Errorf("nobody is there to be revoked: %t, %v", enrolled, err)
	}
}

// A token from before the revocation is no way back; one made after it is, and
// those of other nodes stay.
func TestRevokedTokens(t *testing.T) {
	w := newWorld(t)
	asker, other := newAsker(t, "n"), newAsker(t, "m")
	cert := w.enrolled(asker)
	old, others := w.token("n"), w.token("m")
	if _, err := w.Revoke(t.Context(), "n"); err != nil {
		t.Fatal(err)
	}
	_, err := w.Enrol(t.Context(), old, asker.asks())
	wantRefusal(t, err, "unknown token")
	if _, err := w.Enrol(t.Context(), others, other.asks()); err != nil {
		t.Error(err)
	}
	if _, err := w.Admit(t.Context(), w.enrolled(asker)); err != nil {
		t.Errorf("a new token: %v", err)
	}
	_, err = w.Admit(t.Context(), cert)
	wantRefusal(t, err, "revoked")
}

// A token that was redeemed and intercepted is of no use with the same key
// after the node enrolled again.
func TestRepliesEndWithTheKey(t *testing.T) {
	w := newWorld(t)
	asker := newAsker(t, "n")
	token, request := w.token("n"), asker.asks()
	if _, err := w.Enrol(t.Context(), token, request); err != nil {
		t.Fatal(err)
	}
	w.enrolled(asker)
	_, err := w.Enrol(t.Context(), token, request)
	wantRefusal(t, err, "used already")
}

func FuzzCSR(f *testing.F) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	good, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte{0x30, 0x80})
	f.Fuzz(func(t *testing.T, der []byte) {
		r, err := requestedKey(der)
		var refusal Refusal
		if err != nil && !errors.As(err, &refusal) || err == nil && r.PublicKey == nil {
			t.Errorf("%v, %v", r, err)
		}
	})
}
