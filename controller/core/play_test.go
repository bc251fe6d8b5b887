package core

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/bgp/lsdb/lsdbtest"
	"github.com/keiro-net/keiro/bgp/srpolicy"
	"github.com/keiro-net/keiro/controller/compile"
	"github.com/keiro-net/keiro/controller/comply"
	"github.com/keiro-net/keiro/internal/plays"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve"
	"github.com/keiro-net/keiro/topology"
)

// TestPlays runs the plays in testdata: commands, and below each the effects
// it has, as text. A `>` line is a command; what follows it is what it printed.
func TestPlays(t *testing.T) {
	plays.Run(t, func(t *testing.T, text string) string { return newStage(t).run(text) })
}

// stage is a Core with fake agents that do as they are told when the play
// says so.
type stage struct {
	t       *testing.T
	core    *Core
	now     time.Time
	agents  map[string]*fakeAgent
	asked   *Solve
	told    []told // not explained yet
	spec    Spec
	kept    map[string]Standing
	ledgers map[string][]byte // JSON, by intent
	alive   time.Time
	drains  []Drain
	alarms  map[string]Alarm
	fail    func(format string, args ...any)
	rough   bool            // no make before break
	radio   *lsdbtest.Stage // what BGP peers say
	bgp     []PeerState
	feed    string // what they say in the end
	// headends are told by BGP; saidAll counts how often all was.
	headends map[string]*fakeHeadend
	saidAll  int
}

// told is an answer with the question.
type told struct {
	Solve
	pathspec.Solution
}

type fakeAgent struct {
	connected bool
	cfg       *nodecfg.Config // last pushed
	did       *nodecfg.Config // last obeyed: what the node forwards by
	obeys     uint64          // its revision
	down      map[string]bool // links
	peer      *nodecfg.Peer   // who it is; nil: it has no identity
	keys      *fakeKeys       // nil: it says nothing of lanes
	sight     *fakeSight      // nil: nor of paths
}

func newStage(t *testing.T) *stage {
	return &stage{
		t: t, now: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC),
		fail:   t.Fatalf,
		agents: map[string]*fakeAgent{}, kept: map[string]Standing{}, ledgers: map[string][]byte{}, alarms: map[string]Alarm{}, core: New(testParams),
		headends: map[string]*fakeHeadend{}, feed: "routers.feed",
	}
}

var testParams = Params{
	WaitToRestore: 3 * time.Second, Settle: 10 * time.Second,
	Gather: 20 * time.Millisecond, AgentLost: 5 * time.Second, Linger: time.Second,
}

func (s *stage) run(play string) string {
	var out strings.Builder
	for _, line := range strings.Split(play, "\n") {
		switch {
		case strings.HasPrefix(line, "> "):
			out.WriteString(line + "\n")
			for _, effect := range s.do(strings.Fields(line[2:])) {
				out.WriteString(effect + "\n")
			}
		case strings.HasPrefix(line, "#"), line == "":
			out.WriteString(line + "\n")
		}
	}
	return strings.TrimRight(out.String(), "\n") + "\n"
}

