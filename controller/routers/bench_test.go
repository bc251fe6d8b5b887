package routers

import (
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/keiro-net/keiro/bgp/ls"
	"github.com/keiro-net/keiro/bgp/lsdb"
	"github.com/keiro-net/keiro/bgp/lsdb/lsdbtest"
	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/controller/compile"
	"github.com/keiro-net/keiro/controller/core"
	"github.com/keiro-net/keiro/controller/live"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve"
	"github.com/keiro-net/keiro/topology"
)

// brain is a Core that is fed, and a solver that answers at once.
type brain struct {
	mu        sync.Mutex
	core      *core.Core
	views     int
	questions int
	stepping  time.Duration
	answer    *pathspec.Answer // newest of the one intent
	live      *live.Result
	told      bool
}

func newBrain(declared *topology.Topology, peers []core.PeerState) *brain {
	b := &brain{core: core.New(core.Params{WaitToRestore: time.Second, Settle: time.Hour, Gather: time.Hour, AgentLost: time.Hour})}
	ends := declared.Entries[0]
	intents := []pathspec.Intent{{Name: "one", From: declared.Nodes[ends.A].Name, To: declared.Nodes[ends.B].Name, Require: pathspec.Require{Multiplicity: 2}}}
	ids, err := compile.Allocate(compile.IDs{}, declared, intents)
	if err != nil {
		panic(err)
	}
	b.step(core.Started{Spec: core.Spec{Generation: 1, Topology: declared, Intents: intents, IDs: ids}, BGP: peers})
	return b
}

func (b *brain) step(event core.Event) {
	for _, effect := range b.core.Step(time.Now(), event) {
		if q, is := effect.(core.Solve); is {
			b.questions++
			s := solve.Solve(solve.Input{Topology: q.Spec.Topology.Without(q.Outage), Intents: q.Spec.Intents, PathsOnly: true})
			b.step(core.Solved{Seq: q.Seq, Solution: s})
			b.answer = &s.Intents[0]
		}
	}
}

func (b *brain) feed(events []core.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	began := time.Now()
	for _, event := range events {
		switch e := event.(type) {
		case core.Learned:
			b.views++
			b.live = e.Joined
		case core.PeersChanged:
			b.told = e.Peers[0].Told
		}
		b.step(event)
	}
	b.stepping += time.Since(began)
}

// world is what a speaker says, as UPDATEs too, and what an operator has declared
// of it: nodes and links, and nothing else.
func world(t testing.TB, nodes, links int) (feed []lsdbtest.Object, octets []byte, declared *topology.Topology) {
	feed = lsdbtest.Feed(nodes, 2*links)
	db := lsdb.New()
	for _, o := range feed {
		if err := db.Reach("rr", o.NLRI, o.Attribute, lsdbtest.Start); err != nil {
			t.Fatal(err)
		}
		octets = appendObject(t, octets, o.NLRI, o.Attribute, false)
	}
	declared = live.Learned("declared", db.View())
	for n := range declared.Nodes {
		declared.Nodes[n].NoAgent, declared.Nodes[n].Steering = true, topology.ByBGP
	}
	for l := range declared.Links {
		declared.Links[l].Capacity, declared.Links[l].Delay = topology.Attr[topology.Bandwidth]{}, topology.Attr[topology.Delay]{}
	}
	if len(declared.Nodes) != nodes || len(declared.Entries) != links {
		t.Fatalf("%d nodes, %d links", len(declared.Nodes), len(declared.Entries))
	}
	return feed, octets, declared
}

// BenchmarkFeed is a cold session with a full feed, from the first octet of the
// UPDATEs, one each, to the paths of an intent over what was learned. A link is
// two Link NLRIs with all that can be said of them.
func BenchmarkFeed(b *testing.B) {
	for _, size := range []struct{ nodes, links int }{{1000, 7000}, {10000, 70000}} {
		b.Run(fmt.Sprintf("nodes=%d/links=%d", size.nodes, size.links), func(b *testing.B) {
			_, octets, declared := world(b, size.nodes, size.links)
			b.SetBytes(int64(len(octets)))
			var most, kept uint64
			var views int
			cpu := processor{}
			for b.Loop() {
				b.StopTimer()
				runtime.GC()
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				rr, peer := newRobot(b, "rr", "127.0.0.2", message.LinkState)
				brain := newBrain(declared, []core.PeerState{{Name: "rr"}})
				cfg := Config{Topology: func() *topology.Topology { return declared }, Log: slog.New(slog.DiscardHandler)}
				_, stop := run(b, cfg, brain.feed, peer)
				rr.greet()
				peak := sample(before.HeapAlloc)
				cpu.start()
				b.StartTimer()
				rr.write(octets)
				rr.ends()
				eventually(b, "a path", func() string {
					brain.mu.Lock()
					defer brain.mu.Unlock()
					return missing(brain.told && brain.answer != nil && brain.answer.Status == pathspec.Satisfied)
				})
				b.StopTimer()
				cpu.stop()
				most = max(most, peak())
				runtime.GC()
				runtime.ReadMemStats(&after)
				kept = max(kept, after.HeapAlloc-min(before.HeapAlloc, after.HeapAlloc))
				views = max(views, brain.views)
				if brain.questions != 1 || len(brain.live.Out) > 0 {
					b.Fatalf("%d questions, %d links out", brain.questions, len(brain.live.Out))
				}
				stop()
				b.StartTimer()
			}
			b.ReportMetric(cpu.least.Seconds(), "least-cpu-s")
			b.ReportMetric(float64(most)/1e6, "peak-MB")
			b.ReportMetric(float64(kept)/1e6, "kept-MB")
			b.ReportMetric(float64(views), "views")
		})
	}
}

