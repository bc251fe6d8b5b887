package vector

import (
	"crypto/sha256"
	"testing"
	"time"

	"github.com/cloudflare/circl/kem/xwing"
)

// TestSettle: hashing after a call into circl is as fast as without it. It
// takes the best of many, and ten times is far from the ninety that were
// measured, so a busy machine does not matter.
func TestSettle(t *testing.T) {
	key, seed, data := make([]byte, xwing.PublicKeySize), make([]byte, xwing.EncapsulationSeedSize), make([]byte, 4096)
	_, public := xwing.DeriveKeyPair(make([]byte, xwing.SeedSize))
	public.Pack(key)
	best := func(before func()) time.Duration {
		least := time.Hour
		for range 200 {
			before()
			start := time.Now()
			sha256.Sum256(data)
			least = min(least, time.Since(start))
		}
		return least
	}
	plain := best(Settle)
	after := best(func() {
		if _, _, err := xwing.Encapsulate(key, seed); err != nil {
			t.Fatal(err)
		}
		Settle()
	})
	if after > 10*plain {
		t.Errorf("4 kB take %v, after circl %v", plain, after)
	}
}

func BenchmarkSettle(b *testing.B) {
	for b.Loop() {
		Settle()
	}
}
