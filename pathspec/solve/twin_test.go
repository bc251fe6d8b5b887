package solve

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/topology"
)

// naive answers one intent, after others have been answered, by looking at all
// simple paths and all sets of them. pathspec.Check says which of them meet
// the requirement: each by itself, and each two together.
type naive struct {
	t       *topology.Topology
	intents []pathspec.Intent
	answers []pathspec.Answer // in the order of intents; those of other intents count
	in      *pathspec.Intent
	all     []pathspec.Path // that may be in a set
	costs   []int64
}

func newNaive(t *topology.Topology, intents []pathspec.Intent, answers []pathspec.Answer, i int) *naive {
	n := &naive{t: t, intents: intents, answers: answers, in: &intents[i]}
	for v := range t.Nodes {
		n.walk([]int{v}, nil)
	}
	return n
}

// walk adds every simple path that goes on from here and meets the
// requirement by itself.
func (n *naive) walk(nodes, links []int) {
	if len(links) > 0 {
		p := n.path(nodes, links)
		if n.holds(1, p) && n.stated(links) {
			n.all = append(n.all, p)
			n.costs = append(n.costs, n.cost(links))
		}
	}
	for l := range n.t.Links {
		link := &n.t.Links[l]
		if link.From == nodes[len(nodes)-1] && !slices.Contains(nodes, link.To) {
			n.walk(append(slices.Clone(nodes), link.To), append(slices.Clone(links), l))
		}
	}
}

func (n *naive) path(nodes, links []int) (p pathspec.Path) {
	for _, v := range nodes {
		p.Nodes = append(p.Nodes, n.t.Nodes[v].Name)
	}
	for _, l := range links {
		p.Links = append(p.Links, n.t.Entries[n.t.Links[l].Entry].Name)
	}
	return p
}

// stated reports whether the path states all that being one of several needs.
func (n *naive) stated(links []int) bool {
	r := &n.in.Require
	if r.Multiplicity < 2 {
		return true
	}
	ends := []int{n.t.Links[links[0]].From, n.t.Links[links[len(links)-1]].To}
	for _, l := range links {
		link := &n.t.Links[l]
		entry := &n.t.Entries[link.Entry]
		if r.Wants(pathspec.SRLG) && !entry.SRLGs.Known() || r.Wants(pathspec.Operator) && entry.Operator == "" ||
			r.MaxDelaySpread != nil && !link.Delay.Known() || r.Separation > 0 && entry.Route == nil {
			return false
		}
		for _, v := range []int{link.From, link.To} {
			node := &n.t.Nodes[v]
			if r.Wants(pathspec.Site) && node.Site == "" && !(slices.Contains(ends, v) && (node.Name == n.in.From || node.Name == n.in.To)) {
				return false
			}
		}
	}
	return true
}

// holds asks Check about a set of k paths, but for what the answer states
// about them.
func (n *naive) holds(k int, set ...pathspec.Path) bool {
	in := *n.in
	in.Require.Multiplicity = k
	intents, s := slices.Clone(n.intents), pathspec.Solution{Intents: slices.Clone(n.answers)}
	for i := range intents {
		if intents[i].Name == in.Name {
			intents[i] = in
			s.Intents[i] = pathspec.Answer{Name: in.Name, Status: pathspec.Satisfied, Paths: set}
		}
	}
	claims := []pathspec.Rule{pathspec.RuleCost, pathspec.RuleMargin, pathspec.RuleOrder, pathspec.RuleStated}
	return !slices.ContainsFunc(pathspec.Check(n.t, intents, &s), func(v pathspec.Violation) bool {
		return v.Intent == in.Name && !slices.Contains(claims, v.Rule)
	})
}

func (n *naive) cost(links []int) (cost int64) {
	for _, l := range links {
		switch d, _ := n.t.Links[l].Delay.Get(); n.in.Objective {
		case pathspec.MinDelay:
			cost += int64(d)
		case pathspec.MinMetric:
			cost += n.t.Links[l].Metric
		case pathspec.MinHops:
			cost++
		case pathspec.Balance:
			for _, d := range []int{l, l ^ 1} {
				if capacity, _ := n.t.Links[d].Capacity.Get(); capacity > 0 {
					cost = max(cost, int64(n.in.Require.Bandwidth+n.reserved(d))*1_000_000/int64(capacity))
				}
			}
		}
	}
	return cost
}

// reserved is what the intents before this one took of link l.
func (n *naive) reserved(l int) (sum topology.Bandwidth) {
	self := slices.IndexFunc(n.intents, func(in pathspec.Intent) bool { return in.Name == n.in.Name })
	for i, a := range n.answers {
		before := n.intents[i].Priority > n.in.Priority || n.intents[i].Priority == n.in.Priority && i < self
		for _, p := range a.Paths {
			if before && slices.Contains(p.Links, n.t.Entries[n.t.Links[l].Entry].Name) {
				sum += n.intents[i].Require.Bandwidth
			}
		}
	}
	return sum
}

