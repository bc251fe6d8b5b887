package solver

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/controller/compile"
	"github.com/keiro-net/keiro/controller/core"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve"
	"github.com/keiro-net/keiro/topology"
)

// fleet is a Core with its Solver, and agents that say what is down.
type fleet struct {
	core   *core.Core
	ask    func(core.Solve)
	told   chan core.Event // what a Solver tells
	now    time.Time
	spec   core.Spec
	down   map[string]bool
	drains map[core.Drain]bool
	asked  core.Solve
	pushed int
}

func newFleet(topo *topology.Topology, intents []pathspec.Intent, ask func(core.Solve)) *fleet {
	f := &fleet{core: core.New(core.Params{}), now: time.Unix(0, 0), ask: ask, down: map[string]bool{}, drains: map[core.Drain]bool{}}
	f.declare(topo, intents)
	f.step(core.Started{Spec: f.spec})
	for n := range topo.Nodes {
		f.step(core.AgentConnected{Node: topo.Nodes[n].Name})
		f.report(topo.Nodes[n].Name)
	}
	return f
}

// served is a fleet with a Solver that runs until stop.
func served(ctx context.Context, topo *topology.Topology, intents []pathspec.Intent) (f *fleet, stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	told := make(chan core.Event)
	s := New(time.Minute, func(e core.Event) {
		select {
		case told <- e:
		case <-ctx.Done():
		}
	}, slog.New(slog.DiscardHandler))
	done := make(chan struct{})
	go func() { defer close(done); s.Run(ctx) }()
	f = newFleet(topo, intents, s.Ask)
	f.told = told
	return f, func() { cancel(); <-done }
}

func (f *fleet) declare(topo *topology.Topology, intents []pathspec.Intent) {
	ids, err := compile.Allocate(f.spec.IDs, topo, intents)
	if err != nil {
		panic(err)
	}
	f.spec = core.Spec{Generation: f.spec.Generation + 1, Topology: topo, Intents: intents, IDs: ids}
}

// step hands the Solver what the Core asks of it, and has agents obey.
func (f *fleet) step(e core.Event) {
	f.now = f.now.Add(time.Millisecond)
	var pushes []*nodecfg.Config
	for _, effect := range f.core.Step(f.now, e) {
		switch x := effect.(type) {
		case core.Solve:
			f.asked = x
			f.ask(x)
		case core.Push:
			pushes = append(pushes, x.Config)
		}
	}
	f.pushed += len(pushes)
	for _, c := range pushes {
		f.step(core.Reported{Report: nodecfg.Report{Node: c.Node, Revision: c.Revision, Reached: true, Links: f.links(c.Node)}})
	}
}

func (f *fleet) report(node string) {
	f.step(core.Reported{Report: nodecfg.Report{Node: node, Links: f.links(node)}})
}

func (f *fleet) links(node string) (states []nodecfg.LinkState) {
	t := f.spec.Topology
	for e := range t.Entries {
		if entry := &t.Entries[e]; t.Nodes[entry.A].Name == node || t.Nodes[entry.B].Name == node {
			states = append(states, nodecfg.LinkState{Name: entry.Name, Up: !f.down[entry.Name], MTU: 9000})
		}
	}
	return states
}

// set cuts or restores a link; one end tells first.
func (f *fleet) set(link string, down bool) {
	if down {
		f.down[link] = true
	} else {
		delete(f.down, link)
	}
	if e, ok := f.spec.Topology.Entry(link); ok {
		entry := &f.spec.Topology.Entries[e]
		f.report(f.spec.Topology.Nodes[entry.A].Name)
		f.report(f.spec.Topology.Nodes[entry.B].Name)
		f.step(core.Tick{})
	}
}

// store is what one end says of the QKD keys of a link.
func (f *fleet) store(link, state string) {
	t := f.spec.Topology
	e, _ := t.Entry(link)
	node, peer := t.Nodes[t.Entries[e].A].Name, t.Nodes[t.Entries[e].B].Name
	f.step(core.Reported{Report: nodecfg.Report{Node: node, Links: f.links(node),
		Keying: &nodecfg.Keying{Stores: []nodecfg.KeyStore{{Peer: peer, State: state, Known: true}}}}})
}

