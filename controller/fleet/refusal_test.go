package fleet

import (
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/nodecfg/rpc"
)

// Each of these is refused, and the log says whom and why.
func TestRefusals(t *testing.T) {
	// open returns the error that ends the session of such a client.
	open := func(w *world, c *tls.Config, says ...nodecfg.FromAgent) error {
		s, err := rpc.Session(w.t.Context(), w.dial(c))
		for i := 0; err == nil && i < len(says); i++ {
			err = s.Send(&says[i])
		}
		if err == nil {
			_, err = s.Recv()
		}
		return err
	}
	enrol := func(w *world, token string, in *rpc.EnrolRequest) error {
		in.Token = token
		_, err := rpc.Enrol(w.t.Context(), w.dial(w.tls()), rpc.EnrolMethod, in)
		return err
	}
	request := func(w *world) *rpc.EnrolRequest {
		_, in := w.request("tyo1")
		return in
	}
	renew := func(w *world, c *tls.Config, node string) error {
		_, in := w.request(node)
		_, err := rpc.Enrol(w.t.Context(), w.dial(c), rpc.RenewMethod, in)
		return err
	}

	for name, c := range map[string]struct {
		do           func(w *world) error
		code         codes.Code
		node, reason string // as logged
	}{
		"session without a certificate": {func(w *world) error { return open(w, w.tls()) },
			codes.Unauthenticated, "", "no certificate"},
		"renewal without a certificate": {func(w *world) error { return renew(w, w.tls(), "tyo1") },
			codes.Unauthenticated, "tyo1", "no certificate"},
		"foreign certificate": {func(w *world) error { return open(w, w.tls(newWorld(w.t).enrolled("tyo1"))) },
			codes.Unavailable, "tyo1", "unknown authority"},
		"classic key exchange": {func(w *world) error {
			c := w.tls(w.enrolled("tyo1"))
			c.CurvePreferences = []tls.CurveID{tls.X25519, tls.CurveP256}
			return open(w, c)
		}, codes.Unavailable, "", "tls: "},
		"TLS 1.2": {func(w *world) error {
			c := w.tls(w.enrolled("tyo1"))
			c.MinVersion, c.MaxVersion, c.CurvePreferences = tls.VersionTLS12, tls.VersionTLS12, nil
			return open(w, c)
		}, codes.Unavailable, "", "unsupported versions"},
		"revoked": {func(w *world) error {
			id := w.enrolled("tyo1")
			if _, err := w.ca.Revoke(w.t.Context(), "tyo1"); err != nil {
				return err
			}
			return open(w, w.tls(id))
		}, codes.Unauthenticated, "tyo1", "replaced or revoked"},
		"certificate of a former life": {func(w *world) error {
			id := w.enrolled("tyo1")
			w.enrolled("tyo1")
			return open(w, w.tls(id))
		}, codes.Unauthenticated, "tyo1", "replaced or revoked"},
		"report for another node": {func(w *world) error {
			return open(w, w.tls(w.enrolled("tyo1")), nodecfg.FromAgent{Report: &nodecfg.Report{Node: "osa1"}})
		}, codes.PermissionDenied, "tyo1", `another node, "osa1"`},
		"renewal for another node": {func(w *world) error { return renew(w, w.tls(w.enrolled("tyo1")), "osa1") },
			codes.PermissionDenied, "tyo1", "another node, osa1"},
		"renewal with another identity": {func(w *world) error { return renew(w, w.tls(w.enrolled("tyo1")), "tyo1") },
			codes.Unauthenticated, "tyo1", "another identity"},
		"enrolment without an identity": {func(w *world) error {
			in := request(w)
			in.Identity = nil
			return enrol(w, w.token("tyo1").Reveal(), in)
		}, codes.PermissionDenied, "tyo1", "no hybrid identity"},
		"identity of somebody else": {func(w *world) error {
			in := request(w)
			in.Identity = request(w).Identity
			return enrol(w, w.token("tyo1").Reveal(), in)
		}, codes.PermissionDenied, "tyo1", "wrong signature"},
		"oversized claim": {func(w *world) error {
			in := request(w)
			in.Claim = make([]byte, 1<<20)
			return enrol(w, w.token("tyo1").Reveal(), in)
		}, codes.PermissionDenied, "tyo1", "malformed"},
		"no token": {func(w *world) error { return enrol(w, "", request(w)) },
			codes.PermissionDenied, "tyo1", "malformed token"},
		"wrong token": {func(w *world) error {
			return enrol(w, rpc.NewToken([8]byte{}, [32]byte{}, w.ca.Certificate()).Reveal(), request(w))
		}, codes.PermissionDenied, "tyo1", "unknown token"},
		"another's token": {func(w *world) error { return enrol(w, w.token("osa1").Reveal(), request(w)) },
			codes.PermissionDenied, "tyo1", "another node"},
		"reused token": {func(w *world) error {
			token := w.token("tyo1").Reveal()
			if err := enrol(w, token, request(w)); err != nil {
				return err
			}
			return enrol(w, token, request(w))
		}, codes.PermissionDenied, "tyo1", "used already"},
		"expired token": {func(w *world) error {
			token, err := w.ca.CreateToken(w.t.Context(), "tyo1", time.Nanosecond)
			if err != nil {
				return err
			}
			return enrol(w, token.Reveal(), request(w))
		}, codes.PermissionDenied, "tyo1", "expired"},
		"bad request": {func(w *world) error {
			return enrol(w, w.token("tyo1").Reveal(), &rpc.EnrolRequest{Node: "tyo1", CSR: []byte("0")})
		},
			codes.PermissionDenied, "tyo1", "malformed certificate request"},
		"a very long name": {func(w *world) error { return enrol(w, "", &rpc.EnrolRequest{Node: strings.Repeat("n", 10_000)}) },
			codes.PermissionDenied, strings.Repeat("n", 64) + "...", "malformed token"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if err := c.do(w); status.Code(err) != c.code {
				t.Errorf("got %v, want %s", err, c.code)
			}
			w.wantLog("agent refused", c.node, c.reason)
			w.stop()
			close(w.events)
			for e := range w.events {
				if strings.HasPrefix(e, "report") {
					t.Errorf("event %q", e)
				}
			}
		})
	}
}

