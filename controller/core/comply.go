package core

import (
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/controller/compile"
	"github.com/keiro-net/keiro/controller/comply"
	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// judged is what an intent's characteristics were judged from last, so that most
// Steps judge none again.
type judged struct {
	on       stamp
	topology *topology.Topology // that its set was checked against
	set      uint64             // of intent.broken
	broken   []pathspec.Violation
	facts    comply.Facts
}

// stamp changes with everything that a judgement depends on.
type stamp struct {
	topology         *topology.Topology
	wanted, answered uint64
	sets, sight      uint64
	answer           *pathspec.Answer
	words            uint64 // of the agents at the ends of its paths
	closed           bool
	installed        Condition
}

// checked is what was checked of all sets together.
type checked struct {
	topology  *topology.Topology // the live one
	keyed     *topology.Topology // the same with the links that have no keys
	keyless   map[string]string
	sets      uint64
	bandwidth map[string][]pathspec.Violation                // by intent
	words     map[string]uint64                              // of agents, in this Step
	policies  map[*nodecfg.Config]map[string]*nodecfg.Policy // by intent, in this Step
}

// comply judges the characteristics of every intent of which something has
// changed, tells what is better or worse, and raises the alarms of it.
func (c *Core) comply(now time.Time) {
	if c.spec.Topology == nil {
		return
	}
	c.checkAll()
	news, whole := news{}, c.fresh() && c.undisturbed()
	c.wordsNow()
	for _, i := range c.intents {
		on := c.stampOf(i)
		if on == i.judged.on && i.ledger.Conditions != nil {
			continue
		}
		i.judged.on = on
		i.ledger.Redeclare(i.id)
		f := c.facts(i)
		eroded := i.ledger.Count(now, f.Margins, whole, f.Cause())
		f.Mark = i.ledger.Mark
		i.judged.facts = f
		conditions := comply.Judge(&f)
		if changed := i.ledger.Update(now, conditions); changed || len(eroded) > 0 {
			c.emit(Keep{Intent: i.spec.Name, Ledger: i.ledger.At(now)})
		}
		news.of(i, eroded)
	}
	c.tellNews(now, news)
	c.tellErosion(now)
}

// checkAll checks what intents share, where it may have changed.
func (c *Core) checkAll() {
	k := &c.checked
	if k.topology != c.spec.Topology || !maps.Equal(k.keyless, c.outage.Keyless) {
		k.keyed, k.keyless = c.spec.Topology, c.outage.Keyless
		if len(k.keyless) > 0 {
			k.keyed = c.spec.Topology.Without(topology.Outage{Keyless: k.keyless})
		}
	} else if k.sets == c.sets {
		return
	}
	k.topology, k.sets, k.bandwidth = c.spec.Topology, c.sets, map[string][]pathspec.Violation{}
	intents, sets := make([]pathspec.Intent, len(c.intents)), make([][]pathspec.Path, len(c.intents))
	for n, i := range c.intents {
		intents[n], sets[n] = i.spec, i.standing.Paths
	}
	for _, v := range pathspec.CheckBandwidth(k.keyed, intents, sets) {
		k.bandwidth[v.Intent] = append(k.bandwidth[v.Intent], v)
	}
}

func (c *Core) stampOf(i *intent) stamp {
	s := stamp{
		topology: c.checked.keyed, wanted: c.wanted, answered: c.answered, sets: c.sets, sight: c.sight,
		answer: i.answer, closed: i.standing.Blocked,
	}
	for _, cond := range i.conditions {
		if cond.Type == Installed {
			s.installed = cond
		}
	}
	for _, p := range i.standing.Paths {
		for _, head := range []string{p.Nodes[0], p.Nodes[len(p.Nodes)-1]} {
			s.words += c.checked.words[head]
		}
	}
	return s
}

// facts gathers what is known of an intent.
func (c *Core) facts(i *intent) comply.Facts {
	if i.judged.topology != c.checked.keyed || i.judged.set != c.sets {
		i.judged.topology, i.judged.set = c.checked.keyed, c.sets
		i.judged.broken = pathspec.CheckSet(c.checked.keyed, &i.spec, i.standing.Paths)
	}
	f := comply.Facts{
		Intent: &i.spec, Answered: c.fresh() && i.answer != nil, Closed: i.standing.Blocked,
		Broken: slices.Concat(i.judged.broken, c.checked.bandwidth[i.spec.Name]), Changed: c.changed,
		Installed: installedFact(i.conditions),
	}
	var alive []pathspec.Path
	for n, p := range i.standing.Paths {
		facts := c.pathFacts(i, n)
		f.Paths = append(f.Paths, facts)
		if facts.Carries() != comply.Violated {
			alive = append(alive, p)
		}
	}
	if m, known := pathspec.MarginOf(c.checked.keyed, &i.spec, alive); known {
		f.Margins.Margin = comply.MarginOf(m)
		if shared := pathspec.Shared(c.checked.keyed, &i.spec, alive); len(shared) > 0 {
			f.Shared = shared[0]
		}
	}
	if f.Answered && i.answer.Reserve != nil {
		f.Margins.Reserve = comply.ReserveOf(i.answer.Reserve)
	}
	c.sightings(&f)
	return f
}

// installedFact is what the condition Installed says.
func installedFact(conditions []Condition) comply.Fact {
	for _, c := range conditions {
		switch {
		case c.Type != Installed:
		case c.Status == yes:
			return comply.Fact{Status: comply.Satisfied, Says: c.Message}
		case c.Status == maybe, c.Reason == "Waiting", c.Reason == "NoPath": // what is to come is no harm, nor known to be none
			return comply.Fact{Status: comply.Unknown, Says: c.Message}
		default:
			return comply.Fact{Status: comply.Violated, Says: c.Message}
		}
	}
	return comply.Fact{Status: comply.Unknown, Says: "not known yet"}
}

// pathFacts is what is known of the nth path of an intent. The word of a headend
// counts if what it obeys and what it is to obey have the path alike.
func (c *Core) pathFacts(i *intent, n int) comply.PathFacts {
	p := &i.standing.Paths[n]
	out := comply.PathFacts{Name: compile.PathName(i.spec.Name, n), Nodes: p.Nodes}
	for _, l := range p.Links {
		if c.linkDown(l) {
			out.Down = l
			break
		}
	}
	for _, head := range c.probers(*p) {
		e := comply.End{Node: head, Why: "node " + head + " has not told of path " + out.Name + " as it is now"}
		node := c.nodes[head]
		if node != nil && !node.connected {
			e.Why = "agent of node " + head + " is away"
		}
		if node != nil && node.connected && node.report != nil {
			want, obeys := c.pathIn(node.want, i.spec.Name, out.Name), c.pathIn(node.acked, i.spec.Name, out.Name)
			if want != nil && obeys != nil && (want == obeys || slices.Equal(want.Segments, obeys.Segments) && slices.Equal(want.Hops, obeys.Hops)) {
				out.Bound = max(out.Bound, want.MaxLossPPM)
				e.Seen = node.paths[out.Name]
			}
		}
		out.Ends = append(out.Ends, e)
	}
	if i.spec.Require.Encryption != pathspec.NoEncryption {
		head, tail := p.Nodes[0], p.Nodes[len(p.Nodes)-1]
		out.Lanes = []comply.LaneFacts{{Node: head, State: c.laneState(head, tail, out.Name)}, {Node: tail, State: c.laneState(tail, head, out.Name)}}
	}
	return out
}

// pathIn finds a path of an intent in a Config; nil: it has none.
func (c *Core) pathIn(cfg *nodecfg.Config, intent, name string) *nodecfg.Path {
	if cfg == nil {
		return nil
	}
	of := c.checked.policies[cfg]
	if of == nil {
		of = map[string]*nodecfg.Policy{}
		for p := range cfg.Policies {
			of[cfg.Policies[p].Intent] = &cfg.Policies[p]
		}
		c.checked.policies[cfg] = of
	}
	if p := of[intent]; p != nil {
		for n := range p.Paths {
			if p.Paths[n].Name == name {
				return &p.Paths[n]
			}
		}
	}
	return nil
}

// wordsNow notes what all agents have said last, once for all intents.
func (c *Core) wordsNow() {
	c.checked.words, c.checked.policies = map[string]uint64{}, map[*nodecfg.Config]map[string]*nodecfg.Policy{}
	for name, n := range c.nodes {
		if c.checked.words[name] = n.word; n.confirmed() {
			c.checked.words[name] += 1 << 32
		}
	}
}

// sightings adds what nodes have seen of the intent's packets, and what others
// have changed there.
func (c *Core) sightings(f *comply.Facts) {
	name := f.Intent.Name
	for _, node := range sortedKeys(c.nodes) {
		n := c.nodes[node]
		if !c.exists(node) {
			continue
		}
		tells := n.connected && n.report != nil
		if n.want != nil && slices.ContainsFunc(n.want.Protected, func(p nodecfg.Protected) bool { return p.Intent == name }) {
			if f.Watched = true; !tells {
				f.Blind = append(f.Blind, node)
			}
		}
		if !tells {
			continue
		}
		for _, l := range n.report.Leaks {
			if l.Intent == name {
				f.Leaks = append(f.Leaks, comply.NodeLeak{Node: node, Leak: l})
			}
		}
		for _, d := range n.report.Drifts {
			if d.Intent == name && d.Restored.IsZero() {
				f.Drifts = append(f.Drifts, comply.NodeDrift{Node: node, Drift: d})
			}
		}
	}
}

// Ledgers yields what is remembered of intents as of now: of the named one, or
// where that is "" of all in the order of the spec.
func (c *Core) Ledgers(now time.Time, intent string) iter.Seq2[string, *comply.Ledger] {
	return func(yield func(string, *comply.Ledger) bool) {
		for _, i := range c.intents {
			if (intent == "" || intent == i.spec.Name) && !yield(i.spec.Name, i.ledger.At(now)) {
				return
			}
		}
	}
}