func (f *fleet) drain(d core.Drain) {
	if f.drains[d] {
		delete(f.drains, d)
	} else {
		f.drains[d] = true
	}
	f.step(core.Drained{Drains: slices.Collect(maps.Keys(f.drains))})
}

// next hands the Core one thing that the Solver tells.
func (f *fleet) next(t *rapid.T) core.Event {
	select {
	case e := <-f.told:
		f.step(e)
		return e
	case <-time.After(time.Minute):
		t.Fatalf("the solver says nothing")
		return nil
	}
}

// paths waits for those of the world as it is.
func (f *fleet) paths(t *rapid.T) (core.Solve, core.Solved) {
	for {
		q := f.asked
		if solved, ok := f.next(t).(core.Solved); ok && solved.Seq == q.Seq && f.core.View(f.now).Fresh {
			return q, solved
		}
	}
}

func (f *fleet) reasons(t *rapid.T, seq uint64) core.Explained {
	for {
		if e, ok := f.next(t).(core.Explained); ok && e.Seq == seq {
			return e
		}
	}
}

func encoded(s pathspec.Solution) string {
	data, _ := json.Marshal(s)
	return string(data)
}

// TestTwin: whatever is cut, restored, drained and declared, in whatever order
// and however fast, paths are those of a cold run in status and cost, they
// hold, and all that is told is, byte by byte, what a controller that has just
// started tells.
func TestTwin(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		topo := randomTopology(rt)
		f, stop := served(t.Context(), topo, randomIntents(rt, topo))
		defer stop()
		for range rapid.IntRange(1, 8).Draw(rt, "steps") {
			asked := f.core.View(f.now).Question
			link := topo.Entries[rapid.IntRange(0, len(topo.Entries)-1).Draw(rt, "link")].Name
			switch rapid.IntRange(0, 7).Draw(rt, "what") {
			case 7:
				f.store(link, rapid.SampledFrom([]string{"enough", "low", "none"}).Draw(rt, "store"))
			case 0, 1, 2:
				f.set(link, true)
			case 3:
				f.set(link, false)
			case 4:
				f.drain(rapid.SampledFrom([]core.Drain{{Kind: "link", Name: link}, {Kind: "srlg", Name: "g0"}, {Kind: "node", Name: "n2"}}).Draw(rt, "drain"))
			case 5:
				f.declare(topo, randomIntents(rt, topo))
				f.step(core.SpecChanged{Spec: f.spec})
			case 6:
				topo = randomTopology(rt)
				f.declare(topo, randomIntents(rt, topo))
				f.step(core.SpecChanged{Spec: f.spec})
			}
			if f.core.View(f.now).Question == asked || rapid.IntRange(0, 3).Draw(rt, "at once") == 0 {
				continue
			}
			q, solved := f.paths(rt)
			left := q.Spec.Topology.Without(q.Outage)
			cold := solve.Solve(solve.Input{Topology: left, Intents: q.Spec.Intents, Policy: policy, PathsOnly: true})
			for i, a := range solved.Solution.Intents {
				if b := cold.Intents[i]; a.Status != b.Status || a.Cost != b.Cost || a.Optimal != b.Optimal {
					rt.Errorf("%s: %s %d %v, a cold run says %s %d %v", a.Name, a.Status, a.Cost, a.Optimal, b.Status, b.Cost, b.Optimal)
				}
			}
			for _, v := range pathspec.Check(left, q.Spec.Intents, &solved.Solution) {
				if !v.CannotTell() {
					rt.Errorf("Check: %v", v)
				}
			}
			if rapid.Bool().Draw(rt, "reasons") {
				got := encoded(f.reasons(rt, q.Seq).Solution)
				if want := encoded(solve.Explain(solve.Input{Topology: left, Intents: q.Spec.Intents, Policy: policy}, solved.Solution)); got != want {
					rt.Errorf("told\n%s\nof what is left\n%s", got, want)
				}
				if want := encoded(Answer(q.Spec, q.Outage, time.Minute, never)); got != want {
					rt.Errorf("told\n%s\na new controller would tell\n%s", got, want)
				}
				for _, i := range f.core.View(f.now).Intents {
					if i.Answer.Pending {
						rt.Errorf("%s is explained and still waits for it", i.Spec.Name)
					}
				}
			}
		}
	})
}

