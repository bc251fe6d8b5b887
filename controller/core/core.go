// Package core decides for the whole fleet: Step takes one event and returns
// the effects that follow. It is pure: no I/O, no clock, no goroutine; time is
// an argument. One goroutine of package controller owns a Core, feeds it and
// carries the effects out in their order.
//
// What is decided is a function of the spec, of the links that carry traffic
// and of the path sets that stand:
//
//	link goes down -> paths over it serve no more, at once
//	               -> Solve for what is left -> Solved
//	               -> new sets, once every node on them has its SIDs
//	               -> Explained: why not, and what more it would stand
//	link comes up  -> wait to restore -> Solve -> Solved -> the old sets again
//
// Make before break follows from two rules (push.go): a headend is given a
// path only when all nodes on it have confirmed the path's SIDs, and a node
// loses a SID only when no headend uses it any more.
//
// package budget: one state machine, whose parts all act on the same state
package core

import (
	"fmt"
	"slices"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/bgp/lsdb"
	"github.com/keiro-net/keiro/bgp/srpolicy"
	"github.com/keiro-net/keiro/controller/compile"
	"github.com/keiro-net/keiro/controller/live"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// Params are the times that a fleet is run with.
type Params struct {
	// WaitToRestore is how long a link must be up again before paths return
	// to it (RFC 6428 and ITU-T G.808.1 call it so).
	WaitToRestore time.Duration
	// Settle is how long a new controller waits for the agents it knows, and for
	// its BGP peers, before it changes anything.
	Settle time.Duration
	// Gather is how long failures are gathered before they are told, so that
	// links of one duct give one alarm that names the duct.
	Gather time.Duration
	// AgentLost is how long an agent or a BGP peer may be away before that is told.
	AgentLost time.Duration
	// Linger is how long a candidate path that still works stays at its headend
	// beside the one that replaces it.
	Linger time.Duration
	Probe  nodecfg.Probe
	// Sample has the nodes look for packets of intents where they should not be.
	Sample bool
	// TestSecret is what the keys of test packets are derived from, the same for
	// all controllers of the fleet at all times.
	TestSecret nodecfg.TestKey
	// MaxLossPPM is the most that a path of an intent may lose in each direction
	// that states no bound; 0: no bound.
	MaxLossPPM int64
}

// Spec is what operators declared, with the numbers given to it.
type Spec struct {
	Generation uint64
	Topology   *topology.Topology // nil: none yet
	Intents    []pathspec.Intent
	IDs        compile.IDs
}

// Core is the state of the fleet as the controller knows it.
type Core struct {
	params  Params
	started time.Time
	known   map[string]bool         // agents that are expected after a restart
	peers   map[string]nodecfg.Peer // who the agents are, by node

	spec    Spec         // its topology is the live one
	live    *live.Result // the declared topology joined with learned; nil: nothing is learned yet
	learned *lsdb.View
	bgp     []PeerState
	said    contradictions
	nodes   map[string]*node
	links   map[string]*link
	drains  map[Drain]bool
	intents []*intent // in the order of the spec
	retired []retired
	// headends are the nodes that are told their paths by BGP, and what they were told.
	headends map[string]*headend
	reports  map[srpolicy.NLRI][]saying // what they report; see readback.go
	saidAll  bool                       // all that an earlier controller may have said has been said

	in         *compile.Input     // without policies, of this Step; nil: not asked for yet
	collisions map[*intent]string // why answers cannot be installed, likewise
	outage     topology.Outage    // what carries no traffic now
	wanted     uint64             // counts the questions; answers to older ones are stale
	asked      uint64             // the question that is being solved
	solving    bool
	answered   uint64
	newLink    *pathspec.NewLink // that would help most; nil until answered is explained

	dirty   bool      // something that Configs depend on has changed
	asOf    time.Time // when what made the present question happened
	why     Evidence  // what that was
	changed string    // what that was, such as link:a--b
	sets    uint64    // counts the changes of path sets that stand
	sight   uint64    // counts what is seen of leaks and drifts, and who comes and goes
	checked checked
	eroded  map[string]time.Time // when an intent lost a characteristic, by `intent#characteristic`
	failing []failure
	alarms  map[string]Alarm     // those that fire, by key
	told    map[string]Alarm     // these as they were told last
	silent  map[string]time.Time // since when probes over a path are lost while its links are up, by its name
	absent  map[string]time.Time // since when an alarm that fires has no cause any more, by its key
	effects []Effect
}

// New returns a Core that knows nothing; feed it Started first.
func New(params Params) *Core {
	return &Core{
		params: params,
		nodes:  map[string]*node{}, links: map[string]*link{},
		drains: map[Drain]bool{}, peers: map[string]nodecfg.Peer{}, alarms: map[string]Alarm{}, told: map[string]Alarm{},
		eroded: map[string]time.Time{}, silent: map[string]time.Time{}, absent: map[string]time.Time{},
		headends: map[string]*headend{}, reports: map[srpolicy.NLRI][]saying{},
	}
}

// Step takes in one event and returns what is to be done, in order.
func (c *Core) Step(now time.Time, event Event) []Effect {
	c.effects, c.in, c.collisions = nil, nil, nil
	switch e := event.(type) {
	case Started:
		c.start(now, e)
	case SpecChanged:
		c.setSpec(now, e.Spec)
	case Drained:
		c.setDrains(e.Drains)
		c.because(now, ByOperator, "drains", "what is drained was changed")
	case Noticed:
		c.notice(now, e)
	case AgentConnected:
		c.connected(now, e)
	case AgentDisconnected:
		c.disconnected(now, e.Node)
	case AgentRevoked:
		c.revoke(now, e.Node)
	case Reported:
		c.reported(now, e.Report)
	case Learned:
		c.learn(now, e)
	case HeadendReported:
		c.heard(e)
	case NotTold:
		c.notTold(e)
	case PeersChanged:
		c.bgp = e.Peers
	case Solved:
		c.solved(now, e)
	case Explained:
		c.explained(now, e)
	case Tick:
	}
	if at, holding := c.holding(now); holding {
		c.emit(WakeAt{at})
		return c.effects
	}
	c.tellFailures(now)
	c.restore(now)
	c.ask()
	c.decide(now)
	c.lingered(now)
	c.push(now)
	c.awaitLinger(now)
	c.announcedAll(now)
	c.judge(now)
	c.comply(now)
	c.tell(now)
	c.tellKeys(now)
	c.tellRouters(now)
	c.tellPaths(now)
	c.tellUpdates(now)
	return c.effects
}

func (c *Core) start(now time.Time, e Started) {
	c.started, c.bgp = now, e.BGP
	c.known = map[string]bool{}
	for _, name := range e.Known {
		c.known[name] = true
	}
	for _, p := range e.Peers {
		c.peers[p.Node] = p
	}
	for _, d := range e.Drains {
		c.drains[d] = true
	}
	for _, a := range e.Alarms {
		if a.Firing {
			c.alarms[a.Key], c.told[a.Key] = a, a
		}
	}
	c.setSpec(now, e.Spec)
	for name := range c.known {
		if n := c.nodes[name]; n != nil {
			n.since = now
		}
	}
	for _, i := range c.intents {
		if s, ok := e.Standing[i.spec.Name]; ok {
			i.standing = s
			i.serving = c.serve(i)
		}
		if l := e.Ledgers[i.spec.Name]; l != nil {
			i.ledger = *l
			i.ledger.Resume(e.Seen, now)
		}
	}
	c.sets++
}

// holding reports whether a new controller still waits for agents that it knows,
// or BGP peers that it has, and until when. Before they have told which links are
// up it must not change a path that carries traffic.
func (c *Core) holding(now time.Time) (until time.Time, yes bool) {
	until = c.started.Add(c.params.Settle)
	if !now.Before(until) || c.spec.Topology == nil {
		return until, false
	}
	for name := range c.known {
		if c.exists(name) && !c.hasNoAgent(name) && c.nodes[name].report == nil {
			return until, true
		}
	}
	return until, !c.allTold()
}

// allTold reports whether every BGP peer has once said all.
func (c *Core) allTold() bool {
	return !slices.ContainsFunc(c.bgp, func(p PeerState) bool { return !p.Told })
}

// setSpec replaces the spec. Nodes and links that stay keep what is known of
// them; intents keep the paths that stand.
func (c *Core) setSpec(now time.Time, spec Spec) {
	was := c.live
	c.joinLearned(&spec)
	c.retire(spec, was)
	c.handOver(spec)
	c.because(now, ByChange, generation(spec.Generation), "what is declared was changed")
	c.spec, c.changed = spec, fmt.Sprintf("generation:%d", spec.Generation)
	c.sets++
	if spec.Topology == nil {
		return
	}
	c.setNodes(now)
	c.setLinks(now)
	old := map[string]*intent{}
	for _, i := range c.intents {
		old[i.spec.Name] = i
	}
	c.intents = make([]*intent, len(spec.Intents))
	for n, s := range spec.Intents {
		i := &intent{spec: s, id: fingerprint(s)}
		if was := old[s.Name]; was != nil {
			i.standing, i.serving, i.conditions, i.answer, i.reason = was.standing, was.serving, was.conditions, was.answer, was.reason
			i.lanes, i.ledger, i.told = was.lanes, was.ledger, was.told
			delete(old, s.Name)
		}
		c.intents[n] = i
	}
	for _, name := range sortedKeys(old) {
		c.emit(Persist{Intent: name})
		c.emit(Keep{Intent: name})
	}
	c.forgetAlarms(now)
	c.question()
}

// setNodes forgets the nodes that have left. One whose agent is still here is
// told nothing more.
func (c *Core) setNodes(now time.Time) {
	for name, n := range c.nodes {
		if !c.exists(name) {
			n.want, n.acked = nil, nil
			if !n.connected {
				delete(c.nodes, name)
			}
		}
	}
	for n := range c.spec.Topology.Nodes {
		if name := c.spec.Topology.Nodes[n].Name; c.nodes[name] == nil {
			c.nodes[name] = &node{}
		}
	}
}

func (c *Core) setDrains(drains []Drain) {
	old := c.drains
	c.drains = map[Drain]bool{}
	for _, d := range drains {
		c.drains[d] = true
		if !old[d] {
			c.changed = "drain:" + d.Kind + ":" + d.Name
		}
	}
	c.dirty = true // a link that is down already may be drained, and its agent is to know
	c.setOutage()
}

func (c *Core) emit(e Effect) { c.effects = append(c.effects, e) }

// question notes that the answers known are stale and that Configs may change.
func (c *Core) question() {
	c.outage = c.currentOutage()
	c.wanted++
	c.dirty = true
}

// ask hands the newest question to the solver, one at a time.
func (c *Core) ask() {
	if c.solving || c.wanted == c.asked || c.spec.Topology == nil {
		return
	}
	c.solving, c.asked = true, c.wanted
	c.emit(Solve{Seq: c.asked, Spec: c.spec, Outage: c.outage})
}

func (c *Core) solved(now time.Time, e Solved) {
	c.solving = false
	if e.Seq != c.wanted {
		return // stale: ask sends the newest question next
	}
	c.answered, c.newLink = e.Seq, nil
	c.dirty = true
	c.each(e.Solution, func(i *intent, a pathspec.Answer) { c.answer(now, i, pending(a)) })
}

// explained attaches reasons and reserves to the answers that they are for,
// unless the world has changed since.
func (c *Core) explained(now time.Time, e Explained) {
	if e.Seq != c.answered || !c.fresh() {
		return
	}
	c.newLink = e.Solution.NewLink
	c.each(e.Solution, func(i *intent, a pathspec.Answer) { c.explain(now, i, a) })
}

// each calls a step for every intent with its answer.
func (c *Core) each(s pathspec.Solution, step func(*intent, pathspec.Answer)) {
	for n := range s.Intents {
		if n < len(c.intents) && c.intents[n].spec.Name == s.Intents[n].Name {
			step(c.intents[n], s.Intents[n])
		}
	}
}

// fresh reports whether the answers are for the present spec and outage.
func (c *Core) fresh() bool { return c.answered == c.wanted }
