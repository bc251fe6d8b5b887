package collect

import (
	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/controller/api/resource"
)

var (
	pathDelayDesc     = desc("keiro_path_delay_seconds", "Median one-way delay over a path by test packets; absent where the clocks of its ends are not known to agree.", "intent", "path", "headend", "direction")
	pathVariationDesc = desc("keiro_path_delay_variation_seconds", "95th percentile of the one-way delay over a path less the least, by test packets.", "intent", "path", "headend", "direction")
	pathLossDesc      = desc("keiro_path_loss_ratio", "Share of the test packets that a path lost.", "intent", "path", "headend", "direction")
	pathBoundDesc     = desc("keiro_path_within_bound", "Whether a path keeps its bound in both directions, as measured; absent where that cannot be told.", "intent", "path", "headend", "bound")
)

// measured is what test packets say of a path.
func (e emitter) measured(intent string, p *resource.PathStatus) {
	for _, d := range []struct {
		direction string
		m         *resource.Measured
	}{{"there", p.There}, {"back", p.Back}} {
		if d.m == nil {
			continue
		}
		labels := []string{intent, p.Name, p.Headend, d.direction}
		if d.m.DelayUS != nil {
			e.gauge(pathDelayDesc, float64(*d.m.DelayUS)/1e6, labels...)
		}
		e.gauge(pathVariationDesc, float64(d.m.VariationUS)/1e6, labels...)
		e.gauge(pathLossDesc, float64(d.m.LossPPM)/1e6, labels...)
	}
	for _, b := range []struct{ bound, verdict string }{{"delay", p.Delay}, {"loss", p.Loss}} {
		if b.verdict != "" {
			e.gauge(pathBoundDesc, truth(b.verdict == nodecfg.Within), intent, p.Name, p.Headend, b.bound)
		}
	}
}