func never() bool { return false }

// ring is a network with two ways from a to d, and a cut that leaves one.
func ring(t testing.TB) (core.Spec, topology.Outage) {
	t.Helper()
	topo, err := topology.Parse("ring", []byte(`apiVersion: keiro/v1
kind: Topology
metadata: {name: ring}
spec:
  nodes: [{name: a}, {name: b}, {name: c}, {name: d}]
  links: [{a: a, b: b}, {a: b, b: d}, {a: a, b: c}, {a: c, b: d}, {a: b, b: c}]
`))
	if err != nil {
		t.Fatal(err)
	}
	intents, err := pathspec.Parse("ring", []byte(`apiVersion: keiro/v1
kind: PathIntent
metadata: {name: two}
spec: {from: a, to: d, objective: hops, require: {multiplicity: 2}}
---
apiVersion: keiro/v1
kind: PathIntent
metadata: {name: one}
spec: {from: a, to: d, objective: hops}
`))
	if err != nil {
		t.Fatal(err)
	}
	return core.Spec{Generation: 1, Topology: topo, Intents: intents}, topology.Outage{Entries: map[string]bool{"a--b": true}}
}

// asked runs a Solver on questions, the next asked as soon as the paths of the
// one before are told, and returns what it told.
func asked(t *testing.T, limit time.Duration, questions ...core.Solve) (told []core.Event) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var s *Solver
	s = New(limit, func(e core.Event) {
		told = append(told, e)
		switch _, paths := e.(core.Solved); {
		case !paths:
			cancel()
		case len(questions) > 0:
			s.Ask(questions[0])
			questions = questions[1:]
		}
	}, slog.New(slog.DiscardHandler))
	s.Ask(questions[0])
	questions = questions[1:]
	s.Run(ctx)
	return told
}

// Paths come without reasons and reserves; those follow for the newest
// question only.
func TestPathsFirst(t *testing.T) {
	spec, cut := ring(t)
	told := asked(t, time.Minute, core.Solve{Seq: 1, Spec: spec}, core.Solve{Seq: 2, Spec: spec, Outage: cut})
	if len(told) != 3 {
		t.Fatalf("told %+v", told)
	}
	for n, want := range []pathspec.Status{pathspec.Satisfied, pathspec.Infeasible} {
		paths := told[n].(core.Solved)
		if two, one := paths.Solution.Intents[0], paths.Solution.Intents[1]; paths.Seq != uint64(n+1) || two.Status != want || two.Reserve != nil ||
			two.Why != nil && (two.Why.Code != pathspec.WhyNotSought || len(two.Why.Relaxations) > 0) || one.Status != pathspec.Satisfied || one.Reserve != nil {
			t.Errorf("paths of question %d: %+v", n+1, paths)
		}
	}
	why := told[2].(core.Explained)
	if two, one := why.Solution.Intents[0], why.Solution.Intents[1]; why.Seq != 2 || two.Why == nil || !slices.Equal(two.Why.Cut, []string{"link:a--c"}) || one.Reserve == nil {
		t.Errorf("reasons: %+v", why)
	}
}

// Without time nothing is claimed to be proven.
func TestNoTime(t *testing.T) {
	spec, cut := ring(t)
	for _, e := range asked(t, 0, core.Solve{Seq: 1, Spec: spec, Outage: cut}) {
		var s pathspec.Solution
		switch x := e.(type) {
		case core.Solved:
			s = x.Solution
		case core.Explained:
			s = x.Solution
		}
		for _, a := range s.Intents {
			if a.Status == pathspec.Infeasible || a.Optimal || a.Status == pathspec.Undecided && a.Why.Code != pathspec.WhyTimeLimit {
				t.Errorf("%T: %+v", e, a)
			}
		}
	}
}

