package why

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/disjoint"
	"github.com/keiro-net/keiro/pathspec/solve/problem"
	"github.com/keiro-net/keiro/topology"
)

// relaxation is a single change that makes an intent feasible.
type relaxation struct {
	pathspec.Relaxation
	plain string // as one says it
	share int64  // of the requirement that it gives up, in ppm
}

// relaxations lists the single changes of the intent that make it feasible,
// each the least of its kind and verified by solving again. What gives up the
// least share of what was asked for comes first.
func (q *Question) relaxations() []relaxation {
	x := &relaxer{Question: q}
	x.bounds()
	x.bandwidth()
	x.separation()
	x.places()
	x.disjoint()
	x.multiplicity()
	x.conditions()
	slices.SortStableFunc(x.found, func(a, b relaxation) int { return cmp.Compare(a.share, b.share) })
	return x.found
}

type relaxer struct {
	*Question
	found []relaxation
}

// change is one that may help, and what it gives up: part of whole.
type change struct {
	field, from, to string
	plain           string
	part, whole     int64
}

// relaxWork bounds the search for each change. One that is not found or not
// known to be the least by then is left out.
const relaxWork = 2_000_000

// try adds the change if it helps.
func (x *relaxer) try(c change, relax func(r *pathspec.Require)) bool {
	in := *x.Intent
	relax(&in.Require)
	h := x.Halt.Allow(relaxWork)
	set, cost := problem.Compile(x.Topology, &in, x.Reserved, 0).Cheapest(h)
	if set == nil || h.Stopped() {
		return false
	}
	x.found = append(x.found, relaxation{
		pathspec.Relaxation{Change: c.field + ": " + c.from + " -> " + c.to, Cost: cost},
		c.plain, int64(float64(c.part) / float64(max(c.whole, 1)) * 1e6),
	})
	return true
}

// helps returns some set with the change; nil also where h stopped it.
func (x *relaxer) helps(h *disjoint.Halt, relax func(r *pathspec.Require)) []disjoint.Path {
	in := *x.Intent
	relax(&in.Require)
	return problem.Compile(x.Topology, &in, x.Reserved, 0).Any(h, nil)
}

func (x *relaxer) multiplicity() {
	most := x.Intent.Require.Multiplicity
	for k := most - 1; k >= 1; k-- {
		plain := "one path less"
		if k < most-1 {
			plain = fmt.Sprintf("%d paths less", most-k)
		}
		c := change{"multiplicity", strconv.Itoa(most), strconv.Itoa(k), plain, int64(most - k), int64(most)}
		if x.try(c, func(r *pathspec.Require) { r.Multiplicity = k }) {
			return
		}
	}
}

func (x *relaxer) disjoint() {
	all := x.Intent.Require.Disjoint
	for _, k := range all {
		if k == pathspec.Link || x.Intent.Require.Multiplicity < 2 {
			continue
		}
		fewer := slices.DeleteFunc(slices.Clone(all), func(other pathspec.Kind) bool { return other == k })
		x.try(change{"disjoint", "[" + kinds(all, ", ") + "]", "[" + kinds(fewer, ", ") + "]", "a common " + k.String() + " allowed", 1, int64(len(all))},
			func(r *pathspec.Require) { r.Disjoint = fewer })
	}
}

// bandwidth looks for the most that can be had. It is what some link has left.
func (x *relaxer) bandwidth() {
	wanted := x.Intent.Require.Bandwidth
	var left []topology.Bandwidth
	for l := range x.Topology.Links {
		if capacity, ok := x.Topology.Links[l].Capacity.Get(); ok && capacity > x.Reserved[l] && capacity-x.Reserved[l] < wanted {
			left = append(left, capacity-x.Reserved[l])
		}
	}
	slices.Sort(left)
	left = slices.Compact(left)
	h := x.Halt.Allow(relaxWork)
	n := sort.Search(len(left), func(i int) bool {
		return x.helps(h, func(r *pathspec.Require) { r.Bandwidth = left[i] }) == nil
	})
	if n > 0 && !h.Stopped() {
		less := wanted - left[n-1]
		x.try(change{"bandwidth", wanted.String(), left[n-1].String(), less.String() + " less bandwidth", int64(less), int64(wanted)},
			func(r *pathspec.Require) { r.Bandwidth = left[n-1] })
	}
}

// separation looks for the most that can be had, to the metre.
func (x *relaxer) separation() {
	wanted := x.Intent.Require.Separation
	if wanted == 0 || x.Intent.Require.Multiplicity < 2 {
		return
	}
	h := x.Halt.Allow(relaxWork)
	n := topology.Distance(sort.Search(int(wanted), func(metres int) bool {
		return x.helps(h, func(r *pathspec.Require) { r.Separation = topology.Distance(metres) }) == nil
	})) - 1
	if n >= 0 && !h.Stopped() {
		less := wanted - n
		x.try(change{"separation", wanted.String(), n.String(), less.String() + " less separation", int64(less), int64(wanted)},
			func(r *pathspec.Require) { r.Separation = n })
	}
}