func (s *stage) do(args []string) []string {
	name := args[len(args)-1]
	switch args[0] {
	case "start": // start TOPOLOGY INTENTS: a controller with nothing stored
		s.load(args[1], args[2])
		return s.step(Started{Spec: s.spec, BGP: slices.Clone(s.bgp)})
	case "restart": // a new controller that knows what was stored
		s.core = New(testParams)
		s.reborn()
		var known []string
		for node, a := range s.agents {
			known = append(known, node)
			a.connected = false
		}
		s.asked, s.told = nil, nil
		var peers []string
		for _, p := range s.bgp {
			peers = append(peers, p.Name)
		}
		s.configure(peers...)
		started := Started{Spec: s.spec, Standing: s.kept, Drains: s.drains, Known: known, BGP: slices.Clone(s.bgp), Ledgers: map[string]*comply.Ledger{}, Seen: s.alive}
		for name, text := range s.ledgers {
			l := new(comply.Ledger)
			if err := json.Unmarshal(text, l); err != nil {
				s.t.Fatal(err)
			}
			started.Ledgers[name] = l
		}
		for _, a := range s.agents {
			if a.peer != nil {
				started.Peers = append(started.Peers, *a.peer)
			}
		}
		for _, a := range s.alarms {
			started.Alarms = append(started.Alarms, a)
		}
		return s.step(started)
	case "spec": // spec TOPOLOGY INTENTS: an apply
		s.load(args[1], args[2])
		return s.step(SpecChanged{Spec: s.spec})
	case "enrol": // enrol LIFE NODE: it has another identity, if any, when it connects next
		for _, node := range s.named(name) {
			s.agent(node).peer = nil
			if args[1] != "none" {
				s.agent(node).peer = &nodecfg.Peer{Node: node, Certificate: []byte(args[1]), Identity: []byte(args[1]), WireGuard: make([]byte, 32)}
			}
		}
		return nil
	case "connect":
		var out []string
		for _, node := range s.named(name) {
			s.agent(node)
			s.agents[node].connected = true
			out = append(out, s.step(AgentConnected{Node: node, Peer: s.agents[node].peer})...)
			out = append(out, s.report(node)...)
		}
		return out
	case "revoke":
		s.agent(name).peer = nil
		return s.step(AgentRevoked{name})
	case "disconnect":
		s.agents[name].connected = false
		return s.step(AgentDisconnected{name})
	case "obey": // the agent reaches what it was pushed
		var out []string
		for _, node := range s.named(name) {
			if a := s.agents[node]; a != nil && a.connected && a.cfg != nil && a.obeys != a.cfg.Revision {
				a.obeys, a.did = a.cfg.Revision, a.cfg
				out = append(out, s.report(node)...)
			}
		}
		return out
	case "down", "up": // down LINK NODE: what the agent of one end sees
		s.agents[args[2]].down[args[1]] = args[0] == "down"
		return s.report(args[2])
	case "drain":
		if d := (Drain{args[1], args[2]}); !slices.Contains(s.drains, d) {
			s.drains = append(s.drains, d)
		}
		return s.step(Drained{s.drains})
	case "undrain":
		s.drains = slices.DeleteFunc(s.drains, func(d Drain) bool { return d == Drain{args[1], args[2]} })
		return s.step(Drained{s.drains})
	case "solve": // the solver answers what it was last asked
		q := s.asked
		if q == nil {
			return nil
		}
		s.asked = nil
		answer := solve.Solve(solve.Input{Topology: q.Spec.Topology.Without(q.Outage), Intents: q.Spec.Intents, PathsOnly: true})
		s.told = append(s.told, told{*q, answer})
		return s.step(Solved{Seq: q.Seq, Solution: answer})
	case "explain": // the solver says why, of all it has answered since
		var out []string
		for _, a := range s.told {
			answer := solve.Explain(solve.Input{Topology: a.Spec.Topology.Without(a.Outage), Intents: a.Spec.Intents}, a.Solution)
			for _, a := range answer.Intents {
				if a.Why != nil { // how the solver says it is not for these plays
					a.Why.Message = a.Why.Code + " " + strings.Join(a.Why.Cut, ",")
				}
			}
			out = append(out, s.step(Explained{Seq: a.Seq, Solution: answer})...)
		}
		s.told = nil
		return out
	case "wait":
		d, err := time.ParseDuration(args[1])
		if err != nil {
			s.t.Fatal(err)
		}
		s.now = s.now.Add(d)
		return s.step(Tick{})
	case "conditions":
		var out []string
		for _, i := range s.core.View(s.now).Intents {
			for _, c := range i.Conditions {
				out = append(out, fmt.Sprintf("%s %s=%s %s: %s", i.Spec.Name, c.Type, c.Status, c.Reason, c.Message))
			}
		}
		return out
	case "answers":
		var out []string
		v := s.core.View(s.now)
		for _, i := range v.Intents {
			a := i.Answer
			out = append(out, fmt.Sprintf("%s %s fresh=%v pending=%v reserve=%v%s", a.Name, a.Status, v.Fresh, a.Pending, a.Reserve != nil, because(a.Why)))
		}
		for _, a := range v.Alarms {
			out = append(out, "alarm "+a.Message)
		}
		return out
	}
	for _, do := range []func([]string) ([]string, bool){s.doBGP, s.doHeadend, s.doSight} {
		if out, known := do(args); known {
			return out
		}
	}
	return s.doKeys(args)
}

func (s *stage) agent(node string) *fakeAgent {
	if s.agents[node] == nil {
		s.agents[node] = &fakeAgent{down: map[string]bool{}}
	}
	return s.agents[node]
}

