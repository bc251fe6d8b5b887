package store

import (
	"bytes"
	"context"
	"sort"
	"sync"
)

// memory is the backend for tests. Closing it loses nothing, so that tests
// can open it again.
type memory struct {
	mu       sync.Mutex
	revision uint64
	buckets  map[string]map[string]Record
}

func newMemory() *memory { return &memory{buckets: make(map[string]map[string]Record)} }

func (m *memory) get(ctx context.Context, bucket, key string) (Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.buckets[bucket][key]
	if !ok {
		r.Key = key
	}
	r.Value = bytes.Clone(r.Value)
	return r, ctx.Err()
}

func (m *memory) list(ctx context.Context, bucket string, values bool) ([]Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var rs []Record
	for _, r := range m.buckets[bucket] {
		r.Value = bytes.Clone(r.Value)
		if !values {
			r.Value = nil
		}
		rs = append(rs, r)
	}
	sort.Slice(rs, func(i, j int) bool { return rs[i].Key < rs[j].Key })
	return rs, ctx.Err()
}

func (m *memory) commit(ctx context.Context, ops []Op) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, op := range ops {
		if op.kind == opIs && m.buckets[op.bucket][op.key].Version != op.version {
			return ErrConflict
		}
	}
	m.revision++
	for _, op := range ops {
		switch op.kind {
		case opPut:
			if m.buckets[op.bucket] == nil {
				m.buckets[op.bucket] = make(map[string]Record)
			}
			m.buckets[op.bucket][op.key] = Record{Key: op.key, Value: append([]byte{}, op.value...), Version: m.revision}
		case opDelete:
			delete(m.buckets[op.bucket], op.key)
		}
	}
	return nil
}

func (m *memory) compact(context.Context) error { return nil }

func (m *memory) close() error { return nil }
