package probe

import (
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/probe/gauge"
)

// bounds judges a path by the probes that go there and back, which say of the
// slower direction that it takes half of the round trip at least and all of it
// at most, and of the lossier one likewise.
type bounds struct {
	maxDelay time.Duration
	maxLoss  int64
	delay    gauge.Delay
	// more is beyond when the loss of both directions is more than both may
	// have, less within when it is no more than one may have.
	more, less gauge.Loss
}

func (b *bounds) set(maxDelay time.Duration, maxLossPPM int64) {
	if b.maxDelay != maxDelay {
		b.maxDelay, b.delay = maxDelay, gauge.Delay{}
	}
	if b.maxLoss != maxLossPPM {
		b.maxLoss = maxLossPPM
		b.more, b.less = gauge.Loss{}, gauge.Loss{}
		if maxLossPPM > 0 {
			b.more, b.less = gauge.NewLoss(2*maxLossPPM), gauge.NewLoss(maxLossPPM)
		}
	}
}

// trip takes in the round trip of a probe.
func (b *bounds) trip(rtt, at time.Duration) {
	if b.maxDelay > 0 {
		b.delay.Add(gauge.Of(rtt/2, rtt, b.maxDelay), at)
	}
}

// packet takes in whether a probe came home.
func (b *bounds) packet(lost bool) {
	if b.maxLoss > 0 {
		b.more.Add(lost)
		b.less.Add(lost)
	}
}

func (b *bounds) loss() string {
	switch {
	case b.more.Verdict() == nodecfg.Beyond:
		return nodecfg.Beyond
	case b.less.Verdict() == nodecfg.Within:
		return nodecfg.Within
	}
	return ""
}