// best returns the least cost of a set.
func (n *naive) best() (best int64, ok bool) {
	together := make([][]bool, len(n.all))
	for i := range n.all {
		together[i] = make([]bool, len(n.all))
		for j := range i {
			together[i][j] = n.holds(2, n.all[i], n.all[j])
		}
	}
	var grow func(set []int, cost int64)
	grow = func(set []int, cost int64) {
		if len(set) == n.in.Require.Multiplicity {
			if !ok || cost < best {
				best, ok = cost, true
			}
			return
		}
		first := 0
		if len(set) > 0 {
			first = set[len(set)-1] + 1
		}
		for i := first; i < len(n.all); i++ {
			if slices.ContainsFunc(set, func(j int) bool { return !together[i][j] }) {
				continue
			}
			total := cost + n.costs[i]
			if n.in.Objective == pathspec.Balance {
				total = max(cost, n.costs[i])
			}
			grow(append(slices.Clone(set), i), total)
		}
	}
	grow(nil, 0)
	return best, ok
}

// TestTwin compares the solver with the naive one: where little is asked for,
// where much is, and where there is room for many paths.
func TestTwin(t *testing.T) {
	for _, c := range []struct {
		name     string
		topology func(t *rapid.T) *topology.Topology
		intent   func(t *rapid.T, topo *topology.Topology, name string) pathspec.Intent
	}{{"few", randomTopology, randomIntent}, {"mixed", randomTopology, mixedIntent}, {"dense", denseTopology, mixedIntent}} {
		t.Run(c.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				topo := c.topology(t)
				twin(t, topo, []pathspec.Intent{c.intent(t, topo, "a"), c.intent(t, topo, "b")})
			})
		})
	}
}

// twin fails where the naive solver says otherwise, or Check.
func twin(t *rapid.T, topo *topology.Topology, intents []pathspec.Intent) {
	s := Solve(Input{Topology: topo, Intents: intents})
	for _, v := range pathspec.Check(topo, intents, &s) {
		if !v.CannotTell() {
			t.Errorf("Check: %v", v)
		}
	}
	for i, a := range s.Intents {
		// What comes after an intent does not count for it.
		others := slices.Clone(s.Intents)
		for j := range others {
			if intents[j].Priority < intents[i].Priority || intents[j].Priority == intents[i].Priority && j > i {
				others[j] = pathspec.Answer{Name: intents[j].Name, Status: pathspec.Infeasible}
			}
		}
		n := newNaive(topo, intents, others, i)
		cost, ok := n.best()
		switch {
		case a.Status == pathspec.Undecided:
			t.Errorf("%s: unknown, though nothing stopped it", a.Name)
		case ok != (a.Status == pathspec.Satisfied):
			t.Errorf("%s: %s, the naive solver says feasible: %v", a.Name, a.Status, ok)
		case ok && (a.Cost != cost || !a.Optimal):
			t.Errorf("%s: cost %d, optimal %v; the naive solver finds %d", a.Name, a.Cost, a.Optimal, cost)
		}
		if a.Why != nil {
			n.blames(t, a.Why)
		}
	}
}

// blames fails where the cut is a set of risks and leaves enough paths without
// any of them.
func (n *naive) blames(t *rapid.T, w *pathspec.Why) {
	if len(w.Cut) == 0 || w.Code == pathspec.WhyUnknown || w.Code == pathspec.WhyExcluded || w.Code == pathspec.WhyBandwidth {
		return
	}
	in := *n.in
	in.Require.Multiplicity -= len(w.Cut)
	left := *n
	left.in, left.all = &in, nil
	for _, p := range n.all {
		if !slices.ContainsFunc(w.Cut, func(risk string) bool { return n.has(p, risk) }) {
			left.all = append(left.all, p)
		}
	}
	left.costs = make([]int64, len(left.all))
	if _, ok := left.best(); ok || in.Require.Multiplicity < 1 {
		t.Errorf("%s: without %q there are %d paths", in.Name, w.Cut, in.Require.Multiplicity)
	}
}

// risks names everything a path has.
func (n *naive) risks(p pathspec.Path) (names []string) {
	for _, name := range p.Links {
		e, _ := n.t.Entry(name)
		entry := &n.t.Entries[e]
		names = append(names, "link:"+name, "operator:"+entry.Operator)
		groups, _ := entry.SRLGs.Get()
		for _, g := range groups {
			names = append(names, "srlg:"+g)
		}
	}
	for _, name := range p.Nodes {
		v, _ := n.t.Node(name)
		names = append(names, "node:"+name, "site:"+n.t.Nodes[v].Site, "operator:"+n.t.Nodes[v].Operator)
	}
	return names
}

// has reports whether a path has a named risk. Cables that come too near to
// each other are one of whichever it uses.
func (n *naive) has(p pathspec.Path, risk string) bool {
	if near, ok := strings.CutPrefix(risk, "ground:"); ok {
		return slices.ContainsFunc(strings.Split(near, ","), func(l string) bool { return slices.Contains(p.Links, l) })
	}
	return slices.Contains(n.risks(p), risk)
}
