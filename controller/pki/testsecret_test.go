package pki

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/controller/store"
)

// TestOneTestSecret: two controllers on one store have one secret, two fleets have
// two, and a damaged one is not used.
func TestOneTestSecret(t *testing.T) {
	ctx := context.Background()
	kept := store.Memory()
	first, err := TestSecret(ctx, kept)
	again, err2 := TestSecret(ctx, kept)
	if err != nil || err2 != nil || len(first) != secretLen || !bytes.Equal(first, again) {
		t.Errorf("%d and %d bytes, %v, %v", len(first), len(again), err, err2)
	}
	if other, err := TestSecret(ctx, store.Memory()); err != nil || bytes.Equal(first, other) {
		t.Errorf("another fleet: the same %v, %v", bytes.Equal(first, other), err)
	}
	if err := kept.Commit(ctx, store.Put(secretBucket, secretKey, first[:5])); err != nil {
		t.Fatal(err)
	}
	if _, err := TestSecret(ctx, kept); err == nil || !strings.Contains(err.Error(), "5 bytes") {
		t.Errorf("damaged: %v", err)
	}
}
