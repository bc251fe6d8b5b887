package router

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"

	"github.com/keiro-net/keiro/lab/router/rib"
)

// serve gives everybody who connects to a unix socket the RIB as it is then,
// until ctx ends. gobgp's own API would do, but it ends the program over a
// segment list without a weight (v4.8.0, NewTunnelEncapAttributeFromNative).
func serve(ctx context.Context, socket string, answer func() (rib.RIB, error)) error {
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "unix", socket)
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return // closed
			}
			found, err := answer()
			if err == nil {
				_ = json.NewEncoder(conn).Encode(found) // who went away misses nothing
			}
			conn.Close()
		}
	}()
	return nil
}
