package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg/rpc"
	"github.com/keiro-net/keiro/controller/store"
)

// world is an authority with a clock of its own.
type world struct {
	*Authority
	t   *testing.T
	dir string
	now time.Time
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, dir: filepath.Join(t.TempDir(), "state"), now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	w.Authority = w.open(store.Memory())
	return w
}

func (w *world) open(s *store.Store) *Authority {
	w.t.Helper()
	a, err := Open(Options{Dir: w.dir, Store: s, Names: []string{"keiro.example.net", "192.0.2.1", "2001:db8::1"},
		Now: func() time.Time { return w.now }})
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

func (w *world) token(node string) rpc.Token {
	w.t.Helper()
	token, err := w.CreateToken(w.t.Context(), node, time.Hour)
	if err != nil {
		w.t.Fatal(err)
	}
	return token
}

// csr makes a key and a request for it, in the name given, which is ignored.
func csr(t *testing.T, name string) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return csrOf(t, key, name)
}

func csrOf(t *testing.T, key crypto.Signer, name string) []byte {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader,
		&x509.CertificateRequest{Subject: pkix.Name{CommonName: name}, DNSNames: []string{rpc.ServerName}}, key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func parse(t *testing.T, der []byte, err error) *x509.Certificate {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func (w *world) enrolled(node string) *x509.Certificate {
	w.t.Helper()
	der, err := w.Enrol(w.t.Context(), w.token(node), node, csr(w.t, node))
	return parse(w.t, der, err)
}

func wantRefusal(t *testing.T, err error, reason string) {
	t.Helper()
	var refusal Refusal
	if !errors.As(err, &refusal) || !strings.Contains(err.Error(), reason) {
		t.Errorf("got %v, want a refusal because of %q", err, reason)
	}
}

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
		token, request := w.token(node), csr(t, "somebody else")
		der, err := w.Enrol(t.Context(), token, node, request)
		cert := parse(t, der, err)
		roots := x509.NewCertPool()
		roots.AddCert(w.Certificate())
		_, err = cert.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: w.now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
		if err != nil || len(cert.DNSNames) > 0 || cert.IsCA || !cert.NotAfter.Equal(w.now.Add(agentLifetime)) {
			t.Errorf("%v, %+v", err, cert)
		}
		if got, err := w.Admit(t.Context(), cert); err != nil || got != node {
			t.Errorf("%q is admitted as %q, %v", node, got, err)
		}
		der, err = w.Enrol(t.Context(), token, node, request)
		if got, err := w.Admit(t.Context(), parse(t, der, err)); err != nil || got != node {
			t.Errorf("after a lost reply %q is admitted as %q, %v", node, got, err)
		}
		_, err = w.Enrol(t.Context(), token, node, csr(t, node))
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
	forged := csr(t, "n")
	forged[len(forged)-1] ^= 1
	good := csr(t, "n")
	wrong := rpc.NewToken([8]byte{1}, [32]byte{2}, w.Certificate())
	mixed := w.token("n")
	mixed.Secret = w.token("n").Secret

	for _, c := range []struct {
		name, reason string
		token        rpc.Token
		node         string
		csr          []byte
		after        time.Duration
	}{
		{"unknown", "unknown token", wrong, "n", good, 0},
		{"another's secret", "unknown token", mixed, "n", good, 0},
		{"another node", "another node", w.token("n"), "m", good, 0},
		{"expired", "expired", w.token("n"), "n", good, time.Hour + time.Second},
		{"no request", "malformed", w.token("n"), "n", nil, 0},
		{"large request", "bytes", w.token("n"), "n", make([]byte, maxCSR+1), 0},
		{"garbage after it", "malformed", w.token("n"), "n", append(csr(t, "n"), 0), 0},
		{"key not held", "signature", w.token("n"), "n", forged, 0},
		{"RSA", "P-256", w.token("n"), "n", csrOf(t, rsaKey, "n"), 0},
		{"P-384", "P-256", w.token("n"), "n", csrOf(t, p384, "n"), 0},
		{"long expired", "unknown token", w.token("n"), "n", good, time.Hour + forget + time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			was := w.now
			defer func() { w.now = was }()
			w.now = w.now.Add(c.after)
			if c.after > forget {
				w.token("other") // forgets what is long expired
			}
			_, err := w.Enrol(t.Context(), c.token, c.node, c.csr)
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
	der, err := w.Enrol(t.Context(), w.token("n"), "n", csrOf(t, key, "n"))
	if node, err := w.Admit(t.Context(), parse(t, der, err)); node != "n" {
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
		request := csr(t, "n")
		go func() {
			_, err := w.Enrol(t.Context(), token, "n", request)
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
	first := w.enrolled("n")
	admitted := func(cert *x509.Certificate) bool {
		node, err := w.Admit(t.Context(), cert)
		return err == nil && node == "n"
	}
	renew := func(cert *x509.Certificate) *x509.Certificate {
		t.Helper()
		der, err := w.Renew(t.Context(), cert, csr(t, "x"))
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
		_, err = w.Renew(t.Context(), cert, csr(t, "n"))
		wantRefusal(t, err, "replaced or revoked")
		if admitted(cert) {
			t.Errorf("%s: admitted", name)
		}
	}
	_, err := w.Renew(t.Context(), second, []byte("no request"))
	wantRefusal(t, err, "malformed")

	if anew := w.enrolled("n"); admitted(second) || !admitted(anew) {
		t.Error("enrolling anew does not retire the certificate before")
	}
	if err := w.Revoke(t.Context(), "n"); err != nil {
		t.Fatal(err)
	}
	_, err = w.Admit(t.Context(), second)
	wantRefusal(t, err, "revoked")
}

// A token that was redeemed and intercepted is of no use with the same key
// after the node enrolled again.
func TestRepliesEndWithTheKey(t *testing.T) {
	w := newWorld(t)
	token, request := w.token("n"), csr(t, "n")
	if _, err := w.Enrol(t.Context(), token, "n", request); err != nil {
		t.Fatal(err)
	}
	w.enrolled("n")
	_, err := w.Enrol(t.Context(), token, "n", request)
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
		key, print, err := requestedKey(der)
		var refusal Refusal
		if err != nil && !errors.As(err, &refusal) || err == nil && (key == nil || len(print) != 64) {
			t.Errorf("%v, %q, %v", key, print, err)
		}
	})
}
