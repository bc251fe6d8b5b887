package core

import (
	"strings"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// What agents see of paths, in plays.

// fakeSight is what an agent says of paths, leaks and drifts.
type fakeSight struct {
	paths  map[string]nodecfg.PathState
	leaks  []nodecfg.Leak
	drifts []nodecfg.Drift
}

func (f *fakeSight) report(r *nodecfg.Report) {
	if f == nil {
		return
	}
	for _, name := range sortedKeys(f.paths) {
		r.Paths = append(r.Paths, f.paths[name])
	}
	r.Leaks, r.Drifts = f.leaks, f.drifts
}

// doSight knows the commands about what agents see:
//
//	path NODE NAME up|down [delay=beyond] [loss=within] [way=deviates:WHERE]
//	leak NODE INTENT LINK KIND, leak NODE none
//	drift NODE OBJECT-IN-WORDS [restored], drift NODE restored
func (s *stage) doSight(args []string) ([]string, bool) {
	switch args[0] {
	case "path", "leak", "drift":
	default:
		return nil, false
	}
	a := s.agents[args[1]]
	if a.sight == nil {
		a.sight = &fakeSight{paths: map[string]nodecfg.PathState{}}
	}
	switch args[0] {
	case "path":
		p := nodecfg.PathState{Name: args[2], State: nodecfg.PathUp(args[3]), RTTUS: 9000, Changed: s.now}
		if p.State == nodecfg.Down {
			p.Cause = nodecfg.DownByProbe
		}
		for _, word := range args[4:] {
			switch key, value, _ := strings.Cut(word, "="); key {
			case "delay":
				p.Delay, p.There = value, nodecfg.Measured{Packets: 10, DelayUS: 8000, Synced: true}
			case "loss":
				p.Loss, p.Back = value, nodecfg.Measured{Packets: 1000, LossPPM: 10_000}
			case "way":
				p.Way, p.Deviation, _ = strings.Cut(value, ":")
			}
		}
		a.sight.paths[p.Name] = p
	case "leak":
		a.sight.leaks = nil
		if len(args) > 3 {
			a.sight.leaks = []nodecfg.Leak{{Intent: args[2], Link: args[3], Kind: args[4], Seen: 1, First: s.now, Last: s.now, Packet: "IPv4 10.1.0.1 > 10.4.0.1"}}
		}
	case "drift":
		what := strings.Join(args[2:], " ")
		object, restored := strings.CutSuffix(what, "restored")
		if object == "" {
			last := &a.sight.drifts[len(a.sight.drifts)-1]
			last.Restored, last.Kept = s.now, ""
			break
		}
		s.now = s.now.Add(time.Millisecond)
		d := nodecfg.Drift{Object: strings.TrimSpace(object), Change: "deleted", By: "ip (4711)", At: s.now}
		if restored {
			d.Restored = s.now.Add(5 * time.Millisecond)
		} else {
			d.Kept = "the guard only tells"
		}
		a.sight.drifts = append(a.sight.drifts, d)
	}
	return s.report(args[1]), true
}
