package fleet

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"google.golang.org/grpc/credentials"
)

const unixSocket = "unix"

// Listen opens a listener for Serve: "host:port", or "unix:/path" for agents
// on this machine, as in a lab. TLS runs over either.
func Listen(ctx context.Context, where string) (net.Listener, error) {
	path, isPath := strings.CutPrefix(where, "unix:")
	if !isPath {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", where)
		if err != nil {
			return nil, fmt.Errorf("listen for agents: %w", err)
		}
		return l, nil
	}
	// A controller that was killed leaves its socket behind.
	if c, err := net.Dial("unix", path); err == nil {
		_ = c.Close()
		return nil, fmt.Errorf("listen for agents: another controller answers at %s", path)
	} else if info, lost := os.Lstat(path); lost == nil && info.Mode()&os.ModeSocket != 0 && errors.Is(err, syscall.ECONNREFUSED) {
		_ = os.Remove(path)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen for agents: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("listen for agents: %w", err)
	}
	return l, nil
}

// address is how logs name the other end.
func address(a net.Addr) string {
	if a.Network() == "unix" {
		return unixSocket
	}
	return a.String()
}

func host(remote string) string {
	if h, _, err := net.SplitHostPort(remote); err == nil {
		return h
	}
	return remote
}

// loggedTLS is TLS that logs whom it does not let in, and why.
type loggedTLS struct {
	credentials.TransportCredentials
	fleet *Fleet
}

func newLoggedTLS(c *tls.Config, f *Fleet) *loggedTLS {
	return &loggedTLS{credentials.NewTLS(c), f}
}

func (t *loggedTLS) Clone() credentials.TransportCredentials {
	return &loggedTLS{t.TransportCredentials.Clone(), t.fleet}
}

func (t *loggedTLS) ServerHandshake(c net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := t.TransportCredentials.ServerHandshake(c)
	if err == nil || errors.Is(err, io.EOF) { // EOF: somebody only knocked
		return conn, info, err
	}
	remote := address(c.RemoteAddr())
	if !t.fleet.failedHandshakes.spent(host(remote)) {
		t.fleet.failedHandshakes.take(host(remote))
		node, reason := "", err.Error()
		if foreign := (*tls.CertificateVerificationError)(nil); errors.As(err, &foreign) && len(foreign.UnverifiedCertificates) > 0 {
			node = claimed(foreign.UnverifiedCertificates[0].Subject.CommonName)
		}
		t.fleet.log.Warn("agent refused", "node", node, "remote", remote, "reason", reason)
	}
	return conn, info, err
}
