package session

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
)

const (
	maxConfig      = 64 << 20 // bytes of a message from the controller
	maxFromAgent   = 4 << 20  // bytes of a message to it
	connectTimeout = 5 * time.Second
)

// dial prepares a connection; the first call on it connects, once.
func (c *Client) dial(t *tls.Config) (*grpc.ClientConn, error) {
	conn, err := grpc.NewClient("passthrough:///"+c.Address,
		grpc.WithContextDialer(c.dialer),
		grpc.WithTransportCredentials(credentials.NewTLS(t)),
		grpc.WithAuthority(t.ServerName),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxConfig), grpc.MaxCallSendMsgSize(maxFromAgent)),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.DefaultConfig, MinConnectTimeout: connectTimeout}),
		grpc.WithDisableServiceConfig(), grpc.WithDisableRetry(), grpc.WithIdleTimeout(0),
		// gRPC asks at most every 10 s; the kernel notices a dead machine
		// sooner (below), this a process that hangs.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: 3 * time.Second}),
	)
	if err != nil {
		return nil, fmt.Errorf("connect to the controller at %s: %w", c.Address, err)
	}
	return conn, nil
}

func (c *Client) dialer(ctx context.Context, address string) (net.Conn, error) {
	d := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 2 * time.Second, Interval: time.Second, Count: 3},
		// before the first packet, as it may be what is in its way that is to go
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			if at, err := netip.ParseAddrPort(address); err == nil {
				remote := at.Addr().Unmap()
				c.remote.Store(&remote)
			}
			return nil
		}}
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		return d.DialContext(ctx, "unix", path)
	}
	return d.DialContext(ctx, "tcp", address)
}

// Remote is the address at which the controller was tried last; not valid before the
// first time, and if it is at none. It may be called at any time.
func (c *Client) Remote() (a netip.Addr) {
	if remote := c.remote.Load(); remote != nil {
		a = *remote
	}
	return a
}
