package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg/rpc"
	"github.com/keiro-net/keiro/controller/store"
	"github.com/keiro-net/keiro/keys/hybrid"
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

// asker is an agent: its identity, which stays.
type asker struct {
	t         *testing.T
	node      string
	identity  *hybrid.Identity
	wireGuard []byte
}

func newAsker(t *testing.T, node string) *asker {
	t.Helper()
	id, err := hybrid.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &asker{t: t, node: node, identity: id, wireGuard: make([]byte, wireGuardKey)}
	_, _ = rand.Read(a.wireGuard)
	return a
}

// asks makes a key and a request for it.
func (a *asker) asks() *rpc.EnrolRequest {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	return a.asksFor(key)
}

func (a *asker) asksFor(key crypto.Signer) *rpc.EnrolRequest {
	a.t.Helper()
	csr := csrOf(a.t, key, "somebody else")
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		a.t.Fatal(err)
	}
	return &rpc.EnrolRequest{
		Node: a.node, CSR: csr, WireGuard: a.wireGuard,
		Identity: a.identity.Public().Bytes(), Claim: a.identity.Claim(a.node, public),
	}
}

// csrOf makes a request in the name given, which is ignored.
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

// enrolled gives the agent its certificate.
func (w *world) enrolled(a *asker) *x509.Certificate {
	w.t.Helper()
	der, err := w.Enrol(w.t.Context(), w.token(a.node), a.asks())
	return parse(w.t, der, err)
}

// record is what is kept of the node.
func (w *world) record(node string) Agent {
	w.t.Helper()
	agent, _, err := w.agent(w.t.Context(), node)
	if err != nil {
		w.t.Fatal(err)
	}
	return agent
}

func wantRefusal(t *testing.T, err error, reason string) {
	t.Helper()
	var refusal Refusal
	if !errors.As(err, &refusal) || !strings.Contains(err.Error(), reason) {
		t.Errorf("got %v, want a refusal because of %q", err, reason)
	}
}
