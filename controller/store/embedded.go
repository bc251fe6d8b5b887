package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3client"
	"go.uber.org/zap"
)

// embedded starts a cluster of one member inside this process. It listens
// nowhere: its client is a function call.
func embedded(ctx context.Context, o Options) (backend, error) {
	unlock, err := lock(o.Dir)
	if err != nil {
		return nil, err
	}
	member, err := embed.StartEtcd(config(o))
	if err != nil {
		unlock()
		return nil, fmt.Errorf("start etcd in %s: %w", o.Dir, err)
	}
	stop := func() { member.Close(); unlock() }
	select {
	case <-member.Server.ReadyNotify():
	case <-member.Server.StopNotify():
		stop()
		return nil, fmt.Errorf("start etcd in %s: it stopped", o.Dir)
	case <-ctx.Done():
		stop()
		return nil, fmt.Errorf("start etcd in %s: %w", o.Dir, ctx.Err())
	}
	return &etcd{client: v3client.New(member.Server), stop: stop}, nil
}

func config(o Options) *embed.Config {
	c := embed.NewConfig()
	c.Name = "keiro"
	c.InitialCluster = c.InitialClusterFromName(c.Name)
	c.Dir = o.Dir
	c.ListenPeerUrls, c.ListenClientUrls = nil, nil
	c.AuthToken = "" // of etcd's users, of whom there are none
	c.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.New(slogCore{log: o.Log}))

	// The member has nobody to wait for when it elects itself: it waits one
	// to two election times. An idle member wakes once a tick.
	c.TickMs, c.ElectionMs = 20, 100

	// Entries of up to 1 MiB stay in memory until they are in a snapshot,
	// and are read again at start; followers that want them do not exist.
	c.SnapshotCount = 500
	c.SnapshotCatchUpEntries = 1
	c.MaxSnapFiles, c.MaxWalFiles = 2, 2

	c.AutoCompactionMode, c.AutoCompactionRetention = embed.CompactorModeRevision, "1000"
	c.QuotaBackendBytes = 4 << 30 // the largest spec many times over
	return c
}

// lock keeps a second controller out of the directory. etcd's own lock would
// wait for the first one to end.
func lock(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return nil, fmt.Errorf("close the data directory to others: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the data directory: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = errors.New("another controller uses it")
		}
		return nil, fmt.Errorf("data directory %s: %w", dir, err)
	}
	return func() { _ = f.Close() }, nil
}
