package fleet

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/nodecfg/rpc"
	"github.com/keiro-net/keiro/controller/pki"
	"github.com/keiro-net/keiro/controller/store"
	"github.com/keiro-net/keiro/keys/hybrid"
)

const deadline = 20 * time.Second

// world is a Fleet that listens on a socket and on a port, and what it told.
type world struct {
	*Fleet
	t      *testing.T
	ca     *pki.Authority
	tcp    string
	socket string
	events chan string
	log    *records
	stop   func()
}

func newWorld(t *testing.T, change ...func(*Options)) *world {
	t.Helper()
	dir := t.TempDir()
	ca, err := pki.Open(pki.Options{Dir: dir, Store: store.Memory()})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, ca: ca, socket: filepath.Join(dir, "s"), events: make(chan string, 1000), log: new(records)}
	o := Options{Authority: ca, Events: eventLog{w.events}, Log: slog.New(slog.NewJSONHandler(w.log, nil))}
	for _, f := range change {
		f(&o)
	}
	w.Fleet = New(o)
	ctx, cancel := context.WithCancel(context.Background())
	unix, err := Listen(ctx, "unix:"+w.socket)
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := Listen(ctx, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.tcp = tcp.Addr().String()
	ended := make(chan error, 1)
	go func() { ended <- w.Serve(ctx, unix, tcp) }()
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := wait(t, "the end of Serve", ended); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(w.stop)
	return w
}

// eventLog writes events as words.
type eventLog struct{ c chan string }

func (e eventLog) Connected(a pki.Agent) {
	cert, err := x509.ParseCertificate(a.Certificate)
	if err != nil || len(a.Identity) != hybrid.PublicSize || len(a.WireGuard) != 32 || cert.Subject.CommonName != a.Node {
		e.c <- "connected without an identity " + a.Node
		return
	}
	e.c <- "connected " + a.Node
}
func (e eventLog) Disconnected(node string) { e.c <- "disconnected " + node }
func (e eventLog) Report(r nodecfg.Report) {
	b, _ := json.Marshal(r.Revision)
	e.c <- "report " + r.Node + " " + string(b)
}

func (w *world) want(events ...string) {
	w.t.Helper()
	for _, e := range events {
		if got := wait(w.t, e, w.events); got != e {
			w.t.Fatalf("event %q, want %q", got, e)
		}
	}
}

// records are what was logged, as JSON lines.
type records struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (r *records) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.Write(p)
}

func (r *records) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.String()
}

// wantLog waits for a record with this message and node, whose remote is set,
// and whose reason contains the given one.
func (w *world) wantLog(msg, node, reason string) {
	w.t.Helper()
	for end := time.Now().Add(deadline); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		for line := range strings.Lines(w.log.String()) {
			var r struct{ Msg, Node, Remote, Reason string }
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				w.t.Fatal(err)
			}
			if r.Msg == msg && r.Node == node && r.Remote != "" && strings.Contains(r.Reason, reason) {
				return
			}
		}
	}
	w.t.Fatalf("no record %q of node %q because of %q in:\n%s", msg, node, reason, w.log)
}

// identity is a key and, once enrolled, its certificate.
type identity struct {
	key  *ecdsa.PrivateKey
	cert []byte
	long *hybrid.Identity
}

// request is a good one for a new key of the node, with a new long-term
// identity or that of a former life.
func (w *world) request(node string, former ...identity) (identity, *rpc.EnrolRequest) {
	w.t.Helper()
	var id identity
	var err error
	if id.long, err = hybrid.Generate(rand.Reader); err != nil {
		w.t.Fatal(err)
	}
	for _, f := range former {
		id.long = f.long
	}
	if id.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		w.t.Fatal(err)
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, id.key)
	if err != nil {
		w.t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&id.key.PublicKey)
	if err != nil {
		w.t.Fatal(err)
	}
	return id, &rpc.EnrolRequest{
		Node: node, CSR: csr, WireGuard: bytes.Repeat([]byte{9}, 32),
		Identity: id.long.Public().Bytes(), Claim: id.long.Claim(node, public),
	}
}

func (w *world) token(node string) rpc.Token {
	w.t.Helper()
	token, err := w.ca.CreateToken(w.t.Context(), node, time.Hour)
	if err != nil {
		w.t.Fatal(err)
	}
	return token
}

// enrolled is a node's identity, got over the wire.
func (w *world) enrolled(node string) identity {
	w.t.Helper()
	id, in := w.request(node)
	in.Token = w.token(node).Reveal()
	reply, err := rpc.Enrol(w.t.Context(), w.dial(w.tls()), rpc.EnrolMethod, in)
	if err != nil {
		w.t.Fatal(err)
	}
	id.cert = reply.Certificate
	return id
}

// tls is a good client's, with the identities given.
func (w *world) tls(ids ...identity) *tls.Config {
	c := rpc.TLS()
	c.RootCAs = x509.NewCertPool()
	c.RootCAs.AddCert(w.ca.Certificate())
	for _, id := range ids {
		c.Certificates = append(c.Certificates, tls.Certificate{Certificate: [][]byte{id.cert}, PrivateKey: id.key})
	}
	return c
}

func (w *world) dial(c *tls.Config) *grpc.ClientConn { return w.dialTo("unix:"+w.socket, c) }

func (w *world) dialTo(target string, c *tls.Config) *grpc.ClientConn {
	w.t.Helper()
	conn, err := grpc.NewClient(target, grpc.WithTransportCredentials(credentials.NewTLS(c)))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

type stream = grpc.BidiStreamingClient[nodecfg.FromAgent, nodecfg.ToAgent]

// session opens a session and waits until it is let in.
func (w *world) session(id identity) stream { return w.sessionOn(w.dial(w.tls(id))) }

func (w *world) sessionOn(conn *grpc.ClientConn) stream {
	w.t.Helper()
	s, err := rpc.Session(w.t.Context(), conn)
	if err != nil {
		w.t.Fatal(err)
	}
	if header, err := s.Header(); err != nil || header == nil {
		_, err = s.Recv()
		w.t.Fatal(err)
	}
	return s
}

func wait[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(deadline):
		t.Fatalf("waited in vain for: %s", what)
		panic("unreachable")
	}
}

// relay is a wire between an agent and the controller that can go silent.
type relay struct {
	listener net.Listener
	silent   chan struct{}
}

func newRelay(t *testing.T, to string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	r := &relay{l, make(chan struct{})}
	go func() {
		for {
			a, err := l.Accept()
			if err != nil {
				return
			}
			b, err := net.Dial("tcp", to)
			if err != nil {
				return
			}
			t.Cleanup(func() { _, _ = a.Close(), b.Close() })
			go r.copy(a, b)
			go r.copy(b, a)
		}
	}()
	return r
}

// copy drops what comes once the relay is silent; nobody is told.
func (r *relay) copy(to, from net.Conn) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		select {
		case <-r.silent:
		default:
			_, _ = to.Write(buffer[:n])
		}
	}
}