func (s *stage) load(topo, intents string) {
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			s.t.Fatal(err)
		}
		return data
	}
	t, err := topology.Parse(topo, read(topo))
	if err != nil {
		s.t.Fatal(err)
	}
	wanted, err := pathspec.Parse(intents, read(intents))
	if err != nil {
		s.t.Fatal(err)
	}
	ids, err := compile.Allocate(s.spec.IDs, t, wanted)
	if err != nil {
		s.t.Fatal(err)
	}
	s.spec = Spec{Generation: s.spec.Generation + 1, Topology: t, Intents: wanted, IDs: ids}
}

func (s *stage) named(name string) []string {
	if name != "all" {
		return []string{name}
	}
	var names []string
	for n := range s.spec.Topology.Nodes {
		if node := &s.spec.Topology.Nodes[n]; !node.NoAgent {
			names = append(names, node.Name)
		}
	}
	return names
}

func (s *stage) report(node string) []string {
	a := s.agents[node]
	if !a.connected {
		return nil
	}
	r := nodecfg.Report{Node: node, Revision: a.obeys, Reached: true}
	if a.cfg != nil {
		for _, l := range a.cfg.Links {
			r.Links = append(r.Links, nodecfg.LinkState{Name: l.Name, Up: !a.down[l.Name], MTU: 9500, Changed: s.now})
		}
	}
	a.keys.report(&r)
	a.sight.report(&r)
	return s.step(Reported{r})
}

// step feeds one event and renders the effects. After every step the
// invariants hold.
func (s *stage) step(e Event) []string {
	var out []string
	step := map[string]srpolicy.Tunnel{}
	for _, effect := range s.core.Step(s.now, e) {
		switch x := effect.(type) {
		case Announce:
			out = append(out, s.announced(x, step)...)
		case Withdraw:
			out = append(out, s.withdrawn(x, step)...)
		case AnnouncedAll:
			out = append(out, s.flushed()...)
		case Push:
			s.agents[x.Config.Node].cfg = x.Config
			out = append(out, fmt.Sprintf("push %s revision %d:%s", x.Config.Node, x.Config.Revision, policies(x.Config)))
		case Solve:
			s.asked = &x
			out = append(out, fmt.Sprintf("solve #%d over %d links", x.Seq, len(x.Spec.Topology.Without(x.Outage).Entries)))
		case Persist:
			if x.Standing == nil {
				delete(s.kept, x.Intent)
				out = append(out, "forget "+x.Intent)
				break
			}
			s.kept[x.Intent] = *x.Standing
			out = append(out, fmt.Sprintf("persist %s %d paths", x.Intent, len(x.Standing.Paths)))
		case Raise:
			s.alarms[x.Alarm.Key] = x.Alarm
			state := "raise"
			switch {
			case !x.Alarm.Firing:
				state = "resolve"
			case x.Alarm.Updates > 0:
				state = fmt.Sprintf("update #%d", x.Alarm.Updates)
			}
			out = append(out, fmt.Sprintf("%s %s %s cause=%s before=%q after=%q", state, x.Alarm.Severity, x.Alarm.Name, x.Alarm.Cause, x.Alarm.Before, x.Alarm.After))
		case Keep:
			delete(s.ledgers, x.Intent)
			if x.Ledger != nil {
				s.ledgers[x.Intent], _ = json.Marshal(x.Ledger) // plain data
			}
		case Record:
			out = append(out, fmt.Sprintf("event %s %s: %s", x.Entry.Type, x.Entry.Object, x.Entry.Message))
		case WakeAt:
			out = append(out, "wake in "+x.At.Sub(s.now).String())
		}
	}
	s.invariants()
	return out
}

func policies(cfg *nodecfg.Config) string {
	out := fmt.Sprintf(" %d links, %d routes", len(cfg.Links), len(cfg.Underlay))
	for _, p := range cfg.Policies {
		out += "; " + p.Intent
		for _, path := range p.Paths {
			out += " [" + strings.Join(path.Hops, " ") + "]"
			if p.Mode == nodecfg.Spread {
				out += fmt.Sprint(" weight ", path.Weight)
			}
		}
	}
	for _, p := range cfg.Peers {
		out += fmt.Sprintf("; peer %s (%s)", p.Node, p.Identity)
	}
	return out
}
