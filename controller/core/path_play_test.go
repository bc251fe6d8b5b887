package core

import (
	"fmt"
	"strings"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/controller/comply"
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
//	drift NODE OBJECT-IN-WORDS [behind] [restored], drift NODE restored
func (s *stage) doSight(args []string) ([]string, bool) {
	switch args[0] {
	case "path", "leak", "drift":
	case "all": // all PATH WORD ...: both ends of a path say so
		var out []string
		for _, end := range []string{"a", "d"} {
			words, _ := s.doSight(append([]string{"path", end}, args[1:]...))
			out = append(out, words...)
		}
		return out, true
	case "characteristics":
		return s.characteristics(strings.Join(args[1:], "")), true
	case "availability":
		return s.availability(args[1]), true
	case "pass": // time passes, unseen
		d, err := time.ParseDuration(args[1])
		if err != nil {
			s.t.Fatal(err)
		}
		s.now = s.now.Add(d)
		return nil, true
	case "alive": // the controller was surely there now
		s.alive = s.now
		return nil, true
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
		object, behind := strings.CutSuffix(strings.TrimSpace(object), " behind")
		d := nodecfg.Drift{Object: object, Change: "deleted", By: "ip (4711)", At: s.now}
		if behind { // the node's clock is
			d.At = d.At.Add(-time.Hour)
		}
		if restored {
			d.Restored = d.At.Add(5 * time.Millisecond)
		} else {
			d.Kept = "the guard only tells"
		}
		a.sight.drifts = append(a.sight.drifts, d)
	}
	return s.report(args[1]), true
}

// characteristics are what is known of each intent, one a line: those that hold
// in one line together.
func (s *stage) characteristics(name string) (out []string) {
	for _, i := range s.core.View(s.now).Intents {
		if name != "" && name != i.Spec.Name {
			continue
		}
		var hold []string
		for _, c := range i.Characteristics {
			if c.Status == comply.Satisfied {
				hold = append(hold, c.Characteristic)
				continue
			}
			out = append(out, fmt.Sprintf("%s %s %s declared=%q measured=%q cause=%s since=%s", i.Spec.Name, c.Characteristic, c.Status, c.Declared, c.Measured, c.Cause, s.now.Sub(c.Since)))
		}
		out = append(out, fmt.Sprintf("%s %s; satisfied: %s", i.Spec.Name, comply.Overall(i.Characteristics).Status, strings.Join(hold, " ")))
	}
	return out
}

// availability is how long each characteristic had which status.
func (s *stage) availability(name string) (out []string) {
	for _, l := range s.core.Ledgers(s.now, name) {
		for _, m := range l.Months {
			for _, c := range sortedKeys(m.Spent) {
				line := m.Month + " " + c
				for _, status := range comply.Statuses {
					if ms := m.Spent[c][status]; ms > 0 {
						line += fmt.Sprintf(" %s=%s", status, time.Duration(ms)*time.Millisecond)
					}
				}
				out = append(out, line)
			}
		}
	}
	return out
}
