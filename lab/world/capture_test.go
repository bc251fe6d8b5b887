package world_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/lab"
	"github.com/keiro-net/keiro/lab/sight"
)

// capture watches every cable of a world and judges every frame by the promise
// that held when it was sent.
type capture struct {
	c      *cloud
	tap    *lab.Tap
	ended  chan struct{}
	done   chan struct{}
	intent string

	mu       sync.Mutex
	promises []promise // by time
	act      string    // what is going on
	seen     map[sight.Verdict]int
	at       time.Time // the last frame
	// strayed are the hops that lanes took while they were moving and that
	// were not theirs before: judged when it is known where they went.
	strayed map[stray]*strayed
	broken  []string // the first ones
	failed  error
}

type promise struct {
	since time.Time
	// A lane that is moving may take the hops of its new way too.
	moving bool
	sight.Promise
}

type stray struct {
	lane sight.Lane
	hop  sight.Hop
}

type strayed struct {
	frames int
	first  string
}

type ways = map[sight.Lane]map[sight.Hop]bool

// capture begins with no promise at all.
func (c *cloud) capture(intent string) *capture {
	c.t.Helper()
	tap, err := c.Lab.Tap()
	c.must(err)
	w := &capture{c: c, tap: tap, intent: intent, ended: make(chan struct{}), done: make(chan struct{}),
		promises: []promise{{moving: true}}, seen: map[sight.Verdict]int{}, strayed: map[stray]*strayed{}}
	go w.run()
	c.t.Cleanup(func() {
		close(w.ended)
		<-w.done
		tap.Close()
	})
	return w
}

// hide promises from now on that the traffic between the prefixes of two ends,
// of each family, is never seen in the clear.
func (w *capture) hide(ends [2][2]string) {
	w.promise("hidden", func(p *promise) {
		for n, from := range ends[0] {
			a, b := netip.MustParsePrefix(from), netip.MustParsePrefix(ends[1][n])
			p.Hidden = append(p.Hidden, sight.Selector{From: a, To: b}, sight.Selector{From: b, To: a})
		}
	})
}

// mark promises from now on that the payload of a stream is never seen.
func (w *capture) mark(payload []byte) {
	w.promise("marked", func(p *promise) { p.Marks = append(slices.Clip(p.Marks), payload) })
}

func (w *capture) run() {
	defer close(w.done)
	buf := make([]byte, 1<<16)
	for {
		select {
		case <-w.ended:
			return
		default:
		}
		f, ok, err := w.tap.Next(buf)
		if err != nil {
			w.mu.Lock()
			w.failed = err
			w.mu.Unlock()
			return
		}
		if ok {
			w.judge(f)
		}
	}
}

func (w *capture) judge(f lab.Frame) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = f.At
	n := len(w.promises) - 1
	for n > 0 && f.At.Before(w.promises[n].since) {
		n--
	}
	hop := sight.Hop{Link: f.Link, From: f.From}
	s := w.promises[n].Judge(hop, f.Bytes)
	what := fmt.Sprintf("%s, %s: %s: %s", f.At.Format("15:04:05.000000"), w.act, s.Verdict, s.What)
	if s.Verdict == sight.OffPath && w.promises[n].moving {
		at := stray{s.Lane, hop}
		if w.strayed[at] == nil {
			w.strayed[at] = &strayed{first: what}
		}
		w.strayed[at].frames++
		return
	}
	w.add(s.Verdict, 1, what)
}

func (w *capture) add(v sight.Verdict, frames int, what string) {
	w.seen[v] += frames
	if v.Broken() && len(w.broken) < 20 {
		w.broken = append(w.broken, what)
	}
}

// during does work while lanes may move: from the ways that they have to those
// that they have when everything has settled again, and no other.
func (w *capture) during(act string, work func()) {
	w.c.t.Helper()
	w.promise(act, func(p *promise) { p.moving = true })
	work()
	w.c.settled()
	after := w.ways()
	w.promise("after "+act, func(p *promise) { p.moving, p.Ways = false, after })
	w.caught()
	w.mu.Lock()
	defer w.mu.Unlock()
	for at, frames := range w.strayed {
		verdict := sight.OffPath
		if after[at.lane][at.hop] {
			verdict = sight.OnPath
		}
		w.add(verdict, frames.frames, frames.first)
	}
	clear(w.strayed)
	w.c.t.Logf("%s: so far %v", act, w.seen)
}

// promise changes what must hold from now on. What was sent before is judged
// by what held then, whenever it is read.
func (w *capture) promise(act string, change func(*promise)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.promises[len(w.promises)-1]
	change(&p)
	p.since, w.act = time.Now(), act
	w.promises = append(w.promises, p)
}

// caught waits until what was sent so far is judged: until a frame of now is.
func (w *capture) caught() {
	w.c.t.Helper()
	now := time.Now()
	w.c.await("the capture to catch up", func() error {
		w.mu.Lock()
		defer w.mu.Unlock()
		if !w.at.After(now) {
			return fmt.Errorf("it has come to %s", w.at)
		}
		return nil
	})
}

// count is how many frames there were of a verdict.
func (w *capture) count(of sight.Verdict) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen[of]
}

// verdict returns what broke the promise so far, and demands that nothing was
// missed.
func (w *capture) verdict() []string {
	w.c.t.Helper()
	missed, err := w.tap.Missed()
	w.c.must(err)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.c.must(w.failed)
	if missed > 0 {
		w.c.t.Errorf("the capture missed %d frames", missed)
	}
	broken := w.broken
	w.broken = nil
	return broken
}

// ways are the hops of the intent's lanes in both directions, as the
// controller says, when the agents obey that.
func (w *capture) ways() ways {
	w.c.t.Helper()
	var all ways
	w.c.await("the headends to have the paths that stand", func() error {
		i, err := w.c.Client.Intent(w.c.ctx, w.intent)
		if err != nil {
			return err
		}
		all = ways{}
		for _, p := range i.Status.Paths {
			lane, told := w.c.lanes(p.Headend)[p.Name]
			if told != p.Installed {
				return fmt.Errorf("%s at %s: installed is %t, its agent was told is %t", p.Name, p.Headend, p.Installed, told)
			}
			if !told {
				continue // its link is down, and it may carry nothing
			}
			all[lane] = map[sight.Hop]bool{}
			for n, link := range p.Links {
				all[lane][sight.Hop{Link: link, From: p.Nodes[n]}] = true
			}
		}
		return nil
	})
	return all
}

// config is what the agent of a node was told last.
func (c *cloud) config(node string) *nodecfg.Config {
	c.t.Helper()
	b, err := os.ReadFile(filepath.Join(c.AgentDir(node), "config.json"))
	c.must(err)
	cfg := new(nodecfg.Config)
	c.must(json.Unmarshal(b, cfg))
	return cfg
}

// lanes are those that begin at a node, by path.
func (c *cloud) lanes(node string) map[string]sight.Lane {
	c.t.Helper()
	cfg := c.config(node)
	lanes := map[string]sight.Lane{}
	for i := range cfg.Policies {
		for _, p := range cfg.Policies[i].Paths {
			if p.Lane != nil {
				lanes[p.Name] = sight.Lane{From: nodecfg.LaneAddr(cfg.Locator, p.Lane.ID), To: nodecfg.LaneAddr(p.Tail, p.Lane.ID)}
			}
		}
	}
	return lanes
}
