package way

import (
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// The filter, see the package comment.
const (
	every    = 500 * time.Millisecond
	again    = 150 * time.Millisecond
	patience = time.Second
	window   = 5
	strays   = 2 // of the window
	proofs   = 3 // in a row
)

// judge tells the way of one path from what its probes found.
type judge struct {
	finding           // that stands
	last    []finding // of the window, the oldest first
}

// add takes in what a probe found; one that was lost found nothing.
func (j *judge) add(f finding) {
	if len(j.last) == window {
		j.last = j.last[:copy(j.last, j.last[1:])]
	}
	j.last = append(j.last, f)
	astray, proven, silent := 0, 0, 0
	where, again := "", false
	for _, l := range j.last {
		switch l.way {
		case nodecfg.Deviates:
			where, again = l.deviation, l.deviation == where
			astray, proven, silent = astray+1, 0, 0
		case nodecfg.Proven:
			proven, silent = proven+1, 0
		default:
			proven, silent = 0, silent+1
		}
	}
	switch {
	case astray >= strays:
		if j.way != nodecfg.Deviates || again { // where they go may alternate
			j.finding = finding{nodecfg.Deviates, where}
		}
	case silent >= proofs:
		j.finding = finding{}
	case proven >= proofs && astray == 0:
		j.finding = finding{way: nodecfg.Proven}
	}
}

// doubtful: what was found last is not what stands.
func (j *judge) doubtful() bool {
	return len(j.last) == 0 || j.last[len(j.last)-1].way != j.way
}
