package pki

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/keiro-net/keiro/controller/store"
)

// Where the secret is kept that the keys of test packets are derived from.
const (
	secretBucket = "secret"
	secretKey    = "test-packets"
	secretLen    = 32
)

// TestSecret is the fleet's secret that the keys of test packets are derived
// from, made by the first controller that asks. The
// controllers of a cluster share it: keys that differ would leave the agents
// without measurements whenever another one leads.
func TestSecret(ctx context.Context, kept *store.Store) ([]byte, error) {
	made := make([]byte, secretLen)
	rand.Read(made) // never fails: crypto/rand
	err := kept.Commit(ctx, store.Is(secretBucket, secretKey, 0), store.Put(secretBucket, secretKey, made))
	if err == nil {
		return made, nil
	}
	if !errors.Is(err, store.ErrConflict) {
		return nil, err
	}
	r, err := kept.Get(ctx, secretBucket, secretKey)
	if err == nil && len(r.Value) != secretLen {
		err = fmt.Errorf("stored %s/%s has %d bytes, not %d: delete it, and the next controller makes another", secretBucket, secretKey, len(r.Value), secretLen)
	}
	return r.Value, err
}