// A controller that stops tells nothing that was cut short.
func TestStopped(t *testing.T) {
	spec, _ := ring(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := New(time.Minute, func(e core.Event) { t.Errorf("told %+v", e) }, slog.New(slog.DiscardHandler))
	s.answer(ctx, core.Solve{Seq: 1, Spec: spec})
	s.Run(ctx)
}

func randomTopology(t *rapid.T) *topology.Topology {
	nodes := make([]topology.Node, rapid.IntRange(4, 7).Draw(t, "nodes"))
	for n := range nodes {
		nodes[n].Name = fmt.Sprint("n", n)
	}
	var entries []topology.Entry
	var links []topology.Link
	for e := range rapid.IntRange(len(nodes), 3*len(nodes)).Draw(t, "links") {
		a := e % len(nodes) // a ring first
		b := (a + 1) % len(nodes)
		if e >= len(nodes) {
			b = (a + rapid.IntRange(1, len(nodes)-1).Draw(t, "to")) % len(nodes)
		}
		entry := topology.Entry{
			Name: fmt.Sprint("l", e), A: a, B: b, AInterface: fmt.Sprint("e", e), BInterface: fmt.Sprint("f", e),
			SRLGs: topology.Declare(rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"g0", "g1", "g2", "g3"}), 0, 1, rapid.ID).Draw(t, "groups")),
			QKD:   rapid.IntRange(0, 3).Draw(t, "qkd") > 0,
		}
		link := topology.Link{
			Entry: e, From: a, To: b, Metric: int64(rapid.IntRange(1, 3).Draw(t, "metric")),
			Delay:    topology.Declare(topology.Delay(rapid.IntRange(1, 4).Draw(t, "delay"))),
			Capacity: topology.Declare(topology.Bandwidth(rapid.IntRange(1, 5).Draw(t, "capacity"))),
		}
		back := link
		back.From, back.To = b, a
		entries, links = append(entries, entry), append(links, link, back)
	}
	return topology.New("random", nil, nodes, entries, links)
}

func randomIntents(t *rapid.T, topo *topology.Topology) (intents []pathspec.Intent) {
	for i := range rapid.IntRange(1, 5).Draw(t, "intents") {
		from := rapid.IntRange(0, len(topo.Nodes)-1).Draw(t, "from")
		to := (from + rapid.IntRange(1, len(topo.Nodes)-1).Draw(t, "to")) % len(topo.Nodes)
		in := pathspec.Intent{Name: fmt.Sprint("i", i), From: topo.Nodes[from].Name, To: topo.Nodes[to].Name, Priority: rapid.IntRange(0, 1).Draw(t, "priority")}
		in.Objective = rapid.SampledFrom([]pathspec.Objective{pathspec.MinDelay, pathspec.MinMetric, pathspec.MinHops, pathspec.Balance}).Draw(t, "objective")
		in.OnViolation = rapid.SampledFrom([]pathspec.OnViolation{pathspec.Alert, pathspec.Reroute, pathspec.Block}).Draw(t, "on violation")
		in.Require.Multiplicity = rapid.IntRange(1, 2).Draw(t, "paths")
		in.Require.Bandwidth = topology.Bandwidth(rapid.IntRange(0, 3).Draw(t, "bandwidth"))
		in.Require.Encryption = rapid.SampledFrom([]pathspec.Encryption{pathspec.NoEncryption, pathspec.QKD}).Draw(t, "encryption")
		in.Require.Disjoint = [][]pathspec.Kind{nil, {pathspec.Link}, {pathspec.Link, pathspec.SRLG}}[in.Require.Multiplicity-1+rapid.IntRange(0, in.Require.Multiplicity-1).Draw(t, "disjoint")]
		intents = append(intents, in)
	}
	return intents
}
