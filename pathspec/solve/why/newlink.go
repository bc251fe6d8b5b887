package why

import (
	"cmp"
	"slices"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/disjoint"
	"github.com/keiro-net/keiro/pathspec/solve/problem"
	"github.com/keiro-net/keiro/topology"
)

// span is a link that nobody has laid yet: a duct of its own.
type span struct {
	a, b   int               // nodes, in file order
	known  bool              // where both are
	length topology.Distance // great circle
}

// The searches for new links are bounded: what is named is verified, and is
// the shortest of what was tried.
const (
	spanWork  = 3_000_000  // for each step, for each intent
	cureWork  = 20_000_000 // for the one that cures most
	mostNodes = 128        // on each side of it
	mostSpans = 512        // tried without their delay, for each intent
	mostTries = 64         // tried in full
	someSpans = 3          // named for each intent
)

// newLinks finds the links of which one would make the intent feasible, each
// verified by solving again, and names the shortest. The spans are all that
// may do so, those verified and those that were not tried.
func (q *Question) newLinks(p *problem.Problem, cut []int32) (found []relaxation, spans []span) {
	spans = q.spans(p, cut)
	for i, s := range spans {
		if len(found) == someSpans || i == mostTries {
			break
		}
		h := q.Halt.Allow(relaxWork)
		if cost, ok := q.cures(s, h); ok {
			found = append(found, relaxation{
				pathspec.Relaxation{Change: "new link: none -> " + q.describe(s), Cost: cost},
				"a new link " + q.name(s) + " of any duct", 0,
			})
		}
	}
	return found, spans
}

// spans lists the new links that would do if they took no time, the shortest
// first.
func (q *Question) spans(p *problem.Problem, cut []int32) (list []span) {
	h := q.Halt.Allow(spanWork)
	var nodes []int
	usable := make([]bool, len(q.Topology.Nodes))
	for n := range usable {
		usable[n] = p.AtNode(q.Intent, n).Causes() == 0 && (!q.delayed() || q.span(n, n).known)
		if usable[n] {
			nodes = append(nodes, n)
		}
	}
	m := newMaybe(p)
	one, other, ok := m.does(h, nodes, nodes)
	if !ok {
		return nil // no one link does, or it is not known
	}
	// A way around the cut needs the link, so it bridges the cut.
	near, from := side(p, p.Source, cut, func(l disjoint.Link) (at, to int32) { return l.From, l.To }, usable)
	far, to := side(p, p.Target, cut, func(l disjoint.Link) (at, to int32) { return l.To, l.From }, usable)
	h = q.Halt.Allow(spanWork)
	near = m.those(h, near, far, true)
	far = m.those(h, far, near, false)
	seen := map[[2]int]bool{}
	add := func(a, b int) {
		a, b = min(a, b), max(a, b)
		if a != b && !seen[[2]int{a, b}] {
			seen[[2]int{a, b}] = true
			list = append(list, q.span(a, b))
		}
	}
	for _, a := range near {
		for _, b := range far {
			if from[a]+1+to[b] <= p.MaxHops {
				add(a, b)
			}
		}
	}
	slices.SortFunc(list, q.bySpan)
	list = list[:min(len(list), mostSpans)]
	h = q.Halt.Allow(spanWork)
	may := func(a, b int) bool {
		if !slices.Contains(near, a) || !slices.Contains(far, b) {
			return false
		}
		_, _, ok := m.does(h, []int{a}, []int{b})
		return ok
	}
	list = slices.DeleteFunc(list, func(s span) bool { return !may(s.a, s.b) && !may(s.b, s.a) })
	add(one, other)
	slices.SortFunc(list, q.bySpan)
	return list
}

// span is a link between two nodes, as long as their places are apart.
func (q *Question) span(a, b int) span {
	s := span{a: a, b: b}
	if from, to := q.Topology.SiteOf(a), q.Topology.SiteOf(b); from != nil && to != nil {
		x, known := from.Where.Get()
		y, also := to.Where.Get()
		if s.known = known && also; s.known {
			s.length = topology.GreatCircle(x, y)
		}
	}
	return s
}

// bySpan orders by length, then names. What is not known to be short is last.
func (q *Question) bySpan(s, o span) int {
	if s.known != o.known {
		if s.known {
			return -1
		}
		return 1
	}
	n := q.Topology.Nodes
	return cmp.Or(cmp.Compare(s.length, o.length), cmp.Compare(n[s.a].Name, n[o.a].Name), cmp.Compare(n[s.b].Name, n[o.b].Name))
}

func (q *Question) name(s span) string {
	return q.Topology.Nodes[s.a].Name + "--" + q.Topology.Nodes[s.b].Name
}

// delayed reports whether a link of unknown delay is of no use.
func (q *Question) delayed() bool {
	r := &q.Intent.Require
	return q.Intent.Objective == pathspec.MinDelay || r.MaxDelay > 0 || r.Multiplicity > 1 && r.MaxDelaySpread != nil
}

func (q *Question) anyPlace() bool {
	return slices.ContainsFunc(q.Topology.Sites, func(s topology.Site) bool { return s.Where.Known() })
}

// describe says what the new link must be.
func (q *Question) describe(s span) string {
	r := &q.Intent.Require
	text := q.name(s) + " (any duct"
	if r.Multiplicity > 1 && r.Wants(pathspec.Operator) {
		text += ", another operator"
	}
	if r.Links != nil {
		text += ", meets links"
	}
	switch delay := milliseconds(int64(topology.CableDelay(s.length))); {
	case s.known && (r.Links != nil || r.Multiplicity > 1 && r.MaxDelaySpread != nil):
		text += ", delay " + delay // a shorter one may not do
	case q.delayed():
		text += ", delay <= " + delay
	}
	if need := q.need(); need > 0 {
		text += ", capacity " + need.String()
	}
	if r.Encryption == pathspec.QKD {
		text += ", qkd"
	}
	return text + ")"
}

