package agent

import (
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

// withOAM is what is wanted, less what is not to be had of in-band OAM: it
// carries no packets, so its absence is a fact and no failure.
func (l *loop) withOAM(seen rtnl.Seen) nodecfg.State {
	mute := ""
	l.foreign = nil
	switch {
	case seen.NoOAM != nil:
		mute = seen.NoOAM.Error()
	case nodecfg.OAMMissing(l.have, l.want):
		mute = "this kernel does not have it: Linux does since 5.15"
	default:
		if mute = nodecfg.OAMForeign(l.have, l.want); mute != "" {
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
