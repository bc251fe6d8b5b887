// Package helper is the process behind a lane where the kernel has no
// WireGuard: wireguard-go on a TUN interface in the process's network
// namespace, told what to do over a unix socket. It outlives the agent that
// started it and ends when it is told to, or when its interface is taken away.
// It writes no secret anywhere and answers nobody but its own user. The
// command `keiro-agent lane` is all that runs it.
package helper

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
	"golang.zx2c4.com/wireguard/conn"
	"golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/tun"

	"github.com/keiro-net/keiro/agent/internal/protect"
)

// Options of one helper.
type Options struct {
	Interface string // name, at most 15 bytes
	Socket    string // path; its directory must be the user's alone
	MTU       int
	Ready     func(error) // called once: nil when the interface and the socket are there
	Log       *slog.Logger
}

// Run serves until the context ends, a client says quit, or the interface is
// gone; with it the interface goes.
func Run(ctx context.Context, o Options) error {
	s, err := open(o)
	o.Ready(err)
	if err != nil {
		return err
	}
	defer s.close()
	return s.run(ctx)
}

type server struct {
	Options
	wg     *device.Device
	listen *net.UnixListener
	quit   chan struct{}
	doing  sync.Mutex // one request at a time, whoever's
}

func open(o Options) (*server, error) {
	protect.Process(o.Log)
	prefer(o.Log)
	dev, err := create(o.Interface, o.MTU)
	if err != nil {
		return nil, fmt.Errorf("make interface %s: %w", o.Interface, err)
	}
	wg := device.NewDevice(dev, conn.NewDefaultBind(), &device.Logger{
		Verbosef: device.DiscardLogf,
		Errorf:   func(format string, args ...any) { o.Log.Warn(fmt.Sprintf(format, args...)) },
	})
	// Left by a helper that crashed: one that lives has the interface.
	if err := os.Remove(o.Socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		wg.Close()
		return nil, err
	}
	listen, err := net.ListenUnix("unix", &net.UnixAddr{Name: o.Socket, Net: "unix"})
	if err != nil {
		wg.Close()
		return nil, err
	}
	if err := os.Chmod(o.Socket, 0o600); err != nil {
		listen.Close()
		wg.Close()
		return nil, err
	}
	return &server{Options: o, wg: wg, listen: listen, quit: make(chan struct{}, 1)}, nil
}

// create makes the interface as prefer.go and batch.go want it. A helper that was killed has
// its interface until the kernel is done with it.
func create(name string, mtu int) (tun.Device, error) {
	const most = 2 * time.Second
	for end := time.Now().Add(most); ; time.Sleep(5 * time.Millisecond) {
		dev, err := tun.CreateTUN(name, mtu)
		if err == nil {
			var all *batched
			if err = shape(name); err == nil {
				all, err = newBatched(dev)
			}
			if err == nil {
				return summed{all}, nil
			}
			dev.Close()
		}
		if !errors.Is(err, unix.EBUSY) || time.Now().After(end) {
			return nil, err
		}
	}
}

func (s *server) close() {
	s.listen.Close() // removes the socket
	s.wg.Close()
}

func (s *server) run(ctx context.Context) error {
	failed := make(chan error, 1)
	go func() {
		for {
			c, err := s.listen.AcceptUnix()
			if err != nil {
				failed <- err
				return
			}
			go s.serve(c)
		}
	}()
	select {
	case <-ctx.Done():
		return nil
	case <-s.quit:
		return nil
	case <-s.wg.Wait():
		return fmt.Errorf("interface %s is gone", s.Interface)
	case err := <-failed:
		return err
	}
}
