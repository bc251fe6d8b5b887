package admit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/disjoint"
	"github.com/keiro-net/keiro/pathspec/solve/problem"
)

// Shared reports whether the answers of one priority depend on each other,
// and not only on those before.
func (p *Policy) Shared() bool { return p.Joint || p.Standing != nil }

// stands finds the standing set of an intent where it meets the intent by
// itself, on the network as it is; nil where it does not, or there is none.
// The solver says so: on no links but those of the set, it is what it finds.
func (r *Run) stands(i int) *Found {
	a := r.standing[r.intents[i].Name]
	if a == nil || a.Status != pathspec.Satisfied || r.stood[i] != nil {
		return r.stood[i]
	}
	set, used := r.read(a)
	if set == nil {
		return nil
	}
	alone := problem.Nothing(r.t)
	p := problem.Compile(r.t, &r.intents[i], alone, 0).Without(r.down)
	p.Order(set)
	best, _ := p.Only(used).Cheapest(r.halt)
	p.Order(best)
	if !sameSet(best, set) {
		return nil
	}
	f := r.state(i, set, alone)
	r.stood[i] = &f
	return r.stood[i]
}

// read finds the links of an answer; nil where one is gone.
func (r *Run) read(a *pathspec.Answer) (set []disjoint.Path, used map[int32]bool) {
	used = map[int32]bool{}
	for _, path := range a.Paths {
		if len(path.Nodes) != len(path.Links)+1 {
			return nil, nil
		}
		var p disjoint.Path
		for h, name := range path.Links {
			e, ok := r.t.Entry(name)
			if !ok {
				return nil, nil
			}
			l := int32(2 * e)
			if r.t.Nodes[r.t.Links[l].From].Name != path.Nodes[h] {
				l++
			}
			p, used[l] = append(p, l), true
		}
		set = append(set, p)
	}
	return set, used
}

// hold puts standing sets back where they fit in beside what does not stand.
// One that another set beats by more than the margin goes, those that gain
// most first, as far as the moves reach. It returns how many went, and whether
// any set was put back.
func (n *negotiation) hold(moved int) (won int, kept bool) {
	type rival struct {
		intent int
		gain   int64 // over the margin, in parts per million of the cost
	}
	var back []int
	var rivals []rival
	for _, i := range n.all {
		if n.now[i].Status != pathspec.Satisfied {
			continue
		}
		stood := n.stands(i)
		if stood == nil || sameSet(stood.Set, n.now[i].Set) {
			continue
		}
		cost := stood.Cost
		if n.intents[i].Objective == pathspec.Balance {
			n.book(i, n.now[i].Set, -1)
			cost = n.state(i, stood.Set, n.reserved).Cost
			n.book(i, n.now[i].Set, 1)
		}
		if gain := float64(cost-n.now[i].Cost)*100 - float64(n.policy.KeepMargin)*float64(cost); gain > 0 {
			rivals = append(rivals, rival{i, int64(gain / float64(cost) * 1e4)})
		} else {
			back = append(back, i)
		}
	}
	slices.SortStableFunc(rivals, func(a, b rival) int { return cmp.Compare(b.gain, a.gain) })
	won = min(len(rivals), max(0, n.policy.MaxMoves-moved))
	for _, r := range rivals[won:] {
		back = append(back, r.intent)
	}
	return won, n.putBack(back)
}

// putBack puts standing sets back, but for those that do not fit: the last
// ones to be admitted give way.
func (n *negotiation) putBack(back []int) bool {
	chosen := map[int]Found{}
	for _, i := range n.all {
		if slices.Contains(back, i) {
			chosen[i] = n.now[i]
			n.put(i, *n.stood[i])
		}
	}
	for at := len(n.all) - 1; at >= 0; at-- {
		i := n.all[at]
		if f, ok := chosen[i]; ok && slices.ContainsFunc(slices.Concat(n.now[i].Set...), func(l int32) bool {
			return n.intents[i].Require.Bandwidth > 0 && n.reserved.Free(n.t, l) < 0
		}) {
			n.put(i, f)
			delete(chosen, i)
			at = len(n.all) // what it has now may be in the way of another
		}
	}
	for i, f := range chosen {
		n.now[i].Optimal = f.Optimal && f.Cost == n.now[i].Cost
	}
	n.undo = nil
	n.kept += len(chosen)
	return len(chosen) > 0
}

// preempted says who has the capacity of a set that stood.
func (r *Run) preempted(i int, q *question, why *pathspec.Why) {
	stood := r.stands(i)
	if stood == nil {
		return
	}
	var links, takers []string
	for _, l := range slices.Concat(stood.Set...) {
		if q.Reserved.Free(r.t, l) < q.Intent.Require.Bandwidth {
			name := r.t.Entries[r.t.Links[l].Entry].Name
			links = append(links, name)
			takers = append(takers, q.Holders(name)...)
		}
	}
	if len(takers) == 0 {
		return
	}
	slices.Sort(takers)
	takers = slices.Compact(takers)
	why.Code = pathspec.WhyPreempted
	why.Message = fmt.Sprintf("pre-empted: %s took the capacity of %s; %s", strings.Join(takers, ", "), strings.Join(links, ", "), why.Message)
}

// report compares the answers with first come, first served, and with what
// each would cost alone.
func (r *Run) report(s *pathspec.Solution) *pathspec.Joint {
	j := &pathspec.Joint{Kept: r.kept, Costs: []pathspec.JointCost{}}
	var costs [4]pathspec.JointCost
	var bounds [4]int64
	var used, open [4]bool
	for i := range r.now {
		objective := r.intents[i].Objective
		used[objective] = true
		if r.first[i].Status == pathspec.Satisfied {
			j.FirstCome++
			costs[objective].FirstCome += r.first[i].Cost
		}
		if s.Intents[i].Why != nil && s.Intents[i].Why.Code == pathspec.WhyPreempted {
			j.Preempted++
		}
		if r.now[i].Status != pathspec.Satisfied {
			continue
		}
		j.Admitted++
		costs[objective].Cost += r.now[i].Cost
		if was := r.before(i); was != nil && !sameSet(was, r.now[i].Set) {
			j.Moves++
		}
		bound, proven := r.alone(i)
		bounds[objective] += bound
		open[objective] = open[objective] || !proven
	}
	for o := range costs {
		if !used[o] {
			continue
		}
		costs[o].Objective = pathspec.Objective(o).String()
		if !open[o] {
			costs[o].Bound = &bounds[o]
		}
		j.Costs = append(j.Costs, costs[o])
	}
	return j
}

// before is the set that an intent is said to move from; nil: none.
func (r *Run) before(i int) []disjoint.Path {
	if r.policy.Standing == nil {
		return r.first[i].Set
	}
	if stood := r.stands(i); stood != nil {
		return stood.Set
	}
	return nil
}

// boundWork bounds the search for what an intent costs alone.
const boundWork = 200_000

// alone is what an intent costs on the network without all others.
func (r *Run) alone(i int) (cost int64, proven bool) {
	f := &r.now[i]
	if f.Optimal && r.intents[i].Require.Bandwidth == 0 && r.intents[i].Objective != pathspec.Balance {
		return f.Cost, true
	}
	r.book(i, f.Set, -1)
	full := r.short(r.intents[i].Require.Bandwidth)
	r.book(i, f.Set, 1)
	if f.Optimal && !full && r.intents[i].Objective != pathspec.Balance {
		return f.Cost, true
	}
	h := r.halt.Allow(boundWork)
	g, _ := r.ask(i, problem.Nothing(r.t), h)
	return g.Cost, !h.Stopped()
}
