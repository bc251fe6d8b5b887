package flow

import (
	"math/rand/v2"
	"testing"
)

// BenchmarkRun is a warm query for two paths; it allocates nothing.
func BenchmarkRun(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	g, cost := random(r, 1739, 4279)
	f := NewFinder(g)
	q := &Query{K: 2, From: make([]int32, 1), To: make([]int32, 1), Cost: cost}
	b.ReportAllocs()
	for b.Loop() {
		q.From[0] = int32(r.IntN(1739))
		q.To[0] = (q.From[0] + 1 + int32(r.IntN(1738))) % 1739
		if _, ok := f.Run(q); ok {
			f.Paths()
		}
	}
}