func TestMessageTooLarge(t *testing.T) {
	w := newWorld(t)
	s := w.session(w.enrolled("tyo1"))
	large := &nodecfg.Report{Node: "tyo1", Errors: []nodecfg.ObjectError{{Error: strings.Repeat("x", maxFromAgent)}}}
	_ = s.Send(&nodecfg.FromAgent{Report: large})
	if _, err := s.Recv(); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("got %v", err)
	}
	w.want("connected tyo1", "disconnected tyo1")
	w.wantLog("agent disconnected", "tyo1", "larger than max")
}

func TestNoTLS(t *testing.T) {
	w := newWorld(t)
	c, err := net.Dial("tcp", w.tcp)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	w.wantLog("agent refused", "", "not look like a TLS handshake")
}

// Who fails too often waits; others from elsewhere, and on a socket other
// nodes, do not.
func TestFailedEnrolments(t *testing.T) {
	w := newWorld(t)
	try := func(target, node, token string) codes.Code {
		_, in := w.request(node)
		in.Token = token
		_, err := rpc.Enrol(t.Context(), w.dialTo(target, w.tls()), rpc.EnrolMethod, in)
		return status.Code(err)
	}
	for range failedPerMinute {
		for _, target := range []string{w.tcp, "unix:" + w.socket} {
			if code := try(target, "tyo1", "guess"); code != codes.PermissionDenied {
				t.Fatal(code)
			}
		}
	}
	good := w.token("tyo1").Reveal()
	for _, target := range []string{w.tcp, "unix:" + w.socket} {
		if code := try(target, "tyo1", good); code != codes.ResourceExhausted {
			t.Errorf("%s: %s", target, code)
		}
	}
	if code := try("unix:"+w.socket, "osa1", w.token("osa1").Reveal()); code != codes.OK {
		t.Errorf("another node: %s", code)
	}
	w.wantLog("too many failed enrolments, refusing more for a minute", "", "")
	if n := strings.Count(w.log.String(), "agent refused"); n != 2*failedPerMinute {
		t.Errorf("%d refusals were logged", n)
	}

	w.failedEnrolments.now = func() time.Time { return time.Now().Add(time.Minute) }
	if code := try(w.tcp, "tyo1", good); code != codes.OK {
		t.Errorf("after a minute: %s", code)
	}
}

func TestListen(t *testing.T) {
	w := newWorld(t)
	if info, err := os.Stat(w.socket); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	for _, where := range []string{"unix:" + w.socket, w.tcp, "unix:/nowhere/s", "nonsense"} {
		if l, err := Listen(t.Context(), where); err == nil {
			t.Errorf("listens at %s", where)
			_ = l.Close()
		}
	}
	// Left by a controller that was killed.
	stale := filepath.Join(t.TempDir(), "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	_ = l.Close()
	again, err := Listen(t.Context(), "unix:"+stale)
	if err != nil {
		t.Fatal(err)
	}
	_ = again.Close()
	// No socket: not ours to remove.
	file := filepath.Join(t.TempDir(), "s")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(t.Context(), "unix:"+file); err == nil {
		t.Error("listens on a file")
	}
	if text, _ := os.ReadFile(file); string(text) != "precious" {
		t.Error("removed a file that is no socket")
	}
}
