package routers

import (
	"log/slog"
	"time"
)

// mostFaults are logged of one peer within a minute: a router with a bug must
// not fill a disk.
const mostFaults = 10

// limiter logs what is wrong with what peers say.
type limiter struct {
	log   *slog.Logger
	peers map[string]*logged
}

type logged struct {
	from   time.Time // of the minute
	lines  int
	silent int // not logged
}

func newLimiter(log *slog.Logger) *limiter { return &limiter{log: log, peers: map[string]*logged{}} }

// warn logs a fault, unless there were too many.
func (l *limiter) warn(at time.Time, peer, text string) {
	p := l.peer(peer)
	if age := at.Sub(p.from); age >= time.Minute || age < 0 {
		l.flush(peer)
		p.from, p.lines = at, 0
	}
	if p.lines >= mostFaults {
		p.silent++
		return
	}
	p.lines++
	l.log.Warn("a BGP peer says something wrong", "peer", peer, "fault", text)
}

// more counts faults without a text.
func (l *limiter) more(peer string, faults int) { l.peer(peer).silent += faults }

// flush says how many faults were not logged.
func (l *limiter) flush(peer string) {
	if p := l.peer(peer); p.silent > 0 {
		l.log.Warn("a BGP peer said more that is wrong", "peer", peer, "faults", p.silent)
		p.silent = 0
	}
}

func (l *limiter) peer(name string) *logged {
	p := l.peers[name]
	if p == nil {
		p = &logged{}
		l.peers[name] = p
	}
	return p
}
