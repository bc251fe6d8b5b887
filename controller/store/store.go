// Package store keeps what the controller must not forget: the spec (one
// large document) and small records in buckets. Behind it is always etcd's
// client API: one member inside this process without any listener, or a
// cluster somewhere else. It never looks into what it keeps, and no type of
// etcd crosses its border. controller and its parts call it.
package store

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
)

// Limits of one call. They hold for every backend, so that what works with
// the embedded member works with a cluster in its default configuration.
const (
	MaxOps   = 100       // comparisons, and likewise changes, in one Commit
	MaxValue = 1 << 20   // bytes of all values in one Commit
	MaxSpec  = 100 << 20 // bytes of the spec
)

// ErrConflict is returned where a comparison did not hold; nothing was
// changed then.
var ErrConflict = errors.New("changed by somebody else meanwhile")

// Store is safe for use by several goroutines.
type Store struct {
	b   backend
	log *slog.Logger
	put sync.Mutex // one PutSpec at a time in this process
}

// Options say where the records are. The zero values of Endpoints and TLS
// choose the embedded member.
type Options struct {
	Dir       string   // data of the embedded member; made with mode 0700
	Endpoints []string // of a cluster: "https://host:2379"; then Dir is not used
	TLS       *tls.Config
	Log       *slog.Logger // nil: nothing is logged
}

// Open starts the embedded member, or connects to the cluster, and returns
// when it answers.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	open := embedded
	if len(o.Endpoints) > 0 {
		open = cluster
	}
	b, err := open(ctx, o)
	if err != nil {
		return nil, err
	}
	s := &Store{b: b, log: o.Log}
	// A controller killed in PutSpec leaves chunks that no head names.
	if err := s.sweep(ctx); err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("remove what an unfinished apply left: %w", err)
	}
	return s, nil
}

// Memory returns a Store that forgets, for tests.
func Memory() *Store {
	return &Store{b: newMemory(), log: slog.New(slog.DiscardHandler)}
}

// Close ends the embedded member. What was acknowledged is on disk already.
func (s *Store) Close() error { return s.b.close() }

// Record is one value under its key. Version changes with every change of
// the value and is 0 where there is no such record.
type Record struct {
	Key     string
	Value   []byte
	Version uint64
}

// Get returns the record, which has Version 0 if there is none.
func (s *Store) Get(ctx context.Context, bucket, key string) (Record, error) {
	if err := checkNames(bucket, key); err != nil {
		return Record{}, err
	}
	r, err := s.b.get(ctx, bucket, key)
	if err != nil {
		return Record{}, fmt.Errorf("read %s/%s: %w", bucket, key, err)
	}
	return r, nil
}

// List returns all records of a bucket, sorted by key.
func (s *Store) List(ctx context.Context, bucket string) ([]Record, error) {
	if err := checkNames(bucket, "-"); err != nil {
		return nil, err
	}
	rs, err := s.b.list(ctx, bucket, true)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", bucket, err)
	}
	return rs, nil
}

// Op is a part of a Commit, made by Is, Put or Delete.
type Op struct {
	kind        opKind
	bucket, key string
	value       []byte
	version     uint64
}

type opKind int

const (
	opIs opKind = iota
	opPut
	opDelete
)

// Is demands that the record has this version; 0: that there is none.
func Is(bucket, key string, version uint64) Op {
	return Op{kind: opIs, bucket: bucket, key: key, version: version}
}

// Put sets the record.
func Put(bucket, key string, value []byte) Op {
	return Op{kind: opPut, bucket: bucket, key: key, value: value}
}

// Delete removes the record, if there is one.
func Delete(bucket, key string) Op { return Op{kind: opDelete, bucket: bucket, key: key} }

// Commit does all of ops or, where one Is does not hold, nothing: ErrConflict
// then. After any other error the change may or may not have happened. No
// record is changed twice in one Commit.
func (s *Store) Commit(ctx context.Context, ops ...Op) error {
	if err := checkOps(ops); err != nil {
		return err
	}
	err := s.b.commit(ctx, ops)
	if err != nil {
		return fmt.Errorf("change %s: %w", changed(ops), err)
	}
	return nil
}

// changed names what the ops are about, for messages.
func changed(ops []Op) string {
	for _, op := range ops {
		if op.kind != opIs {
			return op.bucket + "/" + op.key
		}
	}
	return "nothing"
}

func checkOps(ops []Op) error {
	var size, comparisons int
	seen := make(map[[2]string]bool)
	for _, op := range ops {
		if err := checkNames(op.bucket, op.key); err != nil {
			return err
		}
		if op.kind == opIs {
			comparisons++
			continue
		}
		if id := [2]string{op.bucket, op.key}; seen[id] {
			return fmt.Errorf("record %s/%s is changed twice in one commit", op.bucket, op.key)
		} else {
			seen[id] = true
		}
		size += len(op.value)
	}
	if comparisons > MaxOps || len(seen) > MaxOps || size > MaxValue {
		return fmt.Errorf("change %s: %d comparisons, %d changes, %d bytes are more than one commit takes (%d, %d, %d)",
			changed(ops), comparisons, len(seen), size, MaxOps, MaxOps, MaxValue)
	}
	return nil
}

func checkNames(bucket, key string) error {
	if bucket == "" || key == "" || strings.Contains(bucket, "/") {
		return fmt.Errorf("no such record: bucket %q, key %q", bucket, key)
	}
	return nil
}

// backend is what Store needs below it. Arguments were checked.
type backend interface {
	get(ctx context.Context, bucket, key string) (Record, error)
	list(ctx context.Context, bucket string, values bool) ([]Record, error)
	commit(ctx context.Context, ops []Op) error
	// compact gives back the space of what was overwritten or deleted, if
	// that is this store's business.
	compact(ctx context.Context) error
	close() error
}
