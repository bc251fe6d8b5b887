package agent

import (
	"slices"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/probe/way"
	"github.com/keiro-net/keiro/agent/rtnl"
)

// Ways finds out whether packets take the links that paths say: a way.Prober.
type Ways interface {
	// Set begins to prove the way of the paths of a Config, and no others.
	Set(cfg *nodecfg.Config)
	// Changes has a token when Ways says something new.
	Changes() <-chan struct{}
	// Ways are those that are known, by name of the path.
	Ways() map[string]way.Way
}

// Samples looks for packets where they should not be: a sample.Sampler.
type Samples interface {
	// Set makes the protected intents of a Config those that are looked for.
	Set(cfg *nodecfg.Config)
	// Changes has a token when Leaks says something new.
	Changes() <-chan struct{}
	// Leaks are sorted by intent, link and kind.
	Leaks() []nodecfg.Leak
}

// prove has what is proven and looked for of a Config.
func (l *loop) prove(cfg *nodecfg.Config) {
	if l.Ways != nil {
		l.Ways.Set(cfg)
	}
	if l.Samples != nil {
		l.Samples.Set(cfg)
	}
}

// sameLeaks says whether two lists tell of the same, how often and when last
// excepted unless times.
func sameLeaks(a, b []nodecfg.Leak, times bool) bool {
	return slices.EqualFunc(a, b, func(x, y nodecfg.Leak) bool {
		if !times {
			x.Seen, x.Last, x.Packet = y.Seen, y.Last, y.Packet
		}
		return x == y
	})
}

// withOAM is what is wanted, less what is not to be had of in-band OAM: it
// carries no packets, so its absence is a fact and no failure.
func (l *loop) withOAM(seen rtnl.Seen) nodecfg.State {
	var mute string
	l.foreign = nil
	switch {
	case seen.NoOAM != nil:
		mute = seen.NoOAM.Error()
	case nodecfg.OAMMissing(l.have, l.want):
		mute = "this kernel does not have it: Linux does since 5.15"
	default:
		mute = nodecfg.OAMForeign(l.have, l.want)
		if mute != "" {
			l.foreign = &nodecfg.ObjectError{Object: "in-band OAM", Error: mute}
		}
	}
	if mute != l.mute && mute != "" {
		l.Log.Warn("no in-band OAM: nobody can tell the way of paths over this node", "why", mute)
	}
	if l.mute = mute; mute == "" {
		return l.want
	}
	return nodecfg.WithoutOAM(l.want)
}