// need is the capacity without which the link is of no use.
func (q *Question) need() topology.Bandwidth {
	if b := q.Intent.Require.Bandwidth; b > 0 || q.Intent.Objective != pathspec.Balance {
		return b
	}
	return 1
}

// with is the question on a network with the new link, which has what the
// intent needs and no more. No other operator or group has its names, which
// are none.
func (q *Question) with(s span) *Question {
	entry := topology.Entry{
		Name: q.name(s) + " (new)", A: s.a, B: s.b, Operator: "(new)", SRLGs: topology.Declare([]string{"(new)"}),
		QKD: q.Intent.Require.Encryption == pathspec.QKD,
	}
	ab := topology.Link{Entry: len(q.Topology.Entries), From: s.a, To: s.b, Metric: 1}
	if s.known {
		ab.Delay = topology.Derive(topology.CableDelay(s.length))
	}
	if need := q.need(); need > 0 {
		ab.Capacity = topology.Declare(need)
	}
	ba := ab
	ba.From, ba.To = s.b, s.a
	more := *q
	more.Topology, more.Reserved = q.Topology.With(entry, ab, ba), append(slices.Clip(q.Reserved), 0, 0)
	return &more
}

// cures solves with the new link.
func (q *Question) cures(s span, h *disjoint.Halt) (cost int64, ok bool) {
	more := q.with(s)
	set, cost := problem.Compile(more.Topology, more.Intent, more.Reserved, 0).Cheapest(h)
	return cost, set != nil && !h.Stopped()
}

// side lists usable nodes on one side of a cut, those next to what it closes
// first: from the given ends, over open links, in so many hops.
func side(p *problem.Problem, ends []bool, cut []int32, along func(disjoint.Link) (at, to int32), usable []bool) (nodes []int, hops []int64) {
	closed := make([]bool, len(p.OnEntry))
	for _, r := range cut {
		for _, e := range p.Closes(r) {
			closed[e] = true
		}
	}
	next := make([][]int32, len(ends))
	brink := make([]bool, len(ends))
	for l, link := range p.Links {
		at, to := along(link)
		if closed[l/2] {
			brink[at] = true
		} else if !p.Closed[l] {
			next[at] = append(next[at], to)
		}
	}
	hops = make([]int64, len(ends))
	seen := slices.Clone(ends)
	for n, ok := range ends {
		if ok {
			nodes = append(nodes, n)
		}
	}
	for i := 0; i < len(nodes); i++ {
		for _, to := range next[nodes[i]] {
			if !seen[to] {
				seen[to], hops[to] = true, hops[nodes[i]]+1
				nodes = append(nodes, int(to))
			}
		}
	}
	nodes = slices.DeleteFunc(nodes, func(n int) bool { return !usable[n] })
	slices.SortStableFunc(nodes, func(a, b int) int {
		if brink[a] == brink[b] {
			return 0
		}
		if brink[a] {
			return -1
		}
		return 1
	})
	return nodes[:min(len(nodes), mostNodes)], hops
}

// wish is an intent and the new links that may make it feasible.
type wish struct {
	*Question
	spans []span
}

// Wishes are those of all infeasible intents.
type Wishes []wish

func (w *Wishes) add(q *Question, spans []span) {
	*w = slices.DeleteFunc(*w, func(x wish) bool { return x.Intent == q.Intent }) // from a turn that was too short
	if len(spans) > 0 {
		own := *q
		own.Reserved = slices.Clone(q.Reserved)
		*w = append(*w, wish{&own, spans})
	}
}

// Best is the link that makes most of the intents feasible, then the shortest:
// first the links that may do most.
func (w Wishes) Best(halt *disjoint.Halt) (best *pathspec.NewLink) {
	if len(w) == 0 {
		return nil
	}
	may := map[span]int{}
	var list []span
	for _, x := range w {
		for _, s := range x.spans {
			if may[s]++; may[s] == 1 {
				list = append(list, s)
			}
		}
	}
	q := w[0].Question
	slices.SortFunc(list, func(s, o span) int { return cmp.Or(cmp.Compare(may[o], may[s]), q.bySpan(s, o)) })
	h := halt.Allow(cureWork)
	var of span
	tries := 0
	for _, s := range list {
		if tries == mostTries || best != nil && may[s] < len(best.Cures) {
			break
		}
		if best != nil && may[s] == len(best.Cures) && q.bySpan(s, of) > 0 {
			continue
		}
		tries++
		var cures []string
		for _, x := range w {
			if !slices.Contains(x.spans, s) {
				continue
			}
			if more := x.with(s); problem.Compile(more.Topology, more.Intent, more.Reserved, 0).Any(h, nil) != nil {
				cures = append(cures, x.Intent.Name)
			}
		}
		if len(cures) > 0 && (best == nil || len(cures) > len(best.Cures) || len(cures) == len(best.Cures) && q.bySpan(s, of) < 0) {
			of = s
			best = &pathspec.NewLink{A: q.Topology.Nodes[s.a].Name, B: q.Topology.Nodes[s.b].Name, Cures: cures}
		}
	}
	if best != nil && of.known {
		metres, us := int64(of.length), int64(topology.CableDelay(of.length))
		best.DistanceM, best.DelayUS = &metres, &us
	}
	return best
}