// bounds looks for the least bounds that can be met.
func (x *relaxer) bounds() {
	r := &x.Intent.Require
	delays := func(set []disjoint.Path) (least, most int64) {
		least = disjoint.Never
		for _, p := range set {
			var sum int64
			for _, l := range p {
				d, _ := x.Topology.Links[l].Delay.Get()
				sum += int64(d)
			}
			least, most = min(least, sum), max(most, sum)
		}
		return least, most
	}
	if r.MaxDelay > 0 {
		x.least("maxDelay", int64(r.MaxDelay), milliseconds, func(v int64) string { return milliseconds(v) + " more delay" }, func(set []disjoint.Path) int64 {
			_, most := delays(set)
			return most
		}, func(r *pathspec.Require, v int64) { r.MaxDelay = topology.Delay(v) })
	}
	if r.MaxDelaySpread != nil {
		x.least("maxDelaySpread", int64(*r.MaxDelaySpread), milliseconds, func(v int64) string { return milliseconds(v) + " more between the fastest and the slowest path" }, func(set []disjoint.Path) int64 {
			least, most := delays(set)
			return most - least
		}, func(r *pathspec.Require, v int64) {
			d := topology.Delay(v)
			r.MaxDelaySpread = &d
		})
	}
	if r.MaxHops > 0 {
		x.least("maxHops", int64(r.MaxHops), func(v int64) string { return strconv.FormatInt(v, 10) }, hopsMore, func(set []disjoint.Path) (most int64) {
			for _, p := range set {
				most = max(most, int64(len(p)))
			}
			return most
		}, func(r *pathspec.Require, v int64) { r.MaxHops = int(v) })
	}
}

// least finds the least value of a bound above the present one, from what a
// set without the bound needs of it downwards.
func (x *relaxer) least(field string, now int64, text, more func(int64) string, needs func([]disjoint.Path) int64, bound func(*pathspec.Require, int64)) {
	h := x.Halt.Allow(relaxWork)
	set := x.helps(h, func(r *pathspec.Require) { bound(r, disjoint.Never-1) })
	if set == nil {
		return
	}
	enough := needs(set)
	for low := now; low+1 < enough; {
		middle := low + (enough-low)/2
		if set := x.helps(h, func(r *pathspec.Require) { bound(r, middle) }); set != nil {
			enough = needs(set)
		} else {
			low = middle
		}
	}
	if h.Stopped() {
		return
	}
	c := change{field, text(now), text(enough), more(enough - now), enough - now, enough}
	x.try(c, func(r *pathspec.Require) { bound(r, enough) })
}

// milliseconds writes a delay so that a small change is easy to see.
func milliseconds(us int64) string {
	return strconv.FormatFloat(float64(us)/1000, 'f', -1, 64) + "ms"
}

func hopsMore(v int64) string {
	if v == 1 {
		return "one hop more"
	}
	return fmt.Sprintf("%d hops more", v)
}

// places tries to admit one thing more.
func (x *relaxer) places() {
	r := &x.Intent.Require
	for i, country := range r.Countries.Deny {
		less := without(r.Countries.Deny, i)
		x.try(change{"countries.deny", list(r.Countries.Deny), list(less), country + " not denied", 1, int64(len(r.Countries.Deny))},
			func(r *pathspec.Require) { r.Countries.Deny = less })
	}
	if r.Countries.Allow != nil {
		for _, country := range x.countries() {
			if more := append(slices.Clone(r.Countries.Allow), country); !slices.Contains(r.Countries.Allow, country) {
				x.try(change{"countries.allow", list(r.Countries.Allow), list(more), country + " allowed", 1, int64(len(more))},
					func(r *pathspec.Require) { r.Countries.Allow = more })
			}
		}
	}
	for _, avoid := range []struct {
		field string
		of    func(a *pathspec.Avoid) *[]string
	}{
		{"avoid.nodes", func(a *pathspec.Avoid) *[]string { return &a.Nodes }},
		{"avoid.links", func(a *pathspec.Avoid) *[]string { return &a.Links }},
		{"avoid.srlgs", func(a *pathspec.Avoid) *[]string { return &a.SRLGs }},
		{"avoid.sites", func(a *pathspec.Avoid) *[]string { return &a.Sites }},
		{"avoid.operators", func(a *pathspec.Avoid) *[]string { return &a.Operators }},
	} {
		now := *avoid.of(&r.Avoid)
		for i, name := range now {
			less := without(now, i)
			x.try(change{avoid.field, list(now), list(less), name + " not avoided", 1, int64(len(now))},
				func(r *pathspec.Require) { *avoid.of(&r.Avoid) = less })
		}
	}
}

// countries lists those of the topology, sorted.
func (x *relaxer) countries() (names []string) {
	for i := range x.Topology.Sites {
		if c := x.Topology.Sites[i].Country; c != "" {
			names = append(names, c)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// conditions tries without a CEL condition, and without QKD.
func (x *relaxer) conditions() {
	r := &x.Intent.Require
	if r.Nodes != nil {
		x.try(change{"nodes", r.Nodes.String(), "true", "no condition on nodes", 1, 1}, func(r *pathspec.Require) { r.Nodes = nil })
	}
	if r.Links != nil {
		x.try(change{"links", r.Links.String(), "true", "no condition on links", 1, 1}, func(r *pathspec.Require) { r.Links = nil })
	}
	if r.Encryption == pathspec.QKD {
		x.try(change{"encryption", pathspec.QKD.String(), pathspec.PQ.String(), "encryption pq instead of qkd", 1, 1},
			func(r *pathspec.Require) { r.Encryption = pathspec.PQ })
	}
}

// without is the list without one; nil, which restricts nothing, where none is
// left.
func without(names []string, i int) []string {
	if len(names) == 1 {
		return nil
	}
	return slices.Delete(slices.Clone(names), i, i+1)
}

func list(names []string) string { return "[" + strings.Join(names, ", ") + "]" }
