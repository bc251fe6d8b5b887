package rotate

import (
	"fmt"
	"runtime"
	"testing"
)

// fleet is pairs with so many lanes each, all keyed.
func fleet(pairs, lanes int, crypto func() (Crypto, Crypto)) []*duo {
	duos := make([]*duo, pairs)
	for i := range duos {
		p := Every(DefaultInterval)
		p.Seed = uint64(i)
		a, b := crypto()
		duos[i] = newDuo(p, lanes, a, b)
		duos[i].settle()
		duos[i].rotate()
	}
	return duos
}

func fakes() (Crypto, Crypto) { return fakeCrypto{initiator: true}, fakeCrypto{} }

// BenchmarkRekey is 10,000 lanes that get a new epoch, proven and the old one
// erased, at both ends, on one core.
func BenchmarkRekey(b *testing.B) {
	run := func(b *testing.B, duos []*duo) {
		steps := 0
		for b.Loop() {
			for _, d := range duos {
				before := d.steps
				d.rotate()
				d.erased = d.erased[:0]
				steps += d.steps - before
			}
		}
		b.ReportMetric(float64(steps)/b.Elapsed().Seconds(), "steps/s")
		b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/10000-lanes")
	}
	for _, lanes := range []int{1, 8, 250} {
		b.Run(fmt.Sprintf("fake/%d-lanes-a-pair", lanes), func(b *testing.B) {
			run(b, fleet(10_000/lanes, lanes, fakes))
		})
	}
	for _, lanes := range []int{1, 8} {
		b.Run(fmt.Sprintf("hybrid/%d-lanes-a-pair", lanes), func(b *testing.B) {
			me, peer := realPair(b, 1) // one identity for all: making them is not what is measured
			run(b, fleet(10_000/lanes, lanes, func() (Crypto, Crypto) { return me, peer }))
		})
	}
}

// BenchmarkTick is a step in which nothing is due.
func BenchmarkTick(b *testing.B) {
	d := fleet(1, 8, fakes)[0]
	for b.Loop() {
		d.m[0].Step(d.now, Tick{})
	}
}

// BenchmarkMemory is what the two ends of a pair keep between rotations.
func BenchmarkMemory(b *testing.B) {
	for _, lanes := range []int{1, 8} {
		b.Run(fmt.Sprintf("%d-lanes-a-pair", lanes), func(b *testing.B) {
			var per float64
			for b.Loop() {
				var before, after runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&before)
				duos := fleet(1000, lanes, fakes)
				for _, d := range duos {
					d.queue, d.erased, d.psk = nil, nil, [2]map[Lane]Secret{}
				}
				runtime.GC()
				runtime.ReadMemStats(&after)
				per = float64(after.HeapAlloc-before.HeapAlloc) / 2000
				runtime.KeepAlive(duos)
			}
			b.ReportMetric(per, "B/end")
		})
	}
}
