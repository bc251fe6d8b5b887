package survive

import (
	"cmp"
	"slices"
	"strings"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/disjoint"
	"github.com/keiro-net/keiro/pathspec/solve/problem"
	"github.com/keiro-net/keiro/topology"
)

// drill tries failures of one kind on the network. It looks for a least set of
// them that leaves no set of paths: every set that is found must be hit, so
// only failures that hit it are tried (a hitting set by branching; Niedermeier,
// Invitation to Fixed-Parameter Algorithms, chapter 8).
type drill struct {
	problem *problem.Problem
	halt    *disjoint.Halt
	sets    *[]standing
	names   []string
	covers  [][]int32 // of every failure: the entries that it takes
	hits    [][]int32 // of every entry: the failures that take it
	down    []int16   // of every entry: how many failures take it
	spared  []bool    // failures that need not be tried here: all has been found that has them
	broken  []int32   // failures that are down
	seen    []int     // of every failure: the round of hit that listed it last
	round   int
	found   []int32 // memory of stands
}

// standing is a set of paths that meets the requirement, as its entries. Most
// questions are answered by one that was found before.
type standing []int32

// More than two failures, and sets that are kept, are bounded: 0 and 1 are
// decided like the paths themselves, in as long as it takes.
const (
	drillWork = 5_000_000
	mostSets  = 256
)

// Reserve counts the failures after which the whole requirement of an intent
// can still be met, for each kind, in the capacity that others leave. set is
// one that meets it now.
func Reserve(t *topology.Topology, in *pathspec.Intent, reserved problem.Reserved, set []disjoint.Path, halt *disjoint.Halt) *pathspec.Reserve {
	r := &pathspec.Reserve{Exact: true}
	n, p := &network{t, in}, problem.Compile(t, in, reserved, 0)
	sets := []standing{stand(set)}
	for _, k := range []struct {
		kind   pathspec.Kind
		count  *int
		breaks *[]string
	}{
		{pathspec.Link, &r.Link, &r.Breaks.Link}, {pathspec.Node, &r.Node, &r.Breaks.Node},
		{pathspec.SRLG, &r.SRLG, &r.Breaks.SRLG},
	} {
		var exact bool
		*k.count, *k.breaks, exact = n.drill(p, k.kind, &sets, halt)
		r.Exact = r.Exact && exact
	}
	return r
}

// drill counts the failures of a kind until the network does not stand them,
// and names those.
func (n *network) drill(p *problem.Problem, kind pathspec.Kind, sets *[]standing, halt *disjoint.Halt) (count int, names []string, exact bool) {
	if halt.Stopped() { // making ready for what is not tried takes longer than all the rest
		return 0, nil, false
	}
	d := &drill{
		problem: p, halt: halt, sets: sets,
		hits: make([][]int32, len(n.t.Entries)), down: make([]int16, len(n.t.Entries)),
	}
	unstated := d.number(n, kind)
	most := len(d.names)
	// An entry in a group that nobody stated may fall with the first failure.
	// What breaks then is only known to break where it does so regardless.
	if len(unstated) > 0 {
		most++
		d.take(unstated, 1)
	}
	for ; count < most; count++ {
		if count == 2 {
			d.halt = halt.Allow(drillWork)
		}
		if d.breaks(count + 1) {
			d.take(unstated, -1)
			if len(unstated) > 0 && (len(d.broken) <= count || p.Any(d.halt, d.down) != nil) || d.halt.Stopped() {
				return count, nil, false
			}
			for _, f := range d.broken {
				names = append(names, d.names[f])
			}
			slices.Sort(names)
			return count, names, true
		}
		if d.halt.Stopped() {
			return count, nil, false
		}
	}
	return count, nil, true
}

// number lists what may fail, in the order of names. It returns the open
// entries that may be in any group.
func (d *drill) number(n *network, kind pathspec.Kind) (unstated []int32) {
	covers := map[string][]int32{}
	for e := range int32(len(n.t.Entries)) {
		for _, f := range n.failures(kind, e) {
			if f.Name != "" {
				covers[f.String()] = append(covers[f.String()], e)
			} else if !d.problem.Closed[2*e] || !d.problem.Closed[2*e+1] {
				unstated = append(unstated, e)
			}
		}
	}
	for v := range n.t.Nodes { // those without links as well
		if f := (problem.Risk{Kind: kind, Name: n.t.Nodes[v].Name}); kind == pathspec.Node && !problem.Named(n.t, n.in, v) && covers[f.String()] == nil {
			covers[f.String()] = []int32{}
		}
	}
	for name := range covers {
		d.names = append(d.names, name)
	}
	slices.Sort(d.names)
	for f, name := range d.names {
		d.covers = append(d.covers, covers[name])
		for _, e := range covers[name] {
			d.hits[e] = append(d.hits[e], int32(f))
		}
	}
	d.spared, d.seen = make([]bool, len(d.names)), make([]int, len(d.names))
	return unstated
}

func (d *drill) take(entries []int32, by int16) {
	for _, e := range entries {
		d.down[e] += by
	}
}

// breaks reports whether n more failures leave no set; then these are broken.
// False is proven unless halt stopped.
func (d *drill) breaks(n int) bool {
	failures, stands := d.stands()
	if !stands || n == 0 {
		return !stands && !d.halt.Stopped()
	}
	tried := 0
	found := false
	for _, f := range failures {
		d.take(d.covers[f], 1)
		d.broken = append(d.broken, f)
		if found = d.breaks(n - 1); found {
			break
		}
		d.broken = d.broken[:len(d.broken)-1]
		d.take(d.covers[f], -1)
		d.spared[f] = true
		tried++
	}
	for _, f := range failures[:tried] {
		d.spared[f] = false
	}
	return found
}

// stands finds a set that stands what is down, and lists the failures that
// hit it, those that take most first.
func (d *drill) stands() (failures []int32, ok bool) {
	for _, s := range *d.sets {
		if slices.ContainsFunc(s, func(e int32) bool { return d.down[e] > 0 }) {
			continue
		}
		if d.found = d.hit(s, d.found[:0]); !ok || len(d.found) < len(failures) {
			failures, ok = append(failures[:0], d.found...), true
		}
	}
	if !ok {
		set := d.problem.Any(d.halt, d.down)
		if set == nil {
			return nil, false
		}
		s := stand(set)
		if len(*d.sets) < mostSets {
			*d.sets = append(*d.sets, s)
		}
		failures = d.hit(s, nil)
	}
	slices.SortFunc(failures, func(a, b int32) int {
		return cmp.Or(cmp.Compare(len(d.covers[b]), len(d.covers[a])), strings.Compare(d.names[a], d.names[b]))
	})
	return failures, true
}

// hit appends the failures that hit a set, but for those that are spared.
func (d *drill) hit(s standing, failures []int32) []int32 {
	d.round++
	for _, e := range s {
		for _, f := range d.hits[e] {
			if !d.spared[f] && d.seen[f] != d.round {
				d.seen[f] = d.round
				failures = append(failures, f)
			}
		}
	}
	return failures
}

func stand(set []disjoint.Path) (s standing) {
	for _, path := range set {
		for _, l := range path {
			s = append(s, l/2)
		}
	}
	return s
}
