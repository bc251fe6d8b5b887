package agent

import (
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// inheritance is how long paths stay as they were found at least.
const inheritance = 3 * time.Second

// inheritanceOf is when probes have told: so many must be answered, or so many
// lost, of which each is given a second as long as the path is not up.
func inheritanceOf(p nodecfg.Probe) time.Duration {
	return max(inheritance, time.Duration(max(p.Lost, p.Back))*p.Interval+2*time.Second)
}

// inherited are the paths that the agent before has left out, as far as probes do
// not say more yet.
type inherited struct {
	paths map[string]bool
	until time.Time
}

// sooner is the time, or that to let go if it is earlier.
func (h *inherited) sooner(at time.Time) time.Time {
	if h.paths != nil && h.until.Before(at) {
		return h.until
	}
	return at
}

// inherit notes the paths that the agent before has left out: it knew that they are
// down, and its kernel state is all that is left of that. Until probes say more
// they stay so, or each start of an agent would send packets into the failure
// that was repaired. It is called with the first listing of this life.
func (l *loop) inherit() {
	if l.cfg == nil || l.cfg.Probe.Interval <= 0 {
		return // nobody will say more
	}
	l.inherited = inherited{l.cfg.Absent(l.have), time.Now().Add(inheritanceOf(l.cfg.Probe))}
	for i := range l.cfg.Policies {
		for _, p := range l.cfg.Policies[i].Paths {
			if p.Unprobed != "" {
				delete(l.inherited.paths, p.Name)
			}
		}
	}
}

// disinherit lets go when the time is over.
func (l *loop) disinherit() {
	if l.inherited.paths != nil && !time.Now().Before(l.inherited.until) {
		l.inherited.paths = nil
		l.steer()
	}
}
