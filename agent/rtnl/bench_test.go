package rtnl

import (
	"testing"

	"github.com/keiro-net/keiro/agent/internal/testnet"
	"github.com/keiro-net/keiro/agent/nodecfg"
)

// BenchmarkApply adds and deletes routes, BenchmarkObserve lists 1,000.
func BenchmarkApply(b *testing.B) {
	h, err := OpenAt(testnet.New(b).FD)
	if err != nil {
		b.Fatal(err)
	}
	defer h.Close()
	verbs := []nodecfg.Verb{nodecfg.Add, nodecfg.Delete}
	for i := 0; b.Loop(); i++ {
		if err := h.Apply(nodecfg.Op{Verb: verbs[i%2], Object: numbered(1)}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkObserve(b *testing.B) {
	h, err := OpenAt(testnet.New(b).FD)
	if err != nil {
		b.Fatal(err)
	}
	defer h.Close()
	for i := range 1000 {
		if err := h.Apply(nodecfg.Op{Verb: nodecfg.Add, Object: numbered(i)}); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if _, err := h.Observe(nil); err != nil {
			b.Fatal(err)
		}
	}
}
