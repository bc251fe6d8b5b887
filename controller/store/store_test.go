package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
)

// backends are what every test of this file runs against. Each gives a
// function that opens the same records again and again.
var backends = map[string]func(t *testing.T) (open func() *Store){
	"memory": func(*testing.T) func() *Store {
		b := newMemory()
		return func() *Store { return &Store{b: b, log: slog.New(slog.DiscardHandler)} }
	},
	"embedded": func(t *testing.T) func() *Store {
		dir := filepath.Join(t.TempDir(), "etcd")
		return func() *Store { return mustOpen(t, Options{Dir: dir}) }
	},
	"cluster": func(t *testing.T) func() *Store {
		endpoint := startCluster(t)
		return func() *Store { return mustOpen(t, Options{Endpoints: []string{endpoint}}) }
	},
}

func mustOpen(t *testing.T, o Options) *Store {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s, err := Open(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// startCluster runs an etcd that listens, with the limits that it has by
// default.
func startCluster(t *testing.T) (endpoint string) {
	c := config(Options{Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	anyPort := []url.URL{{Scheme: "http", Host: "127.0.0.1:0"}}
	c.ListenClientUrls, c.AdvertiseClientUrls = anyPort, anyPort
	member, err := embed.StartEtcd(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(member.Close)
	<-member.Server.ReadyNotify()
	return "http://" + member.Clients[0].Addr().String()
}

func each(t *testing.T, f func(t *testing.T, open func() *Store)) {
	for name, backend := range backends {
		t.Run(name, func(t *testing.T) { f(t, backend(t)) })
	}
}

func TestRecords(t *testing.T) {
	each(t, func(t *testing.T, open func() *Store) {
		s, ctx := open(), t.Context()
		if r, err := s.Get(ctx, "token", "a"); err != nil || r.Version != 0 || r.Key != "a" {
			t.Fatalf("absent record: %+v, %v", r, err)
		}
		commit(t, s, Put("token", "b", []byte("2")), Put("token", "a", []byte("1")), Put("tok", "c", nil))
		a, err := s.Get(ctx, "token", "a")
		if err != nil || string(a.Value) != "1" || a.Version == 0 {
			t.Fatalf("got %+v, %v", a, err)
		}
		if got := list(t, s, "token"); got != "a=1 b=2" {
			t.Errorf("list: %s", got)
		}
		if got := list(t, s, "tok"); got != "c=" {
			t.Errorf("a bucket whose name begins another's: %s", got)
		}

		commit(t, s, Is("token", "a", a.Version), Is("token", "z", 0), Put("token", "a", []byte("3")), Delete("token", "b"))
		if got := list(t, s, "token"); got != "a=3" {
			t.Errorf("list: %s", got)
		}
		for _, stale := range []Op{Is("token", "a", a.Version), Is("token", "a", 0), Is("token", "b", 1)} {
			err := s.Commit(ctx, stale, Put("token", "a", []byte("no")), Put("token", "n", nil))
			if !errors.Is(err, ErrConflict) {
				t.Errorf("%+v: got %v, want a conflict", stale, err)
			}
		}
		commit(t, s, Delete("token", "absent"))
		if got := list(t, s, "token"); got != "a=3" {
			t.Errorf("a refused commit changed: %s", got)
		}
		closed(t, s)

		s = open()
		defer closed(t, s)
		if got := list(t, s, "token"); got != "a=3" {
			t.Errorf("after a restart: %s", got)
		}
	})
}

func TestRefusedCommits(t *testing.T) {
	many := make([]Op, MaxOps+1)
	for i := range many {
		many[i] = Put("b", fmt.Sprint(i), nil)
	}
	for name, ops := range map[string][]Op{
		"changed twice":  {Put("b", "k", nil), Delete("b", "k")},
		"too many":       many,
		"too large":      {Put("b", "k", make([]byte, MaxValue+1))},
		"bad bucket":     {Put("a/b", "k", nil)},
		"no bucket":      {Put("", "k", nil)},
		"no key":         {Delete("b", "")},
		"no key to meet": {Is("b", "", 0)},
	} {
		s := Memory()
		if err := s.Commit(t.Context(), ops...); err == nil || errors.Is(err, ErrConflict) {
			t.Errorf("%s: got %v", name, err)
		}
		if got := list(t, s, "b"); got != "" {
			t.Errorf("%s: left %s", name, got)
		}
	}
}

// Of many who change a record at the same version, one wins each time.
func TestOneWins(t *testing.T) {
	each(t, func(t *testing.T, open func() *Store) {
		s, ctx := open(), t.Context()
		defer closed(t, s)
		const workers, rounds = 4, 20
		var group sync.WaitGroup
		for range workers {
			group.Go(func() {
				for done := 0; done < rounds; {
					r, err := s.Get(ctx, "n", "n")
					if err == nil {
						err = s.Commit(ctx, Is("n", "n", r.Version), Put("n", "n", append(r.Value, '.')))
					}
					if err == nil {
						done++
					} else if !errors.Is(err, ErrConflict) {
						t.Error(err)
						return
					}
				}
			})
		}
		group.Wait()
		if r, _ := s.Get(ctx, "n", "n"); len(r.Value) != workers*rounds {
			t.Errorf("%d changes are left of %d", len(r.Value), workers*rounds)
		}
	})
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, Options{Dir: dir})
	defer closed(t, s)
	if _, err := Open(t.Context(), Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "another controller") {
		t.Errorf("the same directory twice: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := Open(ctx, Options{Endpoints: []string{"unix:" + filepath.Join(dir, "nobody")}}); err == nil {
		t.Error("connected to nobody")
	}
}

func TestLog(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	closed(t, mustOpen(t, Options{Dir: t.TempDir(), Log: log}))
	if out.Len() > 0 {
		t.Errorf("a start without trouble logs:\n%s", &out)
	}
}

func commit(t *testing.T, s *Store, ops ...Op) {
	t.Helper()
	if err := s.Commit(t.Context(), ops...); err != nil {
		t.Fatal(err)
	}
}

func closed(t *testing.T, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func list(t *testing.T, s *Store, bucket string) string {
	t.Helper()
	rs, err := s.List(t.Context(), bucket)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range rs {
		out = append(out, r.Key+"="+string(r.Value))
	}
	return strings.Join(out, " ")
}
