package guard

import (
	"fmt"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// Whoever changes an object again and again has a reason, or is another
// program that believes the object its own. After so many changes in so long the
// object is put back ever more seldom, and never given up.
const (
	rounds = 5
	bout   = 10 * time.Second

	pauseFirst = time.Second
	pauseMost  = time.Minute
)

// fight is about one object.
type fight struct {
	times []time.Time // of the latest changes, at most rounds
	by    string
	pause time.Duration // 0: it is none yet
	until time.Time     // it is left alone
}

// maxFights bounds the objects whose changes are counted.
const maxFights = 10000

// struggle notes that somebody has changed an object that was right.
func (l *Ledger) struggle(now time.Time, key nodecfg.Object, by string) {
	if l.fights == nil {
		l.fights = make(map[nodecfg.Object]*fight)
	}
	f := l.fights[key]
	if f == nil {
		if len(l.fights) >= maxFights {
			return
		}
		f = &fight{}
		l.fights[key] = f
	}
	if by != "" {
		f.by = by
	}
	f.times = append(f.times, now)
	if len(f.times) > rounds {
		f.times = f.times[1:]
	}
	switch {
	case f.pause > 0:
		f.pause = min(2*f.pause, pauseMost)
	case len(f.times) == rounds && now.Sub(f.times[0]) <= bout:
		f.pause = pauseFirst
	default:
		return
	}
	f.until = now.Add(f.pause)
	if l.paused == nil {
		l.paused = make(map[nodecfg.Object]*fight)
	}
	l.paused[key] = f
}

// peace forgets the fights that nobody goes on with.
func (l *Ledger) peace(now time.Time) {
	for k, f := range l.fights {
		if l.open[k] == nil && now.Sub(f.times[len(f.times)-1]) > max(bout, 3*f.pause) {
			delete(l.fights, k)
			delete(l.paused, k)
		}
	}
}

// Fight says why an object is left alone for now; "" it is not.
func (l *Ledger) Fight(now time.Time, key nodecfg.Object) string {
	f := l.paused[key]
	if f == nil || !now.Before(f.until) {
		return ""
	}
	by := f.by
	if by == "" {
		by = "the kernel does not tell who"
	}
	return fmt.Sprintf("somebody fights for it (%s): it was changed %d times within %s, so it is put back again only every %s",
		by, rounds, bout, f.pause)
}

// Next is when the first of the objects is to be put back that were left alone
// at a time; zero: there is none.
func (l *Ledger) Next(at time.Time) time.Time {
	var next time.Time
	for k, f := range l.paused {
		if l.open[k] != nil && f.until.After(at) && (next.IsZero() || f.until.Before(next)) {
			next = f.until
		}
	}
	return next
}
