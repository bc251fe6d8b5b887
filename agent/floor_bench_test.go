package agent

import (
	"slices"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/internal/testnet"
	"github.com/keiro-net/keiro/agent/nodecfg"
)

// BenchmarkFloorSilence is how long packets still leave after a floor was
// violated, with a flow of about 5,000 packets a second and the real kernel:
// from the word that the lanes are closed, and from a Config that takes
// encryption away, to the last packet that the kernel took, over 200 of each.
// None of them is in the clear.
func BenchmarkFloorSilence(b *testing.B) {
	for _, by := range []struct {
		what    string
		violate func(l *liar)
		mend    func(l *liar)
	}{
		{"lanes closed", func(l *liar) { l.agent.lanes.say() }, func(l *liar) { l.agent.lanes.say("gold/0", "gold/1") }},
		{"config", func(l *liar) { l.agent.in <- nodecfg.ToAgent{Config: l.config(lies[0].tell)} },
			func(l *liar) { l.send(func(*nodecfg.Config) {}) }},
	} {
		b.Run(by.what, func(b *testing.B) {
			const violations = 200
			l := newLiar(b)
			var took []time.Duration
			for b.Loop() {
				for range violations {
					by.mend(l)
					took = append(took, silenced(b, l, by.violate))
				}
			}
			l.silent("in the end")
			slices.Sort(took)
			for name, at := range map[string]int{"ms/p50": 50, "ms/p99": 99, "ms/worst": 100} {
				b.ReportMetric(float64(took[(len(took)*at+99)/100-1].Microseconds())/1000, name)
			}
		})
	}
}

// silenced is how long packets are taken after a violation.
func silenced(b *testing.B, l *liar, violate func(*liar)) time.Duration {
	f := l.flows[0]
	f.arrives(b, "through the lane")
	p := f.pour(b, 100*time.Microsecond)
	testnet.Eventually(b, "packets to leave", func() bool { return p.taken.Load() > 10 })
	began := time.Since(p.began)
	violate(l)
	testnet.Eventually(b, "silence", func() bool { return p.refused.Load() > 100 })
	p.stop()
	for len(l.agent.out) > 0 {
		<-l.agent.out
	}
	return max(time.Duration(p.lastTaken.Load())-began, 0)
}
