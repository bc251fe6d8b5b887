package probe

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// TestJudgePlays performs testdata/judge: a line is a time and an event, and
// after the arrow what came of it.
func TestJudgePlays(t *testing.T) {
	plays, err := filepath.Glob("testdata/judge/*.txt")
	if err != nil || len(plays) == 0 {
		t.Fatalf("no plays: %v", err)
	}
	for _, file := range plays {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var j *judge
			for i, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
				event, want, _ := strings.Cut(line, "->")
				if strings.HasPrefix(event, "#") {
					continue
				}
				got, err := perform(&j, strings.Fields(event))
				if err != nil {
					t.Fatalf("%s:%d: %v", file, i+1, err)
				}
				if got != strings.TrimSpace(want) {
					t.Errorf("%s:%d: %s: got %q", file, i+1, line, got)
				}
			}
		})
	}
}

func perform(j **judge, words []string) (string, error) {
	if words[0] == "rule" {
		*j = &judge{state: nodecfg.CannotTell}
		var interval string
		if _, err := fmt.Sscanf(strings.Join(words[1:], " "), "lost=%d back=%d interval=%s", &(*j).lost, &(*j).back, &interval); err != nil {
			return "", err
		}
		d, err := time.ParseDuration(interval)
		(*j).interval = d
		return "", err
	}
	at, err := time.ParseDuration(words[0])
	if err != nil {
		return "", err
	}
	before := (*j).state
	var out []string
	switch words[1] {
	case "send":
		(*j).leave(at)
	case "refuse":
		(*j).refuse()
	case "expire":
		if n := (*j).expire(at); n > 0 {
			out = append(out, fmt.Sprint("lost ", n))
		}
	case "answer":
		var sequence uint32
		var text string
		if _, err := fmt.Sscanf(strings.Join(words[2:], " "), "%d rtt=%s", &sequence, &text); err != nil {
			return "", err
		}
		rtt, err := time.ParseDuration(text)
		if err != nil {
			return "", err
		}
		if !(*j).answer(sequence, rtt) {
			out = append(out, "not awaited")
		}
	default:
		return "", fmt.Errorf("no such event: %s", words[1])
	}
	if (*j).state != before {
		out = append(out, string((*j).state))
	}
	return strings.Join(out, ", "), nil
}

// TestJudgeKeepsItsWord drives a judge through a network that loses, delays,
// doubles and reorders, and holds every change of state against the record of
// what became of the probes.
func TestJudgeKeepsItsWord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		j := judge{
			state:    nodecfg.CannotTell,
			interval: time.Duration(rapid.IntRange(1, 50).Draw(t, "interval")) * time.Millisecond,
			lost:     rapid.IntRange(1, 5).Draw(t, "lost"),
			back:     rapid.IntRange(1, 5).Draw(t, "back"),
			next:     rapid.Uint32().Draw(t, "first"), // across 2^32 as well
		}
		var now time.Duration
		var losses, answers int // the record, in a row
		answered := map[uint32]bool{}
		var lastAnswer uint32
		first, sent := j.next, uint32(0)
		for range rapid.IntRange(1, 300).Draw(t, "events") {
			now += time.Duration(rapid.IntRange(0, 60_000).Draw(t, "us")) * time.Microsecond
			before, srtt := j.state, j.rtt
			switch rapid.SampledFrom([]string{"send", "send", "answer", "answer", "expire", "refuse"}).Draw(t, "event") {
			case "send":
				j.leave(now)
				sent++
			case "refuse":
				j.refuse()
				losses, answers = losses+1, 0
			case "expire":
				n := j.expire(now)
				if losses += n; n > 0 {
					answers = 0
				}
				if at, ok := j.deadline(); ok && at <= now {
					t.Fatalf("expire(%v) left a probe whose deadline is %v", now, at)
				}
			case "answer":
				s := first + rapid.Uint32Range(0, sent+1).Draw(t, "sequence")
				rtt := time.Duration(rapid.Int64Range(-1e9, 1e10).Draw(t, "rtt"))
				if !j.answer(s, rtt) {
					if j.state != before || j.rtt != srtt {
						t.Fatalf("an answer that nobody awaited changed %v to %v", before, j.state)
					}
					continue
				}
				if s-first >= sent || answered[s] {
					t.Fatalf("answer to %d taken: never sent, or answered before", s)
				}
				if losses = 0; answers > 0 && s != lastAnswer+1 {
					answers = 0
				}
				answers++
				answered[s], lastAnswer = true, s
			}
			switch {
			case j.state == before:
			case j.state == nodecfg.Down && losses < j.lost:
				t.Fatalf("down after %d losses in a row of %d", losses, j.lost)
			case j.state == nodecfg.Up && answers < j.back:
				t.Fatalf("up after %d answers in a row of %d", answers, j.back)
			case j.state == nodecfg.CannotTell:
				t.Fatalf("%s became unknown", before)
			}
			if losses >= j.lost && j.state != nodecfg.Down {
				t.Fatalf("%s after %d losses in a row of %d", j.state, losses, j.lost)
			}
		}
	})
}

// TestJudgeIsSteadyAndQuick: on a path with any round trip below a second
// nothing is ever lost, and a cut is noticed in the time that the package
// comment promises.
func TestJudgeIsSteadyAndQuick(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		interval := time.Duration(rapid.IntRange(1, 100).Draw(t, "interval")) * time.Millisecond
		rtt := time.Duration(rapid.IntRange(1, 900_000).Draw(t, "rtt")) * time.Microsecond
		jitter := int(min(interval, leastPatience) / 4)
		j := judge{state: nodecfg.CannotTell, interval: interval, lost: rapid.IntRange(1, 5).Draw(t, "lost"), back: 3}
		type home struct {
			at, rtt time.Duration
			s       uint32
		}
		var under []home
		deliver := func(now time.Duration) {
			for len(under) > 0 && under[0].at <= now {
				j.answer(under[0].s, under[0].rtt)
				under = under[1:]
			}
			if n := j.expire(now); n > 0 {
				t.Fatalf("%d lost at %v, patience %v", n, now, j.patience())
			}
		}
		now := time.Duration(0)
		for i := range uint32(rtt/interval) + 200 {
			deliver(now)
			took := rtt + time.Duration(rapid.IntRange(0, jitter).Draw(t, "jitter"))
			j.leave(now)
			under = append(under, home{now + took, took, i})
			now += interval
		}
		deliver(now)
		if j.state != nodecfg.Up {
			t.Fatalf("%s after 200 answers", j.state)
		}
		// Cut: from now on nothing leaves, and what is under way is gone.
		cut, most := now, time.Duration(j.lost)*interval+j.patience()
		for j.state == nodecfg.Up {
			j.expire(now)
			if j.state == nodecfg.Up && now%interval == 0 {
				j.leave(now)
			}
			if now-cut > most {
				t.Fatalf("still up %v after the cut, promised %v", now-cut, most)
			}
			now += time.Millisecond
		}
	})
}
