package solve

import (
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/keiro-net/keiro/pathspec"
	"github.com/keiro-net/keiro/pathspec/solve/disjoint"
	"github.com/keiro-net/keiro/topology"
)

// relaxations lists the single changes that make the intent feasible, each
// the least of its kind and verified by solving again.
func (q *question) relaxations() []pathspec.Relaxation {
	x := &relaxer{question: q, found: []pathspec.Relaxation{}}
	x.multiplicity()
	x.disjoint()
	x.bandwidth()
	x.bounds()
	x.places()
	x.conditions()
	return x.found
}

type relaxer struct {
	*question
	found []pathspec.Relaxation
}

// relaxWork bounds the search for each change. One that is not found or not
// known to be the least by then is left out.
const relaxWork = 2_000_000

// try adds the change if it helps.
func (x *relaxer) try(field, from, to string, change func(r *pathspec.Require)) bool {
	in := *x.in
	change(&in.Require)
	h := x.halt.Allow(relaxWork)
	set, cost := compile(x.t, &in, x.reserved, 0).best(h)
	if set == nil || h.Stopped() {
		return false
	}
	x.found = append(x.found, pathspec.Relaxation{Change: field + ": " + from + " -> " + to, Cost: cost})
	return true
}

// helps returns some set with the change; nil also where h stopped it.
func (x *relaxer) helps(h *disjoint.Halt, change func(r *pathspec.Require)) []disjoint.Path {
	in := *x.in
	change(&in.Require)
	return compile(x.t, &in, x.reserved, 0).Any(h, nil)
}

func (x *relaxer) multiplicity() {
	for k := x.in.Require.Multiplicity - 1; k >= 1; k-- {
		if x.try("multiplicity", strconv.Itoa(k+1), strconv.Itoa(k), func(r *pathspec.Require) { r.Multiplicity = k }) {
			return
		}
	}
}

func (x *relaxer) disjoint() {
	all := x.in.Require.Disjoint
	for _, k := range all {
		if k == pathspec.Link || x.in.Require.Multiplicity < 2 {
			continue
		}
		fewer := slices.DeleteFunc(slices.Clone(all), func(other pathspec.Kind) bool { return other == k })
		x.try("disjoint", "["+kinds(all, ", ")+"]", "["+kinds(fewer, ", ")+"]", func(r *pathspec.Require) { r.Disjoint = fewer })
	}
}

// bandwidth looks for the most that can be had. It is what some link has left.
func (x *relaxer) bandwidth() {
	wanted := x.in.Require.Bandwidth
	var left []topology.Bandwidth
	for l := range x.t.Links {
		if capacity, ok := x.t.Links[l].Capacity.Get(); ok && capacity > x.reserved[l] && capacity-x.reserved[l] < wanted {
			left = append(left, capacity-x.reserved[l])
		}
	}
	slices.Sort(left)
	left = slices.Compact(left)
	h := x.halt.Allow(relaxWork)
	n := sort.Search(len(left), func(i int) bool {
		return x.helps(h, func(r *pathspec.Require) { r.Bandwidth = left[i] }) == nil
	})
	if n > 0 && !h.Stopped() {
		x.try("bandwidth", wanted.String(), left[n-1].String(), func(r *pathspec.Require) { r.Bandwidth = left[n-1] })
	}
}

// bounds looks for the least bounds that can be met.
func (x *relaxer) bounds() {
	r := &x.in.Require
	delays := func(set []disjoint.Path) (least, most int64) {
		least = disjoint.Never
		for _, p := range set {
			var sum int64
			for _, l := range p {
				d, _ := x.t.Links[l].Delay.Get()
				sum += int64(d)
			}
			least, most = min(least, sum), max(most, sum)
		}
		return least, most
	}
	if r.MaxDelay > 0 {
		x.least("maxDelay", int64(r.MaxDelay), milliseconds, func(set []disjoint.Path) int64 {
			_, most := delays(set)
			return most
		}, func(r *pathspec.Require, v int64) { r.MaxDelay = topology.Delay(v) })
	}
	if r.MaxDelaySpread != nil {
		x.least("maxDelaySpread", int64(*r.MaxDelaySpread), milliseconds, func(set []disjoint.Path) int64 {
			least, most := delays(set)
			return most - least
		}, func(r *pathspec.Require, v int64) {
			d := topology.Delay(v)
			r.MaxDelaySpread = &d
		})
	}
	if r.MaxHops > 0 {
		x.least("maxHops", int64(r.MaxHops), func(v int64) string { return strconv.FormatInt(v, 10) }, func(set []disjoint.Path) (most int64) {
			for _, p := range set {
				most = max(most, int64(len(p)))
			}
			return most
		}, func(r *pathspec.Require, v int64) { r.MaxHops = int(v) })
	}
}

// least finds the least value of a bound above the present one, from what a
// set without the bound needs of it downwards.
func (x *relaxer) least(field string, now int64, text func(int64) string, needs func([]disjoint.Path) int64, bound func(*pathspec.Require, int64)) {
	h := x.halt.Allow(relaxWork)
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
	x.try(field, text(now), text(enough), func(r *pathspec.Require) { bound(r, enough) })
}

// milliseconds writes a delay so that a small change is easy to see.
func milliseconds(us int64) string {
	return strconv.FormatFloat(float64(us)/1000, 'f', -1, 64) + "ms"
}

// places tries to admit one thing more.
func (x *relaxer) places() {
	r := &x.in.Require
	for i := range r.Countries.Deny {
		less := without(r.Countries.Deny, i)
		x.try("countries.deny", list(r.Countries.Deny), list(less), func(r *pathspec.Require) { r.Countries.Deny = less })
	}
	if r.Countries.Allow != nil {
		for _, country := range x.countries() {
			if more := append(slices.Clone(r.Countries.Allow), country); !slices.Contains(r.Countries.Allow, country) {
				x.try("countries.allow", list(r.Countries.Allow), list(more), func(r *pathspec.Require) { r.Countries.Allow = more })
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
		for i := range now {
			less := without(now, i)
			x.try(avoid.field, list(now), list(less), func(r *pathspec.Require) { *avoid.of(&r.Avoid) = less })
		}
	}
}

// countries lists those of the topology, sorted.
func (x *relaxer) countries() (names []string) {
	for i := range x.t.Sites {
		if c := x.t.Sites[i].Country; c != "" {
			names = append(names, c)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// conditions tries without a CEL condition, and without QKD.
func (x *relaxer) conditions() {
	r := &x.in.Require
	if r.Nodes != nil {
		x.try("nodes", r.Nodes.String(), "true", func(r *pathspec.Require) { r.Nodes = nil })
	}
	if r.Links != nil {
		x.try("links", r.Links.String(), "true", func(r *pathspec.Require) { r.Links = nil })
	}
	if r.Encryption == pathspec.QKD {
		x.try("encryption", pathspec.QKD.String(), pathspec.PQ.String(), func(r *pathspec.Require) { r.Encryption = pathspec.PQ })
	}
}

func without(names []string, i int) []string { return slices.Delete(slices.Clone(names), i, i+1) }

func list(names []string) string { return "[" + strings.Join(names, ", ") + "]" }
