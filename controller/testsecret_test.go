package controller

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/controller/store"
)

// TestTestSecret: two controllers on one store have one secret, two fleets have
// two, and a damaged one is not used.
func TestTestSecret(t *testing.T) {
	ctx := context.Background()
	kept := store.Memory()
	first, err := testSecret(ctx, kept)
	again, err2 := testSecret(ctx, kept)
	if err != nil || err2 != nil || len(first) != nodecfg.TestKeyLen || !bytes.Equal(first, again) {
		t.Errorf("%d and %d bytes, %v, %v", len(first), len(again), err, err2)
	}
	if other, err := testSecret(ctx, store.Memory()); err != nil || bytes.Equal(first, other) {
		t.Errorf("another fleet: the same %v, %v", bytes.Equal(first, other), err)
	}
	if err := kept.Commit(ctx, store.Put(secretBucket, secretKey, first[:5])); err != nil {
		t.Fatal(err)
	}
	if _, err := testSecret(ctx, kept); err == nil || !strings.Contains(err.Error(), "5 bytes") {
		t.Errorf("damaged: %v", err)
	}
}
