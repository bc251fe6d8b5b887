package session

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
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
func dial(address string, c *tls.Config) (*grpc.ClientConn, error) {
	conn, err := grpc.NewClient("passthrough:///"+address,
		grpc.WithContextDialer(dialer),
		grpc.WithTransportCredentials(credentials.NewTLS(c)),
		grpc.WithAuthority(c.ServerName),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxConfig), grpc.MaxCallSendMsgSize(maxFromAgent)),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.DefaultConfig, MinConnectTimeout: connectTimeout}),
		grpc.WithDisableServiceConfig(), grpc.WithDisableRetry(), grpc.WithIdleTimeout(0),
		// gRPC asks at most every 10 s; the kernel notices a dead machine
		// sooner (below), this a process that hangs.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: 3 * time.Second}),
	)
	if err != nil {
		return nil, fmt.Errorf("connect to the controller at %s: %w", address, err)
	}
	return conn, nil
}

func dialer(ctx context.Context, address string) (net.Conn, error) {
	d := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 2 * time.Second, Interval: time.Second, Count: 3}}
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		return d.DialContext(ctx, "unix", path)
	}
	return d.DialContext(ctx, "tcp", address)
}
