package session

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/nodecfg/rpc"
	"github.com/keiro-net/keiro/keys/hybrid"
)

const deadline = 20 * time.Second

// controller is a small one: an authority and an rpc.Server that takes every
// token once per key, as the real one does.
type controller struct {
	t   *testing.T
	ca  *x509.Certificate
	key *ecdsa.PrivateKey
	tls func(*tls.Config) // changes what it offers

	// The tests' hooks; nil: what a good controller does.
	answer func(*rpc.EnrolReply) (*rpc.EnrolReply, error)
	refuse error // of every session

	sessions chan *serverSession

	mu       sync.Mutex
	redeemed map[string][]byte // CSR's public key by token
	enrols   int
	renewals int

	bound     *hybrid.Public // the node's identity
	wireGuard []byte
}

// serverSession is a session as the controller sees it.
type serverSession struct {
	grpc.BidiStreamingServer[nodecfg.FromAgent, nodecfg.ToAgent]
	cert *x509.Certificate
	end  chan error
}

func newController(t *testing.T) *controller {
	c := &controller{t: t, sessions: make(chan *serverSession, 100), redeemed: make(map[string][]byte)}
	c.key = newKey(t)
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: "test authority"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	c.ca = certificate(t, template, template, &c.key.PublicKey, c.key)
	return c
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func certificate(t *testing.T, template, parent *x509.Certificate, public any, key *ecdsa.PrivateKey) *x509.Certificate {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func (c *controller) token(id byte) rpc.Token { return rpc.NewToken([8]byte{id}, [32]byte{id}, c.ca) }

// sign binds the identity to the node; without one it signs as controllers did
// before there were identities.
func (c *controller) sign(node string, public any, identity *hybrid.Public) *x509.Certificate {
	var binding []pkix.Extension
	if identity != nil {
		e, err := hybrid.Bind(identity.Fingerprint())
		if err != nil {
			c.t.Fatal(err)
		}
		binding = append(binding, e)
	}
	return certificate(c.t, &x509.Certificate{
		ExtraExtensions: binding,

		Subject: pkix.Name{CommonName: node}, URIs: []*url.URL{rpc.AgentURI(node)},
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, c.ca, public, c.key)
}

// serve answers at the address, which it returns, until stop.
func (c *controller) serve(network, where string) (address string, stop func()) {
	c.t.Helper()
	l, err := net.Listen(network, where)
	if err != nil {
		c.t.Fatal(err)
	}
	key := newKey(c.t)
	leaf := certificate(c.t, &x509.Certificate{
		Subject: pkix.Name{CommonName: rpc.ServerName}, DNSNames: []string{rpc.ServerName},
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, c.ca, &key.PublicKey, c.key)
	config := rpc.TLS()
	config.Certificates = []tls.Certificate{{Certificate: [][]byte{leaf.Raw, c.ca.Raw}, PrivateKey: key}}
	config.ClientAuth, config.ClientCAs = tls.VerifyClientCertIfGiven, x509.NewCertPool()
	config.ClientCAs.AddCert(c.ca)
	if c.tls != nil {
		c.tls(config)
	}
	server := grpc.NewServer(grpc.Creds(credentials.NewTLS(config)))
	rpc.Register(server, c)
	go func() { _ = server.Serve(l) }()
	c.t.Cleanup(server.Stop)
	if network == "unix" {
		return "unix:" + where, server.Stop
	}
	return l.Addr().String(), server.Stop
}

func (c *controller) Enrol(_ context.Context, in *rpc.EnrolRequest) (*rpc.EnrolReply, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.enrols++
	token, err := rpc.ParseToken(in.Token)
	if err != nil || token.CA != c.token(0).CA {
		return nil, status.Error(codes.PermissionDenied, "unknown token")
	}
	csr, err := x509.ParseCertificateRequest(in.CSR)
	if err != nil {
		return nil, err
	}
	key := csr.RawSubjectPublicKeyInfo
	if before, ok := c.redeemed[in.Token]; ok && !bytes.Equal(before, key) {
		return nil, status.Error(codes.PermissionDenied, "the token was used already")
	}
	c.redeemed[in.Token] = key
	c.bound, c.wireGuard = nil, nil
	return c.reply(in, csr)
}

// reply binds the identity that it has proof of, once for all renewals.
func (c *controller) reply(in *rpc.EnrolRequest, csr *x509.CertificateRequest) (*rpc.EnrolReply, error) {
	identity, err := hybrid.ParsePublic(in.Identity)
	if err != nil {
		return nil, err
	}
	if err := identity.CheckClaim(in.Node, csr.RawSubjectPublicKeyInfo, in.Claim); err != nil {
		return nil, err
	}
	if c.bound != nil && c.bound.Fingerprint() != identity.Fingerprint() {
		return nil, status.Error(codes.Unauthenticated, "another identity")
	}
	c.bound, c.wireGuard = identity, in.WireGuard
	r := &rpc.EnrolReply{Certificate: c.sign(in.Node, csr.PublicKey, identity).Raw, CA: c.ca.Raw}
	if c.answer != nil {
		return c.answer(r)
	}
	return r, nil
}

func (c *controller) Renew(_ context.Context, in *rpc.EnrolRequest) (*rpc.EnrolReply, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	csr, err := x509.ParseCertificateRequest(in.CSR)
	if err != nil {
		return nil, err
	}
	c.renewals++
	return c.reply(in, csr)
}

func (c *controller) Session(stream grpc.BidiStreamingServer[nodecfg.FromAgent, nodecfg.ToAgent]) error {
	c.mu.Lock()
	refuse := c.refuse
	c.mu.Unlock()
	if refuse != nil {
		return refuse
	}
	p, _ := peer.FromContext(stream.Context())
	chain := p.AuthInfo.(credentials.TLSInfo).State.PeerCertificates
	if len(chain) == 0 {
		return status.Error(codes.Unauthenticated, "no certificate")
	}
	s := &serverSession{stream, chain[0], make(chan error)}
	if err := stream.SendHeader(metadata.MD{}); err != nil {
		return err
	}
	c.sessions <- s
	select {
	case err := <-s.end:
		return err
	case <-stream.Context().Done():
		return nil
	}
}

func (c *controller) session() *serverSession {
	c.t.Helper()
	return wait(c.t, "a session", c.sessions)
}

// agent runs a Client against the controller.
type agent struct {
	t       *testing.T
	client  *Client
	in      chan nodecfg.ToAgent
	out     chan nodecfg.FromAgent
	session chan struct{}
	log     *lockedBuffer
	ended   chan error
	stop    func()
}

func start(t *testing.T, o Options, change ...func(*Client)) *agent {
	t.Helper()
	a := &agent{t: t, in: make(chan nodecfg.ToAgent), out: make(chan nodecfg.FromAgent),
		session: make(chan struct{}, 100), log: new(lockedBuffer), ended: make(chan error, 1)}
	o.OnSession = func() { a.session <- struct{}{} }
	o.Log = slog.New(slog.NewTextHandler(a.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	client, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range change {
		f(client)
	}
	a.client = client
	ctx, cancel := context.WithCancel(context.Background())
	go func() { a.ended <- client.Run(ctx, a.in, a.out) }()
	var once sync.Once
	a.stop = func() {
		once.Do(func() {
			cancel()
			if err := wait(t, "the agent's end", a.ended); !errors.Is(err, context.Canceled) {
				t.Errorf("Run ended with %v", err)
			}
		})
	}
	t.Cleanup(a.stop)
	return a
}

func (a *agent) wantLog(words ...string) {
	a.t.Helper()
	for end := time.Now().Add(deadline); ; time.Sleep(5 * time.Millisecond) {
		for line := range strings.Lines(a.log.String()) {
			found := true
			for _, w := range words {
				found = found && strings.Contains(line, w)
			}
			if found {
				return
			}
		}
		if time.Now().After(end) {
			a.t.Fatalf("no line with %q in:\n%s", words, a.log)
		}
	}
}

func wait[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(deadline):
		t.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
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

func stateDir(t *testing.T) string { return filepath.Join(t.TempDir(), "agent") }
