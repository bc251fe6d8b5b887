package store

import (
	"context"
	"fmt"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// root is before every key, so that a cluster can be shared with others.
const root = "/keiro/v1/"

// etcd is the backend for a cluster and for the embedded member.
type etcd struct {
	client *clientv3.Client
	stop   func() // ends the embedded member; nil: there is none
}

// cluster connects to a cluster that somebody else runs.
func cluster(ctx context.Context, o Options) (backend, error) {
	client, err := clientv3.New(clientv3.Config{
		Endpoints: o.Endpoints,
		TLS:       o.TLS,
		Logger:    zap.New(slogCore{log: o.Log}),
		Context:   context.WithoutCancel(ctx),
	})
	if err != nil {
		return nil, fmt.Errorf("etcd at %s: %w", strings.Join(o.Endpoints, ", "), err)
	}
	if _, err := client.Get(ctx, root); err != nil {
		_ = client.Close()
		return nil, fmt.Errorf("etcd at %s does not answer: %w", strings.Join(o.Endpoints, ", "), err)
	}
	return &etcd{client: client}, nil
}

func path(bucket, key string) string { return root + bucket + "/" + key }

func (e *etcd) get(ctx context.Context, bucket, key string) (Record, error) {
	r, err := e.client.Get(ctx, path(bucket, key))
	if err != nil {
		return Record{}, err
	}
	if len(r.Kvs) == 0 {
		return Record{Key: key}, nil
	}
	return Record{Key: key, Value: r.Kvs[0].Value, Version: uint64(r.Kvs[0].ModRevision)}, nil
}

func (e *etcd) list(ctx context.Context, bucket string, values bool) ([]Record, error) {
	prefix := path(bucket, "")
	options := []clientv3.OpOption{clientv3.WithPrefix(), clientv3.WithSort(clientv3.SortByKey, clientv3.SortAscend)}
	if !values {
		options = append(options, clientv3.WithKeysOnly())
	}
	r, err := e.client.Get(ctx, prefix, options...)
	if err != nil {
		return nil, err
	}
	var rs []Record
	for _, kv := range r.Kvs {
		rs = append(rs, Record{
			Key: strings.TrimPrefix(string(kv.Key), prefix), Value: kv.Value, Version: uint64(kv.ModRevision),
		})
	}
	return rs, nil
}

func (e *etcd) commit(ctx context.Context, ops []Op) error {
	var conditions []clientv3.Cmp
	var changes []clientv3.Op
	for _, op := range ops {
		key := path(op.bucket, op.key)
		switch op.kind {
		case opIs:
			conditions = append(conditions, clientv3.Compare(clientv3.ModRevision(key), "=", int64(op.version)))
		case opPut:
			changes = append(changes, clientv3.OpPut(key, string(op.value)))
		case opDelete:
			changes = append(changes, clientv3.OpDelete(key))
		}
	}
	r, err := e.client.Txn(ctx).If(conditions...).Then(changes...).Commit()
	if err != nil {
		return err
	}
	if !r.Succeeded {
		return ErrConflict
	}
	return nil
}

// compact drops the history of the embedded member. The history of a cluster
// belongs to those who run it.
func (e *etcd) compact(ctx context.Context) error {
	if e.stop == nil {
		return nil
	}
	r, err := e.client.Get(ctx, root, clientv3.WithCountOnly())
	if err != nil {
		return err
	}
	_, err = e.client.Compact(ctx, r.Header.Revision)
	return err
}

func (e *etcd) close() error {
	err := e.client.Close()
	if e.stop != nil {
		e.stop()
		return nil // the client that is a function call has nothing to close
	}
	return err
}