// processor is the time that the processor spent on this process: with others on
// the machine the clock says little.
type processor struct{ began, least time.Duration }

func (p *processor) start() { p.began = used() }

func (p *processor) stop() {
	if took := used() - p.began; p.least == 0 || took < p.least {
		p.least = took
	}
}

func used() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// sample looks how much memory is in use, until the most is asked for.
func sample(before uint64) (most func() uint64) {
	stop, done := make(chan struct{}), make(chan uint64)
	go func() {
		var peak uint64
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapAlloc-min(before, m.HeapAlloc))
			select {
			case <-tick.C:
			case <-stop:
				done <- peak
				return
			}
		}
	}()
	return func() uint64 { close(stop); return <-done }
}

// BenchmarkStorm is 5,000 of 14,000 halves of links that change within a second,
// until the last state of each is known to the Core.
func BenchmarkStorm(b *testing.B) {
	const nodes, links, changes = 1000, 7000, 5000
	feed, octets, declared := world(b, nodes, links)
	rr, peer := newRobot(b, "rr", "127.0.0.2", message.LinkState)
	brain := newBrain(declared, []core.PeerState{{Name: "rr"}})
	_, stop := run(b, Config{Topology: func() *topology.Topology { return declared }, Log: slog.New(slog.DiscardHandler)}, brain.feed, peer)
	defer stop()
	rr.greet()
	rr.write(octets)
	rr.ends()
	eventually(b, "a path", func() string {
		brain.mu.Lock()
		defer brain.mu.Unlock()
		return missing(brain.told && brain.answer != nil)
	})
	halves := feed[3*nodes:]
	brain.views, brain.questions = 0, 0
	round := 0
	cpu := processor{}
	for b.Loop() {
		round++
		b.StopTimer()
		chunks := make([][]byte, 50) // of 20 ms
		want := map[string]int64{}   // metric of the link, by name
		for n := range changes {
			o := halves[(2*n)%len(halves)] // one half of 5,000 links
			a := *o.Attribute.(*ls.LinkAttribute)
			metric := uint32(20 + (n+round)%1000)
			a.TEDefaultMetric = ls.Some(metric)
			a.Applications = slices.Clone(a.Applications)
			a.Applications[0].TEDefaultMetric = ls.Some(metric) // what counts for SR Policy (RFC 9294)
			want[o.NLRI.(ls.Link).IPv4Interface.String()] = int64(metric)
			chunks[n*len(chunks)/changes] = appendObject(b, chunks[n*len(chunks)/changes], o.NLRI, &a, false)
		}
		cpu.start()
		b.StartTimer()
		tick := time.NewTicker(time.Second / time.Duration(len(chunks)))
		for _, c := range chunks {
			rr.write(c)
			<-tick.C
		}
		tick.Stop()
		eventually(b, "the last state", func() string {
			brain.mu.Lock()
			defer brain.mu.Unlock()
			t := brain.live.Topology
			for e := range t.Entries {
				for d, at := range []string{t.Entries[e].AAddress.String(), t.Entries[e].BAddress.String()} {
					if metric, changed := want[at]; changed && t.Links[2*e+d].Metric != metric {
						return fmt.Sprintf("link %s has metric %d, not %d", t.Entries[e].Name, t.Links[2*e+d].Metric, metric)
					}
				}
			}
			return ""
		})
		cpu.stop()
	}
	b.ReportMetric(cpu.least.Seconds(), "least-cpu-s")
	b.ReportMetric(float64(brain.views)/float64(round), "views/storm")
	b.ReportMetric(float64(brain.questions)/float64(round), "questions/storm")
	b.ReportMetric(changes, "changes/storm")
}
